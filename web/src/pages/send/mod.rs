//! placeholder

use leptos::prelude::*;

#[component]
pub fn SendLogs() -> impl IntoView {
    view! { <div class="page"><h1>"SendLogs"</h1></div> }
}
