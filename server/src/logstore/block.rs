//! Rows on their way into `logs`, in ClickHouse's RowBinary form.
//!
//! What cannot go as columns (`columns`) goes like this, and so do parts of a batch: rows can be cut anywhere between two. The columns here, in [`COLUMNS`] and in
//! `migrations/clickhouse` are the same ones; the types travel with every insert, so a mix-up is refused.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::attributes::{write_length, write_text};

/// Name and type of each column, in the order of [`LogRow::write`]. The JSON column's type has arguments besides.
pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("tenant_id", "UUID"),
    ("project_id", "UUID"),
    ("timestamp", "DateTime64(9, 'UTC')"),
    ("received_at", "DateTime64(3, 'UTC')"),
    (
        "level",
        "Enum8('unknown' = 0, 'trace' = 1, 'debug' = 2, 'info' = 3, 'warn' = 4, 'error' = 5, 'fatal' = 6)",
    ),
    ("source", "LowCardinality(String)"),
    ("host", "LowCardinality(String)"),
    ("message", "String"),
    ("trace_id", "String"),
    ("span_id", "String"),
    ("pattern_id", "UInt64"),
    ("attributes", "JSON"),
    ("batch_id", "UInt64"),
    ("batch_row", "UInt32"),
    ("retention_days", "UInt16"),
];

/// One event as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct LogRow<'a> {
    pub tenant_id: Uuid,
    pub project_id: Uuid,
    /// Nanoseconds since 1970.
    pub timestamp_ns: i64,
    /// Milliseconds since 1970.
    pub received_at_ms: i64,
    /// 0 unknown, 1 trace, 2 debug, 3 info, 4 warn, 5 error, 6 fatal.
    pub level: u8,
    pub source: &'a str,
    pub host: &'a str,
    pub message: &'a str,
    pub trace_id: &'a str,
    pub span_id: &'a str,
    pub pattern_id: u64,
    /// A JSON object.
    pub attributes: &'a str,
    pub batch_id: u64,
    pub batch_row: u32,
    pub retention_days: u16,
}

/// Of the columns that have always the same length.
const FIXED_BYTES: usize = 16 + 16 + 8 + 8 + 1 + 8 + 8 + 4 + 2;

impl LogRow<'_> {
    /// What `write` appends.
    pub(super) fn encoded_bytes(&self) -> usize {
        let text = |text: &str| text.len() + (text.len().max(1).ilog2() as usize) / 7 + 1;
        let texts =
            [self.source, self.host, self.message, self.trace_id, self.span_id, self.attributes].map(text);
        FIXED_BYTES + texts.into_iter().sum::<usize>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_uuid(out, self.tenant_id);
        write_uuid(out, self.project_id);
        out.extend(self.timestamp_ns.to_le_bytes());
        out.extend(self.received_at_ms.to_le_bytes());
        out.push(self.level);
        for text in [self.source, self.host, self.message, self.trace_id, self.span_id] {
            write_text(out, text);
        }
        out.extend(self.pattern_id.to_le_bytes());
        write_text(out, self.attributes);
        out.extend(self.batch_id.to_le_bytes());
        out.extend(self.batch_row.to_le_bytes());
        out.extend(self.retention_days.to_le_bytes());
    }
}

/// Collects rows.
#[derive(Debug, Default)]
pub struct LogBlock {
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl LogBlock {
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { data: Vec::with_capacity(bytes), ends: Vec::new() }
    }

    pub fn push(&mut self, row: &LogRow<'_>) {
        row.write(&mut self.data);
        self.ends.push(self.data.len());
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    #[must_use]
    pub fn encode(self) -> EncodedBlock {
        EncodedBlock { rows: 0..self.ends.len(), ends: self.ends.into(), data: self.data.into() }
    }
}

/// Rows ready to be sent, any number of times. Cheap to clone and to cut.
#[derive(Debug, Clone)]
pub struct EncodedBlock {
    data: Bytes,
    ends: Arc<[usize]>,
    rows: Range<usize>,
}

impl EncodedBlock {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The rows from `range.start` up to `range.end` of this block; what lies beyond its end is left out.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let within = |row: usize| (self.rows.start + row).min(self.rows.end);
        Self { rows: within(range.start)..within(range.end), ..self.clone() }
    }

    pub(super) fn data(&self) -> Bytes {
        let start_of = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] };
        self.data.slice(start_of(self.rows.start)..start_of(self.rows.end))
    }
}

/// The names and types that stand before the rows (`RowBinaryWithNamesAndTypes`).
pub(super) fn header(json_type: &str) -> Bytes {
    let mut out = Vec::with_capacity(512);
    write_length(&mut out, COLUMNS.len());
    for (name, _) in COLUMNS {
        write_text(&mut out, name);
    }
    for (name, kind) in COLUMNS {
        write_text(&mut out, if *name == "attributes" { json_type } else { kind });
    }
    out.into()
}

/// ClickHouse keeps a UUID as two little-endian halves.
pub(super) fn write_uuid(out: &mut Vec<u8>, id: Uuid) {
    let (high, low) = id.as_u64_pair();
    out.extend(high.to_le_bytes());
    out.extend(low.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(message: &str, batch_row: u32) -> LogRow<'_> {
        LogRow {
            tenant_id: Uuid::nil(),
            project_id: Uuid::nil(),
            timestamp_ns: 1,
            received_at_ms: 1,
            level: 3,
            source: "",
            host: "",
            message,
            trace_id: "",
            span_id: "",
            pattern_id: 0,
            attributes: "{}",
            batch_id: 1,
            batch_row,
            retention_days: 30,
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_block_are_the_block(messages in prop::collection::vec(".{0,200}", 0..40), cut in 0usize..50) {
            let mut block = LogBlock::default();
            for (number, message) in messages.iter().enumerate() {
                block.push(&row(message, number as u32));
            }
            let bytes: usize = messages.iter().map(|message| row(message, 0).encoded_bytes()).sum();
            prop_assert_eq!(block.bytes(), bytes);
            let whole = block.encode();
            let (left, right) = (whole.part(0..cut), whole.part(cut..usize::MAX / 2));
            prop_assert_eq!(left.rows() + right.rows(), whole.rows());
            prop_assert_eq!([left.data(), right.data()].concat(), whole.data());
            let inner = right.part(0..1);
            prop_assert_eq!(inner.rows(), right.rows().min(1));
        }
    }
}
