//! What a predicate asks: tests as written become meanings, by the kind of their field.

use super::scope::Scope;
use super::time::Period;
use super::{Check, Checker, time, unit};
use crate::ast::{
    Amount, Amounts, Bound, CompareOp, Core, Dimension, Field, Glob, Interval, Kind, Level, LevelSet, Limit,
    Literal, LiteralClass, Meaning, Predicate, Shape, Spelling, Target, Test, TextKind, TextMatch, TimeSpan,
};
use crate::network::Network;
use crate::{Code, Diagnostic, Span, re2, suggest};

impl Checker<'_> {
    pub(super) fn predicate(&mut self, predicate: &mut Predicate, scope: &Scope) -> Check {
        self.field(&mut predicate.field, scope)?;
        let value = match &predicate.test {
            Test::Equals { value, .. } => Some(value.text.as_str()),
            _ => None,
        };
        self.never_seen(&predicate.field, value);
        predicate.meaning = Some(self.meaning(&predicate.field, &mut predicate.test)?);
        Ok(())
    }

    fn meaning(&mut self, field: &Field, test: &mut Test) -> Check<Meaning> {
        match test {
            Test::Exists(_) => Ok(Meaning::Present),
            Test::InQuery(query) => {
                self.single_column(query)?;
                Ok(Meaning::InQuery)
            }
            Test::Cidr(networks) => {
                if matches!(field.kind, Kind::Level | Kind::Time) {
                    return Err(mismatch(field, "an address", field.span));
                }
                networks.iter().map(network).collect::<Check<_>>().map(Meaning::Networks)
            }
            test => match field.kind {
                Kind::Level => levels(test),
                Kind::Time => self.times(field, test),
                _ => self.values(field, test),
            },
        }
    }

    /// A subquery in `in { }`: exactly one column.
    pub(super) fn single_column(&mut self, query: &mut crate::ast::Query) -> Check {
        let one = matches!(self.query(query)?, Shape::Table { columns } if columns.len() == 1);
        match one {
            true => Ok(()),
            false => {
                Err(Diagnostic::error(Code::E022, query.span, "the subquery must return exactly one column")
                    .hint("end it with: | fields name")
                    .fix(
                        "choose a column",
                        Span::new(query.span.end - 1, query.span.end - 1),
                        " | fields id ",
                    ))
            }
        }
    }

    // ---------- times

    fn times(&self, field: &Field, test: &Test) -> Check<Meaning> {
        let span = match test {
            Test::Equals { value, .. } => self.time_or_last(value)?,
            Test::In(values) => {
                let each = values.iter().map(|value| Ok(Meaning::Time(self.time_or_last(value)?)));
                return each.collect::<Check<_>>().map(Meaning::AnyOf);
            }
            Test::Compare { op, value } => time_interval(*op, self.time(value)?),
            Test::Range { low, high, span } => self.time_range_of(low, high, *span)?,
            Test::Glob { text, span, .. } => return Err(not_a_time(text, *span)),
            Test::Regex(value)
            | Test::Contains(value)
            | Test::StartsWith(value)
            | Test::EndsWith(value)
            | Test::Phrase(value) => {
                return Err(mismatch(field, "text", value.span));
            }
            Test::Exists(_) | Test::InQuery(_) | Test::Cidr(_) => TimeSpan::default(),
        };
        Ok(Meaning::Time(span))
    }

    /// A time, or a duration: `timestamp:15m` is the last 15 minutes.
    fn time_or_last(&self, value: &Literal) -> Check<TimeSpan> {
        let now = self.context.now_ns;
        match &value.class {
            LiteralClass::Duration(amount) => {
                let from = amount.whole().and_then(|nanos| now.checked_sub(nanos));
                let from = from.ok_or_else(|| not_a_time(&value.text, value.span))?;
                Ok(TimeSpan { from_ns: Some(from), to_ns: Some(now) })
            }
            _ => self.time(value).map(Period::span),
        }
    }

    pub(super) fn time(&self, value: &Literal) -> Check<Period> {
        if matches!(value.class, LiteralClass::Duration(_)) {
            return Err(Diagnostic::error(Code::E024, value.span, "a duration is not a time")
                .hint(format!("write now-{}", value.text))
                .fix("count back from now", value.span, format!("now-{}", value.text)));
        }
        time::read(&value.text, self.context).ok_or_else(|| not_a_time(&value.text, value.span))
    }

    fn time_range_of(&self, low: &Bound, high: &Bound, span: Span) -> Check<TimeSpan> {
        let end = |bound: &Bound| bound.value.as_ref().map(|value| self.time(value)).transpose();
        let (first, last) = (end(low)?, end(high)?);
        let from_ns = first.map(|period| if low.inclusive { period.start } else { period.end });
        let to_ns = last.map(|period| if high.inclusive { period.end } else { period.start });
        match (first, last) {
            (Some(first), Some(last)) if first.start > last.start => Err(empty_range(span)),
            _ => Ok(TimeSpan { from_ns, to_ns }),
        }
    }

    // ---------- other values

    fn values(&mut self, field: &Field, test: &Test) -> Check<Meaning> {
        match test {
            Test::Equals { value, spelling } => self.equals(field, value, *spelling),
            Test::Glob { glob, text, span } => Ok(self.glob(field, glob, text, *span)),
            Test::Compare { op, value } => self.compare(field, *op, value),
            Test::Range { low, high, span } => self.range(field, low, high, *span),
            Test::Regex(value) => {
                regex(value)?;
                Ok(Meaning::Regex(value.text.clone()))
            }
            Test::In(values) => self.one_of(field, values),
            Test::Contains(value) => Ok(Meaning::Contains(value.text.clone())),
            Test::StartsWith(value) => Ok(Meaning::StartsWith(value.text.clone())),
            Test::EndsWith(value) => Ok(Meaning::EndsWith(value.text.clone())),
            Test::Phrase(value) => phrase(value).map(Meaning::Text),
            Test::Exists(_) | Test::InQuery(_) | Test::Cidr(_) => Ok(Meaning::Present),
        }
    }

    fn equals(&mut self, field: &Field, value: &Literal, spelling: Spelling) -> Check<Meaning> {
        let fold = spelling == Spelling::Colon;
        if fold && finds_words(field) {
            return phrase(value).map(Meaning::Text);
        }
        if let Some((amount, dimension)) = amount(value).filter(|_| !is_core_text(field)) {
            let point = Limit { value: amount, inclusive: true };
            let interval = Interval { low: Some(point.clone()), high: Some(point) };
            return Ok(Meaning::Amounts(self.amounts(field, dimension, interval, value)));
        }
        Ok(Meaning::Equals { texts: texts(field, value, fold), fold })
    }

    fn glob(&mut self, field: &Field, glob: &Glob, text: &str, span: Span) -> Meaning {
        if !finds_words(field) {
            return Meaning::Glob(glob.clone());
        }
        let kind = TextKind::Wildcard(glob.clone());
        let text = TextMatch { text: text.to_owned(), quoted: false, kind, span };
        self.slow_wildcard(&text);
        Meaning::Text(text)
    }

    fn one_of(&mut self, field: &Field, values: &[Literal]) -> Check<Meaning> {
        let mut all = Vec::new();
        let mut others = Vec::new();
        for value in values {
            match self.equals(field, value, Spelling::Equals)? {
                Meaning::Equals { texts, .. } => all.extend(texts),
                other => others.push(other),
            }
        }
        all.dedup();
        let texts = Meaning::Equals { texts: all, fold: false };
        if others.is_empty() {
            return Ok(texts);
        }
        others.push(texts);
        Ok(Meaning::AnyOf(others))
    }

    fn compare(&mut self, field: &Field, op: CompareOp, value: &Literal) -> Check<Meaning> {
        if is_core_text(field) {
            return Ok(Meaning::Strings(op.interval(value.text.clone())));
        }
        Ok(match (&value.class, amount(value)) {
            (_, Some((amount, dimension))) => {
                Meaning::Amounts(self.amounts(field, dimension, op.interval(amount), value))
            }
            (LiteralClass::Number(number), _) => Meaning::Numbers(op.interval(number.value)),
            _ => {
                no_capital_minutes(value)?;
                Meaning::Strings(op.interval(value.text.clone()))
            }
        })
    }

    fn range(&mut self, field: &Field, low: &Bound, high: &Bound, span: Span) -> Check<Meaning> {
        let ends = [low.value.as_ref(), high.value.as_ref()];
        let Some(example) = ends.into_iter().flatten().next() else { return Ok(Meaning::Present) };
        for end in ends.into_iter().flatten() {
            no_capital_minutes(end)?;
        }
        if is_core_text(field) || ends.iter().flatten().all(|end| class_of(end) == 0) {
            return ordered(interval(low, high, |value| value.text.clone()), span).map(Meaning::Strings);
        }
        let class = class_of(example);
        if ends.iter().flatten().any(|end| class_of(end) != class) {
            let error = Diagnostic::error(Code::E022, span, "both ends of a range must have the same type");
            return Err(error.hint("two numbers, two durations, two sizes or two texts"));
        }
        let Some((_, dimension)) = amount(example) else {
            return ordered(interval(low, high, number), span).map(Meaning::Numbers);
        };
        let zero = Amount { numerator: 0, denominator: 1 };
        let limits = interval(low, high, |value| amount(value).map_or(zero, |(amount, _)| amount));
        let amounts = self.amounts(field, dimension, limits, example);
        ordered(amounts.base.clone(), span)?;
        Ok(Meaning::Amounts(amounts))
    }

    /// Limits in the base unit, and in the unit of the field's own numbers.
    fn amounts(
        &mut self,
        field: &Field,
        dimension: Dimension,
        limits: Interval<Amount>,
        value: &Literal,
    ) -> Amounts {
        let unit = self.unit(field, dimension, value);
        Amounts {
            dimension,
            base: limits.clone().map(|amount| amount.in_unit(1)),
            in_unit: limits.map(|amount| amount.in_unit(unit)),
        }
    }

    /// The field's unit: from its name, else from the catalogue, else a guess (W003).
    pub(super) fn unit(&mut self, field: &Field, dimension: Dimension, value: &Literal) -> i128 {
        let known = || self.catalogue.field(&field.path)?.unit.as_deref();
        let found = unit::of_field(&field.path, dimension)
            .or_else(|| known().and_then(|name| unit::named(name, dimension)));
        found.unwrap_or_else(|| {
            let (guess, nanos) = match dimension {
                Dimension::Time => ("milliseconds", 1_000_000),
                Dimension::Bytes => ("bytes", 1),
            };
            let path = &field.path;
            self.warnings.push(
                Diagnostic::warning(
                    Code::W003,
                    value.span,
                    format!("numbers in '{path}' are taken as {guess}"),
                )
                .hint("write a plain number if they are something else"),
            );
            nanos
        })
    }
}

