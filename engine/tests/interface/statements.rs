//! What a client can rely on when it sends statements.

use std::time::Duration;

use crate::support::{SECRET, TestEngine};
use clickhouse::error::Error;
use serde::Deserialize;

#[derive(clickhouse::Row, Deserialize, Debug, PartialEq)]
struct Numbered {
    number: u64,
    name: String,
}

fn message(error: &Error) -> &str {
    let Error::BadResponse(message) = error else { panic!("not an answer of the engine: {error}") };
    message
}

#[tokio::test]
async fn typed_rows_come_back() {
    let engine = TestEngine::start();
    let rows = engine
        .client()
        .query_raw("SELECT number, toString(number) AS name FROM numbers(3)")
        .fetch_all::<Numbered>()
        .await
        .unwrap();
    let expected = (0..3).map(|number| Numbered { number, name: number.to_string() });
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn parameters_arrive_as_they_were_sent() {
    let engine = TestEngine::start();
    let nasty = [
        "",
        "plain",
        "'",
        "''",
        "\"",
        "\\",
        "\\\\",
        "\\'",
        "\\n",
        "a\nb",
        "tab\there",
        "what? {p:String} ??",
        "`; DROP TABLE t; --",
        "%27&param_x=1",
        "naïve ☃ 𝄞 \u{200f}",
        "nul\0inside",
        "\r\n--boundary\r\n",
        "\\N",
        "null",
    ];
    for value in nasty {
        let client = engine.client();
        let query =
            client.query_raw("SELECT {p:String} AS back, {n:UInt8} AS n").param("p", value).param("n", 7);
        let (back, number) = query.fetch_one::<(String, u8)>().await.unwrap();
        assert_eq!((back.as_str(), number), (value, 7));
    }
}

#[tokio::test]
async fn array_and_nullable_parameters_arrive_as_they_were_sent() {
    let engine = TestEngine::start();
    let values = vec!["a'b", "c\\d", "e\nf", ""];
    let client = engine.client();
    let query = client
        .query_raw("SELECT {a:Array(String)}, {o:Nullable(String)}")
        .param("a", &values)
        .param("o", Option::<&str>::None);
    let (back, none) = query.fetch_one::<(Vec<String>, Option<String>)>().await.unwrap();
    assert_eq!((back, none), (values.into_iter().map(str::to_owned).collect(), None));
}

#[tokio::test]
async fn a_large_answer_streams_and_is_complete() {
    let engine = TestEngine::start();
    let client = engine.client();
    let mut cursor = client.query_raw("SELECT number FROM numbers(3000000)").fetch::<u64>().unwrap();
    let (mut count, mut sum) = (0u64, 0u64);
    while let Some(number) = cursor.next().await.unwrap() {
        count += 1;
        sum += number;
    }
    assert_eq!((count, sum), (3_000_000, 2_999_999 * 3_000_000 / 2));
}

#[tokio::test]
async fn a_large_answer_is_one_document_in_every_format() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt64, `a\n\"b` String) ENGINE = MergeTree ORDER BY n").await;
    engine.run("INSERT INTO t SELECT number, 'x' FROM numbers(300000)").await;
    let formats = [
        "JSON",
        "JSONCompact",
        "JSONEachRow",
        "JSONCompactEachRowWithNamesAndTypes",
        "CSV",
        "CSVWithNames",
        "CSVWithNamesAndTypes",
        "TSVWithNames",
        "TabSeparatedWithNamesAndTypes",
        "RowBinary",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
        "Native",
        "Parquet",
        "Values",
        "XML",
    ];
    for format in formats {
        let piecewise = engine.client();
        let whole = engine.client().with_setting("wait_end_of_query", "1");
        let mut answers = Vec::new();
        for client in [piecewise, whole] {
            let query =
                client.query_raw("SELECT * FROM t ORDER BY n SETTINGS output_format_write_statistics = 0");
            answers.push(query.fetch_bytes(format).unwrap().collect().await.unwrap());
        }
        if format == "Native" {
            // Its blocks may be cut differently; every block says how many rows it holds.
            assert!(answers[0].len().abs_diff(answers[1].len()) < 1000);
        } else {
            assert!(
                answers[0] == answers[1],
                "{format}: {} and {} bytes",
                answers[0].len(),
                answers[1].len()
            );
        }
    }
}

