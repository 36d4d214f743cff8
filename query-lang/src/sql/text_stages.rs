//! `parse`, `extract` and `unpack`: columns out of text.

use super::words::push_literal;
use crate::ast::ParsePart;

/// A `parse` pattern as a regular expression: the shortest runs, the last one up to the end.
pub(crate) fn parse_regex(parts: &[ParsePart]) -> String {
    let mut regex = String::from("(?s)");
    for (index, part) in parts.iter().enumerate() {
        let run = if index + 1 == parts.len() { ".*" } else { ".*?" };
        match part {
            ParsePart::Text(text) => text.chars().for_each(|character| push_literal(&mut regex, character)),
            ParsePart::Capture { .. } => regex.push_str(&format!("({run})")),
            ParsePart::Skip => regex.push_str(run),
        }
    }
    regex
}
