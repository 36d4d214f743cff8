//! What a search would read at most, told by the engine's EXPLAIN before anything runs.

use super::execute::Executor;
use super::respond::whole;
use crate::logstore::Answer;
use crate::tenant::TenantScope;
use api_types::search::{Estimate, IndexUse};
use query_lang::sql::{Compiled, Parameter};
use serde_json::Value;

const WORDS_INDEX: &str = "message_words";
const TRACE_INDEX: &str = "trace";

/// Nothing when the engine is away or takes too long to think.
pub(super) async fn of(executor: &Executor, tenant: &TenantScope, compiled: &Compiled) -> Option<Estimate> {
    let first = compiled.keys_first.as_ref().map(|sql| Compiled { sql: sql.clone(), ..compiled.clone() });
    let compiled = first.as_ref().unwrap_or(compiled);
    let explained =
        |explain: &str| Compiled { sql: format!("{explain} {}", compiled.sql), ..compiled.clone() };
    let read = executor.aside(tenant, explained("EXPLAIN ESTIMATE")).await.ok()?;
    let plan = executor.aside(tenant, explained("EXPLAIN json = 1, indexes = 1")).await.ok()?;
    let mut steps = Vec::new();
    index_steps(&plan_of(&plan)?, &mut steps);
    let mut estimate = Estimate { indexes: uses(&steps, compiled), ..Estimate::default() };
    for row in &read.rows {
        estimate.parts += row.get(2).and_then(whole::<u64>).unwrap_or(0);
        estimate.rows += row.get(3).and_then(whole::<u64>).unwrap_or(0);
        estimate.marks += row.get(4).and_then(whole::<u64>).unwrap_or(0);
    }
    estimate.marks_in_range = after_key(&steps).unwrap_or(estimate.marks);
    estimate.bytes = bytes(executor, tenant, compiled, estimate.rows).await;
    Some(estimate)
}

/// The plan comes as one text, or as its lines.
fn plan_of(answer: &Answer) -> Option<Value> {
    let lines = answer.rows.iter().filter_map(|row| row.first()?.as_str());
    serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).ok()
}

/// One use of an index at one scan.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    kind: String,
    name: String,
    before: u64,
    after: u64,
}

fn index_steps(plan: &Value, steps: &mut Vec<Step>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| index_steps(plan, steps)),
        Value::Object(members) => {
            for index in members.get("Indexes").and_then(Value::as_array).into_iter().flatten() {
                steps.extend(step(index));
            }
            members.values().for_each(|member| index_steps(member, steps));
        }
        _ => {}
    }
}

fn step(index: &Value) -> Option<Step> {
    let text = |name: &str| index.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Step {
        kind: text("Type"),
        name: text("Name"),
        before: whole(index.get("Initial Granules")?)?,
        after: whole(index.get("Selected Granules")?)?,
    })
}

/// What the key leaves, before other indexes narrow it.
fn after_key(steps: &[Step]) -> Option<u64> {
    let keys = steps.iter().filter(|step| step.kind == "PrimaryKey");
    keys.map(|step| step.after).reduce(|a, b| a + b)
}

fn uses(steps: &[Step], compiled: &Compiled) -> Vec<IndexUse> {
    let total = |is_it: &dyn Fn(&Step) -> bool, part: fn(&Step) -> u64| -> Option<u64> {
        steps.iter().filter(|step| is_it(step)).map(part).reduce(|a, b| a + b)
    };
    let mut uses = Vec::new();
    let (before, after) = (
        total(&|step| step.kind == "PrimaryKey", |step| step.before),
        total(&|step| step.kind == "PrimaryKey", |step| step.after),
    );
    uses.push(IndexUse {
        index: "time".into(),
        used: after.is_some(),
        note: "Only the project's events in the time range are read.".into(),
        marks_before: before,
        marks_after: after,
    });
    for (name, shown, column, asked) in [
        (WORDS_INDEX, "message words", "message", "whole words, phrases and the beginnings of words"),
        (TRACE_INDEX, "trace id", "trace_id", "equality of trace_id"),
    ] {
        let is_it = |step: &Step| step.kind == "Skip" && step.name == name;
        let (before, after) = (total(&is_it, |step| step.before), total(&is_it, |step| step.after));
        let mentions = filters(compiled).contains(column);
        let note = match (before, after) {
            (Some(before), Some(after)) => format!("It leaves {after} of {before} pieces to read."),
            _ if mentions => format!("It answers {asked}; nothing that this query requires is one of these."),
            _ => format!("The query does not ask for {asked}."),
        };
        let used = after.is_some();
        uses.push(IndexUse { index: shown.into(), used, note, marks_before: before, marks_after: after });
    }
    uses
}

