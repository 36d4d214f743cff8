//! The functions of expressions, as ClickHouse computes them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::Value as Json;

use super::event::Row;
use super::expression::Node;
use super::matcher::Condition;
use super::value::Value;
use crate::Diagnostic;
use crate::ast::{
    Bin, BinUnit, Expr, ExprNode, Function, Literal, LiteralClass, Meaning, TextKind, TextMatch, bin_of,
};
use crate::sql::is_token_character;

/// A call with its constants made ready.
#[derive(Clone, Debug)]
pub(super) struct Call {
    function: Function,
    arguments: Vec<Node>,
    /// `if` and `case`: what has to hold for each value.
    conditions: Vec<Condition>,
    constants: Constants,
}

#[derive(Clone, Debug)]
struct Constants {
    regex: Option<Regex>,
    bin: Option<Bin>,
    zone: TimeZone,
    digits: i32,
}

/// The meaning of functions that test their first argument against constants.
pub(super) fn meaning(function: Function, arguments: &[Expr]) -> Option<Meaning> {
    let constant = |index: usize| arguments.get(index).and_then(literal).map(|literal| literal.text.clone());
    Some(match function {
        Function::Exists | Function::Missing => Meaning::Present,
        Function::Cidr => Meaning::Networks(
            arguments[1..].iter().filter_map(literal).map(|literal| literal.text.clone()).collect(),
        ),
        Function::Contains => Meaning::Contains(constant(1)?),
        Function::StartsWith => Meaning::StartsWith(constant(1)?),
        Function::EndsWith => Meaning::EndsWith(constant(1)?),
        Function::Phrase => {
            let text = constant(1)?;
            let has_token = text.chars().any(is_token_character);
            let kind = if has_token { TextKind::Phrase } else { TextKind::Substring };
            Meaning::Text(TextMatch { text, quoted: true, kind, span: crate::Span::default() })
        }
        _ => return None,
    })
}

fn literal(expr: &Expr) -> Option<&Literal> {
    match &expr.node {
        ExprNode::Literal(literal) => Some(literal),
        _ => None,
    }
}

impl Call {
    /// `zone` is for hours, formats and bins.
    pub(super) fn of(function: Function, arguments: &[Expr], zone: &TimeZone) -> Result<Self, Diagnostic> {
        let constants = Constants::of(function, arguments, zone);
        if matches!(function, Function::If | Function::Case) {
            return Self::choice(function, arguments, constants, zone);
        }
        let arguments =
            arguments.iter().map(|argument| Node::of(argument, zone)).collect::<Result<_, _>>()?;
        Ok(Self { function, arguments, conditions: Vec::new(), constants })
    }

