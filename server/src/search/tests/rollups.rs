//! What rollups answer is what the events themselves say, whole steps and ragged ends together.

use super::fixture::{check_in, scope};
use super::stored::{PROJECT, run, tenant};
use crate::logstore::testing::{TestStore, noon_ns};
use crate::logstore::{Answer, LogBlock, LogRow};
use jiff::tz::TimeZone;
use query_lang::ast::{Query, Stage, StageNode};
use query_lang::sql::{self, Compiled, Request};
use serde_json::Value;

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const EVENTS: u32 = 3_000;
/// About two hours in all.
const APART_NS: i64 = 2_417 * SECOND_NS / 1_000;

const FROM_EVENTS: &[(&str, &str)] = &{
    let mut settings = [("optimize_use_projections", "0"); sql::SETTINGS.len() + 1];
    let mut at = 0;
    while at < sql::SETTINGS.len() {
        settings[at] = sql::SETTINGS[at];
        at += 1;
    }
    settings
};

/// Filters that the rollups know all about, and some that they do not.
const FILTERS: &[&str] = &[
    "",
    "level>=warn",
    "source in (api, db) -level:*",
    "NOT (source:A* OR level:error) | stats count() by host",
    "-source:*",
    "line",
    "| where level:error",
];

/// Two hours of events of several sources, levels and shapes, in several batches.
async fn stored() -> TestStore {
    let store = TestStore::start().await;
    for batch in 0..3u64 {
        let mut block = LogBlock::default();
        for number in (0..EVENTS).filter(|number| u64::from(number % 3) == batch) {
            push(&mut block, batch, number);
        }
        store.store.insert(&block.encode(), &format!("batch {batch}")).await.unwrap();
    }
    store
}

fn push(block: &mut LogBlock, batch_id: u64, number: u32) {
    let message = match number % 7 {
        0 => String::new(),
        1..4 => format!("line {number} done"),
        4 | 5 => format!("GET /cart/{number} took {}ms", number % 90),
        _ => "connection lost".to_owned(),
    };
    let attributes = match number % 5 {
        0 => "{}".to_owned(),
        1 => format!("{{\"code\":{}}}", 200 + number % 400),
        2 => format!("{{\"code\":\"{}\",\"user\":{{\"id\":\"u{}\"}}}}", number % 600, number % 17),
        3 => "{\"code\":1.5,\"tags\":[\"a\",\"b\"],\"ok\":true,\"none\":null}".to_owned(),
        _ => "{\"rare.path\":[1,2]}".to_owned(),
    };
    block.push(&LogRow {
        tenant_id: tenant().organization_id(),
        project_id: PROJECT,
        timestamp_ns: noon_ns() + i64::from(number) * APART_NS,
        received_at_ms: noon_ns() / 1_000_000,
        level: (number % 11 % 7) as u8,
        source: ["api", "API", "db", ""][number as usize % 4],
        host: if number.is_multiple_of(3) { "" } else { "web-1" },
        message: &message,
        trace_id: if number.is_multiple_of(6) { "4bf92f3577b34da6a3ce929d0e0e4736" } else { "" },
        span_id: "",
        pattern_id: event::pattern::id(&message),
        attributes: &attributes,
        batch_id,
        batch_row: number,
        retention_days: 30,
    });
}

/// From and to a little beside the borders of minutes and quarters, and on them.
fn ranges() -> Vec<Request> {
    let all = i64::from(EVENTS) * APART_NS;
    let ends = [
        (-MINUTE_NS, all + MINUTE_NS),
        (17 * SECOND_NS, all - 23 * SECOND_NS),
        (15 * MINUTE_NS - 1, 60 * MINUTE_NS + 1),
    ];
    let request = |(from_ns, to_ns): (i64, i64)| Request {
        from_ns: noon_ns() + from_ns,
        to_ns: noon_ns() + to_ns,
        now_ns: noon_ns() + to_ns,
        tz: TimeZone::UTC,
        limit: 1_000,
        offset: 0,
        after: None,
        tables: Vec::new(),
        paths: None,
    };
    ends.map(request).into()
}

async fn rows(
    store: &TestStore,
    compiled: &Compiled,
    settings: &'static [(&'static str, &'static str)],
) -> Answer {
    run(store, compiled.clone(), settings)
        .await
        .unwrap_or_else(|error| panic!("{}\n{}", error.chain(), compiled.sql))
}

