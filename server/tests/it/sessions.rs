//! Logging in, going on, logging out.

use crate::harness::{Answer, Caller, Org, PASSWORD, TestApp};
use serde_json::{Value, json};

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

fn by_refresh_cookie(app: &TestApp, cookie: &str) -> Caller {
    app.anonymous().with_header("cookie", &format!("cw_rt={cookie}"))
}

async fn refresh(app: &TestApp, cookie: &str) -> Answer {
    by_refresh_cookie(app, cookie).post("/api/v1/auth/refresh", Value::Null).await
}

#[tokio::test]
async fn logging_in_opens_a_session_of_its_own() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let session = log_in(&app, "OWNER@acme.example", PASSWORD).await.expect(200);

    assert_eq!(session.body["organization"]["id"], acme.id.as_str());
    assert_ne!(session.body["access_token"], acme.access_token.as_str());
    let listed = acme.get("/api/v1/sessions").await.expect(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn logging_in_again_ends_the_session_that_this_browser_had() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let browser = app.anonymous().with_header("cookie", &format!("cw_rt={}", acme.refresh_cookie));
    let body = json!({"email": acme.email, "password": PASSWORD});

    let foreign = browser.with_header("origin", "https://evil.example");
    foreign.post("/api/v1/auth/login", body.clone()).await.expect_problem(403, "cross_site_request");
    let session = browser.post("/api/v1/auth/login", body).await.expect(200);

    acme.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
    let now = app.with_credential(session.body["access_token"].as_str().unwrap());
    assert_eq!(now.get("/api/v1/sessions").await.expect(200).body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let app = TestApp::spawn().await;
    app.org("acme").await;

    let unknown = log_in(&app, "nobody@acme.example", PASSWORD).await;
    let wrong = log_in(&app, "owner@acme.example", "another horse battery").await;

    unknown.expect_problem(401, "wrong_credentials");
    let without_id = |answer: Answer| {
        let mut body = answer.body;
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!(without_id(unknown), without_id(wrong));
}

#[tokio::test]
async fn guessing_is_limited_per_account_and_address() {
    let app = TestApp::spawn_with(&["--login-failures", "3"]).await;
    app.org("acme").await;
    app.org("globex").await;
    for _ in 0..3 {
        log_in(&app, "owner@acme.example", "another horse battery").await.expect(401);
    }

    let fourth = log_in(&app, "owner@acme.example", PASSWORD).await;

    fourth.expect_problem(429, "too_many_attempts");
    assert!(fourth.header("retry-after").parse::<u64>().unwrap() > 0);
    log_in(&app, "owner@globex.example", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn honest_logins_are_not_counted() {
    let app = TestApp::spawn_with(&["--login-failures", "1"]).await;
    app.org("acme").await;
    for _ in 0..15 {
        log_in(&app, "owner@acme.example", PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn a_refresh_goes_on_with_a_new_token() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let refreshed = refresh(&app, &acme.refresh_cookie).await.expect(200);

    let next = Org::of(&app, &refreshed);
    assert_ne!(next.refresh_cookie, acme.refresh_cookie);
    next.get("/api/v1/me").await.expect(200);
    refresh(&app, &next.refresh_cookie).await.expect(200);
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_get_the_same_successor() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let (first, second) =
        tokio::join!(refresh(&app, &acme.refresh_cookie), refresh(&app, &acme.refresh_cookie));

    let (first, second) = (first.expect(200), second.expect(200));
    assert_eq!(first.cookie("cw_rt").unwrap(), second.cookie("cw_rt").unwrap());
    refresh(&app, &first.cookie("cw_rt").unwrap()).await.expect(200);
}

#[tokio::test]
async fn an_old_refresh_token_ends_the_whole_session() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let second = Org::of(&app, &refresh(&app, &acme.refresh_cookie).await.expect(200));
    let third = Org::of(&app, &refresh(&app, &second.refresh_cookie).await.expect(200));
    third.get("/api/v1/me").await.expect(200);

    refresh(&app, &acme.refresh_cookie).await.expect_problem(401, "session_over");

    refresh(&app, &third.refresh_cookie).await.expect_problem(401, "session_over");
    third.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
}

#[tokio::test]
async fn rubbish_is_no_refresh_token() {
    let app = TestApp::spawn().await;
    refresh(&app, "rubbish").await.expect_problem(401, "session_over");
    refresh(&app, "").await.expect_problem(401, "session_over");
    app.anonymous().post("/api/v1/auth/refresh", Value::Null).await.expect_problem(401, "session_over");
}

#[tokio::test]
async fn after_logging_out_neither_token_works() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let out = acme.post("/api/v1/auth/logout", json!({})).await.expect(204);

    assert_eq!(out.cookie("cw_at").as_deref(), Some(""));
    assert_eq!(out.cookie("cw_rt").as_deref(), Some(""));
    acme.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
    refresh(&app, &acme.refresh_cookie).await.expect_problem(401, "session_over");
}

#[tokio::test]
async fn logging_out_works_with_the_refresh_cookie_alone() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    by_refresh_cookie(&app, &acme.refresh_cookie).post("/api/v1/auth/logout", Value::Null).await.expect(204);
    acme.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
    app.anonymous().post("/api/v1/auth/logout", Value::Null).await.expect(204);
}

#[tokio::test]
async fn one_session_can_end_another_of_the_same_user() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let other = Org::of(&app, &log_in(&app, &acme.email, PASSWORD).await.expect(200));
    let listed = acme.get("/api/v1/sessions").await.expect(200);
    let sessions = listed.body["items"].as_array().unwrap();
    let not_current = sessions.iter().find(|each| each["current"] == false).unwrap();

    let path = format!("/api/v1/sessions/{}", not_current["id"].as_str().unwrap());
    acme.delete(&path).await.expect(204);

    other.get("/api/v1/me").await.expect_problem(401, "credentials_invalid");
    acme.get("/api/v1/me").await.expect(200);
    acme.delete(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_cookie_works_for_our_own_pages_only() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let browser = app.anonymous().with_header("cookie", &format!("cw_at={}", acme.access_token));
    let change = json!({"name": "Renamed"});

    browser.get("/api/v1/me").await.expect(200);
    let own = browser.with_header("origin", &app.url).with_header("sec-fetch-site", "same-origin");
    own.patch("/api/v1/organization", change.clone()).await.expect(200);
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")]
    {
        let foreign = browser.with_header(name, value).patch("/api/v1/organization", change.clone()).await;
        foreign.expect_problem(403, "cross_site_request");
    }
    let foreign = by_refresh_cookie(&app, &acme.refresh_cookie).with_header("origin", "https://evil.example");
    foreign.post("/api/v1/auth/refresh", Value::Null).await.expect_problem(403, "cross_site_request");
}

#[tokio::test]
async fn cookies_are_secure_where_the_public_address_is() {
    let app = TestApp::spawn_with(&["--public-url", "https://logs.example"]).await;
    let body =
        json!({"email": "ann@acme.example", "password": PASSWORD, "name": "Ann", "organization": "Acme"});

    let answer = app.anonymous().post("/api/v1/auth/signup", body).await.expect(201);

    for value in answer.headers.get_all("set-cookie") {
        let text = value.to_str().unwrap();
        assert!(
            text.starts_with("__Host-cw_") && text.contains("Secure") && text.contains("HttpOnly"),
            "{text}"
        );
    }
    let mail = app.mails_about("ann@acme.example", "Confirm", 1).await.remove(0);
    assert!(mail.text.contains("https://logs.example/verify-email?token="));
}

#[tokio::test]
async fn the_eleventh_session_ends_the_oldest() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    for _ in 0..10 {
        log_in(&app, &acme.email, PASSWORD).await.expect(200);
    }
    refresh(&app, &acme.refresh_cookie).await.expect_problem(401, "session_over");
}
