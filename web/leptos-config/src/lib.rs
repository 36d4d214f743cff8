//! Stands in for Leptos' `leptos_config` (see `[patch.crates-io]` in the workspace's `Cargo.toml`).
//!
//! That crate reads options of servers from TOML files, and for this brings every table of `regex` into the application, about a third
//! of what a browser has to load. Nothing here is ever called; Leptos names the types in components for pages rendered by a server.

use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct LeptosOptions {
    pub output_name: Arc<str>,
    pub site_root: Arc<str>,
    pub site_pkg_dir: Arc<str>,
    pub reload_port: u32,
    pub reload_external_port: Option<u32>,
    pub reload_ws_protocol: ReloadWSProtocol,
    pub hash_file: Arc<str>,
    pub hash_files: bool,
}

/// Named as Leptos names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadWSProtocol {
    WS,
    WSS,
}
