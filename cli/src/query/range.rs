//! The time range, written as in the interface: `--last 15m`, `--from now-1h --to now`, `--from 2026-03-10`.

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use query_lang::{Catalogue, CheckContext, check, parse};

/// Before and after all events that there are.
pub const EVER: (i64, i64) = (i64::MIN / 2, i64::MAX / 2);

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Time")]
pub struct RangeOptions {
    /// The last 15m, 2h, 7d …
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["from", "to"])]
    pub last: Option<String>,
    /// Beginning: 2026-03-10, "2026-03-10 10:00", 2026-03-10T10:00:00Z, now-1h, now-1d/d, today, or seconds since 1970.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// End, itself not included; as --from.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Time zone of days, bins and times without an offset, such as Europe/Berlin. Default: this machine's.
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// The instant that `now` means.
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    pub now: Option<Timestamp>,
}

impl RangeOptions {
    pub fn zone(&self) -> Result<TimeZone> {
        match &self.tz {
            None => Ok(TimeZone::system()),
            Some(name) => TimeZone::get(name)
                .with_context(|| format!("there is no time zone {name}; write it like Europe/Berlin or UTC")),
        }
    }

    pub fn now_ns(&self) -> i64 {
        let now = self.now.unwrap_or_else(Timestamp::now);
        i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX)
    }

    /// What `--last` and `--from` ask for, as the language writes it.
    pub fn texts(&self) -> (Option<String>, Option<String>) {
        match &self.last {
            Some(last) => (Some(format!("now-{last}")), None),
            None => (self.from.clone(), self.to.clone()),
        }
    }

    /// `[from, to)`; an end that nobody named is open.
    pub fn resolve(&self, zone: &TimeZone, now_ns: i64) -> Result<(Option<i64>, Option<i64>)> {
        let (from, to) = self.texts();
        let from = from.map(|text| instant(&text, ">=", zone, now_ns)).transpose()?;
        let to = to.map(|text| instant(&text, "<", zone, now_ns)).transpose()?;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            bail!("the time range is empty: --from is not before --to");
        }
        Ok((from, to))
    }
}

/// An instant as the language reads it.
fn instant(text: &str, op: &str, zone: &TimeZone, now_ns: i64) -> Result<i64> {
    let context = CheckContext { now_ns, from_ns: EVER.0, to_ns: EVER.1, time_zone: zone.clone() };
    let ends = |query: &str| {
        let checked = check(&parse(query).ok()?.query, &Catalogue::default(), &context).ok()?;
        Some(if op == "<" { checked.to_ns } else { checked.from_ns })
            .filter(|end| *end != EVER.0 && *end != EVER.1)
    };
    let quoted = || ends(&format!("timestamp{op}\"{text}\""));
    let bare = || ends(&format!("timestamp{op}{text}"));
    let is_plain = |character: char| character.is_ascii_alphanumeric() || ":.+-/".contains(character);
    let found = if text.chars().all(is_plain) { bare() } else { None };
    found.or_else(|| if text.contains(['"', '\\']) { None } else { quoted() }).with_context(|| {
        format!("{text} is no time: write 2026-03-10T10:00:00Z, \"2026-03-10 10:00\", now-15m or today")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_773_144_000_000_000_000;

    fn range(last: Option<&str>, from: Option<&str>, to: Option<&str>) -> Result<(Option<i64>, Option<i64>)> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let options =
            RangeOptions { last: text(last), from: text(from), to: text(to), ..RangeOptions::default() };
        options.resolve(&TimeZone::UTC, NOON)
    }

    #[test]
    fn times_are_written_as_in_the_language() {
        let minute = 60_000_000_000;
        assert_eq!(range(Some("15m"), None, None).expect("a range"), (Some(NOON - 15 * minute), None));
        assert_eq!(
            range(None, Some("2026-03-10 11:00"), Some("2026-03-10T12:00:00Z")).expect("a range"),
            (Some(NOON - 60 * minute), Some(NOON))
        );
        assert_eq!(range(None, Some("today"), None).expect("a range").0, Some(NOON - 12 * 60 * minute));
        assert_eq!(range(None, None, None).expect("a range"), (None, None));
    }

    #[test]
    fn what_is_no_time_is_told_with_examples() {
        for text in ["soon", "", "1) or (*", "2026-13-01"] {
            let error = range(None, Some(text), None).expect_err(text);
            assert!(error.to_string().contains("is no time: write 2026"), "{error}");
        }
        let empty = range(None, Some("now"), Some("now-1h")).expect_err("nothing between");
        assert!(empty.to_string().starts_with("the time range is empty"), "{empty}");
    }
}
