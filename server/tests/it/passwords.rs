//! Forgotten and changed passwords.

use crate::harness::{Answer, Org, PASSWORD, TestApp, eventually};
use serde_json::json;

const NEW: &str = "another horse battery";

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

async fn forgot(app: &TestApp, email: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/forgot-password", json!({"email": email})).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/reset-password", json!({"token": token, "password": password})).await
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_mail_once_and_ends_all_sessions() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    forgot(&app, &acme.email).await.expect(202);
    let token = app.mails_about(&acme.email, "Reset", 1).await.remove(0).token();

    reset(&app, &token, "short").await.expect_problem(422, "invalid");
    reset(&app, &token, NEW).await.expect(204);

    acme.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
    log_in(&app, &acme.email, PASSWORD).await.expect_problem(401, "wrong_credentials");
    let session = log_in(&app, &acme.email, NEW).await.expect(200);
    assert_eq!(session.body["user"]["email_verified"], true, "who got the mail has the address");
    app.mails_about(&acme.email, "Your password was changed", 1).await;
    reset(&app, &token, PASSWORD).await.expect_problem(422, "link_invalid");
}

#[tokio::test]
async fn who_had_the_old_password_keeps_no_way_in() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let nobody = app.anonymous();
    let confirm = async |token: &str| nobody.post("/api/v1/auth/change-email", json!({"token": token})).await;
    let wish = json!({"email": "thief@evil.example", "password": PASSWORD});
    acme.post("/api/v1/me/email", wish).await.expect(202);
    let change = app.mails_about("thief@evil.example", "Confirm your new", 1).await.remove(0).token();
    let codes = nobody.post("/api/v1/auth/device", json!({"client_name": "x"})).await.expect(200).body;
    let answer = json!({"user_code": codes["user_code"], "approve": true});
    acme.post("/api/v1/auth/device/confirm", answer).await.expect(204);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let body = json!({"grant_type": grant, "device_code": codes["device_code"]});
    let token = nobody.post("/api/v1/auth/device/token", body).await.expect(200).body;
    let program = app.with_credential(token["access_token"].as_str().unwrap());
    program.get("/api/v1/projects").await.expect(200);

    forgot(&app, &acme.email).await.expect(202);
    let token = app.mails_about(&acme.email, "Reset", 1).await.remove(0).token();
    reset(&app, &token, NEW).await.expect(204);

    confirm(&change).await.expect_problem(422, "link_invalid");
    eventually("the key to end", async || {
        (program.get("/api/v1/projects").await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn asking_again_replaces_the_older_link() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    forgot(&app, &acme.email).await.expect(202);
    let older = app.mails_about(&acme.email, "Reset", 1).await.remove(0).token();
    forgot(&app, &acme.email).await.expect(202);
    let mails = app.mails_about(&acme.email, "Reset", 2).await;
    assert_ne!(mails[0].message_id, mails[1].message_id);
    let newer = mails.iter().map(|mail| mail.token()).find(|token| *token != older).unwrap();

    reset(&app, &older, NEW).await.expect_problem(422, "link_invalid");
    reset(&app, &newer, NEW).await.expect(204);
}

#[tokio::test]
async fn who_has_an_account_is_not_told() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let known = forgot(&app, &acme.email).await.expect(202);
    let unknown = forgot(&app, "nobody@acme.example").await.expect(202);
    let nonsense = forgot(&app, "nonsense").await.expect(202);
    assert_eq!(known.text, unknown.text);
    assert_eq!(known.text, nonsense.text);
    app.mails_about(&acme.email, "Reset", 1).await;
    assert!(app.mails().iter().all(|mail| mail.to == acme.email));
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_keeps_this_one() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let other = Org::of(&app, &log_in(&app, &acme.email, PASSWORD).await.expect(200));
    let wrong = json!({"current_password": "not it at all", "new_password": NEW});
    let refused = acme.patch("/api/v1/me", wrong).await;
    refused.expect_problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["field"], "current_password");
    acme.patch("/api/v1/me", json!({"new_password": NEW})).await.expect_problem(422, "invalid");

    acme.patch("/api/v1/me", json!({"current_password": PASSWORD, "new_password": NEW})).await.expect(200);

    acme.get("/api/v1/me").await.expect(200);
    other.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
    log_in(&app, &acme.email, NEW).await.expect(200);
    app.mails_about(&acme.email, "Your password was changed", 1).await;
}

#[tokio::test]
async fn a_name_can_be_changed_without_a_password() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let me = acme.patch("/api/v1/me", json!({"name": " Olivia "})).await.expect(200);
    assert_eq!(me.body["user"]["name"], "Olivia");
    acme.patch("/api/v1/me", json!({"email": "x@y.example"})).await.expect_problem(422, "invalid");
}