#[tokio::test]
async fn an_error_carries_its_code_and_text() {
    let engine = TestEngine::start();
    let request = reqwest::Client::new().post(&engine.url).header("X-ClickHouse-Key", SECRET);
    let answer = request.body("SELECT * FROM nowhere").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["x-clickhouse-exception-code"], "60");
    assert!(answer.text().await.unwrap().contains("nowhere"));

    let error = engine.client().query_raw("SELEC 1").execute().await.unwrap_err();
    assert!(message(&error).contains("Code: "), "{error}");
}

#[tokio::test]
async fn an_error_half_way_is_seen_by_the_client() {
    let engine = TestEngine::start();
    let client = engine.client();
    let sql =
        "SELECT throwIf(number = 900000, 'half way') AS x FROM numbers(1000000) SETTINGS max_threads = 1";
    let mut cursor = client.query_raw(sql).fetch::<u8>().unwrap();
    let mut rows = 0;
    let error = loop {
        match cursor.next().await {
            Ok(Some(_)) => rows += 1,
            Ok(None) => panic!("the broken answer looked complete"),
            Err(error) => break error,
        }
    };
    assert!(rows > 0);
    assert!(message(&error).contains("half way"), "{error}");
}

#[tokio::test]
async fn waiting_for_the_end_gives_the_error_and_no_rows() {
    let engine = TestEngine::start();
    let client = engine.client().with_setting("wait_end_of_query", "1");
    let sql = "SELECT throwIf(number = 900000, 'half way') AS x FROM numbers(1000000)";
    let error = client.query_raw(sql).fetch_all::<u8>().await.unwrap_err();
    assert!(message(&error).contains("half way"), "{error}");
}

#[tokio::test]
async fn the_summary_counts_rows_and_bytes() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n").await;
    engine.run("INSERT INTO t SELECT number FROM numbers(100000)").await;
    let client = engine.client().with_setting("wait_end_of_query", "1");
    let mut cursor = client.query_raw("SELECT sum(n) FROM t").fetch::<u64>().unwrap();
    assert_eq!(cursor.next().await.unwrap(), Some(99_999 * 100_000 / 2));
    let summary = cursor.summary().unwrap();
    assert_eq!(summary.read_rows(), Some(100_000));
    assert_eq!(summary.read_bytes(), Some(800_000));
    assert!(summary.elapsed_ns().unwrap() > 0);
}

#[tokio::test]
async fn settings_hold_for_one_statement_only() {
    let engine = TestEngine::start();
    let client = engine.client();
    let sql = "SELECT getSetting('max_threads'), getSetting('additional_table_filters')";
    let before = engine.ask(sql).await;
    for _ in 0..10 {
        let query =
            client.query_raw("SELECT toUInt64(getSetting('max_threads'))").with_setting("max_threads", "13");
        assert_eq!(query.fetch_one::<u64>().await.unwrap(), 13);
        let filtered = client.query_raw("SELECT count() FROM numbers(10)");
        let filtered = filtered.with_setting("additional_table_filters", "{'numbers': 'number < 3'}");
        filtered.with_setting("readonly", "1").fetch_one::<u64>().await.unwrap();
        engine.run("SET max_threads = 11").await;
        assert_eq!(engine.ask(sql).await, before);
    }
    engine.run("CREATE TABLE still_writable (n UInt8) ENGINE = Memory").await;
}

#[tokio::test]
async fn an_unknown_or_wrong_setting_is_refused_and_named() {
    let engine = TestEngine::start();
    let client = engine.client();
    let unknown = client.query_raw("SELECT 1").with_setting("max_treads", "1").execute().await.unwrap_err();
    assert!(message(&unknown).contains("Code: 115") && message(&unknown).contains("max_treads"), "{unknown}");
    let wrong = client.query_raw("SELECT 1").with_setting("max_threads", "many").execute().await.unwrap_err();
    assert!(message(&wrong).contains("many"), "{wrong}");
    let path = client.query_raw("SELECT 1").with_setting("path", "/tmp").execute().await.unwrap_err();
    assert!(message(&path).contains("Code: 115"), "{path}");
}

