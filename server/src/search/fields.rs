//! Which fields the matching events have.
//!
//! The newest ones are always looked at, for the numbers of different values and for how often a mixed field is of which type.
//! How many events have a field, and which types it has, is counted over all of them where a rollup knows it, and otherwise
//! among the newest.

use super::execute::Executor;
use super::http::{plan_of, read_of};
use super::respond::whole;
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::logstore::Answer;
use actix_web::web;
use api_types::search::{Field, Fields, SearchRequest};
use query_lang::sql::EVENTS_FOR_FIELDS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const MIXED: &str = "mixed";
const CORE: [&str; 6] = ["level", "source", "host", "message", "trace_id", "span_id"];

/// The fields of the matching events, most frequent first.
pub(super) async fn fields(
    reader: Reader,
    executor: web::Data<Executor>,
    auditor: Auditor,
    request: web::Json<SearchRequest>,
) -> Result<web::Json<Fields>, ApiError> {
    let plan = plan_of(&reader, &executor, &request).await?;
    let newest = executor.for_reader(&reader, plan.fields()?);
    let Some(counts) = plan.field_counts()? else {
        let newest = newest.await?;
        auditor.read_logs(read_of("fields", &plan, [&newest.stats])).await;
        return Ok(web::Json(of_newest(&newest)));
    };
    let (newest, counts) = futures::try_join!(newest, executor.for_reader(&reader, counts))?;
    auditor.read_logs(read_of("fields", &plan, [&newest.stats, &counts.stats])).await;
    let newest = of_newest(&newest);
    Ok(web::Json(of_all(&counts, &newest).unwrap_or(newest)))
}

fn of_newest(answer: &Answer) -> Fields {
    let events = answer.rows.first().and_then(|row| whole(row.get(4)?)).unwrap_or(0);
    Fields {
        fields: answer.rows.iter().filter_map(|row| field(row)).collect(),
        events,
        sampled: events >= EVENTS_FOR_FIELDS,
    }
}

/// From name, kind, count, number of different values, number of all events, and counts by kind.
fn field(row: &[Value]) -> Option<Field> {
    let kind = row.get(1)?.as_str()?;
    Some(Field {
        name: row.first()?.as_str()?.to_owned(),
        kind: kind.to_owned(),
        count: whole(row.get(2)?)?,
        distinct: row.get(3).and_then(whole),
        types: if kind == MIXED { types(row.get(5)?) } else { BTreeMap::new() },
    })
}

fn types(by_kind: &Value) -> BTreeMap<String, u64> {
    let counted = by_kind.as_object().into_iter().flatten();
    let counted = counted.filter_map(|(kind, count)| Some((kind.clone(), whole(count)?)));
    counted.filter(|(_, count)| *count > 0).collect()
}

/// From the only row of counts: events, those with each core field, a map from path to count and one from path to types.
fn of_all(answer: &Answer, newest: &Fields) -> Option<Fields> {
    let row = answer.rows.first()?;
    let newest: HashMap<&str, &Field> =
        newest.fields.iter().map(|field| (field.name.as_str(), field)).collect();
    let field = |name: &str, kinds: &BTreeSet<&'static str>, count: u64| {
        let newest = newest.get(name);
        Field {
            name: name.to_owned(),
            kind: kind_of(kinds).to_owned(),
            count,
            distinct: newest.and_then(|field| field.distinct),
            types: mix(kinds, newest.copied()),
        }
    };
    let text = BTreeSet::from(["string"]);
    let core = CORE.iter().enumerate().map(|(at, name)| Some(field(name, &text, whole(row.get(1 + at)?)?)));
    let mut fields = core.collect::<Option<Vec<_>>>()?;
    let types = row.get(1 + CORE.len() + 1)?.as_object()?;
    for (path, count) in row.get(1 + CORE.len())?.as_object()? {
        fields.push(field(path, &kinds(types.get(path)), whole(count)?));
    }
    fields.retain(|field| field.count > 0);
    fields.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    Some(Fields { fields, events: whole(row.first()?)?, sampled: false })
}

/// What people call the engine's types; whole and other numbers are one kind.
fn kinds(types: Option<&Value>) -> BTreeSet<&'static str> {
    let names = types.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names
        .map(|name| match name {
            "String" => "string",
            "Bool" => "bool",
            name if name.starts_with("Array") => "array",
            _ => "number",
        })
        .collect()
}

fn kind_of(kinds: &BTreeSet<&'static str>) -> &'static str {
    let mut kinds = kinds.iter();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => kind,
        _ => MIXED,
    }
}

/// How many of the newest events have each of a mixed field's kinds; none of them may have one that older ones have.
fn mix(kinds: &BTreeSet<&'static str>, newest: Option<&Field>) -> BTreeMap<String, u64> {
    if kinds.len() < 2 {
        return BTreeMap::new();
    }
    let among_newest = |kind: &str| {
        newest.map_or(0, |field| match field.types.get(kind) {
            Some(count) => *count,
            None if field.kind == kind => field.count,
            None => 0,
        })
    };
    kinds.iter().map(|kind| ((*kind).to_owned(), among_newest(kind))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_of_one_kind_are_one_and_others_are_mixed() {
        let kind = |types: Value| kind_of(&kinds(Some(&types)));
        assert_eq!(kind(json!(["Int64", "Float64"])), "number");
        assert_eq!(kind(json!(["Array(Nullable(String))"])), "array");
        assert_eq!(kind(json!(["Int64", "String"])), "mixed");
    }

    #[test]
    fn a_mix_names_the_kinds_that_only_older_events_have() {
        let row = [
            json!("code"),
            json!("number"),
            json!("7"),
            json!("3"),
            json!("9"),
            json!({"number": "7", "string": "0"}),
        ];
        let newest = field(&row).unwrap();
        let mixed = mix(&BTreeSet::from(["number", "string"]), Some(&newest));
        assert_eq!(mixed, BTreeMap::from([("number".to_owned(), 7), ("string".to_owned(), 0)]));
        assert!(newest.types.is_empty() && mix(&BTreeSet::from(["number"]), Some(&newest)).is_empty());
    }

    #[test]
    fn a_mixed_row_tells_how_often_it_is_what() {
        let types = json!({"string": "1", "number": "6", "bool": "0", "array": "0"});
        let mixed =
            field(&[json!("code"), json!("mixed"), json!("7"), json!("3"), json!("9"), types]).unwrap();
        assert_eq!(mixed.types, BTreeMap::from([("number".to_owned(), 6), ("string".to_owned(), 1)]));
    }
}
