//! Predicates: what has to hold for one value (§6 of the language).

use super::condition::Condition;
use super::text::{Parameters, Sql, sql};
use super::value::{Repr, Value, elements, is_array};
use super::words::{TextTest, like_pattern};
use crate::ast::{Amounts, Core, Dimension, Interval, LevelSet, Meaning, TimeSpan};

/// A value together with what only its place tells.
pub(super) struct Subject {
    pub value: Value,
    pub core: Option<Core>,
    /// For attribute paths: everything below the path, to tell whether there is anything.
    pub below: Option<Sql>,
}

impl Subject {
    pub(super) fn of(value: Value) -> Self {
        Self { value, core: None, below: None }
    }
}

/// `meaning` over `subject`; `InQuery` is compiled elsewhere.
pub(super) fn compile(subject: &Subject, meaning: &Meaning, parameters: &mut Parameters) -> Condition {
    let value = &subject.value;
    match meaning {
        Meaning::Present => present(subject),
        Meaning::Levels(levels) => one_of_levels(value, *levels),
        Meaning::Time(span) => in_time(value, *span, parameters),
        Meaning::AnyOf(meanings) => {
            Condition::any(meanings.iter().map(|each| compile(subject, each, parameters)).collect())
        }
        Meaning::Equals { texts, .. } if matches!(subject.core, Some(Core::TraceId | Core::SpanId)) => {
            let texts = texts.iter().map(|text| sql!("lowerUTF8({})", parameters.text(text)));
            let texts = Sql::join(texts.collect::<Vec<_>>(), ", ");
            guarded(value, texts_equal(&value.sql, &texts, holds_empty(meaning)))
        }
        Meaning::InQuery => Condition::always(false),
        _ => on_elements(value, &ElementTest::bind(meaning, parameters)),
    }
}

fn texts_equal(x: &Sql, texts: &Sql, may_be_empty: bool) -> ElementCondition {
    ElementCondition { sql: sql!("{} IN ({})", x, texts), may_hold_on_empty: may_be_empty }
}

fn holds_empty(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Equals { texts, .. } if texts.iter().any(String::is_empty))
}

fn present(subject: &Subject) -> Condition {
    match &subject.below {
        Some(below) => Condition::exact(sql!("({} OR notEmpty({}))", subject.value.present(), below)),
        None => Condition::exact(subject.value.present()),
    }
}

fn one_of_levels(value: &Value, levels: LevelSet) -> Condition {
    let names: Vec<Sql> = levels.iter().map(|level| sql!("'{}'", Sql::new(level.name()))).collect();
    if names.is_empty() {
        return Condition::always(false);
    }
    let names = Sql::join(names, ", ");
    match value.repr {
        Repr::CoreLevel => Condition::exact(sql!("{} IN ({})", value.sql, names)),
        Repr::Level => Condition::nullable(sql!("{} IN ({})", value.sql, names)),
        _ => Condition::nullable(sql!("lower({}) IN ({})", value.text(), names)),
    }
}

fn in_time(value: &Value, span: TimeSpan, parameters: &mut Parameters) -> Condition {
    let time = value.time();
    let mut limits = Vec::new();
    if let Some(from) = span.from_ns {
        limits.push(Condition::nullable(sql!("{} >= {}", time, instant(from, parameters))));
    }
    if let Some(to) = span.to_ns {
        limits.push(Condition::nullable(sql!("{} < {}", time, instant(to, parameters))));
    }
    if limits.is_empty() { Condition::exact(value.present()) } else { Condition::all(limits) }
}

pub(super) fn instant(ns: i64, parameters: &mut Parameters) -> Sql {
    sql!("fromUnixTimestamp64Nano({}, 'UTC')", parameters.integer(ns))
}

/// SQL over one element, and whether it could be true of the empty text, which core strings use for "missing".
struct ElementCondition {
    sql: Sql,
    may_hold_on_empty: bool,
}

/// A test with its parameters bound once, to be written over the scalar and over the elements of an array.
enum ElementTest {
    Text(TextTest),
    Equals { texts: Sql, fold: bool, may_be_empty: bool },
    Like(Sql),
    Numbers(Interval<Sql>),
    Strings(Interval<Sql>),
    Amounts { units: Units, base: Interval<Sql>, in_unit: Interval<Sql> },
    Regex(Sql),
    Networks(Vec<Sql>),
    Contains(Sql),
    StartsWith(Sql),
    EndsWith(Sql),
}