#[tokio::test]
async fn readonly_statements_cannot_write_nor_lift_their_limits() {
    let engine = TestEngine::start();
    let client = engine.client().with_setting("readonly", "1").with_setting("max_result_rows", "5");
    for sql in [
        "CREATE TABLE t (n UInt8) ENGINE = Memory",
        "SELECT 1 SETTINGS max_result_rows = 0",
        "DROP DATABASE default",
    ] {
        let error = client.query_raw(sql).execute().await.unwrap_err();
        assert!(message(&error).contains("READONLY"), "{sql}: {error}");
    }
    let error = client.query_raw("SELECT number FROM numbers(6)").fetch_all::<u64>().await.unwrap_err();
    assert!(message(&error).contains("Code: 396"), "{error}");
}

#[tokio::test]
async fn additional_table_filters_cover_joins_and_subqueries() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE logs (tenant UInt8, n UInt64) ENGINE = MergeTree ORDER BY (tenant, n)").await;
    engine.run("INSERT INTO logs SELECT number % 2, number FROM numbers(10)").await;
    let client = engine.client().with_setting("additional_table_filters", "{'logs': 'tenant = 1'}");
    for sql in [
        "SELECT count() FROM logs",
        "SELECT count() FROM (SELECT n FROM logs WHERE tenant IN (0, 1))",
        "SELECT count() FROM logs AS a INNER JOIN logs AS b ON a.n = b.n",
        "WITH all AS (SELECT * FROM logs) SELECT count() FROM all",
        "SELECT count() FROM (SELECT n FROM logs UNION ALL SELECT n FROM logs WHERE tenant = 0)",
        "SELECT count() FROM default.logs WHERE n IN (SELECT n FROM logs)",
    ] {
        assert_eq!(client.query_raw(sql).fetch_one::<u64>().await.unwrap(), 5, "{sql}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_stops_its_statement() {
    let engine = TestEngine::start();
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
    for wait in ["0", "1"] {
        let client = engine.client().with_setting("wait_end_of_query", wait);
        let running = tokio::spawn(async move { client.query_raw(sql).fetch_one::<u64>().await });
        engine
            .eventually("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number) = 1'", "1")
            .await;
        running.abort();
        engine
            .eventually("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number) = 1'", "0")
            .await;
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_its_statement() {
    let engine = TestEngine::start();
    let client = engine.client();
    let mut cursor = client.query_raw("SELECT number FROM numbers(100000000000)").fetch::<u64>().unwrap();
    cursor.next().await.unwrap();
    engine
        .eventually("SELECT count() FROM system.processes WHERE query LIKE '%numbers(100000000000)'", "1")
        .await;
    drop(cursor);
    engine
        .eventually("SELECT count() FROM system.processes WHERE query LIKE '%numbers(100000000000)'", "0")
        .await;
}

#[tokio::test]
async fn a_statement_is_killed_by_the_id_it_was_given() {
    let engine = TestEngine::start();
    let client = engine.client().with_setting("query_id", "it's mine");
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
    let running = tokio::spawn(async move { client.query_raw(sql).fetch_one::<u64>().await });
    engine
        .eventually("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number) = 1'", "1")
        .await;
    engine.run("KILL QUERY WHERE query_id = 'somebody else'").await;
    assert!(!running.is_finished());
    engine.run("KILL QUERY WHERE query_id = 'it\\'s mine'").await;
    let error = tokio::time::timeout(Duration::from_secs(30), running).await.unwrap().unwrap().unwrap_err();
    assert!(message(&error).contains("Code: 394"), "{error}");
}

#[tokio::test]
async fn a_kill_needs_no_free_place() {
    let engine = TestEngine::start_in(tempfile::tempdir().unwrap(), &["--connections", "1"]);
    let client = engine.client().with_setting("query_id", "the only one");
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
    let mut running = tokio::spawn(async move { client.query_raw(sql).fetch_one::<u64>().await });
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    // Asking for the list of processes would need the place; a kill that comes too early finds nothing.
    let error = loop {
        engine.run("KILL QUERY WHERE query_id = 'the only one'").await;
        match tokio::time::timeout(Duration::from_millis(50), &mut running).await {
            Ok(outcome) => break outcome.unwrap().unwrap_err(),
            Err(_) => assert!(tokio::time::Instant::now() < patience, "the kill waits for a place"),
        }
    };
    assert!(message(&error).contains("Code: 394"), "{error}");
}

#[tokio::test]
async fn statements_run_side_by_side_and_more_than_there_are_places_wait() {
    let engine = TestEngine::start_in(tempfile::tempdir().unwrap(), &["--connections", "3"]);
    let tasks = (0..40u64).map(|n| {
        let client = engine.client();
        tokio::spawn(async move {
            let sql = "SELECT sum(number) + {n:UInt64} FROM numbers(100000)";
            client.query_raw(sql).param("n", n).fetch_one::<u64>().await
        })
    });
    for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), 99_999 * 100_000 / 2 + n as u64);
    }
}

