//! What the part with the language does: `query_lang`, with offsets as browsers count them.

use super::matches::{self, Finds};
use super::part::Language;
use super::{Condition, Finding, FixedText, change, complete, sentence};
use jiff::tz::TimeZone;
use query_lang::ast::{Kind, Shape};
use query_lang::{Catalogue, CheckContext, Checked, Diagnostic, Severity, TokenClass};

/// Everything that the part brings.
pub fn language() -> Language {
    Language {
        tokens,
        diagnose,
        number_columns,
        conditions,
        streamed,
        edit: change::edit,
        wanted_value: complete::wanted_value,
        complete: complete::completions,
        matches: |text| matches::of(text).map(|finds| Box::new(finds) as Box<dyn Finds>),
        narrowing: |text| matches::narrowing(text).map(|finds| Box::new(finds) as Box<dyn Finds>),
    }
}

fn tokens(text: &str) -> Vec<u32> {
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
pub struct Units<'a> {
    text: &'a str,
    bytes: usize,
    units: u32,
}

impl<'a> Units<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, bytes: 0, units: 0 }
    }

    pub fn at(&mut self, bytes: usize) -> u32 {
        if bytes < self.bytes {
            (self.bytes, self.units) = (0, 0);
        }
        let between = self.text.get(self.bytes..bytes).unwrap_or_default();
        self.units += between.encode_utf16().count() as u32;
        self.bytes = bytes;
        self.units
    }
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
}

fn number_columns(text: &str) -> Option<Vec<String>> {
    match checked(text).ok()?.query.output() {
        Shape::Events { .. } => None,
        Shape::Table { columns } => {
            let numbers = columns.into_iter().filter(|column| column.kind == Kind::Number);
            Some(numbers.map(|column| column.name).collect())
        }
    }
}

fn conditions(text: &str) -> Option<Vec<Condition>> {
    let terms = query_lang::terms(text).ok()?;
    Some(terms.into_iter().map(|term| Condition { text: term.text, negated: term.negated }).collect())
}

fn streamed(text: &str) -> Result<(), String> {
    let said = |mistake: Diagnostic| sentence(&mistake.message);
    let checked = checked(text).map_err(said)?;
    query_lang::eval::Stream::of(&checked.query, &TimeZone::UTC).map(drop).map_err(said)
}

/// The text as the server would understand it, for the last quarter of an hour.
pub fn checked(text: &str) -> Result<Checked, Diagnostic> {
    const SECOND: i64 = 1_000_000_000;
    let now_ns = crate::browser::now_ms() * 1_000_000;
    let context =
        CheckContext { now_ns, from_ns: now_ns - 900 * SECOND, to_ns: now_ns, time_zone: TimeZone::UTC };
    let parsed = query_lang::parse(text)?;
    let mut checked = query_lang::check(&parsed.query, &Catalogue::default(), &context)?;
    checked.warnings.splice(0..0, parsed.warnings);
    Ok(checked)
}

fn diagnose(text: &str) -> Option<Finding> {
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
}
