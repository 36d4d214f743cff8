//! The pages, one folder each.

pub mod alerts;
pub mod auth;
#[cfg(any(debug_assertions, feature = "dev-pages"))]
pub mod components;
pub mod device;
pub mod explore;
pub mod ingest;
pub mod local;
pub mod send;
pub mod settings;
