//! The Leptos application, client-side rendered.
//!
//! `api` talks to the server, `components` draw, `pages` put both together; the state of Explore is in the URL (`url`).

mod api;
mod app;
mod browser;
mod chart;
mod components;
mod editor;
mod format;
mod language;
mod later;
mod load;
mod local;
mod pages;
mod preferences;
mod session;
mod shell;
mod stats;
mod time_range;
mod url;

/// The same program is the page, and the worker behind `/local`.
fn main() {
    #[cfg(debug_assertions)]
    std::panic::set_hook(Box::new(|panic| browser::log_error(&panic.to_string())));
    match local::scope() {
        Some(_) => wasm_bindgen_futures::spawn_local(later::run_local_worker()),
        None => leptos::mount::mount_to_body(app::App),
    }
}
