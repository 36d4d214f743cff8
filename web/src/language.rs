//! The query language as the page needs it: colours, mistakes, completions, changes made by clicks, what matched.
//!
//! All of it is `query_lang`, the same code as the server's; here its bytes become the browser's UTF-16 units.

mod change;
mod complete;
mod matches;
mod pattern;

pub use change::{Change, edit};
pub use complete::{ValueSource, complete};
pub use matches::{Matches, pieces};
pub use pattern::{pattern_condition, pattern_pieces};

use jiff::tz::TimeZone;
use query_lang::ast::{Kind, Shape};
use query_lang::{Catalogue, CheckContext, Checked, Diagnostic, Severity, TokenClass};

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
    let mut units = Units::new(text);
    let mut flat = Vec::new();
    for token in query_lang::tokens(text) {
        if !matches!(token.class, TokenClass::Blank | TokenClass::Text) {
            flat.extend([units.at(token.start), units.at(token.end), token.class as u32]);
        }
    }
    flat
}

/// Turns byte offsets into UTF-16 offsets, fastest when they come in order.
struct Units<'a> {
    text: &'a str,
    bytes: usize,
    units: u32,
}

impl<'a> Units<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, bytes: 0, units: 0 }
    }

    fn at(&mut self, bytes: usize) -> u32 {
        if bytes < self.bytes {
            (self.bytes, self.units) = (0, 0);
        }
        let between = self.text.get(self.bytes..bytes).unwrap_or_default();
        self.units += between.encode_utf16().count() as u32;
        self.bytes = bytes;
        self.units
    }
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
    fn new(diagnostic: &Diagnostic, text: &str) -> Self {
        let mut units = Units::new(text);
        Self {
            is_error: diagnostic.severity == Severity::Error,
            code: diagnostic.code.to_string(),
            message: diagnostic.message.clone(),
            hint: diagnostic.hint.clone(),
            fixes: diagnostic
                .fixes
                .iter()
                .map(|fix| FixedText { title: fix.title.clone(), text: fix.apply(text) })
                .collect(),
            start: units.at(diagnostic.span.start),
            end: units.at(diagnostic.span.end),
        }
    }

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
    match checked(text).ok()?.query.output() {
        Shape::Events { .. } => None,
        Shape::Table { columns } => {
            let numbers = columns.into_iter().filter(|column| column.kind == Kind::Number);
            Some(numbers.map(|column| column.name).collect())
        }
    }
}

/// One condition of a query, for a pill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub text: String,
    pub negated: bool,
}

/// The conditions of a query that can be changed one by one; nothing while the text is broken.
pub fn conditions(text: &str) -> Option<Vec<Condition>> {
    let terms = query_lang::terms(text).ok()?;
    Some(terms.into_iter().map(|term| Condition { text: term.text, negated: term.negated }).collect())
}

/// Whether each event can be tried alone, as a live tail does; else why not.
pub fn streamed(text: &str) -> Result<(), String> {
    let said = |mistake: Diagnostic| sentence(&mistake.message);
    let checked = checked(text).map_err(said)?;
    query_lang::eval::Stream::of(&checked.query, &TimeZone::UTC).map(drop).map_err(said)
}

/// The text as the server would understand it, for the last quarter of an hour.
fn checked(text: &str) -> Result<Checked, Diagnostic> {
    const SECOND: i64 = 1_000_000_000;
    let now_ns = crate::browser::now_ms() * 1_000_000;
    let context =
        CheckContext { now_ns, from_ns: now_ns - 900 * SECOND, to_ns: now_ns, time_zone: TimeZone::UTC };
    let parsed = query_lang::parse(text)?;
    let mut checked = query_lang::check(&parsed.query, &Catalogue::default(), &context)?;
    checked.warnings.splice(0..0, parsed.warnings);
    Ok(checked)
}

/// The first mistake, or else the first warning.
pub fn diagnose(text: &str) -> Option<Finding> {
    match checked(text) {
        Err(diagnostic) => Some(with_translation(Finding::new(&diagnostic, text), text)),
        Ok(checked) => checked.warnings.first().map(|warning| Finding::new(warning, text)),
    }
}

/// Offers a text in another system's language as ours.
fn with_translation(mut finding: Finding, text: &str) -> Finding {
    if let Some(translation) = query_lang::translate(text) {
        let title = format!("Translate from {}", language_name(translation.language));
        finding.fixes.insert(0, FixedText { title, text: translation.query });
    }
    finding
}

fn language_name(language: query_lang::Language) -> &'static str {
    use query_lang::Language;
    match language {
        Language::Spl => "SPL",
        Language::LogQl => "LogQL",
        Language::Kusto => "Kusto",
        Language::KibanaKql => "Kibana’s KQL",
        Language::Lucene => "Lucene",
        Language::LogsQl => "LogsQL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_counted_as_browsers_count() {
        let text = "\"😀é\" level:error";
        let mut units = Units::new(text);
        assert_eq!((units.at(1), units.at(5), units.at(7), units.at(0)), (1, 3, 4, 0));
        let flat = tokens(text);
        let end = flat.chunks(3).map(|token| token[1]).max();
        assert_eq!(end, Some(text.encode_utf16().count() as u32));
    }

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
