//! What each organization sends, and how much of it is allowed.
//!
//! Counted where it is exact: the shipper adds up what it has stored (`count`) and writes it down together with how far its log
//! is counted (`store`), so that neither a crash nor a repeat loses or doubles anything, and the log forgets nothing that is not
//! counted. `refusals` counts what was turned away before it got into the log. What is allowed is in the organization's `plan`:
//! `quota` holds it to the daily limits by what is written down plus what is on its way (`sent`); `notices` warns its admins by mail
//! at 80 and at 100 percent. The limits of members and of retention are kept by `accounts`.

pub mod count;
pub mod http;
pub(crate) mod notices;
pub mod overview;
pub mod plan;
mod plan_text;
pub mod quota;
pub mod refusals;
pub mod sent;
pub mod store;

use crate::error::{Problem, ProblemKind};
use crate::time::{DAY_US, Micros};

#[derive(Debug, thiserror::Error)]
#[error("failed to {action}")]
pub struct UsageError {
    action: &'static str,
    #[source]
    source: sqlx::Error,
}

impl Problem for UsageError {
    fn kind(&self) -> ProblemKind {
        ProblemKind::of_sqlx(&self.source)
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> UsageError {
    move |source| UsageError { action, source }
}

/// Days since 1970, UTC: what is counted together.
#[must_use]
pub fn day_of(at: Micros) -> i64 {
    at.div_euclid(DAY_US)
}

/// As `2026-03-10`.
#[must_use]
pub fn day_text(day: i64) -> String {
    crate::time::rfc3339(day * DAY_US).chars().take(10).collect()
}
