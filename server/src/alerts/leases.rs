//! Which node evaluates which rules. Rules fall into shards, and a shard belongs to one node at a time.
//!
//! A node renews its leases every 5 s and loses them 15 s after the last renewal. A shard that changes hands gets a larger
//! fencing number, which every write of a state names: a node that was asleep cannot write any more. Each node takes its share
//! of the shards, and gives some back when another one joins.

use crate::db::Db;
use crate::on;
use crate::time::{Micros, SECOND_US};
use uuid::Uuid;

pub const SHARDS: i64 = 16;
pub const LEASE_US: Micros = 15 * SECOND_US;
pub const RENEW_US: Micros = 5 * SECOND_US;

crate::statements! {
    HEARTBEAT = "INSERT INTO alert_nodes (node, seen_at) VALUES ($1, $2) ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at";
    FORGET_NODES = "DELETE FROM alert_nodes WHERE seen_at < $1 OR seen_at > $2";
    COUNT_NODES = "SELECT COUNT(*) FROM alert_nodes";
    RENEW = "UPDATE alert_leases SET expires_at = $2 WHERE owner = $1";
    COUNT_HELD = "SELECT COUNT(*) FROM alert_leases WHERE owner = $1";
    // an end too far in the future was written by a clock that was wrong
    TAKE_FREE = "UPDATE alert_leases SET owner = $1, fence = fence + 1, expires_at = $2 \
        WHERE (expires_at < $3 OR expires_at > $4) AND shard IN ( \
            SELECT shard FROM alert_leases WHERE expires_at < $3 OR expires_at > $4 ORDER BY shard LIMIT $5)";
    GIVE_BACK = "UPDATE alert_leases SET owner = '', expires_at = 0 \
        WHERE owner = $1 AND shard IN (SELECT shard FROM alert_leases WHERE owner = $1 ORDER BY shard DESC LIMIT $2)";
    NEXT_END = "SELECT MIN(expires_at) FROM alert_leases WHERE owner <> $1 AND owner <> ''";
    LEAVE = "DELETE FROM alert_nodes WHERE node = $1";
}

/// The leases of one run of one node.
#[derive(Clone)]
pub struct Leases {
    db: Db,
    /// Different at each start, so that a node which was killed does not take itself for its predecessor.
    owner: String,
}

/// Where a shard falls: by the random end of the id, as its beginning is a time.
#[must_use]
pub fn shard_of(rule_id: Uuid) -> i64 {
    i64::from(rule_id.as_bytes()[15]) % SHARDS
}

impl Leases {
    #[must_use]
    pub fn new(db: Db, node: &str) -> Self {
        Self { db, owner: format!("{node}/{}", Uuid::now_v7().simple()) }
    }

    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Renews what is held, takes what is free up to a fair share, gives back what is beyond it. Tells how many are held.
    ///
    /// # Errors
    /// The database does not answer; what was held is lost when that lasts.
    pub async fn renew(&self, now: Micros) -> Result<i64, sqlx::Error> {
        let (until, lost, wrong) = (now + LEASE_US, now - LEASE_US, now + 4 * LEASE_US);
        on!(self.db.write(), pool => {
            sqlx::query(HEARTBEAT).bind(&self.owner).bind(now).execute(pool).await?;
            sqlx::query(FORGET_NODES).bind(lost).bind(wrong).execute(pool).await?;
            let nodes: i64 = sqlx::query_scalar(COUNT_NODES).fetch_one(pool).await?;
            sqlx::query(RENEW).bind(&self.owner).bind(until).execute(pool).await?;
            let held: i64 = sqlx::query_scalar(COUNT_HELD).bind(&self.owner).fetch_one(pool).await?;
            let share = (SHARDS + nodes.max(1) - 1) / nodes.max(1);
            if held > share {
                sqlx::query(GIVE_BACK).bind(&self.owner).bind(held - share).execute(pool).await?;
            } else if held < share {
                sqlx::query(TAKE_FREE)
                    .bind(&self.owner).bind(until).bind(now).bind(wrong).bind(share - held)
                    .execute(pool).await?;
            }
            sqlx::query_scalar(COUNT_HELD).bind(&self.owner).fetch_one(pool).await
        })
    }

