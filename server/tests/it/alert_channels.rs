//! Notification channels as their users meet them: made, tried, changed, with their secrets kept.

use crate::harness::receiver::Receiver;
use crate::harness::{Org, TestApp};
use serde_json::{Value, json};

async fn app_and_org() -> (TestApp, Org, Receiver) {
    let receiver = Receiver::start().await;
    let app =
        TestApp::spawn_with(&["--outbound-allow-networks", "127.0.0.0/8", "--pagerduty-url", &receiver.url])
            .await;
    let org = app.org("acme").await;
    (app, org, receiver)
}

async fn channel(org: &Org, kind: &str, config: Value) -> Value {
    let body = json!({"name": format!("a {kind}"), "kind": kind, "config": config});
    org.post("/api/v1/notification-channels", body).await.expect(201).body
}

async fn test(org: &Org, channel: &Value) -> crate::harness::Answer {
    org.post(&format!("/api/v1/notification-channels/{}/test", channel["id"].as_str().unwrap()), json!({}))
        .await
}

#[tokio::test]
async fn a_webhook_is_signed_with_the_secret_that_was_shown_once() {
    let (_app, org, receiver) = app_and_org().await;
    let made = channel(&org, "webhook", json!({"url": receiver.url})).await;
    let secret = made["config"]["secret"].as_str().unwrap();
    test(&org, &made).await.expect(200);

    let request = receiver.received().remove(0);
    let signature = request.header("x-cordwood-signature");
    let (time, hex) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let expected = hmac_sha256(secret, &format!("{time}.{}", request.body));
    assert_eq!(hex, expected);
    assert_eq!(request.json()["id"], request.header("x-notification-id"));
    assert_eq!(request.json()["rule"]["name"], "Test of this channel");

    let listed = org.get("/api/v1/notification-channels").await.expect(200);
    assert!(!listed.text.contains(secret), "{}", listed.text);
}