/// Core fields that hold text, where a number is just text.
fn is_core_text(field: &Field) -> bool {
    matches!(field.target, Target::Core(core) if core.kind() == Kind::Text)
}

/// `message` matches words behind `:`.
fn finds_words(field: &Field) -> bool {
    field.path == Core::Message.name() && !matches!(field.target, Target::Attribute(_))
}

/// The texts that are equal to the value.
fn texts(field: &Field, value: &Literal, fold: bool) -> Vec<String> {
    let is_id = matches!(field.target, Target::Core(Core::TraceId | Core::SpanId));
    let mut texts = vec![if is_id { value.text.to_lowercase() } else { value.text.clone() }];
    match &value.class {
        LiteralClass::Number(number) if !is_core_text(field) => texts.push(number.canonical.clone()),
        LiteralClass::Bool(_) if !fold && !is_core_text(field) => texts.push(value.text.to_lowercase()),
        _ => {}
    }
    texts.dedup();
    texts
}

fn amount(value: &Literal) -> Option<(Amount, Dimension)> {
    match value.class {
        LiteralClass::Duration(amount) => Some((amount, Dimension::Time)),
        LiteralClass::Size(amount) => Some((amount, Dimension::Bytes)),
        _ => None,
    }
}

/// Values of one class can be the two ends of a range.
fn class_of(value: &Literal) -> u8 {
    match value.class {
        LiteralClass::Number(_) => 1,
        LiteralClass::Duration(_) => 2,
        LiteralClass::Size(_) => 3,
        _ => 0,
    }
}

