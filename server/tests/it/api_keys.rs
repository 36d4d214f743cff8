//! API keys.

use crate::harness::{TestApp, eventually};
use serde_json::json;

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
