//! Nothing of one tenant is reachable by another, and nothing at all by nobody. The routes are read from the table.

use crate::harness::{Answer, Caller, Org, TestApp};
use cordwood_server::route_table::{Access, ROUTES};
use reqwest::Method;
use serde_json::{Value, json};

/// A body with which the route would do something, given ids that the caller may use.
fn body(path: &str, target: &Target) -> Value {
    match path {
        "/api/v1/auth/switch" => json!({"organization_id": target.organization_id}),
        "/api/v1/members/{user_id}" => json!({"role": "viewer"}),
        "/api/v1/organization" | "/api/v1/projects/{id}" => json!({"name": "taken over"}),
        "/api/v1/projects/{id}/masking" => json!({"rules": []}),
        "/api/v1/projects/{id}/masking/preview" => json!({"rules": [], "text": "a@b.example"}),
        "/api/v1/projects" => json!({"name": "another"}),
        "/api/v1/api-keys" => json!({"name": "k", "project_id": target.project_id, "scopes": ["ingest"]}),
        "/api/v1/logs/search" | "/api/v1/logs/histogram" | "/api/v1/logs/fields" => {
            json!({"query": "*", "from": "now-1h", "to": "now", "project_id": target.project_id})
        }
        "/api/v1/logs/field-values" => {
            json!({"query": "*", "from": "now-1h", "to": "now", "project_id": target.project_id, "field": "level"})
        }
        "/api/v1/query/check" => json!({"query": "*"}),
        "/api/v1/alert-rules" | "/api/v1/alert-rules/preview" => {
            json!({"name": "r", "query": "*", "condition": {"op": ">", "threshold": 1}, "project_id": target.project_id})
        }
        "/api/v1/alert-rules/{id}/mute" => json!({"until": "now+1h"}),
        "/api/v1/notification-channels" => {
            json!({"name": "c", "kind": "email", "config": {"to": ["stranger@example.org"]}})
        }
        _ => json!({}),
    }
}

/// Ids of somebody else, by the kind of thing that a path names.
struct Target {
    organization_id: String,
    project_id: String,
    user_id: String,
    session_id: String,
    api_key_id: String,
    alert_rule_id: String,
    channel_id: String,
}

impl Target {
    async fn of(org: &Org) -> Self {
        let sessions = org.get("/api/v1/sessions").await.expect(200).body;
        let me = org.get("/api/v1/me").await.expect(200).body;
        let rule = json!({"name": "rule", "query": "*", "condition": {"op": ">", "threshold": 1}});
        let channel = json!({"name": "channel", "kind": "email", "config": {"to": [me["user"]["email"]]}});
        let rule = org.post("/api/v1/alert-rules", rule).await.expect(201).body;
        let channel = org.post("/api/v1/notification-channels", channel).await.expect(201).body;
        Self {
            organization_id: org.id.clone(),
            project_id: org.project_id.clone(),
            user_id: org.user_id.clone(),
            session_id: sessions["items"][0]["id"].as_str().unwrap().to_owned(),
            alert_rule_id: rule["id"].as_str().unwrap().to_owned(),
            channel_id: channel["id"].as_str().unwrap().to_owned(),
            api_key_id: org.api_key(&["admin"]).await["id"].as_str().unwrap().to_owned(),
        }
    }

    /// The path with its placeholder filled in, or `None` when it has none.
    fn path(&self, pattern: &str) -> Option<String> {
        let (before, rest) = pattern.split_once('{')?;
        let after = rest.split_once('}').unwrap().1;
        let id = match before {
            "/api/v1/members/" => &self.user_id,
            "/api/v1/projects/" => &self.project_id,
            "/api/v1/sessions/" => &self.session_id,
            "/api/v1/api-keys/" => &self.api_key_id,
            "/api/v1/alert-rules/" => &self.alert_rule_id,
            "/api/v1/notification-channels/" => &self.channel_id,
            // Ones that exist are tried in the tests of ingest and search; here an id that is none of this tenant's.
            "/api/v1/logs/"
            | "/api/v1/dead-letters/"
            | "/api/v1/ingest/receipts/"
            | "/api/v1/notifications/" => &self.project_id,
            other => panic!("name an id for {other} in this test"),
        };
        Some(format!("{before}{id}{after}"))
    }
}

