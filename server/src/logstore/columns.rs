//! A batch as columns, in ClickHouse's Native form: what the engine takes for a third of what rows cost it.
//!
//! A batch of columns cannot be cut; parts of it go as rows (`block`). Columns whose type the table refines are sent as the plain type:
//! the engine makes a dictionary of a text by itself.

use bytes::Bytes;

use super::attributes::{Attributes, NeedsText, write_length, write_text};
use super::block::{COLUMNS, LogRow, write_uuid};

const ATTRIBUTES: &str = "attributes";

/// Collects rows into columns.
#[derive(Debug)]
pub struct ColumnBlock {
    /// In the order of `COLUMNS`; that of the attributes stays empty.
    columns: [Vec<u8>; COLUMNS.len()],
    /// Absent once a row came whose attributes have to go as text.
    attributes: Option<Attributes>,
    rows: usize,
    row_bytes: usize,
}

/// Columns ready to be sent, any number of times. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EncodedColumns {
    rows: usize,
    /// Everything before the type of the attributes, which only the table knows.
    before: Bytes,
    after: Bytes,
}

impl Default for ColumnBlock {
    fn default() -> Self {
        let columns = Default::default();
        Self { columns, attributes: Some(Attributes::default()), rows: 0, row_bytes: 0 }
    }
}

impl ColumnBlock {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What the rows would take as rows: limits mean that, whatever the form.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    pub fn push(&mut self, row: &LogRow<'_>) {
        self.rows += 1;
        self.row_bytes += row.encoded_bytes();
        let Some(attributes) = &mut self.attributes else { return };
        if attributes.push(row.attributes) == Err(NeedsText) {
            // Nobody will read the columns: let them go.
            self.attributes = None;
            self.columns = Default::default();
            return;
        }
        let [
            tenant,
            project,
            timestamp,
            received,
            level,
            source,
            host,
            message,
            trace,
            span,
            pattern,
            _,
            batch,
            place,
            retention,
        ] = &mut self.columns;
        write_uuid(tenant, row.tenant_id);
        write_uuid(project, row.project_id);
        timestamp.extend(row.timestamp_ns.to_le_bytes());
        received.extend(row.received_at_ms.to_le_bytes());
        level.push(row.level);
        let texts = [row.source, row.host, row.message, row.trace_id, row.span_id];
        for (column, text) in [source, host, message, trace, span].into_iter().zip(texts) {
            write_text(column, text);
        }
        pattern.extend(row.pattern_id.to_le_bytes());
        batch.extend(row.batch_id.to_le_bytes());
        place.extend(row.batch_row.to_le_bytes());
        retention.extend(row.retention_days.to_le_bytes());
    }

    /// `None`: the rows have to go as rows.
    #[must_use]
    pub fn encode(self) -> Option<EncodedColumns> {
        let attributes = self.attributes?;
        let bytes = self.columns.iter().map(Vec::len).sum::<usize>() + attributes.bytes();
        let mut out = Vec::with_capacity(bytes + 1024);
        write_length(&mut out, COLUMNS.len());
        write_length(&mut out, self.rows);
        let mut attributes = Some(attributes);
        let mut before = Vec::new();
        for ((name, kind), data) in COLUMNS.iter().zip(&self.columns) {
            write_text(&mut out, name);
            if *name == ATTRIBUTES {
                before = std::mem::replace(&mut out, Vec::with_capacity(bytes));
                if let Some(attributes) = attributes.take() {
                    attributes.write(&mut out);
                }
                continue;
            }
            write_text(
                &mut out,
                kind.strip_prefix("LowCardinality(").map_or(*kind, |inner| inner.trim_end_matches(')')),
            );
            out.extend(data);
        }
        Some(EncodedColumns { rows: self.rows, before: before.into(), after: out.into() })
    }
}

impl EncodedColumns {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The pieces of an insert's body.
    pub(super) fn pieces(&self, json_type: &str) -> [Bytes; 3] {
        let mut name = Vec::with_capacity(64);
        write_text(&mut name, json_type);
        [self.before.clone(), name.into(), self.after.clone()]
    }
}

/// Whether the JSON column keeps all its paths alike: one that has typed paths reads rows only.
pub(super) fn is_plain(json_type: &str) -> bool {
    let arguments = json_type.strip_prefix("JSON").map(|rest| rest.trim_matches(['(', ')']));
    arguments.is_some_and(|arguments| {
        arguments
            .split(',')
            .all(|argument| argument.is_empty() || argument.trim_start().starts_with("max_dynamic_"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_with_typed_paths_is_not_plain() {
        assert!(is_plain("JSON") && is_plain("JSON(max_dynamic_paths = 256, max_dynamic_types=8)"));
        assert!(!is_plain("JSON(max_dynamic_paths=256, `http.status` Int64)") && !is_plain("String"));
    }
}
