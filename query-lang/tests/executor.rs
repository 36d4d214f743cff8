//! The conformance corpus over events that are handed in one by one, as `cordwood query` does with files.

mod fixture;

use fixture::{Case, Stored};
use query_lang::Code;
use query_lang::eval::run::{Answer, Program, Range};
use serde_json::{Map, Value};

/// Cases that need stored events beside those that are read.
const REFUSED: [&str; 5] = ["join", "union", "context", "compare", "in {"];

/// What the query gives, on two threads' worth of partials; nothing when it is refused.
fn answer(case: &Case, events: &[Stored]) -> Option<Answer> {
    let request = case.request();
    let checked = case.checked().unwrap_or_else(|error| panic!("{}: {error}", case.query));
    let range = Range { from_ns: request.from_ns, to_ns: request.to_ns, zone: request.tz };
    let program = match Program::of(&checked.query, &range) {
        Ok(program) => program,
        Err(error) => {
            assert_eq!(error.code, Code::E025, "{}: {error}", case.query);
            assert!(REFUSED.iter().any(|stage| case.query.contains(stage)), "{}: {error}", case.query);
            return None;
        }
    };
    let mut halves = [program.start(), program.start()];
    for (index, stored) in events.iter().enumerate() {
        if stored.is_asked_for(checked.from_ns, checked.to_ns) {
            program.feed(&mut halves[index % 2], &stored.event(), index as u64).expect("few events");
        }
    }
    let [mut first, second] = halves;
    program.merge(&mut first, second).expect("few events");
    Some(program.finish(first).expect("few events"))
}

fn problem(case: &Case, answer: &Answer, events: &[Stored]) -> Option<String> {
    let expects = &case.expects;
    let differs = |found: Value, wanted: Value| {
        (!fixture::same(&found, &wanted)).then(|| format!("{found} instead of {wanted}"))
    };
    match answer {
        Answer::Events(found) => {
            let name = |id: &str| {
                events.iter().find(|stored| stored.event().id == id).map(|stored| stored.name.clone())
            };
            let ids: Vec<String> = found.iter().filter_map(|answer| name(&answer.event.id)).collect();
            let wrong_ids = differs(ids.clone().into(), expects.ids.clone().unwrap_or_default().into());
            let computed = expects.computed.clone().unwrap_or_default();
            wrong_ids.or_else(|| {
                found.iter().zip(&ids).find_map(|(answer, id)| {
                    let columns = answer.row.columns.iter();
                    let made: Map<String, Value> =
                        columns.map(|(name, value)| (name.clone(), value.to_json())).collect();
                    let wanted = computed.get(id)?.as_object()?;
                    wanted.iter().find_map(|(name, value)| {
                        differs(made.get(name).cloned().unwrap_or_default(), value.clone())
                    })
                })
            })
        }
        Answer::Table { columns, rows } => {
            let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            let rows: Vec<Value> =
                rows.iter().map(|row| row.iter().map(|value| value.to_json()).collect()).collect();
            differs(names.into(), expects.columns.clone().unwrap_or_default().into())
                .or_else(|| differs(rows.into(), expects.rows.clone().unwrap_or_default().into()))
        }
    }
}

#[test]
fn the_corpus_holds_for_events_that_are_read_one_by_one() {
    let events = fixture::fixture();
    let (mut tried, mut refused, mut failures) = (0, 0, Vec::new());
    for case in fixture::cases().iter().filter(|case| case.kind == "valid") {
        let Some(answer) = answer(case, &events) else {
            refused += 1;
            continue;
        };
        if case.expects.exact == Some(false) {
            continue;
        }
        tried += 1;
        if let Some(problem) = problem(case, &answer, &events) {
            failures.push(format!("{} {}: {problem}", case.id, case.query));
        }
    }
    eprintln!("executor: {} of {tried} cases hold, {refused} are refused", tried - failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tried > 220 && refused < 20, "{tried} tried, {refused} refused");
}

#[test]
fn top_rows_and_described_fields_come_without_any_case_of_the_corpus() {
    let events = fixture::fixture();
    let rows = |query: &str| {
        let mut case = fixture::cases().remove(0);
        case.query = query.to_owned();
        match answer(&case, &events).expect("not refused") {
            Answer::Table { rows, .. } => {
                let cells = |row: &Vec<query_lang::eval::Value>| {
                    row.iter().map(|cell| cell.to_json()).collect::<Vec<_>>()
                };
                rows.iter().map(cells).collect::<Vec<_>>()
            }
            Answer::Events(_) => panic!("{query} makes a table"),
        }
    };
    let described = rows("* | describe");
    let status = described.iter().find(|row| row[0] == "http.status").expect("it is in the fixture");
    assert_eq!(status[1], serde_json::json!(["number", "string"]));
    assert!(status[2].as_i64() > Some(10));
    assert_eq!(
        rows("source:(api or db) | facets source, level limit=2"),
        [
            ["source".into(), "api".into(), Value::from(15)],
            ["source".into(), "db".into(), Value::from(5)],
            ["level".into(), "info".into(), Value::from(12)],
            ["level".into(), "error".into(), Value::from(5)],
        ]
    );
    assert_eq!(rows("tags:* | expand tags | stats count() by tags | sort -count, tags | limit 1").len(), 1);
    assert_eq!(rows("* | timechart count() by source every=1h limit=1")[1][1], "(other)");
    assert_eq!(rows("* | stats list(id, 2) as l")[0][0], serde_json::json!(["e01", "e02"]));
}
