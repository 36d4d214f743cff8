//! What a client can rely on when it sends rows.

use crate::support::{SECRET, TestEngine};
use clickhouse::error::Error;
use serde::{Deserialize, Serialize};

#[derive(clickhouse::Row, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Line {
    at: i64,
    level: String,
    tags: Vec<(String, String)>,
    code: Option<u16>,
}

fn lines(count: i64) -> Vec<Line> {
    let line = |at: i64| Line {
        at,
        level: ["info", "error"][at as usize % 2].to_owned(),
        tags: vec![("k\\'\n".to_owned(), format!("☃{at}"))],
        code: (at % 3 == 0).then_some(at as u16),
    };
    (0..count).map(line).collect()
}

async fn http_insert(
    engine: &TestEngine,
    query: &str,
    encoding: Option<&str>,
    body: Vec<u8>,
) -> (u16, String) {
    let mut request = reqwest::Client::new()
        .post(reqwest::Url::parse_with_params(&engine.url, [("query", query)]).unwrap())
        .header("X-ClickHouse-Key", SECRET)
        .body(body);
    if let Some(encoding) = encoding {
        request = request.header("Content-Encoding", encoding);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn typed_rows_go_in_and_come_back() {
    let engine = TestEngine::start();
    let table = "CREATE TABLE lines (at Int64, level LowCardinality(String), tags Map(String, String), \
                 code Nullable(UInt16)) ENGINE = MergeTree ORDER BY at";
    engine.run(table).await;
    let client = engine.client();
    let mut insert = client.insert::<Line>("lines").await.unwrap();
    for line in lines(20_000) {
        insert.write(&line).await.unwrap();
    }
    insert.end().await.unwrap();
    let back = client.query_raw(
        "SELECT ?fields FROM lines ORDER BY at".replace("?fields", "at, level, tags, code").as_str(),
    );
    assert_eq!(back.fetch_all::<Line>().await.unwrap(), lines(20_000));
}

#[tokio::test]
async fn formatted_rows_go_in_plain_and_compressed() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n").await;
    let insert = "INSERT INTO t FORMAT JSONEachRow";
    let body = |n: u32| format!("{{\"n\":{n},\"s\":\"x\\n\"}}\n").into_bytes();
    let gzip = |data: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, data).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(http_insert(&engine, insert, None, body(1)).await.0, 200);
    assert_eq!(http_insert(&engine, insert, Some("gzip"), gzip(&body(2))).await.0, 200);
    assert_eq!(
        http_insert(&engine, insert, Some("zstd"), zstd::encode_all(&body(3)[..], 1).unwrap()).await.0,
        200
    );
    let (status, text) = http_insert(&engine, insert, Some("br"), body(4)).await;
    assert!(status == 400 && text.contains("br"), "{status} {text}");
    let (status, text) = http_insert(&engine, insert, Some("zstd"), body(5)).await;
    assert!(status >= 400 && text.contains("body"), "{status} {text}");
    assert_eq!(engine.ask("SELECT arraySort(groupArray(n)) FROM t").await, "[1,2,3]");
}

#[tokio::test]
async fn rows_inside_the_statement_go_in() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n").await;
    engine.run("INSERT INTO t VALUES (1, 'a;b'), (2, 'c')").await;
    engine.run("INSERT INTO t FORMAT JSONEachRow {\"n\": 3, \"s\": \"d\"}").await;
    engine.run("INSERT INTO t SELECT number + 4, 'e' FROM numbers(2)").await;
    assert_eq!(http_insert(&engine, "INSERT INTO t VALUES", None, b"(6, 'f')".to_vec()).await.0, 200);
    assert_eq!(http_insert(&engine, "INSERT INTO t SELECT 7, 'g'", None, Vec::new()).await.0, 200);
    assert_eq!(engine.ask("SELECT arraySort(groupArray(n)) FROM t").await, "[1,2,3,4,5,6,7]");
}

#[tokio::test]
async fn a_bad_row_refuses_the_whole_insert_and_says_where() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n").await;
    let body = b"{\"n\":1}\n{\"n\":\"many\"}\n{\"n\":3}\n".to_vec();
    let (status, text) = http_insert(&engine, "INSERT INTO t FORMAT JSONEachRow", None, body).await;
    assert!(status == 400 && text.contains("row 2"), "{status} {text}");
    let (status, text) =
        http_insert(&engine, "INSERT INTO nowhere FORMAT JSONEachRow", None, b"{}".to_vec()).await;
    assert!(status == 404 && text.contains("Code: 60"), "{status} {text}");
    assert_eq!(engine.ask("SELECT count() FROM t").await, "0");
}

