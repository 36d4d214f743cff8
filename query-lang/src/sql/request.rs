//! Who asks, over which time, and where a page begins.

pub use super::text::Parameter;
use crate::Diagnostic;
use crate::ast::{Column, Filter};

/// Whose events: one organization and some of its projects. Every table that a statement reads is narrowed to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// A UUID.
    pub organization_id: String,
    /// UUIDs; with none, nothing is found.
    pub project_ids: Vec<String>,
    /// Checked filters, each of which an event must pass to be seen; see `row_rule`.
    pub rules: Vec<Filter>,
}

/// Over which time a query runs and how many rows it may give. Times are nanoseconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub from_ns: i64,
    /// Exclusive.
    pub to_ns: i64,
    pub now_ns: i64,
    pub tz: jiff::tz::TimeZone,
    /// Most rows of the answer. One more is asked for, to know whether there are more.
    pub limit: u64,
    /// Rows to leave out first; for the next page of a table.
    pub offset: u64,
    /// Only events older than this one; for the next page of events in their usual order.
    pub after: Option<EventKey>,
    /// Uploaded tables for `lookup`.
    pub tables: Vec<LookupTable>,
    /// All attribute paths that events of the range have; `None` when nobody knows. With them `*:word` reads those that
    /// can hold the word, and not everything.
    pub paths: Option<Vec<StoredPath>>,
}

/// A path of attributes, and the engine's names for the types of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPath {
    pub path: String,
    pub types: Vec<String>,
}

/// A small uploaded table: every value as text.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupTable {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// What identifies an event and gives events of the same time an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    pub timestamp_ns: i64,
    pub batch_id: u64,
    pub batch_row: u32,
}

/// Length of an event's public id.
const ID_LENGTH: usize = 40;

impl EventKey {
    /// The public, opaque id: 40 hexadecimal digits that sort as the keys do.
    #[must_use]
    pub fn id(&self) -> String {
        let sortable = (self.timestamp_ns as u64) ^ (1 << 63);
        format!("{sortable:016x}{:016x}{:08x}", self.batch_id, self.batch_row)
    }

    /// The key of a public id; `None` for any other text.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if id.len() != ID_LENGTH || !id.bytes().all(is_lower_hex) {
            return None;
        }
        let sortable = u64::from_str_radix(&id[..16], 16).ok()?;
        Some(Self {
            timestamp_ns: (sortable ^ (1 << 63)) as i64,
            batch_id: u64::from_str_radix(&id[16..32], 16).ok()?,
            batch_row: u32::from_str_radix(&id[32..], 16).ok()?,
        })
    }
}

/// A statement that is ready to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// Constants, generated aliases and parameter references, nothing else.
    pub sql: String,
    pub parameters: Vec<(String, Parameter)>,
    pub shape: RowShape,
    /// What the columns are called in the SQL, for statements around this one.
    pub aliases: Vec<String>,
    /// Of each row, in the order of the SELECT.
    pub columns: Vec<OutputColumn>,
    /// Rows may be paged by `Request::after`: whole events in their usual order.
    pub keyset: bool,
    /// The part that finds the keys of the rows of the page, where the statement does that first: nearly all that it reads.
    pub keys_first: Option<String>,
    /// Rows depend on events of other times (`join`, `context`, `in {…}`): a part of the range does not give a part of them.
    pub looks_elsewhere: bool,
    /// All times that the statement reads, `[from, to)` in nanoseconds: its own and those that it compares with.
    pub reads: (i64, i64),
    /// Things to tell that do not stop the query.
    pub warnings: Vec<Diagnostic>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RowShape {
    /// Each row begins with the columns of `EVENT_COLUMNS`; computed ones follow.
    Events {
        /// Attribute paths and core fields that a stage took away.
        dropped: Vec<String>,
        /// Old path and new one, of values that are still where they were.
        renamed: Vec<(String, String)>,
        /// Columns of the answer that hold unpacked names, as objects, and the prefix of these names. Later ones win.
        unpacked: Vec<(usize, String)>,
    },
    Table,
}

/// What every row of events begins with.
pub const EVENT_COLUMNS: [&str; 10] = [
    "timestamp",
    "batch_id",
    "batch_row",
    "level",
    "source",
    "host",
    "message",
    "trace_id",
    "span_id",
    "attributes",
];

/// A column of the answer, and how its values are written there.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    pub column: Column,
    pub wire: Wire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// As JSON: text, numbers, booleans, arrays, objects, null.
    Json,
    /// Nanoseconds since 1970, to be shown as RFC 3339.
    TimeNs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_its_key_back_and_sorts_like_it() {
        let keys = [(-5, 0, 0), (-5, 0, 1), (0, 7, 3), (1, 0, 0), (i64::MAX, u64::MAX, u32::MAX)]
            .map(|(timestamp_ns, batch_id, batch_row)| EventKey { timestamp_ns, batch_id, batch_row });
        let ids = keys.map(|key| key.id());
        assert!(ids.is_sorted());
        assert_eq!(ids.map(|id| EventKey::of_id(&id).expect("an id")), keys);
        for text in ["", "e44", "é", &"A".repeat(40), &"é".repeat(20), &"0".repeat(41)] {
            assert_eq!(EventKey::of_id(text), None, "{text}");
        }
    }
}
