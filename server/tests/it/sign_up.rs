//! Signing up and confirming the address.

use crate::harness::{PASSWORD, TestApp};
use serde_json::{Value, json};

fn signup(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Ann", "organization": "Acme & Co"})
}

#[tokio::test]
async fn who_signs_up_owns_an_organization_with_a_first_project() {
    let app = TestApp::spawn().await;

    let answer = app.anonymous().post("/api/v1/auth/signup", signup("Ann@Acme.Example")).await.expect(201);

    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["role"], "owner");
    assert_eq!(answer.body["user"]["email"], "ann@acme.example");
    assert_eq!(answer.body["organization"]["slug"], "acme-co");
    assert_eq!(answer.body["projects"][0]["name"], "default");
    assert_eq!(answer.body["projects"][0]["retention_days"], 30);
    let token = answer.body["access_token"].as_str().unwrap();
    let me = app.with_credential(token).get("/api/v1/me").await.expect(200);
    assert_eq!(me.body["organization"], answer.body["organization"]);
    assert_eq!(me.body["projects"], answer.body["projects"]);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn two_organizations_may_have_the_same_name() {
    let app = TestApp::spawn().await;
    let first = app.anonymous().post("/api/v1/auth/signup", signup("ann@acme.example")).await.expect(201);
    let second = app.anonymous().post("/api/v1/auth/signup", signup("bob@acme.example")).await.expect(201);
    assert_ne!(first.body["organization"]["slug"], second.body["organization"]["slug"]);
}

#[tokio::test]
async fn an_address_signs_up_once_in_whatever_case() {
    let app = TestApp::spawn().await;
    app.anonymous().post("/api/v1/auth/signup", signup("ann@acme.example")).await.expect(201);

    let again = app.anonymous().post("/api/v1/auth/signup", signup("ANN@acme.example")).await;

    again.expect_problem(409, "email_taken");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::spawn().await;
    let body = json!({"email": "nobody", "password": "short", "name": "", "organization": "two\nlines"});

    let answer = app.anonymous().post("/api/v1/auth/signup", body).await;

    answer.expect_problem(422, "invalid");
    let fields: Vec<&str> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["email", "name", "organization", "password"]);
}

#[tokio::test]
async fn a_body_that_is_not_as_described_is_refused_with_the_reason() {
    let app = TestApp::spawn().await;
    let mut extra = signup("ann@acme.example");
    extra["role"] = json!("owner");
    app.anonymous().post("/api/v1/auth/signup", extra).await.expect_problem(422, "invalid");
    app.anonymous().post("/api/v1/auth/signup", json!([])).await.expect_problem(422, "invalid");
    app.anonymous().get("/api/v1/auth/signup").await.expect_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn the_mailed_link_confirms_the_address_once() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let me = acme.get("/api/v1/me").await.expect(200);
    assert_eq!(me.body["user"]["email_verified"], false);

    let mail = app.mails_about(&acme.email, "Confirm", 1).await.remove(0);
    assert!(mail.text.contains(&format!("{}/verify-email?token=", app.url)));
    assert!(mail.html.contains(&mail.token()));
    app.anonymous().post("/api/v1/auth/verify-email", json!({"token": mail.token()})).await.expect(204);

    let me = acme.get("/api/v1/me").await.expect(200);
    assert_eq!(me.body["user"]["email_verified"], true);
    let again = app.anonymous().post("/api/v1/auth/verify-email", json!({"token": mail.token()})).await;
    again.expect_problem(422, "link_invalid");
    let reset = json!({"token": mail.token(), "password": PASSWORD});
    app.anonymous().post("/api/v1/auth/reset-password", reset).await.expect_problem(422, "link_invalid");
}

#[tokio::test]
async fn sign_ups_from_one_address_are_limited() {
    let app = TestApp::spawn_with(&["--signup-per-hour", "2"]).await;
    for number in 0..2 {
        let email = format!("user{number}@acme.example");
        app.anonymous().post("/api/v1/auth/signup", signup(&email)).await.expect(201);
    }

    let third = app.anonymous().post("/api/v1/auth/signup", signup("user3@acme.example")).await;

    third.expect_problem(429, "too_many_attempts");
    assert!(third.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn an_operator_can_close_signing_up() {
    let app = TestApp::spawn_with(&["--signup-open", "false"]).await;
    let answer = app.anonymous().post("/api/v1/auth/signup", signup("ann@acme.example")).await;
    answer.expect_problem(403, "signup_closed");
}
