//! Grafana Loki: a stream selector, line filters, and metrics around them.

use super::cursor::{Cursor, split};
use super::{Draft, column, filter_field};
use crate::quote;

pub(super) fn translate(source: &str) -> Option<Draft> {
    let source = source.trim();
    let mut draft = Draft::default();
    if source.starts_with('{') {
        pipeline(source, &mut draft)?;
    } else {
        metric(source, &mut draft)?;
    }
    Some(draft)
}

/// `{app="api"} |= "error" | json | status >= 500`
fn pipeline(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source);
    let selector = cursor.bracketed()?;
    for matcher in split(selector, ',').into_iter().filter(|matcher| !matcher.is_empty()) {
        draft.condition(label(matcher)?);
    }
    loop {
        cursor.blanks();
        if cursor.is_done() {
            return Some(());
        }
        match cursor.eat_one(&["|=", "!=", "|~", "!~"]) {
            Some(operator) => line_filter(operator, &mut cursor, draft)?,
            None if cursor.eat("|") => stage(&mut cursor, draft)?,
            None => return None,
        }
    }
}

fn label(matcher: &str) -> Option<String> {
    let mut cursor = Cursor::new(matcher.trim());
    let name = filter_field(cursor.name()?);
    cursor.blanks();
    let operator = cursor.eat_one(&["=~", "!~", "!=", "="])?;
    cursor.blanks();
    let value = cursor.quoted()?;
    Some(match operator {
        "=~" => format!("{name}=~{}", quote::string(&format!("^(?:{value})$"))),
        "!~" => format!("{name}!~{}", quote::string(&format!("^(?:{value})$"))),
        "!=" => format!("{name}!={}", quote::value(&value)),
        _ => format!("{name}={}", quote::value(&value)),
    })
}

/// Line filters look for exact text; the nearest here is `contains`.
fn line_filter(operator: &str, cursor: &mut Cursor<'_>, draft: &mut Draft) -> Option<()> {
    cursor.blanks();
    let wanted = quote::string(&cursor.quoted()?);
    let condition = match operator {
        "|=" => format!("contains(message, {wanted})"),
        "!=" => format!("NOT (contains(message, {wanted}))"),
        "|~" => format!("message=~{wanted}"),
        _ => format!("message!~{wanted}"),
    };
    if operator.ends_with('=') {
        draft.note(
            "line filters look for exact text; a plain word, such as error, ignores case and is faster",
        );
    }
    draft.condition(condition);
    Some(())
}

fn stage(cursor: &mut Cursor<'_>, draft: &mut Draft) -> Option<()> {
    cursor.blanks();
    let end = end_of_stage(cursor.rest);
    let (source, rest) = cursor.rest.split_at(end);
    cursor.rest = rest;
    let source = source.trim();
    match source {
        "json" => draft.stages.push("unpack json".to_owned()),
        "logfmt" => draft.stages.push("unpack logfmt".to_owned()),
        _ => {
            if let Some(pattern) = source.strip_prefix("pattern ") {
                let pattern = Cursor::new(pattern.trim()).quoted()?;
                draft.stages.push(format!("parse {}", quote::string(&pattern)));
            } else if let Some(pattern) = source.strip_prefix("regexp ") {
                let pattern = Cursor::new(pattern.trim()).quoted()?;
                draft.stages.push(format!("extract {}", quote::string(&pattern)));
            } else {
                draft.condition(label_filter(source)?);
            }
        }
    }
    Some(())
}

/// Where the next filter or stage starts.
fn end_of_stage(text: &str) -> usize {
    split(text, '|').first().map_or(text.len(), |first| text.find(*first).unwrap_or(0) + first.len())
}

/// `status >= 500 and level="error"`
fn label_filter(source: &str) -> Option<String> {
    let one = |source: &str| {
        let mut cursor = Cursor::new(source.trim());
        let name = cursor.name()?;
        cursor.blanks();
        if let Some(operator) = cursor.eat_one(&[">=", "<=", "==", ">", "<"]) {
            cursor.blanks();
            let value = cursor.run(|c| !c.is_whitespace())?;
            let operator = if operator == "==" { "=" } else { operator };
            return Some(format!("{}{operator}{value}", filter_field(name)));
        }
        label(source)
    };
    let terms: Option<Vec<String>> = source.split(" and ").map(one).collect();
    Some(terms?.join(" AND "))
}

/// `sum by (source) (count_over_time({…}[5m]))`
fn metric(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source);
    let mut keys = Vec::new();
    if cursor.eat("sum") {
        keys = grouping(&mut cursor)?;
        cursor.blanks();
        let inside = cursor.bracketed()?;
        if keys.is_empty() {
            keys = grouping(&mut cursor)?;
        }
        if !cursor.is_done() {
            return None;
        }
        cursor = Cursor::new(inside.trim());
    }
    let function = cursor.ident()?;
    let inside = cursor.bracketed()?.trim();
    if !cursor.is_done() {
        return None;
    }
    let (function, inside, rank) = match function {
        "quantile_over_time" => {
            let (rank, inside) = inside.split_once(',')?;
            (function, inside.trim(), Some(rank.trim().parse::<f64>().ok()?))
        }
        _ => (function, inside, None),
    };
    let at = inside.rfind('[')?;
    let width = inside[at + 1..].trim_end_matches(']').to_owned();
    let (logs, unwrapped) = match inside[..at].split_once("| unwrap ") {
        Some((logs, name)) => (logs.trim(), Some(column(name.trim()))),
        None => (inside[..at].trim(), None),
    };
    pipeline(logs, draft)?;
    let figure = match (function, rank, unwrapped) {
        ("count_over_time", None, None) => "count()".to_owned(),
        ("rate", None, None) => "rate()".to_owned(),
        ("quantile_over_time", Some(rank), Some(name)) => {
            format!("percentile({name}, {})", crate::literal::canonical(rank * 100.0))
        }
        ("avg_over_time" | "sum_over_time" | "min_over_time" | "max_over_time", None, Some(name)) => {
            format!("{}({name})", function.trim_end_matches("_over_time"))
        }
        _ => return None,
    };
    keys.insert(0, format!("bin({width})"));
    draft.note("bins stand side by side here, where a range in Loki slides");
    draft.stages.push(format!("stats {figure} by {}", keys.join(", ")));
    Some(())
}

/// `by (a, b)`
fn grouping(cursor: &mut Cursor<'_>) -> Option<Vec<String>> {
    cursor.blanks();
    if !cursor.eat("by") {
        return Some(Vec::new());
    }
    cursor.blanks();
    Some(split(cursor.bracketed()?, ',').into_iter().filter(|name| !name.is_empty()).map(column).collect())
}
