//! The audit log.

use crate::harness::logs::LogApp;
use crate::harness::{Answer, Org, PASSWORD, TestApp, eventually};
use cordwood_server::route_table::{Access, ROUTES};
use reqwest::Method;
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

/// What is asked of a route that reads logs, and the kind of the entry that it leaves; nothing for one that shows none.
fn reading(path: &str, id: &str) -> Option<(String, Value, &'static str)> {
    let body = json!({"query": "paid", "from": "now-1h", "to": "now+1m", "field": "source"});
    let with = |name: &str, value: Value| {
        let mut body = json!({"query": "paid", "from": "now-1h", "to": "now+1m"});
        body[name] = value;
        body
    };
    let asked = match path {
        "/api/v1/logs/search" => ("?query=paid&from=now-1h", body, "search"),
        "/api/v1/logs/search/stream" => ("", with("query", json!("paid source:shop")), "search"),
        "/api/v1/logs/histogram" => ("", body, "histogram"),
        "/api/v1/logs/fields" => ("", body, "fields"),
        "/api/v1/logs/field-values" => ("", body, "field-values"),
        "/api/v1/logs/patterns" => ("", body, "patterns"),
        "/api/v1/logs/difference" => ("", with("baseline", json!({"query": "*"})), "difference"),
        "/api/v1/logs/export" => ("", with("format", json!("ndjson")), "export"),
        "/api/v1/logs/{id}" => ("", body, "event"),
        "/api/v1/logs/{id}/context" => ("", body, "context"),
        "/api/v1/logs/tail" => ("?query=paid", body, "tail"),
        "/api/v1/query/check" | "/api/v1/query/translate" => return None,
        other => panic!("say what {other} leaves in the audit log"),
    };
    let (address, body, kind) = asked;
    Some((format!("{}{address}", path.replace("{id}", id)), body, kind))
}

#[tokio::test]
async fn every_way_to_read_logs_leaves_a_trace() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    acme.send(&[json!({"message": "paid 5", "source": "shop"}), json!({"message": "paid 7"})]).await;
    let id = acme.search("paid").await["rows"][0]["id"].as_str().unwrap().to_owned();
    let key = acme.api_key(&["query"]).await;
    let reader = logs.app.with_credential(key["secret"].as_str().unwrap());

    let mut kinds = vec!["dead-letters", "alert-preview"];
    acme.get("/api/v1/dead-letters?query=paid").await.expect(200);
    let rule = json!({"name": "n", "query": "paid", "condition": {"op": ">", "threshold": 1}});
    acme.post("/api/v1/alert-rules/preview", rule).await.expect(200);
    for (method, path, access) in ROUTES {
        if !matches!(access, Access::Read) {
            continue;
        }
        let Some((path, body, kind)) = reading(path, &id) else { continue };
        if kind == "tail" {
            drop(reader.open(&path).await);
        } else {
            let body = (*method == "POST").then_some(body);
            reader.call(Method::from_bytes(method.as_bytes()).unwrap(), &path, body).await.expect(200);
        }
        kinds.push(kind);
    }

    assert!(kinds.len() > 12, "{kinds:?}");
    for kind in kinds {
        let entry = eventually(&format!("an entry of {kind}"), async || {
            let query = if kind == "search" { "%20query:paid" } else { "" };
            entries(&acme, &format!("action:logs.*%20kind:{kind}{query}")).await.pop()
        })
        .await;
        match kind {
            "event" | "context" => assert_eq!(entry["detail"]["event"], id.as_str(), "{entry}"),
            "field-values" => assert_eq!(entry["detail"]["field"], "source"),
            _ => {}
        }
        let has_query = !["event", "context"].contains(&kind);
        assert_eq!(has_query, entry["detail"]["query"].as_str().unwrap().starts_with("paid"), "{entry}");
        let by = if ["dead-letters", "alert-preview", "search"].contains(&kind) { "person" } else { "key" };
        assert_eq!(entry["actor"]["kind"], by, "{entry}");
        let costs = ["histogram", "field-values", "patterns", "difference", "event", "context", "search"];
        assert!(!costs.contains(&kind) || entry["detail"]["rows_read"].as_u64() > Some(0), "{entry}");
    }
}

#[tokio::test]
async fn what_is_read_again_and_again_is_two_entries_at_the_end() {
    let mut logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    acme.send(&[json!({"message": "paid 5"})]).await;
    for _ in 0..5 {
        acme.search("paid").await;
    }
    let first = entries(&acme, "kind:search%20query:paid").await;
    assert!(first.iter().all(|entry| entry["detail"]["reads"] == 1), "{first:?}");

    logs.app.stop().await;
    logs.app.start_again().await;

    let body = json!({"email": acme.email, "password": PASSWORD});
    let session = logs.app.anonymous().post("/api/v1/auth/login", body).await.expect(200);
    let told = entries(&Org::of(&logs.app, &session), "kind:search%20query:paid").await;
    let reads: Vec<_> = told.iter().map(|entry| entry["detail"]["reads"].as_u64().unwrap()).collect();
    assert_eq!(reads, [4, 1], "{told:?}");
}
