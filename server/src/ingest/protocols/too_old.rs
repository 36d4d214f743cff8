//! An event of any client that is too old is kept as the event that it was to become: a row rule judges it by its fields, and a
//! replay loses nothing.

use super::testing::Node;
use crate::ingest::dead_letters::Seen;
use crate::sight::{RowRule, Sight};
use crate::tenant::TenantScope;
use actix_web::http::Method;
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// Path, content type, body: one event each, of 2001, whose message is `old till` and whose field `env` is `prod`.
fn requests() -> Vec<(&'static str, &'static str, String)> {
    let ns = "1000000000000000000";
    let text = |value: &str| json!({ "stringValue": value });
    let record = json!({"timeUnixNano": ns, "body": text("old till"), "attributes": [{"key": "env", "value": text("prod")}]});
    let otlp = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]});
    let bulk = "{\"create\":{\"_index\":\"tills\"}}\n{\"@timestamp\":\"2001-09-09T01:46:40Z\",\"message\":\"old till\",\"env\":\"prod\"}\n";
    vec![
        (
            "/api/v1/logs/ingest?source=tills",
            JSON,
            json!({"timestamp": 1_000_000_000, "message": "old till", "env": "prod"}).to_string(),
        ),
        (
            "/services/collector/event",
            JSON,
            json!({"time": 1_000_000_000, "event": {"message": "old till"}, "fields": {"env": "prod"}})
                .to_string(),
        ),
        (
            "/api/v2/logs",
            JSON,
            json!([{"timestamp": 1_000_000_000_000_i64, "message": "old till", "env": "prod"}]).to_string(),
        ),
        ("/_bulk", "application/x-ndjson", bulk.to_owned()),
        (
            "/loki/api/v1/push",
            JSON,
            json!({"streams": [{"stream": {"env": "prod"}, "values": [[ns, "old till"]]}]}).to_string(),
        ),
        ("/v1/logs", JSON, otlp.to_string()),
    ]
}

#[actix_web::test]
async fn what_is_too_old_is_kept_as_an_event_whoever_sends_it() {
    for (path, mime, body) in requests() {
        let node = Node::start().await;
        let key = if path.starts_with("/services") { format!("Splunk {}", node.key) } else { node.bearer() };
        let headers = [("authorization", &*key), ("dd-api-key", &node.key), ("content-type", mime)];
        let answer = node.call(Method::POST, path, &headers, body).await;

        let letters = node.kept(1).await;

        let told = format!("{path}: {}", answer.text());
        assert_eq!((letters.len(), letters[0].code.as_str()), (1, "too_old"), "{told}");
        let original: Value = serde_json::from_slice(&letters[0].original).unwrap();
        assert_eq!(original["message"], "old till", "{told}");
        for (rule, is_shown) in [("env:prod till", true), ("-env:prod", false), ("env:dev", false)] {
            let rule_of = RowRule::parse(rule).unwrap();
            let sight = Sight::of(TenantScope::of_job(node.organization_id), Some(rule_of));
            assert_eq!(Seen::by(&sight, 1).unwrap().shows(&letters[0]), is_shown, "{rule} {told} {original}");
        }
    }
}
