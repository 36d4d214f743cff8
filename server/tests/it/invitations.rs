//! Joining an organization by a mailed link.

use crate::harness::{Org, PASSWORD, TestApp};
use serde_json::{Value, json};

async fn invite(org: &Org, email: &str, role: &str) -> Value {
    org.post("/api/v1/invitations", json!({"email": email, "role": role})).await.expect(201).body
}

async fn token_for(app: &TestApp, email: &str, count: usize) -> String {
    app.mails_about(email, "invited you", count).await.pop().unwrap().token()
}

#[tokio::test]
async fn somebody_new_joins_with_a_name_and_a_password() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let invited = invite(&acme, "Bob@acme.example", "editor").await;
    assert_eq!((&invited["email"], &invited["role"]), (&json!("bob@acme.example"), &json!("editor")));
    assert_eq!(invited["invited_by"], "Olive Owner");
    let token = token_for(&app, "bob@acme.example", 1).await;

    let seen = app.anonymous().post("/api/v1/invitations/look-up", json!({"token": token})).await.expect(200);
    assert_eq!((&seen.body["organization"], &seen.body["has_account"]), (&json!("acme"), &json!(false)));
    let weak = json!({"token": token, "name": "", "password": "short"});
    app.anonymous().post("/api/v1/invitations/accept", weak).await.expect_problem(422, "invalid");
    let accept = json!({"token": token, "name": "Bob", "password": PASSWORD});
    let joined = app.anonymous().post("/api/v1/invitations/accept", accept.clone()).await.expect(201);

    assert_eq!(
        (&joined.body["role"], &joined.body["organization"]["id"]),
        (&json!("editor"), &json!(acme.id))
    );
    assert_eq!(joined.body["user"]["email_verified"], true);
    let bob = Org::of(&app, &joined);
    bob.get("/api/v1/me").await.expect(200);
    assert_eq!(acme.get("/api/v1/invitations").await.expect(200).body["items"], json!([]));
    assert_eq!(acme.get("/api/v1/members").await.expect(200).body["items"].as_array().unwrap().len(), 2);
    app.anonymous().post("/api/v1/invitations/accept", accept).await.expect_problem(422, "link_invalid");
}

#[tokio::test]
async fn somebody_with_an_account_joins_signed_in_or_by_password_but_not_by_the_link_alone() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    invite(&acme, &globex.email, "viewer").await;
    let token = token_for(&app, &globex.email, 1).await;
    let accept = |more: Value| {
        let mut body = json!({"token": token});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };

    let alone = app.anonymous().post("/api/v1/invitations/accept", accept(json!({"name": "X"}))).await;
    alone.expect_problem(401, "login_needed");
    acme.post("/api/v1/invitations/accept", accept(json!({}))).await.expect_problem(401, "login_needed");
    let wrong = accept(json!({"password": "another horse battery"}));
    app.anonymous().post("/api/v1/invitations/accept", wrong).await.expect_problem(401, "wrong_credentials");
    let joined = globex.post("/api/v1/invitations/accept", accept(json!({}))).await.expect(200);

    assert_eq!(
        (&joined.body["role"], &joined.body["organization"]["id"]),
        (&json!("viewer"), &json!(acme.id))
    );
    let me = app.with_credential(joined.body["access_token"].as_str().unwrap()).get("/api/v1/me").await;
    assert_eq!(me.expect(200).body["organizations"].as_array().unwrap().len(), 2);

    invite(&globex, &acme.email, "viewer").await;
    let body = json!({"token": token_for(&app, &acme.email, 1).await, "password": PASSWORD});
    app.anonymous().post("/api/v1/invitations/accept", body).await.expect(200);
}

#[tokio::test]
async fn a_withdrawn_or_replaced_link_does_not_work() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let id = invite(&acme, "bob@acme.example", "viewer").await["id"].as_str().unwrap().to_owned();
    let first = token_for(&app, "bob@acme.example", 1).await;

    acme.post(&format!("/api/v1/invitations/{id}/resend"), json!({})).await.expect(204);
    let second = token_for(&app, "bob@acme.example", 2).await;
    let look_up = async |token: &str| {
        app.anonymous().post("/api/v1/invitations/look-up", json!({"token": token})).await
    };
    look_up(&first).await.expect_problem(422, "link_invalid");
    look_up(&second).await.expect(200);

    acme.delete(&format!("/api/v1/invitations/{id}")).await.expect(204);
    look_up(&second).await.expect_problem(422, "link_invalid");
    acme.delete(&format!("/api/v1/invitations/{id}")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn nobody_is_invited_twice_or_above_the_one_who_invites() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let admin = acme.member(&app, "adam", "admin").await;
    let ask = async |by: &Org, email: &str, role: &str| {
        by.post("/api/v1/invitations", json!({"email": email, "role": role})).await
    };
    ask(&admin, "bob@acme.example", "owner").await.expect_problem(403, "role_too_small");
    ask(&admin, "bob@acme.example", "admin").await.expect(201);
    ask(&admin, "bob@acme.example", "viewer").await.expect_problem(409, "already_invited");
    ask(&admin, &acme.email, "viewer").await.expect_problem(409, "already_member");
    ask(&admin, "no address", "viewer").await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn an_organization_mails_a_limited_number_of_invitations() {
    let app = TestApp::spawn_with(&["--invitations-per-hour", "2"]).await;
    let acme = app.org("acme").await;
    for name in ["ann", "bob"] {
        invite(&acme, &format!("{name}@acme.example"), "viewer").await;
    }
    let third = json!({"email": "cy@acme.example", "role": "viewer"});
    acme.post("/api/v1/invitations", third).await.expect_problem(429, "too_many_attempts");
}
