//! Rules that ask the same are answered by one search: same organization, row rule, project, query, column and window.
//!
//! Such rules have the same slots, because slots follow from what is asked (`Definition::schedule`), so they come together.

use super::evaluate::{Ask, Evaluate, Evaluation, Failure, Labels, Lines};
use crate::sight::Sight;
use futures::future::BoxFuture;
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Rules of one slot are evaluated within seconds of each other; what is older is asked for anew.
const KEPT: Duration = Duration::from_secs(10);
const ANSWERS: u64 = 1_000;

type Question = (Sight, Uuid, String, Option<String>, bool, i64, i64);

/// Asks `inner`, and gives what it answered to whoever asks the same meanwhile or shortly after.
pub struct Shared {
    inner: Arc<dyn Evaluate>,
    answers: Cache<Question, Result<Evaluation, Failure>>,
}

impl Shared {
    #[must_use]
    pub fn new(inner: Arc<dyn Evaluate>) -> Self {
        Self { inner, answers: Cache::builder().max_capacity(ANSWERS).time_to_live(KEPT).build() }
    }
}

impl Evaluate for Shared {
    fn evaluate<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Evaluation, Failure>> {
        let (query, value) = (ask.query.clone(), ask.value.clone());
        let question =
            (ask.sight.clone(), ask.project_id, query, value, ask.smaller_is_worse, ask.from_us, ask.to_us);
        Box::pin(async move {
            let answer =
                self.answers.get_with(question.clone(), async { self.inner.evaluate(ask).await }).await;
            if answer.is_err() {
                self.answers.invalidate(&question).await;
            }
            answer
        })
    }

    fn lines<'a>(
        &'a self,
        ask: &'a Ask,
        group: &'a Labels,
        limit: usize,
    ) -> BoxFuture<'a, Result<Lines, Failure>> {
        self.inner.lines(ask, group, limit)
    }
}
