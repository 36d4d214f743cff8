//! The histogram against an earlier time: the period before, or the same hours a day or a week ago, as a quiet line.

use super::explorer::{Explorer, Run, explorer};
use super::histogram::{Counted, total};
use crate::api::search;
use crate::chart::{Series, chart_time};
use crate::components::{Glyph, Icon, IconButton, Menu, MenuItem, MenuSide};
use crate::format;
use crate::load::{Load, Loaded, load};
use crate::preferences::preferences;
use crate::time_range::TimeRange;
use crate::url::Before;
use api_types::search::Histogram;
use leptos::prelude::*;
use std::collections::HashMap;

const DAY_MS: i64 = 86_400_000;

pub fn name(before: Before) -> &'static str {
    match before {
        Before::Nothing => "Nothing",
        Before::Period => "Period before",
        Before::Day => "Day before",
        Before::Week => "Week before",
    }
}

/// What is asked for: the histogram of the run so many milliseconds earlier.
#[derive(Debug, Clone, PartialEq)]
struct Earlier {
    run: Run,
    ends: (i64, i64),
    shift_ms: i64,
}

/// How far back the earlier time lies, in whole buckets, so that bars and line meet. `minutes` is the zone's distance from UTC:
/// ten o'clock is compared with ten o'clock, also over a change to summer time.
fn shift(before: Before, (from, to): (i64, i64), interval_ms: i64, minutes: impl Fn(i64) -> i64) -> i64 {
    let interval = interval_ms.max(1);
    let days = match before {
        Before::Nothing => return 0,
        Before::Period => return (to - from + interval - 1) / interval * interval,
        Before::Day => 1,
        Before::Week => 7,
    };
    let earlier = from - days * DAY_MS;
    let turned = (minutes(from) - minutes(earlier)) * 60_000;
    let shift = days * DAY_MS - turned;
    (shift + interval / 2) / interval * interval
}

/// How long ago that is, as queries write it.
pub fn length(before: Before, run: &Run) -> String {
    match before {
        Before::Nothing => "0s".into(),
        Before::Day => "1d".into(),
        Before::Week => "1w".into(),
        Before::Period => {
            let zone = preferences().zone.get_untracked().minutes(run.now_ms);
            let (from, to) = run.range.resolve(run.now_ms, zone).unwrap_or((0, DAY_MS));
            in_units((to - from + 999) / 1000)
        }
    }
}

