//! Where the next page begins, with the range that the first page had: relative times must not move between pages.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use query_lang::sql::EventKey;

/// How the rows before the next page are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// After this event, newest first: stays right while new events arrive.
    After(EventKey),
    /// After so many rows, for orders that are not the events' own.
    Skip(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub from_ns: i64,
    pub to_ns: i64,
    pub position: Position,
}

/// Times, then batch and row, or a number of rows.
const AFTER_BYTES: usize = 36;
const SKIP_BYTES: usize = 24;

impl Cursor {
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(AFTER_BYTES);
        bytes.extend_from_slice(&self.from_ns.to_be_bytes());
        bytes.extend_from_slice(&self.to_ns.to_be_bytes());
        match &self.position {
            Position::After(key) => {
                bytes.extend_from_slice(&key.timestamp_ns.to_be_bytes());
                bytes.extend_from_slice(&key.batch_id.to_be_bytes());
                bytes.extend_from_slice(&key.batch_row.to_be_bytes());
            }
            Position::Skip(rows) => bytes.extend_from_slice(&rows.to_be_bytes()),
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for what is not a cursor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let eight = |at: usize| bytes.get(at..at + 8)?.try_into().ok();
        let position = match bytes.len() {
            AFTER_BYTES => Position::After(EventKey {
                timestamp_ns: i64::from_be_bytes(eight(16)?),
                batch_id: u64::from_be_bytes(eight(24)?),
                batch_row: u32::from_be_bytes(bytes[32..].try_into().ok()?),
            }),
            SKIP_BYTES => Position::Skip(u64::from_be_bytes(eight(16)?)),
            _ => return None,
        };
        Some(Self { from_ns: i64::from_be_bytes(eight(0)?), to_ns: i64::from_be_bytes(eight(8)?), position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_says_what_it_was_made_of(
            timestamp_ns: i64, batch_id: u64, batch_row: u32, from_ns: i64, to_ns: i64, rows: u64,
        ) {
            let key = EventKey { timestamp_ns, batch_id, batch_row };
            for position in [Position::After(key), Position::Skip(rows)] {
                let cursor = Cursor { from_ns, to_ns, position };
                prop_assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
            }
        }

        #[test]
        fn any_other_text_is_no_panic_and_at_most_the_same_text_again(text in ".{0,60}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.text(), text);
            }
        }
    }
}
