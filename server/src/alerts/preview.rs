//! What a rule would have done over the last days, before it is saved: its series, which the browser replays with other thresholds,
//! and what a notification would say.

use super::definition::Definition;
use super::notice::{self, GroupLine, Notice};
use super::searcher::Searcher;
use super::series::{Series, Wanted};
use super::{AlertError, Alerts, comparison};
use crate::alerts::evaluate::{Evaluate, Labels, group_key};
use crate::sight::Sight;
use crate::time::{DAY_US, Micros, rfc3339};
use alert_rules::{Replay, State, replay};
use api_types::alerts::{AlertPreview, MessagePreview, PreviewPoint, PreviewSeries};
use std::collections::HashMap;
use uuid::Uuid;

/// Groups that are drawn; firings are counted for all of them.
const DRAWN_GROUPS: usize = 10;
/// Values that a browser is sent.
const VALUES: usize = 100_000;
/// Longest range that is looked at.
pub const MOST_DAYS: u32 = 30;

/// # Errors
/// The query is not good, or cannot be answered.
pub async fn preview(
    searcher: &Searcher,
    sight: &Sight,
    project_id: Uuid,
    definition: &Definition,
    days: u32,
    now: Micros,
) -> Result<AlertPreview, AlertError> {
    let to_us = now - definition.delay_us;
    let from_us = to_us - i64::from(days.clamp(1, MOST_DAYS)) * DAY_US;
    let series = searcher.series(&Wanted { sight, project_id, definition, from_us, to_us }).await?;
    Ok(of_series(&series, definition, days <= 1))
}

fn of_series(series: &Series, definition: &Definition, with_points: bool) -> AlertPreview {
    let replayed = replay(&definition.rule(series.grouped), &series.seen);
    let ranked = ranked_groups(&replayed.points);
    let most = (VALUES / series.seen.len().max(1)).max(1);
    let sent = ranked.iter().take(most).map(|group| values_of(series, group));
    AlertPreview {
        interval_ms: (series.step_us / 1_000).unsigned_abs(),
        value: series.column.clone(),
        points: if with_points { points(&replayed, &ranked) } else { Vec::new() },
        firings: u32::try_from(replayed.firings()).unwrap_or(u32::MAX),
        first_ms: series.seen.first().map_or(0, |seen| seen.at_us / 1_000),
        grouped: series.grouped,
        series: sent.collect(),
        groups_left_out: ranked.len().saturating_sub(most),
        message: None,
    }
}

fn points(replayed: &Replay, ranked: &[String]) -> Vec<PreviewPoint> {
    let drawn = &ranked[..ranked.len().min(DRAWN_GROUPS)];
    let point = |point: &alert_rules::Point| PreviewPoint {
        at: rfc3339(point.at_us),
        group: point.group.clone(),
        value: point.value,
        breach: point.breach,
        state: point.state.as_str().to_owned(),
    };
    replayed.points.iter().filter(|point| drawn.contains(&point.group)).map(point).collect()
}

fn values_of(series: &Series, group: &str) -> PreviewSeries {
    let values = series.seen.iter().map(|seen| seen.values.get(group).copied()).collect();
    PreviewSeries { group: group.to_owned(), values }
}

/// What a notification would say if the rule fired now. A rule that cannot be evaluated has none.
pub async fn message(
    alerts: &Alerts,
    sight: &Sight,
    project_id: Uuid,
    definition: &Definition,
    now: Micros,
) -> Option<MessagePreview> {
    let to_us = now - definition.delay_us;
    let ask = definition.ask(sight, project_id, to_us - definition.window_us, to_us);
    let evaluation = comparison::evaluate(&alerts.searcher, definition, &ask).await.ok()?;
    let condition = definition.rule(evaluation.grouped).condition;
    let worst = evaluation.groups.iter().filter(|group| group.value.is_some()).reduce(|one, other| {
        let first = condition.worse(one.value.unwrap_or(0.0), other.value.unwrap_or(0.0));
        if Some(first) == one.value { one } else { other }
    });
    let (labels, value) = worst.map_or((Labels::new(), None), |group| (group.labels.clone(), group.value));
    let lines = alerts.searcher.lines(&ask, &labels, notice::SAMPLES).await.unwrap_or_default();
    let wire = &definition.wire;
    let about =
        GroupLine { group: group_key(&labels), state: State::Firing, value, since_us: now, episode: 0 };
    let notice = Notice {
        rule_name: wire.name.clone(),
        severity: wire.severity,
        labels: wire.labels.clone(),
        query: wire.query.clone(),
        lines_query: lines.query,
        column: evaluation.column,
        condition: definition.condition(),
        window: wire.window.clone(),
        from_us: ask.from_us,
        to_us: ask.to_us,
        about: vec![about],
        samples: lines.samples,
        bad: Some(condition),
        runbook_url: wire.runbook_url.clone().filter(|url| !url.is_empty()),
        message: wire.message.clone().filter(|message| !message.trim().is_empty()),
        ..notice::example(now)
    };
    alerts.outbox.notifier().text_of(*sight.tenant(), &notice)
}

/// The groups with the most breaches first, then those seen most often.
fn ranked_groups(points: &[alert_rules::Point]) -> Vec<String> {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for point in points {
        let (breaches, seen) = counts.entry(&point.group).or_default();
        *breaches += usize::from(point.breach);
        *seen += usize::from(point.value.is_some());
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by(|(one, a), (other, b)| b.cmp(a).then_with(|| one.cmp(other)));
    ranked.into_iter().map(|(group, _)| group.to_owned()).collect()
}
