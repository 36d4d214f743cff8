//! What travels over HTTP: serde structs by resource, no logic. Used by server, web and command line.
//!
//! Times are RFC 3339 strings in UTC; ids are UUIDv7 strings, but an event's id is opaque. Lists answer `List<T>`.

pub mod accounts;
pub mod alerts;
pub mod audit;
pub mod erasure;
pub mod events;
pub mod ingest;
pub mod masking;
pub mod problem;
pub mod saved_searches;
pub mod search;
pub mod usage;

use serde::{Deserialize, Serialize};

/// A page of a list; `next_cursor` is `null` on the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct List<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}
