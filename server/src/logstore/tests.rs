//! What the rest of the server can rely on, against the real engine.

use std::time::Duration;

use query_lang::sql::Parameter;
use serde_json::{Value, json};
use uuid::Uuid;

use super::testing::{TestStore, block, engine_settings, noon_ns, row, tenant};
use super::*;

fn search(sql: &str) -> Search {
    Search { sql: sql.to_owned(), parameters: Vec::new(), settings: &[], limits: QueryLimits::interactive() }
}

async fn rows(store: &LogStore, number: u128, sql: &str) -> Vec<Vec<Value>> {
    store.query(&tenant(number), &search(sql)).await.unwrap().rows
}

async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_is_stored_is_found_with_every_column() {
    let test = TestStore::start().await;
    let acme = tenant(1);
    let (message, attributes) = (
        "na\u{ef}ve ☃\n'\"\\ \0 end",
        r#"{"http":{"status":500},"big":9007199254740993,"day":"2026-01-01"}"#,
    );
    let mut one = LogBlock::default();
    one.push(&LogRow { level: 5, span_id: "00f067aa0ba902b7", attributes, ..row(&acme, 0, message) });
    test.store.insert(&one.encode(), "t").await.unwrap();

    let sql = "SELECT project_id, timestamp, level, source, host, message, trace_id, span_id, pattern_id, \
               attributes.http.status, attributes.big, attributes.day, batch_id, batch_row, retention_days FROM logs";
    let answer = test.store.query(&acme, &search(sql)).await.unwrap();

    let expected = json!([
        Uuid::from_u128(7).to_string(),
        answer.rows[0][1],
        "error",
        "api",
        "web-1",
        message,
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00f067aa0ba902b7",
        u64::MAX,
        500,
        9_007_199_254_740_993_u64,
        "2026-01-01",
        1,
        0,
        30
    ]);
    assert_eq!(json!(answer.rows[0]), expected);
    let timestamp: jiff::Timestamp = answer.rows[0][1].as_str().unwrap().parse().unwrap();
    assert_eq!(timestamp.as_nanosecond(), i128::from(noon_ns()));
    assert_eq!(answer.columns[2].kind.split('(').next(), Some("Enum8"));
    assert_eq!(answer.stats.rows_read, 1);
    assert!(answer.stats.bytes_read > 0 && answer.stats.elapsed_ms > 0.0);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_is_stored_once() {
    let test = TestStore::start().await;
    let acme = tenant(1);
    let batch = block(&acme, 1000).encode();
    for token in ["a", "a", "b"] {
        test.store.insert(&batch, token).await.unwrap();
    }
    assert_eq!(rows(&test.store, 1, "SELECT count() FROM logs").await, [[json!(2000)]]);
    let acme = acme.organization_id();
    let times_ns = (noon_ns(), noon_ns() + 999_000_000);
    let received = noon_ns() / 1_000_000;
    let part = |tenant_ids, batch_id, rows: std::ops::Range<u32>| BatchPart {
        tenant_ids,
        retention_days: 30,
        first: (batch_id, rows.start),
        last: (batch_id, rows.end - 1),
        times_ns,
        received_ms: (received, received),
    };
    let tenants = [acme, tenant(2).organization_id()];
    let stored = async |part| test.store.batch_rows(&part).await.unwrap();
    assert_eq!(stored(part(&tenants, 1, 0..1000)).await, 2000);
    assert_eq!(stored(part(&tenants, 1, 10..20)).await, 20);
    assert_eq!(stored(part(&tenants, 2, 0..1000)).await, 0);
    assert_eq!(stored(part(&tenants[1..], 1, 0..1000)).await, 0);
    let later = BatchPart { received_ms: (received + 1, received + 2), ..part(&tenants, 1, 0..1000) };
    assert_eq!(stored(later).await, 0, "the same numbers, given again");
}

#[tokio::test]
async fn a_batch_of_the_largest_size_is_one_part() {
    let test = TestStore::start().await;
    let acme = tenant(1);
    let mut large = LogBlock::default();
    let message = "x".repeat(2000);
    for number in 0..50_000 {
        large.push(&row(&acme, number, &message));
    }
    test.store.insert(&large.encode(), "large").await.unwrap();
    let client = test.store.client().unwrap();
    let parts =
        client.query_raw("SELECT sum(rows), max(level) FROM system.parts WHERE table = 'logs' AND active");
    assert_eq!(parts.fetch_one::<(u64, u32)>().await.unwrap(), (50_000, 0));
}

#[tokio::test]
async fn odd_attributes_do_not_fail_a_batch() {
    let test = TestStore::start().await;
    let acme = tenant(1);
    let odd = [
        r#"{"a":{"b":1},"a.b":2}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"":"empty name"," ":1,"a b":{"c-d/e":[]}}"#,
        r#"{"mixed":[1,"two",null,{"three":[3.5]}],"n":null}"#,
        r#"{"u":18446744073709551615,"f":1e308,"neg":-0.0}"#,
        r#"{"`q`":"\u0000","emoji":"😀"}"#,
        "{}",
    ];
    let mut batch = LogBlock::default();
    for (number, attributes) in odd.iter().enumerate() {
        batch.push(&LogRow { attributes, ..row(&acme, number as u32, "odd") });
    }
    test.store.insert(&batch.encode(), "odd").await.unwrap();
    let sql = "SELECT attributes.a.b, toJSONString(attributes) FROM logs ORDER BY batch_row";
    let back = rows(&test.store, 1, sql).await;
    assert_eq!(back.len(), odd.len());
    assert_eq!(back[0][0], json!(1));
    assert!(back[4][1].as_str().unwrap().contains("18446744073709551615"), "{}", back[4][1]);
}

#[tokio::test]
async fn refused_rows_are_told_from_a_store_that_is_away() {
    let test = TestStore::start().await;
    let acme = tenant(1);
    let mut batch = LogBlock::default();
    for number in 0..8 {
        let attributes = if number == 5 { "{broken" } else { "{}" };
        batch.push(&LogRow { attributes, ..row(&acme, number, "line") });
    }
    let batch = batch.encode();
    let error = test.store.insert(&batch, "all").await.unwrap_err();
    assert!(matches!(error, LogStoreError::Rows { .. }), "{error:?}");
    for number in 0..8 {
        let one = test.store.insert(&batch.part(number..number + 1), &format!("row {number}")).await;
        assert_eq!(one.is_ok(), number != 5);
    }
    assert_eq!(rows(&test.store, 1, "SELECT count() FROM logs").await, [[json!(7)]]);

    let store = test.store.clone();
    test.engine.stop().await;
    let error = store.insert(&batch, "later").await.unwrap_err();
    assert!(matches!(error, LogStoreError::Unavailable { .. }) && error.is_temporary(), "{error:?}");
    assert!(store.ping().await.is_err());
}

#[tokio::test]
async fn no_statement_reaches_another_tenant() {
    let test = TestStore::start().await;
    test.store.insert(&block(&tenant(1), 3).encode(), "1").await.unwrap();
    test.store.insert(&block(&tenant(2), 5).encode(), "2").await.unwrap();
    for sql in [
        "SELECT count() FROM logs",
        "SELECT count() FROM default.logs WHERE 1 OR 1",
        "SELECT countIf(a.tenant_id != b.tenant_id) + 3 FROM logs AS a CROSS JOIN logs AS b",
        "SELECT count() FROM (SELECT * FROM logs UNION DISTINCT SELECT * FROM logs)",
        "WITH x AS (SELECT * FROM logs) SELECT count() FROM x WHERE tenant_id IN (SELECT tenant_id FROM logs)",
    ] {
        assert_eq!(rows(&test.store, 1, sql).await, [[json!(3)]], "{sql}");
    }
    for sql in [
        "SELECT count() FROM logs SETTINGS additional_table_filters = {}",
        "SELECT 1 SETTINGS readonly = 0",
        "INSERT INTO logs (message) VALUES ('x')",
        "DROP TABLE logs",
        "ALTER TABLE logs DELETE WHERE 1",
    ] {
        let refused = test.store.query(&tenant(1), &search(sql)).await.unwrap_err();
        assert!(matches!(refused, LogStoreError::Refused { code: 164, .. }), "{sql}: {refused:?}");
    }
    assert_eq!(rows(&test.store, 2, "SELECT count() FROM logs").await, [[json!(5)]]);
}

#[tokio::test]
async fn parameters_of_every_kind_arrive() {
    let test = TestStore::start().await;
    let texts = ["it's \\N\n?\t\r`", "{p0:String}", ""].map(|text| Parameter::Text(text.to_owned()));
    let parameters = [
        ("integer", Parameter::Integer(i64::MIN)),
        ("unsigned", Parameter::Unsigned(u64::MAX)),
        ("float", Parameter::Float(1.5e300)),
        ("path", Parameter::Path("message".to_owned())),
        ("below", Parameter::Path("j.^`a'b c`".to_owned())),
    ];
    let sql = "SELECT {t0:String}, {t1:String}, {t2:String}, {integer:Int64}, {unsigned:UInt64}, {float:Float64}, \
               toString({below:Identifier}) FROM (SELECT 1 AS message, CAST('{\"a''b c\": {\"d\": 1}}', 'JSON') AS j) WHERE {path:Identifier} = 1";
    let named = parameters.map(|(name, value)| (name.to_owned(), value));
    let parameters = texts.clone().into_iter().enumerate().map(|(index, text)| (format!("t{index}"), text));
    let parameters = parameters.chain(named).collect();
    let answer = test.store.query(&tenant(1), &Search { parameters, ..search(sql) }).await.unwrap();
    let [first, second, third] = texts;
    assert_eq!(
        json!(answer.rows[0]),
        json!([first, second, third, i64::MIN, u64::MAX, 1.5e300, r#"{"d":1}"#])
    );
}

#[tokio::test]
async fn a_search_that_costs_too_much_fails_with_advice() {
    let test = TestStore::start().await;
    let limits =
        QueryLimits { result_rows: 10, execution_time: Duration::from_secs(1), ..QueryLimits::interactive() };
    let limited = |sql: &str| Search { limits: limits.clone(), ..search(sql) };
    for (sql, wanted) in [
        ("SELECT number FROM numbers(11)", 396),
        ("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1", 159),
        ("SELECT uniqExact(number) FROM numbers(300000000)", 241),
    ] {
        let limited = match wanted {
            241 => {
                Search { limits: QueryLimits { memory_bytes: 10_000_000, ..limits.clone() }, ..search(sql) }
            }
            _ => limited(sql),
        };
        let error = test.store.query(&tenant(1), &limited).await.unwrap_err();
        assert!(matches!(error, LogStoreError::Limit { code, .. } if code == wanted), "{sql}: {error:?}");
    }
    assert_eq!(rows(&test.store, 1, "SELECT 1").await, [[json!(1)]]);
}

async fn running(store: &LogStore, needle: &str) -> u64 {
    let sql = "SELECT count() FROM system.processes WHERE position(query, {needle:String}) > 0 AND query NOT LIKE '%system.processes%'";
    store.client().unwrap().query_raw(sql).param("needle", needle).fetch_one::<u64>().await.unwrap()
}

#[tokio::test]
async fn a_search_that_nobody_waits_for_is_stopped() {
    let test = TestStore::start().await;
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
    let store = test.store.clone();
    let waiting = tokio::spawn(async move { store.query(&tenant(1), &search(sql)).await });
    eventually(async || running(&test.store, "numbers(1000000000000)").await == 1).await;
    waiting.abort();
    eventually(async || running(&test.store, "numbers(1000000000000)").await == 0).await;
}

#[tokio::test]
async fn a_stream_gives_every_row_and_stops_when_dropped() {
    let test = TestStore::start().await;
    let export = |sql: &str| Search { limits: QueryLimits::export(), ..search(sql) };
    let sql = "SELECT number, concat('line\n', toString(number)) AS text FROM numbers(300000)";
    let mut stream = test.store.query_stream(&tenant(1), &export(sql)).await.unwrap();
    assert_eq!(stream.columns()[1], Column { name: "text".into(), kind: "String".into() });
    let mut count = 0u64;
    while let Some(row) = stream.next().await.unwrap() {
        assert_eq!(row, [json!(count), json!(format!("line\n{count}"))]);
        count += 1;
    }
    assert_eq!(count, 300_000);

    let empty = test.store.query_stream(&tenant(1), &export("SELECT message FROM logs")).await;
    assert!(empty.unwrap().next().await.unwrap().is_none());

    let endless = "SELECT number FROM numbers(100000000000)";
    let limits =
        QueryLimits { result_rows: u64::MAX / 2, result_bytes: u64::MAX / 2, ..QueryLimits::export() };
    let mut stream =
        test.store.query_stream(&tenant(1), &Search { limits, ..search(endless) }).await.unwrap();
    stream.next().await.unwrap();
    drop(stream);
    eventually(async || running(&test.store, "numbers(100000000000)").await == 0).await;
}

#[tokio::test]
async fn a_stream_that_fails_half_way_does_not_look_complete() {
    let test = TestStore::start().await;
    let sql = "SELECT throwIf(number = 900000) FROM numbers(1000000)";
    let limits = QueryLimits::export();
    let mut stream = test.store.query_stream(&tenant(1), &Search { limits, ..search(sql) }).await.unwrap();
    let outcome = loop {
        match stream.next().await {
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert!(outcome.is_err());
}

#[tokio::test]
async fn an_engine_that_dies_is_started_again_with_its_data() {
    let test = TestStore::start().await;
    test.store.insert(&block(&tenant(1), 10).encode(), "1").await.unwrap();
    let pid = std::fs::read_to_string(test.folder.path().join("engine/cordwood-engine.lock")).unwrap();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    eventually(async || test.store.ping().await.is_err()).await;
    eventually(async || test.store.ping().await.is_ok()).await;
    assert_eq!(rows(&test.store, 1, "SELECT count() FROM logs").await, [[json!(10)]]);
}

#[tokio::test]
async fn the_schema_is_prepared_once_and_checked_at_every_start() {
    let test = TestStore::start().await;
    test.store.prepare().await.unwrap();
    let client = test.store.client().unwrap();
    let versions = client.query_raw("SELECT count(), max(version) FROM schema_versions");
    assert_eq!(versions.fetch_one::<(u64, u32)>().await.unwrap(), (4, 4));

    client.query_raw("ALTER TABLE logs MODIFY SETTING fsync_after_insert = 0").execute().await.unwrap();
    let error = test.store.prepare().await.unwrap_err();
    assert!(error.to_string().contains("MODIFY SETTING fsync_after_insert = 1"), "{error}");
    client.query_raw("ALTER TABLE logs MODIFY SETTING fsync_after_insert = 1").execute().await.unwrap();
    test.store.prepare().await.unwrap();

    client
        .query_raw("INSERT INTO schema_versions (version, name) VALUES (99, 'later')")
        .execute()
        .await
        .unwrap();
    let error = test.store.prepare().await.unwrap_err();
    assert!(error.to_string().contains("newer Cordwood"), "{error}");
}

#[tokio::test]
async fn several_nodes_bring_the_schema_up_to_date_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(engine_settings(folder.path())).await.unwrap();
    let store = engine.store();

    let nodes = futures::future::join_all((0..4).map(|_| store.prepare())).await;

    nodes.into_iter().for_each(|node| node.unwrap());
    let client = store.client().unwrap();
    let reached = client.query_raw("SELECT max(version) FROM schema_versions").fetch_one::<u32>().await;
    assert_eq!(reached.unwrap(), 4);
}

#[tokio::test]
async fn an_engine_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let settings = EngineSettings { library: "/nowhere/libchdb.so".into(), ..engine_settings(folder.path()) };
    let error = Engine::start(settings).await.err().unwrap();
    assert!(error.chain().contains("cordwood-engine"), "{}", error.chain());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_temporary() {
    let endpoint = Endpoint::parse("http://127.0.0.1:9/").unwrap();
    let error = LogStore::remote(&endpoint).prepare().await.unwrap_err();
    assert!(error.is_temporary(), "{error:?}");
}
