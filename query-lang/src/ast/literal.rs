//! Values as they are written. The class is decided from the text alone, never from the schema.

use crate::Span;

/// A value in the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Without quotes, escapes resolved; of unquoted values the source text.
    pub text: String,
    pub quoted: bool,
    pub class: LiteralClass,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LiteralClass {
    Text,
    Number(Number),
    /// In nanoseconds.
    Duration(Amount),
    /// In bytes.
    Size(Amount),
    Bool(bool),
    /// Only in expressions; in filters `null` is text (W007).
    Null,
    /// Only after `check`: nanoseconds since 1970.
    Time(i64),
    /// Only after `check`.
    Level(super::Level),
}

/// A number, and the one spelling that stored numbers have: `500.0` is `500`, `20.50` is `20.5`.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    pub value: f64,
    pub canonical: String,
}

/// What a duration or a size measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Time,
    Bytes,
}

/// An exact amount of nanoseconds or bytes, as a reduced fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    pub numerator: i128,
    pub denominator: i128,
}

impl Amount {
    pub const NANOS_PER_DAY: i64 = 86_400_000_000_000;

    /// `None` when it does not fit or the denominator is zero.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()?.max(1);
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// This amount counted in a unit of `unit` nanoseconds or bytes.
    #[must_use]
    pub fn in_unit(self, unit: i128) -> f64 {
        let scaled = self.denominator.checked_mul(unit).and_then(|below| Self::new(self.numerator, below));
        scaled.map_or(f64::NAN, |amount| amount.numerator as f64 / amount.denominator as f64)
    }

    /// Whole nanoseconds or bytes, when it is whole and fits.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        (self.denominator == 1).then(|| i64::try_from(self.numerator).ok()).flatten()
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A width that time can be cut in, in its largest natural unit.
///
/// Milliseconds, seconds and minutes divide an hour and are aligned to UTC; hours, days and weeks (from Monday) are
/// aligned to local time of the request's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    pub unit: BinUnit,
    pub count: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinUnit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
}

impl BinUnit {
    #[must_use]
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Millisecond => 1_000_000,
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
            Self::Day => Amount::NANOS_PER_DAY,
            Self::Week => 7 * Amount::NANOS_PER_DAY,
        }
    }
}

impl Bin {
    /// `None` for widths that do not tile hours and days evenly (E024).
    #[must_use]
    pub fn of_nanos(nanos: i64) -> Option<Self> {
        let hour = BinUnit::Hour.nanos();
        let day = BinUnit::Day.nanos();
        let fits = match nanos {
            ..=0 => false,
            _ if nanos < hour => hour % nanos == 0,
            _ if nanos <= day => nanos % hour == 0 && day % nanos == 0,
            _ => nanos == BinUnit::Week.nanos(),
        };
        let units = [
            BinUnit::Week,
            BinUnit::Day,
            BinUnit::Hour,
            BinUnit::Minute,
            BinUnit::Second,
            BinUnit::Millisecond,
        ];
        let unit = units.into_iter().find(|unit| nanos % unit.nanos() == 0)?;
        fits.then_some(Self { unit, count: nanos / unit.nanos() })
    }

    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.unit.nanos() * self.count
    }
}

/// Text to be found: a word, a phrase, or a pattern (§5 of the language: tokens).
#[derive(Clone, Debug, PartialEq)]
pub struct TextMatch {
    /// Without quotes; of a pattern the source text.
    pub text: String,
    pub quoted: bool,
    pub kind: TextKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TextKind {
    /// The tokens of `text`, one at least, adjacent and in order.
    Phrase,
    /// `text` has no token: found as it is, in any letter case.
    Substring,
    /// `*` is a run of non-blank characters, `?` one of them.
    Wildcard(Glob),
}

/// A pattern with `*` and `?`, escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    pub parts: Vec<GlobPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobPart {
    Text(String),
    AnyRun,
    AnyOne,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_divisors_of_an_hour_or_a_day_or_a_week() {
        let minute = BinUnit::Minute.nanos();
        assert_eq!(Bin::of_nanos(5 * minute), Some(Bin { unit: BinUnit::Minute, count: 5 }));
        assert_eq!(Bin::of_nanos(60 * minute), Some(Bin { unit: BinUnit::Hour, count: 1 }));
        assert_eq!(Bin::of_nanos(24 * 60 * minute), Some(Bin { unit: BinUnit::Day, count: 1 }));
        assert_eq!(Bin::of_nanos(7 * 24 * 60 * minute), Some(Bin { unit: BinUnit::Week, count: 1 }));
        for refused in [0, -minute, 7 * minute, 90 * minute, 5 * 60 * minute, 2 * 24 * 60 * minute, 1] {
            assert_eq!(Bin::of_nanos(refused), None, "{refused} ns");
        }
    }

    #[test]
    fn amounts_convert_exactly() {
        let three_seconds_and_a_bit = Amount::new(3_200_000_000, 1).expect("not zero");
        assert_eq!(three_seconds_and_a_bit.in_unit(1_000_000_000), 3.2);
        assert_eq!(Amount::new(1, 10).expect("not zero").in_unit(1), 0.1);
        assert_eq!(Amount::new(3, 0), None);
    }
}
