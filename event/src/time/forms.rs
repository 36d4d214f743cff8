//! The written forms of times, each as a small reader over bytes.

use super::calendar::Civil;

/// A time read, and where it ends.
type Read = Option<(i64, usize)>;

/// Any form that a field's value may have.
pub(super) fn any(text: &[u8], now_ns: i64) -> Read {
    iso(text, true).or_else(|| other_forms(text, now_ns))
}

/// The forms that lines begin with: a date needs its time of day.
pub(super) fn of_a_line(text: &[u8], now_ns: i64) -> Read {
    match text.first()? {
        b'0'..=b'9' => iso(text, false).or_else(|| other_forms(text, now_ns)).or_else(|| epoch(text)),
        b'A'..=b'Z' => other_forms(text, now_ns),
        _ => None,
    }
}

fn other_forms(text: &[u8], now_ns: i64) -> Read {
    if text.first()?.is_ascii_digit() {
        return day_first(text).or_else(|| short_year(text)).or_else(|| compact(text));
    }
    month_first(text, now_ns).or_else(|| weekday_first(text))
}

/// `2026-03-10T10:15:30.123+02:00`, with a blank or slashes, without seconds or zone, or the date alone.
fn iso(text: &[u8], date_alone: bool) -> Read {
    let mut at = Cursor::new(text);
    let mut civil = Civil { year: at.digits(4)?, ..Civil::default() };
    let separator = at.one_of(b"-/")?;
    civil.month = at.digits(2)?;
    at.one_of(&[separator])?;
    civil.day = at.digits(2)?;
    if at.one_of(b"T t_").is_none() {
        return date_alone.then(|| civil.instant()).flatten().map(|time| (time, at.position));
    }
    at.time_of_day(&mut civil)?;
    at.zone(&mut civil)?;
    Some((civil.instant()?, at.position))
}

/// `20260310T101530.25Z`, and the `260310 101530` of Hadoop's file system.
fn compact(text: &[u8]) -> Read {
    let mut at = Cursor::new(text);
    let mut civil = Civil::default();
    if text.get(6) == Some(&b' ') {
        civil.year = 2000 + at.digits(2)?;
    } else {
        civil.year = at.digits(4)?;
    }
    civil.month = at.digits(2)?;
    civil.day = at.digits(2)?;
    at.one_of(b"T ")?;
    civil.hour = at.digits(2)?;
    civil.minute = at.digits(2)?;
    civil.second = at.digits(2)?;
    at.fraction(&mut civil)?;
    at.zone(&mut civil)?;
    Some((civil.instant()?, at.position))
}

/// `26/03/10 10:15:30`, as Spark and old log4j layouts have it.
fn short_year(text: &[u8]) -> Read {
    let mut at = Cursor::new(text);
    let mut civil = Civil { year: 2000 + at.digits(2)?, ..Civil::default() };
    at.one_of(b"/")?;
    civil.month = at.digits(2)?;
    at.one_of(b"/")?;
    civil.day = at.digits(2)?;
    at.one_of(b" ")?;
    at.time_of_day(&mut civil)?;
    Some((civil.instant()?, at.position))
}

/// `10/Mar/2026:10:15:30 +0200` of access logs, `10 Mar 2026 10:15:30 GMT` of mails, `10-Mar-2026 10:15:30.123`.
fn day_first(text: &[u8]) -> Read {
    let mut at = Cursor::new(text);
    let mut civil = Civil { day: at.one_or_two_digits()?, ..Civil::default() };
    let separator = at.one_of(b"/- ")?;
    civil.month = at.month()?;
    at.one_of(&[separator])?;
    civil.year = at.digits(4)?;
    at.one_of(b": ")?;
    at.time_of_day(&mut civil)?;
    at.zone(&mut civil)?;
    Some((civil.instant()?, at.position))
}

/// `Mar  9 10:15:30` of syslog, `Mar 10 2026 10:15:30`, `Mar 10, 2026 1:15:30 PM` of java.util.logging.
fn month_first(text: &[u8], now_ns: i64) -> Read {
    let mut at = Cursor::new(text);
    let mut civil = Civil { month: at.month()?, ..Civil::default() };
    at.one_of(b" ")?;
    at.one_of(b" ");
    civil.day = at.one_or_two_digits()?;
    let comma = at.one_of(b",").is_some();
    at.one_of(b" ")?;
    let with_year = comma || at.rest().get(4) == Some(&b' ');
    if with_year {
        civil.year = at.digits(4)?;
        at.one_of(b" ")?;
    }
    at.time_of_day(&mut civil)?;
    at.half_of_day(&mut civil)?;
    let instant = if with_year { civil.instant() } else { civil.instant_without_year(now_ns) };
    Some((instant?, at.position))
}

