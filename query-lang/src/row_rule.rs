//! Row rules: a filter that narrows what somebody may read at all, whatever they ask for.
//!
//! `sql::Scope` takes them to every scan. A rule is about one event alone, so that the compiler and the evaluator, which
//! live tails use, let the same events through.

use crate::ast::Filter;
use crate::eval::Matcher;
use crate::{Catalogue, CheckContext, Code, Diagnostic, Span, check, parse};

/// Parses and checks a rule. Stages and subqueries are none, and an empty rule is none either: it would hide nothing.
///
/// # Errors
/// What is wrong with it, as for a query.
pub fn row_rule(source: &str, context: &CheckContext) -> Result<Filter, Diagnostic> {
    let query = parse(source)?.query;
    if let Some(stage) = query.stages.first() {
        let message = format!("'{}' is a stage, and a row rule is a filter alone", stage.node.name());
        return Err(Diagnostic::error(Code::E025, stage.span, message)
            .hint("write which events may be seen, such as env:dev"));
    }
    let checked = check(&query, &Catalogue::default(), context)?;
    let Some(filter) = checked.query.filter else {
        let whole = Span::new(0, source.len());
        return Err(Diagnostic::error(Code::E004, whole, "the row rule is empty")
            .hint("write which events may be seen, such as env:dev"));
    };
    Matcher::of(Some(&filter))?;
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(source: &str) -> Result<Filter, Code> {
        let context = CheckContext { now_ns: 1, from_ns: 0, to_ns: 1, time_zone: jiff::tz::TimeZone::UTC };
        row_rule(source, &context).map_err(|error| error.code)
    }

    #[test]
    fn a_filter_over_one_event_is_a_rule_and_nothing_else_is() {
        for good in ["env:dev", "env:dev OR source:api*", "-env:prod level>=info", "*"] {
            assert!(rule(good).is_ok(), "{good}");
        }
        assert_eq!(rule("").unwrap_err(), Code::E004);
        assert_eq!(rule("env:dev | limit 5").unwrap_err(), Code::E025);
        assert_eq!(rule("user in { level:error | fields user }").unwrap_err(), Code::E025);
        assert_eq!(rule("-user in { level:error | fields user }").unwrap_err(), Code::E025);
        assert!(rule("env:").is_err());
    }
}
