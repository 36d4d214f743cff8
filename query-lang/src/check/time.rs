//! Time literals: each names an interval `[start, end)`, in the request's time zone unless it says otherwise.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span as Difference, Timestamp, Unit, Zoned};

use super::CheckContext;
use crate::ast::{Amount, LiteralClass, TimeSpan};
use crate::literal;

/// A stretch of time `[start, end)` in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Period {
    fn instant(at: i64) -> Option<Self> {
        Some(Self { start: at, end: at.checked_add(1)? })
    }

    pub(super) fn span(self) -> TimeSpan {
        TimeSpan { from_ns: Some(self.start), to_ns: Some(self.end) }
    }
}

/// Reads a time as it is written in queries. `None` when it is none.
pub(super) fn read(text: &str, context: &CheckContext) -> Option<Period> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "today" => return day(context, 0),
        "yesterday" => return day(context, -1),
        _ => {}
    }
    if let Some(rest) = lower.strip_prefix("now") {
        // Units are case-sensitive: minutes are m.
        return relative(&text[text.len() - rest.len()..], context);
    }
    epoch(text).or_else(|| calendar(text, context))
}

fn zoned(nanos: i64, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_nanosecond(nanos.into()).ok()?.to_zoned(zone.clone()))
}

fn nanos(zoned: &Zoned) -> Option<i64> {
    i64::try_from(zoned.timestamp().as_nanosecond()).ok()
}

/// The local day so many days from today.
fn day(context: &CheckContext, days: i64) -> Option<Period> {
    let today = zoned(context.now_ns, &context.time_zone)?.start_of_day().ok()?;
    let start = today.checked_add(Difference::new().try_days(days).ok()?).ok()?.start_of_day().ok()?;
    let end = start.tomorrow().ok()?.start_of_day().ok()?;
    Some(Period { start: nanos(&start)?, end: nanos(&end)? })
}

/// What stands behind `now`: `-15m`, `/d`, `-1d/d`.
fn relative(rest: &str, context: &CheckContext) -> Option<Period> {
    let (offset, snap) = match rest.split_once('/') {
        Some((offset, snap)) => (offset, Some(snap)),
        None => (rest, None),
    };
    let at = match offset.chars().next() {
        None => context.now_ns,
        Some(sign @ ('+' | '-')) => {
            let LiteralClass::Duration(amount) = literal::amount(&offset[1..])? else { return None };
            moved(context, if sign == '-' { -1 } else { 1 }, amount)?
        }
        Some(_) => return None,
    };
    match snap {
        None => Period::instant(at),
        Some(unit) => snapped(&zoned(at, &context.time_zone)?, unit),
    }
}

/// `now` moved by a duration; whole days in local time.
fn moved(context: &CheckContext, sign: i64, amount: Amount) -> Option<i64> {
    let nanos_away = amount.whole()?.checked_mul(sign)?;
    if nanos_away % Amount::NANOS_PER_DAY != 0 {
        return context.now_ns.checked_add(nanos_away);
    }
    let days = Difference::new().try_days(nanos_away / Amount::NANOS_PER_DAY).ok()?;
    nanos(&zoned(context.now_ns, &context.time_zone)?.checked_add(days).ok()?)
}

/// The minute, hour, day, week (from Monday), month or year that holds `at`.
fn snapped(at: &Zoned, unit: &str) -> Option<Period> {
    let day = || at.start_of_day().ok();
    let (start, length) = match unit {
        "m" => (at.round(floor(Unit::Minute)).ok()?, Difference::new().minutes(1)),
        "h" => (at.round(floor(Unit::Hour)).ok()?, Difference::new().hours(1)),
        "d" => (day()?, Difference::new().days(1)),
        "w" => {
            let monday = i64::from(at.weekday().to_monday_zero_offset());
            (day()?.checked_sub(Difference::new().days(monday)).ok()?, Difference::new().weeks(1))
        }
        "mo" => (day()?.first_of_month().ok()?, Difference::new().months(1)),
        "y" => (day()?.first_of_year().ok()?, Difference::new().years(1)),
        _ => return None,
    };
    let end = start.checked_add(length).ok()?;
    Some(Period { start: nanos(&start)?, end: nanos(&end)? })
}

fn floor(unit: Unit) -> jiff::ZonedRound {
    jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Floor)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their number of digits.
fn epoch(text: &str) -> Option<Period> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let unit = match text.len() {
        10 => 1_000_000_000,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    let start = text.parse::<i64>().ok()?.checked_mul(unit)?;
    Some(Period { start, end: start.checked_add(unit)? })
}

/// RFC 3339 with optional parts: year, month, day, hour, minute, second, fraction, offset.
fn calendar(text: &str, context: &CheckContext) -> Option<Period> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let Some(time) = time else { return whole_date(date, &context.time_zone) };
    let (time, offset) = split_offset(time)?;
    let zone = offset.map_or_else(|| context.time_zone.clone(), TimeZone::fixed);
    let date = full_date(date)?;
    let (time, precision) = clock(time)?;
    let start = DateTime::from_parts(date, time).to_zoned(zone).ok()?;
    let start = nanos(&start)?;
    Some(Period { start, end: start.checked_add(precision)? })
}

fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn full_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let day = i8::try_from(digits(day, 2)?).ok()?;
    let month = i8::try_from(digits(month, 2)?).ok()?;
    parts.next().is_none().then(|| Date::new(digits(year, 4)?, month, day).ok())?
}

