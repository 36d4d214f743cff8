//! Answers that were given before, for as long as they are still what the log store would say.
//!
//! An answer is kept with the state that the logs of its days had before it was computed, and given again only in the same
//! state: an event that came meanwhile, or one that was erased, makes it unreachable.

use crate::config::Settings;
use crate::logstore::{Answer, State};
use crate::tenant::TenantScope;
use query_lang::sql::Compiled;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What is erased must also leave the memory.
const LONGEST: Duration = Duration::from_secs(600);
/// Larger answers are not kept.
const MOST_BYTES: usize = 4 << 20;

/// Whose question, and which one.
type Key = (Uuid, String);

#[derive(Clone)]
pub(super) struct Cache {
    answers: Option<moka::future::Cache<Key, Arc<Kept>>>,
}

struct Kept {
    answer: Answer,
    state: State,
    since: Instant,
}

impl Cache {
    pub fn of(settings: &Settings) -> Self {
        let bytes = settings.search_cache_bytes;
        let answers = (bytes > 0).then(|| {
            moka::future::Cache::builder()
                .max_capacity(bytes)
                .weigher(|key: &Key, kept: &Arc<Kept>| {
                    u32::try_from(key.1.len() + size_of_answer(&kept.answer)).unwrap_or(u32::MAX)
                })
                .time_to_live(LONGEST)
                .build()
        });
        Self { answers }
    }

    pub fn is_on(&self) -> bool {
        self.answers.is_some()
    }

    pub async fn get(&self, tenant: &TenantScope, compiled: &Compiled, state: State) -> Option<Answer> {
        let kept = self.answers.as_ref()?.get(&key_of(tenant, compiled)).await?;
        if kept.state != state {
            return None;
        }
        metrics::counter!("cordwood_search_cached_total").increment(1);
        let mut answer = kept.answer.clone();
        answer.stats.age_ms = Some(kept.since.elapsed().as_secs_f64() * 1e3);
        Some(answer)
    }

    /// Keeps an answer that was computed after the logs were in `state`.
    pub async fn keep(&self, tenant: &TenantScope, compiled: &Compiled, state: State, answer: &Answer) {
        let Some(answers) = self.answers.as_ref().filter(|_| size_of_answer(answer) <= MOST_BYTES) else {
            return;
        };
        let kept = Kept { answer: answer.clone(), state, since: Instant::now() };
        answers.insert(key_of(tenant, compiled), Arc::new(kept)).await;
    }
}

/// The statement with its values. The columns and their forms follow from it.
fn key_of(tenant: &TenantScope, compiled: &Compiled) -> Key {
    let values = serde_json::to_string(&compiled.parameters).unwrap_or_default();
    (tenant.organization_id(), format!("{}\n{values}", compiled.sql))
}

fn size_of_answer(answer: &Answer) -> usize {
    answer.rows.iter().flatten().map(size_of).sum()
}

/// About as many bytes as a value takes.
fn size_of(value: &Value) -> usize {
    let own = size_of_val(value);
    match value {
        Value::String(text) => own + text.len(),
        Value::Array(items) => own + items.iter().map(size_of).sum::<usize>(),
        Value::Object(members) => {
            own + members.iter().map(|(name, value)| 2 * own + name.len() + size_of(value)).sum::<usize>()
        }
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_size_of_an_answer_grows_with_what_is_in_it() {
        let of = |rows: Value| {
            let rows = rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()).collect();
            size_of_answer(&Answer { columns: Vec::new(), rows, stats: Default::default() })
        };
        assert_eq!(of(json!([])), 0);
        assert!(of(json!([["a".repeat(1000)]])) > 1000);
        assert!(of(json!([[{ "a": ["b", 1] }]])) > of(json!([[{ "a": ["b"] }]])));
    }
}
