//! How many events there were when, by level. Dragging over it zooms; the back button and a visible reset undo that.

use super::explorer::{Run, explorer};
use super::more;
use crate::api::search;
use crate::chart::{BarChart, Bars, Series, chart_time, is_utc};
use crate::components::{Button, Icon};
use crate::format;
use crate::load::{Load, load};
use crate::preferences::preferences;
use crate::time_range::TimeRange;
use api_types::search::{Histogram, SearchRequest};
use leptos::prelude::*;

/// From the bottom up: what is bad stands on the axis, where its height can be compared.
const LEVELS: [&str; 7] = ["fatal", "error", "warn", "info", "debug", "trace", "unknown"];
const BUCKETS: u32 = 100;

/// A histogram with the run that it is of, and the ends of what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    pub run: Run,
    pub ends: (i64, i64),
    pub histogram: Histogram,
}

pub fn request(run: &Run) -> SearchRequest {
    SearchRequest { buckets: Some(BUCKETS), ..run.request() }
}

#[component]
pub fn HistogramView() -> impl IntoView {
    let explorer = explorer();
    let found = load(
        move || Some(explorer.run.get()),
        |run| async move { search::histogram(request(&run)).await.map(|histogram| (run, histogram)) },
    );
    found.cancel_on(explorer.cancelled);
    let counted = Memo::new(move |_| {
        found.state.with(|state| {
            let (run, histogram) = state.ready()?.clone();
            let zone = preferences().zone.get().minutes(run.now_ms);
            let ends = run.range.resolve(run.now_ms, zone).ok()?;
            Some(Counted { run, ends, histogram })
        })
    });
    Effect::new(move |_| {
        explorer.total.set(counted.with(|counted| counted.as_ref().map(|counted| total(&counted.histogram))));
    });
    let before = RwSignal::new(None::<Series>);
    let spec = Signal::derive(move || {
        counted.with(|counted| {
            let Counted { ends, histogram, .. } = counted.as_ref()?;
            Some(Bars { before: before.get(), ..bars(histogram, *ends) })
        })
    });
    let summary = Signal::derive(move || {
        counted.with(|counted| {
            counted.as_ref().map_or_else(|| "Events over time".into(), |counted| summary(&counted.histogram))
        })
    });
    let zoom = Callback::new(move |(from, to): (i64, i64)| {
        explorer.remember_zoom();
        explorer.zoom(TimeRange::between(from, to));
    });
    view! {
        <section class="histogram" aria-label="Events over time" aria-busy=move || found.busy.get().to_string()>
            {move || match found.state.get() {
                Load::Failed(error) => view! {
                    <div class="histogram-note">
                        <span>{error.message()}</span>
                        <Button small=true icon=Icon::Refresh on_click=move |_| found.refetch()>"Try again"</Button>
                    </div>
                }.into_any(),
                Load::Waiting => view! { <div class="histogram-wait" role="status" aria-label="Loading"></div> }.into_any(),
                Load::Ready(_) => ().into_any(),
            }}
            <div class="histogram-chart" class:is-hidden=move || counted.with(Option::is_none)>
                <BarChart spec summary on_select=zoom/>
            </div>
            {move || more::more().map(|more| (more.over_histogram)(counted.into(), before))}
        </section>
    }
}

pub fn total(histogram: &Histogram) -> u64 {
    histogram.buckets.iter().map(|bucket| bucket.total).sum()
}

fn bars(histogram: &Histogram, (from, to): (i64, i64)) -> Bars {
    let present = |level: &&str| {
        histogram.buckets.iter().any(|bucket| bucket.by_level.get(*level).is_some_and(|count| *count > 0))
    };
    let series = LEVELS.iter().filter(|level| present(level)).map(|level| Series {
        name: (*level).to_owned(),
        token: format!("fill-{level}"),
        values: histogram
            .buckets
            .iter()
            .map(|bucket| Some(bucket.by_level.get(*level).copied().unwrap_or(0) as f64))
            .collect(),
        mark: false,
    });
    Bars {
        from: from as f64,
        to: to as f64,
        interval: histogram.interval_ms as f64,
        times: histogram.buckets.iter().map(|bucket| chart_time(&bucket.start)).collect(),
        series: series.collect(),
        before: None,
        utc: is_utc(),
    }
}

/// What the picture shows, for those who do not see it.
fn summary(histogram: &Histogram) -> String {
    let mut by_level = LEVELS.map(|level| {
        let count: u64 = histogram.buckets.iter().filter_map(|bucket| bucket.by_level.get(level)).sum();
        (level, count)
    });
    by_level.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let levels: Vec<String> = by_level
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| format!("{} {level}", format::count(*count)))
        .collect();
    match levels.is_empty() {
        true => "No events in this range".into(),
        false => format!("{} events over time: {}", format::count(total(histogram)), levels.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::search::Bucket;

    fn histogram() -> Histogram {
        let bucket = |start: &str, error, info| Bucket {
            start: start.into(),
            total: error + info,
            by_level: [("error".to_owned(), error), ("info".to_owned(), info)].into(),
        };
        Histogram {
            interval_ms: 60_000,
            buckets: vec![bucket("2026-03-10T10:00:00Z", 2, 10), bucket("2026-03-10T10:01:00Z", 0, 1_500)],
        }
    }

    #[test]
    fn the_picture_is_told_in_words() {
        assert_eq!(summary(&histogram()), "1,512 events over time: 1,510 info, 2 error");
        assert_eq!(summary(&Histogram { interval_ms: 1, buckets: Vec::new() }), "No events in this range");
    }
}
