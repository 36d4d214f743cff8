//! Instants as nanoseconds since the epoch: reading the forms that logs use, and writing RFC 3339.
//!
//! A time without an offset is UTC, one without a year is the latest that is not ahead of `now` by more than
//! a day. Instants that 64 bits cannot hold (before 1677, after 2262) become the nearest that they can.

mod calendar;
mod forms;

pub use calendar::{format_rfc3339, write_rfc3339};

const SECOND: i64 = 1_000_000_000;

/// Reads a text that is a time as a whole, such as the value of a field.
pub fn parse(text: &str, now_ns: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(number) = parse_epoch(text) {
        return Some(number);
    }
    let (time, length) = forms::any(text.as_bytes(), now_ns)?;
    is_harmless_tail(&text[length..]).then_some(time)
}

/// Reads a time at the start of a line; also tells how many bytes it took.
pub fn parse_prefix(text: &str, now_ns: i64) -> Option<(i64, usize)> {
    let (time, length) = forms::of_a_line(text.as_bytes(), now_ns)?;
    let ends = !text[length..].starts_with(|next: char| next.is_ascii_alphanumeric());
    ends.then_some((time, length))
}

/// Reads month, day and time of day without a year, as klog writes them: `0310 10:15:30.123456`.
pub fn parse_klog(text: &str, now_ns: i64) -> Option<(i64, usize)> {
    forms::klog(text.as_bytes(), now_ns)
}

/// An integer since the epoch, in seconds, milliseconds, microseconds or nanoseconds, told by its size.
pub fn from_number(number: i64) -> i64 {
    let scale = match number.unsigned_abs() {
        0..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    number.saturating_mul(scale)
}

/// A float since the epoch, as `from_number`. A float holds a time of today to about 0.2 µs in seconds, so the
/// result is rounded to microseconds, which gives back what was written with six decimals.
pub fn from_float(number: f64) -> i64 {
    let scale = match number.abs() {
        size if size < 1e11 => 1e6,
        size if size < 1e14 => 1e3,
        size if size < 1e17 => 1.0,
        _ => return number as i64,
    };
    ((number * scale).round() as i64).saturating_mul(1_000)
}

/// A decimal number as text, exact to the nanosecond.
pub fn parse_epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || !all_digits(digits) || !all_digits(fraction) {
        return None;
    }
    // Years and dates such as `2026` and `20260310` are no seconds.
    if digits.len() < 9 && digits != "0" {
        return None;
    }
    let Ok(number) = whole.parse::<i64>() else {
        return Some(if whole.starts_with('-') { i64::MIN } else { i64::MAX });
    };
    let unit = from_number(number) / number.max(1);
    let mut part = 0;
    let mut scale = unit;
    for digit in fraction.bytes() {
        scale /= 10;
        part += i64::from(digit - b'0') * scale;
    }
    Some(from_number(number).saturating_add(if number < 0 { -part } else { part }))
}

