//! The pages, one folder each.

pub mod alerts;
pub mod auth;
pub mod components;
pub mod explore;
pub mod ingest;
pub mod local;
pub mod send;
pub mod settings;
