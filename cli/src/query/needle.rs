//! A quick look at raw bytes: which of them can hold an event that matches at all.
//!
//! Never says no to a text that would match. Words may be hidden in raw text by a JSON escape or by a colour
//! sequence in their midst; where either is near, the answer is yes.

use query_lang::ast::{Filter, FilterNode, TextKind, TextMatch};
use regex::bytes::Regex;

/// Shorter words are nearly everywhere.
const SHORTEST: usize = 3;

#[derive(Debug, Clone)]
pub struct Needle(Regex);

impl Needle {
    /// Nothing when the filter does not ask for a word.
    pub fn of(filter: Option<&Filter>) -> Option<Self> {
        let words = required(filter?)?;
        let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
        Regex::new(&format!("(?i:{})|\\\\u|\\x1b", words.join("|"))).ok().map(Self)
    }

    pub fn is_in(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// The place of the next possible match.
    pub fn find_from(&self, text: &[u8], from: usize) -> Option<usize> {
        self.0.find_at(text, from).map(|found| found.start())
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

    #[test]
    fn words_are_found_in_any_letter_case_and_behind_escapes() {
        let needle = needle("connection timeout level:error").expect("it has words");
        for text in ["CONNECTION x", r#"{"msg":"\u0063onnection"}"#, "conn\x1b[1mection"] {
            assert!(needle.is_in(text.as_bytes()), "{text}");
        }
        assert!(!needle.is_in(b"timeout alone"));
    }

    #[test]
    fn what_may_match_without_a_word_has_no_needle() {
        for query in ["*", "-timeout", "level:error", "conn*", "timeout or level:error", "ab", "größe"] {
            assert!(needle(query).is_none(), "{query}");
        }
        let either = needle("timeout or refused").expect("one of two");
        assert!(either.is_in(b"x refused") && either.is_in(b"timeout") && !either.is_in(b"fine"));
    }
}
