//! The same lines through text, NDJSON, syslog, Elasticsearch, Loki and OTLP are the same events.
//!
//! The lines are made up here in the forms of well-known programs; where a checkout has the real ones beside it (they may not be
//! kept in the repository), those go the same ways.

use super::syslog::Receivers;
use super::testing::Node;
use crate::config::defaults_for_tests;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Lines of one file, at most: these tests run unoptimised.
const REAL_LINES: usize = 50;

/// In the forms of Apache, HDFS, Hadoop, sshd, OpenStack, Spark, ZooKeeper, nginx, Go's slog, Kubernetes, pino, and people.
fn made_up(time: Timestamp) -> Vec<String> {
    let at = |form: &str| time.strftime(form).to_string();
    vec![
        at("[%a %b %d %H:%M:%S %Y] [error] mod_jk child workerEnv in error state 6"),
        at(
            "%y%m%d %H%M%S 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38 terminating",
        ),
        at("%Y-%m-%d %H:%M:%S,000 WARN [main] org.example.AppMaster: slow disk, 12 ms "),
        at("%b %d %H:%M:%S combo sshd(pam_unix)[19939]: authentication failure; uid=0 rhost=218.0.113.4 "),
        at(
            "%Y-%m-%d %H:%M:%S.000 25746 INFO nova.api [req-38101a0b-2096-447d-96ea] 10.11.10.1 \"GET /v2 HTTP/1.1\" status: 200",
        ),
        at("%y/%m/%d %H:%M:%S INFO executor.Backend: Registered signal handlers for [TERM, HUP]"),
        at("%Y-%m-%d %H:%M:%S,000 - ERROR  [worker:Follower@774] - connection refused"),
        at("10.0.0.7 - ann [%d/%b/%Y:%H:%M:%S +0000] \"GET /cart?id=7 HTTP/1.1\" 502 157 \"-\" \"curl/8.1\""),
        at("time=%Y-%m-%dT%H:%M:%SZ level=WARN msg=\"slow query\" duration=12.5 ok=false"),
        at("E%m%d %H:%M:%S.000000       1 controller.go:42] cannot sync"),
        at(
            "{\"time\":\"%Y-%m-%dT%H:%M:%SZ\",\"level\":50,\"service\":\"cart\",\"msg\":\"nested\",\"n\":9007199254740993,\"a\":{\"b\":[1]}}",
        ),
        "  only words, with ünïcode \u{2028} and \u{1b}[31mcolour\u{1b}[0m  ".to_owned(),
    ]
}

/// The line as the object that a client of an API of objects sends.
fn object(line: &str) -> String {
    if line.starts_with('{') { line.to_owned() } else { json!({ "message": line }).to_string() }
}

