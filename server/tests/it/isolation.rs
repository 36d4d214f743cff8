//! Nothing of one tenant is reachable by another, and nothing at all by nobody. The routes are read from the table.

use crate::harness::{Answer, Caller, Org, TestApp};
use api_types::accounts::Role;
use cordwood_server::route_table::{Access, ROUTES};
use reqwest::Method;
use serde_json::{Value, json};

/// A body with which the route would do something, given ids that the caller may use.
fn body(path: &str, target: &Target) -> Value {
    match path {
        "/api/v1/auth/switch" => json!({"organization_id": target.organization_id}),
        "/api/v1/organization/transfer" => {
            json!({"user_id": target.user_id, "password": crate::harness::PASSWORD})
        }
        "/api/v1/members/{user_id}/projects" => {
            json!({"items": [{"project_id": target.project_id, "role": "viewer"}]})
        }
        "/api/v1/auth/device/confirm" => {
            json!({"user_code": "BCDF-GHJK", "approve": true, "project_id": target.project_id})
        }
        "/api/v1/members/{user_id}" => json!({"role": "viewer"}),
        "/api/v1/organization" | "/api/v1/projects/{id}" => json!({"name": "taken over"}),
        "/api/v1/projects/{id}/masking" => json!({"rules": []}),
        "/api/v1/projects/{id}/masking/preview" => json!({"rules": [], "text": "a@b.example"}),
        "/api/v1/projects" => json!({"name": "another"}),
        "/api/v1/api-keys" => json!({"name": "k", "project_id": target.project_id, "scopes": ["ingest"]}),
        "/api/v1/logs/search"
        | "/api/v1/logs/search/stream"
        | "/api/v1/logs/histogram"
        | "/api/v1/logs/fields"
        | "/api/v1/logs/patterns"
        | "/api/v1/logs/difference"
        | "/api/v1/logs/export" => {
            json!({"query": "*", "from": "now-1h", "to": "now", "project_id": target.project_id})
        }
        "/api/v1/logs/field-values" => {
            json!({"query": "*", "from": "now-1h", "to": "now", "project_id": target.project_id, "field": "level"})
        }
        "/api/v1/logs/delete" => {
            json!({"query": "*", "project_id": target.project_id, "reason": "a test"})
        }
        "/api/v1/logs/pseudonymise" => {
            json!({"subject": "somebody@example.org", "project_id": target.project_id, "reason": "a test"})
        }
        "/api/v1/syslog-listeners" => json!({"project_id": target.project_id, "protocol": "udp"}),
        "/api/v1/query/check" => json!({"query": "*", "project_id": target.project_id}),
        "/api/v1/saved-searches" => json!({"name": "s", "query": "*", "shared": true}),
        "/api/v1/annotations" => json!({"title": "v42", "project_id": target.project_id}),
        "/api/v1/projects/{id}/pinned-fields" => json!({"fields": ["http.status"]}),
        "/api/v1/query/translate" => json!({"text": "index=main error | stats count by host"}),
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

/// The same, about a project and else nothing that there is.
pub fn body_about(path: &str, project_id: &str) -> Value {
    body(path, &Target { project_id: project_id.to_owned(), ..Target::nowhere() })
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
    invitation_id: String,
    syslog_listener_id: String,
    saved_search_id: String,
    annotation_id: String,
}

impl Target {
    /// Ids of nothing at all.
    fn nowhere() -> Self {
        let id = || uuid::Uuid::now_v7().to_string();
        Self {
            organization_id: id(),
            project_id: id(),
            user_id: id(),
            session_id: id(),
            api_key_id: id(),
            alert_rule_id: id(),
            channel_id: id(),
            invitation_id: id(),
            syslog_listener_id: id(),
            saved_search_id: id(),
            annotation_id: id(),
        }
    }

    async fn of(org: &Org) -> Self {
        let sessions = org.get("/api/v1/sessions").await.expect(200).body;
        let me = org.get("/api/v1/me").await.expect(200).body;
        let rule = json!({"name": "rule", "query": "*", "condition": {"op": ">", "threshold": 1}});
        let channel = json!({"name": "channel", "kind": "email", "config": {"to": [me["user"]["email"]]}});
        let invitation = json!({"email": format!("somebody@{}.example", org.id), "role": "viewer"});
        let invitation = org.post("/api/v1/invitations", invitation).await.expect(201).body;
        let search = json!({"name": "search", "query": "*", "shared": true});
        let search = org.post("/api/v1/saved-searches", search).await.expect(201).body;
        let annotation = json!({"title": "v42", "kind": "deployment"});
        let annotation = org.post("/api/v1/annotations", annotation).await.expect(201).body;
        let rule = org.post("/api/v1/alert-rules", rule).await.expect(201).body;
        let channel = org.post("/api/v1/notification-channels", channel).await.expect(201).body;
        let listener = json!({"project_id": org.project_id, "protocol": "tcp"});
        let listener = org.post("/api/v1/syslog-listeners", listener).await.expect(201).body;
        Self {
            syslog_listener_id: listener["id"].as_str().unwrap().to_owned(),
            organization_id: org.id.clone(),
            project_id: org.project_id.clone(),
            user_id: org.user_id.clone(),
            session_id: sessions["items"][0]["id"].as_str().unwrap().to_owned(),
            alert_rule_id: rule["id"].as_str().unwrap().to_owned(),
            channel_id: channel["id"].as_str().unwrap().to_owned(),
            invitation_id: invitation["id"].as_str().unwrap().to_owned(),
            saved_search_id: search["id"].as_str().unwrap().to_owned(),
            annotation_id: annotation["id"].as_str().unwrap().to_owned(),
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
            "/api/v1/invitations/" => &self.invitation_id,
            "/api/v1/alert-rules/" => &self.alert_rule_id,
            "/api/v1/notification-channels/" => &self.channel_id,
            "/api/v1/saved-searches/" => &self.saved_search_id,
            "/api/v1/annotations/" => &self.annotation_id,
            // Ones that exist are tried in the tests of ingest and search; here an id that is none of this tenant's.
            "/api/v1/jobs/"
            | "/api/v1/logs/"
            | "/api/v1/me/identities/"
            | "/api/v1/me/command-lines/"
            | "/api/v1/dead-letters/"
            | "/api/v1/ingest/receipts/"
            | "/api/v1/notifications/" => &self.project_id,
            "/api/v1/syslog-listeners/" => &self.syslog_listener_id,
            // No provider is set up here.
            "/api/v1/auth/sso/" => return Some(named(pattern, "nobody")),
            // The names of Elasticsearch's clients: nobody's, whatever they are.
            elastic if !elastic.starts_with("/api/") => return Some(named(pattern, "name")),
            other => panic!("name an id for {other} in this test"),
        };
        Some(format!("{before}{id}{after}"))
    }
}

/// Whoever may call anything, by the name they have in the messages below.
struct Cast {
    anonymous: Caller,
    viewer: Org,
    editor: Org,
    admin: Org,
    owner: Org,
    ingest_key: Caller,
    query_key: Caller,
    admin_key: Caller,
    stranger: Org,
}

impl Cast {
    async fn of(app: &TestApp) -> Self {
        let owner = app.org("acme").await;
        let mut keys = Vec::new();
        for scope in ["ingest", "query", "admin"] {
            keys.push(app.with_credential(owner.api_key(&[scope]).await["secret"].as_str().unwrap()));
        }
        let [ingest_key, query_key, admin_key] = keys.try_into().ok().unwrap();
        Self {
            anonymous: app.anonymous(),
            viewer: owner.member(app, "viewer", "viewer").await,
            editor: owner.member(app, "editor", "editor").await,
            admin: owner.member(app, "admin", "admin").await,
            stranger: app.org("globex").await,
            owner,
            ingest_key,
            query_key,
            admin_key,
        }
    }

    fn all(&self) -> [(&'static str, &Caller); 9] {
        [
            ("anonymous", &self.anonymous),
            ("viewer", &self.viewer),
            ("editor", &self.editor),
            ("admin", &self.admin),
            ("owner", &self.owner),
            ("ingest key", &self.ingest_key),
            ("query key", &self.query_key),
            ("admin key", &self.admin_key),
            ("another's owner", &self.stranger),
        ]
    }
}

/// Whether the table lets this caller through: `None`, or the refusal's status and code.
fn refusal(access: Access, caller: &str) -> Option<(u16, &'static str)> {
    let held = match caller {
        "viewer" => Some(Role::Viewer),
        "editor" => Some(Role::Editor),
        "admin" => Some(Role::Admin),
        "owner" | "another's owner" => Some(Role::Owner),
        _ => None,
    };
    let role_at_least = |needed: Role| (held < Some(needed)).then_some((403, "role_too_small"));
    match (access, caller) {
        (Access::Open, _) => None,
        (_, "anonymous") => Some((401, "credentials_missing")),
        (Access::Person, "ingest key" | "query key" | "admin key") => Some((403, "person_needed")),
        (Access::Person, _) => None,
        (Access::Read, "ingest key") => Some((403, "scope_too_small")),
        (Access::Read, _) => None,
        (Access::Ingest, "query key") => Some((403, "scope_too_small")),
        (Access::Ingest, "ingest key" | "admin key") => None,
        (Access::Ingest, _) => role_at_least(Role::Editor),
        (Access::Member(_) | Access::Project(_) | Access::Anywhere(_), "ingest key" | "query key") => {
            Some((403, "scope_too_small"))
        }
        (Access::Member(Role::Owner), "admin key") => Some((403, "role_too_small")),
        (Access::Member(_) | Access::Project(_) | Access::Anywhere(_), "admin key") => None,
        (Access::Member(needed) | Access::Project(needed) | Access::Anywhere(needed), _) => {
            role_at_least(needed)
        }
    }
}

/// The whole matrix, with ids of nothing: who may not is told so before anything else is looked at, and who may is not.
#[tokio::test]
async fn every_route_lets_in_exactly_who_the_table_says() {
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
    let cast = Cast::of(&app).await;
    let target = Target::nowhere();
    for (method, pattern, access) in ROUTES {
        // Ends the session that asks; what it does is told in `sessions`.
        if *pattern == "/api/v1/auth/logout" {
            continue;
        }
        let path = target.path(pattern).unwrap_or_else(|| (*pattern).to_owned());
        let body = (!["GET", "DELETE", "HEAD"].contains(method)).then(|| json!({}));
        for (name, caller) in cast.all() {
            let (status, code) = caller.outcome(method.parse().unwrap(), &path, body.clone()).await;
            let told = format!("{method} {pattern} as {name}: {status} {code}");
            match refusal(*access, name) {
                // Protocols refuse in their own words, but with the same status.
                Some((expected, _)) if *access == Access::Ingest => assert_eq!(status, expected, "{told}"),
                Some(expected) => assert_eq!((status, code.as_str()), expected, "{told}"),
                None if *access == Access::Open => {
                    let of_who_asks = ["credentials_missing", "role_too_small", "scope_too_small"];
                    assert!(!of_who_asks.contains(&code.as_str()), "{told}");
                }
                None => assert!(status != 401 && status != 403, "{told}"),
            }
        }
    }
}

/// Existence is not told: somebody else's id is answered as an id of nothing, to the byte.
#[tokio::test]
async fn another_organizations_ids_are_answered_like_random_ones() {
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let (real, random) = (Target::of(&acme).await, Target::nowhere());
    let told = |answer: Answer, target: &Target| {
        let mut body = answer.body;
        body.as_object_mut().map(|body| body.remove("request_id"));
        (answer.status, body.to_string().replace(&target.project_id, "<id>"))
    };
    for (method, path, access) in ROUTES {
        let names_something = real.path(path).is_some()
            || body(path, &real) != body(path, &random)
            || *path == "/api/v1/auth/switch";
        // What Elasticsearch's clients name is theirs to choose.
        if *access == Access::Open || !names_something || !path.starts_with("/api/") {
            continue;
        }
        let of_real = told(call(&globex, method, path, &real).await, &real);
        let of_random = told(call(&globex, method, path, &random).await, &random);
        assert_eq!(of_real, of_random, "{method} {path}");
    }
}

/// The path with every placeholder filled in by one name.
fn named(pattern: &str, name: &str) -> String {
    let mut path = String::new();
    for part in pattern.split('/').skip(1) {
        path.push('/');
        path.push_str(if part.starts_with('{') { name } else { part });
    }
    path
}

async fn call(caller: &Caller, method: &str, pattern: &str, target: &Target) -> Answer {
    let path = target.path(pattern).unwrap_or_else(|| pattern.to_owned());
    let body = body(pattern, target);
    let wants_one = !["GET", "DELETE", "HEAD"].contains(&method) || (method == "DELETE" && body != json!({}));
    let body = wants_one.then_some(body);
    caller.call(method.parse::<Method>().unwrap(), &path, body).await
}

#[tokio::test]
async fn nobody_gets_in_without_credentials_or_with_wrong_ones() {
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
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
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
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
            Access::Member(_) | Access::Project(_) | Access::Anywhere(_) | Access::Person => {
                &[&ingest, &query]
            }
        };
        for caller in refused {
            assert_eq!(call(caller, method, path, &target).await.status, 403, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_looks_absent() {
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let target = Target::of(&acme).await;
    let key = globex.api_key(&["admin"]).await;
    let program = app.with_credential(key["secret"].as_str().unwrap());

    for (method, path, access) in ROUTES {
        let names_something = target.path(path).is_some() && path.starts_with("/api/")
            || *path == "/api/v1/auth/switch"
            || (*method, *path) == ("POST", "/api/v1/api-keys")
            || (*method, *path) == ("POST", "/api/v1/syslog-listeners");
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
    let app = TestApp::spawn_with(&["--syslog-listen", "127.0.0.1:0"]).await;
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
            &target.syslog_listener_id,
        ] {
            assert!(!answer.text.contains(id.as_str()), "{path} tells {id}");
        }
        assert!(!answer.text.contains(&acme.email), "{path} tells an address");
    }
}
