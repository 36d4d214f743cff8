//! Saved searches: one's own, shared ones, favourites, and who may do what.

use crate::harness::TestApp;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/saved-searches";

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_search_is_kept_shared_changed_and_deleted() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let new = json!({
        "name": "5xx", "folder": "on call", "query": "http.status>=500", "columns": ["timestamp", "http.path"],
        "from": "now-1d", "to": "now", "project_id": acme.project_id, "favourite": true,
    });
    let mine = acme.post(PATH, new).await.expect(201).body;
    assert_eq!(
        (&mine["shared"], &mine["favourite"], &mine["editable"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert_eq!((&mine["columns"][1], &mine["from"]), (&json!("http.path"), &json!("now-1d")));
    let path = format!("{PATH}/{}", mine["id"].as_str().unwrap());

    let changed =
        acme.patch(&path, json!({"name": "server errors", "favourite": false})).await.expect(200).body;
    assert_eq!(
        (&changed["name"], &changed["query"], &changed["favourite"]),
        (&json!("server errors"), &new_query(), &json!(false))
    );
    for wrong in [json!({"query": "level:("}), json!({"name": " "}), json!({"from": "sometime"})] {
        assert_eq!(acme.patch(&path, wrong).await.status, 422);
    }
    let elsewhere = json!({"name": "x", "project_id": "0198c0de-0000-7000-8000-000000000000"});
    acme.post(PATH, elsewhere).await.expect_problem(404, "not_found");

    // A program of the organization sees shared ones only, and globex nothing at all.
    let key = acme.api_key(&["admin"]).await;
    let program = app.with_credential(key["secret"].as_str().unwrap());
    assert!(names(&program.get(PATH).await.expect(200).body).is_empty());
    program.get(&path).await.expect_problem(404, "not_found");
    program.post(PATH, json!({"name": "x", "query": "*"})).await.expect_problem(403, "person_needed");
    acme.patch(&path, json!({"shared": true})).await.expect(200);
    let seen = program.get(&path).await.expect(200).body;
    assert_eq!((&seen["created_by"], &seen["favourite"]), (&json!(acme.user_id), &json!(false)));
    let globex = app.org("globex").await;
    globex.get(&path).await.expect_problem(404, "not_found");
    globex.delete(&path).await.expect_problem(404, "not_found");
    assert!(names(&globex.get(PATH).await.expect(200).body).is_empty());

    program.post(PATH, json!({"name": "all", "query": "*", "shared": true})).await.expect(201);
    assert_eq!(names(&acme.get(PATH).await.expect(200).body), ["all", "server errors"]);
    let first = acme.get(&format!("{PATH}?limit=1")).await.expect(200).body;
    let next = format!("{PATH}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(names(&acme.get(&next).await.expect(200).body), ["server errors"]);
    acme.delete(&path).await.expect(204);
    acme.get(&path).await.expect_problem(404, "not_found");
}

fn new_query() -> Value {
    json!("http.status>=500")
}
