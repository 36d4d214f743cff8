//! Checked queries compiled to ClickHouse SQL (§6 to §8 of the language).
//!
//! - The text holds constants of this crate, generated aliases and parameter references; see `text`.
//! - Tenant, projects, time range and row rules stand at every scan, because only `Compiler::scan` makes one.
//! - Two queries that differ in their values have the same text.

mod aggregate;
mod bins;
mod chart;
mod combine;
mod compare;
mod compiler;
mod condition;
mod context;
mod difference;
mod distribution;
mod event_stages;
mod event_text;
mod every_path;
mod expression;
mod function;
mod newest;
mod output;
mod overview;
mod pattern_overview;
mod pipe;
mod predicate;
mod request;
mod rollup;
mod rows;
mod select;
mod subquery;
mod term_counts;
mod text;
mod text_stages;
mod value;
mod windows;
mod words;

pub use difference::{Baseline, Difference, compile_difference, compile_pattern_names};
pub use distribution::MASKS;
pub use every_path::{compile_paths, looks_everywhere};
pub use newest::NewestFirst;
pub use output::{SETTINGS, compile};
pub use overview::{
    EVENTS_FOR_FIELDS, Neighbours, compile_context, compile_count, compile_event, compile_field_counts,
    compile_field_values, compile_fields, compile_histogram, compile_samples,
};
pub use pattern_overview::compile_patterns;
pub use request::{
    Compiled, EVENT_COLUMNS, EventKey, LookupTable, OutputColumn, Parameter, Request, RowShape, Scope,
    StoredPath, Wire,
};

pub use term_counts::{MOST_TERMS, compile_term_counts};

pub(crate) use text_stages::{Capture, named_captures, parse_captures, parse_regex};
pub(crate) use words::{is_token_character, word_regex};
