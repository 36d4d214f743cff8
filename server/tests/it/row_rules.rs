//! A row rule on a member or a key: whatever they call, they never see what it hides.

use crate::harness::logs::LogApp;
use crate::harness::{Answer, Caller, Org, eventually};
use cordwood_server::route_table::ROUTES;
use reqwest::Method;
use serde_json::{Value, json};

/// In every text of the events that the rule hides.
const HIDDEN: &str = "hidden-q7vz3";

fn events(env: &str, mark: &str) -> Vec<Value> {
    // A minute ago, so that an alert's window has them at once.
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
    let event = |n: usize| {
        json!({
            "timestamp": then.to_string(), "level": (["info", "error"][n % 2]), "source": format!("api-{mark}"), "host": format!("web-{mark}"),
            "message": format!("request {n} of {mark} took {} ms", n * 7), "env": env, "note": mark, "n": n,
            (format!("only-{mark}")): n,
        })
    };
    (0..20).map(event).collect()
}

/// Sees only `env:dev`, as a viewer, an editor and a key.
struct Narrowed {
    logs: LogApp,
    owner: Org,
    viewer: Org,
    editor: Org,
    key: Caller,
    hidden_id: String,
    shown_id: String,
}

impl Narrowed {
    async fn start() -> Self {
        let logs = LogApp::spawn().await;
        let owner = logs.app.org("acme").await;
        let viewer = owner.member(&logs.app, "viewer", "viewer").await;
        let editor = owner.member(&logs.app, "editor", "editor").await;
        for member in [&viewer, &editor] {
            let path = format!("/api/v1/members/{}", member.user_id);
            let changed = owner.patch(&path, json!({"row_rule": "env:dev"})).await.expect(200).body;
            assert_eq!(changed["row_rule"], "env:dev");
        }
        let key =
            json!({"name": "k", "project_id": owner.project_id, "scopes": ["query"], "row_rule": "env:dev"});
        let key = owner.post("/api/v1/api-keys", key).await.expect(201).body;
        assert_eq!(key["row_rule"], "env:dev");
        let key = logs.app.with_credential(key["secret"].as_str().unwrap());
        owner.send(&[events("dev", "shown"), events("prod", HIDDEN)].concat()).await;
        let id = async |query: &str| owner.search(query).await["rows"][0]["id"].as_str().unwrap().to_owned();
        let (hidden_id, shown_id) = (id("env:prod").await, id("env:dev").await);
        Self { logs, owner, viewer, editor, key, hidden_id, shown_id }
    }

