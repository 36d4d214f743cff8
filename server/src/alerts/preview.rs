//! What a rule would have done over the last day, before it is saved.

use super::AlertError;
use super::definition::Definition;
use super::searcher::Searcher;
use super::series::{Series, Wanted};
use crate::tenant::TenantScope;
use crate::time::{DAY_US, Micros, rfc3339};
use alert_rules::replay;
use api_types::alerts::{AlertPreview, PreviewPoint};
use std::collections::HashMap;
use uuid::Uuid;

/// Groups that are drawn; firings are counted for all of them.
const DRAWN_GROUPS: usize = 10;

/// # Errors
/// The query is not good, or cannot be answered.
pub async fn preview(
    searcher: &Searcher,
    scope: &TenantScope,
    project_id: Uuid,
    definition: &Definition,
    now: Micros,
) -> Result<AlertPreview, AlertError> {
    let to_us = now - definition.delay_us;
    let wanted = Wanted { scope, project_id, definition, from_us: to_us - DAY_US, to_us };
    let series = searcher.series(&wanted).await?;
    Ok(of_series(&series, definition))
}

fn of_series(series: &Series, definition: &Definition) -> AlertPreview {
    let replayed = replay(&definition.rule(series.grouped), &series.seen);
    let drawn = drawn_groups(&replayed.points);
    let point = |point: &alert_rules::Point| PreviewPoint {
        at: rfc3339(point.at_us),
        group: point.group.clone(),
        value: point.value,
        breach: point.breach,
        state: point.state.as_str().to_owned(),
    };
    AlertPreview {
        interval_ms: (series.step_us / 1_000).unsigned_abs(),
        value: series.column.clone(),
        points: replayed.points.iter().filter(|point| drawn.contains(&point.group)).map(point).collect(),
        firings: u32::try_from(replayed.firings()).unwrap_or(u32::MAX),
    }
}

/// The groups with the most breaches, then those seen most often.
fn drawn_groups(points: &[alert_rules::Point]) -> Vec<String> {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for point in points {
        let (breaches, seen) = counts.entry(&point.group).or_default();
        *breaches += usize::from(point.breach);
        *seen += usize::from(point.value.is_some());
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by(|(one, a), (other, b)| b.cmp(a).then_with(|| one.cmp(other)));
    ranked.into_iter().take(DRAWN_GROUPS).map(|(group, _)| group.to_owned()).collect()
}
