//! Events as bytes in the write-ahead log: each is written once, in the handler, and read once, by the shipper.
//!
//! A row is its length and then its columns, in the form that ClickHouse's RowBinary has as well.

use uuid::Uuid;

const LENGTH_BYTES: usize = 4;
const FIXED_BYTES: usize = 8 + 1;
const DAY_NS: i64 = 86_400_000_000_000;

/// One event as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    pub timestamp_ns: i64,
    /// As in the table's `Enum8`.
    pub level: u8,
    pub source: &'a str,
    pub host: &'a str,
    pub message: &'a str,
    pub trace_id: &'a str,
    pub span_id: &'a str,
    pub pattern_id: u64,
    /// A JSON object.
    pub attributes: &'a str,
}

/// The columns that all rows of one request share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub organization_id: Uuid,
    pub project_id: Uuid,
    pub retention_days: u16,
    pub received_at_ms: i64,
    /// The API key that sent them; nil for a person.
    pub key_id: Uuid,
}

/// Rows one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    bytes: Vec<u8>,
    count: u32,
}

impl Rows {
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), count: 0 }
    }

    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the rows take, without what keeps them apart.
    #[must_use]
    pub fn event_bytes(&self) -> u64 {
        event_bytes(&self.bytes, self.count)
    }

    /// Adds the rows of another request behind these.
    pub fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.count += other.count;
    }

    pub fn push(&mut self, row: &Row<'_>) {
        let start = self.bytes.len();
        let out = &mut self.bytes;
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        out.extend_from_slice(&row.timestamp_ns.to_le_bytes());
        out.push(row.level);
        for text in [row.source, row.host, row.message, row.trace_id, row.span_id] {
            write_text(out, text);
        }
        out.extend_from_slice(&row.pattern_id.to_le_bytes());
        write_text(out, row.attributes);
        let length = (out.len() - start - LENGTH_BYTES) as u32;
        out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
    }
}

/// What `count` rows take, without what keeps them apart.
#[must_use]
pub fn event_bytes(bytes: &[u8], count: u32) -> u64 {
    bytes.len().saturating_sub(count as usize * LENGTH_BYTES) as u64
}

/// Goes through rows that `Rows` wrote; ends early at bytes that it cannot have written.
pub fn iterate(bytes: &[u8]) -> impl Iterator<Item = EncodedRow<'_>> {
    iterate_with_offsets(bytes).map(|(_, row)| row)
}

/// The same, with the byte at which each row begins.
pub fn iterate_with_offsets(bytes: &[u8]) -> impl Iterator<Item = (usize, EncodedRow<'_>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let offset = bytes.len() - rest.len();
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let (row, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        (row.len() >= FIXED_BYTES).then_some((offset, EncodedRow(row)))
    })
}

/// The bytes of one row.
#[derive(Clone, Copy, Debug)]
pub struct EncodedRow<'a>(&'a [u8]);

impl<'a> EncodedRow<'a> {
    #[must_use]
    pub fn timestamp_ns(&self) -> i64 {
        i64::from_le_bytes(std::array::from_fn(|i| self.0[i]))
    }

    /// Days since the epoch: the table's partition.
    #[must_use]
    pub fn day(&self) -> i32 {
        self.timestamp_ns().div_euclid(DAY_NS) as i32
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The column `source` alone.
    #[must_use]
    pub fn source(&self) -> Option<&'a str> {
        read_text(&mut self.0.get(FIXED_BYTES..)?)
    }

    /// Goes on from the checksum of the rows before.
    #[must_use]
    pub fn checksum(&self, before: u32) -> u32 {
        crc32c::crc32c_append(before, self.0)
    }

    /// Reads the columns; `None` when the bytes are not a row.
    #[must_use]
    pub fn decode(&self) -> Option<Row<'a>> {
        let mut rest = self.0.get(FIXED_BYTES..)?;
        let mut text = || read_text(&mut rest);
        let (source, host, message, trace_id, span_id) = (text()?, text()?, text()?, text()?, text()?);
        let (pattern_id, after) = rest.split_first_chunk::<8>()?;
        rest = after;
        let attributes = read_text(&mut rest)?;
        let pattern_id = u64::from_le_bytes(*pattern_id);
        let (timestamp_ns, level) = (self.timestamp_ns(), self.0[8]);
        Some(Row { timestamp_ns, level, source, host, message, trace_id, span_id, pattern_id, attributes })
    }
}

/// A length as LEB128, then the bytes.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7F).checked_shl(shift)?;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn row<'a>(timestamp_ns: i64, message: &'a str) -> Row<'a> {
        Row {
            timestamp_ns,
            level: 3,
            source: "api",
            host: "web-1",
            message,
            trace_id: "",
            span_id: "",
            pattern_id: 7,
            attributes: r#"{"http":{"status":200}}"#,
        }
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_went_in(
            messages in proptest::collection::vec((any::<i64>(), ".{0,300}"), 0..20),
        ) {
            let mut rows = Rows::default();
            for (timestamp_ns, message) in &messages {
                rows.push(&row(*timestamp_ns, message));
            }
            let back: Vec<Row> = iterate(rows.as_bytes()).filter_map(|row| row.decode()).collect();
            let sent: Vec<Row> = messages.iter().map(|(time, message)| row(*time, message)).collect();
            prop_assert_eq!(back, sent);
        }

        #[test]
        fn any_bytes_can_be_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            for row in iterate(&bytes) {
                prop_assert!(row.bytes() >= row.decode().map_or(0, |row| row.message.len()));
            }
        }
    }

    #[test]
    fn days_before_the_epoch_count_downward() {
        let mut rows = Rows::default();
        rows.push(&row(-1, ""));
        rows.push(&row(0, ""));
        rows.push(&row(DAY_NS, ""));
        assert_eq!(iterate(rows.as_bytes()).map(|row| row.day()).collect::<Vec<_>>(), [-1, 0, 1]);
    }
}