fn number(value: &Literal) -> f64 {
    match &value.class {
        LiteralClass::Number(number) => number.value,
        _ => f64::NAN,
    }
}

fn interval<T>(low: &Bound, high: &Bound, mut read: impl FnMut(&Literal) -> T) -> Interval<T> {
    let mut limit = |bound: &Bound| {
        bound.value.as_ref().map(|value| Limit { value: read(value), inclusive: bound.inclusive })
    };
    Interval { low: limit(low), high: limit(high) }
}

fn ordered<T: PartialOrd>(interval: Interval<T>, span: Span) -> Check<Interval<T>> {
    match (&interval.low, &interval.high) {
        (Some(low), Some(high)) if low.value > high.value => Err(empty_range(span)),
        _ => Ok(interval),
    }
}

fn empty_range(span: Span) -> Diagnostic {
    Diagnostic::error(Code::E011, span, "the range is empty: low is above high").hint("swap the two ends")
}

/// `5M` is never five minutes, and comparing it as text helps nobody.
fn no_capital_minutes(value: &Literal) -> Check {
    let number = value.text.strip_suffix('M').filter(|_| !value.quoted);
    match number.filter(|number| crate::literal::number(number).is_some()) {
        None => Ok(()),
        Some(number) => {
            Err(Diagnostic::error(Code::E024, value.span, format!("'{}' is not a duration", value.text))
                .hint(format!("minutes are 'm' ({number}m), megabytes 'MB' ({number}MB)"))
                .fix("use minutes", value.span, format!("{number}m")))
        }
    }
}

fn mismatch(field: &Field, what: &str, span: Span) -> Diagnostic {
    let kind = if field.kind == Kind::Level { "a level" } else { "a time" };
    Diagnostic::error(Code::E022, span, format!("'{}' is {kind}, not {what}", field.path))
}

