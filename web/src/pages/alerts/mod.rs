//! placeholder

use leptos::prelude::*;

#[component]
pub fn AlertList() -> impl IntoView {
    view! { <div class="page"><h1>"Alerts"</h1></div> }
}
#[component]
pub fn NewAlert() -> impl IntoView {
    view! { <div class="page"><h1>"Alerts"</h1></div> }
}
#[component]
pub fn EditAlert() -> impl IntoView {
    view! { <div class="page"><h1>"Alerts"</h1></div> }
}
#[component]
pub fn AlertPage() -> impl IntoView {
    view! { <div class="page"><h1>"Alerts"</h1></div> }
}
