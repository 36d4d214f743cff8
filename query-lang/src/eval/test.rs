//! Predicates made ready: what has to hold for one value.

use regex::Regex;
use serde_json::Value as Json;

use super::pattern::{TextPattern, fits};
use super::value::{Value, parse_number};
use crate::ast::{Amounts, Dimension, Glob, Interval, LevelSet, Meaning, TimeSpan};
use crate::network::Network;

/// What a predicate asks, with its regular expressions compiled and its texts folded.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Present,
    Levels(LevelSet),
    Time(TimeSpan),
    Text(TextPattern),
    Equals {
        texts: Vec<String>,
        fold: bool,
    },
    Glob(Glob),
    Numbers(Interval<f64>),
    Strings(Interval<String>),
    Amounts(Amounts),
    Regex(Regex),
    Networks(Vec<Network>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    AnyOf(Vec<Test>),
    /// Needs other events, or cannot be: never holds.
    Never,
}

impl Test {
    pub(super) fn of(meaning: &Meaning) -> Self {
        match meaning {
            Meaning::Present => Self::Present,
            Meaning::Levels(levels) => Self::Levels(*levels),
            Meaning::Time(span) => Self::Time(*span),
            Meaning::Text(text) => Self::Text(TextPattern::of(text)),
            Meaning::Equals { texts, fold: true } => {
                Self::Equals { texts: texts.iter().map(|text| text.to_lowercase()).collect(), fold: true }
            }
            Meaning::Equals { texts, fold: false } => Self::Equals { texts: texts.clone(), fold: false },
            Meaning::Glob(glob) => Self::Glob(glob.clone()),
            Meaning::Numbers(interval) => Self::Numbers(interval.clone()),
            Meaning::Strings(interval) => Self::Strings(interval.clone()),
            Meaning::Amounts(amounts) => Self::Amounts(amounts.clone()),
            Meaning::Regex(pattern) => crate::re2::compile(pattern).map_or(Self::Never, Self::Regex),
            Meaning::Networks(networks) => {
                Self::Networks(networks.iter().filter_map(|text| Network::parse(text)).collect())
            }
            Meaning::Contains(part) => Self::Contains(part.clone()),
            Meaning::StartsWith(start) => Self::StartsWith(start.clone()),
            Meaning::EndsWith(end) => Self::EndsWith(end.clone()),
            Meaning::AnyOf(meanings) => Self::AnyOf(meanings.iter().map(Self::of).collect()),
            Meaning::InQuery => Self::Never,
        }
    }

    /// An array satisfies a test when one of its elements does.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => false,
            (Self::Present, _) => true,
            (Self::AnyOf(tests), _) => tests.iter().any(|test| test.holds(value)),
            (Self::Levels(levels), Value::Level(level)) => levels.holds(*level),
            (Self::Levels(levels), _) => value
                .to_text()
                .is_some_and(|text| levels.iter().any(|level| level.name() == text.to_lowercase())),
            (Self::Time(span), Value::Time(ns)) => is_inside_time(*span, *ns),
            (Self::Time(span), _) => value.to_time().is_some_and(|ns| is_inside_time(*span, ns)),
            _ => match value.as_array() {
                Some(items) => items.iter().any(|item| !item.is_null() && self.holds_for_element(item)),
                None => self.holds_for(value),
            },
        }
    }

    fn holds_for_element(&self, item: &Json) -> bool {
        let text = Value::of_json(item);
        match self {
            // Elements are tried by their text: only an element that is a number or a number's text has one.
            Self::Numbers(_) | Self::Amounts(_) => {
                let text = text.to_text().unwrap_or_default().into_owned();
                self.holds_for(&Value::text(text))
            }
            _ => self.holds_for(&text),
        }
    }

    /// For one value that is no array and not null.
    fn holds_for(&self, value: &Value) -> bool {
        match self {
            Self::Numbers(interval) => value.to_number().is_some_and(|number| is_inside(interval, &number)),
            Self::Strings(interval) => {
                value.is_string()
                    && value.to_text().is_some_and(|text| is_inside(interval, &text.into_owned()))
            }
            Self::Amounts(amounts) => is_amount_inside(amounts, value),
            _ => value.to_text().is_some_and(|text| self.holds_for_text(&text)),
        }
    }

    fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::Text(pattern) => pattern.is_in(text),
            Self::Equals { texts, fold: true } => {
                let text = text.to_lowercase();
                texts.contains(&text)
            }
            Self::Equals { texts, fold: false } => texts.iter().any(|other| other == text),
            Self::Glob(glob) => fits(glob, text),
            Self::Regex(regex) => regex.is_match(text),
            Self::Networks(networks) => networks.iter().any(|network| network.holds(text)),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::StartsWith(start) => text.starts_with(start.as_str()),
            Self::EndsWith(end) => text.ends_with(end.as_str()),
            _ => false,
        }
    }

    /// Where in a text the reason lies; the whole text when it is about all of it.
    pub(super) fn places(&self, text: &str) -> Vec<(usize, usize)> {
        match self {
            Self::Text(pattern) => pattern.places(text),
            Self::Regex(regex) => {
                let found = regex.find_iter(text).map(|found| (found.start(), found.end()));
                found
                    .filter(|(start, end)| text.get(*start..*end).is_some_and(|found| !found.is_empty()))
                    .collect()
            }
            Self::Contains(part) if !part.is_empty() => {
                text.match_indices(part.as_str()).map(|(start, part)| (start, start + part.len())).collect()
            }
            Self::StartsWith(start) if text.starts_with(start.as_str()) => vec![(0, start.len())],
            Self::EndsWith(end) if text.ends_with(end.as_str()) => vec![(text.len() - end.len(), text.len())],
            Self::AnyOf(tests) => tests.iter().flat_map(|test| test.places(text)).collect(),
            _ => vec![(0, text.len())],
        }
    }
}

