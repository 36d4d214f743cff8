//! Live tails over HTTP.

use crate::harness::{Caller, Org, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

/// An open tail and what came of it that was not looked at yet.
struct Tail {
    answer: reqwest::Response,
    text: String,
}

impl Tail {
    async fn open(caller: &Caller, parameters: &str) -> Self {
        let answer = caller.open(&format!("/api/v1/logs/tail?{parameters}")).await;
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, text: String::new() }
    }

    /// The next frame that is no comment: its name and data; `None` when the tail has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                    return Some((event.to_owned(), serde_json::from_str(data).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.answer.chunk())
                .await
                .expect("a tail is not silent");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    async fn message(&mut self) -> String {
        let (name, event) = self.next().await.expect("an event");
        assert_eq!(name, "log");
        event["message"].as_str().unwrap().to_owned()
    }
}

async fn send(org: &Org, messages: &[&str]) {
    let body: Vec<Value> =
        messages.iter().map(|message| json!({"message": message, "level": "error"})).collect();
    org.post("/api/v1/logs/ingest", json!(body)).await.expect(202);
}

#[tokio::test]
async fn acknowledged_events_that_match_are_pushed_to_their_own_organization_only() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let mut errors = Tail::open(&acme, "query=level:error%20paid").await;
    let mut all = Tail::open(&acme, "").await;
    let mut other = Tail::open(&globex, "").await;

    send(&acme, &["order paid", "order placed"]).await;
    send(&globex, &["theirs"]).await;
    send(&acme, &["another paid"]).await;

    assert_eq!(
        (errors.message().await, errors.message().await),
        ("order paid".into(), "another paid".into())
    );
    assert_eq!((all.message().await, all.message().await), ("order paid".into(), "order placed".into()));
    assert_eq!(other.message().await, "theirs");
    let theirs = format!("/api/v1/logs/tail?project_id={}", acme.project_id);
    globex.get(&theirs).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_tail_that_was_cut_goes_on_behind_the_last_event() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let mut tail = Tail::open(&acme, "").await;
    send(&acme, &["one", "two"]).await;
    let (_, first) = tail.next().await.unwrap();
    drop(tail);
    send(&acme, &["three"]).await;

    let caller = acme.with_header("last-event-id", first["id"].as_str().unwrap());
    let mut again = Tail::open(&caller, "").await;
    send(&acme, &["four"]).await;

    assert_eq!(
        (again.message().await, again.message().await, again.message().await),
        ("two".into(), "three".into(), "four".into())
    );
}

#[tokio::test]
async fn a_tail_ends_when_its_key_is_revoked_or_its_session_is_over() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let key = acme.api_key(&["query"]).await;
    let program = app.with_credential(key["secret"].as_str().unwrap());
    let (mut by_key, mut by_session) = (Tail::open(&program, "").await, Tail::open(&acme, "").await);

    acme.delete(&format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(by_key.next().await.unwrap(), ("end".into(), json!({"code": "access_ended"})));
    assert_eq!(by_key.next().await, None);

    send(&acme, &["still here"]).await;
    assert_eq!(by_session.message().await, "still here");
    acme.post("/api/v1/auth/logout", json!({})).await.expect(204);
    assert_eq!(by_session.next().await.unwrap().0, "end");
}

#[tokio::test]
async fn a_query_that_needs_more_than_one_event_is_refused_with_its_place() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;

    let answer = acme.get("/api/v1/logs/tail?query=*%20|%20stats%20count()").await;

    answer.expect_problem(422, "query_invalid");
    assert_eq!(answer.body["span"], json!({"start": 4, "end": 9}));
}

#[tokio::test]
async fn an_organization_has_so_many_tails_and_gets_a_place_back() {
    let app = TestApp::spawn_with(&["--tails-per-organization", "2"]).await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let first = Tail::open(&acme, "").await;
    let _second = Tail::open(&acme, "").await;

    let refused = acme.get("/api/v1/logs/tail").await;
    refused.expect_problem(429, "too_many_tails");
    assert_eq!(refused.header("retry-after"), "10");
    Tail::open(&globex, "").await;

    drop(first);
    crate::harness::eventually("a place", async || {
        (acme.open("/api/v1/logs/tail").await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn open_tails_do_not_hold_up_a_stop() {
    let mut app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let mut tail = Tail::open(&acme, "").await;

    assert!(app.stop().await.success());

    assert_eq!(tail.next().await, None);
}
