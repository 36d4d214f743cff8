//! How answers are written: for people, or in a form that programs read.

pub mod chart;
pub mod event;
pub mod rows;
pub mod sink;
pub mod table;
pub mod wrap;

use serde_json::Value as Json;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Events as lines for people, tables aligned, with bars on a terminal.
    Auto,
    /// The lines as they are in the files.
    Raw,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated, with a header.
    Csv,
    /// Aligned columns.
    Table,
}

/// A value as people read it; nothing for null.
pub fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
