//! Counts over the matching events of a file: by time and level, by field, by value, by the shape of the message.

use super::file::Found;
use api_types::events::{Pattern, Patterns};
use api_types::search::{Bucket, Field, FieldValue, FieldValues, Histogram, SearchRequest};
use event::{Event, Object, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

const MS: i64 = 1_000_000;
/// Widths of a bucket that people can read, in milliseconds.
const STEPS: [i64; 22] = [
    1, 5, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
];

fn matching<'a>(events: &'a [Event<'static>], found: &'a Found) -> impl Iterator<Item = &'a Event<'static>> {
    found.matching.iter().filter_map(|number| events.get(*number as usize))
}

pub fn histogram(events: &[Event<'static>], found: &Found, buckets: Option<u32>) -> Histogram {
    let ends = || matching(events, found).map(|event| event.timestamp_ns.div_euclid(MS));
    let (from, to) =
        (found.from_ms.max(ends().min().unwrap_or(0)), found.to_ms.min(ends().max().unwrap_or(0) + 1));
    let wanted = (to - from).max(1) / i64::from(buckets.unwrap_or(60).max(1));
    let day = STEPS[STEPS.len() - 1];
    let interval =
        STEPS.into_iter().find(|step| *step >= wanted).unwrap_or_else(|| wanted.div_euclid(day).max(1) * day);
    let mut counted: BTreeMap<i64, Bucket> = BTreeMap::new();
    for event in matching(events, found) {
        let start = event.timestamp_ns.div_euclid(MS).div_euclid(interval) * interval;
        let bucket = counted.entry(start).or_insert_with(|| Bucket {
            start: crate::format::rfc3339(start),
            total: 0,
            by_level: BTreeMap::new(),
        });
        bucket.total += 1;
        *bucket.by_level.entry(event.level.as_str().to_owned()).or_default() += 1;
    }
    Histogram { interval_ms: interval as u64, buckets: counted.into_values().collect() }
}

/// Calls for every leaf with its dotted path.
fn leaves<'a>(prefix: &str, object: &'a Object, visit: &mut impl FnMut(&str, &'a Value)) {
    for (name, value) in object.iter() {
        let path =
            if prefix.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{prefix}.{name}")) };
        match value {
            Value::Object(inner) if !inner.is_empty() => leaves(&path, inner, visit),
            Value::Null => {}
            value => visit(&path, value),
        }
    }
}

fn core<'a>(event: &'a Event, visit: &mut impl FnMut(&'static str, &'a str)) {
    if let Some(level) = event.level.name() {
        visit("level", level);
    }
    let texts = [
        ("source", &event.source),
        ("host", &event.host),
        ("message", &event.message),
        ("trace_id", &event.trace_id),
        ("span_id", &event.span_id),
    ];
    for (name, text) in texts {
        if !text.is_empty() {
            visit(name, text);
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Digits(_) => "number",
        Value::Array(_) => "array",
        _ => "string",
    }
}

pub fn fields(events: &[Event<'static>], found: &Found) -> Vec<Field> {
    let mut counted: HashMap<String, BTreeMap<&'static str, u64>> = HashMap::new();
    let mut count = |name: &str, kind: &'static str| match counted.get_mut(name) {
        Some(kinds) => *kinds.entry(kind).or_default() += 1,
        None => {
            counted.insert(name.to_owned(), BTreeMap::from([(kind, 1)]));
        }
    };
    for event in matching(events, found) {
        core(event, &mut |name, _| count(name, "string"));
        leaves("", &event.attributes, &mut |path, value| count(path, kind(value)));
    }
    let mut fields: Vec<Field> = counted.into_iter().map(|(name, kinds)| field(name, &kinds)).collect();
    fields.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.name.cmp(&right.name)));
    fields
}

fn field(name: String, kinds: &BTreeMap<&'static str, u64>) -> Field {
    let one = kinds.keys().next().filter(|_| kinds.len() == 1);
    let types = kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
    Field {
        name,
        kind: one.map_or("mixed", |kind| kind).to_owned(),
        count: kinds.values().sum(),
        distinct: None,
        types: if one.is_some() { BTreeMap::new() } else { types },
    }
}

/// Every shape of message with its count over the whole range.
pub fn patterns(events: &[Event<'static>], found: &Found, request: &SearchRequest) -> Patterns {
    let wanted = request.buckets.unwrap_or(30).max(1) as usize;
    let times = || matching(events, found).map(|event| event.timestamp_ns.div_euclid(MS));
    let from = found.from_ms.max(times().min().unwrap_or(0));
    let to = found.to_ms.min(times().max().unwrap_or(0) + 1).max(from + 1);
    let interval = ((to - from) as u64).div_ceil(wanted as u64).max(1);
    let mut counted: HashMap<String, Pattern> = HashMap::new();
    let mut total = 0;
    for number in &found.matching {
        let Some(event) = events.get(*number as usize).filter(|event| !event.message.is_empty()) else {
            continue;
        };
        total += 1;
        let ms = event.timestamp_ns.div_euclid(MS);
        // Events are newest first, so the first of a pattern is its sample.
        let pattern =
            counted.entry(event::pattern::template(&event.message)).or_insert_with_key(|pattern| Pattern {
                pattern: pattern.clone(),
                count: 0,
                level: None,
                by_level: BTreeMap::new(),
                sample_id: number.to_string(),
                sample: event.message.clone().into_owned(),
                last_seen: crate::format::rfc3339(ms),
                sparkline: vec![0; wanted],
            });
        pattern.count += 1;
        *pattern.by_level.entry(event.level.as_str().to_owned()).or_default() += 1;
        let bucket = ((ms - from) as u64 / interval) as usize;
        pattern.sparkline[bucket.min(wanted - 1)] += 1;
    }
    let mut patterns: Vec<Pattern> = counted.into_values().collect();
    patterns
        .sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.pattern.cmp(&right.pattern)));
    let distinct = patterns.len();
    patterns.truncate(request.limit.unwrap_or(100) as usize);
    for pattern in &mut patterns {
        let most = pattern.by_level.iter().max_by_key(|(_, count)| **count);
        pattern.level = most.map(|(level, _)| level.clone()).filter(|level| level != "unknown");
    }
    Patterns {
        events: total,
        distinct: distinct as u64,
        truncated: distinct > patterns.len(),
        patterns,
        interval_ms: interval,
        start: Some(crate::format::rfc3339(from)),
    }
}

pub fn values(events: &[Event<'static>], found: &Found, request: &SearchRequest) -> FieldValues {
    let wanted = request.field.as_deref().unwrap_or_default();
    let prefix = request.prefix.as_deref().unwrap_or_default().to_lowercase();
    let mut counted: HashMap<String, u64> = HashMap::new();
    let mut total = 0;
    let mut count = |text: String| {
        total += 1;
        if text.to_lowercase().starts_with(&prefix) {
            *counted.entry(text).or_default() += 1;
        }
    };
    for event in matching(events, found) {
        core(event, &mut |name, text| {
            if name == wanted {
                count(text.to_owned());
            }
        });
        leaves("", &event.attributes, &mut |path, value| {
            if path == wanted {
                count(value.scalar_text().map_or_else(|| value.to_json(), Cow::into_owned));
            }
        });
    }
    let mut values: Vec<FieldValue> =
        counted.into_iter().map(|(value, count)| FieldValue { value, count }).collect();
    values.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.value.cmp(&right.value)));
    values.truncate(request.limit.unwrap_or(20) as usize);
    FieldValues { values, total }
}
