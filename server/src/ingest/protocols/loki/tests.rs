//! Pushes as Loki's clients send them.

use super::super::testing::{Node, recent};
use super::messages::{EntryMessage, LabelPair, PushRequest, StreamMessage, Timestamp};
use actix_web::http::Method;
use prost::Message;
use serde_json::{Value, json};
use std::io::Write;

const PUSH: &str = "/loki/api/v1/push";

fn entry(time_ns: i64, line: &[u8], metadata: &[(&str, &str)]) -> EntryMessage {
    let pair = |(name, value): &(&str, &str)| LabelPair { name: (*name).into(), value: (*value).into() };
    EntryMessage {
        timestamp: Some(Timestamp {
            seconds: time_ns / 1_000_000_000,
            nanos: (time_ns % 1_000_000_000) as i32,
        }),
        line: line.to_vec(),
        structured_metadata: metadata.iter().map(pair).collect(),
    }
}

fn snappy(labels: &str, entries: Vec<EntryMessage>) -> Vec<u8> {
    let request = PushRequest { streams: vec![StreamMessage { labels: labels.into(), entries }] };
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap()
}

fn expected(time: &str) -> Vec<Value> {
    let row = |level: &str, message: &str, trace_id: &str, attributes: Value| {
        json!({"timestamp": time, "level": level, "source": "shop", "host": "web-1", "message": message,
            "trace_id": trace_id, "span_id": "", "attributes": attributes})
    };
    vec![
        row("error", "[ERROR] disk full\r", "abc", json!({"app": "shop"})),
        row("warn", "from json", "", json!({"app": "shop", "n": 9007199254740993_i64})),
        row("unknown", " {not json ", "", json!({"app": "shop", "env": "prod"})),
    ]
}

#[actix_web::test]
async fn json_and_protobuf_give_the_same_events() {
    let (time_ns, time) = recent();
    let json_line = r#"{"msg":"from json","level":"warn","n":9007199254740993}"#;

    let node = Node::start().await;
    let body = json!({"streams": [{"stream": {"app": "shop", "hostname": "web-1"}, "values": [
        [time_ns.to_string(), "[ERROR] disk full\r", {"trace_id": "ABC"}],
        [time_ns.to_string(), json_line],
        [time_ns.to_string(), " {not json ", {"env": "prod", "app": "shop"}],
    ]}]});
    let answer = node.post(PUSH, "application/json; charset=utf-8", body.to_string()).await;
    assert_eq!((answer.status, answer.text()), (204, String::new()));
    let mut of_json = node.stored(3).await;
    assert_eq!(
        of_json[2]["attributes"].as_object_mut().unwrap().remove("metadata"),
        Some(json!({"app": "shop"}))
    );
    assert_eq!(of_json, expected(&time));

    let node = Node::start().await;
    let entries = vec![
        entry(time_ns, b"[ERROR] disk full\r", &[("trace_id", "ABC")]),
        entry(time_ns, json_line.as_bytes(), &[]),
        entry(time_ns, b" {not json ", &[("env", "prod")]),
    ];
    let body = snappy(r#"{app="shop", hostname="web-1"}"#, entries);
    let answer = node.post(PUSH, "application/x-protobuf", body).await;
    assert_eq!((answer.status, answer.text()), (204, String::new()));
    assert_eq!(node.stored(3).await, expected(&time));
}

#[actix_web::test]
async fn rejected_entries_are_told_and_the_others_taken() {
    let node = Node::start().await;
    let (time_ns, _) = recent();
    let entries =
        vec![entry(1, b"old", &[]), entry(time_ns, b"good \xFF", &[]), entry(i64::MAX, b"late", &[])];

    let answer = node.post(PUSH, "application/x-protobuf", snappy("{job=\"j\"}", entries)).await;

    assert_eq!((answer.status, answer.header("content-type")), (400, "text/plain; charset=utf-8"));
    assert!(answer.text().starts_with("2 entries rejected, 1 taken; entry 0: "), "{}", answer.text());
    let rows = node.stored(1).await;
    assert_eq!((&rows[0]["message"], &rows[0]["source"]), (&json!("good \u{fffd}"), &json!("j")));
    let letters = node.dead_letters(2).await;
    assert!(
        letters
            .iter()
            .any(|(code, original)| code == "in_the_future" && original.contains("\"message\":\"late\""))
    );
}

#[actix_web::test]
async fn refusals_are_plain_text() {
    let node = Node::start().await;
    let nobody = node.call(Method::POST, PUSH, &[("content-type", "application/json")], "{}").await;
    assert_eq!((nobody.status, nobody.header("content-type")), (401, "text/plain; charset=utf-8"));
    for (mime, body) in [
        ("application/json", "{\"streams\":[{\"stream\":{},\"values\":[[\"soon\",\"x\"]]}]}"),
        ("application/json", "{\"streams\":{}}"),
        ("application/json", "{\"streams\":[]} x"),
        ("application/json", "{"),
        ("application/x-protobuf", "this is no snappy"),
    ] {
        let answer = node.post(PUSH, mime, body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(!answer.text().starts_with('{'), "{}", answer.text());
    }
    let bad_labels = snappy("{app}", vec![entry(1, b"x", &[])]);
    assert!(node.post(PUSH, "application/x-protobuf", bad_labels).await.text().contains("labels"));
    assert_eq!(node.post(PUSH, "application/json", "{\"streams\":[]}").await.status, 204);
}

#[actix_web::test]
async fn gzip_and_basic_authentication_as_promtail_sends_them() {
    let node = Node::start().await;
    let (time_ns, _) = recent();
    let body = json!({"streams": [{"stream": {"level": "info"}, "values": [[time_ns.to_string(), "x"]]}]});
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.to_string().as_bytes()).unwrap();
    let basic =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("tenant:{}", node.key));
    let basic = format!("Basic {basic}");
    let headers = [
        ("authorization", &*basic),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("x-scope-orgid", "1"),
    ];
    assert_eq!(node.call(Method::POST, PUSH, &headers, gzip.finish().unwrap()).await.status, 204);
    assert_eq!(node.stored(1).await[0]["level"], json!("info"));
}