async fn call(caller: &Caller, method: &str, pattern: &str, target: &Target) -> Answer {
    let path = target.path(pattern).unwrap_or_else(|| pattern.to_owned());
    let body = (!["GET", "DELETE", "HEAD"].contains(&method)).then(|| body(pattern, target));
    caller.call(method.parse::<Method>().unwrap(), &path, body).await
}

#[tokio::test]
async fn nobody_gets_in_without_credentials_or_with_wrong_ones() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let target = Target::of(&acme).await;
    let forged = format!("{}x", acme.access_token);
    for (method, path, access) in ROUTES {
        if *access == Access::Open {
            continue;
        }
        let nobody = call(&app.anonymous(), method, path, &target).await;
        assert_eq!(nobody.status, 401, "{method} {path}");
        let stranger = call(&app.with_credential(&forged), method, path, &target).await;
        assert_eq!(stranger.status, 401, "{method} {path} with a forged token");
    }
}

#[tokio::test]
async fn a_key_with_too_small_a_scope_is_refused_everywhere() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let target = Target::of(&acme).await;
    let secret = |key: Value| key["secret"].as_str().unwrap().to_owned();
    let ingest = app.with_credential(&secret(acme.api_key(&["ingest"]).await));
    let query = app.with_credential(&secret(acme.api_key(&["query"]).await));
    for (method, path, access) in ROUTES {
        let refused: &[&Caller] = match access {
            Access::Open => &[],
            Access::Read => &[&ingest],
            Access::Ingest => &[&query],
            Access::Member(_) => &[&ingest, &query],
        };
        for caller in refused {
            assert_eq!(call(caller, method, path, &target).await.status, 403, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_looks_absent() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let target = Target::of(&acme).await;
    let key = globex.api_key(&["admin"]).await;
    let program = app.with_credential(key["secret"].as_str().unwrap());

    for (method, path, access) in ROUTES {
        let names_something = target.path(path).is_some()
            || *path == "/api/v1/auth/switch"
            || (*method, *path) == ("POST", "/api/v1/api-keys");
        if *access == Access::Open || !names_something {
            continue;
        }
        let answer = call(&globex, method, path, &target).await;
        // A search needs ClickHouse before it can tell that there is no such event.
        let expected: &[u16] = if *access == Access::Read { &[404, 503] } else { &[404] };
        assert!(expected.contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text);
        let by_key = call(&program, method, path, &target).await;
        assert!([403, 404, 503].contains(&by_key.status), "{method} {path}: {}", by_key.status);
    }
    for (method, path, access) in ROUTES {
        if *access == Access::Read && *method == "POST" && body(path, &target).get("project_id").is_some() {
            let answer = call(&globex, method, path, &target).await;
            assert_eq!(answer.status, 404, "{path} with another's project: {}", answer.text);
        }
    }
    let me = acme.get("/api/v1/me").await.expect(200);
    assert_eq!(me.body["organization"]["name"], "acme");
    assert_eq!(me.body["projects"][0]["name"], "default");
    assert_eq!(acme.get("/api/v1/api-keys").await.expect(200).body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_show_ones_own_only() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let target = Target::of(&acme).await;
    for (method, path, access) in ROUTES {
        // A live tail has no end; its own tests look at what it shows.
        let is_endless = *path == "/api/v1/logs/tail";
        if *method != "GET" || *access == Access::Open || is_endless || target.path(path).is_some() {
            continue;
        }
        let answer = globex.get(path).await;
        for id in [
            &target.organization_id,
            &target.project_id,
            &target.user_id,
            &target.session_id,
            &target.api_key_id,
        ] {
            assert!(!answer.text.contains(id.as_str()), "{path} tells {id}");
        }
        assert!(!answer.text.contains(&acme.email), "{path} tells an address");
    }
}
