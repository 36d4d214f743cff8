//! Regular expressions as ClickHouse's engine (RE2) reads them.
//!
//! Its `\w \d \s \b` are ASCII, those of the `regex` crate are not, so they are spelled out. A dot matches line ends.

use regex::bytes::{Regex, RegexBuilder};

/// Compiled size that a query may ask for.
const SIZE_LIMIT: usize = 1 << 20;

pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&as_ascii(pattern)).dot_matches_new_line(true).size_limit(SIZE_LIMIT).build().ok()
}

/// Spells out the classes that mean more in the `regex` crate.
fn as_ascii(pattern: &str) -> String {
    let mut spelled = String::with_capacity(pattern.len() + 16);
    let mut characters = pattern.chars();
    let mut depth = 0_usize;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let escaped = characters.next();
                push_escape(&mut spelled, escaped, depth > 0);
            }
            '[' => {
                depth += 1;
                spelled.push('[');
            }
            ']' => {
                depth = depth.saturating_sub(1);
                spelled.push(']');
            }
            other => spelled.push(other),
        }
    }
    spelled
}

fn push_escape(spelled: &mut String, escaped: Option<char>, in_class: bool) {
    let class = match escaped {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('s') => "[\\t\\n\\f\\r ]",
        Some('S') => "[^\\t\\n\\f\\r ]",
        Some('b') if !in_class => "(?-u:\\b)",
        Some('B') if !in_class => "(?-u:\\B)",
        Some(other) => {
            spelled.push('\\');
            spelled.push(other);
            return;
        }
        None => "\\",
    };
    spelled.push_str(class);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).expect("valid").is_match(text.as_bytes())
    }

    #[test]
    fn classes_are_ascii() {
        assert!(matches(r"^\d+$", "123"));
        assert!(!matches(r"^\d+$", "１２３"));
        assert!(!matches(r"^\w+$", "größe"));
        assert!(matches(r"^[\w-]+$", "a-b_1"));
        assert!(matches(r"^[^\s]+$", "a\u{a0}b"));
        assert!(matches(r"gr\b", "größe"));
        assert!(matches(r"^\D$", "ö"));
    }

    #[test]
    fn a_dot_crosses_lines_and_letter_case_can_be_ignored() {
        assert!(matches("a.b", "a\nb"));
        assert!(matches("(?i)GRÖSSE", "grösse"));
        assert!(!matches("A", "a"));
    }
}
