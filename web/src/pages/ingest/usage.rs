//! How much the organization sends, by day, project, key and source, against its quota.

use super::bars::{Bar, Bars};
use super::health::{Keys, Sources};
use crate::api::ingest;
use crate::browser;
use crate::components::{EmptyState, Icon, LinkButton, Notice, NoticeKind, SelectField, show};
use crate::format;
use crate::load::load;
use crate::session::session;
use api_types::usage::{Quota, Rates, Usage, UsageDay};
use leptos::prelude::*;
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;

#[component]
pub fn UsagePage() -> impl IntoView {
    let days = RwSignal::new("30".to_owned());
    let usage = load(
        move || days.get().parse::<i64>().ok(),
        |days| ingest::usage(format::date(browser::now_ms() - (days - 1) * DAY_MS)),
    );
    let spans = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "A year")];
    let spans = spans.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    view! {
        <section class="section">
            <div class="usage-span"><SelectField label="Show" value=days options=Signal::stored(spans)/></div>
            {show(usage, |usage| view! { <Shown usage/> }.into_any())}
        </section>
    }
}

#[component]
fn Shown(usage: Usage) -> impl IntoView {
    let Usage { from, to, quota, rates, days, keys, sources } = usage;
    if days.is_empty() {
        return view! {
            <QuotaCard quota rates/>
            <div class="card">
                <EmptyState icon=Icon::Chart title="Nothing was stored in this time" text="Days, keys and sources appear with the first event.">
                    <LinkButton href="/send">"Send logs"</LinkButton>
                </EmptyState>
            </div>
        }.into_any();
    }
    let bars = by_day(&days, &from, &to);
    view! {
        <QuotaCard quota rates/>
        <div class="card">
            <div class="card-head"><h2>"By day"</h2><span class="soft">"UTC, all projects"</span></div>
            <div class="card-body"><Bars label="Bytes by day" bars/></div>
        </div>
        <div class="card">
            <div class="card-head"><h2>"By project"</h2></div>
            <Projects days/>
        </div>
        <div class="card">
            <div class="card-head"><h2>"By API key"</h2></div>
            <Keys keys/>
        </div>
        <div class="card">
            <div class="card-head"><h2>"By source"</h2></div>
            <Sources sources/>
        </div>
    }
    .into_any()
}

/// A bar for each day of the range, also for those without events.
fn by_day(days: &[UsageDay], from: &str, to: &str) -> Vec<Bar> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for day in days {
        let sum = sums.entry(&day.day).or_default();
        *sum = (sum.0 + day.events, sum.1 + day.bytes);
    }
    let start = |day: &str| format::parse_ms(&format!("{day}T00:00:00Z")).unwrap_or_default();
    let (first, last) = (start(from), start(to));
    (0..=((last - first) / DAY_MS).clamp(0, 400))
        .map(|number| {
            let name = format::date(first + number * DAY_MS);
            let (events, bytes) = sums.get(name.as_str()).copied().unwrap_or_default();
            let text = format!("{}, {} events", format::bytes(bytes), format::count(events));
            Bar { name, amount: bytes as f64, text }
        })
        .collect()
}

#[component]
fn QuotaCard(quota: Quota, rates: Rates) -> impl IntoView {
    let has_quota = quota.daily_events.is_some() || quota.daily_bytes.is_some();
    let used_up =
        is_used(quota.events_today, quota.daily_events) || is_used(quota.bytes_today, quota.daily_bytes);
    let resets = untrack(|| crate::preferences::shown_time(&quota.resets_at, format::date_and_time));
    view! {
        {used_up.then(|| view! {
            <Notice kind=NoticeKind::Bad>{format!("Today’s quota is used: what is sent until {resets} is answered 429 and not taken.")}</Notice>
        })}
        <div class="facts">
            <Fact name="Events today" used=format::count(quota.events_today) limit=quota.daily_events.map(format::count) percent=percent(quota.events_today, quota.daily_events)/>
            <Fact name="Size today" used=format::bytes(quota.bytes_today) limit=quota.daily_bytes.map(format::bytes) percent=percent(quota.bytes_today, quota.daily_bytes)/>
            <div class="fact"><span>"Limits per second"</span><strong>{rate(rates)}</strong></div>
            {has_quota.then(|| view! { <div class="fact"><span>"The day ends"</span><strong>{resets.clone()}</strong></div> })}
            {quota.members.map(|most| view! {
                <Fact name="Members" used=format::count(quota.members_used) limit=Some(format::count(most)) percent=None/>
            })}
            {quota.retention_days.map(|days| view! {
                <div class="fact"><span>"Projects keep logs for"</span><strong>{at_most_days(days)}</strong></div>
            })}
        </div>
    }
}

