//! Which formats may be answered piece by piece.
//!
//! The library writes every piece of a streamed answer as a document of its own, with header and footer. Pieces of
//! formats without either simply follow each other; of formats with a header it is cut off from the second piece
//! on; for all others (`JSON`, `Parquet`, …) the answer is built whole.

use crate::statement::Statement;

/// What every piece begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Header {
    Nothing,
    Lines(usize),
    /// Lines in which quoted names may hold line breaks.
    CsvLines(usize),
    /// Names, and types when `true`, as counted texts.
    Binary {
        types: bool,
    },
}

/// The header of the statement's format, `None` when its answer must be built whole.
pub fn header(statement: &Statement) -> Option<Header> {
    let wraps_rows = |name: &str| name == "output_format_json_array_of_rows";
    if statement.settings.iter().any(|(name, _)| wraps_rows(name)) {
        return None;
    }
    header_of_format(format_of(statement)?)
}

/// The format of the answer, `None` when finding it would need a parser.
fn format_of(statement: &Statement) -> Option<&str> {
    let sql = statement.sql.to_ascii_uppercase();
    if !sql.contains("FORMAT") {
        return Some(&statement.format);
    }
    let has_comments = ["--", "/*", "#"].iter().any(|mark| sql.contains(mark));
    if has_comments { None } else { statement.split_format().map(|(_, format)| format) }
}

fn header_of_format(format: &str) -> Option<Header> {
    Some(match format.to_ascii_lowercase().as_str() {
        "tabseparated"
        | "tsv"
        | "tabseparatedraw"
        | "tsvraw"
        | "csv"
        | "tskv"
        | "rowbinary"
        | "native"
        | "null"
        | "jsoneachrow"
        | "jsonlines"
        | "ndjson"
        | "jsonstringseachrow"
        | "jsoncompacteachrow"
        | "jsoncompactstringseachrow"
        | "rawblob"
        | "msgpack" => Header::Nothing,
        "tabseparatedwithnames"
        | "tsvwithnames"
        | "jsoncompacteachrowwithnames"
        | "jsoncompactstringseachrowwithnames" => Header::Lines(1),
        "tabseparatedwithnamesandtypes"
        | "tsvwithnamesandtypes"
        | "jsoncompacteachrowwithnamesandtypes"
        | "jsoncompactstringseachrowwithnamesandtypes" => Header::Lines(2),
        "csvwithnames" => Header::CsvLines(1),
        "csvwithnamesandtypes" => Header::CsvLines(2),
        "rowbinarywithnames" => Header::Binary { types: false },
        "rowbinarywithnamesandtypes" => Header::Binary { types: true },
        _ => return None,
    })
}

impl Header {
    /// The piece without its header; nothing when the piece is shorter than a header can be.
    pub fn cut(self, piece: &[u8]) -> &[u8] {
        match self {
            Self::Nothing => Some(piece),
            Self::Lines(count) => after_lines(piece, count, false),
            Self::CsvLines(count) => after_lines(piece, count, true),
            Self::Binary { types } => after_texts(piece, types),
        }
        .unwrap_or_default()
    }
}

fn after_lines(piece: &[u8], count: usize, quotes: bool) -> Option<&[u8]> {
    let mut quoted = false;
    let mut lines = 0;
    let end = piece.iter().position(|byte| {
        quoted ^= quotes && *byte == b'"';
        lines += usize::from(*byte == b'\n' && !quoted);
        lines == count
    })?;
    piece.get(end + 1..)
}

fn after_texts(mut piece: &[u8], types: bool) -> Option<&[u8]> {
    let columns = take_varint(&mut piece)?;
    for _ in 0..columns * if types { 2 } else { 1 } {
        let length = take_varint(&mut piece)?;
        piece = piece.get(usize::try_from(length).ok()?..)?;
    }
    Some(piece)
}

fn take_varint(piece: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = piece.split_first()?;
        *piece = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_for(sql: &str, default_format: &str) -> Option<Header> {
        let pairs = [("query", sql), ("default_format", default_format)];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        header(&Statement::from_pairs(pairs).unwrap())
    }

    #[test]
    fn the_format_of_the_statement_goes_before_the_default() {
        assert_eq!(header_for("SELECT 1", "RowBinary"), Some(Header::Nothing));
        assert_eq!(header_for("SELECT 1 FORMAT CSVWithNames", "RowBinary"), Some(Header::CsvLines(1)));
        assert_eq!(header_for("SELECT 1 FORMAT JSON", "RowBinary"), None);
    }

    #[test]
    fn an_unclear_format_is_not_streamed() {
        assert_eq!(header_for("SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "RowBinary"), None);
        assert_eq!(header_for("SELECT 1 -- FORMAT TSV", "JSON"), None);
        assert_eq!(header_for("SELECT 'format' AS x", "RowBinary"), None);
    }

    #[test]
    fn headers_are_cut_off() {
        assert_eq!(Header::Lines(2).cut(b"a\nb\nrow\n"), b"row\n");
        assert_eq!(Header::CsvLines(1).cut(b"\"a\nb\",c\nrow\n"), b"row\n");
        assert_eq!(Header::Binary { types: true }.cut(b"\x01\x01n\x05UInt8\x07"), b"\x07");
        assert_eq!(Header::Binary { types: true }.cut(b"\x01\x01n\x05UI"), b"");
    }
}
