//! The pages, in the order in which they are used.

use crate::components::{Glyph, Icon};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

pub const PAGES: [(&str, &str, Icon); 5] = [
    ("/explore", "Explore", Icon::Explore),
    ("/alerts", "Alerts", Icon::Alert),
    ("/send", "Send logs", Icon::Send),
    ("/ingest", "Ingest", Icon::Activity),
    ("/settings", "Settings", Icon::Settings),
];

#[component]
pub fn Navigation() -> impl IntoView {
    let path = use_location().pathname;
    let items = PAGES.map(|(address, name, icon)| {
        let current = move || path.with(|path| path.starts_with(address)).then_some("page");
        view! {
            <a class="nav-item" href=address aria-current=current>
                <Glyph icon/>
                <span>{name}</span>
            </a>
        }
    });
    view! { <nav class="nav" aria-label="Main">{items.collect_view()}</nav> }
}
