//! placeholder

use leptos::prelude::*;

#[component]
pub fn Explore() -> impl IntoView {
    view! { <div class="page"><h1>"Explore"</h1></div> }
}
