//! The organization, its members and projects.

use crate::harness::{PASSWORD, TestApp};
use serde_json::json;

#[tokio::test]
async fn an_organization_can_be_renamed() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let renamed = acme.patch("/api/v1/organization", json!({"name": "Acme Inc."})).await.expect(200);
    assert_eq!(renamed.body["name"], "Acme Inc.");
    assert_eq!(renamed.body["slug"], "acme");
    acme.patch("/api/v1/organization", json!({"name": ""})).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let listed = acme.get("/api/v1/members").await.expect(200);
    assert_eq!(listed.body["items"][0]["email"], acme.email.as_str());
    assert_eq!(listed.body["items"][0]["role"], "owner");
    let path = format!("/api/v1/members/{}", acme.user_id);

    acme.patch(&path, json!({"role": "viewer"})).await.expect_problem(409, "last_owner");
    acme.delete(&path).await.expect_problem(409, "last_owner");

    acme.patch(&path, json!({"role": "owner"})).await.expect(200);
    acme.patch(&path, json!({"role": "king"})).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn projects_are_made_renamed_and_kept_for_an_offered_time() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let staging = acme.post("/api/v1/projects", json!({"name": "staging"})).await.expect(201).body;
    assert_eq!(staging["retention_days"], 30);
    let path = format!("/api/v1/projects/{}", staging["id"].as_str().unwrap());
    let changed = acme.patch(&path, json!({"name": "stage", "retention_days": 7})).await.expect(200).body;

    assert_eq!(changed, json!({"id": staging["id"], "name": "stage", "retention_days": 7}));
    assert_eq!(acme.get(&path).await.expect(200).body, changed);
    let listed = acme.get("/api/v1/projects").await.expect(200).body;
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["default", "stage"]);
    acme.post("/api/v1/projects", json!({"name": "stage"})).await.expect_problem(409, "project_name_taken");
    acme.patch(&path, json!({"name": "default"})).await.expect_problem(409, "project_name_taken");
    acme.patch(&path, json!({"retention_days": 8})).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn a_project_that_is_none_is_absent() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    acme.get("/api/v1/projects/not-an-id").await.expect_problem(404, "not_found");
    acme.get("/api/v1/projects/01890a5d-ac96-774b-bcce-b302099a8057").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_organization_is_handed_over_with_the_password() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let bea = acme.member(&app, "bea", "editor").await;
    let hand_over = |to: &str, password: &str| json!({"user_id": to, "password": password});
    let path = "/api/v1/organization/transfer";
    acme.post(path, hand_over(&bea.user_id, "wrong")).await.expect_problem(422, "invalid");
    acme.post(path, hand_over(&acme.user_id, PASSWORD)).await.expect_problem(409, "already_owner");
    bea.post(path, hand_over(&bea.user_id, PASSWORD)).await.expect_problem(403, "role_too_small");

    let made = acme.post(path, hand_over(&bea.user_id, PASSWORD)).await.expect(200).body;

    assert_eq!((made["email"].as_str(), made["role"].as_str()), (Some("bea@acme.example"), Some("owner")));
    assert_eq!(acme.get("/api/v1/me").await.expect(200).body["role"], "admin");
    acme.post(path, hand_over(&bea.user_id, PASSWORD)).await.expect_problem(403, "role_too_small");
    let log = bea.get("/api/v1/audit-log?q=action:organization.transferred").await.expect(200).body;
    assert_eq!(log["items"][0]["actor"]["id"], acme.user_id.as_str());
}
