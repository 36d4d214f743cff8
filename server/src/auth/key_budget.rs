//! How many rows the searches of a key may still read today.
//!
//! A day is one of UTC. What was read is counted here at once and written down every few seconds, when what other nodes counted
//! is learned too: so a key may read a little more than its budget, by what was under way.

use super::{AuthError, store};
use crate::db::Db;
use crate::time::{DAY_US, now_us};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Organization and key.
pub type KeyId = (Uuid, Uuid);

#[derive(Debug, Clone, Copy)]
struct Spent {
    day: i64,
    /// By all nodes, as far as it was written down.
    written: u64,
    /// By this one since.
    fresh: u64,
}

#[derive(Clone)]
pub struct Budgets {
    db: Db,
    spent: Arc<Mutex<HashMap<KeyId, Spent>>>,
}

impl Budgets {
    pub fn new(db: Db) -> Self {
        Self { db, spent: Arc::default() }
    }

    /// # Errors
    /// `BudgetSpent` until the end of the day.
    pub async fn check(&self, key: KeyId, rows_per_day: u64) -> Result<(), AuthError> {
        let now = now_us();
        let day = now / DAY_US;
        let read = match self.known(key, day) {
            Some(read) => read,
            None => self.learn(key, day).await?,
        };
        if read < rows_per_day {
            return Ok(());
        }
        let rest_us = (day + 1) * DAY_US - now;
        Err(AuthError::BudgetSpent { rows_per_day, retry_after_s: (rest_us / 1_000_000 + 1).unsigned_abs() })
    }

    /// Counts what a search has read.
    pub fn spend(&self, key: KeyId, rows: u64) {
        let day = now_us() / DAY_US;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = spent.entry(key).or_insert(Spent { day, written: 0, fresh: 0 });
        if entry.day != day {
            *entry = Spent { day, written: 0, fresh: 0 };
        }
        entry.fresh = entry.fresh.saturating_add(rows);
    }

    fn known(&self, key: KeyId, day: i64) -> Option<u64> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.get(&key).filter(|spent| spent.day == day).map(|spent| spent.written + spent.fresh)
    }

    async fn learn(&self, key: KeyId, day: i64) -> Result<u64, AuthError> {
        let written = store::rows_read(&self.db, key, day).await?;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = spent.entry(key).or_insert(Spent { day, written, fresh: 0 });
        if entry.day != day {
            *entry = Spent { day, written, fresh: 0 };
        }
        Ok(entry.written + entry.fresh)
    }

    /// Writes down what was counted since the last time, and forgets days that are over.
    ///
    /// # Errors
    /// The database does not answer: what was not written stays counted here.
    pub async fn write_down(&self) -> Result<(), AuthError> {
        let today = now_us() / DAY_US;
        let counted: Vec<(KeyId, Spent)> = {
            let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            spent.iter().map(|(key, spent)| (*key, *spent)).collect()
        };
        for (key, seen) in counted {
            if seen.fresh > 0 {
                let written = store::add_rows_read(&self.db, key, seen.day, seen.fresh).await?;
                let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(entry) = spent.get_mut(&key).filter(|entry| entry.day == seen.day) {
                    entry.written = written;
                    entry.fresh = entry.fresh.saturating_sub(seen.fresh);
                }
            } else if seen.day < today {
                let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
                if spent.get(&key).is_some_and(|entry| entry.day < today && entry.fresh == 0) {
                    spent.remove(&key);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on;

    #[tokio::test]
    async fn what_was_read_is_counted_over_restarts_and_the_budget_ends() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("cordwood.db").display());
        let db = Db::connect(&url, 1).await.unwrap();
        let key = (Uuid::now_v7(), Uuid::now_v7());
        on!(db.write(), pool => sqlx::query("INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, 'A', 'a', 1)")
            .bind(key.0).execute(pool).await.map(|_| ()))
        .unwrap();
        let first = Budgets::new(db.clone());
        first.check(key, 100).await.unwrap();
        first.spend(key, 60);
        first.write_down().await.unwrap();
        first.check(key, 100).await.unwrap();

        let second = Budgets::new(db);
        second.check(key, 100).await.unwrap();
        second.spend(key, 60);

        let refused = second.check(key, 100).await.unwrap_err();
        assert!(matches!(refused, AuthError::BudgetSpent { retry_after_s: 1..=86_401, .. }), "{refused:?}");
        second.write_down().await.unwrap();
        assert!(second.check(key, 120).await.is_err());
        assert!(second.check(key, 121).await.is_ok());
    }
}
