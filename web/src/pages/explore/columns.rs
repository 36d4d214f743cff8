//! What a person has chosen for the columns on this browser: which were shown last, and how wide each is.

use crate::browser;
use leptos::prelude::*;
use std::collections::BTreeMap;

const SHOWN: &str = "cordwood.columns";
const WIDTHS: &str = "cordwood.column-widths";
/// Pixels.
pub const DEFAULT_WIDTH: u32 = 130;
const NARROWEST: u32 = 60;
const WIDEST: u32 = 900;

#[derive(Clone, Copy)]
pub struct Columns {
    widths: RwSignal<BTreeMap<String, u32>>,
}

impl Columns {
    pub fn new() -> Self {
        let widths = browser::stored(WIDTHS).and_then(|json| serde_json::from_str(&json).ok());
        Self { widths: RwSignal::new(widths.unwrap_or_default()) }
    }

    pub fn width(self, column: &str) -> u32 {
        self.widths.with(|widths| widths.get(column).copied()).unwrap_or(DEFAULT_WIDTH)
    }

    pub fn resize(self, column: &str, width: i64) {
        let width = width.clamp(i64::from(NARROWEST), i64::from(WIDEST)) as u32;
        self.widths.update(|widths| {
            widths.insert(column.to_owned(), width);
        });
        if let Ok(json) = self.widths.with_untracked(serde_json::to_string) {
            browser::store(WIDTHS, Some(&json));
        }
    }

    /// For `grid-template-columns`.
    pub fn template(self, columns: &[String]) -> String {
        columns.iter().map(|column| format!("{}px", self.width(column))).collect::<Vec<_>>().join(" ")
    }

    pub fn remember(self, columns: &[String]) {
        let json = serde_json::to_string(columns).ok().filter(|_| !columns.is_empty());
        browser::store(SHOWN, json.as_deref());
    }

    pub fn remembered(self) -> Vec<String> {
        browser::stored(SHOWN).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
    }
}