fn is_inside_time(span: TimeSpan, ns: i64) -> bool {
    span.from_ns.is_none_or(|from| ns >= from) && span.to_ns.is_none_or(|to| ns < to)
}

fn is_inside<T: PartialOrd>(interval: &Interval<T>, value: &T) -> bool {
    let above = |limit: &crate::ast::Limit<T>| {
        if limit.inclusive { *value >= limit.value } else { *value > limit.value }
    };
    let under = |limit: &crate::ast::Limit<T>| {
        if limit.inclusive { *value <= limit.value } else { *value < limit.value }
    };
    interval.low.as_ref().is_none_or(above) && interval.high.as_ref().is_none_or(under)
}

/// Text with a unit counts by its unit, everything else as a number in the field's own.
fn is_amount_inside(amounts: &Amounts, value: &Value) -> bool {
    let with_unit = value.to_text().and_then(|text| amount_of(&text, amounts.dimension));
    match with_unit {
        Some(amount) => is_inside(&amounts.base, &amount),
        None => value.to_number().is_some_and(|number| is_inside(&amounts.in_unit, &number)),
    }
}

const TIME_UNITS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("h", 3.6e12),
    ("d", 8.64e13),
    ("w", 6.048e14),
];

const SIZE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("kb", 1e3),
    ("KiB", 1024.0),
    ("MB", 1e6),
    ("mb", 1e6),
    ("MiB", 1_048_576.0),
    ("GB", 1e9),
    ("gb", 1e9),
    ("GiB", 1_073_741_824.0),
    ("TB", 1e12),
    ("tb", 1e12),
    ("TiB", 1_099_511_627_776.0),
    ("PB", 1e15),
    ("PiB", 1_125_899_906_842_624.0),
];

/// `1.5s` or `10 MiB` in nanoseconds or bytes.
fn amount_of(text: &str, dimension: Dimension) -> Option<f64> {
    let blank = |character: char| matches!(character, '\t' | '\n' | '\x0c' | '\r' | ' ');
    let text = text.trim_matches(blank);
    let units = if dimension == Dimension::Time { TIME_UNITS } else { SIZE_UNITS };
    // The longest unit that leaves a number before it.
    units.iter().find_map(|(unit, factor)| {
        let digits = text.strip_suffix(unit)?.trim_end_matches(blank);
        // `1.` is a number, but not before a unit.
        let number = parse_number(digits).filter(|_| !digits.ends_with('.') && !digits.contains(".e"))?;
        Some(number * factor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_texts_need_a_unit_of_their_kind() {
        assert_eq!(amount_of("1.5s", Dimension::Time), Some(1.5e9));
        assert_eq!(amount_of(" 12 ms ", Dimension::Time), Some(12e6));
        assert_eq!(amount_of("10MiB", Dimension::Bytes), Some(10.0 * 1_048_576.0));
        for text in ["1.5", "s", "1h30m", "fast 1s", "1.s"] {
            assert_eq!(amount_of(text, Dimension::Time), None, "{text}");
        }
        assert_eq!(amount_of("1s", Dimension::Bytes), None);
    }
}
