//! Which stretch of time is searched: as typed (`now-15m`), as shown (`Last 15 minutes`), and as two instants.
//!
//! The server understands the same texts; resolving here is for pictures, labels and telling early what is wrong.

use crate::format;
use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ToSpan, Unit, Zoned, tz::TimeZone};

/// Both ends as typed; the later one is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRange {
    pub from: String,
    pub to: String,
}

impl Default for TimeRange {
    fn default() -> Self {
        Self::last("15m")
    }
}

/// The ranges offered by name.
pub const PRESETS: [(&str, &str); 10] = [
    ("5m", "Last 5 minutes"),
    ("15m", "Last 15 minutes"),
    ("1h", "Last hour"),
    ("4h", "Last 4 hours"),
    ("1d", "Last 24 hours"),
    ("2d", "Last 2 days"),
    ("7d", "Last 7 days"),
    ("14d", "Last 14 days"),
    ("30d", "Last 30 days"),
    ("90d", "Last 90 days"),
];

impl TimeRange {
    pub fn last(length: &str) -> Self {
        Self { from: format!("now-{length}"), to: "now".into() }
    }

    pub fn between(from_ms: i64, to_ms: i64) -> Self {
        Self { from: format::rfc3339(from_ms), to: format::rfc3339(to_ms) }
    }

    /// Reads what a person typed into one box: `15m`, `now-1d/d`, `2026-03-10 10:00 to 2026-03-10 12:00`, `today`.
    pub fn parse(text: &str, zone_minutes: i64, now_ms: i64) -> Result<Self, String> {
        let text = text.trim();
        let range = match text.to_ascii_lowercase().as_str() {
            "today" => Self { from: "now/d".into(), to: "now".into() },
            "yesterday" => Self { from: "now-1d/d".into(), to: "now/d".into() },
            lower => match lower.split_once(" to ").map(|(from, _)| text.split_at(from.len())) {
                Some((from, rest)) => {
                    Self { from: bound(from, zone_minutes), to: bound(&rest[4..], zone_minutes) }
                }
                None if is_length(lower) => Self::last(lower),
                None => Self { from: bound(text, zone_minutes), to: "now".into() },
            },
        };
        range.resolve(now_ms, zone_minutes).map(|_| range)
    }

    /// The two instants in milliseconds since the epoch.
    pub fn resolve(&self, now_ms: i64, zone_minutes: i64) -> Result<(i64, i64), String> {
        let from = instant(&self.from, now_ms, zone_minutes)?;
        let to = instant(&self.to, now_ms, zone_minutes)?;
        if from >= to {
            return Err("The start must be before the end.".into());
        }
        Ok((from, to))
    }

    /// As the button shows it.
    pub fn label(&self, zone_minutes: i64) -> String {
        if self.to == "now"
            && let Some(length) = self.from.strip_prefix("now-")
        {
            let named = PRESETS.iter().find(|(preset, _)| *preset == length);
            return named.map_or_else(|| format!("Last {length}"), |(_, label)| (*label).to_owned());
        }
        match (self.from.as_str(), self.to.as_str()) {
            ("now/d", "now") => "Today".into(),
            ("now-1d/d", "now/d") => "Yesterday".into(),
            (from, to) => format!("{} – {}", end_label(from, zone_minutes), end_label(to, zone_minutes)),
        }
    }
}

fn end_label(text: &str, zone_minutes: i64) -> String {
    format::parse_ms(text).map_or_else(|| text.to_owned(), |ms| format::day_and_time(ms, zone_minutes))
}

fn is_length(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && unit(&text[digits.len()..]).is_some()
}

/// An end as the server reads it: local civil times become instants.
fn bound(text: &str, zone_minutes: i64) -> String {
    let text = text.trim();
    civil(text).map_or_else(|| text.to_owned(), |time| format::rfc3339(in_zone(time, zone_minutes)))
}

/// `2026-03-10`, `2026-03-10 10:00`, `2026-03-10 10:00:30`.
fn civil(text: &str) -> Option<DateTime> {
    if text.ends_with('Z') || format::parse_ms(text).is_some() {
        return None;
    }
    let text = text.replacen(' ', "T", 1);
    let padded = if text.len() == 16 { format!("{text}:00") } else { text };
    padded.parse().ok()
}

fn in_zone(time: DateTime, zone_minutes: i64) -> i64 {
    time.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond()) - zone_minutes * 60_000
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name {
        "s" => Unit::Second,
        "m" => Unit::Minute,
        "h" => Unit::Hour,
        "d" => Unit::Day,
        "w" => Unit::Week,
        "mo" => Unit::Month,
        "y" => Unit::Year,
        _ => return None,
    })
}

