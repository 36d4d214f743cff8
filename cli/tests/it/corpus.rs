//! The conformance corpus of the query language, over a file. Over a server: `server/tests/it/command_line.rs`.

#[path = "../support/corpus.rs"]
mod cases;

use crate::run::cordwood;
use serde_json::Value;
use std::process::Stdio;

/// What is wrong with the answer to a case.
fn problem(case: &Value, file: &str) -> Option<String> {
    let arguments = cases::arguments(case);
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.push(file);
    let output = cordwood(&arguments).stdin(Stdio::null()).output().expect("it runs");
    if !output.status.success() {
        return Some(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    cases::problem(case, &String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn the_corpus_holds_for_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fixture.ndjson");
    std::fs::write(&file, cases::fixture()).expect("writable");
    let file = file.to_str().expect("a path");
    let (mut tried, mut problems) = (0, Vec::new());
    for case in cases::cases().iter().filter(|case| cases::is_for_files(case)) {
        tried += 1;
        if let Some(problem) = problem(case, file) {
            problems.push(format!("{} {}: {problem}", case["id"], case["query"]));
        }
    }
    assert!(problems.is_empty(), "{} of {tried}:\n{}", problems.len(), problems.join("\n"));
    assert!(tried > 200, "{tried}");
}
