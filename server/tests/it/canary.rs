//! Random queries of one organization over every way to look never show what another one has stored.
//!
//! Both send the same kind of events; the other's carry a canary in every text. `CANARY_ROUNDS` makes a long run of it, and the
//! seed of a failure is in its message.

use crate::harness::logs::LogApp;
use crate::harness::{Caller, Org, eventually};
use serde_json::{Value, json};

const ROUNDS: u64 = 100;
const TAILS: usize = 8;
/// Queries may say `canary`; this they cannot say, so an answer that has it did not get it from the question.
const CANARY: &str = "canary-q7vz3";

/// Events of an organization, all its texts with its own mark.
fn events(mark: &str) -> Vec<Value> {
    let event = |n: usize| {
        let level = ["info", "warn", "error", "fatal"][n % 4];
        json!({
            "level": level,
            "source": format!("api-{mark}"), "host": format!("web-{mark}"),
            "message": format!("request {n} of {mark} took {} ms user=u{n} canary", n * 7),
            "trace_id": format!("{n:032x}"), "note": mark, "http": {"status": 200 + n % 3, "path": format!("/{mark}/{n}")},
            "tags": [mark, "canary"], "n": n,
        })
    };
    (0..60).map(event).collect()
}

/// A small generator of numbers: the same seed, the same queries.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn one_of(&mut self, list: &[&'static str]) -> &'static str {
        list[self.roll(list.len())]
    }

    fn term(&mut self) -> String {
        self.one_of(&[
            "canary",
            "*",
            "canary*",
            "*:canary*",
            "*nary*",
            "note:*",
            "-note:own",
            "source:api-*",
            "host:*",
            "level>=warn",
            "-level:info",
            "http.status:[200 TO 202]",
            "n>=0",
            "NOT n<0",
            "tags:canary*",
            "note in (\"own\", \"x\")",
            "trace_id:*",
            "missing(nothing)",
            "http.path=~\"canary|own\"",
            "id:*",
            "http.path in { canary | fields http.path }",
            "-note in { level:error | fields note }",
            "startswith(note, \"canary\")",
            "contains(message, \"canary\")",
            "timestamp:1d",
            "message:canary",
        ])
        .to_owned()
    }

    fn filter(&mut self) -> String {
        match self.roll(4) {
            0 => self.term(),
            1 => format!("{} {}", self.term(), self.term()),
            2 => format!("({} OR {})", self.term(), self.term()),
            _ => format!("{} AND NOT ({})", self.term(), self.term()),
        }
    }

    /// A filter that needs no other events.
    fn tail_filter(&mut self) -> String {
        loop {
            let filter = self.filter();
            if !filter.contains('{') {
                return filter;
            }
        }
    }

    fn query(&mut self) -> String {
        let filter = self.filter();
        let stage = self.one_of(&[
            "",
            "",
            "",
            "",
            "| stats count(), values(note), max(message) by source",
            "| top 5 note",
            "| facets",
            "| describe",
            "| join { * | fields note, source, message } on note",
            "| union { canary }",
            "| context before=3 after=3",
            "| patterns",
            "| dedup source",
            "| timechart count() by note every=10m",
            "| eval x = concat(note, host) | fields x, message",
            "| uniq note, host",
            "| parse \"of <who> took\" | stats count() by who",
            "| stats list(http.path) by host",
            "| timechart count() every=10m | compare shift=1h",
            "| sample 50",
            "| expand tags | top tags",
            "| sort -n | limit 5",
        ]);
        format!("{filter} {stage}")
    }
}

/// Every way to look at events, asked the same question.
async fn looks(
    acme: &Caller,
    query: &str,
    event_id: &str,
    dice: &mut Dice,
) -> Vec<(&'static str, crate::harness::Answer)> {
    let question = json!({"query": query, "from": "now-2h", "to": "now+1h"});
    let with = |name: &str, value: Value| {
        let mut question = question.clone();
        question[name] = value;
        question
    };
    let field = dice.one_of(&["note", "source", "message", "http.path", "tags", "host"]);
    let format = dice.one_of(&["ndjson", "csv"]);
    let mut answers = vec![("search", acme.post("/api/v1/logs/search", question.clone()).await)];
    let alert =
        json!({"name": "a", "query": query, "window": "2h", "condition": {"op": ">", "threshold": 0}});
    let (name, path, body) = match dice.roll(9) {
        0 => ("histogram", "/api/v1/logs/histogram", question),
        1 => ("fields", "/api/v1/logs/fields", question),
        2 => ("values", "/api/v1/logs/field-values", with("field", json!(field))),
        3 => ("patterns", "/api/v1/logs/patterns", question),
        4 => ("export", "/api/v1/logs/export", with("format", json!(format))),
        5 => ("difference", "/api/v1/logs/difference", with("baseline", json!({"query": "*"}))),
        6 => ("stream", "/api/v1/logs/search/stream", question),
        7 => ("alert", "/api/v1/alert-rules/preview", alert),
        _ => ("check", "/api/v1/query/check", question),
    };
    answers.push((name, acme.post(path, body).await));
    if dice.roll(6) == 0 {
        let same = dice.one_of(&["", "source", "host,level"]);
        let path = format!("/api/v1/logs/{event_id}/context?before=100&after=100&same={same}");
        answers.push(("context", acme.get(&path).await));
    }
    answers
}