/// `2026`, `2026-03`, `2026-03-10`: the whole year, month or day.
fn whole_date(text: &str, zone: &TimeZone) -> Option<Period> {
    let (start, length) = match text.len() {
        4 => (full_date(&format!("{text}-01-01"))?, Difference::new().years(1)),
        7 => (full_date(&format!("{text}-01"))?, Difference::new().months(1)),
        _ => (full_date(text)?, Difference::new().days(1)),
    };
    let at = |date: Date| nanos(&date.to_zoned(zone.clone()).ok()?);
    Some(Period { start: at(start)?, end: at(start.checked_add(length).ok()?)? })
}

/// The clock time, and what stands behind it when it is an offset.
fn split_offset(text: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, Some(Offset::UTC)));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, None)) };
    let (time, offset) = text.split_at(at);
    let (hours, minutes) = match offset[1..].split_once(':') {
        Some(parts) => parts,
        None => (offset.get(1..3)?, offset.get(3..).filter(|text| !text.is_empty()).unwrap_or("00")),
    };
    let seconds = i32::from(digits(hours, 2)?) * 3600 + i32::from(digits(minutes, 2)?) * 60;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    Some((time, Some(Offset::from_seconds(sign * seconds).ok()?)))
}

/// `10`, `10:15`, `10:15:30`, `10:15:30.123`: the time, and how many nanoseconds it stands for.
fn clock(text: &str) -> Option<(Time, i64)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let parts: Vec<i8> =
        whole.split(':').map(|part| i8::try_from(digits(part, 2)?).ok()).collect::<Option<_>>()?;
    let at = |i: usize| parts.get(i).copied().unwrap_or(0);
    let (subsecond, precision) = match (fraction, parts.len()) {
        (Some(fraction), 3) if (1..=9).contains(&fraction.len()) => {
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (format!("{fraction:0<9}").parse().ok()?, 10_i64.pow(9 - u32::try_from(fraction.len()).ok()?))
        }
        (None, 1) => (0, 3_600_000_000_000),
        (None, 2) => (0, 60_000_000_000),
        (None, 3) => (0, 1_000_000_000),
        _ => return None,
    };
    Some((Time::new(at(0), at(1), at(2), subsecond).ok()?, precision))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(zone: &str) -> CheckContext {
        let now: Timestamp = "2026-03-10T12:34:56Z".parse().expect("a time");
        CheckContext {
            now_ns: i64::try_from(now.as_nanosecond()).expect("fits"),
            from_ns: 0,
            to_ns: 0,
            time_zone: TimeZone::get(zone).expect("a zone"),
        }
    }

    fn shown(text: &str, zone: &str) -> Option<String> {
        let show = |at: i64| Timestamp::from_nanosecond(at.into()).expect("in range").to_string();
        read(text, &context(zone)).map(|period| format!("{} {}", show(period.start), show(period.end)))
    }

    #[test]
    fn a_literal_stands_for_as_much_time_as_it_leaves_open() {
        for (text, expected) in [
            ("2026", "2026-01-01T00:00:00Z 2027-01-01T00:00:00Z"),
            ("2026-02", "2026-02-01T00:00:00Z 2026-03-01T00:00:00Z"),
            ("2026-03-10", "2026-03-10T00:00:00Z 2026-03-11T00:00:00Z"),
            ("2026-03-10T10", "2026-03-10T10:00:00Z 2026-03-10T11:00:00Z"),
            ("2026-03-10 10:15", "2026-03-10T10:15:00Z 2026-03-10T10:16:00Z"),
            ("2026-03-10T10:15:30.1Z", "2026-03-10T10:15:30.1Z 2026-03-10T10:15:30.2Z"),
            ("2026-03-10T16:30:00+05:30", "2026-03-10T11:00:00Z 2026-03-10T11:00:01Z"),
            ("1773140400", "2026-03-10T11:00:00Z 2026-03-10T11:00:01Z"),
            ("now", "2026-03-10T12:34:56Z 2026-03-10T12:34:56.000000001Z"),
            ("now-30m/h", "2026-03-10T12:00:00Z 2026-03-10T13:00:00Z"),
            ("now-1d/d", "2026-03-09T00:00:00Z 2026-03-10T00:00:00Z"),
            ("now/w", "2026-03-09T00:00:00Z 2026-03-16T00:00:00Z"),
            ("now/mo", "2026-03-01T00:00:00Z 2026-04-01T00:00:00Z"),
            ("yesterday", "2026-03-09T00:00:00Z 2026-03-10T00:00:00Z"),
        ] {
            assert_eq!(shown(text, "UTC").as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn days_are_local_and_follow_the_clock_change() {
        assert_eq!(
            shown("2026-03-29", "Europe/Berlin").as_deref(),
            Some("2026-03-28T23:00:00Z 2026-03-29T22:00:00Z")
        );
        assert_eq!(
            shown("today", "Asia/Kolkata").as_deref(),
            Some("2026-03-09T18:30:00Z 2026-03-10T18:30:00Z")
        );
    }

    #[test]
    fn other_text_is_no_time() {
        for text in [
            "",
            "1M",
            "15m",
            "2026-13",
            "2026-3-1",
            "2026-03-10T25",
            "now-5M",
            "now-1mo",
            "nowish",
            "12",
            "now/x",
        ] {
            assert_eq!(shown(text, "UTC"), None, "{text}");
        }
    }
}
