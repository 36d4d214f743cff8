//! The Leptos application, client-side rendered.

fn main() {}
