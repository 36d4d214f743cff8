//! The streamable stages over one event after the other, for live tail.

use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::event::{Event, Row, is_below};
use super::expression::Node;
use super::matcher::Condition;
use super::value::Value;
use crate::ast::{Assignment, Field, ParsePart, Projection, Query, Stage, StageNode, Target, UnpackFormat};
use crate::sql::{Capture, EventKey, named_captures, parse_captures, parse_regex};
use crate::{Code, Diagnostic};

/// A query that can be run on each event as it comes.
#[derive(Clone, Debug)]
pub struct Stream {
    filter: Condition,
    steps: Vec<Step>,
}

/// An event that passed, and what was made of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamRow<'a> {
    /// Computed columns in order; after `fields` these and no others.
    pub columns: Vec<(String, Value<'a>)>,
    /// Names that came out of the text with `unpack`.
    pub unpacked: Vec<Map<String, Json>>,
    /// Whether `columns` is everything that is left of the event.
    pub closed: bool,
    /// Fields and paths that were taken away.
    pub dropped: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Keep(Condition),
    Eval(Vec<(String, Node)>),
    Project(Vec<(String, Field)>),
    Drop(Vec<String>),
    Rename(Vec<(String, Field)>),
    /// The groups of a regular expression become columns.
    Groups {
        field: Field,
        regex: Regex,
        captures: Vec<Capture>,
    },
    Unpack {
        format: UnpackFormat,
        field: Field,
        prefix: String,
    },
    /// Keeps this many of a million, by the event's id.
    Sample(u64),
}

impl StreamRow<'_> {
    pub(super) fn into_owned(self) -> StreamRow<'static> {
        let own = |(name, value): (String, Value)| (name, value.into_owned());
        StreamRow {
            columns: self.columns.into_iter().map(own).collect(),
            unpacked: self.unpacked,
            closed: self.closed,
            dropped: self.dropped,
        }
    }
}

impl Stream {
    /// Compiles a checked query.
    ///
    /// # Errors
    /// A stage that needs more than one event, such as `stats`.
    pub fn of(query: &Query, zone: &TimeZone) -> Result<Self, Diagnostic> {
        let filter = query.filter.as_ref().map_or(Ok(Condition::Always(true)), Condition::of)?;
        let steps = query.stages.iter().map(|stage| Step::of(stage, zone)).collect::<Result<_, _>>()?;
        Ok(Self { filter, steps })
    }

    /// What becomes of an event; nothing when it is filtered out.
    #[must_use]
    pub fn apply<'a>(&self, event: &Event<'a>) -> Option<StreamRow<'a>> {
        let mut row = Row::new(*event);
        if !self.filter.holds(&row) {
            return None;
        }
        if !self.steps.iter().all(|step| step.apply(&mut row)) {
            return None;
        }
        Some(StreamRow::of(row))
    }
}

impl<'a> StreamRow<'a> {
    /// What stages made of an event.
    pub(super) fn of(row: Row<'a>) -> Self {
        let Row { columns, unpacked, dropped, closed, .. } = row;
        Self { columns, unpacked, closed, dropped }
    }
}

impl Step {
    pub(super) fn of(stage: &Stage, zone: &TimeZone) -> Result<Self, Diagnostic> {
        Ok(match &stage.node {
            StageNode::Where(condition) => Self::Keep(Condition::of_expr(condition, zone)?),
            StageNode::Search(filter) => Self::Keep(Condition::of(filter)?),
            StageNode::Eval(assignments) => Self::Eval(compile_all(assignments, zone)?),
            StageNode::Fields(fields) => Self::Project(fields.iter().map(named).collect()),
            StageNode::Drop(fields) => Self::Drop(fields.iter().map(|field| field.path.clone()).collect()),
            StageNode::Rename(fields) => Self::Rename(fields.iter().map(named).collect()),
            StageNode::Parse { field, parts, .. } => parse_step(field, parts),
            StageNode::Extract { field, pattern, .. } => Self::Groups {
                field: field.clone(),
                regex: crate::re2::compile(&pattern.text).map_err(|_| not_streamable(stage))?,
                captures: named_captures(&pattern.text),
            },
            StageNode::Unpack { format, field, prefix, .. } => {
                Self::Unpack { format: *format, field: field.clone(), prefix: prefix.clone() }
            }
            StageNode::Sample { percent } => Self::Sample(per_million(&percent.text)),
            _ => return Err(not_streamable(stage)),
        })
    }

    /// Whether the row stays.
    pub(super) fn apply<'a>(&self, row: &mut Row<'a>) -> bool {
        match self {
            Self::Keep(condition) => return condition.holds(row),
            Self::Eval(assignments) => {
                for (name, node) in assignments {
                    let value = node.value(row);
                    set(row, name, value);
                }
            }
            Self::Project(fields) => {
                let columns = fields.iter().map(|(name, field)| (name.clone(), row.field(field))).collect();
                row.columns = columns;
                row.closed = true;
            }
            Self::Drop(paths) => {
                row.columns.retain(|(name, _)| !paths.iter().any(|path| is_below(name, path)));
                row.dropped.extend(paths.iter().cloned());
            }
            Self::Rename(fields) => {
                let values: Vec<(String, Value<'a>)> =
                    fields.iter().map(|(name, field)| (name.clone(), row.field(field))).collect();
                for (_, field) in fields {
                    match &field.target {
                        Target::Column(column) => row.columns.retain(|(name, _)| name != column),
                        _ => row.dropped.push(field.path.clone()),
                    }
                }
                values.into_iter().for_each(|(name, value)| set(row, &name, value));
            }
            Self::Groups { field, regex, captures } => take_groups(row, field, regex, captures),
            Self::Unpack { format, field, prefix } => unpack(row, *format, field, prefix),
            Self::Sample(kept) => return is_sampled(row.event.id, *kept),
        }
        true
    }
}