/// What stands behind the first WHERE: our own text, so looking into it is safe.
fn filters(compiled: &Compiled) -> &str {
    compiled.sql.split_once(" WHERE ").map_or("", |(_, filters)| filters)
}

/// Uncompressed bytes of the columns that the statement names, for so many rows.
async fn bytes(executor: &Executor, tenant: &TenantScope, compiled: &Compiled, rows: u64) -> Option<u64> {
    let sizes = Compiled {
        sql: "SELECT name, data_uncompressed_bytes, \
              (SELECT (total_rows, total_bytes_uncompressed) FROM system.tables \
              WHERE database = currentDatabase() AND name = 'logs') AS whole, whole.1, whole.2 \
              FROM system.columns WHERE database = currentDatabase() AND table = 'logs'"
            .into(),
        parameters: Vec::new(),
        ..compiled.clone()
    };
    let answer = executor.aside(tenant, sizes).await.ok()?;
    let has_paths = compiled.parameters.iter().any(|(_, value)| matches!(value, Parameter::Path(_)));
    let (mut bytes_read, mut bytes_known, mut rows_of_all, mut bytes_of_all) = (0, 0, 1, 0);
    for row in &answer.rows {
        let name = row.first()?.as_str()?;
        let bytes: u64 = whole(row.get(1)?)?;
        let is_read = names(&compiled.sql, name) || (name == "attributes" && has_paths);
        bytes_read += if is_read { bytes } else { 0 };
        bytes_known += bytes;
        rows_of_all = row.get(3).and_then(whole::<u64>)?.max(1);
        bytes_of_all = row.get(4).and_then(whole::<u64>)?;
    }
    // Small parts keep all columns in one file, and do not tell them apart.
    let bytes_of_rows = if bytes_known == 0 { bytes_of_all } else { bytes_read };
    Some((bytes_of_rows as f64 * rows as f64 / rows_of_all as f64) as u64)
}

/// Whether a name stands in the text as a whole word.
fn names(sql: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    sql.match_indices(name).any(|(at, _)| {
        let before = sql[..at].chars().next_back().is_some_and(is_word);
        let after = sql[at + name.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_are_found_wherever_they_are_in_the_plan() {
        let index = |kind: &str, before: u64, after: u64| json!({ "Type": kind, "Initial Granules": before, "Selected Granules": after });
        let plan = json!([{ "Plan": { "Node Type": "Limit", "Plans": [
            { "Node Type": "ReadFromMergeTree", "Indexes": [index("MinMax", 9, 8), index("PrimaryKey", 8, 5)] },
            { "Node Type": "ReadFromMergeTree", "Indexes": [index("PrimaryKey", 3, 2)] },
        ] } }]);
        let mut steps = Vec::new();
        index_steps(&plan, &mut steps);
        assert_eq!((steps.len(), after_key(&steps)), (3, Some(7)));
    }

    #[test]
    fn a_column_is_named_by_a_whole_word() {
        assert!(names("SELECT trace_id AS c0", "trace_id"));
        assert!(!names("SELECT trace_id AS c0", "trace"));
        assert!(!names("SELECT hostname", "host"));
    }
}
