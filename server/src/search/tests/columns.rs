//! No statement reads a column that its query does not need: what the engine's plan names is compared with the tree.

use super::fixture::cases;
use super::stored::{Fixture, compiled};
use query_lang::sql::{Compiled, RowShape};
use std::collections::BTreeSet;

/// What every statement needs: whose rows, from when.
const ALWAYS: [&str; 3] = ["tenant_id", "project_id", "timestamp"];
/// The rest of an event's key, which gives events of the same time an order.
const KEY: [&str; 2] = ["batch_id", "batch_row"];

#[tokio::test]
async fn statements_read_only_the_columns_that_their_query_needs() {
    let fixture = Fixture::start().await;
    let (mut plans, mut problems) = (0, Vec::new());
    for case in cases().iter().filter(|case| case.kind == "valid") {
        let checked = case.checked().unwrap();
        let compiled = compiled(&checked, &case.request()).unwrap();
        let tree = format!("{:?}", checked.query);
        let read = columns_read(&fixture, &compiled).await;
        plans += 1;
        let needless: Vec<&String> =
            read.iter().filter(|column| !is_needed(column, &tree, &compiled)).collect();
        if !needless.is_empty() {
            problems.push(format!("{} {}: {needless:?}", case.id, case.query));
        }
    }
    eprintln!("columns: {} of {plans} statements read only what they need", plans - problems.len());
    assert!(plans > 250 && problems.is_empty(), "{}", problems.join("\n"));
}

/// What the plan's readers give, those of the newest rows that are read last among them.
async fn columns_read(fixture: &Fixture, compiled: &Compiled) -> BTreeSet<String> {
    let explained = Compiled { sql: format!("EXPLAIN header = 1 {}", compiled.sql), ..compiled.clone() };
    let answer =
        fixture.run(explained).await.unwrap_or_else(|error| panic!("{}\n{}", error.chain(), compiled.sql));
    let mut read = BTreeSet::new();
    let mut within_header = false;
    let lines = answer.rows.iter().map(|row| row[0].as_str().unwrap());
    for line in lines.map(|line| line.trim_start_matches(['│', '├', '└', '─', ' '])) {
        let (is_reader, is_header) = (line.contains("ReadFromMergeTree"), line.starts_with("Header: "));
        within_header = is_reader || within_header && !line.starts_with("Read type: ");
        if let Some(names) = line.strip_prefix("Lazily read columns: ") {
            read.extend(names.split(", ").map(str::to_owned));
        } else if within_header && !is_reader {
            read.insert(name_in(if is_header { &line["Header: ".len()..] } else { line }));
        }
    }
    // Made by the engine: positions, what an index answered, what is computed while reading.
    read.retain(|name| !name.starts_with('_') && !name.contains('(') && !name.is_empty());
    read
}

/// The name before the type; the names of attributes may hold blanks.
fn name_in(line: &str) -> String {
    let typed = [" Dynamic", " JSON"].into_iter().find_map(|kind| line.rfind(kind));
    let end = typed.filter(|_| line.starts_with("attributes.")).or_else(|| line.find(' '));
    line[..end.unwrap_or(line.len())].to_owned()
}

fn is_needed(column: &str, tree: &str, compiled: &Compiled) -> bool {
    let is_events = matches!(compiled.shape, RowShape::Events { .. });
    let mentions = |words: &[&str]| words.iter().any(|word| tree.contains(word));
    if ALWAYS.contains(&column) || is_events {
        return true;
    }
    // What orders rows, or tells them apart.
    let order = [
        "Fields(", "Limit(", "Offset(", "Dedup", "Sort(", "First", "Last", "List", "Context", "Sample",
        "Expand(", "Core(Id)", "Patterns",
    ];
    match column {
        "level" => mentions(&["Core(Level)"]),
        "source" => mentions(&["Core(Source)", "AnyText"]),
        "host" => mentions(&["Core(Host)", "AnyText"]),
        "trace_id" => mentions(&["Core(TraceId)", "AnyText"]),
        "span_id" => mentions(&["Core(SpanId)", "AnyText"]),
        "message" => mentions(&["Core(Message)", "AnyText", "node: Text("]),
        "attributes" => mentions(&["AnyText", "Describe"]),
        key if KEY.contains(&key) => mentions(&order),
        "pattern_id" => mentions(&["Patterns"]),
        "attributes.id" => mentions(&["Core(Id)"]),
        // A path below `attributes`: a field, or a name that a pattern gives.
        path => {
            let path = path.strip_prefix("attributes.").unwrap_or(path).replace(['`', '^'], "");
            mentions(&[path.as_str()])
        }
    }
}