impl ElementTest {
    fn bind(meaning: &Meaning, parameters: &mut Parameters) -> Self {
        match meaning {
            Meaning::Text(text) => Self::Text(TextTest::bind(text, parameters)),
            Meaning::Equals { texts, fold } => Self::Equals {
                texts: Sql::join(
                    texts.iter().map(|text| fold_if(*fold, parameters.text(text))).collect::<Vec<_>>(),
                    ", ",
                ),
                fold: *fold,
                may_be_empty: holds_empty(meaning),
            },
            Meaning::Glob(glob) => Self::Like(parameters.text(&like_pattern(glob))),
            Meaning::Numbers(interval) => {
                Self::Numbers(interval.clone().map(|value| parameters.float(value)))
            }
            Meaning::Strings(interval) => {
                Self::Strings(interval.clone().map(|value| parameters.text(&value)))
            }
            Meaning::Amounts(amounts) => Self::bind_amounts(amounts, parameters),
            Meaning::Regex(regex) => Self::Regex(parameters.text(regex)),
            Meaning::Networks(networks) => {
                Self::Networks(networks.iter().map(|network| parameters.text(network)).collect())
            }
            Meaning::Contains(part) => Self::Contains(parameters.text(part)),
            Meaning::StartsWith(start) => Self::StartsWith(parameters.text(start)),
            Meaning::EndsWith(end) => Self::EndsWith(parameters.text(end)),
            Meaning::Present
            | Meaning::Levels(_)
            | Meaning::Time(_)
            | Meaning::InQuery
            | Meaning::AnyOf(_) => {
                unreachable!("not tests of single elements")
            }
        }
    }

    fn bind_amounts(amounts: &Amounts, parameters: &mut Parameters) -> Self {
        Self::Amounts {
            units: Units::of(amounts.dimension),
            base: amounts.base.clone().map(|value| parameters.float(value)),
            in_unit: amounts.in_unit.clone().map(|value| parameters.float(value)),
        }
    }

    /// Over a text and, where numbers matter, the number of the same value.
    fn on(&self, text: &Sql, number: &Sql) -> ElementCondition {
        let (sql, may_hold_on_empty) = match self {
            Self::Text(test) => (test.on(text), false),
            Self::Equals { texts, fold, may_be_empty } => {
                (sql!("{} IN ({})", fold_if(*fold, text.clone()), texts), *may_be_empty)
            }
            Self::Like(pattern) => (sql!("lowerUTF8({}) LIKE lowerUTF8({})", text, pattern), true),
            Self::Numbers(interval) => (inside(number, interval), false),
            Self::Strings(interval) => (inside(text, interval), true),
            Self::Amounts { units, base, in_unit } => {
                (amount_inside(text, number, units, base, in_unit), false)
            }
            Self::Regex(regex) => (sql!("match({}, {})", text, regex), true),
            Self::Networks(networks) => (in_networks(text, networks), false),
            Self::Contains(part) => (sql!("position({}, {}) > 0", text, part), true),
            Self::StartsWith(start) => (sql!("startsWith({}, {})", text, start), true),
            Self::EndsWith(end) => (sql!("endsWith({}, {})", text, end), true),
        };
        ElementCondition { sql, may_hold_on_empty }
    }
}

fn fold_if(fold: bool, text: Sql) -> Sql {
    if fold { sql!("lowerUTF8({})", text) } else { text }
}

/// An array satisfies a test when one of its elements does.
fn on_elements(value: &Value, test: &ElementTest) -> Condition {
    match value.repr {
        Repr::CoreText => guarded(value, test.on(&value.sql, &value.number())),
        Repr::Dynamic => on_dynamic(value, test),
        Repr::Array => any_element(&value.sql, test),
        Repr::Null => Condition::always(false),
        // These are no strings, and only strings have an order as strings.
        Repr::Number | Repr::Bool | Repr::Time | Repr::Level if matches!(test, ElementTest::Strings(_)) => {
            Condition::always(false)
        }
        Repr::Number => Condition::nullable(test.on(&value.text(), &value.sql).sql),
        _ => Condition::nullable(test.on(&value.text(), &value.number()).sql),
    }
}

/// Empty core strings are missing, and no test holds on what is missing.
fn guarded(value: &Value, condition: ElementCondition) -> Condition {
    if condition.may_hold_on_empty {
        Condition::nullable(sql!("({} AND {} != '')", condition.sql, value.sql))
    } else {
        Condition::nullable(condition.sql)
    }
}

fn on_dynamic(value: &Value, test: &ElementTest) -> Condition {
    let x = &value.sql;
    let text = sql!("CAST({}, 'Nullable(String)')", x);
    let mut scalar = test.on(&text, &value.number()).sql;
    if let ElementTest::Strings(_) = test {
        scalar = sql!("({} AND dynamicType({}) = 'String')", scalar, x);
    }
    let array = match test {
        ElementTest::Strings(interval) => any_string_element(x, interval),
        _ => any_element(&elements(x), test).sql,
    };
    let of_any_type = sql!("if({}, {}, ifNull({}, 0))", is_array(x), array, scalar);
    let ElementTest::Numbers(interval) = test else { return Condition::exact(of_any_type) };
    // Most numbers are whole ones, which need no text to be compared.
    let whole = sql!("dynamicElement({}, 'Int64')", x);
    let of_whole = inside(&sql!("toFloat64(assumeNotNull({}))", whole), interval);
    Condition::exact(sql!("multiIf(isNull({}), 0, isNotNull({}), {}, {})", x, whole, of_whole, of_any_type))
}

