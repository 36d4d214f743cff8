//! One evaluation with all that it needs to know of the past: earlier windows to compare with, and windows whose late events count.

use super::definition::Definition;
use super::evaluate::{Ask, Evaluate, Evaluation, Failure, GroupValue, Labels, group_key};
use super::series::counts_events;
use alert_rules::Basis;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;

/// Earlier windows asked for at once.
const PARALLEL: usize = 4;

/// What is compared with the threshold, for the window of `ask`.
///
/// # Errors
/// One of the windows could not be evaluated.
pub async fn evaluate(
    evaluator: &dyn Evaluate,
    definition: &Definition,
    ask: &Ask,
) -> Result<Evaluation, Failure> {
    let now = compared(evaluator, definition, ask).await?;
    if definition.look_again_us == 0 {
        return Ok(now);
    }
    let back = definition.look_again_us;
    let again = Ask { from_us: ask.from_us - back, to_us: ask.to_us - back, ..ask.clone() };
    let again = compared(evaluator, definition, &again).await?;
    let condition = definition.rule(now.grouped).condition;
    Ok(merged(now, again, |one, other| condition.worse(one, other)))
}

async fn compared(
    evaluator: &dyn Evaluate,
    definition: &Definition,
    ask: &Ask,
) -> Result<Evaluation, Failure> {
    let now = evaluator.evaluate(ask).await?;
    let comparison = definition.comparison;
    if comparison.basis == Basis::Itself {
        return Ok(now);
    }
    let windows = comparison.earlier(ask.from_us, ask.to_us);
    let earlier: Vec<Evaluation> =
        futures::stream::iter(windows)
            .map(|(from_us, to_us)| async move {
                evaluator.evaluate(&Ask { from_us, to_us, ..ask.clone() }).await
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
    let mut labels: BTreeMap<String, Labels> = earlier.iter().flat_map(Evaluation::labels).collect();
    labels.extend(now.labels());
    let past: Vec<_> = earlier.iter().map(Evaluation::values).collect();
    let values = comparison.apply(now.values(), &past, counts_events(ask));
    let group =
        |(name, value)| GroupValue { labels: labels.remove(&name).unwrap_or_default(), value: Some(value) };
    Ok(Evaluation {
        grouped: now.grouped,
        column: definition.measure(&now.column),
        groups: values.into_iter().map(group).collect(),
    })
}

/// Of two evaluations, the worse value of each group.
fn merged(one: Evaluation, other: Evaluation, worse: impl Fn(f64, f64) -> f64) -> Evaluation {
    let mut groups: BTreeMap<String, GroupValue> = BTreeMap::new();
    for group in one.groups.into_iter().chain(other.groups) {
        groups
            .entry(group_key(&group.labels))
            .and_modify(|known| {
                known.value = match (known.value, group.value) {
                    (Some(one), Some(other)) => Some(worse(one, other)),
                    (one, other) => one.or(other),
                };
            })
            .or_insert(group);
    }
    Evaluation { grouped: one.grouped, column: one.column, groups: groups.into_values().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::evaluate::{Lines, fake::Table};
    use alert_rules::Micros;
    use futures::future::BoxFuture;
    use serde_json::{Value, json};
    use uuid::Uuid;

    const MINUTE: Micros = 60_000_000;
    const NOW: Micros = 1_700_000_000_000_000;

    /// One value for each window, by how many minutes before now it ends.
    struct Past(fn(i64) -> Vec<(&'static str, f64)>);

    impl Evaluate for Past {
        fn evaluate<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Evaluation, Failure>> {
            let table = Table::default();
            table.by_source(&(self.0)((NOW - ask.to_us) / MINUTE));
            Box::pin(async move { table.evaluate(ask).await })
        }

        fn lines<'a>(&'a self, _: &'a Ask, _: &'a Labels, _: usize) -> BoxFuture<'a, Result<Lines, Failure>> {
            Box::pin(async { Ok(Lines::default()) })
        }
    }

    async fn values(past: Past, changes: Value) -> BTreeMap<String, f64> {
        let mut body = json!({"name": "r", "query": "* | stats count() as n by source", "window": "5m"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let definition = Definition::parse(serde_json::from_value(body).unwrap()).unwrap();
        let scope = crate::tenant::TenantScope::of_job(Uuid::nil());
        let ask = definition.ask(&crate::sight::Sight::whole(scope), Uuid::nil(), NOW - 5 * MINUTE, NOW);
        evaluate(&past, &definition, &ask).await.unwrap().values()
    }

    #[tokio::test]
    async fn a_change_looks_at_the_window_before_or_at_the_same_hour_last_week() {
        let week = |before: i64| match before {
            0 => vec![("api", 30.0)],
            5 => vec![("api", 20.0)],
            10_080 => vec![("api", 10.0), ("web", 4.0)],
            other => panic!("asked for {other}"),
        };
        let found = values(Past(week), json!({"condition": {"op": "change_pct", "threshold": 40}})).await;
        assert_eq!(found, [("source=api".to_owned(), 50.0)].into());
        let last_week = json!({"condition": {"op": "change_pct", "threshold": 40, "baseline": "1w", "direction": "both"}});
        let found = values(Past(week), last_week).await;
        assert_eq!(found, [("source=api".to_owned(), 200.0), ("source=web".to_owned(), 100.0)].into());
    }

    #[tokio::test]
    async fn something_is_new_when_it_was_absent_long_enough() {
        let past =
            |before: i64| if before == 0 { vec![("api", 3.0), ("new", 2.0)] } else { vec![("api", 900.0)] };
        let found = values(Past(past), json!({"condition": {"op": "new", "threshold": 0}})).await;
        assert_eq!(found, [("source=api".to_owned(), 0.0), ("source=new".to_owned(), 2.0)].into());
    }

    #[tokio::test]
    async fn a_window_is_looked_at_again_for_events_that_came_late() {
        let past = |before: i64| match before {
            0 => vec![("api", 3.0)],
            10 => vec![("api", 11.0), ("web", 1.0)],
            other => panic!("asked for {other}"),
        };
        let found =
            values(Past(past), json!({"condition": {"op": ">", "threshold": 10}, "look_again_after": "10m"}))
                .await;
        assert_eq!(found, [("source=api".to_owned(), 11.0), ("source=web".to_owned(), 1.0)].into());
    }
}