/// What may follow a time that is a field's whole value: a zone's name after its offset, Go's monotonic reading.
fn is_harmless_tail(tail: &str) -> bool {
    let tail = tail.strip_prefix(" UTC").or_else(|| tail.strip_prefix(" GMT")).unwrap_or(tail);
    let is_zone_name = tail.len() > 2
        && (tail.starts_with('[') && tail.ends_with(']') || tail.starts_with(" (") && tail.ends_with(')'));
    tail.is_empty() || is_zone_name || tail.starts_with(" m=+") || tail.starts_with(" m=-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_773_136_800 * SECOND; // 2026-03-10T10:00:00Z

    fn read(text: &str) -> Option<String> {
        parse(text, NOW).map(format_rfc3339)
    }

    #[test]
    fn the_forms_that_logs_use_are_read() {
        for (text, expected) in [
            ("2026-03-10T10:15:30Z", "2026-03-10T10:15:30Z"),
            ("2026-03-10t10:15:30z", "2026-03-10T10:15:30Z"),
            ("2026-03-10T10:15:30.123456789Z", "2026-03-10T10:15:30.123456789Z"),
            ("2026-03-10T10:15:30.1234567891Z", "2026-03-10T10:15:30.123456789Z"),
            ("2026-03-10 10:15:30,123", "2026-03-10T10:15:30.123Z"),
            ("2026-03-10T10:15", "2026-03-10T10:15:00Z"),
            ("2026-03-10", "2026-03-10T00:00:00Z"),
            ("2026-03-10T10:15:30+02:00", "2026-03-10T08:15:30Z"),
            ("2026-03-10T10:15:30-0530", "2026-03-10T15:45:30Z"),
            ("2026-03-10T10:15:30+02", "2026-03-10T08:15:30Z"),
            ("2026-03-10 10:15:30 +0200", "2026-03-10T08:15:30Z"),
            ("2026-03-10 10:15:30.5 UTC", "2026-03-10T10:15:30.5Z"),
            ("2026-03-10 10:15:30.5 +0200 CEST m=+0.003", ""),
            ("2026-03-10 10:15:30.5 +0000 UTC m=+0.003", "2026-03-10T10:15:30.5Z"),
            ("2026-03-10T10:15:30+01:00[Europe/Paris]", "2026-03-10T09:15:30Z"),
            ("2026/03/10 10:15:30", "2026-03-10T10:15:30Z"),
            ("20260310T101530Z", "2026-03-10T10:15:30Z"),
            ("20260310T101530.25Z", "2026-03-10T10:15:30.25Z"),
            ("10/Mar/2026:10:15:30 +0200", "2026-03-10T08:15:30Z"),
            ("Tue, 10 Mar 2026 10:15:30 GMT", "2026-03-10T10:15:30Z"),
            ("Tue, 10 Mar 2026 10:15:30 -0700", "2026-03-10T17:15:30Z"),
            ("10 Mar 2026 10:15:30 EST", "2026-03-10T15:15:30Z"),
            ("10-Mar-2026 10:15:30.123", "2026-03-10T10:15:30.123Z"),
            ("Tue Mar 10 10:15:30 2026", "2026-03-10T10:15:30Z"),
            ("Tue Mar 10 10:15:30.123456 2026", "2026-03-10T10:15:30.123456Z"),
            ("Tue Mar  3 10:15:30 UTC 2026", "2026-03-03T10:15:30Z"),
            ("Mar  9 10:15:30", "2026-03-09T10:15:30Z"),
            ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
            ("Mar 10 2026 10:15:30", "2026-03-10T10:15:30Z"),
            ("Mar 10, 2026 1:15:30 PM", "2026-03-10T13:15:30Z"),
            ("Mar 10, 2026 12:15:30 AM", "2026-03-10T00:15:30Z"),
            ("26/03/10 10:15:30", "2026-03-10T10:15:30Z"),
            ("260310 101530", "2026-03-10T10:15:30Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
        ] {
            assert_eq!(read(text).unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_tell_their_unit_by_their_size() {
        let expected = 1_773_136_800_123_456_789;
        assert_eq!(from_number(1_773_136_800), 1_773_136_800 * SECOND);
        assert_eq!(from_number(1_773_136_800_123), 1_773_136_800_123_000_000);
        assert_eq!(from_number(1_773_136_800_123_456), 1_773_136_800_123_456_000);
        assert_eq!(from_number(expected), expected);
        assert_eq!(parse("1773136800.123456789", NOW), Some(expected));
        assert_eq!(parse("1773136800123.456789", NOW), Some(expected));
        assert_eq!(parse("1773136800123456789", NOW), Some(expected));
        assert_eq!(from_float(1_773_136_800.123_456), 1_773_136_800_123_456_000);
        assert_eq!(from_float(1_773_136_800_123.5), 1_773_136_800_123_500_000);
        assert_eq!(from_number(0), 0);
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "now",
            "12ms",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-03-10T25:00:00Z",
            "2026-03-10T10:60:00Z",
            "2026-03-10T10:15:30X",
            "2026-03-10T10:15:30.Z",
            "10.0.0.1",
            "12345",
            "-",
            "yesterday 10:00",
            "2026-03-10T10:15:30Z tail",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn years_that_64_bits_cannot_hold_become_the_nearest_end() {
        assert_eq!(parse("9999-12-31T23:59:59Z", NOW), Some(i64::MAX));
        assert_eq!(parse("0001-01-01T00:00:00Z", NOW), Some(i64::MIN));
        assert_eq!(parse("99999999999999999999999", NOW), Some(i64::MAX));
    }

    #[test]
    fn a_time_at_the_start_of_a_line_tells_where_it_ends() {
        let rest = |line: &str| parse_prefix(line, NOW).map(|(_, length)| line[length..].to_owned());
        assert_eq!(rest("2026-03-10 10:15:30,123 - INFO").as_deref(), Some(" - INFO"));
        assert_eq!(rest("2026-03-10 10:15:30 -5 left").as_deref(), Some(" -5 left"));
        assert_eq!(rest("Mar  9 10:15:30 host app: x").as_deref(), Some(" host app: x"));
        assert_eq!(rest("260309 101530 148 INFO x").as_deref(), Some(" 148 INFO x"));
        assert_eq!(rest("1773136800.123 GET /").as_deref(), Some(" GET /"));
        assert_eq!(rest("2026-03-10 is a day"), None);
        assert_eq!(rest("March is a month"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(time in i64::MIN + 1..i64::MAX) {
            proptest::prop_assert_eq!(parse(&format_rfc3339(time), NOW), Some(time));
        }

        #[test]
        fn it_agrees_with_a_calendar_library(text in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-5][0-9])") {
            let theirs = text.parse::<jiff::Timestamp>().ok().map(|time| time.as_nanosecond());
            proptest::prop_assert_eq!(parse(&text, NOW).map(i128::from), theirs);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", digits in "[0-9/:. ,TZ+-]{0,40}") {
            let _ = (parse(&text, NOW), parse_prefix(&text, NOW), parse(&digits, NOW), parse_prefix(&digits, NOW));
        }
    }
}
