//! The conformance corpus as SQL: every valid case gives the rows that it says.

use super::fixture::{Case, cases, same};
use super::stored::{Fixture, compiled, computed, shown};
use query_lang::sql::Compiled;
use serde_json::Value;

#[tokio::test]
async fn the_corpus_holds_on_the_engine() {
    let fixture = Fixture::start().await;
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.kind == "valid").collect();
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(problem) = holds(&fixture, case).await {
            failures.push(format!("{} {}\n    {problem}", case.id, case.query));
        }
    }
    let (held, all) = (cases.len() - failures.len(), cases.len());
    eprintln!("corpus on the engine: {held} of {all} valid cases hold");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

async fn holds(fixture: &Fixture, case: &Case) -> Result<(), String> {
    let checked = case.checked().map_err(|error| error.to_string())?;
    let compiled = compiled(&checked, &case.request()).map_err(|error| error.to_string())?;
    let answer = fixture
        .run(compiled.clone())
        .await
        .map_err(|error| format!("{}\n{}", error.chain(), compiled.sql))?;
    if case.expects.exact == Some(false) {
        return Ok(());
    }
    match case.expected_ids() {
        Some(expected) => events_are(fixture, case, &compiled, &answer.rows, &expected),
        None => rows_are(case, &compiled, answer.rows),
    }
}

fn events_are(
    fixture: &Fixture,
    case: &Case,
    compiled: &Compiled,
    rows: &[Vec<Value>],
    expected: &[&str],
) -> Result<(), String> {
    let names: Vec<&str> = rows.iter().map(|row| fixture.name(row)).collect();
    if names != expected {
        return Err(format!("{names:?} instead of {expected:?}"));
    }
    for (name, row) in names.iter().zip(rows) {
        let Some(wanted) = case.expects.computed.as_ref().and_then(|all| all.get(*name)) else { continue };
        for (column, wanted) in wanted.as_object().into_iter().flatten() {
            let found = computed(compiled, row, column);
            if !same(found, wanted) {
                return Err(format!("{column} of {name} is {found} instead of {wanted}"));
            }
        }
    }
    Ok(())
}

fn rows_are(case: &Case, compiled: &Compiled, rows: Vec<Vec<Value>>) -> Result<(), String> {
    let columns: Vec<&String> = compiled.columns.iter().map(|column| &column.column.name).collect();
    let wanted: Vec<&String> = case.expects.columns.iter().flatten().collect();
    if columns != wanted {
        return Err(format!("columns {columns:?} instead of {wanted:?}"));
    }
    let rows: Value = rows.into_iter().map(|row| shown(compiled, row)).collect();
    let wanted: Value = case.expects.rows.clone().unwrap_or_default().into();
    if same(&rows, &wanted) { Ok(()) } else { Err(format!("{rows}\n    instead of\n    {wanted}")) }
}

#[test]
fn patterns_are_masked_in_the_same_way_at_ingest_and_in_searches() {
    assert_eq!(query_lang::sql::MASKS, event::pattern::PASSES);
}
