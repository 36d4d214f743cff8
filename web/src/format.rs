//! How times, numbers and sizes are written on the screen.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Milliseconds since the epoch of an RFC 3339 time.
pub fn parse_ms(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|time| time.as_millisecond())
}

pub fn rfc3339(ms: i64) -> String {
    written("%Y-%m-%dT%H:%M:%S.%3fZ", ms, 0)
}

/// The day of a moment, UTC: `2026-03-10`.
pub fn date(ms: i64) -> String {
    rfc3339(ms).chars().take(10).collect()
}

fn written(pattern: &str, ms: i64, zone_minutes: i64) -> String {
    Timestamp::from_millisecond(ms + zone_minutes * 60_000)
        .ok()
        .and_then(|time| strtime::format(pattern, &time.to_zoned(TimeZone::UTC)).ok())
        .unwrap_or_default()
}

/// `Mar 10 12:34:56`
pub fn day_and_time(ms: i64, zone_minutes: i64) -> String {
    written("%b %d %H:%M:%S", ms, zone_minutes)
}

/// `Mar 10 12:34:56.123`, for rows.
pub fn row_time(ms: i64, zone_minutes: i64) -> String {
    written("%b %d %H:%M:%S.%3f", ms, zone_minutes)
}

/// `Mar 10 `, the first part of `row_time`.
pub fn row_day(ms: i64, zone_minutes: i64) -> String {
    written("%b %d ", ms, zone_minutes)
}

/// `12:34:56`
pub fn row_second(ms: i64, zone_minutes: i64) -> String {
    written("%H:%M:%S", ms, zone_minutes)
}

/// `.123`
pub fn row_fraction(ms: i64, zone_minutes: i64) -> String {
    written(".%3f", ms, zone_minutes)
}

/// `Mar 10, 2026, 12:34`
pub fn date_and_time(ms: i64, zone_minutes: i64) -> String {
    written("%b %-d, %Y, %H:%M", ms, zone_minutes)
}

/// For a box of `type=datetime-local`.
pub fn for_input(ms: i64, zone_minutes: i64) -> String {
    written("%Y-%m-%dT%H:%M:%S", ms, zone_minutes)
}

/// `just now`, `5 min ago`, `3 h ago`, `2 days ago`, and for what is ahead `in 5 min`.
pub fn ago(ms: i64, now_ms: i64) -> String {
    let seconds = (now_ms - ms) / 1000;
    let length = match seconds.abs() {
        0..=44 => return if seconds < -10 { "in a moment".into() } else { "just now".into() },
        s @ 45..=5399 => format!("{} min", (s + 30) / 60),
        s @ 5400..=129_599 => format!("{} h", (s + 1800) / 3600),
        s => format!("{} days", (s + 43_200) / 86_400),
    };
    if seconds < 0 { format!("in {length}") } else { format!("{length} ago") }
}

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}

/// `950`, `12.3k`, `4.6M`: for narrow places.
pub fn short_count(number: u64) -> String {
    let (value, unit) = match number {
        0..=999 => return number.to_string(),
        1_000..=999_949 => (number as f64 / 1e3, "k"),
        999_950..=999_949_999 => (number as f64 / 1e6, "M"),
        _ => (number as f64 / 1e9, "B"),
    };
    format!("{}{unit}", significant(value))
}

/// `812 B`, `1.2 MB`
pub fn bytes(number: u64) -> String {
    let (value, unit) = match number {
        0..=999 => return format!("{number} B"),
        1_000..=999_949 => (number as f64 / 1e3, "kB"),
        999_950..=999_949_999 => (number as f64 / 1e6, "MB"),
        999_950_000..=999_949_999_999 => (number as f64 / 1e9, "GB"),
        _ => (number as f64 / 1e12, "TB"),
    };
    format!("{} {unit}", significant(value))
}

/// One decimal, and none from a hundred on.
fn significant(value: f64) -> String {
    let text = if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// `35 ms`, `1.2 s`
pub fn elapsed(ms: f64) -> String {
    if ms < 999.5 { format!("{ms:.0} ms") } else { format!("{} s", significant(ms / 1000.0)) }
}

/// A number of a table or an alert: grouped digits, at most three decimals.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let rounded = (value.abs() * 1000.0).round() / 1000.0;
    if rounded >= 1e15 {
        return format!("{value:e}");
    }
    let whole = count(rounded as u64);
    let decimals = format!("{:.3}", rounded.fract());
    let decimals = decimals.trim_start_matches('0').trim_end_matches('0').trim_end_matches('.');
    format!("{}{whole}{decimals}", if value < 0.0 && rounded != 0.0 { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_group_their_digits() {
        assert_eq!(
            (count(7).as_str(), count(1234).as_str(), count(12_345_678).as_str()),
            ("7", "1,234", "12,345,678")
        );
    }

    #[test]
    fn narrow_counts_stay_narrow() {
        for (number, text) in
            [(999, "999"), (1000, "1k"), (12_345, "12.3k"), (999_949, "1000k"), (4_600_000, "4.6M")]
        {
            assert_eq!(short_count(number), text);
        }
    }

    #[test]
    fn numbers_keep_what_matters() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0001, "0"),
            (1234.5, "1,234.5"),
            (-2.25, "-2.25"),
            (0.9996, "1"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn times_are_shown_in_the_readers_zone() {
        let noon = parse_ms("2026-03-10T12:00:00.25Z").expect("a time");
        assert_eq!(row_time(noon, 60), "Mar 10 13:00:00.250");
        assert_eq!(rfc3339(noon), "2026-03-10T12:00:00.250Z");
        assert_eq!(date_and_time(noon, -720), "Mar 10, 2026, 00:00");
    }

    #[test]
    fn ages_are_in_the_unit_a_person_would_take() {
        for (seconds, text) in [
            (3, "just now"),
            (300, "5 min ago"),
            (7200, "2 h ago"),
            (260_000, "3 days ago"),
            (-600, "in 10 min"),
        ] {
            assert_eq!(ago(0, seconds * 1000), text);
        }
    }
}
