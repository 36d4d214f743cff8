//! The time that all nodes agree on: the database's, kept going by this node's monotonic clock between two looks.
//!
//! A SQLite file is shared by the processes of one machine at most, so there it is the machine's own clock.

use crate::db::{Db, Pool};
use crate::time::{Micros, now_us};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const POSTGRES_NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";

#[derive(Clone, Default)]
pub struct Clock(Arc<Mutex<Source>>);

#[derive(Clone, Copy, Default)]
enum Source {
    #[default]
    Machine,
    Database {
        at: Micros,
        seen: Instant,
    },
    #[cfg(test)]
    Stopped(Micros),
}

impl Clock {
    /// Asks the database. Until the first time it is the machine's clock; while the database is away, the last answer goes on.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn look(&self, db: &Db) -> Result<(), sqlx::Error> {
        if let Pool::Postgres(pool) = db.read() {
            let seen = Instant::now();
            let at: Micros = sqlx::query_scalar(POSTGRES_NOW).fetch_one(pool).await?;
            self.change(Source::Database { at, seen });
        }
        Ok(())
    }

    #[must_use]
    pub fn now(&self) -> Micros {
        match *self.lock() {
            Source::Machine => now_us(),
            Source::Database { at, seen } => at + i64::try_from(seen.elapsed().as_micros()).unwrap_or(0),
            #[cfg(test)]
            Source::Stopped(at) => at,
        }
    }

    #[cfg(test)]
    pub fn stop_at(&self, now: Micros) {
        *self.lock() = Source::Stopped(now);
    }

    fn change(&self, source: Source) {
        let mut current = self.lock();
        #[cfg(test)]
        if matches!(*current, Source::Stopped(_)) {
            return;
        }
        *current = source;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