    /// How long nothing can have changed: until it is time to renew, or until a lease of another node ends unless that one renews it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rest(&self, now: Micros) -> Result<Micros, sqlx::Error> {
        let end: Option<Micros> = on!(self.db.read(), pool => sqlx::query_scalar(NEXT_END)
            .bind(&self.owner).fetch_one(pool).await)?;
        let until_end = end.map_or(RENEW_US, |end| end + 1 - now);
        Ok(until_end.clamp(SECOND_US / 4, RENEW_US))
    }

    /// Gives everything back, so that another node goes on at once.
    ///
    /// # Errors
    /// The database does not answer; the leases end by themselves then.
    pub async fn release(&self) -> Result<(), sqlx::Error> {
        on!(self.db.write(), pool => {
            sqlx::query(GIVE_BACK).bind(&self.owner).bind(SHARDS).execute(pool).await?;
            sqlx::query(LEAVE).bind(&self.owner).execute(pool).await.map(|_| ())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    const NOW: Micros = 1_700_000_000_000_000;

    #[tokio::test]
    async fn a_lone_node_holds_everything_and_shares_with_the_next() {
        for db in testing::databases().await {
            let (one, two) = (Leases::new(db.clone(), "one"), Leases::new(db.clone(), "two"));
            assert_eq!(one.renew(NOW).await.unwrap(), SHARDS);
            assert_eq!(two.renew(NOW).await.unwrap(), 0, "nothing is free");
            assert_eq!(one.renew(NOW + RENEW_US).await.unwrap(), SHARDS / 2, "gave its surplus back");
            assert_eq!(two.renew(NOW + RENEW_US).await.unwrap(), SHARDS / 2);
        }
    }

    #[tokio::test]
    async fn what_a_dead_node_held_is_taken_after_the_lease_and_not_before() {
        for db in testing::databases().await {
            let (dead, heir) = (Leases::new(db.clone(), "one"), Leases::new(db.clone(), "two"));
            dead.renew(NOW).await.unwrap();
            assert_eq!(heir.renew(NOW + LEASE_US).await.unwrap(), 0);
            heir.renew(NOW + LEASE_US + 1).await.unwrap();
            assert_eq!(heir.renew(NOW + LEASE_US + 2).await.unwrap(), SHARDS);
            assert_eq!(dead.renew(NOW + LEASE_US + 3).await.unwrap(), 0, "it wakes up and holds nothing");
        }
    }

    #[tokio::test]
    async fn a_node_looks_again_at_the_moment_when_a_lease_of_another_one_ends() {
        for db in testing::databases().await {
            let (dead, heir) = (Leases::new(db.clone(), "one"), Leases::new(db.clone(), "two"));
            dead.renew(NOW).await.unwrap();
            heir.renew(NOW).await.unwrap();
            assert_eq!(heir.rest(NOW).await.unwrap(), RENEW_US);
            let before_the_end = NOW + LEASE_US - SECOND_US;
            assert_eq!(heir.rest(before_the_end).await.unwrap(), SECOND_US + 1);
            assert!(heir.renew(before_the_end + SECOND_US + 1).await.unwrap() > 0);
        }
    }

    #[tokio::test]
    async fn a_node_that_stops_leaves_at_once() {
        for db in testing::databases().await {
            let (one, two) = (Leases::new(db.clone(), "one"), Leases::new(db.clone(), "two"));
            one.renew(NOW).await.unwrap();
            one.release().await.unwrap();
            assert_eq!(two.renew(NOW + 1).await.unwrap(), SHARDS);
        }
    }

    #[tokio::test]
    async fn a_lease_written_by_a_wrong_clock_does_not_last_for_years() {
        for db in testing::databases().await {
            let (wrong, right) = (Leases::new(db.clone(), "one"), Leases::new(db.clone(), "two"));
            wrong.renew(NOW + 365 * crate::time::DAY_US).await.unwrap();
            assert_eq!(right.renew(NOW).await.unwrap(), SHARDS);
        }
    }

    #[test]
    fn rules_made_one_after_the_other_fall_into_all_shards() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            seen.insert(shard_of(Uuid::now_v7()));
        }
        assert_eq!(seen.len(), usize::try_from(SHARDS).unwrap());
    }
}
