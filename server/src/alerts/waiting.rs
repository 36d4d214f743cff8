//! Events that are acknowledged and not stored yet, on this node and on others: a rule waits until its window is complete, so that
//! a backlog neither resolves what is bad nor looks like silence.
//!
//! A node writes a row only while it is behind; what a node that is gone had left is not waited for.

use crate::db::Db;
use crate::on;
use crate::time::{Micros, SECOND_US, now_us};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A row that was not renewed for so long is of a node that is gone.
const GONE_US: Micros = 30 * SECOND_US;
const TELL_EVERY: Duration = Duration::from_secs(3);
/// Delivery takes a moment in any case; only what is older is told to others.
const USUAL_US: Micros = 3 * SECOND_US;

crate::statements! {
    TELL = "INSERT INTO ingest_waiting (node, waiting_since, seen_at) VALUES ($1, $2, $3) \
        ON CONFLICT (node) DO UPDATE SET waiting_since = excluded.waiting_since, seen_at = excluded.seen_at";
    FORGET = "DELETE FROM ingest_waiting WHERE node = $1 OR seen_at < $2";
    OLDEST_OF_OTHERS = "SELECT MIN(waiting_since) FROM ingest_waiting WHERE node <> $1 AND seen_at > $2";
}

type Own = dyn Fn() -> Option<Micros> + Send + Sync;

/// Cheap to clone.
#[derive(Clone)]
pub struct Waiting {
    db: Db,
    node: Arc<str>,
    /// When the oldest event arrived that this node has not delivered yet.
    own: Arc<Own>,
    /// The same of other nodes, as it was at the last look; 0: there is none.
    others: Arc<AtomicI64>,
}

impl Waiting {
    #[must_use]
    pub fn new(db: Db, own: impl Fn() -> Option<Micros> + Send + Sync + 'static) -> Self {
        let node = Uuid::now_v7().to_string().into();
        Self { db, node, own: Arc::new(own), others: Arc::default() }
    }

    /// Tells other nodes how far this one is behind, until the shutdown.
    pub async fn tell(self, stop: CancellationToken) {
        let mut is_told = false;
        while !stop.is_cancelled() {
            let now = now_us();
            let behind = (self.own)().filter(|since| now - since > USUAL_US);
            let told = match behind {
                Some(since) => self.write(since, now).await.map(|()| true),
                None if is_told => self.forget(now).await.map(|()| false),
                None => Ok(false),
            };
            match told {
                Ok(told) => is_told = told,
                Err(error) => tracing::warn!(%error, "cannot tell other nodes what waits here"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TELL_EVERY) => {}
            }
        }
    }

    /// Asks how far the others are behind.
    ///
    /// # Errors
    /// The database does not answer; what was known goes on.
    pub async fn look(&self, now: Micros) -> Result<(), sqlx::Error> {
        let oldest: Option<Micros> = on!(self.db.read(), pool => sqlx::query_scalar(OLDEST_OF_OTHERS)
            .bind(&*self.node).bind(now - GONE_US).fetch_one(pool).await)?;
        self.others.store(oldest.unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }

    /// When the oldest event arrived that some node still has to deliver.
    #[must_use]
    pub fn oldest(&self) -> Option<Micros> {
        let others = Some(self.others.load(Ordering::Relaxed)).filter(|oldest| *oldest > 0);
        [(self.own)(), others].into_iter().flatten().min()
    }

    async fn write(&self, since: Micros, now: Micros) -> Result<(), sqlx::Error> {
        on!(self.db.write(), pool => sqlx::query(TELL)
            .bind(&*self.node).bind(since).bind(now).execute(pool).await.map(|_| ()))
    }

    async fn forget(&self, now: Micros) -> Result<(), sqlx::Error> {
        on!(self.db.write(), pool => sqlx::query(FORGET)
            .bind(&*self.node).bind(now - 10 * GONE_US).execute(pool).await.map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, databases};
    use super::*;
    use crate::time::MINUTE_US;
    use serde_json::json;

    #[tokio::test]
    async fn one_node_waits_for_what_another_one_has_not_delivered() {
        for db in databases().await {
            let (behind, other) = (Waiting::new(db.clone(), || Some(7)), Waiting::new(db.clone(), || None));
            assert_eq!((behind.oldest(), other.oldest()), (Some(7), None));
            behind.write(7, now_us()).await.unwrap();
            other.look(now_us()).await.unwrap();
            assert_eq!(other.oldest(), Some(7));
            other.look(now_us() + 2 * GONE_US).await.unwrap();
            assert_eq!(other.oldest(), None, "a node that is gone is not waited for");
            behind.forget(now_us()).await.unwrap();
            other.look(now_us()).await.unwrap();
            assert_eq!(other.oldest(), None);
        }
    }

    #[tokio::test]
    async fn a_backlog_neither_resolves_an_alert_nor_holds_it_for_ever() {
        let world = World::new(databases().await.remove(0)).await;
        let rule = world.rule(json!({"delay": "15s"})).await;
        world.search.value(12.0);
        world.minute(0).await;
        assert_eq!(world.state(rule).await, "firing");
        // the engine was away: what arrived since is not stored, and its window looks empty
        world.backlog_since(Some(world.start - 10 * MINUTE_US));
        world.search.value(0.0);
        for minute in 1..10 {
            world.minute(minute).await;
        }
        assert_eq!(
            world.state(rule).await,
            "firing",
            "nothing was evaluated over windows that are not complete"
        );
        world.backlog_since(None);
        world.minute(10).await;
        assert_eq!(world.state(rule).await, "ok");
        world.backlog_since(Some(world.start));
        world.search.value(12.0);
        for minute in 11..23 {
            world.minute(minute).await;
        }
        assert_eq!(world.state(rule).await, "firing", "after ten minutes it is evaluated all the same");
    }
}
