//! Which fields the matching events have.
//!
//! The newest ones are always looked at, for the numbers of different values. How many events have a field is counted over
//! all of them where a rollup knows it, and otherwise among the newest.

use super::execute::Executor;
use super::http::{plan_of, read_of};
use super::respond::whole;
use crate::audit::Auditor;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::logstore::Answer;
use actix_web::web;
use api_types::search::{Field, Fields, SearchRequest};
use serde_json::Value;
use std::collections::BTreeSet;

/// As the statement for the newest events has it.
const LOOKED_AT: u64 = 10_000;
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
        sampled: events >= LOOKED_AT,
    }
}

/// From name, kind, count and number of different values.
fn field(row: &[Value]) -> Option<Field> {
    Some(Field {
        name: row.first()?.as_str()?.to_owned(),
        kind: row.get(1)?.as_str()?.to_owned(),
        count: whole(row.get(2)?)?,
        distinct: row.get(3).and_then(whole),
    })
}

/// From the only row of counts: events, those with each core field, a map from path to count and one from path to types.
fn of_all(answer: &Answer, newest: &Fields) -> Option<Fields> {
    let row = answer.rows.first()?;
    let distinct = |name: &str| newest.fields.iter().find(|field| field.name == name)?.distinct;
    let field = |name: &str, kind: &str, count: u64| Field {
        name: name.to_owned(),
        kind: kind.to_owned(),
        count,
        distinct: distinct(name),
    };
    let core =
        CORE.iter().enumerate().map(|(at, name)| Some(field(name, "string", whole(row.get(1 + at)?)?)));
    let mut fields = core.collect::<Option<Vec<_>>>()?;
    let types = row.get(1 + CORE.len() + 1)?.as_object()?;
    for (path, count) in row.get(1 + CORE.len())?.as_object()? {
        fields.push(field(path, kind_of(types.get(path)), whole(count)?));
    }
    fields.retain(|field| field.count > 0);
    fields.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    Some(Fields { fields, events: whole(row.first()?)?, sampled: false })
}

/// What people call the engine's types; whole and other numbers are one kind.
fn kind_of(types: Option<&Value>) -> &'static str {
    let names = types.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let kinds: BTreeSet<&'static str> = names
        .map(|name| match name {
            "String" => "string",
            "Bool" => "bool",
            name if name.starts_with("Array") => "array",
            _ => "number",
        })
        .collect();
    let mut kinds = kinds.into_iter();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => kind,
        _ => "mixed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_of_one_kind_are_one_and_others_are_mixed() {
        assert_eq!(kind_of(Some(&json!(["Int64", "Float64"]))), "number");
        assert_eq!(kind_of(Some(&json!(["Array(Nullable(String))"]))), "array");
        assert_eq!(kind_of(Some(&json!(["Int64", "String"]))), "mixed");
    }
}
