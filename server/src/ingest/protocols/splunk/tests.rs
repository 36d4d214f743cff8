//! Requests as Splunk's HEC clients send them.

use super::super::testing::{Answer, Node, recent};
use actix_web::http::Method;
use serde_json::json;

async fn send(node: &Node, path: &str, body: String) -> Answer {
    let key = format!("Splunk {}", node.key);
    // No content type, or that of a form: what clients send.
    let headers = [("authorization", &*key), ("content-type", "application/x-www-form-urlencoded")];
    node.call(Method::POST, path, &headers, body).await
}

#[actix_web::test]
async fn objects_follow_each_other_without_a_separator() {
    let node = Node::start().await;
    let (time_ns, _) = recent();
    let seconds = format!("{}.250", time_ns / 1_000_000_000);
    let time = event::time::format_rfc3339(time_ns / 1_000_000_000 * 1_000_000_000 + 250_000_000);
    let body = format!(
        r#"{{"time":{seconds},"host":"h","source":"s","sourcetype":"st","index":"main","event":"[WARN] text "}}{{"time":"{seconds}","sourcetype":"st","event":{{"message":"of an object","level":"error","n":1}},"fields":{{"dc":"eu"}}}}
{{"event":{{"line":"docker's","source":"stdout","tag":"abc"}},"host":"d"}}{{"event":{{"line":{{"msg":"nested","level":"debug"}},"tag":"abc"}}}}{{"event":[1,2]}}"#
    );

    let answer = send(&node, "/services/collector/event/1.0", body).await;

    assert_eq!((answer.status, answer.json()), (200, json!({"text": "Success", "code": 0})));
    let rows = node.stored(5).await;
    let text = |row: usize, name: &str| rows[row][name].as_str().unwrap().to_owned();
    assert_eq!((&rows[0]["timestamp"], &rows[1]["timestamp"]), (&json!(time), &json!(time)));
    let heads: Vec<_> =
        (0..5).map(|row| ["level", "source", "host", "message"].map(|name| text(row, name))).collect();
    assert_eq!(
        heads,
        [
            ["warn", "s", "h", "[WARN] text "],
            ["error", "st", "", "of an object"],
            ["unknown", "stdout", "d", "docker's"],
            ["debug", "", "", "nested"],
            ["unknown", "", "", "[1,2]"],
        ]
    );
    assert_eq!(rows[0]["attributes"], json!({"sourcetype": "st", "index": "main"}));
    assert_eq!(rows[1]["attributes"], json!({"n": 1, "dc": "eu", "sourcetype": "st"}));
    assert_eq!(rows[2]["attributes"], json!({"tag": "abc"}));
}

#[actix_web::test]
async fn raw_lines_get_what_the_address_says() {
    let node = Node::start().await;
    let answer =
        send(&node, "/services/collector/raw?host=h&sourcetype=nginx&channel=1", "one\ntwo\n".into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = node.stored(2).await;
    assert_eq!(
        (&rows[1]["message"], &rows[1]["host"], &rows[1]["source"]),
        (&json!("two"), &json!("h"), &json!("nginx"))
    );
}

#[actix_web::test]
async fn a_bad_event_is_named_and_the_others_are_taken() {
    let node = Node::start().await;
    for (body, code, index) in [
        (r#"{"event":"a"}{"source":"x"}{"event":"b"}"#, 12, 1),
        (r#"{"event":""}"#, 13, 0),
        (r#"{"event":"c"}{"event": oops}"#, 6, 1),
        (r#"{"event":"d"}{"time":1000000000,"event":"old"}"#, 6, 1),
        (r#"{"event":"e"}{"time":"soon","event":"x"}"#, 6, 1),
    ] {
        let answer = send(&node, "/services/collector", body.into()).await;
        let told = answer.json();
        assert_eq!(
            (answer.status, &told["code"], &told["invalid-event-number"]),
            (400, &json!(code), &json!(index)),
            "{body}"
        );
    }
    let messages: Vec<_> = node.stored(5).await.iter().map(|row| row["message"].clone()).collect();
    assert_eq!(messages, ["a", "b", "c", "d", "e"]);
    assert!(
        node.dead_letters(4)
            .await
            .iter()
            .any(|(code, original)| code == "too_old" && original.contains("old"))
    );
}

#[actix_web::test]
async fn the_codes_are_splunks() {
    let node = Node::start().await;
    let path = "/services/collector/event";
    let empty = send(&node, path, " \n".into()).await;
    assert_eq!((empty.status, empty.json()), (400, json!({"text": "No data", "code": 5})));
    let nobody = node.call(Method::POST, path, &[], "{}").await;
    assert_eq!((nobody.status, &nobody.json()["code"]), (401, &json!(2)));
    let wrong = node.call(Method::POST, path, &[("authorization", "Splunk cwi_wrong")], "{}").await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (403, &json!(4)));
    let other = node.call(Method::POST, path, &[("authorization", "Bearer nonsense")], "{}").await;
    assert_eq!((other.status, &other.json()["code"]), (401, &json!(3)));
    let health = node.call(Method::GET, "/services/collector/health/1.0", &[], "").await;
    assert_eq!((health.status, health.json()), (200, json!({"text": "HEC is healthy", "code": 17})));
    let asked = node.call(Method::OPTIONS, "/services/collector/event/1.0", &[], "").await;
    assert_eq!(asked.status, 200, "Docker asks before it starts a container, and shows no token");
    assert_eq!(node.call(Method::DELETE, path, &[], "").await.status, 405);
    let ack = send(&node, "/services/collector/ack", "{\"acks\":[0]}".into()).await;
    assert_eq!((ack.status, &ack.json()["code"]), (400, &json!(14)));
}

#[actix_web::test]
async fn a_flood_is_told_that_the_server_is_busy() {
    let node = Node::with_events_per_second(1).await;
    let body = r#"{"event":"x"}"#.repeat(3);
    let sent = (0..20).map(|_| send(&node, "/services/collector", body.clone()));
    let answers = futures::future::join_all(sent).await;
    let answer = answers.into_iter().find(|answer| answer.status != 200).expect("more than is allowed");
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!(9)));
    assert!(!answer.header("retry-after").is_empty());
}
