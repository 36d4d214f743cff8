//! Roles in single projects: what is not seen is absent, what may not be changed is refused, and nothing else is open.

use crate::harness::{Org, TestApp};
use cordwood_server::route_table::{Access, ROUTES};
use serde_json::{Value, json};

/// A project beside the first one.
async fn staging(acme: &Org) -> String {
    let made = acme.post("/api/v1/projects", json!({"name": "staging"})).await.expect(201).body;
    made["id"].as_str().unwrap().to_owned()
}

async fn set(acme: &Org, member: &Org, roles: &[(&str, &str)]) {
    let items: Vec<Value> =
        roles.iter().map(|(project, role)| json!({"project_id": project, "role": role})).collect();
    let path = format!("/api/v1/members/{}/projects", member.user_id);
    acme.call(reqwest::Method::PUT, &path, Some(json!({"items": items}))).await.expect(200);
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_project_without_access_looks_absent_and_what_is_about_all_is_closed() {
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
    let acme = app.org("acme").await;
    let hidden = staging(&acme).await;
    let bea = acme.member(&app, "bea", "editor").await;
    let search = json!({"name": "s", "query": "*", "shared": true, "project_id": hidden});
    let search = acme.post("/api/v1/saved-searches", search).await.expect(201).body;
    let search = format!("/api/v1/saved-searches/{}", search["id"].as_str().unwrap());
    bea.get(&search).await.expect(200);
    set(&acme, &bea, &[(&hidden, "none")]).await;

    assert!(names(&bea.get("/api/v1/saved-searches").await.expect(200).body["items"]).is_empty());
    bea.get(&search).await.expect_problem(404, "not_found");
    bea.delete(&search).await.expect_problem(404, "not_found");
    let kept = json!({"name": "mine", "query": "*", "project_id": hidden});
    bea.post("/api/v1/saved-searches", kept).await.expect_problem(404, "not_found");
    assert_eq!(names(&bea.get("/api/v1/projects").await.expect(200).body["items"]), ["default"]);
    assert_eq!(names(&bea.get("/api/v1/me").await.expect(200).body["projects"]), ["default"]);
    let nowhere = uuid::Uuid::now_v7().to_string();
    for (method, pattern, access) in ROUTES {
        let body = |project: &str| {
            let about = crate::isolation::body_about(pattern, project);
            (!["GET", "DELETE", "HEAD"].contains(method)).then_some(about)
        };
        let path = |project: &str| {
            let query =
                if *method == "GET" { format!("?project_id={project}&query=*") } else { String::new() };
            format!("{}{query}", pattern.replace("{id}", project).replace("{user_id}", project))
        };
        let call =
            async |project: &str| bea.outcome(method.parse().unwrap(), &path(project), body(project)).await;
        match access {
            Access::Read | Access::Project(_) => {
                let (of_hidden, of_nothing) = (call(&hidden).await, call(&nowhere).await);
                assert_eq!(of_hidden, of_nothing, "{method} {pattern}");
                assert!(of_hidden.0 != 403, "{method} {pattern}: {of_hidden:?}");
            }
            Access::Member(_) => {
                let (status, code) = call(&hidden).await;
                assert!(
                    status == 403 && ["only_in_some_projects", "role_too_small"].contains(&code.as_str()),
                    "{method} {pattern}: {status} {code}"
                );
            }
            Access::Anywhere(_) | Access::Open | Access::Person | Access::Ingest => {}
        }
    }
    bea.get("/api/v1/organization").await.expect(200);
    let search = json!({"query": "*", "from": "now-1h", "to": "now", "project_id": hidden});
    bea.post("/api/v1/logs/search", search).await.expect_problem(404, "not_found");
    set(&acme, &bea, &[]).await;
    assert_eq!(names(&bea.get("/api/v1/projects").await.expect(200).body["items"]), ["default", "staging"]);
    bea.get("/api/v1/usage").await.expect(200);
}

#[tokio::test]
async fn a_role_in_a_project_is_smaller_or_larger_there_and_nowhere_else() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let other = staging(&acme).await;
    let (vic, ed) = (acme.member(&app, "vic", "viewer").await, acme.member(&app, "ed", "editor").await);
    set(&acme, &vic, &[(&other, "editor"), (&acme.project_id, "none")]).await;
    set(&acme, &ed, &[(&other, "viewer")]).await;
    let key = |project: &str| json!({"name": "k", "project_id": project, "scopes": ["ingest"]});

    let made = vic.post("/api/v1/api-keys", key(&other)).await.expect(201).body;
    vic.post("/api/v1/api-keys", key(&acme.project_id)).await.expect_problem(404, "not_found");
    ed.post("/api/v1/api-keys", key(&other)).await.expect_problem(403, "role_too_small");
    ed.post("/api/v1/api-keys", key(&acme.project_id)).await.expect(201);

    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(ed.get("/api/v1/api-keys").await.expect(200).body["items"].as_array().unwrap().len(), 1);
    ed.delete(&path).await.expect_problem(403, "role_too_small");
    vic.delete(&path).await.expect(204);
    let me = vic.get("/api/v1/me").await.expect(200).body;
    assert_eq!(
        (names(&me["projects"]), me["projects"][0]["role"].as_str()),
        (vec!["staging"], Some("editor"))
    );
}

#[tokio::test]
async fn admins_give_the_roles_and_have_their_own_everywhere() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let (ada, vic) = (acme.member(&app, "ada", "admin").await, acme.member(&app, "vic", "viewer").await);
    let path = |user: &str| format!("/api/v1/members/{user}/projects");
    let hide = json!({"items": [{"project_id": acme.project_id, "role": "none"}]});
    let put = async |caller: &Org, user: &str, body: &Value| {
        caller.call(reqwest::Method::PUT, &path(user), Some(body.clone())).await
    };

    put(&acme, &ada.user_id, &hide).await.expect_problem(409, "role_is_everywhere");
    put(&vic, &vic.user_id, &hide).await.expect_problem(403, "role_too_small");
    let unknown = json!({"items": [{"project_id": uuid::Uuid::now_v7(), "role": "none"}]});
    put(&ada, &vic.user_id, &unknown).await.expect_problem(404, "not_found");
    let twice = json!({"items": [hide["items"][0], hide["items"][0]]});
    put(&ada, &vic.user_id, &twice).await.expect_problem(422, "invalid");
    put(&ada, &vic.user_id, &hide).await.expect(200);

    assert_eq!(vic.get("/api/v1/projects").await.expect(200).body["items"], json!([]));
    let search = json!({"query": "*", "from": "now-1h", "to": "now"});
    vic.post("/api/v1/logs/search", search).await.expect_problem(404, "not_found");
    let log = acme.get("/api/v1/audit-log?q=action:member.project_roles_changed").await.expect(200).body;
    assert_eq!(log["items"][0]["actor"]["id"], ada.user_id.as_str());
}
