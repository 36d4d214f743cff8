//! Random queries of one organization over every way to look never show what another one has stored.
//!
//! Both send the same kind of events; the other's carry a canary in every text. `CANARY_ROUNDS` makes a long run of it, and the
//! seed of a failure is in its message.

use crate::harness::Org;
use crate::harness::logs::LogApp;
use serde_json::{Value, json};

const ROUNDS: u64 = 60;
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
    acme: &Org,
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
    let (name, path, body) = match dice.roll(8) {
        0 => ("histogram", "/api/v1/logs/histogram", question),
        1 => ("fields", "/api/v1/logs/fields", question),
        2 => ("values", "/api/v1/logs/field-values", with("field", json!(field))),
        3 => ("patterns", "/api/v1/logs/patterns", question),
        4 => ("export", "/api/v1/logs/export", with("format", json!(format))),
        5 => ("difference", "/api/v1/logs/difference", with("baseline", json!({"query": "*"}))),
        6 => ("stream", "/api/v1/logs/search/stream", question),
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
    let mut found = 0;
    for round in 0..rounds {
        let query = dice.query();
        for (look, answer) in looks(&acme, &query, &own, &mut dice).await {
            let what = format!("seed {seed}, round {round}, {look} of {query}");
            assert!([200, 422].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
            assert!(!answer.text.contains(CANARY), "{what} shows the canary: {}", answer.text);
            found += usize::from(answer.text.contains("own"));
        }
    }
    assert!(found as u64 > rounds / 2, "seed {seed}: only {found} answers had anything in them");
}