#[tokio::test]
async fn the_wrong_secret_is_refused_everywhere() {
    let engine = TestEngine::start();
    let error = engine.client().with_password("guess").query_raw("SELECT 1").execute().await.unwrap_err();
    assert!(message(&error).contains("Code: 516"), "{error}");
    let http = reqwest::Client::new();
    assert_eq!(http.post(&engine.url).body("SELECT 1").send().await.unwrap().status(), 401);
    let basic = http.post(&engine.url).basic_auth("default", Some(SECRET)).body("SELECT 1");
    assert_eq!(basic.send().await.unwrap().status(), 200);
    let in_url = http.post(format!("{}/?password=guess", engine.url)).body("SELECT 1");
    assert_eq!(in_url.send().await.unwrap().status(), 401);
    assert_eq!(http.get(format!("{}/ping", engine.url)).send().await.unwrap().text().await.unwrap(), "Ok.\n");
}

#[tokio::test]
async fn a_database_of_its_own_is_used_when_named() {
    let engine = TestEngine::start();
    engine.run("CREATE DATABASE `other ``one`").await;
    let client = engine.client().with_database("other `one");
    client.query_raw("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n").execute().await.unwrap();
    client.query_raw("INSERT INTO t VALUES (1), (2)").execute().await.unwrap();
    assert_eq!(client.query_raw("SELECT count() FROM t").fetch_one::<u64>().await.unwrap(), 2);
    assert_eq!(engine.ask("SHOW TABLES").await, "");
}

#[tokio::test]
async fn several_statements_in_one_request_are_refused() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt8) ENGINE = Memory").await;
    for sql in ["SELECT 1; DROP TABLE t", "DROP TABLE t; SELECT 1", "INSERT INTO t VALUES (1); DROP TABLE t"]
    {
        assert!(engine.client().query_raw(sql).execute().await.is_err(), "{sql}");
    }
    assert_eq!(engine.ask("EXISTS TABLE t").await, "1");
}

#[tokio::test]
async fn a_request_without_a_statement_says_so() {
    let engine = TestEngine::start();
    let error = engine.client().query_raw("  ").execute().await.unwrap_err();
    assert!(message(&error).contains("no statement"), "{error}");
}

#[tokio::test]
async fn a_storm_of_statements_leaves_nothing_behind() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n").await;
    let storm = (0..400u64).map(|n| {
        let client = engine.client();
        tokio::spawn(async move {
            match n % 5 {
                0 => {
                    drop(client.query_raw("SELECT sum(number) FROM numbers(10000)").fetch_one::<u64>().await)
                }
                1 => drop(client.query_raw("SELECT nothing FROM nowhere").execute().await),
                2 => {
                    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
                    insert.send(format!("{n}\n").into_bytes().into()).await.unwrap();
                    insert.end().await.unwrap();
                }
                3 => {
                    let endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
                    let query = client.query_raw(endless).fetch_one::<u64>();
                    drop(tokio::time::timeout(Duration::from_millis(n % 50), query).await);
                }
                _ => {
                    let mut cursor =
                        client.query_raw("SELECT number FROM numbers(10000000)").fetch::<u64>().unwrap();
                    drop(cursor.next().await);
                }
            }
        })
    });
    for task in storm.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    engine.eventually("SELECT count() FROM system.processes", "1").await;
    assert_eq!(engine.ask("SELECT count() FROM t").await, "80");
}

#[tokio::test]
async fn a_statement_nested_too_deeply_is_refused_and_nothing_breaks() {
    let engine = TestEngine::start();
    for (open, close) in [("(", ")"), ("[", "]"), ("(SELECT ", ")"), ("abs(", ")"), ("NOT (", ")")] {
        let sql = format!("SELECT {}1{}", open.repeat(20_000), close.repeat(20_000));
        assert!(engine.client().query_raw(&sql).execute().await.is_err(), "{open}");
    }
    assert_eq!(engine.ask("SELECT 1").await, "1");
}
