//! What the operator allows an organization, set beside a running server.

use crate::admin::{admin, said};
use crate::harness::{Answer, Org, PASSWORD, TestApp, eventually};
use serde_json::{Value, json};

async fn set_plan(app: &TestApp, slug: &str, limits: &[&str]) -> String {
    said(&admin(app, &[&["set-plan", slug], limits].concat()).await)
}

async fn project(org: &Org, body: Value) -> Answer {
    org.post("/api/v1/projects", body).await
}

async fn invite(org: &Org, name: &str) -> Answer {
    let email = org.email.replacen("owner@", &format!("{name}@"), 1);
    org.post("/api/v1/invitations", json!({"email": email, "role": "viewer"})).await
}

async fn accept(app: &TestApp, email: &str) -> Answer {
    let token = app.mails_about(email, "invited you", 1).await.remove(0).token();
    let body = json!({"token": token, "name": "New", "password": PASSWORD});
    app.anonymous().post("/api/v1/invitations/accept", body).await
}

#[tokio::test]
async fn a_plan_is_printed_listed_audited_and_refused_when_it_makes_no_sense() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    assert_eq!(
        set_plan(&app, "acme", &[]).await.trim(),
        "daily-events=default\ndaily-bytes=default\nretention-days=default\nmembers=default"
    );

    set_plan(&app, "acme", &["daily-events=1000", "members=5"]).await;
    let printed = set_plan(&app, "acme", &["daily-events=default", "daily-bytes=none"]).await;

    assert_eq!(
        printed.trim(),
        "daily-events=default\ndaily-bytes=none\nretention-days=default\nmembers=5",
        "what is not named stays"
    );
    let listed = said(&admin(&app, &["organizations"]).await);
    assert!(listed.lines().any(|line| line.contains("\tdefault\tnone\tdefault\t5\tacme")), "{listed}");
    let log = acme.get("/api/v1/audit-log?q=action:organization.plan_set").await.expect(200).body;
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "printing is not noted: {log}");
    assert_eq!(log["items"][0]["actor"]["kind"], "system");
    for wrong in [["acme", "daily-events=0"], ["acme", "events=5"], ["globex", "members=5"]] {
        let refused = admin(&app, &[&["set-plan"][..], &wrong].concat()).await;
        assert!(!refused.status.success(), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_running_server_holds_an_organization_to_the_events_of_its_plan() {
    let app = TestApp::spawn_with(&["--quota-daily-events", "1000000"]).await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let send =
        async |org: &Org| org.post("/api/v1/logs/ingest", json!([{"message": "a"}, {"message": "b"}])).await;
    send(&acme).await.expect(202);

    set_plan(&app, "acme", &["daily-events=2"]).await;

    let refused = eventually("the server to notice", async || {
        Some(send(&acme).await).filter(|answer| answer.status == 429)
    })
    .await;
    refused.expect_problem(429, "daily_quota_reached");
    assert!(refused.text.contains("its 2 events"), "{}", refused.text);
    send(&globex).await.expect(202);
    let warned = app.mails_about(&acme.email, "all of today", 1).await.remove(0);
    assert!(warned.text.contains("2 events a day"), "{}", warned.text);
    let quota = acme.get("/api/v1/usage").await.expect(200).body["quota"].clone();
    assert_eq!((&quota["daily_events"], &quota["daily_bytes"]), (&json!(2), &json!(null)));
    let quota = globex.get("/api/v1/usage").await.expect(200).body["quota"].clone();
    assert_eq!(quota["daily_events"], 1_000_000);
    set_plan(&app, "acme", &["daily-events=none"]).await;
    eventually("the server to notice again", async || send(&acme).await.ok()).await;
}

#[tokio::test]
async fn a_plan_limits_retention_from_then_on_and_leaves_what_is_there() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let long = project(&acme, json!({"name": "long", "retention_days": 90})).await.expect(201).body;
    let path = format!("/api/v1/projects/{}", long["id"].as_str().unwrap());

    set_plan(&app, "acme", &["retention-days=14"]).await;

    let refused = project(&acme, json!({"name": "other", "retention_days": 30})).await;
    refused.expect_problem(422, "invalid");
    let problem = &refused.body["errors"][0];
    assert_eq!((&problem["field"], &problem["code"]), (&json!("retention_days"), &json!("over_plan")));
    let told = problem["detail"].as_str().unwrap();
    assert!(told.contains("1, 3, 7, 14 days") && told.contains("operator"), "{told}");
    let short = project(&acme, json!({"name": "short"})).await.expect(201).body;
    assert_eq!(short["retention_days"], 14, "the longest that is allowed");

    let kept = acme.patch(&path, json!({"name": "older", "retention_days": 90})).await.expect(200).body;
    assert_eq!((&kept["name"], &kept["retention_days"]), (&json!("older"), &json!(90)));
    acme.patch(&path, json!({"retention_days": 180})).await.expect_problem(422, "invalid");
    acme.patch(&path, json!({"retention_days": 7})).await.expect(200);
    acme.patch(&path, json!({"retention_days": 90})).await.expect_problem(422, "invalid");
    assert_eq!(acme.get("/api/v1/usage").await.expect(200).body["quota"]["retention_days"], 14);
    set_plan(&app, "acme", &["retention-days=none"]).await;
    acme.patch(&path, json!({"retention_days": 90})).await.expect(200);
}

#[tokio::test]
async fn invitations_count_as_members_until_somebody_joins() {
    let app = TestApp::spawn_with(&["--quota-members", "2"]).await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    set_plan(&app, "globex", &["members=none"]).await;
    let bob = invite(&acme, "bob").await.expect(201).body;
    let again = format!("/api/v1/invitations/{}/resend", bob["id"].as_str().unwrap());

    acme.post(&again, json!({})).await.expect(204);
    let refused = invite(&acme, "cid").await;

    refused.expect_problem(409, "members_limit_reached");
    assert!(
        refused.text.contains("room for 2 members") && refused.text.contains("operator"),
        "{}",
        refused.text
    );
    for name in ["bob", "cid", "dan"] {
        invite(&globex, name).await.expect(201);
    }
    acme.delete(&format!("/api/v1/invitations/{}", bob["id"].as_str().unwrap())).await.expect(204);
    invite(&acme, "cid").await.expect(201);
    accept(&app, "cid@acme.example").await.expect(201);
    let quota = acme.get("/api/v1/usage").await.expect(200).body["quota"].clone();
    assert_eq!((&quota["members"], &quota["members_used"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn who_was_invited_joins_when_there_is_room() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    invite(&acme, "bob").await.expect(201);
    let known = json!({"email": globex.email, "role": "viewer"});
    acme.post("/api/v1/invitations", known).await.expect(201);
    let invitations = acme.get("/api/v1/invitations").await.expect(200).body;
    let again = format!("/api/v1/invitations/{}/resend", invitations["items"][1]["id"].as_str().unwrap());
    set_plan(&app, "acme", &["members=1"]).await;

    acme.post(&again, json!({})).await.expect_problem(409, "members_limit_reached");
    let refused = accept(&app, "bob@acme.example").await;

    refused.expect_problem(409, "members_limit_reached");
    assert!(refused.text.contains("Ask who invited you"), "{}", refused.text);
    let token = app.mails_about(&globex.email, "invited you", 1).await.remove(0).token();
    let signed_in = globex.post("/api/v1/invitations/accept", json!({"token": token})).await;
    signed_in.expect_problem(409, "members_limit_reached");
    set_plan(&app, "acme", &["members=2"]).await;
    accept(&app, "bob@acme.example").await.expect(201);
    globex
        .post("/api/v1/invitations/accept", json!({"token": token}))
        .await
        .expect_problem(409, "members_limit_reached");
}
