//! `from` and `to`: RFC 3339, a number since the epoch, or relative to now (`now-15m`, `now-1d/d`).

use crate::error::InvalidFields;
use api_types::search::TimeInput;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Unit, Zoned, ZonedRound};

const NS_PER_SECOND: i64 = 1_000_000_000;

/// What is searched when nothing is said: the last quarter of an hour.
const DEFAULT_FROM: &str = "now-15m";

/// A half-open range of time with the instant and the zone that its words meant.
#[derive(Debug, Clone)]
pub struct TimeRange {
    pub from_ns: i64,
    /// Exclusive.
    pub to_ns: i64,
    pub now_ns: i64,
    pub zone: TimeZone,
}

/// What a request says about time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    pub from: Option<&'a TimeInput>,
    pub to: Option<&'a TimeInput>,
    pub now: Option<&'a TimeInput>,
    pub zone: Option<&'a str>,
}

impl TimeRange {
    /// # Errors
    /// 422 `invalid` naming the field that is no time, or `to` when it is not after `from`.
    pub fn parse(asked: Asked<'_>, clock_ns: i64) -> Result<Self, InvalidFields> {
        let zone = match asked.zone {
            None | Some("") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                InvalidFields::one("tz", "unknown_time_zone", "Give an IANA name such as Europe/Berlin.")
            })?,
        };
        let now_ns = match asked.now {
            None => clock_ns,
            Some(now) => read(now, clock_ns, &zone)
                .map_err(|detail| InvalidFields::one("now", "invalid_time", &detail))?,
        };
        let field = |name: &str, input: Option<&TimeInput>, default: &str| {
            match input {
                None => read_text(default, now_ns, &zone),
                Some(input) => read(input, now_ns, &zone),
            }
            .map_err(|detail| InvalidFields::one(name, "invalid_time", &detail))
        };
        let from_ns = field("from", asked.from, DEFAULT_FROM)?;
        let to_ns = field("to", asked.to, "now")?;
        if from_ns >= to_ns {
            return Err(InvalidFields::one("to", "empty_range", "`to` must be later than `from`."));
        }
        Ok(Self { from_ns, to_ns, now_ns, zone })
    }
}

impl TimeRange {
    /// One instant, in nanoseconds.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn instant(input: &TimeInput, clock_ns: i64) -> Result<i64, String> {
        read(input, clock_ns, &TimeZone::UTC)
    }
}

fn read(input: &TimeInput, now_ns: i64, zone: &TimeZone) -> Result<i64, String> {
    match input {
        TimeInput::Number(number) if number.fract() == 0.0 && number.abs() < 9e18 => {
            read_whole(*number as i64)
        }
        TimeInput::Number(number) => read_number(*number),
        TimeInput::Text(text) => read_text(text.trim(), now_ns, zone),
    }
}

/// The size of the number tells its unit: seconds, milliseconds, microseconds or nanoseconds since 1970.
fn ns_per_unit(size: f64) -> i64 {
    match size {
        size if size < 1e11 => NS_PER_SECOND,
        size if size < 1e14 => 1_000_000,
        size if size < 1e17 => 1_000,
        _ => 1,
    }
}

fn read_number(number: f64) -> Result<i64, String> {
    let ns = number * ns_per_unit(number.abs()) as f64;
    if ns.is_finite() && ns.abs() < 9.2e18 { Ok(ns as i64) } else { Err(format!("{number} is not a time.")) }
}

/// As `read_number`, with every digit.
fn read_whole(number: i64) -> Result<i64, String> {
    number
        .checked_mul(ns_per_unit(number.unsigned_abs() as f64))
        .ok_or_else(|| format!("{number} is not a time."))
}

fn read_text(text: &str, now_ns: i64, zone: &TimeZone) -> Result<i64, String> {
    if let Some(offset) = text.strip_prefix("now") {
        return relative(offset, now_ns, zone).ok_or_else(|| {
            format!("`{text}` is not a time: write now, now-15m, now+1h or now-1d/d (units s m h d w mo y).")
        });
    }
    if let Ok(number) = text.parse::<i64>() {
        return read_whole(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return in_range(time);
    }
    let local =
        text.parse::<jiff::civil::DateTime>().ok().and_then(|local| local.to_zoned(zone.clone()).ok());
    match local {
        Some(time) => in_range(time.timestamp()),
        None => Err(format!(
            "`{text}` is not a time: write 2026-03-10T10:15:00Z, a number since 1970, or now-15m."
        )),
    }
}

fn in_range(time: Timestamp) -> Result<i64, String> {
    i64::try_from(time.as_nanosecond()).map_err(|_| format!("{time} is too far away."))
}

/// What follows `now`: any number of `+5m` and `-1d`, then perhaps `/d` to go to the unit's start, in the zone.
fn relative(text: &str, now_ns: i64, zone: &TimeZone) -> Option<i64> {
    let (steps, snap) = text.split_once('/').map_or((text, None), |(steps, snap)| (steps, Some(snap)));
    let mut time = Timestamp::from_nanosecond(i128::from(now_ns)).ok()?.to_zoned(zone.clone());
    let mut rest = steps;
    while !rest.is_empty() {
        let back = match rest.as_bytes()[0] {
            b'-' => true,
            b'+' => false,
            _ => return None,
        };
        let digits = rest[1..].find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[1..=digits].parse().ok()?;
        let unit_end = rest[1 + digits..].find(['+', '-']).map_or(rest.len(), |end| 1 + digits + end);
        let span = span_of(count, &rest[1 + digits..unit_end])?;
        time = if back { time.checked_sub(span) } else { time.checked_add(span) }.ok()?;
        rest = &rest[unit_end..];
    }
    let time = match snap {
        Some(unit) => start_of(&time, unit)?,
        None => time,
    };
    in_range(time.timestamp()).ok()
}

fn span_of(count: i64, unit: &str) -> Option<Span> {
    let span = Span::new();
    match unit {
        "s" => span.try_seconds(count),
        "m" => span.try_minutes(count),
        "h" => span.try_hours(count),
        "d" => span.try_days(count),
        "w" => span.try_weeks(count),
        "mo" | "M" => span.try_months(count),
        "y" => span.try_years(count),
        _ => return None,
    }
    .ok()
}

fn start_of(time: &Zoned, unit: &str) -> Option<Zoned> {
    let floor = |unit| time.round(ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Floor)).ok();
    match unit {
        "s" => floor(Unit::Second),
        "m" => floor(Unit::Minute),
        "h" => floor(Unit::Hour),
        "d" => time.start_of_day().ok(),
        "w" => {
            let days = i64::from(time.weekday().to_monday_zero_offset());
            time.checked_sub(Span::new().days(days)).ok()?.start_of_day().ok()
        }
        "mo" | "M" => time.first_of_month().ok()?.start_of_day().ok(),
        "y" => time.first_of_year().ok()?.start_of_day().ok(),
        _ => None,
    }
}

