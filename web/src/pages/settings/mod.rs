//! placeholder

use leptos::prelude::*;

#[component]
pub fn Settings() -> impl IntoView {
    view! { <div class="page"><h1>"Settings"</h1></div> }
}
