//! A query in one sentence, for people who did not write it.

use crate::ast::{
    Aggregate, CompareOp, Filter, FilterNode, Key, Predicate, Presence, Query, Stage, StageNode, Test,
    TextKind, TextMatch, UnpackFormat,
};
use crate::format;

/// Says what the query finds and does.
#[must_use]
pub fn explain(query: &Query) -> String {
    let mut sentence = match &query.filter {
        None => "All events".to_owned(),
        Some(filter) if filter.node == FilterNode::All => "All events".to_owned(),
        Some(filter) => format!("Events {}", said(filter, false)),
    };
    for stage in &query.stages {
        sentence.push_str("; then ");
        sentence.push_str(&step(stage));
    }
    sentence
}

/// A condition behind "Events".
fn said(filter: &Filter, negated: bool) -> String {
    match &filter.node {
        FilterNode::All => if negated { "that do not exist" } else { "of any kind" }.to_owned(),
        FilterNode::And(terms) if !negated => joined(terms, "and"),
        FilterNode::Or(terms) if !negated => format!("either {}", joined(terms, "or")),
        FilterNode::And(terms) => format!("without ({})", joined(terms, "and")),
        FilterNode::Or(terms) => format!("without ({})", joined(terms, "or")),
        FilterNode::Not(inner) => said(inner, !negated),
        FilterNode::Text(text) => {
            format!("{} {}", if negated { "not mentioning" } else { "mentioning" }, words(text))
        }
        FilterNode::AnyText(text) => {
            format!("{} {} in any field", if negated { "without" } else { "with" }, words(text))
        }
        FilterNode::Predicate(predicate) => condition(predicate, negated != predicate.negated),
    }
}

fn joined(terms: &[Filter], word: &str) -> String {
    let each: Vec<String> = terms
        .iter()
        .map(|term| match &term.node {
            FilterNode::Or(_) => format!("({})", said(term, false)),
            _ => said(term, false),
        })
        .collect();
    match each.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} {word} {last}", before.join(", ")),
        _ => each.concat(),
    }
}

fn words(text: &TextMatch) -> String {
    match text.kind {
        TextKind::Wildcard(_) => format!("a word like {}", text.text),
        _ => format!("\"{}\"", text.text),
    }
}

fn condition(predicate: &Predicate, negated: bool) -> String {
    let field = &predicate.field.path;
    let is = if negated { "is not" } else { "is" };
    let does = |yes: &str, no: &str| if negated { no.to_owned() } else { yes.to_owned() };
    let texts = |values: &[crate::ast::Literal]| {
        values.iter().map(|value| value.text.as_str()).collect::<Vec<_>>().join(", ")
    };
    let rest = match &predicate.test {
        Test::Equals { value, .. } if value.text.is_empty() => format!("{is} empty"),
        Test::Equals { value, .. } => format!("{is} {}", value.text),
        Test::Glob { text, .. } => format!("{} {text}", does("matches", "does not match")),
        Test::Compare { op, value } => {
            let order = match op {
                CompareOp::Less => "below",
                CompareOp::LessOrEqual => "at most",
                CompareOp::Greater => "above",
                CompareOp::GreaterOrEqual => "at least",
            };
            format!("{is} {order} {}", value.text)
        }
        Test::Range { low, high, .. } => {
            let end = |bound: &crate::ast::Bound| {
                bound.value.as_ref().map_or("anything".to_owned(), |value| value.text.clone())
            };
            format!("{is} between {} and {}", end(low), end(high))
        }
        Test::Regex(pattern) => format!("{} /{}/", does("matches", "does not match"), pattern.text),
        Test::In(values) => format!("{is} one of {}", texts(values)),
        Test::InQuery(query) => format!("{is} found by another search ({})", lower_first(&explain(query))),
        Test::Exists(Presence::Star | Presence::Function) => does("is present", "is missing"),
        Test::Cidr(networks) => format!("{is} in the network {}", texts(networks)),
        Test::Contains(value) => format!("{} \"{}\"", does("contains", "does not contain"), value.text),
        Test::StartsWith(value) => format!("{} with \"{}\"", does("starts", "does not start"), value.text),
        Test::EndsWith(value) => format!("{} with \"{}\"", does("ends", "does not end"), value.text),
        Test::Phrase(value) => format!("{} \"{}\"", does("mentions", "does not mention"), value.text),
    };
    format!("where {field} {rest}")
}