fn not_a_time(text: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::error(Code::E024, span, format!("'{text}' is not a time"));
    error.hint(match text.strip_suffix('M') {
        Some(number) => format!("minutes are 'm': now-{number}m; months are 'mo', and only in snaps: now/mo"),
        None => "for example 2026-03-10, 2026-03-10T10:15, now-15m, today".to_owned(),
    })
}

fn time_interval(op: CompareOp, period: Period) -> TimeSpan {
    let (from_ns, to_ns) = match op {
        CompareOp::Greater => (Some(period.end), None),
        CompareOp::GreaterOrEqual => (Some(period.start), None),
        CompareOp::Less => (None, Some(period.start)),
        CompareOp::LessOrEqual => (None, Some(period.end)),
    };
    TimeSpan { from_ns, to_ns }
}

pub(super) fn network(value: &Literal) -> Check<String> {
    Network::parse(&value.text).map(|network| network.to_string()).ok_or_else(|| {
        Diagnostic::error(Code::E027, value.span, format!("'{}' is not a network", value.text))
            .hint("write for example 10.0.0.0/8, 192.168.1.7 or 2001:db8::/32")
    })
}

/// E012 at the whole pattern.
pub(super) fn regex(pattern: &Literal) -> Check<regex::Regex> {
    re2::compile(&pattern.text).map_err(|reason| {
        Diagnostic::error(Code::E012, pattern.span, format!("bad regular expression: {reason}"))
            .hint("the syntax is RE2's: no look-around, no back-references")
    })
}

pub(super) fn phrase(value: &Literal) -> Check<TextMatch> {
    if value.text.is_empty() {
        return Err(Diagnostic::error(Code::E013, value.span, "an empty phrase matches nothing")
            .hint("for an empty value write field=\"\""));
    }
    Ok(TextMatch::new(value.text.clone(), value.quoted, value.span))
}

// ---------- levels

pub(super) fn level(value: &Literal) -> Check<Level> {
    Level::from_name(&value.text).ok_or_else(|| not_a_level(&value.text, value.span))
}

pub(super) fn not_a_level(text: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::error(Code::E023, span, format!("'{text}' is not a level"));
    let all = "levels: trace < debug < info < warn < error < fatal";
    match suggest::nearest(text, Level::ALL.into_iter().map(Level::name)) {
        Some(near) => {
            error.hint(format!("did you mean {near}? {all}")).fix(format!("use {near}"), span, near)
        }
        None => error.hint(all),
    }
}

/// Every test on a level becomes a set of levels.
fn levels(test: &Test) -> Check<Meaning> {
    let such_that =
        |wanted: &dyn Fn(Level) -> bool| Level::ALL.into_iter().filter(|level| wanted(*level)).collect();
    let set: LevelSet = match test {
        Test::Equals { value, .. } => [level(value)?].into_iter().collect(),
        Test::In(values) => values.iter().map(level).collect::<Check<_>>()?,
        Test::Compare { op, value } => {
            let interval = op.interval(level(value)?);
            such_that(&|level| lies_in(&level, &interval))
        }
        Test::Range { low, high, span } => {
            let end = |bound: &Bound| {
                let limit = |value| Ok(Limit { value: level(value)?, inclusive: bound.inclusive });
                bound.value.as_ref().map(limit).transpose()
            };
            let interval = ordered(Interval { low: end(low)?, high: end(high)? }, *span)?;
            such_that(&|level| lies_in(&level, &interval))
        }
        Test::Glob { text, span, .. } => {
            let mut error = not_a_level(text, *span);
            error.message = "wildcards do not work on level".to_owned();
            return Err(error.hint("use level in (…) or level>=warn"));
        }
        Test::Regex(value) => {
            let regex = regex(value)?;
            such_that(&|level| regex.is_match(level.name()))
        }
        Test::Contains(value) => such_that(&|level| level.name().contains(&value.text)),
        Test::StartsWith(value) => such_that(&|level| level.name().starts_with(&value.text)),
        Test::EndsWith(value) => such_that(&|level| level.name().ends_with(&value.text)),
        Test::Phrase(value) => [level(value)?].into_iter().collect(),
        Test::Exists(_) | Test::InQuery(_) | Test::Cidr(_) => LevelSet::default(),
    };
    Ok(Meaning::Levels(set))
}

fn lies_in<T: PartialOrd>(value: &T, interval: &Interval<T>) -> bool {
    let above =
        interval.low.as_ref().is_none_or(|low| *value > low.value || low.inclusive && *value == low.value);
    let below = interval
        .high
        .as_ref()
        .is_none_or(|high| *value < high.value || high.inclusive && *value == high.value);
    above && below
}
