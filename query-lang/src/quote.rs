//! How text is written so that it means itself: quotes, backticks, escapes.

use std::fmt::Write as _;

use crate::lexical::{ends_value, expression_name, filter_name, is_curly_quote};
use crate::literal;

/// A string that means exactly this text: raw `'…'` where escapes would be needed, else `"…"`.
#[must_use]
pub fn string(text: &str) -> String {
    let raw = text.contains(['"', '\\']) && !text.contains(char::is_control);
    if raw { format!("'{}'", text.replace('\'', "''")) } else { double(text) }
}

/// `"…"`, with what would end or change it escaped.
fn double(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A field name in a filter, in backticks if it needs them.
#[must_use]
pub fn filter_field(path: &str) -> String {
    let plain = filter_name(path) == path.len() && !path.is_empty() && !is_operator_word(path);
    if plain { path.to_owned() } else { backticks(path) }
}

/// A field name in an expression or a stage, in backticks if it needs them.
#[must_use]
pub fn column(path: &str) -> String {
    let plain = expression_name(path) == path.len() && !path.is_empty() && !is_reserved(path);
    if plain { path.to_owned() } else { backticks(path) }
}

fn backticks(path: &str) -> String {
    format!("`{}`", path.replace('`', "``"))
}

fn is_operator_word(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// Words that a stage or an expression reads as something else.
fn is_reserved(word: &str) -> bool {
    let reserved = [
        "and", "or", "not", "in", "true", "false", "null", "by", "as", "where", "on", "asc", "desc", "json",
        "logfmt",
    ];
    reserved.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// A value that means exactly this text after `:`, quoted only where it has to be.
#[must_use]
pub fn value(text: &str) -> String {
    if is_plain_value(text) { text.to_owned() } else { string(text) }
}

fn is_plain_value(text: &str) -> bool {
    let starts_well = |c: char| !matches!(c, '\'' | '<' | '>' | '=' | '~' | '!' | '-') && !is_curly_quote(c);
    text.starts_with(starts_well)
        && !text.contains(|c| ends_value(c) || c.is_control() || matches!(c, '*' | '?' | '\\'))
        && !text.eq_ignore_ascii_case("null")
        && !is_operator_word(text)
        && literal::classify(text) == crate::ast::LiteralClass::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_backticks_only_where_they_need_them() {
        assert_eq!(filter_field("order-id"), "order-id");
        assert_eq!(column("order-id"), "`order-id`");
        assert_eq!(filter_field("weird `key`"), "`weird ``key```");
        assert_eq!(column("by"), "`by`");
        assert_eq!(filter_field("not"), "`not`");
    }

    #[test]
    fn values_are_quoted_when_they_would_be_read_otherwise() {
        for plain in ["web-1", "http://x/y", "10.0.0.1:80", "C++"] {
            assert_eq!(value(plain), plain);
        }
        for special in ["", "a b", "web*", "500", "1.5s", "true", "null", "-x", "a,b", "it\"s", "and"] {
            assert!(value(special).starts_with(['"', '\'']), "{special}");
        }
        assert_eq!(string("a\\b\n\u{1}"), "\"a\\\\b\\n\\u0001\"");
        assert_eq!(string(r"it's \d"), r"'it''s \d'");
    }
}