#[tokio::test]
async fn no_query_of_one_organization_shows_what_another_one_has() {
    let rounds = std::env::var("CANARY_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let logs = LogApp::spawn().await;
    let (acme, globex) = (logs.app.org("acme").await, logs.app.org("globex").await);
    globex.send(&events(CANARY)).await;
    acme.send(&events("own")).await;
    let theirs = globex.search("canary").await;
    assert!(theirs.to_string().contains(CANARY), "the canary can be found by its owner");
    let theirs = theirs["rows"][0]["id"].as_str().unwrap();
    acme.get(&format!("/api/v1/logs/{theirs}")).await.expect(404);
    let own = acme.search("canary").await["rows"][0]["id"].as_str().unwrap().to_owned();

    let seed = jiff::Timestamp::now().as_nanosecond() as u64 | 1;
    let mut dice = Dice(seed);
    tails_show_nothing(&acme, &globex, &mut dice, seed).await;
    alerts_tell_nothing(&acme, &globex).await;
    let mut found = 0;
    // A key, because a long run outlives an access token.
    let reader = logs.app.with_credential(acme.api_key(&["admin"]).await["secret"].as_str().unwrap());
    for round in 0..rounds {
        let query = dice.query();
        for (look, answer) in looks(&reader, &query, &own, &mut dice).await {
            let what = format!("seed {seed}, round {round}, {look} of {query}");
            assert!([200, 422].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
            assert!(!answer.text.contains(CANARY), "{what} shows the canary: {}", answer.text);
            found += usize::from(answer.text.contains("own"));
        }
    }
    assert!(found as u64 > rounds / 2, "seed {seed}: only {found} answers had anything in them");
}

/// What both send while tails are open: each sees its own alone.
async fn tails_show_nothing(acme: &Org, globex: &Org, dice: &mut Dice, seed: u64) {
    let mut tails = Vec::new();
    for query in (0..TAILS).map(|_| format!("({}) OR lastofall", dice.tail_filter())) {
        let address = reqwest::Url::parse_with_params("http://nowhere/", [("query", &query)]).unwrap();
        let tail = acme.open(&format!("/api/v1/logs/tail?{}", address.query().unwrap())).await;
        assert_eq!(tail.status(), 200, "{query}");
        tails.push((query, tail));
    }
    globex.send(&events(CANARY)).await;
    acme.send(&events("own")).await;
    globex.send(&[json!({"message": format!("lastofall {CANARY}")})]).await;
    acme.send(&[json!({"message": "lastofall of ours"})]).await;
    for (query, mut tail) in tails {
        let mut text = String::new();
        while !text.contains("lastofall of ours") {
            let piece = tail.chunk().await.expect("the tail goes on").expect("the tail goes on");
            text.push_str(&String::from_utf8_lossy(&piece));
        }
        assert!(!text.contains(CANARY), "seed {seed}, a tail of {query} shows the canary: {text}");
    }
}

/// Rules of both over the same kind of events, grouped by what tells them apart.
async fn alerts_tell_nothing(acme: &Org, globex: &Org) {
    let rule = json!({"name": "notes", "query": "note:* | stats count() as n by note", "value": "n",
        "window": "6h", "every": "10s", "delay": "0s", "condition": {"op": ">", "threshold": 1}});
    for org in [globex, acme] {
        org.post("/api/v1/alert-rules", rule.clone()).await.expect(201);
    }
    for (org, mark) in [(globex, CANARY), (acme, "own")] {
        eventually("the alert to fire", async || {
            org.get("/api/v1/alert-events").await.text.contains(mark).then_some(())
        })
        .await;
    }
    for path in ["/api/v1/alert-events", "/api/v1/alert-rules", "/api/v1/notifications"] {
        let answer = acme.get(path).await.expect(200);
        assert!(!answer.text.contains(CANARY), "{path} shows the canary: {}", answer.text);
    }
}
