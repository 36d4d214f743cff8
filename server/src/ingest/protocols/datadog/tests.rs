//! Requests as Datadog's agents and libraries send them.

use super::super::testing::{Node, recent};
use actix_web::http::Method;
use serde_json::json;
use std::io::Write;

const LOGS: &str = "/api/v2/logs";

#[actix_web::test]
async fn an_agents_batch_is_taken_deflated_with_its_tags_and_types() {
    let node = Node::start().await;
    let (time_ns, _) = recent();
    let ms = time_ns / 1_000_000;
    let body = json!([
        {"message": "plain ", "status": "warn", "timestamp": ms, "hostname": "h", "service": "shop", "ddsource": "nginx",
         "ddtags": "env:prod,team:a,team:b,canary", "n": 9007199254740993_i64, "ok": true},
        {"message": "{\"level\":\"error\",\"msg\":\"inner\"}", "ddsource": "nodejs", "ddtags": ""},
        {"message": "old", "timestamp": 1000},
    ]);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(body.to_string().as_bytes()).unwrap();
    let headers =
        [("dd-api-key", &*node.key), ("content-type", "application/json"), ("content-encoding", "deflate")];

    let answer = node.call(Method::POST, LOGS, &headers, zlib.finish().unwrap()).await;

    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(answer.json()["errors"][0]["detail"].as_str().unwrap().starts_with("log 2: "));
    let rows = node.stored(2).await;
    let time = event::time::format_rfc3339(ms * 1_000_000);
    assert_eq!(
        rows[0],
        json!({"timestamp": time, "level": "warn", "source": "shop", "host": "h", "message": "plain ", "trace_id": "",
            "span_id": "", "attributes": {"ddsource": "nginx", "n": 9007199254740993_i64, "ok": true,
                "tags": {"env": "prod", "team": ["a", "b"], "canary": true}}})
    );
    assert_eq!(
        ["level", "source", "message"].map(|name| rows[1][name].clone()),
        [json!("error"), json!("nodejs"), json!("inner")]
    );
}

#[actix_web::test]
async fn one_object_lines_of_text_and_the_agents_question_are_answered() {
    let node = Node::start().await;
    for (path, mime, body) in [
        (LOGS, "application/json", "{\"message\":\"one\"}"),
        ("/api/v2/logs?ddsource=nginx&service=web&ddtags=a:b&hostname=h", "text/plain", "two\n"),
        (LOGS, "application/json", "{}"),
        (LOGS, "application/json", "[]"),
    ] {
        let answer = node.post(path, mime, body).await;
        assert_eq!((answer.status, answer.json()), (202, json!({})), "{body}");
    }
    let rows = node.stored(2).await;
    assert_eq!((&rows[1]["source"], &rows[1]["host"]), (&json!("web"), &json!("h")));
    assert_eq!(rows[1]["attributes"], json!({"ddsource": "nginx", "tags": {"a": "b"}}));
}

#[actix_web::test]
async fn refusals_are_datadogs() {
    let node = Node::start().await;
    for (body, detail) in
        [("{\"message\":", "broken"), ("[{\"message\":\"old\",\"timestamp\":1000}]", "log 0")]
    {
        let answer = node.post(LOGS, "application/json", body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["errors"][0]["detail"].as_str().unwrap().contains(detail), "{}", answer.text());
    }
    let nobody = node.call(Method::POST, LOGS, &[], "[]").await;
    assert_eq!((nobody.status, &nobody.json()["errors"][0]["status"]), (401, &json!("401")));
    let valid = node.call(Method::GET, "/api/v1/validate", &[("dd-api-key", &*node.key)], "").await;
    assert_eq!((valid.status, valid.json()), (200, json!({"valid": true})));
    let invalid = node.call(Method::GET, "/api/v1/validate", &[("dd-api-key", "wrong")], "").await;
    assert_eq!((invalid.status, invalid.json()), (403, json!({"errors": ["Forbidden"]})));
}
