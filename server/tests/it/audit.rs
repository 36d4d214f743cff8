//! The audit log.

use crate::harness::{Answer, Org, PASSWORD, TestApp};
use serde_json::{Value, json};

async fn entries(org: &Org, query: &str) -> Vec<Value> {
    let answer = org.get(&format!("/api/v1/audit-log?q={query}")).await.expect(200);
    answer.body["items"].as_array().unwrap().clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

async fn wrong_login(app: &TestApp, email: &str) -> Answer {
    let body = json!({"email": email, "password": "another horse battery"});
    app.anonymous().post("/api/v1/auth/login", body).await.expect(401)
}

#[tokio::test]
async fn who_did_what_is_there_newest_first() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let bob = acme.member(&app, "bob", "admin").await;
    let staging = bob.post("/api/v1/projects", json!({"name": "staging"})).await.expect(201).body;

    let all = entries(&acme, "").await;

    let told = ["project.created", "invitation.accepted", "invitation.sent", "organization.created"];
    assert_eq!(actions(&all), told);
    assert_eq!(all[0]["actor"], json!({"kind": "person", "id": bob.user_id, "name": "bob@acme.example"}));
    assert_eq!((&all[0]["target"], &all[0]["target_id"]), (&json!("staging"), &staging["id"]));
    assert_eq!((&all[0]["detail"]["retention_days"], &all[0]["address"]), (&json!(30), &json!("127.0.0.1")));
    assert_eq!(all[0]["previous_hash"], all[1]["hash"]);
    let check = acme.get("/api/v1/audit-log/check").await.expect(200).body;
    assert_eq!((&check["intact"], &check["entries"]), (&json!(true), &json!(4)));
    assert_eq!(check["newest_hash"], all[0]["hash"]);
    assert!(entries(&app.org("globex").await, "staging").await.is_empty());
}

#[tokio::test]
async fn logins_good_and_bad_are_there() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    wrong_login(&app, &acme.email).await;
    wrong_login(&app, "nobody@acme.example").await;
    let body = json!({"email": acme.email, "password": PASSWORD});
    app.anonymous().post("/api/v1/auth/login", body).await.expect(200);
    acme.post("/api/v1/auth/logout", json!({})).await.expect(204);

    let again = json!({"email": acme.email, "password": PASSWORD});
    let session = app.anonymous().post("/api/v1/auth/login", again).await.expect(200);
    let owner = Org::of(&app, &session);

    let told = entries(&owner, "action:session.*").await;
    assert_eq!(
        actions(&told),
        ["session.opened", "session.ended", "session.opened", "session.refused"],
        "{told:?}"
    );
    assert_eq!(told[3]["actor"]["kind"], "system");
}

#[tokio::test]
async fn it_is_searched_in_the_query_language() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    for (name, days) in [("staging", 7), ("production", 90)] {
        let body = json!({"name": name, "retention_days": days});
        acme.post("/api/v1/projects", body).await.expect(201);
    }
    let count = async |query: &str| entries(&acme, query).await.len();

    assert_eq!(count("action:project.created%20retention_days:>30").await, 1);
    assert_eq!(count("staging").await, 1);
    assert_eq!(count("actor:owner@acme.example%20NOT%20target:staging").await, 2);
    assert_eq!(count("action:project.created%20OR%20action:organization.created").await, 3);
    let broken = acme.get("/api/v1/audit-log?q=action:%28").await;
    broken.expect_problem(422, "query_invalid");
    let stage = acme.get("/api/v1/audit-log?q=*%20%7C%20stats%20count()").await;
    stage.expect_problem(422, "query_invalid");
    assert_eq!(acme.get("/api/v1/audit-log?to=now-1h").await.expect(200).body["items"], json!([]));
}

#[tokio::test]
async fn it_is_paged_and_taken_away_as_a_file() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    for number in 0..4 {
        acme.post("/api/v1/projects", json!({"name": format!("p{number}")})).await.expect(201);
    }

    let (mut sequences, mut path) = (Vec::new(), "/api/v1/audit-log?limit=2".to_owned());
    loop {
        let page = acme.get(&path).await.expect(200).body;
        sequences
            .extend(page["items"].as_array().unwrap().iter().map(|each| each["sequence"].as_i64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/audit-log?limit=2&cursor={cursor}");
    }
    assert_eq!(sequences, [5, 4, 3, 2, 1]);

    let file = acme.get("/api/v1/audit-log/export?q=action:project.created").await.expect(200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    assert_eq!(file.text.lines().count(), 4);
    assert_eq!(actions(&entries(&acme, "action:audit_log.exported").await), ["audit_log.exported"]);
    acme.get("/api/v1/audit-log?limit=0").await.expect_problem(422, "invalid");
    acme.get("/api/v1/audit-log?cursor=x").await.expect_problem(422, "cursor_invalid");
}
