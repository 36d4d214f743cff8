//! Stages as text: canonical names, options only where they differ from the default.

use super::expression::expression;
use super::{filter_text, list, literal, subquery};
use crate::ast::{
    Aggregate, AnomalyMethod, Assignment, Field, FillValue, HistogramBuckets, JoinKey, JoinKind, Key,
    Literal, Projection, SortKey, StageNode, UnpackFormat, WindowColumn,
};
use crate::build::aggregate_named;
use crate::check::name_of;
use crate::quote;

pub(crate) fn stage(node: &StageNode) -> String {
    let arguments = arguments(node);
    let name = name_of(node);
    if arguments.is_empty() { name.to_owned() } else { format!("{name} {arguments}") }
}

fn arguments(node: &StageNode) -> String {
    match node {
        StageNode::Where(condition) => expression(condition),
        StageNode::Search(filter) => filter_text(filter),
        StageNode::Fields(projections) | StageNode::Rename(projections) => list(projections, projection),
        StageNode::Drop(fields) | StageNode::Uniq(fields) => columns(fields),
        StageNode::Eval(assignments) => list(assignments, assignment),
        StageNode::Parse { field, pattern, .. } | StageNode::Extract { field, pattern, .. } => {
            words([unless_message(field), quote::string(&pattern.text)])
        }
        StageNode::Unpack { format, field, prefix, .. } => words([
            match format {
                UnpackFormat::Json => "json".to_owned(),
                UnpackFormat::Logfmt => "logfmt".to_owned(),
            },
            unless_message(field),
            text_option("prefix", prefix),
        ]),
        StageNode::Expand(field) => column(field),
        StageNode::Stats { aggregates, keys } => words([list(aggregates, aggregate), by_keys(keys)]),
        StageNode::Timechart { aggregates, split, every, limit, other, .. } => words([
            list(aggregates, aggregate),
            by_keys(split.as_slice()),
            literal_option("every", every.as_ref()),
            number_option("limit", *limit, 10),
            if *other { String::new() } else { "other=false".to_owned() },
        ]),
        StageNode::Top { count, fields, .. } => words([number_unless(*count, 10), columns(fields)]),
        StageNode::Percentiles { field, percents, keys } => {
            words([column(field), format!("({})", list(percents, literal)), by_keys(keys)])
        }
        StageNode::Sort(keys) => list(keys, sort_key),
        StageNode::Limit(count) | StageNode::Offset(count) => count.to_string(),
        StageNode::Dedup { count, fields } => words([number_unless(*count, 1), columns(fields)]),
        StageNode::Sample { percent } => format!("{}%", percent.text),
        StageNode::Fill { every, value, .. } => {
            words([literal_option("every", every.as_ref()), fill_value(*value)])
        }
        StageNode::Join { kind, query, keys, prefix } => words([
            if *kind == JoinKind::Inner { "kind=inner".to_owned() } else { String::new() },
            subquery(query),
            format!("on {}", list(keys, join_key)),
            text_option("prefix", prefix),
        ]),
        StageNode::Lookup { table, key } => format!("{} on {}", table.text, column(key)),
        StageNode::Union(queries) => list(queries, subquery),
        StageNode::Context { before, after, within, by } => words([
            number_option("before", *before, 5),
            number_option("after", *after, 5),
            literal_option("within", within.as_ref()),
            by_columns(by),
        ]),
        StageNode::Patterns { field, keys, limit } => {
            words([unless_message(field), by_keys(keys), number_option("limit", *limit, 100)])
        }
        StageNode::Compare { shift } => literal_option("shift", Some(shift)),
        StageNode::Window { columns, by } => words([list(columns, window_column), by_columns(by)]),
        StageNode::Anomaly { field, by, method, threshold } => words([
            column(field),
            by_columns(by),
            if *method == AnomalyMethod::Zscore { "method=zscore".to_owned() } else { String::new() },
            literal_option("threshold", threshold.as_ref()),
        ]),
        StageNode::Histogram { field, buckets } => words([
            column(field),
            match buckets {
                HistogramBuckets::Step(step) => literal_option("step", Some(step)),
                HistogramBuckets::Bins(count) => format!("bins={count}"),
            },
        ]),
        StageNode::Facets { fields, limit } => words([columns(fields), number_option("limit", *limit, 10)]),
        StageNode::Describe => String::new(),
    }
}

