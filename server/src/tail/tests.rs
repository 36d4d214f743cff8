//! The hub with readers, without HTTP.

use super::inbox::{Inbox, Join};
use super::reader::{self, Place, Reading};
use super::rights::Right;
use super::{Hub, Space};
use crate::ingest::accepted::{Accepted, Counts};
use crate::ingest::rows::{Owner, Row, Rows};
use crate::search::one_by_one::Question;
use crate::sight::Sight;
use crate::tenant::TenantScope;
use query_lang::sql::EventKey;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const NOW_NS: i64 = 1_700_000_000_000_000_000;

/// A hub on its thread; it ends with the test.
struct Running(Arc<Inbox>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Running {
    fn start(events_per_second: u32) -> Self {
        let inbox = Arc::new(Inbox::default());
        let for_hub = Arc::clone(&inbox);
        std::thread::spawn(move || Hub::new(events_per_second).run(&for_hub));
        Self(inbox)
    }

    async fn open(&self, space: Space, query: &str) -> Reading {
        self.open_after(space, query, None, Right::default()).await
    }

    async fn open_after(&self, space: Space, query: &str, after: Option<&str>, right: Right) -> Reading {
        let sight = Sight::whole(TenantScope::of_job(Uuid::nil()));
        let question = Question::parse(&sight, query, None, NOW_NS).unwrap();
        let (reader, reading) = reader::pair(Place::new(|| {}), right, CancellationToken::new());
        let (joined, answer) = tokio::sync::oneshot::channel();
        let after = after.and_then(EventKey::of_id);
        self.0.join(Join { space, question, reader, after, joined });
        answer.await.unwrap();
        reading
    }

    fn acknowledge(&self, space: Space, number: u64, messages: impl IntoIterator<Item = String>) {
        let mut rows = Rows::default();
        for message in messages {
            rows.push(&Row {
                timestamp_ns: NOW_NS,
                level: 5,
                source: "api",
                host: "",
                message: &message,
                trace_id: "",
                span_id: "",
                pattern_id: 0,
                attributes: r#"{"http":{"status":500}}"#,
            });
        }
        let owner = Owner {
            organization_id: space.organization_id,
            project_id: space.project_id,
            retention_days: 30,
            received_at_ms: NOW_NS / 1_000_000,
            key_id: Uuid::nil(),
        };
        self.0.offer(number, Accepted { owner, rows, rejected: Vec::new(), counts: Counts::default() });
    }
}

fn space(organization: u128, project: u128) -> Space {
    Space { organization_id: Uuid::from_u128(organization), project_id: Uuid::from_u128(project) }
}

/// Name and data of each frame that comes, until `enough` of the kind `log` have come.
async fn frames(reading: &mut Reading, enough: usize) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = Vec::new();
    while found.iter().filter(|(name, _)| name == "log").count() < enough {
        let bytes = reading.next().await.expect("the tail goes on");
        let text = std::str::from_utf8(&bytes).unwrap().to_owned();
        for frame in text.split("\n\n").filter(|frame| !frame.is_empty() && !frame.starts_with(':')) {
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            let data = serde_json::from_str(field("data: ").unwrap()).unwrap();
            found.push((field("event: ").unwrap().to_owned(), data));
        }
    }
    found
}

async fn messages(reading: &mut Reading, enough: usize) -> Vec<String> {
    let frames = frames(reading, enough).await;
    frames.iter().map(|(_, event)| event["message"].as_str().unwrap().to_owned()).collect()
}

fn numbered(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|number| format!("line {number}"))
}

#[tokio::test]
async fn what_matches_is_shown_as_a_search_shows_it() {
    let hub = Running::start(1000);
    let mut all = hub.open(space(1, 1), "line").await;
    let mut one = hub
        .open(space(1, 1), "\"line 1\" http.status:>=500 | eval twice = http.status * 2 | drop host")
        .await;

    hub.acknowledge(space(1, 1), 77, numbered(0..3));

    assert_eq!(messages(&mut all, 3).await, ["line 0", "line 1", "line 2"]);
    let (_, event) = frames(&mut one, 1).await.remove(0);
    let key = EventKey::of_id(event["id"].as_str().unwrap()).unwrap();
    assert_eq!((key.batch_id, key.batch_row, key.timestamp_ns), (77, 1, NOW_NS));
    assert_eq!(
        event,
        json!({
            "id": key.id(), "timestamp": "2023-11-14T22:13:20Z", "received_at": "2023-11-14T22:13:20Z", "level": "error",
            "source": "api", "host": null, "message": "line 1", "trace_id": null, "span_id": null, "twice": 1000,
            "attributes": {"http": {"status": 500}},
        })
    );
}

