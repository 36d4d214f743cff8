//! cordwood-server: ingest, search, alerts, accounts and the web UI.

fn main() {}