/// One end as an instant: RFC 3339, or `now`, moved by `-15m`, `+1h`, and cut by `/d`.
fn instant(text: &str, now_ms: i64, zone_minutes: i64) -> Result<i64, String> {
    let unclear = || format!("“{text}” is no time. Write now-15m, now-1d/d, or 2026-03-10 10:00.");
    if let Some(ms) = format::parse_ms(text) {
        return Ok(ms);
    }
    let mut rest = text.strip_prefix("now").ok_or_else(unclear)?;
    let mut local = Timestamp::from_millisecond(now_ms + zone_minutes * 60_000)
        .map_err(|_| unclear())?
        .to_zoned(TimeZone::UTC);
    while let Some(sign) = rest.chars().next() {
        rest = &rest[1..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (amount, after) = rest.split_at(digits);
        let name = after.find(['-', '+', '/']).map_or(after, |end| &after[..end]);
        let unit = unit(name).ok_or_else(unclear)?;
        rest = &after[name.len()..];
        local = match sign {
            '/' if amount.is_empty() => cut(&local, unit).ok_or_else(unclear)?,
            '-' | '+' => {
                let amount = amount.parse::<i64>().map_err(|_| unclear())? * if sign == '-' { -1 } else { 1 };
                moved(&local, amount, unit).ok_or_else(unclear)?
            }
            _ => return Err(unclear()),
        };
    }
    Ok(local.timestamp().as_millisecond() - zone_minutes * 60_000)
}

fn moved(time: &Zoned, amount: i64, unit: Unit) -> Option<Zoned> {
    let span = match unit {
        Unit::Second => Span::new().try_seconds(amount),
        Unit::Minute => Span::new().try_minutes(amount),
        Unit::Hour => Span::new().try_hours(amount),
        Unit::Day => Span::new().try_days(amount),
        Unit::Week => Span::new().try_weeks(amount),
        Unit::Month => Span::new().try_months(amount),
        _ => Span::new().try_years(amount),
    };
    time.checked_add(span.ok()?).ok()
}

/// The start of the unit that the time lies in; weeks begin on Monday.
fn cut(time: &Zoned, unit: Unit) -> Option<Zoned> {
    let date = time.date();
    let start = match unit {
        Unit::Second => time.datetime().with().subsec_nanosecond(0).build().ok()?,
        Unit::Minute => date.at(time.hour(), time.minute(), 0, 0),
        Unit::Hour => date.at(time.hour(), 0, 0, 0),
        Unit::Day => date.at(0, 0, 0, 0),
        Unit::Week => {
            let days = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(days.days()).ok()?.at(0, 0, 0, 0)
        }
        Unit::Month => date.first_of_month().at(0, 0, 0, 0),
        _ => date.first_of_year().at(0, 0, 0, 0),
    };
    start.to_zoned(TimeZone::UTC).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday, 2026-03-10 12:34:56 UTC.
    const NOW: i64 = 1_773_146_096_000;
    const MINUTE: i64 = 60_000;

    fn at(text: &str) -> String {
        instant(text, NOW, 0).map(format::rfc3339).unwrap_or_else(|error| error)
    }

    #[test]
    fn ends_are_read_as_the_server_reads_them() {
        assert_eq!(at("now"), "2026-03-10T12:34:56.000Z");
        assert_eq!(at("now-15m"), "2026-03-10T12:19:56.000Z");
        assert_eq!(at("now-1d/d"), "2026-03-09T00:00:00.000Z");
        assert_eq!(at("now/w"), "2026-03-09T00:00:00.000Z");
        assert_eq!(at("now/mo+2h"), "2026-03-01T02:00:00.000Z");
        assert_eq!(at("2026-03-10T10:00:00Z"), "2026-03-10T10:00:00.000Z");
    }

    #[test]
    fn days_are_the_readers_days() {
        let tokyo = 9 * 60;
        assert_eq!(
            instant("now/d", NOW, tokyo).map(format::rfc3339).as_deref(),
            Ok("2026-03-09T15:00:00.000Z")
        );
    }

    #[test]
    fn one_box_takes_lengths_names_and_two_ends() {
        let parse = |text| TimeRange::parse(text, 60, NOW);
        assert_eq!(parse("45m"), Ok(TimeRange::last("45m")));
        assert_eq!(parse("now-3h"), Ok(TimeRange { from: "now-3h".into(), to: "now".into() }));
        assert_eq!(
            parse("2026-03-10 10:00 to 2026-03-10 11:30:05"),
            Ok(TimeRange { from: "2026-03-10T09:00:00.000Z".into(), to: "2026-03-10T10:30:05.000Z".into() })
        );
        assert_eq!(parse("2026-03-09").map(|range| range.from).as_deref(), Ok("2026-03-08T23:00:00.000Z"));
        assert!(parse("yesterday").is_ok());
    }

    #[test]
    fn what_is_no_time_is_told_apart() {
        for text in ["", "soon", "now-", "now-15", "now*1h", "15x", "now-999999999999y"] {
            assert!(TimeRange::parse(text, 0, NOW).is_err(), "{text}");
        }
        assert_eq!(
            TimeRange::parse("now to now-1h", 0, NOW),
            Err("The start must be before the end.".into())
        );
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(TimeRange::last("1h").label(0), "Last hour");
        assert_eq!(TimeRange::last("37m").label(0), "Last 37m");
        assert_eq!(TimeRange::between(NOW, NOW + MINUTE).label(0), "Mar 10 12:34:56 – Mar 10 12:35:56");
    }
}
