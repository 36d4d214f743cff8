//! A quick look at raw bytes: which of them can hold an event that matches at all.
//!
//! Never says no to a text that would match. Words may be hidden in raw text by a JSON escape or by a colour
//! sequence in their midst; where either is near, the answer is yes.

use query_lang::ast::{Filter, FilterNode, TextKind, TextMatch};
use regex::bytes::Regex;

/// Shorter words are nearly everywhere.
const SHORTEST: usize = 3;

#[derive(Debug, Clone)]
pub struct Needle {
    word: Regex,
    /// The word, or what may hide it.
    hidden: Regex,
}

impl Needle {
    /// Nothing when the filter does not ask for a word.
    pub fn of(filter: Option<&Filter>) -> Option<Self> {
        let words = required(filter?)?;
        // One letter beyond ASCII folds to an ASCII one: the sign for kelvin.
        let fold = |word: &String| {
            let is_ascii_only = !word.contains(['k', 'K']);
            format!("(?{}:{})", if is_ascii_only { "i-u" } else { "i" }, regex::escape(word))
        };
        let words = words.iter().map(fold).collect::<Vec<_>>().join("|");
        let hidden = Regex::new(&format!("{words}|\\\\u|\\x1b")).ok()?;
        Some(Self { word: Regex::new(&words).ok()?, hidden })
    }

    /// What to look for in these bytes. Where nothing can hide a word, it is found much faster alone.
    pub fn within(&self, bytes: &[u8]) -> &Regex {
        let may_hide = memchr::memchr(0x1B, bytes).is_some() || memchr::memmem::find(bytes, b"\\u").is_some();
        if may_hide { &self.hidden } else { &self.word }
    }
}

/// Words of which one at least has to be there.
fn required(filter: &Filter) -> Option<Vec<String>> {
    match &filter.node {
        FilterNode::Text(text) | FilterNode::AnyText(text) => word_of(text).map(|word| vec![word]),
        // The rarest cannot be told; the longest is the best guess.
        FilterNode::And(terms) => {
            terms.iter().filter_map(required).max_by_key(|words| words.iter().map(String::len).min())
        }
        FilterNode::Or(terms) => {
            let each: Option<Vec<Vec<String>>> = terms.iter().map(required).collect();
            each.map(|each| each.concat())
        }
        FilterNode::All | FilterNode::Not(_) | FilterNode::Predicate(_) => None,
    }
}

/// The longest word of a phrase, of letters and digits that are written the same everywhere.
fn word_of(text: &TextMatch) -> Option<String> {
    if text.kind != TextKind::Phrase {
        return None;
    }
    let words = text.text.split(|character: char| !character.is_ascii_alphanumeric() && character.is_ascii());
    let plain = words.filter(|word| word.is_ascii() && word.len() >= SHORTEST);
    plain.max_by_key(|word| word.len()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needle(query: &str) -> Option<Needle> {
        let parsed = query_lang::parse(query).expect("a query");
        Needle::of(parsed.query.filter.as_ref())
    }

    fn is_in(needle: &Needle, text: &str) -> bool {
        needle.within(text.as_bytes()).is_match(text.as_bytes())
    }

    #[test]
    fn words_are_found_in_any_letter_case_and_behind_escapes() {
        let kelvin = needle("kelvin").expect("a word");
        let needle = needle("connection timeout level:error").expect("it has words");
        for text in ["CONNECTION x", r#"{"msg":"\u0063onnection"}"#, "conn\x1b[1mection"] {
            assert!(is_in(&needle, text), "{text}");
        }
        assert!(!is_in(&needle, "timeout alone"));
        assert!(is_in(&kelvin, "273 \u{212A}elvin"));
    }

    #[test]
    fn what_may_match_without_a_word_has_no_needle() {
        for query in ["*", "-timeout", "level:error", "conn*", "timeout or level:error", "ab", "größe"] {
            assert!(needle(query).is_none(), "{query}");
        }
        let either = needle("timeout or refused").expect("one of two");
        assert!(is_in(&either, "x refused") && is_in(&either, "timeout") && !is_in(&either, "fine"));
    }
}