/// The statements for a query that a rollup may answer, by the rollup's name.
fn statements(query: &Query, request: &Request) -> Vec<(&'static str, Compiled)> {
    let mut statements = vec![
        ("level_stats", sql::compile_histogram(query, &scope(), request, MINUTE_NS).unwrap()),
        ("level_stats", sql::compile_histogram(query, &scope(), request, 10 * MINUTE_NS).unwrap()),
        ("none", sql::compile_histogram(query, &scope(), request, 10 * SECOND_NS).unwrap()),
        ("level_stats", sql::compile_field_values(query, &scope(), request, "source", "").unwrap()),
        ("level_stats", sql::compile_field_values(query, &scope(), request, "level", "e").unwrap()),
        ("pattern_stats", sql::compile_patterns(query, &scope(), request, 15 * MINUTE_NS).unwrap()),
    ];
    let counts = sql::compile_field_counts(query, &scope(), request).unwrap();
    statements.extend(counts.map(|counts| ("field_stats", counts)));
    statements
}

#[tokio::test]
async fn rollups_and_events_give_the_same() {
    let store = stored().await;
    let mut used = 0;
    for request in ranges() {
        for filter in FILTERS {
            let query = check_in(filter, &request).unwrap().query;
            for (rollup, compiled) in statements(&query, &request) {
                let (by_rollup, by_events) = (
                    rows(&store, &compiled, sql::SETTINGS).await,
                    rows(&store, &compiled, FROM_EVENTS).await,
                );
                assert_eq!(in_order(by_rollup), in_order(by_events), "{filter} {rollup} {}", compiled.sql);
                if filter.is_empty() {
                    used += usize::from(explains(&store, &compiled, rollup).await);
                }
            }
            counts_are_those_of_a_search(&store, &query, &request).await;
        }
    }
    assert!(used > 12, "only {used} statements were answered from a rollup");
}

/// Lists inside of rows have no order of their own.
fn in_order(answer: Answer) -> Vec<Vec<Value>> {
    let sorted = |value: Value| match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Array(
                members.into_iter().map(|(name, value)| serde_json::json!([name, listed(value)])).collect(),
            )
        }
        value => value,
    };
    answer.rows.into_iter().map(|row| row.into_iter().map(sorted).collect()).collect()
}