#[tokio::test]
async fn an_insert_that_breaks_off_stores_nothing() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n").await;
    let client = engine.client();
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT JSONEachRow");
    insert.send(b"{\"n\":1}\n".repeat(100_000).into()).await.unwrap();
    drop(insert);
    engine.eventually("SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'", "0").await;
    assert_eq!(engine.ask("SELECT count() FROM t").await, "0");
}

#[tokio::test]
async fn a_repeated_token_stores_once() {
    let engine = TestEngine::start();
    let settings = "non_replicated_deduplication_window = 1000";
    engine.run(&format!("CREATE TABLE t (day Date, n UInt32) ENGINE = MergeTree PARTITION BY day ORDER BY n SETTINGS {settings}")).await;
    for token in ["batch 1", "batch 1", "batch 2"] {
        let client = engine.client().with_setting("insert_deduplication_token", token);
        let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
        insert.send(b"2026-01-01,1\n2026-01-02,2\n".to_vec().into()).await.unwrap();
        insert.end().await.unwrap();
    }
    assert_eq!(engine.ask("SELECT count() FROM t").await, "4");
}

#[tokio::test]
async fn one_insert_is_one_part_in_each_partition() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n").await;
    engine.run("SYSTEM STOP MERGES t").await;
    let client = engine.client();
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
    for chunk in 0..20u64 {
        let rows: String =
            (0..5_000).map(|n| format!("{},{}\n", chunk * 5_000 + n, "x".repeat(100))).collect();
        insert.send(rows.into_bytes().into()).await.unwrap();
    }
    insert.end().await.unwrap();
    assert_eq!(
        engine.ask("SELECT count(), sum(rows) FROM system.parts WHERE table = 't' AND active").await,
        "1\t100000"
    );
}

#[tokio::test]
async fn json_columns_keep_types_and_dotted_paths() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (id UInt8, attributes JSON(max_dynamic_paths = 256)) ENGINE = MergeTree ORDER BY id").await;
    let row = br#"{"id":1,"attributes":{"http.status":500,"http":{"path":"/a'b\\c"},"ok":true,"ratio":0.5,"tags":["a","b"]}}"#;
    let (status, text) = http_insert(&engine, "INSERT INTO t FORMAT JSONEachRow", None, row.to_vec()).await;
    assert_eq!(status, 200, "{text}");
    let sql = "SELECT attributes.http.status, dynamicType(attributes.http.status), attributes.http.path, attributes.ok, \
               attributes.ratio, attributes.tags FROM t FORMAT JSONCompactEachRow";
    assert_eq!(engine.ask(sql).await, r#"[500, "Int64", "\/a'b\\c", true, 0.5, ["a","b"]]"#);
}

#[tokio::test]
async fn the_text_index_is_used() {
    let engine = TestEngine::start();
    let table = "CREATE TABLE t (n UInt64, message String, INDEX words lowerUTF8(message) TYPE text(tokenizer = \
                 'splitByNonAlpha')) ENGINE = MergeTree ORDER BY n SETTINGS index_granularity = 128";
    engine.run(table).await;
    engine.run("INSERT INTO t SELECT number, if(number = 77777, 'A Needle here', concat('hay ', toString(number))) FROM numbers(100000)").await;
    let condition = "hasToken(lowerUTF8(message), 'needle')";
    assert_eq!(engine.ask(&format!("SELECT n FROM t WHERE {condition}")).await, "77777");
    let plan = engine.ask(&format!("EXPLAIN indexes = 1 SELECT n FROM t WHERE {condition}")).await;
    assert!(plan.contains("words"), "{plan}");
}

#[tokio::test]
async fn compressed_frames_are_refused_with_advice() {
    let engine = TestEngine::start();
    engine.run("CREATE TABLE t (n UInt32) ENGINE = Memory").await;
    let client = engine.client().with_compression(clickhouse::Compression::Lz4);
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
    insert.send(b"1\n".to_vec().into()).await.unwrap();
    let Err(Error::BadResponse(message)) = insert.end().await else { panic!("accepted") };
    assert!(message.contains("decompress=1") && message.contains("zstd"), "{message}");
}