/// `Tue, 10 Mar 2026 10:15:30 GMT` and `Tue Mar 10 10:15:30.123 UTC 2026`.
fn weekday_first(text: &[u8]) -> Read {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let rest = text.get(3..)?;
    if !DAYS.contains(&&text[..3]) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(b", ") {
        return day_first(rest).map(|(time, length)| (time, length + 5));
    }
    let mut at = Cursor::new(rest);
    at.one_of(b" ")?;
    let mut civil = Civil { month: at.month()?, ..Civil::default() };
    at.one_of(b" ")?;
    at.one_of(b" ");
    civil.day = at.one_or_two_digits()?;
    at.one_of(b" ")?;
    at.time_of_day(&mut civil)?;
    at.zone(&mut civil)?;
    at.one_of(b" ")?;
    civil.year = at.digits(4)?;
    Some((civil.instant()?, at.position + 3))
}

/// `0310 10:15:30.123456`
pub(super) fn klog(text: &[u8], now_ns: i64) -> Read {
    let mut at = Cursor::new(text);
    let mut civil = Civil { month: at.digits(2)?, day: at.digits(2)?, ..Civil::default() };
    at.one_of(b" ")?;
    at.time_of_day(&mut civil)?;
    Some((civil.instant_without_year(now_ns)?, at.position))
}

/// `1773136800.123` of squid and others: ten digits with a fraction, or thirteen, then a blank.
fn epoch(text: &[u8]) -> Read {
    let length = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    let number = std::str::from_utf8(&text[..length]).ok()?;
    let plausible = matches!((number.find('.'), length), (Some(10), 12..) | (None, 13));
    if !plausible || text[length] != b' ' {
        return None;
    }
    Some((super::parse_epoch(number)?, length))
}

struct Cursor<'a> {
    text: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.position..]
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let next = *self.rest().first()?;
        let found = bytes.contains(&next);
        self.position += usize::from(found);
        found.then_some(next)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.rest().get(..count)?;
        let mut number = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
        }
        self.position += count;
        Some(number)
    }

    fn one_or_two_digits(&mut self) -> Option<i64> {
        self.digits(2).or_else(|| self.digits(1))
    }

    fn month(&mut self) -> Option<i64> {
        const MONTHS: [&[u8]; 12] =
            [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
        let name = self.rest().get(..3)?;
        let place = MONTHS.iter().position(|month| *month == name)?;
        self.position += 3;
        i64::try_from(place + 1).ok()
    }

    /// `10:15`, `10:15:30`, `10:15:30.123`, `1:15:30,5`
    fn time_of_day(&mut self, civil: &mut Civil) -> Option<()> {
        civil.hour = self.one_or_two_digits()?;
        self.one_of(b":")?;
        civil.minute = self.digits(2)?;
        if self.one_of(b":").is_some() {
            civil.second = self.digits(2)?;
            self.fraction(civil)?;
        }
        Some(())
    }

    /// A fraction, if there is one; digits beyond nanoseconds are cut. In `30, next` the comma is no fraction.
    fn fraction(&mut self, civil: &mut Civil) -> Option<()> {
        let rest = self.rest();
        let digits = match rest {
            [b'.' | b',', digits @ ..] => digits.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => return Some(()),
        };
        if digits == 0 {
            return (rest[0] == b',').then_some(());
        }
        let nanosecond = rest[1..=digits].iter().chain(std::iter::repeat(&b'0')).take(9);
        civil.nanosecond = nanosecond.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        self.position += 1 + digits;
        Some(())
    }

    /// `AM` or `PM` after a blank, if there is one.
    fn half_of_day(&mut self, civil: &mut Civil) -> Option<()> {
        let afternoon = match self.rest() {
            [b' ', b'A', b'M', ..] => false,
            [b' ', b'P', b'M', ..] => true,
            _ => return Some(()),
        };
        if !(1..=12).contains(&civil.hour) {
            return None;
        }
        civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
        self.position += 3;
        Some(())
    }

    /// A zone, if there is one: `Z`, an offset, or one of the names that mails use. Only a full offset may
    /// stand after a blank, for `10:15:30 -5 left` has none.
    fn zone(&mut self, civil: &mut Civil) -> Option<()> {
        let start = self.position;
        let blank = self.one_of(b" ").is_some();
        let offset = if let Some(sign) = self.one_of(b"+-") {
            self.offset(blank).map(|seconds| if sign == b'-' { -seconds } else { seconds })
        } else if !blank && self.one_of(b"Zz").is_some() {
            Some(0)
        } else {
            self.zone_name()
        };
        match offset {
            Some(seconds) => civil.offset_seconds = seconds,
            None => self.position = start,
        }
        Some(())
    }

    fn offset(&mut self, full: bool) -> Option<i64> {
        let hours = self.digits(2)?;
        let start = self.position;
        self.one_of(b":");
        let minutes = self.digits(2);
        if minutes.is_none() {
            self.position = start;
        }
        let valid = hours < 24 && minutes.is_none_or(|minutes| minutes < 60) && !(full && minutes.is_none());
        valid.then_some(hours * 3_600 + minutes.unwrap_or(0) * 60)
    }

    fn zone_name(&mut self) -> Option<i64> {
        let name = self.rest().get(..3)?;
        let hours = match name {
            b"UTC" | b"GMT" => 0,
            b"EDT" => -4,
            b"EST" | b"CDT" => -5,
            b"CST" | b"MDT" => -6,
            b"MST" | b"PDT" => -7,
            b"PST" => -8,
            _ => return None,
        };
        self.position += 3;
        Some(hours * 3_600)
    }
}
