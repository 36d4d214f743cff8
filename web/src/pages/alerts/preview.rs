//! What a rule would have done over the last day: its value, the threshold, and where it would have fired.

use crate::api::alerts;
use crate::chart::{LineChart, Lines, Series, chart_time, is_utc, series_token};
use crate::components::{Loading, Notice, NoticeKind};
use crate::load::{Load, load};
use api_types::alerts::{AlertPreview, AlertRuleRequest};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// How many groups are drawn; the others count, but could not be told apart.
const MOST_GROUPS: usize = 8;

/// Runs the rule over the last day each time it changes; nothing while it is incomplete.
#[component]
pub fn PreviewCard(#[prop(into)] definition: Signal<AlertRuleRequest>) -> impl IntoView {
    let ready = Memo::new(move |_| {
        let definition = definition.get();
        let complete = crate::language::diagnose(&definition.query).is_none_or(|finding| !finding.is_error);
        complete.then_some(definition)
    });
    let preview = load(
        move || ready.get(),
        |definition| async move {
            let threshold = definition.condition.threshold;
            alerts::preview(definition).await.map(|preview| (threshold, preview))
        },
    );
    let spec = Signal::derive(move || {
        preview.state.with(|state| state.ready().map(|(threshold, preview)| lines(preview, *threshold)))
    });
    let summary = Signal::derive(move || {
        preview.state.with(|state| state.ready().map(|(_, preview)| in_words(preview)).unwrap_or_default())
    });
    view! {
        <section class="card" aria-label="Preview" aria-busy=move || preview.busy.get().to_string()>
            <div class="card-head">
                <h2 class="grow">"Last 24 hours"</h2>
                <span class="soft" data-testid="preview-summary">{summary}</span>
            </div>
            <div class="preview">
                {move || match preview.state.get() {
                    Load::Waiting => view! { <Loading lines=3/> }.into_any(),
                    Load::Failed(error) => view! { <Notice kind=NoticeKind::Bad>{error.message()}</Notice> }.into_any(),
                    Load::Ready(_) => ().into_any(),
                }}
                <Show when=move || preview.state.with(|state| state.ready().is_some())>
                    <div class="preview-chart"><LineChart spec summary/></div>
                </Show>
            </div>
        </section>
    }
}

fn in_words(preview: &AlertPreview) -> String {
    match preview.firings {
        0 => "Would not have fired".into(),
        1 => "Would have fired once".into(),
        times => format!("Would have fired {times} times"),
    }
}

/// A line for each group, and dots where the condition was met.
fn lines(preview: &AlertPreview, threshold: f64) -> Lines {
    let mut times: Vec<&str> = preview.points.iter().map(|point| point.at.as_str()).collect();
    times.sort_unstable();
    times.dedup();
    let place: BTreeMap<&str, usize> = times.iter().enumerate().map(|(index, time)| (*time, index)).collect();
    let mut series: Vec<Series> = Vec::new();
    let mut breaches = vec![None; times.len()];
    for point in &preview.points {
        let index = place[point.at.as_str()];
        if point.breach {
            breaches[index] = highest(breaches[index], point.value);
        }
        let name = if point.group.is_empty() { preview_name(preview) } else { point.group.clone() };
        let known = series.iter().position(|line| line.name == name);
        let at = match known {
            Some(at) => at,
            None if series.len() < MOST_GROUPS => {
                series.push(Series {
                    name,
                    token: series_token(series.len()),
                    values: vec![None; times.len()],
                    mark: false,
                });
                series.len() - 1
            }
            None => continue,
        };
        series[at].values[index] = point.value;
    }
    series.push(Series { name: "breach".into(), token: "bad".into(), values: breaches, mark: true });
    Lines {
        times: times.iter().map(|time| chart_time(time)).collect(),
        series,
        threshold: Some(threshold),
        utc: is_utc(),
    }
}

fn preview_name(preview: &AlertPreview) -> String {
    if preview.value.is_empty() { "count".into() } else { preview.value.clone() }
}

fn highest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}
