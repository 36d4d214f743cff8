//! Marks over the histogram, and the fields that a project's people see first.

use crate::harness::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/annotations";

fn titles(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_recorded_is_seen_in_its_range_and_project() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let of = |from: &str, to: &str| format!("{PATH}?project_id={}&from={from}&to={to}", acme.project_id);
    let deployed = json!({"title": "v42", "kind": "deployment", "at": "2026-03-10T10:00:00Z", "project_id": acme.project_id});
    let deployed = acme.post(PATH, deployed).await.expect(201).body;
    assert_eq!((&deployed["kind"], &deployed["editable"]), (&json!("deployment"), &json!(true)));
    let noted = json!({"title": "line cut", "at": "2026-03-10T10:30:00Z"});
    acme.post(PATH, noted).await.expect(201);

    let whole = of("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z");
    let day = acme.get(&whole).await.expect(200).body;
    assert_eq!(titles(&day), ["line cut", "v42"]);
    let before = acme.get(&of("2026-03-10T00:00:00Z", "2026-03-10T10:00:00Z")).await.expect(200).body;
    assert!(titles(&before).is_empty(), "the end is excluded: {before}");

    let viewer = acme.member(&app, "viewer", "viewer").await;
    let seen = viewer.get(&whole).await.expect(200).body;
    assert_eq!(seen["items"][0]["editable"], json!(false));
    let key = acme.api_key(&["admin"]).await;
    let pipeline = app.with_credential(key["secret"].as_str().unwrap());
    pipeline.post(PATH, json!({"title": "v43", "kind": "deployment"})).await.expect(201);

    let path = format!("{PATH}/{}", deployed["id"].as_str().unwrap());
    let globex = app.org("globex").await;
    globex.delete(&path).await.expect_problem(404, "not_found");
    globex.get(&whole).await.expect_problem(404, "not_found");
    let into_acme = json!({"title": "x", "project_id": acme.project_id});
    globex.post(PATH, into_acme).await.expect_problem(404, "not_found");
    acme.delete(&path).await.expect(204);
    assert_eq!(titles(&acme.get(&whole).await.expect(200).body), ["line cut"]);
    for wrong in
        [json!({"title": " "}), json!({"title": "x", "kind": "alert"}), json!({"title": "x", "at": "soon"})]
    {
        assert_eq!(acme.post(PATH, wrong).await.status, 422);
    }
}

#[tokio::test]
async fn a_projects_pinned_fields_are_everybodys() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let path = format!("/api/v1/projects/{}/pinned-fields", acme.project_id);
    assert_eq!(acme.get(&path).await.expect(200).body, json!({"fields": []}));
    let twice = json!({"fields": ["http.status", "host", "http.status"]});
    let kept = acme.call(Method::PUT, &path, Some(twice)).await.expect(200).body;
    assert_eq!(kept, json!({"fields": ["http.status", "host"]}));
    acme.call(Method::PUT, &path, Some(json!({"fields": ["host"]}))).await.expect(200);
    let viewer = acme.member(&app, "viewer", "viewer").await;
    assert_eq!(viewer.get(&path).await.expect(200).body, json!({"fields": ["host"]}));
    viewer.call(Method::PUT, &path, Some(json!({"fields": []}))).await.expect_problem(403, "role_too_small");
    assert_eq!(acme.call(Method::PUT, &path, Some(json!({"fields": [""]}))).await.status, 422);
    app.org("globex").await.get(&path).await.expect_problem(404, "not_found");
}
