//! Forgets the history of alerts whose time has ended: evaluations, transitions, notifications and their attempts.
//!
//! What is not delivered yet stays, and so does the last transition of each group of a rule, which tells since when it is in its
//! state. Every node does it, a few rows in each statement, so that nobody waits for it; doing it twice changes nothing.

use super::AlertError;
use super::clock::Clock;
use crate::db::Db;
use crate::on;
use crate::time::{DAY_US, Micros};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(3_600);
/// Evaluations are many, and asked about soon or never.
const MOST_EVALUATIONS_US: Micros = 7 * DAY_US;
/// Rows of one statement.
const BATCH: i64 = 200;

crate::statements! {
    FORGET_EVALUATIONS = "DELETE FROM alert_evaluations WHERE (rule_id, slot) IN \
        (SELECT rule_id, slot FROM alert_evaluations WHERE evaluated_at < $1 ORDER BY evaluated_at LIMIT $2)";
    FORGET_NOTIFICATIONS = "DELETE FROM alert_outbox WHERE state <> 'queued' AND id IN \
        (SELECT o.id FROM alert_outbox o WHERE o.created_at < $1 AND o.state <> 'queued' \
        AND (o.sent_at IS NULL OR o.sent_at < $1) ORDER BY o.created_at LIMIT $2) RETURNING id";
    FORGET_ATTEMPTS = "DELETE FROM alert_deliveries WHERE outbox_id = $1";
    FORGET_EVENTS = "DELETE FROM alert_events WHERE id IN \
        (SELECT e.id FROM alert_events e WHERE e.at < $1 \
        AND NOT EXISTS (SELECT 1 FROM alert_outbox o WHERE o.organization_id = e.organization_id AND o.event_id = e.id \
            AND o.state = 'queued') \
        AND (EXISTS (SELECT 1 FROM alert_events l WHERE l.rule_id = e.rule_id AND l.group_key = e.group_key AND l.id > e.id) \
            OR NOT EXISTS (SELECT 1 FROM alert_rules r WHERE r.organization_id = e.organization_id AND r.id = e.rule_id)) \
        ORDER BY e.at LIMIT $2)";
}

/// How many rows a round took out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub evaluations: u64,
    pub notifications: u64,
    pub events: u64,
}

#[derive(Clone)]
pub struct Retention {
    db: Db,
    kept_us: Micros,
}

impl Retention {
    #[must_use]
    pub fn new(db: Db, days: u32) -> Self {
        Self { db, kept_us: i64::from(days) * DAY_US }
    }

    /// A round each hour, until the shutdown.
    pub async fn run(self, clock: Clock, stop: CancellationToken) {
        loop {
            let round = tokio::select! {
                round = self.forget_old(clock.now()) => round,
                () = stop.cancelled() => return,
            };
            match round {
                Ok(forgotten) if forgotten == Forgotten::default() => {}
                Ok(Forgotten { evaluations, notifications, events }) => {
                    tracing::info!(evaluations, notifications, events, "forgot old history of alerts");
                }
                Err(error) => tracing::warn!(%error, "old history of alerts is forgotten in the next round"),
            }
            tokio::select! { () = tokio::time::sleep(PAUSE) => {}, () = stop.cancelled() => return }
        }
    }

    /// Takes out what is too old at `now`.
    ///
    /// # Errors
    /// The database does not answer; what is done is done.
    pub async fn forget_old(&self, now: Micros) -> Result<Forgotten, AlertError> {
        let mut forgotten = Forgotten::default();
        let evaluated_before = now - self.kept_us.min(MOST_EVALUATIONS_US);
        while let rows @ 1.. = self.forget(FORGET_EVALUATIONS, evaluated_before).await? {
            forgotten.evaluations += rows;
        }
        while let rows @ 1.. = self.forget_notifications(now - self.kept_us).await? {
            forgotten.notifications += rows;
        }
        while let rows @ 1.. = self.forget(FORGET_EVENTS, now - self.kept_us).await? {
            forgotten.events += rows;
        }
        Ok(forgotten)
    }

    async fn forget(&self, statement: &'static str, before: Micros) -> Result<u64, AlertError> {
        on!(self.db.write(), pool => sqlx::query(statement)
            .bind(before).bind(BATCH).execute(pool).await.map(|done| done.rows_affected()))
        .map_err(AlertError::store("forget old history of alerts"))
    }

