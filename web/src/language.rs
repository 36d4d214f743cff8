//! The query language as the page needs it: colours, mistakes, completions, changes made by clicks, what matched.
//!
//! All of it is `query_lang`, the same code as the server's; here its bytes become the browser's UTF-16 units. It is a part of the
//! application that comes with the editor (`part`): until then nothing is known of a query, and what follows it is told when it is there.

mod change;
mod complete;
mod matches;
mod part;
mod pattern;
mod spoken;

pub use change::Change;
pub use complete::{ValueSource, complete};
pub use matches::{Matches, pieces};
pub use part::load;
pub use pattern::{pattern_condition, pattern_pieces};

use part::language;

/// Names of the classes, in the order of the numbers that `tokens` gives.
pub const TOKEN_CLASSES: [&str; 18] = [
    "blank",
    "comment",
    "keyword",
    "operator",
    "punctuation",
    "field",
    "core-field",
    "text",
    "string",
    "number",
    "wildcard",
    "regex",
    "function",
    "stage",
    "option",
    "level",
    "time",
    "error",
];

/// Start, end, number of the class; again and again.
pub fn tokens(text: &str) -> Vec<u32> {
    language().map(|language| (language.tokens)(text)).unwrap_or_default()
}

/// A mistake in the text, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub is_error: bool,
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    pub fixes: Vec<FixedText>,
    start: u32,
    end: u32,
}

/// The whole text after a fix.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedText {
    pub title: String,
    pub text: String,
}

impl Finding {
    /// Message and hint as one text.
    pub fn sentence(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} {}", sentence(&self.message), sentence(hint)),
            None => sentence(&self.message),
        }
    }

    /// What to underline; at the end of the text the last character stands in for what is missing.
    pub fn mark(&self) -> Vec<u32> {
        let start = if self.start == self.end { self.start.saturating_sub(1) } else { self.start };
        vec![start, self.end.max(start + 1), u32::from(!self.is_error)]
    }
}

/// With a capital letter and an end.
pub fn sentence(text: &str) -> String {
    let ended = text.is_empty() || text.ends_with(['.', '?', '!', ':', '…']);
    format!("{}{}", capital(text), if ended { "" } else { "." })
}

pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}

/// The number columns of the table that a query gives; nothing when it gives events, or cannot be run.
pub fn number_columns(text: &str) -> Option<Vec<String>> {
    (language()?.number_columns)(text)
}

/// One condition of a query, for a pill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub text: String,
    pub negated: bool,
}

/// The conditions of a query that can be changed one by one; nothing while the text is broken.
pub fn conditions(text: &str) -> Option<Vec<Condition>> {
    (language()?.conditions)(text)
}

/// Whether each event can be tried alone, as a live tail does; else why not. The server says so too.
pub fn streamed(text: &str) -> Result<(), String> {
    language().map_or(Ok(()), |language| (language.streamed)(text))
}

/// The first mistake, or else the first warning.
pub fn diagnose(text: &str) -> Option<Finding> {
    (language()?.diagnose)(text)
}

/// The text after a change, or why it cannot be changed.
pub fn edit(text: &str, change: &Change) -> Result<String, String> {
    match language() {
        Some(language) => (language.edit)(text, change),
        None => Err("The query language is still being loaded. Try again in a moment.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_underlined_where_it_is() {
        let finding = diagnose("level:eror").expect("a mistake");
        assert!(finding.is_error);
        assert_eq!(finding.mark(), [6, 10, 0]);
        assert!(finding.fixes.iter().any(|fix| fix.text == "level:error"), "{:?}", finding.fixes);
        assert_eq!(diagnose("level:error timeout"), None);
    }

    #[test]
    fn number_columns_are_those_of_the_table() {
        assert_eq!(number_columns("level:error"), None);
        assert_eq!(
            number_columns("* | stats count() as n, p95(duration_ms) as p by source"),
            Some(vec!["n".to_owned(), "p".to_owned()])
        );
    }

    #[test]
    fn messages_are_written_as_sentences() {
        assert_eq!(sentence("did you mean x?"), "Did you mean x?");
        assert_eq!(sentence("écrire"), "Écrire.");
        assert_eq!(sentence(""), "");
    }
}