/// The pieces that are not empty, with blanks between them.
fn words<const N: usize>(pieces: [String; N]) -> String {
    let pieces: Vec<String> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
    pieces.join(" ")
}

fn column(field: &Field) -> String {
    quote::column(&field.path)
}

fn columns(fields: &[Field]) -> String {
    list(fields, column)
}

/// The field of a stage that reads `message` by itself.
fn unless_message(field: &Field) -> String {
    if field.path == "message" { String::new() } else { column(field) }
}

fn projection(projection: &Projection) -> String {
    match &projection.new_name {
        Some(name) => format!("{} as {}", column(&projection.field), quote::column(&name.text)),
        None => column(&projection.field),
    }
}

fn assignment(assignment: &Assignment) -> String {
    format!("{} = {}", quote::column(&assignment.name.text), expression(&assignment.value))
}

fn aggregate(aggregate: &Aggregate) -> String {
    let rank_in_name = aggregate_named(&aggregate.spelling.text).is_some_and(|(_, rank)| rank.is_some());
    let parameter = aggregate.parameter.as_ref().filter(|_| !rank_in_name).map(literal);
    let arguments: Vec<String> = aggregate.argument.iter().map(expression).chain(parameter).collect();
    let mut text = format!("{}({})", aggregate.spelling.text, arguments.join(", "));
    if let Some(condition) = &aggregate.condition {
        text.push_str(" where ");
        text.push_str(&expression(condition));
    }
    if aggregate.named {
        text.push_str(" as ");
        text.push_str(&quote::column(&aggregate.name.text));
    }
    text
}

fn by_keys(keys: &[Key]) -> String {
    let key = |key: &Key| match key.named {
        true => format!("{} as {}", expression(&key.value), quote::column(&key.name.text)),
        false => expression(&key.value),
    };
    if keys.is_empty() { String::new() } else { format!("by {}", list(keys, key)) }
}

fn by_columns(fields: &[Field]) -> String {
    if fields.is_empty() { String::new() } else { format!("by {}", columns(fields)) }
}

fn sort_key(key: &SortKey) -> String {
    format!("{}{}", if key.descending { "-" } else { "" }, column(&key.field))
}

fn join_key(key: &JoinKey) -> String {
    match key.left.path == key.right.path {
        true => column(&key.left),
        false => format!("{} = {}", column(&key.left), column(&key.right)),
    }
}

fn window_column(window: &WindowColumn) -> String {
    let rows = window.rows.map(|rows| rows.to_string());
    let arguments: Vec<String> = window.column.iter().map(column).chain(rows).collect();
    format!("{}({}) as {}", window.function.name(), arguments.join(", "), quote::column(&window.name.text))
}

fn number_unless(number: u64, default: u64) -> String {
    if number == default { String::new() } else { number.to_string() }
}

fn number_option(name: &str, number: u64, default: u64) -> String {
    if number == default { String::new() } else { format!("{name}={number}") }
}

fn literal_option(name: &str, value: Option<&Literal>) -> String {
    value.map(|value| format!("{name}={}", literal(value))).unwrap_or_default()
}

fn text_option(name: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{name}={}", quote::string(text)) }
}

fn fill_value(value: FillValue) -> String {
    match value {
        FillValue::Zero => String::new(),
        FillValue::Null => "value=null".to_owned(),
        FillValue::Previous => "value=prev".to_owned(),
        FillValue::Linear => "value=linear".to_owned(),
    }
}
