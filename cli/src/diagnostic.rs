//! Messages about a query, with a caret under the characters they mean.

use crate::terminal::Style;
use std::fmt::Write;

/// A finding about a query that was typed, as the language or a server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub is_error: bool,
    pub code: String,
    /// Bytes of the query.
    pub span: (usize, usize),
    pub message: String,
    pub hint: Option<String>,
    /// The query after the first fix, if there is one.
    pub fixed: Option<String>,
}

/// A query that cannot be run.
#[derive(Debug)]
pub struct QueryError {
    pub source: String,
    pub finding: Finding,
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.finding.shown(&self.source, Style { color: false, width: None }))
    }
}

impl std::error::Error for QueryError {}

impl QueryError {
    pub fn of(source: &str, diagnostic: &query_lang::Diagnostic) -> Self {
        Self { source: source.to_owned(), finding: Finding::of(source, diagnostic) }
    }
}

impl Finding {
    pub fn of(source: &str, found: &query_lang::Diagnostic) -> Self {
        Self {
            is_error: found.severity == query_lang::Severity::Error,
            code: found.code.to_string(),
            span: (found.span.start, found.span.end),
            message: found.message.clone(),
            hint: found.hint.clone(),
            fixed: found.fixes.first().map(|fix| fix.apply(source)),
        }
    }

    pub fn of_answer(source: &str, found: &api_types::search::Diagnostic) -> Self {
        let apply = |fix: &api_types::search::Fix| {
            let mut edits: Vec<_> = fix.edits.iter().collect();
            edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
            let mut fixed = source.to_owned();
            for edit in edits {
                source.get(edit.span.start..edit.span.end)?;
                fixed.replace_range(edit.span.start..edit.span.end, &edit.text);
            }
            Some(fixed)
        };
        Self {
            is_error: found.severity == "error",
            code: found.code.clone(),
            span: (found.span.start, found.span.end),
            message: found.message.clone(),
            hint: found.hint.clone(),
            fixed: found.fixes.first().and_then(apply),
        }
    }

    /// Several lines: what is wrong, where, and what to write instead.
    pub fn shown(&self, source: &str, style: Style) -> String {
        let (name, sgr) = if self.is_error { ("error", "1;31") } else { ("warning", "1;33") };
        let mut text = format!("{}: {}\n", style.paint(sgr, &format!("{name}[{}]", self.code)), self.message);
        let (start, end) = (self.span.0.min(source.len()), self.span.1.min(source.len()).max(self.span.0));
        let line_start = source[..floor(source, start)].rfind('\n').map_or(0, |newline| newline + 1);
        let line = source[line_start..].split('\n').next().unwrap_or_default();
        let column = source[line_start..floor(source, start)].chars().count();
        let marked = source.get(start..end.min(line_start + line.len()).max(start)).unwrap_or_default();
        let carets = "^".repeat(marked.chars().count().max(1));
        let line = line.replace('\t', " ");
        writeln!(text, "  {line}\n  {}{}", " ".repeat(column), style.paint(sgr, &carets)).ok();
        if let Some(hint) = &self.hint {
            writeln!(text, "{}: {hint}", style.paint("1", "hint")).ok();
        }
        if let Some(fixed) = self.fixed.as_ref().filter(|_| self.is_error) {
            writeln!(text, "{}: {fixed}", style.paint("1", "try")).ok();
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_characters_that_are_meant() {
        let source = "größe:5\n| stats cuont() by source";
        let error = query_lang::parse(source).expect_err("no such function");
        let shown = QueryError::of(source, &error).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], "  | stats cuont() by source");
        assert_eq!(lines[2], "          ^^^^^");
        assert!(shown.contains("try: größe:5\n| stats count() by source"), "{shown}");
    }
}
