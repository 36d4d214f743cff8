//! The shapes of the messages found: how often each, when, and a click to look at one or to be rid of it.

use super::explorer::{Run, explorer};
use crate::api::search;
use crate::components::{
    Badge, BadgeKind, Button, ButtonKind, EmptyState, Icon, LevelTag, LinkButton, LoadError, Loading, Notice,
    NoticeKind,
};
use crate::format;
use crate::language::{self, Change};
use crate::load::{Load, load};
use crate::preferences::preferences;
use crate::session::session;
use crate::url::{Tab, escape};
use api_types::events::{Pattern, Patterns};
use api_types::search::{SearchRequest, TimeInput};
use leptos::prelude::*;
use std::collections::HashSet;

/// Patterns asked for; a notice says when there are more.
const SHOWN: u32 = 200;
const BUCKETS: u32 = 40;
/// A pattern with more than this share of all events is noise for somebody who looks for what is rare.
const NOISY: f64 = 0.1;
/// Patterns that are gone are shown by so many.
const GONE: usize = 20;

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
    // The same query over the period before, to tell what is new and what is gone. Without it the list is the same, unmarked.
    let before =
        load(move || earlier(&explorer.run.get()), |request| async move { search::patterns(request).await });
    before.cancel_on(explorer.cancelled);
    let before = Memo::new(move |_| before.state.with(|state| state.ready().cloned()));
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
                Load::Ready(found) => view! { <Table found before/> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Table(found: Patterns, before: Memo<Option<Patterns>>) -> impl IntoView {
    let known: HashSet<String> = found.patterns.iter().map(|pattern| pattern.pattern.clone()).collect();
    // A list that was cut does not tell what it lacks.
    let is_whole = !found.truncated;
    let gone = Memo::new(move |_| {
        before.with(|before| before.as_ref().map(|before| gone(before, &known, is_whole)).unwrap_or_default())
    });
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
            shown.map(|pattern| view! { <Row pattern=pattern.clone() events most before/> }).collect_view()
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
                        <th scope="col" class="patterns-when">"Over time"</th>
                        <th scope="col">"Pattern"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <Show when=move || !gone.with(Vec::is_empty)>
                <section class="patterns-gone" aria-label="Gone since the period before">
                    <h3>"Gone since the period before"</h3>
                    <ul>
                        {move || gone.get().into_iter().map(|pattern| view! {
                            <li>
                                <span class="numbers faint">{format::count(pattern.count)}</span>
                                <LevelTag level=pattern.level.clone()/>
                                <span class="mono pattern-text" title=pattern.sample.clone()>{coloured(&pattern.pattern)}</span>
                            </li>
                        }).collect_view()}
                    </ul>
                </section>
            </Show>
        </div>
    }
}

/// The request for the period of the same length before a range; none where the range cannot be told.
fn earlier(run: &Run) -> Option<SearchRequest> {
    let zone = preferences().zone.get_untracked().minutes(run.now_ms);
    let (from, to) = run.range.resolve(run.now_ms, zone).ok()?;
    let mut request = run.request();
    request.from = Some(TimeInput::Number((from - (to - from)) as f64));
    request.to = Some(TimeInput::Number(from as f64));
    request.limit = Some(SHOWN);
    request.buckets = Some(1);
    Some(request)
}

/// Whether a pattern was not there in the period before; nothing where that cannot be told.
fn is_new(pattern: &str, before: &Patterns) -> bool {
    before.events > 0 && !before.truncated && !before.patterns.iter().any(|known| known.pattern == pattern)
}

/// The most frequent patterns of the period before that are there no more.
fn gone(before: &Patterns, known: &HashSet<String>, is_whole: bool) -> Vec<Pattern> {
    if !is_whole {
        return Vec::new();
    }
    let gone = before.patterns.iter().filter(|pattern| !known.contains(&pattern.pattern));
    gone.take(GONE).cloned().collect()
}

#[component]
fn Row(pattern: Pattern, events: u64, most: u64, before: Memo<Option<Patterns>>) -> impl IntoView {
    let explorer = explorer();
    let share = pattern.count as f64 / events as f64 * 100.0;
    let condition = language::pattern_condition(&pattern.pattern);
    let only = condition.clone();
    let alert = format!("/alerts/new?query={}", escape(&condition));
    let may_alert = !explorer.is_local() && session().can_edit();
    let text = StoredValue::new(pattern.pattern.clone());
    let fresh = Memo::new(move |_| {
        before
            .with(|before| before.as_ref().is_some_and(|before| text.with_value(|text| is_new(text, before))))
    });
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
            <td class="patterns-when"><Sparkline values=pattern.sparkline most/></td>
            <td class="pattern-text mono" title=sample>
                {move || fresh.get().then(|| view! { <Badge kind=BadgeKind::Warning plain=true>"new"</Badge>" " })}
                {coloured(&pattern.pattern)}
            </td>
            <td class="actions">
                <Button small=true kind=ButtonKind::Quiet icon=Icon::Include on_click=look>"Events"</Button>
                <Button small=true kind=ButtonKind::Quiet icon=Icon::Exclude on_click=without>"Exclude"</Button>
                {may_alert.then(|| view! { <LinkButton small=true kind=ButtonKind::Quiet icon=Icon::Alert href=alert>"Alert"</LinkButton> })}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str, count: u64) -> Pattern {
        Pattern {
            pattern: text.into(),
            count,
            level: None,
            by_level: Default::default(),
            sample_id: "1".into(),
            sample: text.into(),
            last_seen: "2026-03-10T10:00:00Z".into(),
            sparkline: Vec::new(),
        }
    }

    fn patterns(texts: &[&str], truncated: bool) -> Patterns {
        let patterns: Vec<Pattern> = texts.iter().map(|text| pattern(text, 1)).collect();
        Patterns {
            events: patterns.len() as u64,
            distinct: patterns.len() as u64,
            patterns,
            truncated,
            interval_ms: 1,
            start: None,
        }
    }

    #[test]
    fn new_and_gone_are_told_only_by_whole_lists() {
        let before = patterns(&["a", "b"], false);
        assert!(is_new("c", &before) && !is_new("a", &before));
        assert!(!is_new("c", &patterns(&["a"], true)), "the list was cut");
        assert!(!is_new("c", &patterns(&[], false)), "nothing was there to compare with");
        let known = HashSet::from(["a".to_owned(), "c".to_owned()]);
        let names = |gone: Vec<Pattern>| gone.into_iter().map(|pattern| pattern.pattern).collect::<Vec<_>>();
        assert_eq!(names(gone(&before, &known, true)), ["b"]);
        assert!(gone(&before, &known, false).is_empty());
    }
}
