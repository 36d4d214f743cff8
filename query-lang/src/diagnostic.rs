//! What is wrong with a query, where, and what to type instead.
//!
//! Code and span are fixed by the language; message and hint are sentences for people and may change.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Span;

/// One finding: an error stops the query, a warning or an info does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub severity: Severity,
    pub code: Code,
    pub span: Span,
    /// One sentence that quotes what was typed.
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fixes: Vec<Fix>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Info,
}

/// A change that can be made with one click.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub title: String,
    pub edits: Vec<TextEdit>,
}

/// Replaces `span` of the source by `text`. The edits of one fix do not overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextEdit {
    pub span: Span,
    pub text: String,
}

impl Fix {
    pub fn new(title: impl Into<String>, edits: Vec<TextEdit>) -> Self {
        Self { title: title.into(), edits }
    }

    /// The source after the fix.
    #[must_use]
    pub fn apply(&self, source: &str) -> String {
        let mut edits: Vec<&TextEdit> = self.edits.iter().collect();
        edits.sort_by_key(|edit| edit.span);
        let mut fixed = source.to_owned();
        for edit in edits.into_iter().rev() {
            fixed.replace_range(edit.span.start..edit.span.end, &edit.text);
        }
        fixed
    }
}

impl Diagnostic {
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, span, message: message.into(), hint: None, fixes: Vec::new() }
    }

    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Offers to put `text` in the place of `span`.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.fixes.push(Fix::new(title, vec![TextEdit { span, text: text.into() }]));
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

macro_rules! codes {
    ($($code:ident $meaning:literal,)+) => {
        /// The code of a finding, as documented in `docs/query-language.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code { $(#[doc = $meaning] $code,)+ }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            /// What the code stands for, in a few words.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)+ }
            }
        }
    };
}

codes! {
    E001 "string or backtick name not closed",
    E002 "bracket not closed, or a stray closing one",
    E003 "character not allowed here",
    E004 "value or argument missing",
    E005 "AND, OR, NOT or - without operand",
    E006 "empty group or list",
    E007 "wrong operator spelling",
    E008 "operator without field",
    E009 "terms glued together",
    E010 "field quoted with \" instead of backticks",
    E011 "malformed or empty range",
    E012 "regular expression unquoted, invalid or unsupported",
    E013 "empty phrase",
    E014 "double dash",
    E015 "empty stage",
    E016 "unknown stage",
    E017 "unknown function or aggregate, or wrong number of arguments",
    E018 "name missing",
    E019 "duplicate output column",
    E020 "unknown column",
    E021 "bad option or stage argument",
    E022 "type or shape mismatch",
    E023 "not a level",
    E024 "bad time, duration or bin",
    E025 "stage not possible at this place",
    E026 "limit exceeded",
    E027 "bad network",
    E028 "*: with an operator",
    E029 "bad parse pattern",
    E030 "backtick field without operator",
    W001 "lower-case operator beside a bare word",
    W002 "implied AND mixed with OR",
    W003 "unit assumed",
    W004 "wildcard that is literal here",
    W005 "field never seen",
    W006 "network-looking value without cidr()",
    W007 "null is text here",
    W008 "time terms outside the request range",
    W009 "wildcard that cannot use the index",
    W010 "several plain values ANDed in a group",
    W011 "aggregate over a sample",
    W012 "bare name that looks like a string",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_changes_only_the_text_it_names() {
        let fix = Fix::new(
            "quote",
            vec![
                TextEdit { span: Span::new(2, 2), text: "\"".into() },
                TextEdit { span: Span::new(5, 5), text: "\"".into() },
            ],
        );
        assert_eq!(fix.apply("a b,c d"), "a \"b,c\" d");
    }

    #[test]
    fn codes_travel_as_their_names() {
        assert_eq!(serde_json::to_string(&Code::E004).expect("a plain name"), "\"E004\"");
    }
}
