//! Counts what was turned away before it got into the log, and writes it down every few seconds.
//!
//! A crash forgets the last of these counts: they are about what was never accepted.

use super::count::{Account, Counted};
use super::{day_of, store};
use crate::db::Db;
use crate::time::now_us;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Different reasons of one moment beyond this are not told apart any more.
const MOST: usize = 10_000;

#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<Counted>>);

impl Refusals {
    /// A request of this project was refused as a whole.
    pub fn note(&self, organization_id: Uuid, project_id: Uuid, code: &str) {
        let at = now_us();
        let account = Account { organization_id, project_id, day: day_of(at) };
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.refusals.len() < MOST {
            counted.add_refusal(account, "request", code, 1, at);
        }
    }

    /// Writes the counts down; what the database does not take is kept for the next time.
    pub async fn flush(&self, db: &Db) {
        let counted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counted.is_empty() {
            return;
        }
        if let Err(error) = store::write(db, &counted, None).await {
            tracing::debug!(%error, "refused requests are not counted yet");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).merge(counted);
        }
    }
}
