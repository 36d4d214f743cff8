//! Somebody who is to be found in logs by a text, and the name that is put in its place.
//!
//! The text is found in any case, and as a whole: `user-12` is not found in `user-123`. One pattern is understood in the same
//! way by the engine, which looks for the events, and here, where they are changed.

use crate::error::InvalidFields;
use regex::Regex;
use serde_json::Value;

const CHARACTERS: std::ops::RangeInclusive<usize> = 3..=256;
const PSEUDONYM_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=64;

#[derive(Debug, Clone)]
pub struct Subject {
    /// For the engine.
    pub pattern: String,
    regex: Regex,
    pub pseudonym: String,
}

impl Subject {
    /// # Errors
    /// 422: the text could not be found, or would be found everywhere; the pseudonym is no plain word, or has the text in it.
    pub fn parse(text: &str, pseudonym: &str) -> Result<Self, InvalidFields> {
        let text = text.trim();
        let refused = |code: &str, detail: &str| Err(InvalidFields::one("subject", code, detail));
        if !CHARACTERS.contains(&text.chars().count()) {
            return refused("out_of_range", "Give 3 to 256 characters, such as an address or an id.");
        }
        if text.chars().any(|letter| letter.is_control() || matches!(letter, '"' | '\\')) {
            return refused("not_a_text", "Quotes, backslashes and line breaks cannot be looked for.");
        }
        if ["true", "false", "null"].contains(&text.to_lowercase().as_str()) {
            return refused("not_a_text", "This is found in nearly every event.");
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !PSEUDONYM_CHARACTERS.contains(&pseudonym.len()) || !pseudonym.chars().all(is_plain) {
            let detail = "Give 3 to 64 letters, digits, `-` and `_`.";
            return Err(InvalidFields::one("pseudonym", "not_a_word", detail));
        }
        let subject = Self::of(text, pseudonym);
        if subject.regex.is_match(pseudonym) {
            let detail = "The pseudonym has the subject in it.";
            return Err(InvalidFields::one("pseudonym", "tells_the_subject", detail));
        }
        Ok(subject)
    }

    /// Of texts that were accepted before.
    pub fn of(text: &str, pseudonym: &str) -> Self {
        let (escaped, edges) = (regex::escape(text.trim()), edges(text.trim()));
        let pattern = |edge: &str| {
            let edge_if = |is_word: bool| if is_word { edge } else { "" };
            format!("(?i){}{escaped}{}", edge_if(edges.0), edge_if(edges.1))
        };
        // The engine's borders of words know ASCII alone.
        let regex = Regex::new(&pattern("(?-u:\\b)")).expect("an escaped text is a regular expression");
        Self { pattern: pattern("\\b"), regex, pseudonym: pseudonym.to_owned() }
    }

    /// The text with the pseudonym in it; `None` when there is nothing to change.
    pub fn replaced(&self, text: &str) -> Option<String> {
        self.regex.is_match(text).then(|| self.regex.replace_all(text, &*self.pseudonym).into_owned())
    }

    /// Changes every value of a JSON document; names of fields stay.
    pub fn replace_in(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace_in(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.replace_in(member)),
            Value::String(text) => {
                if let Some(replaced) = self.replaced(text) {
                    *text = replaced;
                }
            }
            Value::Number(number) => {
                if let Some(replaced) = self.replaced(&number.to_string()) {
                    *value = Value::String(replaced);
                }
            }
            Value::Bool(_) | Value::Null => {}
        }
    }
}

/// Whether the text begins and ends with something that is part of words.
fn edges(text: &str) -> (bool, bool) {
    let is_word = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_word(text.chars().next()), is_word(text.chars().next_back()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_subject_is_found_whole_and_in_any_case() {
        let subject = Subject::parse("user-12", "subject-x").unwrap();
        assert_eq!(
            subject.replaced("User-12, user-123, user-12."),
            Some("subject-x, user-123, subject-x.".into())
        );
        assert_eq!(subject.replaced("user-123"), None);
        let subject = Subject::parse("ann@acme.example", "subject-x").unwrap();
        assert_eq!(subject.replaced("to=<ANN@acme.example>"), Some("to=<subject-x>".into()));
        assert_eq!(subject.replaced("joann@acme.example ann@acme-example"), None);
        assert_eq!(
            Subject::parse("Ünal", "subject-x").unwrap().replaced("herr ünal"),
            Some("herr subject-x".into())
        );
    }

    #[test]
    fn values_change_and_names_and_other_types_stay() {
        let subject = Subject::parse("4711", "subject-x").unwrap();
        let mut value = json!({"id": 4711, "other": 47110, "list": ["no 4711", 4711, true], "4711": null, "a": {"b": "4711"}});
        subject.replace_in(&mut value);
        let expected = json!({"id": "subject-x", "other": 47110, "list": ["no subject-x", "subject-x", true],
            "4711": null, "a": {"b": "subject-x"}});
        assert_eq!(value, expected);
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        for wrong in ["", "ab", "a\"bc", "a\nbc", "a\\bc", "TRUE", &"x".repeat(257)] {
            assert!(Subject::parse(wrong, "subject-x").is_err(), "{wrong}");
        }
        for wrong in ["", "x", "two words", "ann-ann", "é-é-é"] {
            assert!(Subject::parse("ann", wrong).is_err(), "{wrong}");
        }
    }
}
