//! The conformance corpus of the query language as the command line is asked, over files and over a server.

use serde_json::Value;

const CASES: &str = include_str!("../../../query-lang/tests/cases/cases.json");
const FIXTURE: &str = include_str!("../../../query-lang/tests/cases/fixture.ndjson");
/// Stages that need stored events.
const OF_STORED_EVENTS: [&str; 5] = ["join", "union", "context", "compare", "in {"];

/// The cases with an exact answer.
pub fn cases() -> Vec<Value> {
    let mut cases: Vec<Value> = serde_json::from_str(CASES).expect("well formed");
    cases.retain(|case| case["kind"] == "valid" && case["expects"]["exact"] != false);
    cases
}

/// Whether files are enough to answer it.
pub fn is_for_files(case: &Value) -> bool {
    let query = case["query"].as_str().unwrap_or_default();
    !OF_STORED_EVENTS.iter().any(|stage| query.contains(stage))
}

/// The events of the tenant that asks, a line each.
pub fn fixture() -> String {
    let own: Vec<&str> = FIXTURE
        .lines()
        .filter(|line| line.contains("\"tenant\":\"t1\"") || line.contains("\"tenant\": \"t1\""))
        .collect();
    assert!(own.len() > 40);
    own.join("\n") + "\n"
}

/// The arguments with which a case is asked; files go behind.
pub fn arguments(case: &Value) -> Vec<String> {
    let context = |name: &str, usual: &str| case["context"][name].as_str().unwrap_or(usual).to_owned();
    let to = context("to", "2026-03-10T12:00:00Z");
    let from = context("from", "2026-03-10T10:00:00Z");
    let zone = context("tz", "UTC");
    let query = case["query"].as_str().expect("a query");
    // A query may begin with a hyphen.
    ["query", "-o", "ndjson", "--from", &from, "--to", &to, "--now", &to, "--tz", &zone, "--", query]
        .map(str::to_owned)
        .into()
}

/// What is wrong with an answer.
pub fn problem(case: &Value, answer: &str) -> Option<String> {
    let rows: Vec<Value> = answer.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let expects = &case["expects"];
    if let Some(columns) = expects["columns"].as_array().filter(|_| expects["rows"].is_array()) {
        let cells =
            |row: &Value| columns.iter().map(|name| row[name.as_str().unwrap_or_default()].clone()).collect();
        let mut found: Vec<Value> = rows.iter().map(cells).collect();
        let mut wanted = expects["rows"].as_array().cloned().unwrap_or_default();
        // Stages that look at one event after the other leave the order of the file.
        if !same(&Value::Array(found.clone()), &Value::Array(wanted.clone())) {
            found.sort_by_key(ToString::to_string);
            wanted.sort_by_key(ToString::to_string);
        }
        let (found, wanted) = (Value::Array(found), Value::Array(wanted));
        return (!same(&found, &wanted)).then(|| format!("{found} instead of {wanted}"));
    }
    let id = |row: &Value| row["attributes"]["id"].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<String> = rows.iter().map(id).collect();
    let mut wanted: Vec<String> =
        expects["ids"].as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    if found != wanted {
        found.sort();
        wanted.sort();
    }
    (found != wanted).then(|| format!("{found:?} instead of {wanted:?}"))
}

/// Equal up to the last digits of numbers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            (a - b).abs() <= 1e-6 * a.abs().max(1.0)
        }
        _ => a == b,
    }
}