fn hmac_sha256(secret: &str, text: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(text);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_webhook_may_have_a_body_of_its_own() {
    let (_app, org, receiver) = app_and_org().await;
    let body = json!({"text": "{{title}}", "value": "{{value}}", "first": "{{samples.0.message}}"});
    let made = channel(&org, "webhook", json!({"url": receiver.url, "body": body})).await;
    test(&org, &made).await.expect(200);
    let expected = json!({
        "text": "Firing: Test of this channel", "value": 12.0, "first": "a line like the ones that a rule would find",
    });
    assert_eq!(receiver.received()[0].json(), expected);
    let wrong =
        json!({"name": "w", "kind": "webhook", "config": {"url": receiver.url, "body": {"a": "{{titel}}"}}});
    org.post("/api/v1/notification-channels", wrong).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn a_test_of_pagerduty_closes_the_incident_that_it_opened() {
    let (_app, org, receiver) = app_and_org().await;
    let made = channel(&org, "pagerduty", json!({"routing_key": "R0UT1NGKEY"})).await;
    test(&org, &made).await.expect(200);
    let events: Vec<_> = receiver.received().iter().map(|request| request.json()).collect();
    assert_eq!(
        (&events[0]["event_action"], &events[1]["event_action"]),
        (&json!("trigger"), &json!("resolve"))
    );
    assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
    assert_eq!(events[0]["routing_key"], "R0UT1NGKEY");
}

#[tokio::test]
async fn a_test_tells_how_the_other_side_refused() {
    let (_app, org, receiver) = app_and_org().await;
    let made = channel(&org, "slack", json!({"url": receiver.url})).await;
    receiver.answer([403]);
    let refused = test(&org, &made).await;
    refused.expect_problem(422, "delivery_failed");
    assert!(refused.text.contains("403"), "{}", refused.text);
    test(&org, &made).await.expect(200);
    assert_eq!(receiver.received()[1].json()["attachments"][0]["blocks"][0]["type"], "header");
}

#[tokio::test]
async fn secrets_are_sealed_on_disk_and_survive_a_restart() {
    let (mut app, org, receiver) = app_and_org().await;
    let url = format!("{}?token=very-secret-part", receiver.url);
    let made = channel(&org, "slack", json!({"url": url})).await;
    let file = app.data("cordwood.db");
    if file.exists() {
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.extend(std::fs::read(app.data("cordwood.db-wal")).unwrap_or_default());
        let found = bytes.windows(16).any(|window| window == b"very-secret-part");
        assert!(!found, "the secret can be read in the database file");
    }
    app.crash_and_restart().await;
    let org = app.with_credential(&org.access_token);
    let path = format!("/api/v1/notification-channels/{}/test", made["id"].as_str().unwrap());
    org.post(&path, json!({})).await.expect(200);
    assert!(receiver.received()[0].head.contains("token=very-secret-part"));
    // a change of the name alone keeps the secret
    let path = format!("/api/v1/notification-channels/{}", made["id"].as_str().unwrap());
    let changed = org.patch(&path, json!({"name": "renamed"})).await.expect(200);
    assert_eq!(
        (&changed.body["name"], &changed.body["config"]["url_set"]),
        (&json!("renamed"), &json!(true))
    );
    org.post(&format!("{path}/test"), json!({})).await.expect(200);
}

#[tokio::test]
async fn nothing_goes_into_private_networks_unless_the_operator_allows_it() {
    let app = TestApp::spawn().await;
    let org = app.org("acme").await;
    for url in [
        "http://127.0.0.1:1/",
        "https://localhost/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://10.1.2.3/",
        "http://example.com/",
        "https://user:pass@example.com/",
        "ftp://example.com/",
    ] {
        let body = json!({"name": "w", "kind": "webhook", "config": {"url": url}});
        let refused = org.post("/api/v1/notification-channels", body).await;
        assert_eq!(refused.status, 422, "{url}: {}", refused.text);
        assert_eq!(refused.body["errors"][0]["field"], "config.url", "{url}");
    }
}

#[tokio::test]
async fn a_mute_link_that_is_not_ours_does_nothing() {
    let app = TestApp::spawn().await;
    for token in ["", "s1.AAAA", "nonsense"] {
        let answer = app.anonymous().post("/api/v1/mute-links", json!({"token": token, "hours": 1})).await;
        answer.expect_problem(422, "link_invalid");
    }
}

#[tokio::test]
async fn rules_are_taken_out_and_put_back_as_a_file() {
    let (app, org, receiver) = app_and_org().await;
    channel(&org, "slack", json!({"url": receiver.url})).await;
    let file = |threshold: u32| {
        format!(
            "rules:\n- name: a\n  query: level:error\n  condition: {{op: '>', threshold: {threshold}}}\n  channels: [a slack]\n\
             - name: b\n  query: level:warn\n  condition: {{op: '>', threshold: 1}}\n"
        )
    };
    let apply = async |text: String, dry: bool| {
        let path = format!("{}/api/v1/alert-rules/import?dry_run={dry}", app.url);
        let request = reqwest::Client::new().post(path).bearer_auth(&org.access_token).body(text);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(apply(file(5), true).await["created"], json!(["a", "b"]));
    assert_eq!(org.get("/api/v1/alert-rules").await.body["items"], json!([]), "a dry run makes nothing");
    assert_eq!(apply(file(5), false).await["created"], json!(["a", "b"]));
    assert_eq!(apply(file(5), false).await["unchanged"], json!(["a", "b"]));
    let changed = apply(file(6), false).await;
    assert_eq!((&changed["changed"], &changed["unchanged"]), (&json!(["a"]), &json!(["b"])));

    let exported = org.get("/api/v1/alert-rules/export").await.expect(200).text;
    assert!(exported.contains("threshold: 6") && exported.contains("- a slack"), "{exported}");
    assert_eq!(apply(exported, false).await["unchanged"], json!(["a", "b"]));

    let wrong = apply(file(7).replace("level:warn", "level:wran"), false).await;
    assert_eq!((&wrong["code"], &wrong["errors"][0]["field"]), (&json!("invalid"), &json!("rules[1].query")));
    let rules = org.get("/api/v1/alert-rules").await.body;
    let thresholds: Vec<_> =
        rules["items"].as_array().unwrap().iter().map(|rule| &rule["condition"]["threshold"]).collect();
    assert!(thresholds.contains(&&json!(6.0)), "one wrong rule and nothing is changed: {thresholds:?}");
}

#[tokio::test]
async fn what_is_changed_about_alerts_is_in_the_audit_log() {
    let (_app, org, receiver) = app_and_org().await;
    let hook = channel(&org, "webhook", json!({"url": receiver.url})).await;
    test(&org, &hook).await.expect(200);
    let rule = json!({"name": "5xx", "query": "level:error", "condition": {"op": ">", "threshold": 5}});
    let rule = org.post("/api/v1/alert-rules", rule).await.expect(201).body;
    let path = format!("/api/v1/alert-rules/{}", rule["id"].as_str().unwrap());
    org.patch(&path, json!({"condition": {"op": ">", "threshold": 9}})).await.expect(200);
    org.post(&format!("{path}/mute"), json!({"until": "now+1h"})).await.expect(200);
    let policy = json!({"routes": [{"severities": ["critical"], "channel_ids": [hook["id"]]}]});
    org.call(reqwest::Method::PUT, "/api/v1/notification-policy", Some(policy)).await.expect(200);
    let hook_path = format!("/api/v1/notification-channels/{}", hook["id"].as_str().unwrap());
    org.delete(&hook_path).await.expect_problem(409, "channel_in_use");
    org.call(reqwest::Method::PUT, "/api/v1/notification-policy", Some(json!({}))).await.expect(200);
    org.delete(&hook_path).await.expect(204);
    org.delete(&path).await.expect(204);

    let log = org.get("/api/v1/audit-log?limit=9").await.expect(200).body;
    let entries = log["items"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        [
            "alert_rule.deleted",
            "notification_channel.deleted",
            "notification_policy.changed",
            "notification_policy.changed",
            "alert_rule.muted",
            "alert_rule.changed",
            "alert_rule.created",
            "notification_channel.tested",
            "notification_channel.created",
        ]
    );
    assert_eq!(entries[5]["detail"]["condition"]["to"]["threshold"], 9.0, "{}", entries[5]);
    assert!(!log.to_string().contains(hook["config"]["secret"].as_str().unwrap()));
}