fn not_streamable(stage: &Stage) -> Diagnostic {
    Diagnostic::error(
        Code::E025,
        stage.name,
        "this stage needs more than one event, and here each is looked at alone",
    )
    .hint("where, search, eval, parse, extract, unpack, fields, drop, rename and sample are possible")
}

fn compile_all(assignments: &[Assignment], zone: &TimeZone) -> Result<Vec<(String, Node)>, Diagnostic> {
    assignments.iter().map(|each| Ok((each.name.text.clone(), Node::of(&each.value, zone)?))).collect()
}

fn named(projection: &Projection) -> (String, Field) {
    let name = projection.new_name.as_ref().map_or(&projection.field.path, |name| &name.text);
    (name.clone(), projection.field.clone())
}

fn set<'a>(row: &mut Row<'a>, name: &str, value: Value<'a>) {
    match row.columns.iter_mut().find(|(column, _)| column == name) {
        Some(column) => column.1 = value,
        None => row.columns.push((name.to_owned(), value)),
    }
}

fn parse_step(field: &Field, parts: &[ParsePart]) -> Step {
    let regex = super::regular::compile(&parse_regex(parts));
    Step::Groups { field: field.clone(), regex, captures: parse_captures(parts) }
}

/// Columns keep what they were where the pattern does not match.
fn take_groups<'a>(row: &mut Row<'a>, field: &Field, regex: &Regex, captures: &[Capture]) {
    let value = row.field(field);
    let text = value.to_text().unwrap_or_default().into_owned();
    let groups = regex.captures(&text).filter(|_| value.is_present());
    for capture in captures {
        let found = match &groups {
            Some(groups) => {
                let group = groups.get(capture.group).map_or("", |group| group.as_str());
                let text = Value::text(group.to_owned());
                if capture.number { text.to_number().map_or(Value::Null, Value::number) } else { text }
            }
            None => row.named(&capture.name),
        };
        set(row, &capture.name, found);
    }
}

fn unpack(row: &mut Row, format: UnpackFormat, field: &Field, prefix: &str) {
    let value = row.field(field);
    let Some(text) = value.to_text() else { return };
    let names = match format {
        UnpackFormat::Json => match serde_json::from_str(&text) {
            Ok(Json::Object(map)) => map,
            _ => return,
        },
        UnpackFormat::Logfmt => logfmt(&text),
    };
    let names = if prefix.is_empty() {
        names
    } else {
        names.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)).collect()
    };
    row.unpacked.push(names);
}

/// `key=value key="quoted \"value\""`; of the same key the first counts.
fn logfmt(text: &str) -> Map<String, Json> {
    let mut names = Map::new();
    let mut rest = text;
    while let Some(equals) = rest.find('=') {
        let key = rest[..equals].rsplit([' ', '\t', '\n']).next().unwrap_or_default();
        let (value, after) = logfmt_value(&rest[equals + 1..]);
        if !key.is_empty() && !names.contains_key(key) {
            names.insert(key.to_owned(), Json::String(value));
        }
        rest = after;
    }
    names
}

fn logfmt_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', '\n']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[offset + 1..]),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some(other) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    (value, "")
}

fn per_million(percent: &str) -> u64 {
    (percent.parse::<f64>().unwrap_or(100.0) * 10_000.0).round() as u64
}

/// The same events for every query: by a hash of the key, which SQL computes in the same way.
fn is_sampled(id: &str, kept: u64) -> bool {
    let Some(key) = EventKey::of_id(id) else { return true };
    let hash = mixed(key.batch_id ^ mixed(key.timestamp_ns as u64 ^ u64::from(key.batch_row)));
    hash % 1_000_000 < kept
}

/// ClickHouse's `intHash64`, which begins with a constant of its own.
fn mixed(mut bits: u64) -> u64 {
    bits ^= 0x4cf2_d2ba_ae6d_a887;
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn logfmt_takes_the_first_of_equal_keys_and_undoes_escapes() {
        let names = logfmt(r#"level=info msg="job \"a\" done" queue=emails queue=other empty="" odd"#);
        assert_eq!(
            Json::Object(names),
            json!({"level": "info", "msg": "job \"a\" done", "queue": "emails", "empty": ""})
        );
    }

    #[test]
    fn a_sample_keeps_about_its_share() {
        let kept = (0..10_000).filter(|number| is_sampled(&format!("{number:040x}"), 100_000)).count();
        assert!((800..1200).contains(&kept), "{kept}");
    }
}
