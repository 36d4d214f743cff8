//! What a rule would have done over the last days: its value, the threshold, where it would have fired, and the exact message.
//!
//! The series comes from the server once; the threshold is dragged on the chart and the rule replayed here.

use super::replayed::Replayed;
use crate::api::alerts;
use crate::chart::{Lines, Series, ThresholdChart, is_utc, series_token};
use crate::components::{Loading, Notice, NoticeKind};
use crate::load::{Load, load};
use api_types::alerts::{AlertPreview, AlertRuleRequest, MessagePreview};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// How many groups are drawn; the others count, but could not be told apart.
const MOST_GROUPS: usize = 8;
const DAYS: [(&str, &str); 4] =
    [("1", "Last 24 hours"), ("3", "Last 3 days"), ("7", "Last 7 days"), ("30", "Last 30 days")];

/// Runs the rule over the chosen days each time its query changes; nothing while it is incomplete. `current` is the rule as it is
/// being edited, and `threshold` takes what the line is dragged to.
#[component]
pub fn PreviewCard(
    #[prop(into)] definition: Signal<AlertRuleRequest>,
    #[prop(optional, into)] current: Option<Signal<AlertRuleRequest>>,
    #[prop(optional)] threshold: Option<RwSignal<String>>,
) -> impl IntoView {
    let days = RwSignal::new("1".to_owned());
    let ready = Memo::new(move |_| {
        let definition = definition.get();
        let complete = crate::language::diagnose(&definition.query).is_none_or(|finding| !finding.is_error);
        complete.then(|| (definition, days.get()))
    });
    let preview = load(
        move || ready.get(),
        |(definition, days)| async move {
            alerts::preview(definition, &days).await.map(|preview| (days, preview))
        },
    );
    let rule = move || current.map_or_else(|| definition.get(), |current| current.get());
    let replayed = Memo::new(move |_| {
        preview.state.with(|state| state.ready().and_then(|(_, preview)| Replayed::of(&rule(), preview)))
    });
    let spec = Signal::derive(move || {
        let line = rule().condition.threshold;
        preview.state.with(|state| {
            let (_, preview) = state.ready()?;
            replayed.with(|replayed| replayed.as_ref().map(|replayed| lines(preview, replayed, line)))
        })
    });
    let summary = Signal::derive(move || {
        preview.state.with(|state| {
            let Some((days, _)) = state.ready() else { return String::new() };
            replayed.with(|replayed| {
                replayed.as_ref().map(|replayed| replayed.in_words(days)).unwrap_or_default()
            })
        })
    });
    let message = Memo::new(move |_| {
        preview.state.with(|state| state.ready().and_then(|(_, preview)| preview.message.clone()))
    });
    let left_out = Memo::new(move |_| {
        preview.state.with(|state| state.ready().map_or(0, |(_, preview)| preview.groups_left_out))
    });
    let moved =
        threshold.map(|threshold| Callback::new(move |to: f64| threshold.set(rounded(to).to_string())));
    view! {
        <section class="card" aria-label="Preview" aria-busy=move || preview.busy.get().to_string()>
            <div class="card-head">
                <h2 class="grow">"Backtest"</h2>
                <span class="soft" data-testid="preview-summary">{summary}</span>
                <select class="select select-inline" aria-label="Days" on:change=move |event| days.set(event_target_value(&event))>
                    {DAYS.map(|(value, text)| view! { <option value=value>{text}</option> }).collect_view()}
                </select>
            </div>
            <div class="preview">
                {move || match preview.state.get() {
                    Load::Waiting => view! { <Loading lines=3/> }.into_any(),
                    Load::Failed(error) => view! { <Notice kind=NoticeKind::Bad>{error.message()}</Notice> }.into_any(),
                    Load::Ready(_) => ().into_any(),
                }}
                <Show when=move || preview.state.with(|state| state.ready().is_some())>
                    <div class="preview-chart"><ThresholdChart spec summary moved/></div>
                </Show>
                {move || (left_out.get() > 0).then(|| view! { <p class="faint">{format!("{} more groups are not part of this backtest.", left_out.get())}</p> })}
                <Show when=move || threshold.is_some()><p class="faint">"Drag the line to try another threshold."</p></Show>
            </div>
            {move || message.get().map(|message| view! { <Message message/> })}
        </section>
    }
}

#[component]
fn Message(message: MessagePreview) -> impl IntoView {
    view! {
        <details class="more">
            <summary class="card-head"><h2>"The message"</h2></summary>
            <div class="card-body">
                <strong>{message.subject}</strong>
                <pre class="message-preview" tabindex="0" role="region" aria-label="The message">{message.text}</pre>
            </div>
        </details>
    }
}

/// What is dragged lands on numbers that a person would write: three digits that matter.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powf(2.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}

/// A line for each group, dots where the condition was met, and larger ones where it would have fired.
fn lines(preview: &AlertPreview, replayed: &Replayed, threshold: f64) -> Lines {
    let length = preview.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let step = i64::try_from(preview.interval_ms).unwrap_or(1).max(1);
    let times: Vec<i64> = (0..length).map(|index| preview.first_ms + index as i64 * step).collect();
    let place =
        |ms: i64| usize::try_from((ms - preview.first_ms) / step).ok().filter(|index| *index < length);
    let mut series: Vec<Series> = Vec::new();
    for (index, group) in preview.series.iter().take(MOST_GROUPS).enumerate() {
        let name = if group.group.is_empty() { preview_name(preview) } else { group.group.clone() };
        series.push(Series { name, token: series_token(index), values: group.values.clone(), mark: false });
    }
    let mut worst: BTreeMap<usize, f64> = BTreeMap::new();
    for (ms, value) in &replayed.breaches {
        if let Some(index) = place(*ms) {
            worst.entry(index).and_modify(|known| *known = known.max(*value)).or_insert(*value);
        }
    }
    let fired: Vec<usize> = replayed.fired_ms.iter().filter_map(|ms| place(*ms)).collect();
    let marks =
        (0..length).map(|index| worst.get(&index).copied().filter(|_| fired.contains(&index))).collect();
    series.push(Series { name: "fired".into(), token: "bad".into(), values: marks, mark: true });
    Lines {
        times: times.iter().map(|ms| *ms as f64).collect(),
        series,
        threshold: Some(threshold),
        utc: is_utc(),
    }
}

fn preview_name(preview: &AlertPreview) -> String {
    if preview.value.is_empty() { "count".into() } else { preview.value.clone() }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn a_dragged_threshold_is_a_number_that_people_write() {
        for (value, expected) in
            [(12.3456, 12.3), (98_765.0, 98_800.0), (0.0, 0.0), (-2.71999, -2.72), (0.001_234_5, 0.001_23)]
        {
            assert!((rounded(value) - expected).abs() < 1e-9, "{value}");
        }
    }
}