#[tokio::test]
async fn nothing_passes_to_another_project_or_organization() {
    let hub = Running::start(1000);
    let spaces = [space(1, 1), space(1, 2), space(2, 1)];
    let mut readers = Vec::new();
    for each in spaces {
        readers.push(hub.open(each, "*").await);
    }

    for (number, each) in (0..).zip(spaces) {
        hub.acknowledge(each, number, [format!("for {number}")]);
    }

    for (number, reader) in readers.iter_mut().enumerate() {
        assert_eq!(messages(reader, 1).await, [format!("for {number}")]);
    }
    // Behind everything that was acknowledged above: nothing else was on its way to anybody.
    hub.open(space(9, 9), "*").await;
    for reader in &mut readers {
        assert!(futures::FutureExt::now_or_never(reader.next()).is_none());
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_once_and_a_gap_is_told() {
    let hub = Running::start(1000);
    let mut first = hub.open(space(1, 1), "*").await;
    hub.acknowledge(space(1, 1), 1, numbered(0..3));
    hub.acknowledge(space(1, 1), 2, numbered(3..5));
    let seen = frames(&mut first, 5).await;
    let id = seen[1].1["id"].as_str().unwrap().to_owned();
    drop(first);

    let mut again = hub.open_after(space(1, 1), "*", Some(&id), Right::default()).await;
    hub.acknowledge(space(1, 1), 3, numbered(5..6));
    assert_eq!(messages(&mut again, 4).await, ["line 2", "line 3", "line 4", "line 5"]);

    let unknown = EventKey { timestamp_ns: NOW_NS, batch_id: 1 << 50, batch_row: 0 }.id();
    let mut late = hub.open_after(space(1, 1), "line 5", Some(&unknown), Right::default()).await;
    let frames = frames(&mut late, 1).await;
    assert_eq!(frames[0], ("gap".into(), json!({"since": "2023-11-14T22:13:20Z"})));
}

#[tokio::test]
async fn a_slow_reader_is_told_how_many_are_missing_and_the_others_miss_nothing() {
    const EVENTS: u32 = 20_000;
    let hub = Running::start(1_000_000);
    let mut slow = hub.open(space(1, 1), "*").await;
    let mut fast = hub.open(space(1, 1), "*").await;

    for number in 0..EVENTS / 100 {
        hub.acknowledge(space(1, 1), number.into(), numbered(number * 100..(number + 1) * 100));
        assert_eq!(messages(&mut fast, 100).await.len(), 100);
    }
    let mut seen = frames(&mut slow, 1).await;
    hub.acknowledge(space(1, 1), u64::from(EVENTS), ["the last".to_owned()]);
    while seen.last().unwrap().1["message"] != "the last" {
        seen.extend(frames(&mut slow, 1).await);
    }

    let dropped: u64 =
        seen.iter().filter(|(name, _)| name == "dropped").map(|(_, count)| count.as_u64().unwrap()).sum();
    let shown = seen.iter().filter(|(name, _)| name == "log").count() as u64;
    assert!(dropped > 0);
    assert_eq!(shown + dropped, u64::from(EVENTS) + 1);
}

#[tokio::test]
async fn above_the_limit_a_sample_is_shown_and_said_to_be_one() {
    let hub = Running::start(10);
    let mut reading = hub.open(space(1, 1), "*").await;

    hub.acknowledge(space(1, 1), 1, numbered(0..10_000));

    let frames = frames(&mut reading, 60).await;
    let sampled: Vec<&Value> =
        frames.iter().filter(|(name, _)| name == "sampled").map(|(_, data)| data).collect();
    assert_eq!(
        sampled[..3],
        [&json!({"kept": 1, "of": 2}), &json!({"kept": 1, "of": 4}), &json!({"kept": 1, "of": 8})]
    );
}

#[tokio::test]
async fn a_tail_ends_with_the_right_to_read_whatever_still_waits() {
    let hub = Running::start(1000);
    let right = Right::default();
    let mut reading = hub.open_after(space(1, 1), "*", None, right.clone()).await;
    hub.acknowledge(space(1, 1), 1, numbered(0..10));
    hub.open(space(1, 1), "*").await;

    right.cancel();

    let rest: Vec<_> = futures::StreamExt::collect::<Vec<_>>(reading_stream(&mut reading)).await;
    assert_eq!(rest, [super::frame::ENDED]);
}

/// What the connection would still be sent.
fn reading_stream(reading: &mut Reading) -> impl futures::Stream<Item = actix_web::web::Bytes> {
    futures::stream::iter(futures::FutureExt::now_or_never(reading.next()).flatten())
}

#[tokio::test]
async fn a_thousand_readers_each_get_everything() {
    let hub = Running::start(1000);
    let mut readers = Vec::new();
    for number in 0..1000 {
        readers
            .push(hub.open(space(number % 20, 1), ["*", "line", "level:error"][number as usize % 3]).await);
    }
    for organization in 0..20 {
        hub.acknowledge(space(organization, 1), 1, numbered(0..100));
    }
    for reader in &mut readers {
        assert_eq!(messages(reader, 100).await.len(), 100);
    }
}
