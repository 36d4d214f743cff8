//! Which fields a project's newest events have: for warnings about names that none of them has.
//!
//! A catalogue is at most a minute old. A search never waits for it, and says less when there is none yet.

use super::execute::Executor;
use super::plan::Plan;
use super::respond::whole;
use super::time_range::TimeRange;
use crate::logstore::Answer;
use crate::sight::Sight;
use crate::time::now_us;
use jiff::tz::TimeZone;
use query_lang::ast::Kind;
use query_lang::{Catalogue, KnownField};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const FRESH: Duration = Duration::from_secs(60);
const DAY_NS: i64 = 86_400_000_000_000;
/// Projects whose catalogues are kept.
const PROJECTS: u64 = 10_000;

/// The catalogues of all projects, apart for each row rule: names are told to nobody who sees no event with them. Cheap to clone.
#[derive(Clone)]
pub struct Catalogues {
    executor: Executor,
    known: moka::future::Cache<(Sight, Uuid), Arc<Catalogue>>,
}

impl Catalogues {
    #[must_use]
    pub fn of(executor: Executor) -> Self {
        let known = moka::future::Cache::builder().max_capacity(PROJECTS).time_to_live(FRESH).build();
        Self { executor, known }
    }

    /// The project's catalogue; an empty one, which gives no warnings, while the log store cannot tell.
    pub async fn get(&self, sight: &Sight, project: Uuid) -> Arc<Catalogue> {
        let key = (sight.clone(), project);
        let read = self.known.try_get_with(key, async { self.read(sight, project).await.ok_or(()) });
        read.await.unwrap_or_default()
    }

    /// The catalogue if it is known; if not, it will be in a moment.
    pub async fn at_once(&self, sight: &Sight, project: Uuid) -> Arc<Catalogue> {
        if let Some(known) = self.known.get(&(sight.clone(), project)).await {
            return known;
        }
        let (catalogues, sight) = (self.clone(), sight.clone());
        tokio::spawn(async move { catalogues.get(&sight, project).await });
        Arc::default()
    }

    async fn read(&self, sight: &Sight, project: Uuid) -> Option<Arc<Catalogue>> {
        let now_ns = now_us() * 1_000;
        let range = TimeRange { from_ns: now_ns - DAY_NS, to_ns: now_ns, now_ns, zone: TimeZone::UTC };
        let plan = Plan::new(sight, project, "", range).ok()?;
        let answer = self.executor.aside(sight.tenant(), plan.fields().ok()?).await.ok()?;
        // A project that has nothing yet is asked again each time: its first events are about to come.
        Some(Arc::new(catalogue(&answer))).filter(|found| !found.fields.is_empty())
    }
}

fn catalogue(answer: &Answer) -> Catalogue {
    let fields = answer.rows.iter().filter_map(|row| {
        let kinds = match row.get(1)?.as_str()? {
            "string" => vec![Kind::Text],
            "number" => vec![Kind::Number],
            "bool" => vec![Kind::Bool],
            "array" => vec![Kind::Array],
            _ => vec![Kind::Any],
        };
        let (path, count) = (row.first()?.as_str()?.to_owned(), whole(row.get(2)?)?);
        Some(KnownField { path, kinds, count, ..KnownField::default() })
    });
    Catalogue { fields: fields.collect(), tables: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_become_fields_with_their_kinds() {
        let row = |name: &str, kind: &str| vec![json!(name), json!(kind), json!("3"), json!(1)];
        let rows = vec![row("http.status", "number"), row("odd", "mixed"), vec![json!(null)]];
        let found = catalogue(&Answer { columns: Vec::new(), rows, stats: Default::default() });
        assert_eq!(found.fields.len(), 2);
        assert_eq!((found.fields[0].kinds.as_slice(), found.fields[0].count), ([Kind::Number].as_slice(), 3));
    }
}