    fn choice(
        function: Function,
        arguments: &[Expr],
        constants: Constants,
        zone: &TimeZone,
    ) -> Result<Self, Diagnostic> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for pair in arguments.chunks(2) {
            match pair {
                [condition, value] => {
                    conditions.push(Condition::of_expr(condition, zone)?);
                    values.push(Node::of(value, zone)?);
                }
                [otherwise] => values.push(Node::of(otherwise, zone)?),
                _ => {}
            }
        }
        Ok(Self { function, arguments: values, conditions, constants })
    }

    pub(super) fn value<'a>(&self, row: &Row<'a>) -> Value<'a> {
        match self.function {
            Function::If | Function::Case => return self.chosen(row),
            Function::Coalesce => {
                let values = self.arguments.iter().map(|argument| argument.value(row));
                return values.into_iter().find(Value::is_present).unwrap_or(Value::Null);
            }
            _ => {}
        }
        let values: Vec<Value<'a>> = self.arguments.iter().map(|argument| argument.value(row)).collect();
        self.of_values(&values, row)
    }

    fn chosen<'a>(&self, row: &Row<'a>) -> Value<'a> {
        let first = self.conditions.iter().position(|condition| condition.holds(row));
        let index = first.unwrap_or(self.conditions.len());
        self.arguments.get(index).map_or(Value::Null, |value| value.value(row))
    }

    fn of_values<'a>(&self, values: &[Value<'a>], row: &Row<'a>) -> Value<'a> {
        use Function as F;
        match self.function {
            F::Abs => on_number(values, f64::abs),
            F::Ceil => on_number(values, f64::ceil),
            F::Floor => on_number(values, f64::floor),
            F::Round => on_number(values, |number| round(number, self.constants.digits)),
            F::Sqrt => on_number(values, f64::sqrt),
            F::Ln => on_number(values, f64::ln),
            F::Log10 => on_number(values, f64::log10),
            F::Exp => on_number(values, f64::exp),
            F::Pow => match (number(values, 0), number(values, 1)) {
                (Some(base), Some(power)) => Value::number(base.powf(power)),
                _ => Value::Null,
            },
            F::Least => extreme(values, std::cmp::Ordering::Less),
            F::Greatest => extreme(values, std::cmp::Ordering::Greater),
            F::ToNumber => on_number(values, |number| number),
            F::ToBool => to_bool(&values[0]),
            F::TypeOf => Value::text(type_of(&values[0])),
            F::Hour => self.on_time(values, |zoned| Value::Number(f64::from(zoned.hour()))),
            F::FormatTime => {
                let format = microseconds(&text(values, 1).unwrap_or_default());
                self.on_time(values, |zoned| Value::text(zoned.strftime(&format).to_string()))
            }
            F::Bin => self.bin(values, row),
            _ => self.of_text(values),
        }
    }

    /// Functions that are null without their first text.
    fn of_text<'a>(&self, values: &[Value<'a>]) -> Value<'a> {
        use Function as F;
        if self.function == F::Concat {
            return Value::text(values.iter().filter_map(Value::to_text).collect::<String>());
        }
        let Some(first) = text(values, 0) else {
            return if part_test(self.function) { Value::Bool(false) } else { Value::Null };
        };
        match self.function {
            F::Lower => Value::text(first.to_lowercase()),
            F::Upper => Value::text(first.to_uppercase()),
            F::Trim => Value::text(first.trim_matches(' ').to_owned()),
            F::Length => Value::Number(first.chars().count() as f64),
            F::ToString => Value::text(first.into_owned()),
            F::Substr => substr(&first, values),
            F::SplitPart => split_part(&first, values),
            F::Replace => match (text(values, 1), text(values, 2)) {
                (Some(old), _) if old.is_empty() => Value::text(first.into_owned()),
                (Some(old), Some(new)) => Value::text(first.replace(old.as_ref(), &new)),
                _ => Value::Null,
            },
            F::ReplaceRe => self.replace(&first, values),
            F::Extract => self.extract(&first),
            F::Json => json(&first, &text(values, 1).unwrap_or_default()),
            F::Contains => part(values, |part| first.contains(part)),
            F::StartsWith => part(values, |part| first.starts_with(part)),
            F::EndsWith => part(values, |part| first.ends_with(part)),
            _ => Value::Null,
        }
    }

    fn replace<'a>(&self, text: &str, values: &[Value<'a>]) -> Value<'a> {
        let (Some(regex), Some(replacement)) = (&self.constants.regex, self::text(values, 2)) else {
            return Value::Null;
        };
        let replaced = regex.replace_all(text, re2_replacement(&replacement));
        Value::text(replaced.into_owned())
    }

    fn extract<'a>(&self, text: &str) -> Value<'a> {
        let groups = self.constants.regex.as_ref().and_then(|regex| regex.captures(text));
        let Some(groups) = groups else { return Value::Null };
        // Without a group the whole match is meant.
        let wanted = usize::from(groups.len() > 1);
        Value::text(groups.get(wanted).map_or("", |group| group.as_str()).to_owned())
    }

    fn on_time<'a>(&self, values: &[Value<'a>], of: impl FnOnce(jiff::Zoned) -> Value<'a>) -> Value<'a> {
        let Some(ns) = values[0].to_time() else { return Value::Null };
        let zone = self.constants.zone.clone();
        Timestamp::from_nanosecond(ns.into()).map_or(Value::Null, |time| of(time.to_zoned(zone)))
    }

    fn bin<'a>(&self, values: &[Value<'a>], row: &Row<'a>) -> Value<'a> {
        let subject = if values.len() > 1 { values[0].clone() } else { Value::Time(row.event.timestamp_ns) };
        match self.constants.bin {
            Some(bin) => {
                let zone = self.constants.zone.clone();
                subject.to_time().and_then(|ns| start_of(bin, ns, &zone)).map_or(Value::Null, Value::Time)
            }
            None => match (subject.to_number(), number(values, 1)) {
                (Some(number), Some(step)) => Value::number((number / step).floor() * step),
                _ => Value::Null,
            },
        }
    }
}

