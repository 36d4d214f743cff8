//! Usage and quotas of a node: exact through restarts, repeats and refusals.

use super::*;
use crate::usage::count::Numbers;
use crate::usage::store::{self, Days};
use std::path::Path;

const ALWAYS: Days = (0, 1_000_000);

async fn totals(node: &Node) -> Numbers {
    let days = store::by_day(&node.db, &node.scope(), ALWAYS).await.unwrap();
    let mut sum = Numbers::default();
    for day in days {
        sum.add(&Numbers {
            events: day.events as u64,
            bytes: day.bytes as u64,
            rejected: day.rejected as u64,
            masked: day.masked as u64,
            last_at: 0,
        });
    }
    sum
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[actix_web::test]
async fn what_is_counted_is_what_is_stored_by_day_key_and_source() {
    let mut node = Node::start().await;
    let mut expected = 0;
    for round in 0..4 {
        node.sink.fail_always([Some(Fault::AnswerLost), None][round % 2]);
        let events: Vec<Value> = (0..10)
            .map(|number| match number {
                0 => json!({"message": "poison", "source": "api"}),
                1 => json!({"message": "old", "timestamp": "1999-01-01T00:00:00Z"}),
                _ => json!({"message": format!("event {round} {number}"), "source": format!("s{}", number % 3)}),
            })
            .collect();
        expected += 8;
        node.send_text(&json!(events).to_string()).await;
        node = node.restart().await;
    }
    node.sink.fail_always(None);
    eventually(async || node.sink.messages().len() == expected).await;
    eventually(async || totals(&node).await.events == expected as u64).await;

    assert_eq!(totals(&node).await.rejected, 4);
    let scope = node.scope();
    let keys = store::by_key(&node.db, &scope, ALWAYS).await.unwrap();
    assert_eq!(
        keys.iter().map(|key| (key.name.as_deref(), key.events)).collect::<Vec<_>>(),
        [(Some("test"), 32)]
    );
    let sources = store::by_source(&node.db, &scope, ALWAYS).await.unwrap();
    assert_eq!(sources.len(), 3);
    let sum = |of: fn(&store::SourceRow) -> i64| sources.iter().map(of).sum::<i64>() as u64;
    let total = totals(&node).await;
    assert_eq!((sum(|row| row.events), sum(|row| row.bytes)), (total.events, total.bytes));
    let refusals = store::by_refusal(&node.db, &scope, ALWAYS).await.unwrap();
    let mut refusals: Vec<_> =
        refusals.iter().map(|row| (row.kind.as_str(), row.code.as_str(), row.count)).collect();
    refusals.sort_unstable();
    assert_eq!(refusals, [("event", "refused_by_store", 4), ("event", "too_old", 4)]);
    let stranger = TenantScope::of_job(Uuid::now_v7());
    assert!(store::by_day(&node.db, &stranger, ALWAYS).await.unwrap().is_empty());
}

#[actix_web::test]
async fn what_is_shipped_again_after_a_crash_is_not_counted_again() {
    let node = Node::start().await;
    node.sink.fail_always(Some(Fault::Down));
    node.send_text(r#"[{"message":"a"},{"message":"b"}]"#).await;
    // The batch is sealed: it will be the same when it is sent again.
    eventually(async || node.sink.inserts() > 0).await;
    let (wal, before) = (node.folder.path().join("wal"), node.folder.path().join("before"));
    copy(&wal, &before);
    node.sink.fail_always(None);
    eventually(async || totals(&node).await.events == 2).await;

    // A crash before the log could forget: on the disk it still has everything.
    let Node { folder, settings, db, auth, sink, shutdown, ingest, organization_id, project_id, key } = node;
    shutdown.begin();
    drop(ingest);
    assert!(shutdown.finish(Duration::from_secs(20)).await);
    std::fs::remove_dir_all(&wal).unwrap();
    copy(&before, &wal);
    let shutdown = Shutdown::default();
    let ingest = Ingest::start(&settings, db.clone(), sink.clone(), &shutdown).await.unwrap();
    let node = Node { folder, settings, db, auth, sink, shutdown, ingest, organization_id, project_id, key };
    node.send_text(r#"{"message":"c"}"#).await;

    node.stores(&["a", "b", "c"]).await;
    eventually(async || totals(&node).await.events >= 3).await;
    assert_eq!(totals(&node).await.events, 3);
}

#[actix_web::test]
async fn a_used_quota_is_answered_429_until_the_day_ends_also_after_a_restart() {
    let defaults = crate::config::defaults_for_tests();
    let node = Node::start_with(Settings { quota_daily_events: 3, ..defaults }).await;
    node.sink.fail_always(Some(Fault::Down));
    for number in 0..3 {
        let (status, _) = node.send_text(&json!({"message": format!("event {number}")}).to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    let refused = async |node: &Node| {
        let (status, answer) = node.send_text(r#"{"message":"too much"}"#).await;
        assert_eq!((status.as_u16(), &answer["code"]), (429, &json!("daily_quota_reached")));
    };
    refused(&node).await;

    let node = node.restart().await;
    refused(&node).await;
    node.sink.fail_always(None);
    eventually(async || totals(&node).await.events == 3).await;
    refused(&node).await;
    let node = node.restart().await;
    node.ingest.quota().refresh(&node.db).await.unwrap();
    refused(&node).await;

    node.stores(&["event 0", "event 1", "event 2"]).await;
}

#[actix_web::test]
async fn a_keys_own_day_is_known_after_a_restart_by_what_was_stored() {
    let node = Node::start().await;
    on!(node.db.write(), pool => sqlx::query("UPDATE api_keys SET daily_events = 3").execute(pool).await.map(|_| ()))
        .unwrap();
    for number in 0..3 {
        let (status, _) = node.send_text(&json!({"message": format!("event {number}")}).to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    let refused = async |node: &Node| {
        let (status, answer) = node.send_text(r#"{"message":"too much"}"#).await;
        assert_eq!((status.as_u16(), &answer["code"]), (429, &json!("key_daily_quota_reached")));
    };
    refused(&node).await;
    eventually(async || totals(&node).await.events == 3).await;
    refused(&node).await;

    let mut node = node.restart().await;

    refused(&node).await;
    node.ingest.quota().refresh(&node.db).await.unwrap();
    refused(&node).await;
    node.key = node.admin_key().await;
    assert_eq!(node.send_text(r#"{"message":"another key"}"#).await.0, StatusCode::ACCEPTED);
    node.stores(&["event 0", "event 1", "event 2", "another key"]).await;
}