async fn by_text(node: &Node, lines: &[String]) {
    let answer = node.post("/api/v1/logs/ingest", "text/plain", lines.join("\n")).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

async fn by_ndjson(node: &Node, lines: &[String]) {
    let body: Vec<_> = lines.iter().map(|line| object(line)).collect();
    let answer = node.post("/api/v1/logs/ingest", "application/x-ndjson", body.join("\n")).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

async fn by_elasticsearch(node: &Node, lines: &[String]) {
    let body: String = lines.iter().map(|line| format!("{{\"create\":{{}}}}\n{}\n", object(line))).collect();
    let answer = node.post("/_bulk", "application/x-ndjson", body).await;
    assert_eq!((answer.status, &answer.json()["errors"]), (200, &json!(false)));
}

async fn by_loki(node: &Node, lines: &[String], time: Timestamp) {
    let values: Vec<_> = lines.iter().map(|line| json!([time.as_nanosecond().to_string(), line])).collect();
    let body = json!({"streams": [{"stream": {}, "values": values}]}).to_string();
    assert_eq!(node.post("/loki/api/v1/push", "application/json", body).await.status, 204);
}

async fn by_otlp(node: &Node, lines: &[String]) {
    let records: Vec<_> = lines.iter().map(|line| json!({"body": {"stringValue": line}})).collect();
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    let answer = node.post("/v1/logs", "application/json", body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({})));
}

/// As the lines are, with no header: the key comes with a first message, which is left out of what is returned.
async fn by_syslog(node: &Node, lines: &[String]) -> Vec<Value> {
    let receivers =
        Receivers::new(&defaults_for_tests(), node.ingest.clone(), node.auth.clone(), &node.shutdown)
            .unwrap();
    let address = receivers.share(([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let hello = format!("<14>1 - - - - - [cordwood@0 key=\"{}\"] hello\n", node.key);
    stream.write_all(format!("{hello}{}\n", lines.join("\n")).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    let mut rows = node.stored(lines.len() + 1).await;
    rows.retain(|row| row["message"] != "hello");
    for row in &mut rows {
        // The sender's address is the host of lines that name none.
        if row["host"] == "127.0.0.1" {
            row["host"] = json!("");
        }
    }
    rows
}

/// In one order, and without what a protocol's own time makes of a time in the text.
fn comparable(mut rows: Vec<Value>, with_time: bool) -> Vec<Value> {
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.get_mut("attributes").unwrap().as_object_mut().unwrap().remove("time");
        if !with_time {
            row.remove("timestamp");
        }
    }
    rows.sort_by_key(Value::to_string);
    rows
}

async fn every_way_gives_the_same(lines: &[String], time: Timestamp, with_time: bool) {
    let count = lines.len();
    let node = Node::start().await;
    by_text(&node, lines).await;
    let expected = comparable(node.stored(count).await, with_time);

    let node = Node::start().await;
    by_ndjson(&node, lines).await;
    assert_eq!(comparable(node.stored(count).await, with_time), expected, "NDJSON");
    let node = Node::start().await;
    by_elasticsearch(&node, lines).await;
    assert_eq!(comparable(node.stored(count).await, with_time), expected, "Elasticsearch");
    let node = Node::start().await;
    by_loki(&node, lines, time).await;
    assert_eq!(comparable(node.stored(count).await, with_time), expected, "Loki");
    let node = Node::start().await;
    by_otlp(&node, lines).await;
    assert_eq!(comparable(node.stored(count).await, with_time), expected, "OTLP");
    let node = Node::start().await;
    assert_eq!(comparable(by_syslog(&node, lines).await, with_time), expected, "syslog");
}

#[actix_web::test]
async fn lines_in_well_known_forms_are_the_same_events_by_every_protocol() {
    let time = Timestamp::from_second(Timestamp::now().as_second() - 60).unwrap();
    let mut lines = made_up(time);
    let words = lines.pop().unwrap();

    every_way_gives_the_same(&lines, time, true).await;
    // It says no time, so it has that of its arrival.
    every_way_gives_the_same(&[words], time, false).await;
}

#[actix_web::test]
async fn what_the_lines_say_is_found() {
    let time = Timestamp::from_second(Timestamp::now().as_second() - 60).unwrap();
    let node = Node::start().await;
    by_text(&node, &made_up(time)).await;
    let rows = node.stored(12).await;
    let levels: Vec<_> = rows.iter().map(|row| row["level"].as_str().unwrap()).collect();
    assert_eq!(
        levels,
        [
            "error", "info", "warn", "unknown", "info", "info", "error", "error", "warn", "error", "error",
            "unknown"
        ]
    );
    assert!(rows[..11].iter().all(|row| row["timestamp"] == json!(time.to_string())), "{rows:#?}");
    assert_eq!(rows[11]["message"], json!("  only words, with ünïcode \u{2028} and colour  "));
}

#[actix_web::test]
async fn real_lines_are_the_same_events_by_every_protocol() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../../shared/data/logs", "../../../shared/data/logs"].map(|folder| root.join(folder));
    let Some(files) = folders.iter().find_map(|folder| std::fs::read_dir(folder).ok()) else { return };
    let mut real = Vec::new();
    for file in
        files.map(|file| file.unwrap().path()).filter(|file| file.extension().is_some_and(|it| it == "log"))
    {
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().filter(|line| !line.trim().is_empty()).take(REAL_LINES);
        real.extend(lines.map(str::to_owned));
    }
    every_way_gives_the_same(&real, Timestamp::now(), false).await;
}