impl Constants {
    fn of(function: Function, arguments: &[Expr], zone: &TimeZone) -> Self {
        let last = arguments.last().and_then(literal);
        let second = arguments.get(1).and_then(literal);
        let regex = match function {
            Function::Extract | Function::ReplaceRe => {
                second.and_then(|literal| crate::re2::compile(&literal.text).ok())
            }
            _ => None,
        };
        let bin = match (function, last.map(|literal| &literal.class)) {
            (Function::Bin, Some(LiteralClass::Duration(amount))) => bin_of(*amount),
            _ => None,
        };
        let digits = second.and_then(|literal| literal.text.parse().ok()).unwrap_or(0);
        Self { regex, bin, zone: zone.clone(), digits }
    }
}

/// The engine writes six digits for `%f`.
fn microseconds(format: &str) -> String {
    let mut parts = format.split("%%").map(|part| part.replace("%f", "%6f"));
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |all, part| all + "%%" + &part)
}

fn part_test(function: Function) -> bool {
    matches!(function, Function::Contains | Function::StartsWith | Function::EndsWith)
}

fn part<'a>(values: &[Value<'a>], test: impl FnOnce(&str) -> bool) -> Value<'a> {
    Value::Bool(text(values, 1).is_some_and(|part| test(&part)))
}

fn text<'v>(values: &'v [Value<'_>], index: usize) -> Option<Cow<'v, str>> {
    values.get(index).and_then(Value::to_text)
}

fn number(values: &[Value], index: usize) -> Option<f64> {
    values.get(index).and_then(Value::to_number)
}

fn on_number<'a>(values: &[Value<'a>], of: impl FnOnce(f64) -> f64) -> Value<'a> {
    number(values, 0).map_or(Value::Null, |number| Value::number(of(number)))
}

/// Halves go away from zero.
fn round(number: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits.clamp(-15, 15));
    let sign = if number == 0.0 { 0.0 } else { number.signum() };
    sign * (number.abs() * scale + 0.5).floor() / scale
}

fn extreme<'a>(values: &[Value<'a>], wanted: std::cmp::Ordering) -> Value<'a> {
    if values.iter().all(|value| matches!(value, Value::Time(_))) {
        let times = values.iter().filter_map(Value::to_time);
        let chosen = if wanted.is_lt() { times.min() } else { times.max() };
        return chosen.map_or(Value::Null, Value::Time);
    }
    let numbers = values.iter().filter_map(Value::to_number);
    numbers.reduce(|a, b| if wanted.is_lt() { a.min(b) } else { a.max(b) }).map_or(Value::Null, Value::number)
}

fn to_bool<'a>(value: &Value) -> Value<'a> {
    match value.to_text().map(|text| text.to_ascii_lowercase()).as_deref() {
        Some("true" | "1") => Value::Bool(true),
        Some("false" | "0") => Value::Bool(false),
        _ => Value::Null,
    }
}

pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::Text(_) | Value::Level(_) => "string",
        Value::Time(_) => "time",
        Value::Json(json) => match json.as_ref() {
            Json::Bool(_) => "bool",
            Json::Number(_) => "number",
            Json::Array(_) => "array",
            _ => "string",
        },
    }
}

fn substr<'a>(text: &str, values: &[Value]) -> Value<'a> {
    let Some(from) = number(values, 1) else { return Value::Null };
    let skipped = (from.trunc().max(1.0) as usize) - 1;
    let rest = text.chars().skip(skipped);
    match values.get(2) {
        None => Value::text(rest.collect::<String>()),
        Some(count) => match count.to_number() {
            Some(count) => Value::text(rest.take(count.trunc().max(0.0) as usize).collect::<String>()),
            None => Value::Null,
        },
    }
}