fn in_units(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units.into_iter().find(|(unit, _)| seconds % unit == 0);
    whole.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// Asks for the earlier time once the histogram itself is there, and keeps its line in `line`.
fn follow(
    explorer: Explorer,
    shown: Signal<Option<Counted>>,
    line: RwSignal<Option<Series>>,
) -> Loaded<(Earlier, Histogram)> {
    let wanted = Memo::new(move |_| {
        let before = explorer.state.with(|state| state.before);
        let zone = preferences().zone.get();
        shown.with(|shown| {
            let Counted { run, ends, histogram } = shown.as_ref().filter(|_| before != Before::Nothing)?;
            let shift_ms = shift(before, *ends, histogram.interval_ms as i64, |at| zone.minutes(at));
            Some(Earlier { run: run.clone(), ends: *ends, shift_ms })
        })
    });
    let found = load(
        move || wanted.get(),
        |earlier| async move {
            let (from, to) = (earlier.ends.0 - earlier.shift_ms, earlier.ends.1 - earlier.shift_ms);
            let run = Run { range: TimeRange::between(from, to), ..earlier.run.clone() };
            search::histogram(super::histogram::request(&run)).await.map(|histogram| (earlier, histogram))
        },
    );
    found.cancel_on(explorer.cancelled);
    Effect::new(move |_| {
        let before = explorer.state.with(|state| state.before);
        let drawn = found.state.with(|state| {
            let (earlier, histogram) = state.ready()?;
            // What belongs to another search, or to another earlier time, is not drawn.
            let is_wanted = wanted.with(|wanted| wanted.as_ref() == Some(earlier));
            let times = shown.with(|shown| shown.as_ref().map(|shown| times(&shown.histogram)))?;
            is_wanted.then(|| series(before, &times, histogram, earlier.shift_ms))
        });
        line.set(drawn);
    });
    found
}

fn times(histogram: &Histogram) -> Vec<i64> {
    histogram.buckets.iter().map(|bucket| chart_time(&bucket.start) as i64).collect()
}

/// The earlier counts, each at the time that it is compared with.
fn series(before: Before, times: &[i64], earlier: &Histogram, shift_ms: i64) -> Series {
    let counted: HashMap<i64, u64> = earlier
        .buckets
        .iter()
        .map(|bucket| (chart_time(&bucket.start) as i64 + shift_ms, bucket.total))
        .collect();
    Series {
        name: name(before).to_owned(),
        token: "text-faint".into(),
        values: times.iter().map(|time| counted.get(time).map(|count| *count as f64)).collect(),
        mark: false,
    }
}

/// The menu in the corner of the histogram, and what the comparison says in one line.
#[component]
pub fn EarlierMenu(shown: Signal<Option<Counted>>, line: RwSignal<Option<Series>>) -> impl IntoView {
    let explorer = explorer();
    let found = follow(explorer, shown, line);
    let chosen = move || explorer.state.with(|state| state.before);
    let trigger = ViewFn::from(|| {
        view! { <Glyph icon=Icon::History size="icon-small"/><span class="sr-only">"Compare with an earlier time (b)"</span> }
    });
    let items = move || {
        let items = Before::ALL.map(|before| {
            let checked = Signal::derive(move || chosen() == before);
            let choose = Callback::new(move |()| explorer.compare_with(before));
            view! { <MenuItem checked on_choose=choose>{name(before)}</MenuItem> }
        });
        items.collect_view()
    };
    let said = move || match found.state.get() {
        Load::Failed(error) => error.message(),
        Load::Ready((_, earlier)) if line.with(Option::is_some) => {
            let now = shown.with(|shown| shown.as_ref().map_or(0, |shown| total(&shown.histogram)));
            difference(total(&earlier), now)
        }
        Load::Ready(_) | Load::Waiting => "…".into(),
    };
    view! {
        <div class="histogram-menu" title="Compare with an earlier time (b)">
            <Menu label="Compare with" class="icon-button icon-button-small" side=MenuSide::End trigger>
                <div class="menu-label">"Compare with"</div>
                {items()}
            </Menu>
        </div>
        <Show when=move || chosen() != Before::Nothing>
            <p class="histogram-before" role="status" data-testid="before">
                <i aria-hidden="true"></i>
                <span class="truncate numbers">{move || name(chosen())}": "{said}</span>
                <IconButton small=true icon=Icon::Close label="Compare with nothing" on_click=move |_| explorer.compare_with(Before::Nothing)/>
            </p>
        </Show>
    }
}

/// `1,350 events, 12% more now`
fn difference(before: u64, now: u64) -> String {
    let counted = format!("{} events", format::count(before));
    if before == now {
        return format!("{counted}, as many as now");
    }
    let (share, word) = match now > before {
        true => ((now - before) as f64 / before as f64, "more"),
        false => ((before - now) as f64 / before as f64, "fewer"),
    };
    match share * 100.0 {
        _ if before == 0 => counted,
        percent if percent < 1.0 => format!("{counted}, about as many as now"),
        percent if percent > 999.0 => format!("{counted}, {} times as many now", format::count(now / before)),
        percent => format!("{counted}, {percent:.0}% {word} now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::search::Bucket;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    /// Sunday, 2026-03-29 10:00 in Berlin, where the clock was put forward in the night.
    const SUNDAY: i64 = 1_774_771_200_000;

    #[test]
    fn the_period_before_ends_where_the_range_begins_or_less_than_a_bucket_earlier() {
        assert_eq!(shift(Before::Period, (0, 15 * MINUTE), 10_000, |_| 0), 15 * MINUTE);
        assert_eq!(shift(Before::Period, (0, 15 * MINUTE + 1), 10_000, |_| 0), 15 * MINUTE + 10_000);
    }

    #[test]
    fn hours_meet_the_same_hours_of_the_clock() {
        let berlin = |at: i64| if at < SUNDAY - 7 * HOUR { 60 } else { 120 };
        let range = (SUNDAY, SUNDAY + HOUR);
        assert_eq!(shift(Before::Day, range, MINUTE, berlin), 23 * HOUR);
        assert_eq!(shift(Before::Week, range, MINUTE, berlin), 167 * HOUR);
        assert_eq!(shift(Before::Day, range, MINUTE, |_| 60), 24 * HOUR);
    }

    #[test]
    fn earlier_counts_stand_at_the_times_that_they_are_compared_with() {
        let bucket = |start: &str, total| Bucket { start: start.into(), total, by_level: Default::default() };
        let earlier = Histogram {
            interval_ms: 60_000,
            buckets: vec![bucket("2026-03-09T10:00:00Z", 5), bucket("2026-03-09T10:01:00Z", 0)],
        };
        let ten = chart_time("2026-03-10T10:00:00Z") as i64;
        let line = series(Before::Day, &[ten, ten + MINUTE, ten + 2 * MINUTE], &earlier, DAY_MS);
        assert_eq!(line.values, [Some(5.0), Some(0.0), None]);
    }

    #[test]
    fn lengths_are_written_in_the_largest_unit_that_fits() {
        assert_eq!([900, 7_200, 172_800, 61].map(in_units), ["15m", "2h", "2d", "61s"]);
    }

    #[test]
    fn the_difference_is_told_in_words() {
        assert_eq!(difference(1_000, 1_120), "1,000 events, 12% more now");
        assert_eq!(difference(1_000, 500), "1,000 events, 50% fewer now");
        assert_eq!(difference(1_000, 1_001), "1,000 events, about as many as now");
        assert_eq!(difference(3, 3), "3 events, as many as now");
        assert_eq!(difference(0, 5), "0 events");
        assert_eq!(difference(2, 100), "2 events, 50 times as many now");
    }
}