fn listed(value: Value) -> Value {
    match value {
        Value::Array(mut items) => {
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        value => value,
    }
}

async fn explains(store: &TestStore, compiled: &Compiled, rollup: &str) -> bool {
    let explained = Compiled { sql: format!("EXPLAIN {}", compiled.sql), ..compiled.clone() };
    let plan = rows(store, &explained, sql::SETTINGS).await;
    plan.rows.iter().any(|line| line[0].as_str().is_some_and(|line| line.contains(rollup)))
}

/// The histogram adds up to what the search itself counts, level by level.
async fn counts_are_those_of_a_search(store: &TestStore, query: &Query, request: &Request) {
    let matching = Query { stages: Vec::new(), ..query.clone() };
    let by_level = check_in("| stats count() by level", request).unwrap().query.stages;
    let searched = Query { stages: by_level, ..matching.clone() };
    if matches!(query.stages.first(), Some(Stage { node: StageNode::Where(_), .. })) {
        return;
    }
    let histogram = sql::compile_histogram(&matching, &scope(), request, MINUTE_NS).unwrap();
    let histogram = rows(store, &histogram, sql::SETTINGS).await;
    let searched = sql::compile(&searched, &scope(), request).unwrap();
    let searched = rows(store, &searched, FROM_EVENTS).await;
    let sum = |answer: &Answer, level: usize, count: usize| {
        let mut sums = std::collections::BTreeMap::new();
        for row in &answer.rows {
            let level = row[level].as_str().unwrap_or("unknown").to_owned();
            *sums.entry(level).or_insert(0) += crate::search::respond::whole::<u64>(&row[count]).unwrap();
        }
        sums
    };
    assert_eq!(sum(&histogram, 1, 2), sum(&searched, 0, 1));
}

/// Each event has a field once, so the kinds of its values add up to the events that have it; with a row rule, to those one may see.
#[tokio::test]
async fn the_kinds_of_a_mixed_field_add_up_to_its_events() {
    use crate::search::respond::whole;
    let store = stored().await;
    let request = ranges().remove(0);
    let rule = check_in("level>=warn source:api", &request).unwrap().query.filter.unwrap();
    let ruled = sql::Scope { rules: vec![rule], ..scope() };
    for (scope, filter) in [(scope(), ""), (scope(), "level>=warn source:api"), (ruled, "")] {
        let query = check_in(filter, &request).unwrap().query;
        let fields = sql::compile_fields(&query, &scope, &request).unwrap();
        let fields = rows(&store, &fields, sql::SETTINGS).await;
        let code = fields.rows.iter().find(|row| row[0] == "code").unwrap();
        let by_kind = |kind: &str| whole::<u64>(&code[5][kind]).unwrap();
        let (numbers, texts) = (by_kind("number"), by_kind("string"));
        assert_eq!((&code[1], by_kind("bool"), by_kind("array")), (&serde_json::json!("mixed"), 0, 0));
        assert!(numbers > texts && texts > 0, "{code:?}");
        assert_eq!(numbers + texts, whole::<u64>(&code[2]).unwrap(), "{code:?}");
        let counted = sql::compile_field_counts(&query, &scope, &request).unwrap();
        if let Some(counted) = counted {
            let all = rows(&store, &counted, sql::SETTINGS).await;
            assert_eq!(whole::<u64>(&all.rows[0][7]["code"]).unwrap(), numbers + texts, "{filter}");
        }
    }
}

/// Words anywhere, found by reading the known paths or everything.
#[tokio::test]
async fn words_anywhere_are_found_in_known_paths_as_in_all_of_an_event() {
    let store = stored().await;
    let request = ranges().remove(1);
    let compiled = sql::compile_paths(&scope(), &request).unwrap();
    let answer = rows(&store, &compiled, sql::SETTINGS).await;
    assert!(explains(&store, &compiled, "field_stats").await);
    let paths = crate::search::plan::paths_of(&answer);
    let names: Vec<&str> = paths.iter().flatten().map(|path| path.path.as_str()).collect();
    assert_eq!(names, ["code", "ok", "rare.path", "tags", "user.id"]);
    let knowing = Request { paths, ..request.clone() };
    for text in
        ["u3", "true", "a", "1.5", "*:500", "2*", "\"1,2\"", "web", "*u1*", "nothing", "\"[\"", "lost"]
    {
        let text = text.trim_start_matches("*:");
        for query in
            [format!("*:{text}"), format!("-*:{text} level:error"), format!("| search *:({text} OR done)")]
        {
            let checked = check_in(&query, &request).unwrap().query;
            let of = |request: &Request| sql::compile(&checked, &scope(), request).unwrap();
            let (by_path, by_event) = (of(&knowing), of(&request));
            assert!(by_event.sql.contains("JSONAllValues") && !by_path.sql.contains("JSONAllValues"));
            let (by_path, by_event) =
                (rows(&store, &by_path, sql::SETTINGS).await, rows(&store, &by_event, sql::SETTINGS).await);
            assert_eq!(by_path.rows, by_event.rows, "{query}");
        }
    }
}

#[tokio::test]
async fn what_is_erased_leaves_the_rollups() {
    use query_lang::sql::EventKey;
    let store = stored().await;
    let request = ranges().remove(0);
    let query = check_in("", &request).unwrap().query;
    let histogram = sql::compile_histogram(&query, &scope(), &request, 10 * MINUTE_NS).unwrap();
    let total = |answer: Answer| -> u64 {
        answer.rows.iter().map(|row| crate::search::respond::whole::<u64>(&row[2]).unwrap()).sum()
    };
    assert_eq!(total(rows(&store, &histogram, sql::SETTINGS).await), u64::from(EVENTS));
    let state = store.store.state(request.from_ns, request.to_ns).await.unwrap();

    let key = EventKey { timestamp_ns: noon_ns() + 300 * APART_NS, batch_id: 0, batch_row: 300 };
    store.store.erase_events(&tenant(), PROJECT, &[key]).await.unwrap();

    assert!(explains(&store, &histogram, "level_stats").await);
    assert_eq!(total(rows(&store, &histogram, sql::SETTINGS).await), u64::from(EVENTS) - 1);
    assert_ne!(store.store.state(request.from_ns, request.to_ns).await.unwrap(), state);
}

#[tokio::test]
async fn the_state_of_some_days_changes_with_their_events_alone() {
    let store = stored().await;
    let of = |days: i64| {
        let (from_ns, to_ns) =
            (noon_ns() + days * 24 * 60 * MINUTE_NS, noon_ns() + (days * 24 + 1) * 60 * MINUTE_NS);
        let store = &store.store;
        async move { store.state(from_ns, to_ns).await.unwrap() }
    };
    let (today, before) = (of(0).await, of(-3).await);
    assert_eq!(of(0).await, today);
    let mut block = LogBlock::default();
    push(&mut block, 9, 1);
    store.store.insert(&block.encode(), "one more").await.unwrap();
    assert_ne!(of(0).await, today);
    assert_eq!(of(-3).await, before);
}