/// Null where there is no such part.
fn split_part<'a>(text: &str, values: &[Value]) -> Value<'a> {
    let (Some(separator), Some(index)) = (self::text(values, 1), number(values, 2)) else {
        return Value::Null;
    };
    if index.is_nan() || index < 1.0 {
        return Value::Null;
    }
    let index = index.trunc() as usize - 1;
    let part = if separator.is_empty() {
        text.char_indices().nth(index).map(|(start, character)| &text[start..start + character.len_utf8()])
    } else {
        text.split(separator.as_ref()).nth(index)
    };
    part.map_or(Value::Null, |part| Value::text(part.to_owned()))
}

/// RE2 writes groups as `\1`, the `regex` crate as `${1}`.
fn re2_replacement(replacement: &str) -> String {
    let mut written = String::new();
    let mut characters = replacement.chars();
    while let Some(character) = characters.next() {
        match character {
            '$' => written.push_str("$$"),
            '\\' => match characters.next() {
                Some(digit) if digit.is_ascii_digit() => written.push_str(&format!("${{{digit}}}")),
                Some(other) => written.push(other),
                None => written.push('\\'),
            },
            other => written.push(other),
        }
    }
    written
}

fn json<'a>(text: &str, path: &str) -> Value<'a> {
    let Ok(parsed) = serde_json::from_str::<Json>(text) else { return Value::Null };
    let found = path.split('.').try_fold(&parsed, |value, name| value.as_object()?.get(name));
    found.filter(|value| !value.is_object()).map_or(Value::Null, |value| Value::owned(value.clone()))
}

/// The start of the bin that a time falls in; hours and longer by the clocks of the zone.
pub(super) fn start_of(bin: Bin, ns: i64, zone: &TimeZone) -> Option<i64> {
    if matches!(bin.unit, BinUnit::Millisecond | BinUnit::Second | BinUnit::Minute) {
        return Some(ns.div_euclid(bin.nanos()) * bin.nanos());
    }
    let zoned = Timestamp::from_nanosecond(ns.into()).ok()?.to_zoned(zone.clone());
    let start = match bin.unit {
        BinUnit::Hour if bin.count == 1 => zoned
            .round(jiff::ZonedRound::new().smallest(jiff::Unit::Hour).mode(jiff::RoundMode::Floor))
            .ok()?,
        BinUnit::Hour => {
            let hour = i64::from(zoned.hour()) / bin.count * bin.count;
            let hour = i8::try_from(hour).ok()?;
            zoned.datetime().date().at(hour, 0, 0, 0).to_zoned(zone.clone()).ok()?
        }
        BinUnit::Week => {
            let back = i64::from(zoned.weekday().to_monday_zero_offset());
            let monday = zoned.date().checked_sub(jiff::Span::new().days(back)).ok()?;
            monday.to_zoned(zone.clone()).ok()?
        }
        _ => zoned.start_of_day().ok()?,
    };
    i64::try_from(start.timestamp().as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(round(2.5, 0), 3.0);
        assert_eq!(round(-2.5, 0), -3.0);
        assert_eq!(round(57.142_857, 1), 57.1);
        assert_eq!(round(1250.0, -2), 1300.0);
    }

    #[test]
    fn bins_of_hours_and_days_follow_the_clocks_of_the_zone() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time").as_nanosecond() as i64;
        let zone = TimeZone::get("Asia/Kolkata").expect("a zone");
        let bin = |unit, count| Bin { unit, count };
        let time = at("2026-03-10T10:15:20Z");
        assert_eq!(start_of(bin(BinUnit::Hour, 1), time, &zone), Some(at("2026-03-10T09:30:00Z")));
        assert_eq!(start_of(bin(BinUnit::Day, 1), time, &zone), Some(at("2026-03-09T18:30:00Z")));
        assert_eq!(start_of(bin(BinUnit::Minute, 20), time, &zone), Some(at("2026-03-10T10:00:00Z")));
        assert_eq!(start_of(bin(BinUnit::Week, 1), time, &TimeZone::UTC), Some(at("2026-03-09T00:00:00Z")));
    }

    #[test]
    fn parts_count_from_one() {
        let values = |index: f64| [Value::Null, Value::text(" "), Value::Number(index)];
        assert_eq!(split_part("a b c", &values(2.0)), Value::text("b"));
        assert_eq!(split_part("a b c", &values(4.0)), Value::Null);
        assert_eq!(split_part("a b c", &values(0.0)), Value::Null);
    }
}
