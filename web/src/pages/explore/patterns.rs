//! The shapes of the messages found: how often each, when, and a click to look at one or to be rid of it.

use super::explorer::explorer;
use crate::api::search;
use crate::components::{
    Button, ButtonKind, EmptyState, Icon, LevelTag, LoadError, Loading, Notice, NoticeKind,
};
use crate::format;
use crate::language::{self, Change};
use crate::load::{Load, load};
use crate::url::Tab;
use api_types::events::{Pattern, Patterns};
use leptos::prelude::*;

/// Patterns asked for; a notice says when there are more.
const SHOWN: u32 = 200;
const BUCKETS: u32 = 40;
/// A pattern with more than this share of all events is noise for somebody who looks for what is rare.
const NOISY: f64 = 0.1;

#[component]
pub fn PatternsView() -> impl IntoView {
    let explorer = explorer();
    let patterns = load(
        move || Some(explorer.run.get()),
        |run| async move {
            let mut request = run.request();
            request.limit = Some(SHOWN);
            request.buckets = Some(BUCKETS);
            search::patterns(request).await
        },
    );
    patterns.cancel_on(explorer.cancelled);
    view! {
        <div class="patterns" data-testid="patterns" aria-busy=move || patterns.busy.get().to_string()>
            {move || match patterns.state.get() {
                Load::Waiting => view! { <Loading lines=9/> }.into_any(),
                Load::Failed(error) => {
                    view! { <LoadError error on_retry=Callback::new(move |()| patterns.refetch())/> }.into_any()
                }
                Load::Ready(found) if found.patterns.is_empty() => view! {
                    <EmptyState icon=Icon::Pattern title="No patterns" text="No event with a message matches in this range."/>
                }.into_any(),
                Load::Ready(found) => view! { <Table found/> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Table(found: Patterns) -> impl IntoView {
    let quiet = RwSignal::new(false);
    let events = found.events.max(1);
    let is_noisy = move |pattern: &Pattern| pattern.count as f64 / events as f64 > NOISY;
    let noisy = found.patterns.iter().filter(|pattern| is_noisy(pattern)).count();
    let summary =
        format!("{} patterns in {} events", format::count(found.distinct), format::count(found.events));
    let most =
        found.patterns.iter().flat_map(|pattern| pattern.sparkline.iter().copied()).max().unwrap_or(1).max(1);
    let patterns = StoredValue::new(found.patterns);
    let rows = move || {
        patterns.with_value(|patterns| {
            let shown = patterns.iter().filter(|pattern| !(quiet.get() && is_noisy(pattern)));
            shown.map(|pattern| view! { <Row pattern=pattern.clone() events most/> }).collect_view()
        })
    };
    view! {
        <div class="patterns-head">
            <p class="grow soft numbers">{summary}</p>
            {(noisy > 0).then(|| view! {
                <button
                    type="button"
                    class="button button-quiet button-small"
                    aria-pressed=move || quiet.get().to_string()
                    on:click=move |_| quiet.update(|quiet| *quiet = !*quiet)
                >
                    {format!("Hide the {noisy} with more than 10 % each")}
                </button>
            })}
        </div>
        {found.truncated.then(|| view! { <Notice kind=NoticeKind::Plain>"Only the most frequent patterns are listed; narrow the query to see others."</Notice> })}
        <div class="table-scroll" tabindex="0" role="region" aria-label="Patterns">
            <table class="table table-dense patterns-table">
                <thead>
                    <tr>
                        <th scope="col" class="number">"Events"</th>
                        <th scope="col">"Level"</th>
                        <th scope="col">"Over time"</th>
                        <th scope="col">"Pattern"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(pattern: Pattern, events: u64, most: u64) -> impl IntoView {
    let explorer = explorer();
    let share = pattern.count as f64 / events as f64 * 100.0;
    let condition = language::pattern_condition(&pattern.pattern);
    let only = condition.clone();
    let look = move |_| {
        if let Ok(query) = language::edit(&explorer.text.get_untracked(), &Change::Add(only.clone())) {
            explorer.text.set(query.clone());
            explorer.change(|state| {
                state.query = query;
                state.tab = Tab::Events;
            });
        }
    };
    let without = move |_| explorer.edit(Change::Add(format!("-{condition}")));
    let sample = pattern.sample.clone();
    view! {
        <tr>
            <td class="number">{format::count(pattern.count)}<small class="faint">{format!(" {share:.1}%")}</small></td>
            <td><LevelTag level=pattern.level.clone()/></td>
            <td><Sparkline values=pattern.sparkline most/></td>
            <td class="pattern-text mono" title=sample>{coloured(&pattern.pattern)}</td>
            <td class="actions">
                <Button small=true kind=ButtonKind::Quiet icon=Icon::Include on_click=look>"Events"</Button>
                <Button small=true kind=ButtonKind::Quiet icon=Icon::Exclude on_click=without>"Exclude"</Button>
            </td>
        </tr>
    }
}

/// What varies stands out.
fn coloured(pattern: &str) -> impl IntoView + use<> {
    let parts = language::pattern_pieces(pattern).into_iter().map(|(text, varies)| {
        let text = text.to_owned();
        if varies { view! { <em>{text}</em> }.into_any() } else { text.into_any() }
    });
    parts.collect_view()
}

/// Counts over the range as small bars, all rows by the same measure.
#[component]
fn Sparkline(values: Vec<u64>, most: u64) -> impl IntoView {
    let count = values.len().max(1);
    let width = 120.0 / count as f64;
    let bars = values.iter().enumerate().filter(|(_, value)| **value > 0).map(|(at, value)| {
        // The root lets small counts be seen beside large ones.
        let height = ((*value as f64 / most as f64).sqrt() * 20.0).max(1.5);
        format!("M{:.1} 20v-{height:.1}h{:.1}v{height:.1}z", at as f64 * width, (width - 0.5).max(0.5))
    });
    let path = bars.collect::<String>();
    view! {
        <svg class="sparkline" viewBox="0 0 120 20" role="img" aria-label="Counts over time">
            <path d=path></path>
        </svg>
    }
}
