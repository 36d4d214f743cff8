//! Starting, stopping, and starting again.

use crate::harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn sessions_and_keys_outlive_a_crash() {
    let mut app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let key = acme.api_key(&["admin"]).await;

    app.crash_and_restart().await;

    let still = app.with_credential(&acme.access_token).get("/api/v1/me").await.expect(200);
    assert_eq!(still.body["organization"]["name"], "acme");
    app.with_credential(key["secret"].as_str().unwrap()).get("/api/v1/projects").await.expect(200);
}

#[tokio::test]
async fn a_stop_is_a_success_and_what_was_done_is_there_afterwards() {
    let mut app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    acme.patch("/api/v1/organization", json!({"name": "Acme Inc."})).await.expect(200);

    assert!(app.stop().await.success());
    app.start_again().await;

    let organization = app.with_credential(&acme.access_token).get("/api/v1/organization").await.expect(200);
    assert_eq!(organization.body["name"], "Acme Inc.");
}

#[tokio::test]
async fn without_clickhouse_the_server_is_up_and_says_so() {
    let app = TestApp::spawn().await;
    app.anonymous().get("/healthz").await.expect(200);
    app.org("acme").await.get("/api/v1/me").await.expect(200);
    app.anonymous().get("/metrics").await.expect(200);
}
