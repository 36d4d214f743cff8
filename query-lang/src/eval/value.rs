//! A value, and its text and number as the language defines them.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::ast::Level;

/// What an expression gives for one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// Nanoseconds since 1970, UTC.
    Time(i64),
    Level(Level),
    /// A leaf of the attributes: a number, string, boolean or array, never null.
    Json(Cow<'a, Json>),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn of_json(value: &'a Json) -> Self {
        if value.is_null() { Self::Null } else { Self::Json(Cow::Borrowed(value)) }
    }

    pub(super) fn owned(value: Json) -> Self {
        if value.is_null() { Self::Null } else { Self::Json(Cow::Owned(value)) }
    }

    /// Numbers that are none, such as 1/0, are null.
    pub(super) fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Null }
    }

    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Time(ns) => Value::Time(ns),
            Self::Level(level) => Value::Level(level),
            Self::Json(json) => Value::Json(Cow::Owned(json.into_owned())),
        }
    }

    #[must_use]
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Null)
    }

    /// The JSON rendering without quotes; nothing when missing.
    #[must_use]
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Number(number) => Cow::Owned(number_text(*number)),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Time(ns) => Cow::Owned(time_text(*ns)),
            Self::Level(level) => Cow::Borrowed(level.name()),
            Self::Json(json) => json_text(json),
        })
    }

    /// The same as text, or null.
    pub(super) fn as_text(&self) -> Value<'a> {
        match self {
            Self::Text(_) | Self::Null => self.clone(),
            _ => self.to_text().map_or(Value::Null, |text| Value::Text(Cow::Owned(text.into_owned()))),
        }
    }

    /// The number, or the one that a string is entirely; booleans have none.
    #[must_use]
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => parse_number(text),
            Self::Json(json) => match json.as_ref() {
                Json::Number(number) => number.as_f64().filter(|number| number.is_finite()),
                Json::String(text) => parse_number(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The time, or the one that a text is entirely, as RFC 3339 writes it.
    pub(super) fn to_time(&self) -> Option<i64> {
        match self {
            Self::Time(ns) => Some(*ns),
            _ => parse_time(&self.to_text()?),
        }
    }

    /// Whether it is a string in JSON.
    pub(super) fn is_string(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Json(json) => json.is_string(),
            _ => false,
        }
    }

    /// The texts that a predicate is tried on: of an array its elements (null where null), else the one text.
    pub(super) fn elements(&self) -> Vec<Option<Cow<'_, str>>> {
        match self.as_array() {
            Some(items) => items.iter().map(|item| (!item.is_null()).then(|| json_text(item))).collect(),
            None => vec![self.to_text()],
        }
    }

    pub(super) fn as_array(&self) -> Option<&Vec<Json>> {
        match self {
            Self::Json(json) => json.as_array(),
            _ => None,
        }
    }

    /// As JSON, for answers.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => json_number(*number),
            Self::Json(json) => json.as_ref().clone(),
            _ => self.to_text().map_or(Json::Null, |text| Json::String(text.into_owned())),
        }
    }
}

/// Whole numbers without a fraction, as ClickHouse writes them.
fn json_number(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Json::from(number as i64);
    }
    Json::from(number)
}

fn json_text(json: &Json) -> Cow<'_, str> {
    match json {
        Json::String(text) => Cow::Borrowed(text),
        Json::Number(number) => Cow::Owned(match number.as_f64() {
            Some(float) if number.is_f64() => number_text(float),
            _ => number.to_string(),
        }),
        Json::Array(items) => {
            let items: Vec<Cow<str>> = items.iter().map(item_text).collect();
            Cow::Owned(format!("[{}]", items.join(",")))
        }
        other => Cow::Owned(other.to_string()),
    }
}

/// In an array strings keep their quotes, and numbers are written as anywhere else.
fn item_text(item: &Json) -> Cow<'_, str> {
    if item.is_string() { Cow::Owned(item.to_string()) } else { json_text(item) }
}

/// The shortest text that gives the number back; without exponent from 1e-6 up to 1e21.
pub(super) fn number_text(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-6..21).contains(&exponent) {
        return format!("{number}");
    }
    format!("{digits}e{exponent}")
}

/// A number as a whole text: sign, digits with one point somewhere, exponent.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let has_exponent = exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits));
    if !is_number || !has_exponent {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A whole RFC 3339 time: what else might be read as one means something else to other readers.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let digits_at = |range: std::ops::Range<usize>| {
        text.as_bytes().get(range).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit))
    };
    let mark_at = |at: usize, mark: u8| text.as_bytes().get(at) == Some(&mark);
    let has_date =
        digits_at(0..4) && mark_at(4, b'-') && digits_at(5..7) && mark_at(7, b'-') && digits_at(8..10);
    let has_clock = mark_at(10, b'T')
        && digits_at(11..13)
        && mark_at(13, b':')
        && digits_at(14..16)
        && mark_at(16, b':')
        && digits_at(17..19);
    if !has_date || !has_clock || !ends_as_time(&text[19..]) {
        return None;
    }
    i64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok()
}

/// A fraction of up to nine digits, then `Z` or an offset.
fn ends_as_time(text: &str) -> bool {
    let zone = match text.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if !(1..=9).contains(&(fraction.len() - rest.len())) {
                return false;
            }
            rest
        }
        None => text,
    };
    let is_offset = |offset: &[u8]| match offset {
        [b'+' | b'-', hours @ .., b':', tens, ones] => {
            hours.len() == 2 && hours.iter().chain([tens, ones]).all(u8::is_ascii_digit)
        }
        _ => false,
    };
    zone == "Z" || is_offset(zone.as_bytes())
}

/// RFC 3339 in UTC, with as many digits as needed.
pub(super) fn time_text(ns: i64) -> String {
    let seconds = ns.div_euclid(1_000_000_000);
    let nanos = ns.rem_euclid(1_000_000_000);
    let whole = jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string());
    if nanos == 0 {
        return whole;
    }
    let digits = format!("{nanos:09}");
    format!("{}.{}Z", whole.trim_end_matches('Z'), digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_written_as_clickhouse_writes_them() {
        let written = [
            (500.0, "500"),
            (0.1, "0.1"),
            (1e21, "1e21"),
            (1e20, "100000000000000000000"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e300, "1.5e300"),
            (123_456_789.123, "123456789.123"),
        ];
        for (number, text) in written {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn only_whole_finite_numbers_in_texts_are_numbers() {
        for (text, number) in
            [("12", 12.0), ("+5", 5.0), (".5", 0.5), ("1.", 1.0), ("1e5", 1e5), ("007", 7.0)]
        {
            assert_eq!(parse_number(text), Some(number), "{text}");
        }
        for text in
            ["", "-", ".", " 12", "12 ", "0x10", "inf", "nan", "1e", "1e400", "1_000", "1,5", "--5", "5\n"]
        {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn text_is_json_without_quotes() {
        for (value, text) in [
            (json!(9007199254740993u64), "9007199254740993"),
            (json!(500.0), "500"),
            (json!(true), "true"),
            (json!("x y"), "x y"),
            (json!(["a", 1]), r#"["a",1]"#),
        ] {
            assert_eq!(Value::of_json(&value).to_text().as_deref(), Some(text));
        }
        assert_eq!(Value::of_json(&Json::Null).to_text(), None);
    }

    #[test]
    fn times_have_as_many_digits_as_they_need() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(time_text(1_500_000_000), "1970-01-01T00:00:01.5Z");
        assert_eq!(time_text(-1), "1969-12-31T23:59:59.999999999Z");
    }
}