fn step(stage: &Stage) -> String {
    let written = || format::stage_text(&stage.node);
    match &stage.node {
        StageNode::Where(condition) => format!("keep those where {}", format::expression_text(condition)),
        StageNode::Search(filter) => format!("keep those {}", said(filter, false)),
        StageNode::Fields(_) => format!("show only {}", behind_name(&written())),
        StageNode::Drop(_) => format!("leave out {}", behind_name(&written())),
        StageNode::Eval(_) => format!("compute {}", behind_name(&written())),
        StageNode::Parse { .. } => format!("cut fields out by the pattern {}", behind_name(&written())),
        StageNode::Extract { .. } => format!("cut fields out by the expression {}", behind_name(&written())),
        StageNode::Unpack { format, field, .. } => {
            let format = if *format == UnpackFormat::Json { "JSON" } else { "logfmt" };
            format!("read {} as {format}", field.path)
        }
        StageNode::Stats { aggregates, keys } => format!("compute {}{}", figures(aggregates), per(keys)),
        StageNode::Timechart { aggregates, split, every, .. } => {
            let every = every.as_ref().map(|every| format!(" every {}", every.text)).unwrap_or_default();
            format!("chart {} over time{}{every}", figures(aggregates), per(split.as_slice()))
        }
        StageNode::Top { rare, count, fields } => {
            let fields: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
            format!(
                "list the {count} {} values of {}",
                if *rare { "rarest" } else { "most frequent" },
                fields.join(" and ")
            )
        }
        StageNode::Percentiles { .. } => format!("compute {}", written()),
        StageNode::Sort(keys) => {
            let keys: Vec<String> = keys
                .iter()
                .map(|key| {
                    format!("{}{}", key.field.path, if key.descending { " (largest first)" } else { "" })
                })
                .collect();
            format!("sort by {}", keys.join(", "))
        }
        StageNode::Limit(count) => format!("keep the first {count}"),
        StageNode::Offset(count) => format!("leave out the first {count}"),
        StageNode::Dedup { .. } => format!("keep the first of each {}", behind_name(&written())),
        StageNode::Uniq(_) => format!("list the different {}", behind_name(&written())),
        StageNode::Sample { percent } => format!("take a sample of {} %", percent.text),
        StageNode::Fill { .. } => "add the time bins that are missing".to_owned(),
        StageNode::Join { .. } => "add columns of another search".to_owned(),
        StageNode::Union(_) => "append the rows of another search".to_owned(),
        StageNode::Context { before, after, .. } => {
            format!("add {before} lines before and {after} after each match")
        }
        StageNode::Patterns { .. } => "group messages of the same shape".to_owned(),
        StageNode::Compare { shift } => format!("compare with {} before", shift.text),
        StageNode::Window { .. } => format!("compute {}", behind_name(&written())),
        StageNode::Anomaly { field, .. } => format!("mark unusual values of {}", field.path),
        StageNode::Histogram { field, .. } => format!("show how {} is spread", field.path),
        StageNode::Facets { .. } => "count the values of several fields".to_owned(),
        StageNode::Describe => "describe the fields".to_owned(),
        StageNode::Rename(_) | StageNode::Expand(_) | StageNode::Lookup { .. } => written(),
    }
}

fn behind_name(text: &str) -> &str {
    text.split_once(' ').map_or(text, |(_, rest)| rest)
}

fn figures(aggregates: &[Aggregate]) -> String {
    let figure = |aggregate: &Aggregate| match (&aggregate.argument, &aggregate.condition) {
        (None, None) => aggregate.spelling.text.clone(),
        (Some(argument), None) => {
            format!("{} of {}", aggregate.spelling.text, format::expression_text(argument))
        }
        (None, Some(condition)) => {
            format!("{} where {}", aggregate.spelling.text, format::expression_text(condition))
        }
        (Some(argument), Some(condition)) => format!(
            "{} of {} where {}",
            aggregate.spelling.text,
            format::expression_text(argument),
            format::expression_text(condition)
        ),
    };
    aggregates.iter().map(figure).collect::<Vec<_>>().join(", ")
}

fn per(keys: &[Key]) -> String {
    let key = |key: &Key| {
        let text = format::expression_text(&key.value);
        match text.strip_prefix("bin(").and_then(|rest| rest.strip_suffix(')')) {
            Some(width) if !width.contains(',') => width.to_owned(),
            _ => key.name.text.clone(),
        }
    };
    match keys {
        [] => String::new(),
        keys => format!(" per {}", keys.iter().map(key).collect::<Vec<_>>().join(" and ")),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_said_in_one_sentence() {
        for (source, sentence) in [
            ("", "All events"),
            (
                "source:api http.status>=500 | stats count() by bin(5m)",
                "Events where source is api and where http.status is at least 500; then compute count per 5m",
            ),
            ("-error.type:* timeout", "Events where error.type is missing and mentioning \"timeout\""),
            ("a OR NOT b", "Events either mentioning \"a\" or not mentioning \"b\""),
            (
                "| top 3 source | compare shift=1w",
                "All events; then list the 3 most frequent values of source; then compare with 1w before",
            ),
            (
                "x | where duration_ms > 1.5s",
                "Events mentioning \"x\"; then keep those where duration_ms > 1.5s",
            ),
        ] {
            assert_eq!(explain(&crate::parse(source).expect(source).query), sentence);
        }
    }
}
