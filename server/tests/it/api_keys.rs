//! API keys.

use crate::harness::{Answer, Caller, Org, TestApp, eventually};
use serde_json::{Value, json};

#[tokio::test]
async fn a_key_is_shown_once_and_listed_without_its_secret() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let key = acme.api_key(&["query", "ingest"]).await;

    let (secret, prefix) = (key["secret"].as_str().unwrap(), key["prefix"].as_str().unwrap());
    assert!(secret.starts_with(prefix) && prefix.starts_with("cwq_"));
    assert_eq!(key["scopes"], json!(["ingest", "query"]));
    assert_eq!(key["expires_at"], json!(null));
    let listed = acme.get("/api/v1/api-keys").await.expect(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["items"][0]["prefix"], prefix);
    assert!(!listed.text.contains(&secret[prefix.len()..]));
}

#[tokio::test]
async fn a_revoked_key_stops_working_at_once() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let key = acme.api_key(&["admin"]).await;
    let program = app.with_credential(key["secret"].as_str().unwrap());
    program.get("/api/v1/projects").await.expect(200);
    let path = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());

    acme.delete(&path).await.expect(204);

    program.get("/api/v1/projects").await.expect_problem(401, "credentials_invalid");
    acme.delete(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_admin_key_manages_the_organization_but_is_no_person() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let program = app.with_credential(acme.api_key(&["admin"]).await["secret"].as_str().unwrap());

    program.post("/api/v1/projects", json!({"name": "staging"})).await.expect(201);

    program.get("/api/v1/me").await.expect_problem(403, "person_needed");
    program.post("/api/v1/auth/switch", json!({"organization_id": acme.id})).await.expect(403);
    let ingest = app.with_credential(acme.api_key(&["ingest"]).await["secret"].as_str().unwrap());
    ingest.get("/api/v1/projects").await.expect_problem(403, "scope_too_small");
}

#[tokio::test]
async fn the_use_of_a_key_is_seen_in_the_list() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let program = app.with_credential(acme.api_key(&["admin"]).await["secret"].as_str().unwrap());
    program.get("/api/v1/projects").await.expect(200);

    eventually("the use of the key to be noted", async || {
        let listed = acme.get("/api/v1/api-keys").await.expect(200);
        listed.body["items"][0]["last_used_at"].as_str().map(str::to_owned)
    })
    .await;
}