fn at_most_days(days: u64) -> String {
    if days == 1 { "at most 1 day".into() } else { format!("at most {} days", format::count(days)) }
}

fn is_used(used: u64, limit: Option<u64>) -> bool {
    limit.is_some_and(|limit| used >= limit)
}

fn percent(used: u64, limit: Option<u64>) -> Option<f64> {
    limit.filter(|limit| *limit > 0).map(|limit| (used as f64 / limit as f64 * 100.0).min(100.0))
}

fn rate(rates: Rates) -> String {
    let events =
        (rates.events_per_second > 0).then(|| format!("{} events", format::count(rates.events_per_second)));
    let bytes = (rates.bytes_per_second > 0).then(|| format::bytes(rates.bytes_per_second));
    match (events, bytes) {
        (Some(events), Some(bytes)) => format!("{events}, {bytes}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "none".into(),
    }
}

#[component]
fn Fact(name: &'static str, used: String, limit: Option<String>, percent: Option<f64>) -> impl IntoView {
    let of = limit.map_or_else(|| "no quota".to_owned(), |limit| format!("of {limit}"));
    view! {
        <div class="fact">
            <span>{name}</span>
            <strong>{used}</strong>
            <span>{of}</span>
            {percent.map(|percent| view! { <meter class="quota-meter" aria-label=name min="0" max="100" high="80" value=percent></meter> })}
        </div>
    }
}

#[component]
fn Projects(days: Vec<UsageDay>) -> impl IntoView {
    let known = session().projects();
    let mut sums: BTreeMap<String, (u64, u64, u64, u64)> = BTreeMap::new();
    for day in &days {
        let sum = sums.entry(day.project_id.clone()).or_default();
        *sum = (sum.0 + day.events, sum.1 + day.bytes, sum.2 + day.rejected, sum.3 + day.masked);
    }
    let rows = sums.into_iter().map(|(id, (events, bytes, rejected, masked))| {
        let name = known
            .iter()
            .find(|project| project.id == id)
            .map_or_else(|| "A project that is gone".to_owned(), |project| project.name.clone());
        view! {
            <tr>
                <td><strong>{name}</strong></td>
                <td class="number">{format::count(events)}</td>
                <td class="number">{format::bytes(bytes)}</td>
                <td class="number">{format::count(rejected)}</td>
                <td class="number">{format::count(masked)}</td>
            </tr>
        }
    });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Projects">
            <table class="table">
                <thead><tr>
                    <th scope="col">"Project"</th><th scope="col" class="number">"Events"</th><th scope="col" class="number">"Size"</th>
                    <th scope="col" class="number">"Rejected"</th><th scope="col" class="number">"Values masked"</th>
                </tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_of_the_range_has_a_bar() {
        let day = |day: &str, events| UsageDay {
            day: day.into(),
            project_id: "p".into(),
            events,
            bytes: events * 100,
            rejected: 0,
            masked: 0,
        };
        let bars = by_day(
            &[day("2026-02-27", 2), day("2026-03-01", 5), day("2026-03-01", 1)],
            "2026-02-27",
            "2026-03-02",
        );
        let shown: Vec<(&str, f64)> = bars.iter().map(|bar| (bar.name.as_str(), bar.amount)).collect();
        assert_eq!(
            shown,
            [("2026-02-27", 200.0), ("2026-02-28", 0.0), ("2026-03-01", 600.0), ("2026-03-02", 0.0)]
        );
    }

    #[test]
    fn a_quota_is_used_when_nothing_is_left() {
        assert!(is_used(10, Some(10)) && !is_used(9, Some(10)) && !is_used(9, None));
        assert_eq!(percent(20, Some(10)), Some(100.0));
        assert_eq!(percent(20, None), None);
    }
}