    /// Notifications go together with their attempts.
    async fn forget_notifications(&self, before: Micros) -> Result<u64, AlertError> {
        let forget = async {
            on!(self.db.write(), pool => {
                let mut transaction = pool.begin().await?;
                let ids: Vec<Uuid> = sqlx::query_scalar(FORGET_NOTIFICATIONS)
                    .bind(before).bind(BATCH).fetch_all(&mut *transaction).await?;
                for id in &ids {
                    sqlx::query(FORGET_ATTEMPTS).bind(id).execute(&mut *transaction).await?;
                }
                transaction.commit().await.map(|()| ids.len() as u64)
            })
        };
        forget.await.map_err(AlertError::store("forget old notifications"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, databases};
    use super::*;
    use crate::time::MINUTE_US;
    use serde_json::json;

    const EVENTS: &str = "SELECT COUNT(*) FROM alert_events";
    const NOTIFICATIONS: &str = "SELECT COUNT(*) FROM alert_outbox";
    const ATTEMPTS: &str = "SELECT COUNT(*) FROM alert_deliveries";
    const EVALUATIONS: &str = "SELECT COUNT(*) FROM alert_evaluations";

    impl World {
        async fn counts(&self) -> [i64; 4] {
            let mut counts = [0; 4];
            for (count, sql) in counts.iter_mut().zip([EVENTS, NOTIFICATIONS, ATTEMPTS, EVALUATIONS]) {
                *count = self.count(sql).await;
            }
            counts
        }

        /// What is left of evaluations, transitions, notifications and attempts after so many days.
        async fn after_days(&self, kept: u32, days: i64) -> [i64; 4] {
            let retention = Retention::new(self.db.clone(), kept);
            let now = self.start + days * DAY_US + 10 * MINUTE_US;
            retention.forget_old(now).await.unwrap();
            assert_eq!(retention.forget_old(now).await.unwrap(), Forgotten::default(), "nothing twice");
            self.counts().await
        }
    }

    #[tokio::test]
    async fn history_goes_after_its_days_and_the_last_transition_of_each_group_stays() {
        for db in databases().await {
            let world = World::new(db).await;
            world.rule(json!({"name": "by source"})).await;
            // api fires and is well again, web fires and goes on
            world.search.by_source(&[("api", 12.0), ("web", 3.0)]);
            world.minute(0).await;
            world.search.by_source(&[("api", 1.0), ("web", 30.0)]);
            world.minute(1).await;
            world.minute(2).await;
            assert_eq!(world.counts().await, [3, 3, 3, 3]);

            assert_eq!(world.after_days(90, 6).await, [3, 3, 3, 3]);
            assert_eq!(world.after_days(90, 8).await, [3, 3, 3, 0], "evaluations are kept for a week");
            assert_eq!(world.after_days(90, 89).await, [3, 3, 3, 0]);
            assert_eq!(world.after_days(90, 91).await, [2, 0, 0, 0]);
            let last = "SELECT COUNT(*) FROM alert_events WHERE (group_key = 'source=api' AND to_state = 'ok') \
                OR (group_key = 'source=web' AND to_state = 'firing')";
            assert_eq!(world.count(last).await, 2);
        }
    }

    #[tokio::test]
    async fn what_is_not_delivered_stays_with_its_transition() {
        for db in databases().await {
            let world = World::new(db).await;
            world.rule(json!({})).await;
            for (minute, value) in [(0, 12.0), (1, 1.0)] {
                world.search.value(value);
                world.minute(minute).await;
            }
            world.execute("UPDATE alert_outbox SET state = 'queued' WHERE transition LIKE '%fired'").await;
            assert_eq!(world.after_days(90, 91).await, [2, 1, 1, 0]);
            world.execute("UPDATE alert_outbox SET state = 'failed'").await;
            assert_eq!(world.after_days(90, 91).await, [1, 0, 0, 0]);
        }
    }

    #[tokio::test]
    async fn the_history_of_a_rule_that_is_gone_goes_as_a_whole_and_new_history_stays() {
        for db in databases().await {
            let world = World::new(db).await;
            let gone = world.rule(json!({})).await;
            world.search.value(12.0);
            world.minute(0).await;
            let rule = world.stored(gone).await;
            assert!(world.store().delete(&rule, &Default::default()).await.unwrap());
            world.rule(json!({})).await;
            world.minute(5 * 24 * 60).await;
            assert_eq!(world.counts().await, [2, 2, 2, 1]);
            assert_eq!(world.after_days(3, 4).await, [1, 1, 1, 1]);
        }
    }

    #[tokio::test]
    async fn more_than_one_statement_takes_goes_too() {
        let world = World::new(databases().await.remove(0)).await;
        world.rule(json!({"name": "storm", "channel_ids": []})).await;
        let names: Vec<String> = (0..450).map(|number| format!("web-{number:03}")).collect();
        for (minute, value) in [(0, 11.0), (1, 1.0)] {
            let values: Vec<_> = names.iter().map(|name| (name.as_str(), value)).collect();
            world.search.by_source(&values);
            world.minute(minute).await;
        }
        assert_eq!(world.count(EVENTS).await, 900);
        assert_eq!(world.after_days(90, 91).await[0], 450);
    }
}
