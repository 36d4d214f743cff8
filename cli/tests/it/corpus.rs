//! The conformance corpus of the query language, over a file.

use crate::run::cordwood;
use serde_json::Value;
use std::process::Stdio;

const CASES: &str = include_str!("../../../query-lang/tests/cases/cases.json");
const FIXTURE: &str = include_str!("../../../query-lang/tests/cases/fixture.ndjson");
/// Stages that need stored events.
const REFUSED: [&str; 5] = ["join", "union", "context", "compare", "in {"];

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

/// What is wrong with the answer to a case.
fn problem(case: &Value, file: &str) -> Option<String> {
    let context = |name: &str, usual: &str| case["context"][name].as_str().unwrap_or(usual).to_owned();
    let query = case["query"].as_str().expect("a query");
    let to = context("to", "2026-03-10T12:00:00Z");
    let from = context("from", "2026-03-10T10:00:00Z");
    let zone = context("tz", "UTC");
    // A query may begin with a hyphen.
    let options = [
        "query", "-o", "ndjson", "--from", &from, "--to", &to, "--now", &to, "--tz", &zone, "--", query, file,
    ];
    let output = cordwood(&options).stdin(Stdio::null()).output().expect("it runs");
    if !output.status.success() {
        return Some(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("text");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
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

#[test]
fn the_corpus_holds_for_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fixture.ndjson");
    let own: Vec<&str> = FIXTURE
        .lines()
        .filter(|line| line.contains("\"tenant\":\"t1\"") || line.contains("\"tenant\": \"t1\""))
        .collect();
    assert!(own.len() > 40);
    std::fs::write(&file, own.join("\n") + "\n").expect("writable");
    let file = file.to_str().expect("a path");
    let cases: Vec<Value> = serde_json::from_str(CASES).expect("well formed");
    let possible = cases.iter().filter(|case| {
        let query = case["query"].as_str().unwrap_or_default();
        case["kind"] == "valid"
            && case["expects"]["exact"] != false
            && !REFUSED.iter().any(|stage| query.contains(stage))
    });
    let (mut tried, mut problems) = (0, Vec::new());
    for case in possible {
        tried += 1;
        if let Some(problem) = problem(case, file) {
            problems.push(format!("{} {}: {problem}", case["id"], case["query"]));
        }
    }
    assert!(problems.is_empty(), "{} of {tried}:\n{}", problems.len(), problems.join("\n"));
    assert!(tried > 200, "{tried}");
}