#[tokio::test]
async fn a_key_needs_a_name_a_scope_a_project_and_a_future() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let body = json!({"name": "", "project_id": acme.project_id, "scopes": [], "expires_at": "2001-01-01T00:00:00Z"});

    let answer = acme.post("/api/v1/api-keys", body).await;

    answer.expect_problem(422, "invalid");
    let fields: Vec<&str> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["name", "scopes", "expires_at"]);
    let nowhere =
        json!({"name": "k", "project_id": "01890a5d-ac96-774b-bcce-b302099a8057", "scopes": ["ingest"]});
    acme.post("/api/v1/api-keys", nowhere).await.expect_problem(404, "not_found");
    let unknown = json!({"name": "k", "project_id": acme.project_id, "scopes": ["everything"]});
    acme.post("/api/v1/api-keys", unknown).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn a_key_can_end_by_itself() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let soon = jiff::Timestamp::now() + std::time::Duration::from_millis(700);
    let body = json!({"name": "k", "project_id": acme.project_id, "scopes": ["admin"], "expires_at": soon.to_string()});
    let key = acme.post("/api/v1/api-keys", body).await.expect(201).body;
    let program = app.with_credential(key["secret"].as_str().unwrap());

    eventually("the key to end", async || {
        let answer = program.get("/api/v1/projects").await;
        (answer.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_works_from_its_networks_only() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let bound_to = async |networks: &[&str]| {
        let body = json!({"name": "k", "project_id": acme.project_id, "scopes": ["admin"], "allowed_networks": networks});
        let key = acme.post("/api/v1/api-keys", body).await.expect(201).body;
        (app.with_credential(key["secret"].as_str().unwrap()), key["allowed_networks"].clone())
    };

    let (here, networks) = bound_to(&["127.1.2.3/8", "2001:db8::/32"]).await;
    here.get("/api/v1/projects").await.expect(200);
    assert_eq!(networks, json!(["127.0.0.0/8", "2001:db8::/32"]));
    let (elsewhere, _) = bound_to(&["10.0.0.0/8"]).await;
    elsewhere.get("/api/v1/projects").await.expect_problem(403, "network_not_allowed");
    let forged = elsewhere.with_header("x-forwarded-for", "10.0.0.1");
    forged.get("/api/v1/projects").await.expect_problem(403, "network_not_allowed");
    let wrong = json!({"name": "k", "project_id": acme.project_id, "scopes": ["admin"], "allowed_networks": ["10.0.0.0/33"]});
    acme.post("/api/v1/api-keys", wrong).await.expect_problem(422, "invalid");
}

/// A key that sends, with limits of its own.
async fn limited_key(app: &TestApp, acme: &Org, limits: Value) -> (Caller, Value) {
    let mut body = json!({"name": "k", "project_id": acme.project_id, "scopes": ["ingest"]});
    body.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let key = acme.post("/api/v1/api-keys", body).await.expect(201).body;
    (app.with_credential(key["secret"].as_str().unwrap()), key)
}

async fn send(caller: &Caller, events: usize) -> Answer {
    caller.post("/api/v1/logs/ingest", json!(vec![json!({"message": "a line"}); events])).await
}

#[tokio::test]
async fn a_key_has_a_rate_of_its_own_and_others_of_its_organization_go_on() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let (noisy, key) = limited_key(&app, &acme, json!({"events_per_second": 1})).await;
    let (other, _) = limited_key(&app, &acme, json!({})).await;
    assert_eq!((&key["events_per_second"], &key["daily_events"]), (&json!(1), &json!(null)));
    send(&noisy, 1000).await.expect(202);

    let refused = send(&noisy, 1).await;

    refused.expect_problem(429, "key_rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 900, "the batch is paid for");
    assert!(refused.text.contains("this API key may send 1 events per second"), "{}", refused.text);
    send(&other, 1000).await.expect(202);
}

#[tokio::test]
async fn a_key_has_a_daily_limit_of_its_own_that_can_be_changed() {
    let mut app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let (noisy, key) = limited_key(&app, &acme, json!({"daily_events": 5, "daily_bytes": 1_000_000})).await;
    let (other, _) = limited_key(&app, &acme, json!({"daily_events": 5})).await;
    send(&noisy, 5).await.expect(202);

    let refused = send(&noisy, 1).await;

    refused.expect_problem(429, "key_daily_quota_reached");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(refused.text.contains("this API key has used its 5 events of today"), "{}", refused.text);
    send(&other, 1).await.expect(202);
    app.crash_and_restart().await;
    let noisy = app.with_credential(key["secret"].as_str().unwrap());
    let acme = app.with_credential(&acme.access_token);
    send(&noisy, 1).await.expect_problem(429, "key_daily_quota_reached");

    let path = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());
    let changed = acme.patch(&path, json!({"daily_events": null})).await.expect(200).body;

    assert_eq!((&changed["daily_events"], &changed["daily_bytes"]), (&json!(null), &json!(1_000_000)));
    send(&noisy, 100).await.expect(202);
    acme.patch(&path, json!({"daily_bytes": 10})).await.expect(200);
    send(&noisy, 1).await.expect_problem(429, "key_daily_quota_reached");
    let log = acme.get("/api/v1/audit-log?q=action:api_key.changed").await.expect(200).body;
    assert_eq!(log["items"][0]["detail"]["ingest_limits"], json!({"daily_bytes": 10}));
}

#[tokio::test]
async fn every_protocol_tells_that_the_key_has_used_its_day() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let (_, key) = limited_key(&app, &acme, json!({"daily_events": 1})).await;
    let secret = key["secret"].as_str().unwrap();
    send(&app.with_credential(secret), 1).await.expect(202);
    let splunk = app.anonymous().with_header("authorization", &format!("Splunk {secret}"));
    let datadog = app.anonymous().with_header("dd-api-key", secret);
    let key = app.with_credential(secret);
    let otlp = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "a"}}]}]}]});
    let loki = json!({"streams": [{"stream": {"app": "a"}, "values": [["1700000000000000000", "a"]]}]});

    for (protocol, path, body) in [
        (&splunk, "/services/collector", json!({"event": "a"})),
        (&datadog, "/api/v2/logs", json!([{"message": "a"}])),
        (&key, "/v1/logs", otlp),
        (&key, "/loki/api/v1/push", loki),
        (&key, "/_bulk", json!({"create": {}})),
    ] {
        let refused = protocol.post(path, body).await;
        assert_eq!(refused.status, 429, "{path}: {}", refused.text);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0, "{path}");
        assert!(
            refused.text.contains("this API key has used its 1 events of today"),
            "{path}: {}",
            refused.text
        );
    }
}

#[tokio::test]
async fn limits_of_a_key_are_kept_by_its_follower_and_checked() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let (_, key) = limited_key(&app, &acme, json!({"bytes_per_second": 1000, "daily_events": 5})).await;
    let path = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());

    let follower = acme.post(&format!("{path}/rotate"), json!({})).await.expect(201).body;

    for name in ["events_per_second", "bytes_per_second", "daily_events", "daily_bytes"] {
        assert_eq!(follower[name], key[name], "{name}");
    }
    let refused = acme.patch(&path, json!({"daily_events": 0})).await;
    refused.expect_problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["field"], "daily_events");
    let reading = json!({"name": "k", "project_id": acme.project_id, "scopes": ["query"], "daily_events": 5});
    let refused = acme.post("/api/v1/api-keys", reading).await;
    refused.expect_problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["code"], "needs_ingest");
    acme.patch(&path, json!({"rows_per_day": 5})).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn a_rotated_key_works_on_for_the_overlap() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let old = acme.api_key(&["admin"]).await;
    let path = format!("/api/v1/api-keys/{}/rotate", old["id"].as_str().unwrap());

    let new = acme.post(&path, json!({"overlap_hours": 1})).await.expect(201).body;

    for key in [&old, &new] {
        app.with_credential(key["secret"].as_str().unwrap()).get("/api/v1/projects").await.expect(200);
    }
    let listed = acme.get("/api/v1/api-keys").await.expect(200).body;
    let shown = listed["items"].as_array().unwrap().iter().find(|key| key["id"] == old["id"]).unwrap();
    assert_eq!(shown["replaced_by"], new["id"]);
    assert!(shown["expires_at"].is_string());
    acme.post(&path, json!({})).await.expect_problem(409, "key_rotated");

    let path = format!("/api/v1/api-keys/{}/rotate", new["id"].as_str().unwrap());
    acme.post(&path, json!({"overlap_hours": 0})).await.expect(201);
    let ended = app.with_credential(new["secret"].as_str().unwrap());
    ended.get("/api/v1/projects").await.expect_problem(401, "credentials_invalid");
    acme.post(&path, json!({"overlap_hours": 1000})).await.expect_problem(422, "invalid");
}