    fn all(&self) -> [(&'static str, &Caller); 3] {
        [("viewer", &self.viewer), ("editor", &self.editor), ("key", &self.key)]
    }
}

/// Every way to look, with questions whose answers would show what is hidden.
fn questions(hidden_id: &str, shown_id: &str) -> Vec<(Method, String, Option<Value>)> {
    let mut all = Vec::new();
    for query in [
        "*",
        "env:prod",
        "NOT env:dev",
        "env:dev OR env:prod",
        "level:error | context before=5 after=5",
        "* | stats values(note), max(message), count() by env",
        "* | top note",
        "* | union { env:prod }",
        "* | join { * | fields n, note } on n",
        "n in { env:prod | fields n }",
        "* | facets",
        "* | patterns",
        "note:*",
        "* | timechart count() by env every=1m | compare shift=1h",
    ] {
        let question = json!({"query": query, "from": "now-1h", "to": "now+1h"});
        for way in ["search", "search/stream", "histogram", "fields", "patterns", "export"] {
            all.push((Method::POST, format!("/api/v1/logs/{way}"), Some(question.clone())));
        }
        for field in ["note", "source", "message", "env"] {
            let question = json!({"query": query, "from": "now-1h", "to": "now+1h", "field": field});
            all.push((Method::POST, "/api/v1/logs/field-values".into(), Some(question)));
        }
        let compared = json!({"query": query, "from": "now-1h", "to": "now+1h", "baseline": {"query": "*"}});
        all.push((Method::POST, "/api/v1/logs/difference".into(), Some(compared)));
        let check = json!({"query": format!("only-hidden-q7vz:1 {query}"), "from": "now-1h", "to": "now"});
        all.push((Method::POST, "/api/v1/query/check".into(), Some(check)));
    }
    for id in [hidden_id, shown_id] {
        all.push((Method::GET, format!("/api/v1/logs/{id}"), None));
        all.push((Method::GET, format!("/api/v1/logs/{id}/context?before=100&after=100"), None));
    }
    all
}

#[tokio::test]
async fn who_has_a_row_rule_never_sees_what_it_hides() {
    let narrowed = Narrowed::start().await;
    let everything = narrowed.owner.search("*").await;
    assert!(everything.to_string().contains(HIDDEN), "the owner sees it");
    for (who, caller) in narrowed.all() {
        let mut shown = 0;
        for (method, path, body) in questions(&narrowed.hidden_id, &narrowed.shown_id) {
            let what = format!("{who}, {method} {path} {body:?}");
            let answer = caller.call(method, &path, body).await;
            assert!([200, 404, 422].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
            assert!(!answer.text.contains(HIDDEN), "{what} shows it: {}", answer.text);
            shown += usize::from(answer.text.contains("shown"));
        }
        assert!(shown > 50, "{who} sees what the rule lets through: {shown}");
        caller.get(&format!("/api/v1/logs/{}", narrowed.hidden_id)).await.expect(404);
        caller.get(&format!("/api/v1/logs/{}", narrowed.shown_id)).await.expect(200);
        let counted = count(caller).await;
        assert_eq!(counted, 20, "{who}");
    }
    assert_eq!(count(&narrowed.owner).await, 40);
    no_route_shows_it(&narrowed).await;
    alerts_look_through_the_rule(&narrowed).await;
    rights_of_who_is_narrowed(&narrowed).await;
    tails_show_what_the_rule_lets_through_and_end_with_it(&narrowed).await;
    a_broken_rule_closes(&narrowed).await;
}

async fn count(caller: &Caller) -> u64 {
    let query = json!({"query": "* | stats count() as n", "from": "now-1h", "to": "now+1h"});
    let answer = caller.post("/api/v1/logs/search", query).await.expect(200);
    answer.body["rows"][0]["n"].as_u64().unwrap()
}

/// Everything that can be read without a body, and alerts, dead letters and usage with what would show it.
async fn no_route_shows_it(narrowed: &Narrowed) {
    let rule = json!({"name": "all notes", "query": "* | stats count() as n by note", "value": "n", "window": "1h", "every": "10s", "delay": "0s",
        "condition": {"op": ">", "threshold": 1}});
    let rule = narrowed.owner.post("/api/v1/alert-rules", rule).await.expect(201).body;
    let rule = rule["id"].as_str().unwrap();
    eventually("the alert to see the hidden note", async || {
        narrowed.owner.get("/api/v1/alert-events").await.text.contains(HIDDEN).then_some(())
    })
    .await;
    let old = json!([
        {"timestamp": "2001-01-01T00:00:00Z", "message": HIDDEN, "env": "prod"},
        {"timestamp": "2001-01-01T00:00:00Z", "message": "a letter that is shown", "env": "dev"},
    ]);
    narrowed.owner.post("/api/v1/logs/ingest", old).await;
    eventually("the dead letters", async || {
        narrowed.owner.get("/api/v1/dead-letters").await.text.contains(HIDDEN).then_some(())
    })
    .await;
    let letters = narrowed.owner.get("/api/v1/dead-letters").await.body;
    for letter in letters["items"].as_array().unwrap() {
        let path = format!("/api/v1/dead-letters/{}", letter["id"].as_str().unwrap());
        let is_hidden = letter.to_string().contains(HIDDEN);
        narrowed.viewer.get(&path).await.expect(if is_hidden { 404 } else { 200 });
    }
    let preview = json!({"name": "p", "query": "* | stats count() as n by note", "condition": {"op": ">", "threshold": 1}});
    for (who, caller) in narrowed.all() {
        for (method, path, _) in ROUTES.iter().filter(|route| route.0 == "GET" && !route.1.ends_with("/tail"))
        {
            let path = path.replace("{id}", rule).replace("{name}", "x").replace("{batch}", "x");
            let answer = caller.call(Method::GET, &path, None).await;
            assert!(!answer.text.contains(HIDDEN), "{who}, {method} {path} shows it: {}", answer.text);
        }
        let answer = caller.post("/api/v1/alert-rules/preview", preview.clone()).await;
        assert!(!answer.text.contains(HIDDEN), "{who}: {}", answer.text);
    }
    let seen = narrowed.viewer.get("/api/v1/dead-letters").await.expect(200);
    assert!(seen.text.contains("a letter that is shown"), "{}", seen.text);
}

/// A rule by note, so that its groups would show what is hidden.
fn by_note(name: &str) -> Value {
    json!({"name": name, "query": "* | stats count() as n by note", "value": "n", "window": "1h", "every": "10s", "delay": "0s",
        "condition": {"op": ">", "threshold": 1}})
}

async fn alerts_look_through_the_rule(narrowed: &Narrowed) {
    let Narrowed { owner, viewer, editor, .. } = narrowed;
    let made = editor.post("/api/v1/alert-rules", by_note("my notes")).await.expect(201).body;
    assert_eq!(made["row_rule"], "env:dev");
    let path = format!("/api/v1/alert-rules/{}", made["id"].as_str().unwrap());
    let fired = eventually("the rule to fire", async || {
        Some(editor.get("/api/v1/alert-events").await.text).filter(|text| text.contains("note=shown"))
    })
    .await;
    assert!(!fired.contains(HIDDEN), "{fired}");
    for caller in [viewer, editor] {
        let rules = caller.get("/api/v1/alert-rules").await.expect(200).body;
        assert_eq!(rules["items"].as_array().unwrap().len(), 1, "only those of the same row rule: {rules}");
        for more in ["", "/evaluations", "/why"] {
            let answer = caller.get(&format!("{path}{more}")).await.expect(200);
            assert!(!answer.text.contains(HIDDEN), "{}", answer.text);
        }
    }
    let preview = editor.post("/api/v1/alert-rules/preview", by_note("p")).await.expect(200).text;
    assert!(preview.contains("shown") && !preview.contains(HIDDEN), "{preview}");
    let all = owner.get("/api/v1/alert-rules").await.expect(200).body;
    let whole = all["items"].as_array().unwrap().iter().find(|rule| rule["row_rule"].is_null()).unwrap();
    let of_others = format!("/api/v1/alert-rules/{}", whole["id"].as_str().unwrap());
    editor.get(&of_others).await.expect(404);
    editor.patch(&of_others, json!({"enabled": false})).await.expect(404);
    editor.delete(&of_others).await.expect(404);
    editor.get("/api/v1/alert-rules/export").await.expect_problem(403, "row_rule_in_force");
    editor.get("/api/v1/notification-channels").await.expect(200);

    mails_go_to_who_sees_the_logs(narrowed).await;
    let mover = owner.member(&narrowed.logs.app, "mover", "editor").await;
    let member = format!("/api/v1/members/{}", mover.user_id);
    owner.patch(&member, json!({"row_rule": "env:dev"})).await.expect(200);
    let made = mover.post("/api/v1/alert-rules", by_note("moved")).await.expect(201);
    let path = format!("/api/v1/alert-rules/{}", made.body["id"].as_str().unwrap());
    owner.patch(&member, json!({"row_rule": "env:prod"})).await.expect(200);
    let stopped = eventually("the rule to stop", async || {
        Some(owner.get(&path).await.body).filter(|rule| rule["state"] == "error")
    })
    .await;
    assert!(stopped["last_error"].as_str().unwrap().contains("row rule of its author"), "{stopped}");
    eventually("the rule to be out of sight", async || (mover.get(&path).await.status == 404).then_some(()))
        .await;
}

async fn mails_go_to_who_sees_the_logs(Narrowed { logs, owner, .. }: &Narrowed) {
    let reader = owner.member(&logs.app, "reader", "editor").await;
    let path = format!("/api/v1/members/{}", reader.user_id);
    let config = json!({"to": [reader.email]});
    let channel = json!({"name": "reader", "kind": "email", "config": config});
    let channel = owner.post("/api/v1/notification-channels", channel).await.expect(201).body;
    owner.patch(&path, json!({"row_rule": "env:dev"})).await.expect(200);
    let mut rule = by_note("notes by mail");
    rule["channel_ids"] = json!([channel["id"]]);
    owner.post("/api/v1/alert-rules", rule).await.expect(201);
    eventually("the mail to be refused", async || {
        let log = owner.get("/api/v1/notifications").await.expect(200).text;
        log.contains("may not see the logs of this rule any more").then_some(())
    })
    .await;
}

async fn rights_of_who_is_narrowed(narrowed: &Narrowed) {
    let (owner, editor) = (&narrowed.owner, &narrowed.editor);
    let me = editor.get("/api/v1/me").await.expect(200).body;
    assert_eq!(me["row_rule"], "env:dev");
    let key = |scopes: &[&str]| json!({"name": "own", "project_id": owner.project_id, "scopes": scopes});
    editor.post("/api/v1/api-keys", key(&["query"])).await.expect_problem(403, "row_rule_in_force");
    editor.post("/api/v1/api-keys", key(&["ingest", "query"])).await.expect_problem(403, "row_rule_in_force");
    editor.post("/api/v1/api-keys", key(&["ingest"])).await.expect(201);
    let reading = owner.api_key(&["query"]).await;
    let rotate = format!("/api/v1/api-keys/{}/rotate", reading["id"].as_str().unwrap());
    editor.post(&rotate, json!({})).await.expect_problem(403, "row_rule_in_force");
    let member = format!("/api/v1/members/{}", editor.user_id);
    owner.patch(&member, json!({"role": "admin"})).await.expect_problem(409, "row_rule_on_admin");
    owner.patch(&member, json!({"row_rule": "env:"})).await.expect_problem(422, "invalid");
    owner.patch(&member, json!({"row_rule": "* | stats count()"})).await.expect_problem(422, "invalid");
    let audit = owner.get("/api/v1/audit-log?q=action:member.row_rule_changed").await.expect(200);
    assert!(!audit.body["items"].as_array().unwrap().is_empty(), "{}", audit.text);
}

async fn tails_show_what_the_rule_lets_through_and_end_with_it(narrowed: &Narrowed) {
    let Narrowed { owner, viewer, .. } = narrowed;
    let mut tail = viewer.open("/api/v1/logs/tail").await;
    assert_eq!(tail.status(), 200);
    owner.send(&[events("prod", HIDDEN), events("dev", "shown-live")].concat()).await;
    let mut text = String::new();
    while text.matches("shown-live").count() < 20 {
        let piece = tail.chunk().await.expect("the tail goes on").expect("the tail goes on");
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(!text.contains(HIDDEN), "{text}");
    let path = format!("/api/v1/members/{}", viewer.user_id);
    owner.patch(&path, json!({"row_rule": "env:dev level:error"})).await.expect(200);
    while let Ok(Some(piece)) = tail.chunk().await {
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(text.contains("event: end"), "a tail ends when the rule is another one: {text}");
    let found = viewer.search("level:info").await;
    assert_eq!(found["rows"], json!([]));
}

/// A rule may stop compiling with a newer version of the language.
async fn a_broken_rule_closes(narrowed: &Narrowed) {
    let broken = "UPDATE memberships SET row_rule = 'env:dev | nonsense' WHERE row_rule IS NOT NULL";
    narrowed.logs.app.execute(broken).await;
    let refused = |answer: Answer| (answer.status == 403 && answer.code() == "row_rule_broken").then_some(());
    let path = format!("/api/v1/logs/{}", narrowed.shown_id);
    eventually("the rule to count", async || refused(narrowed.editor.get(&path).await)).await;
    for (method, path, body) in questions(&narrowed.hidden_id, &narrowed.shown_id) {
        let answer = narrowed.editor.call(method, &path, body).await;
        answer.expect_problem(403, "row_rule_broken");
    }
    narrowed.editor.get("/api/v1/logs/tail").await.expect_problem(403, "row_rule_broken");
    narrowed.editor.get("/api/v1/dead-letters").await.expect_problem(403, "row_rule_broken");
    narrowed.editor.get("/api/v1/me").await.expect(200);
}