/// The width of histogram buckets: the smallest natural step that gives at most `buckets` of them.
#[must_use]
pub fn bucket_ns(range: &TimeRange, buckets: u32) -> i64 {
    const STEPS_S: &[i64] =
        &[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];
    let length_ns = range.to_ns - range.from_ns;
    let wanted = i64::from(buckets.clamp(1, 2_000));
    STEPS_S.iter().map(|step| step * NS_PER_SECOND).find(|step| length_ns / step < wanted).unwrap_or_else(
        || {
            let day = 86_400 * NS_PER_SECOND;
            (length_ns / wanted / day + 1) * day
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-10T12:34:56Z";

    fn read_at_now(text: &str, zone: &str) -> Result<String, String> {
        let now = NOW.parse::<Timestamp>().unwrap().as_nanosecond() as i64;
        read_text(text, now, &TimeZone::get(zone).unwrap())
            .map(|ns| Timestamp::from_nanosecond(i128::from(ns)).unwrap().to_string())
    }

    #[test]
    fn every_way_to_write_a_time_is_understood() {
        for (text, zone, expected) in [
            ("now", "UTC", NOW),
            ("now-15m", "UTC", "2026-03-10T12:19:56Z"),
            ("now-1d/d", "UTC", "2026-03-09T00:00:00Z"),
            ("now/d", "Europe/Berlin", "2026-03-09T23:00:00Z"),
            ("now/w", "UTC", "2026-03-09T00:00:00Z"),
            ("now-1mo/mo", "UTC", "2026-02-01T00:00:00Z"),
            ("now-1h+30m", "UTC", "2026-03-10T12:04:56Z"),
            ("2026-03-10T10:00:00+01:00", "UTC", "2026-03-10T09:00:00Z"),
            ("2026-03-10T10:00:00", "Europe/Berlin", "2026-03-10T09:00:00Z"),
            ("2026-03-10", "UTC", "2026-03-10T00:00:00Z"),
            ("1773144896", "UTC", "2026-03-10T12:14:56Z"),
            ("1773144896123", "UTC", "2026-03-10T12:14:56.123Z"),
            ("1773144896123456789", "UTC", "2026-03-10T12:14:56.123456789Z"),
        ] {
            assert_eq!(read_at_now(text, zone).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_an_error_that_says_what_to_write() {
        for text in ["", "yesterday at noon", "now-", "now-5", "now-5x", "now-5m/x", "nowhere", "2026-13-01"]
        {
            let error = read_at_now(text, "UTC").unwrap_err();
            assert!(error.contains("now-15m") || error.contains("now-"), "{error}");
        }
    }

    #[test]
    fn an_empty_range_and_an_unknown_zone_are_refused() {
        let (from, to) = (TimeInput::from("now"), TimeInput::from("now-1h"));
        let asked = Asked { from: Some(&from), to: Some(&to), ..Asked::default() };
        assert_eq!(TimeRange::parse(asked, 0).unwrap_err().0[0].field, "to");
        let asked = Asked { zone: Some("Mars/Olympus"), ..Asked::default() };
        assert_eq!(TimeRange::parse(asked, 0).unwrap_err().0[0].field, "tz");
    }

    #[test]
    fn a_histogram_never_has_more_buckets_than_asked_for() {
        for hours in [1, 6, 24, 24 * 30, 24 * 400] {
            let range = TimeRange {
                from_ns: 0,
                to_ns: hours * 3_600 * NS_PER_SECOND,
                now_ns: 0,
                zone: TimeZone::UTC,
            };
            for buckets in [1, 10, 60, 120] {
                let width = bucket_ns(&range, buckets);
                assert!((range.to_ns + width - 1) / width <= i64::from(buckets), "{hours} h in {buckets}");
            }
        }
    }
}