fn any_element(array: &Sql, test: &ElementTest) -> Condition {
    let element = Sql::new("v");
    let number = Value::atom(element.clone(), Repr::Text).number();
    let condition = test.on(&element, &number).sql;
    Condition::exact(sql!("arrayExists(v -> ifNull({}, 0), {})", condition, array))
}

/// Only elements that are strings in JSON have an order as strings.
fn any_string_element(dynamic: &Sql, interval: &Interval<Sql>) -> Sql {
    sql!(
        "arrayExists(v -> startsWith(v, '\"') AND {}, JSONExtractArrayRaw(ifNull(toJSONString({}), '[]')))",
        inside(&Sql::new("JSONExtractString(v)"), interval),
        dynamic
    )
}

fn inside(x: &Sql, interval: &Interval<Sql>) -> Sql {
    let mut limits = Vec::new();
    if let Some(low) = &interval.low {
        limits.push(if low.inclusive {
            sql!("{} >= {}", x, low.value)
        } else {
            sql!("{} > {}", x, low.value)
        });
    }
    if let Some(high) = &interval.high {
        limits.push(if high.inclusive {
            sql!("{} <= {}", x, high.value)
        } else {
            sql!("{} < {}", x, high.value)
        });
    }
    match limits.len() {
        0 => sql!("isNotNull({})", x),
        1 => limits.remove(0),
        _ => sql!("({})", Sql::join(limits, " AND ")),
    }
}

/// The units that texts such as `1.5s` or `10 MiB` may carry, and what they are worth.
struct Units {
    regex: &'static str,
    names: &'static str,
    factors: &'static str,
}

impl Units {
    fn of(dimension: Dimension) -> Self {
        match dimension {
            Dimension::Time => Self {
                regex: r"'^\\s*([+-]?(?:\\d+(?:\\.\\d+)?|\\.\\d+)(?:[eE][+-]?\\d+)?)\\s*(ns|us|µs|ms|s|m|h|d|w)\\s*$'",
                names: "['ns','us','µs','ms','s','m','h','d','w']",
                factors: "[1e0,1e3,1e3,1e6,1e9,6e10,3.6e12,8.64e13,6.048e14]",
            },
            Dimension::Bytes => Self {
                regex: r"'^\\s*([+-]?(?:\\d+(?:\\.\\d+)?|\\.\\d+)(?:[eE][+-]?\\d+)?)\\s*(B|kB|KB|kb|KiB|MB|mb|MiB|GB|gb|GiB|TB|tb|TiB|PB|PiB)\\s*$'",
                names: "['B','kB','KB','kb','KiB','MB','mb','MiB','GB','gb','GiB','TB','tb','TiB','PB','PiB']",
                factors: "[1e0,1e3,1e3,1e3,1024.,1e6,1e6,1048576.,1e9,1e9,1073741824.,1e12,1e12,1099511627776.,1e15,1125899906842624.]",
            },
        }
    }
}

/// Text with a unit counts by its unit, everything else as a number in the field's own.
fn amount_inside(
    text: &Sql,
    number: &Sql,
    units: &Units,
    base: &Interval<Sql>,
    in_unit: &Interval<Sql>,
) -> Sql {
    let groups = sql!("extractGroups(ifNull({}, ''), {})", text, Sql::new(units.regex));
    let amount = sql!(
        "toFloat64OrNull(g[1]) * transform(g[2], {}, {}, toFloat64(0))",
        Sql::new(units.names),
        Sql::new(units.factors)
    );
    sql!(
        "arrayExists(g -> ifNull(if(notEmpty(g), {}, {}), 0), [{}])",
        inside(&amount, base),
        inside(number, in_unit),
        groups
    )
}

/// `isIPAddressInRange` throws on what is no address, and is computed even where it is not needed.
fn in_networks(text: &Sql, networks: &[Sql]) -> Sql {
    let address = sql!("ifNull({}, '')", text);
    let is_address = sql!("(isIPv4String({}) OR isIPv6String({}))", address, address);
    let tests = networks
        .iter()
        .map(|network| sql!("isIPAddressInRange(if({}, {}, '::'), {})", is_address, address, network));
    sql!("({} AND ({}))", is_address, Sql::join(tests.collect::<Vec<_>>(), " OR "))
}
