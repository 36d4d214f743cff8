//! Usage, quotas and the health of ingest over HTTP.

use crate::harness::{TestApp, eventually};
use serde_json::json;

#[tokio::test]
async fn a_quota_warns_its_admins_once_by_mail_and_then_refuses() {
    let app = TestApp::spawn_with(&["--quota-daily-events", "10"]).await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let send = async |count: u32| {
        let events: Vec<_> = (0..count).map(|number| json!({"message": format!("event {number}")})).collect();
        acme.post("/api/v1/logs/ingest", json!(events)).await
    };
    send(8).await.expect(202);
    app.mails_about(&acme.email, "80 %", 1).await;
    send(2).await.expect(202);
    let used = app.mails_about(&acme.email, "all of today", 1).await.remove(0);
    assert!(used.text.contains("10 events a day") && used.text.contains("/usage"), "{}", used.text);

    let refused = send(1).await;

    refused.expect_problem(429, "daily_quota_reached");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    globex.post("/api/v1/logs/ingest", json!({"message": "not mine"})).await.expect(202);
    let usage = acme.get("/api/v1/usage").await.expect(200).body;
    assert_eq!((&usage["quota"]["daily_events"], &usage["quota"]["events_today"]), (&json!(10), &json!(10)));
    let warnings = app.mails().iter().filter(|mail| mail.subject.contains("log quota")).count();
    assert_eq!(warnings, 2);
    let health = eventually("the refusal", async || {
        let health = acme.get("/api/v1/ingest/health").await.expect(200).body;
        (!health["refusals"].as_array().unwrap().is_empty()).then_some(health)
    })
    .await;
    assert_eq!(
        (&health["refusals"][0]["code"], &health["refusals"][0]["kind"]),
        (&json!("daily_quota_reached"), &json!("request"))
    );
    assert!(
        globex.get("/api/v1/ingest/health").await.expect(200).body["refusals"].as_array().unwrap().is_empty()
    );
}

#[tokio::test]
async fn usage_is_asked_for_by_dates() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let usage = acme.get("/api/v1/usage?from=2026-03-01&to=2026-03-31").await.expect(200).body;

    assert_eq!(
        (&usage["from"], &usage["to"], &usage["days"]),
        (&json!("2026-03-01"), &json!("2026-03-31"), &json!([]))
    );
    assert_eq!(usage["quota"]["daily_bytes"], json!(null));
    acme.get("/api/v1/usage?from=soon").await.expect_problem(422, "invalid");
}
