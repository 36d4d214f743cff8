//! What a project masks never reaches the disk.

use crate::harness::{Org, TestApp, eventually};
use serde_json::{Value, json};
use std::path::Path;

const MAIL: &str = "jane.doe@customers.example";

fn rules() -> Value {
    json!({"rules": [
        {"detector": "email", "action": "hash"},
        {"detector": "card", "action": "mask"},
        {"detector": "token", "action": "drop"},
        {"detector": "custom", "name": "order", "pattern": "ORD-[0-9]+", "action": "mask"},
    ]})
}

async fn put(org: &Org, rules: Value) {
    let path = format!("/api/v1/projects/{}/masking", org.project_id);
    let answer = org.call(reqwest::Method::PUT, &path, Some(rules.clone())).await.expect(200);
    assert_eq!(answer.body, rules);
    assert_eq!(org.get(&path).await.expect(200).body, rules);
}

/// Whether any file below the folder holds the text.
fn is_on_disk(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_on_disk(&path, text);
        }
        String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).contains(text)
    })
}

#[tokio::test]
async fn masked_values_are_nowhere_not_even_in_what_was_rejected() {
    let app = TestApp::spawn_with(&["--wal-segment-bytes", "1048576"]).await;
    let acme = app.org("acme").await;
    put(&acme, rules()).await;
    let mut tail = acme.open("/api/v1/logs/tail").await;

    // First, because without a log store nothing is delivered behind an event that waits for it.
    let rejected = json!([{"message": format!("old mail to {MAIL}"), "timestamp": "1999-01-01T00:00:00Z"}]);
    acme.post("/api/v1/logs/ingest", rejected).await.expect(400);
    let letter = eventually("the dead letter", async || {
        acme.get("/api/v1/dead-letters").await.expect(200).body["items"].as_array().unwrap().first().cloned()
    })
    .await;
    let events = json!([
        {"message": format!("mail to {MAIL} about ORD-4711"), "payment": {"card": "4111111111111111"}, "user": MAIL,
         "password": "tr0ub4dor&3"},
    ]);
    acme.post("/api/v1/logs/ingest", events).await.expect(202);

    let mut shown = String::new();
    while !shown.contains("event: log") {
        shown.push_str(std::str::from_utf8(&tail.chunk().await.unwrap().unwrap()).unwrap());
    }
    let event: Value = serde_json::from_str(shown.split("data: ").nth(1).unwrap().trim()).unwrap();
    let user = event["attributes"]["user"].as_str().unwrap();
    assert!(user.starts_with("<email:f"), "{user}");
    assert_eq!(event["message"], format!("mail to {user} about <order>"), "equal values stay equal");
    assert_eq!(event["attributes"], json!({"payment": {"card": "<card>"}, "user": user}));
    assert!(letter["original"].as_str().unwrap().contains(&format!("old mail to {user}")), "{letter}");
    for secret in [MAIL, "4111111111111111", "tr0ub4dor", "ORD-4711"] {
        assert!(!is_on_disk(app.folder.path(), secret), "{secret}");
    }
    assert!(is_on_disk(app.folder.path(), user), "the test looks at the right files");
}

#[tokio::test]
async fn projects_have_their_own_rules_and_their_own_hashes() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    for org in [&acme, &globex] {
        put(org, json!({"rules": [{"detector": "email", "action": "hash"}]})).await;
    }
    let mut seen = Vec::new();
    for org in [&acme, &globex, &globex] {
        let mut tail = org.open("/api/v1/logs/tail").await;
        org.post("/api/v1/logs/ingest", json!({"message": MAIL})).await.expect(202);
        let mut shown = String::new();
        while !shown.contains("event: log") {
            shown.push_str(std::str::from_utf8(&tail.chunk().await.unwrap().unwrap()).unwrap());
        }
        seen.push(shown.split("\"message\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned());
    }
    assert_ne!(seen[0], seen[1]);
    assert_eq!(seen[1], seen[2]);
    let audit = acme.get("/api/v1/audit-log").await.expect(200);
    assert!(audit.text.contains("masking.changed"), "{}", audit.text);
}

#[tokio::test]
async fn a_preview_shows_what_rules_would_do_and_saves_nothing() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let path = format!("/api/v1/projects/{}/masking", acme.project_id);
    let text = format!("GET /?mail={MAIL}\n{{\"message\":\"card\",\"card\":4111111111111111}}");
    let mut body = rules();
    body["text"] = json!(text);

    let preview = acme.post(&format!("{path}/preview"), body).await.expect(200).body;

    let lines: Vec<&str> = preview["text"].as_str().unwrap().lines().collect();
    assert!(lines[0].starts_with("GET /?mail=<email:f"), "{}", lines[0]);
    let event: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(event["attributes"]["card"], "<card>");
    assert_eq!(preview["matches"], json!([1, 1, 0, 0]));
    assert_eq!(acme.get(&path).await.expect(200).body, json!({"rules": []}));
}

#[tokio::test]
async fn rules_that_cannot_be_used_are_refused_by_name() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let path = format!("/api/v1/projects/{}/masking", acme.project_id);
    let bad = json!({"rules": [{"detector": "custom", "name": "order", "pattern": "(", "action": "mask"}]});

    let answer = acme.call(reqwest::Method::PUT, &path, Some(bad)).await;

    answer.expect_problem(422, "invalid");
    assert_eq!(answer.body["errors"][0]["field"], "rules[0].pattern");
}

#[tokio::test]
async fn a_project_may_keep_the_colours_of_terminals() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    put(&acme, json!({"rules": [], "keep_colours": true})).await;
    let mut tail = acme.open("/api/v1/logs/tail").await;

    acme.post("/api/v1/logs/ingest", json!({"message": "\u{1b}[31mred\u{1b}[0m"})).await.expect(202);

    let mut shown = String::new();
    while !shown.contains("event: log") {
        shown.push_str(std::str::from_utf8(&tail.chunk().await.unwrap().unwrap()).unwrap());
    }
    let event: Value = serde_json::from_str(shown.split("data: ").nth(1).unwrap().trim()).unwrap();
    assert_eq!(event["message"], "\u{1b}[31mred\u{1b}[0m");
}
