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
mod load;
mod pages;
mod preferences;
mod session;
mod shell;
mod stats;
mod time_range;
mod url;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
