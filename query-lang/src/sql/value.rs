//! A value in SQL, and how it is read as text, as a number, and in order.
//!
//! - `text`: the JSON rendering without quotes, null when missing; arrays as JSON text.
//! - `number`: the number, or a string that is one and finite; booleans have none.
//! - Core strings say "missing" by being empty, levels by being `unknown`; here that becomes null.

use super::text::{Sql, sql};
use crate::ast::Kind;

/// How a value is stored in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repr {
    /// A string column of the table; empty is missing.
    CoreText,
    /// The level column of the table; `unknown` is missing.
    CoreLevel,
    /// A subcolumn of `attributes`, or computed values of several types.
    Dynamic,
    /// Nullable(String)
    Text,
    /// Any numeric type, nullable or not.
    Number,
    /// Bool, nullable or not.
    Bool,
    /// DateTime64(9, 'UTC'), nullable or not.
    Time,
    /// Nullable(Enum8)
    Level,
    /// Array(Nullable(String))
    Array,
    /// Nothing but null.
    Null,
}

#[derive(Clone, Debug)]
pub(super) struct Value {
    pub sql: Sql,
    pub repr: Repr,
    /// Cheap to write twice: a column, a parameter.
    pub atomic: bool,
}

impl Value {
    pub(super) fn new(sql: Sql, repr: Repr) -> Self {
        Self { sql, repr, atomic: false }
    }

    pub(super) fn atom(sql: Sql, repr: Repr) -> Self {
        Self { sql, repr, atomic: true }
    }

    pub(super) fn null() -> Self {
        Self::atom(Sql::new("NULL"), Repr::Null)
    }

    /// Nullable(String)
    pub(super) fn text(&self) -> Sql {
        let x = &self.sql;
        match self.repr {
            Repr::CoreText => sql!("nullIf({}, '')", x),
            Repr::CoreLevel => sql!("nullIf(toString({}), 'unknown')", x),
            Repr::Dynamic => once(self, dynamic_text),
            Repr::Text => x.clone(),
            Repr::Number | Repr::Bool | Repr::Level => sql!("toString({})", x),
            Repr::Time => once(self, time_text),
            Repr::Array => sql!("toJSONString({})", x),
            Repr::Null => Sql::new("CAST(NULL, 'Nullable(String)')"),
        }
    }

    /// Nullable(Float64) or another numeric type
    pub(super) fn number(&self) -> Sql {
        let x = &self.sql;
        match self.repr {
            Repr::Number => x.clone(),
            Repr::CoreText | Repr::Text => finite(&sql!("toFloat64OrNull({})", x), self.atomic),
            Repr::Dynamic => finite(&sql!("toFloat64OrNull(CAST({}, 'Nullable(String)'))", x), self.atomic),
            Repr::CoreLevel | Repr::Level | Repr::Bool | Repr::Time | Repr::Array | Repr::Null => {
                Sql::new("CAST(NULL, 'Nullable(Float64)')")
            }
        }
    }

    /// DateTime64(9, 'UTC'), nullable
    pub(super) fn time(&self) -> Sql {
        match self.repr {
            Repr::Time => self.sql.clone(),
            _ => {
                let whole = sql!(
                    "arrayMap(x -> if(match(x, {}), x, NULL), [{}])[1]",
                    Sql::new(WHOLE_TIME),
                    self.text()
                );
                sql!("parseDateTime64BestEffortOrNull({}, 9, 'UTC')", whole)
            }
        }
    }

    /// Whether there is a value, for leaves.
    pub(super) fn present(&self) -> Sql {
        let x = &self.sql;
        match self.repr {
            Repr::CoreText => sql!("{} != ''", x),
            Repr::CoreLevel => sql!("{} != 'unknown'", x),
            Repr::Array => Sql::new("1"),
            Repr::Null => Sql::new("0"),
            _ => sql!("isNotNull({})", x),
        }
    }

    /// As a group key or a cell of a table: missing is null, attributes by their text.
    pub(super) fn key(&self) -> Value {
        match self.repr {
            Repr::CoreText | Repr::Dynamic | Repr::Array => Value::new(self.text(), Repr::Text),
            Repr::CoreLevel => Value::new(sql!("nullIf({}, 'unknown')", self.sql), Repr::Level),
            Repr::Null => Value::new(self.text(), Repr::Text),
            _ => self.clone(),
        }
    }

    /// As a cell of a table: missing is null, types are kept.
    pub(super) fn cell(&self) -> Value {
        match self.repr {
            Repr::Dynamic | Repr::Array => self.clone(),
            _ => self.key(),
        }
    }

    /// For values that come in several types: each keeps its own.
    pub(super) fn dynamic(&self) -> Sql {
        match self.repr {
            Repr::Dynamic => self.sql.clone(),
            Repr::Null => Sql::new("CAST(NULL, 'Dynamic')"),
            Repr::Time => sql!("CAST(materialize({}), 'Dynamic')", self.text()),
            Repr::Array => sql!("CAST({}, 'Dynamic')", self.sql),
            Repr::CoreText | Repr::CoreLevel | Repr::Level => {
                sql!("CAST(CAST(materialize({}), 'Nullable(String)'), 'Dynamic')", self.text())
            }
            // Constants would lose their type in the next `if`.
            Repr::Text | Repr::Number | Repr::Bool => sql!("CAST(materialize({}), 'Dynamic')", self.sql),
        }
    }

    /// ORDER BY terms for the value order: numbers and numeric strings by value, then text by bytes, null last.
    pub(super) fn order(&self, descending: bool) -> Sql {
        let x = &self.sql;
        let direction = Sql::new(if descending { "DESC" } else { "ASC" });
        match self.repr {
            Repr::Number | Repr::Time | Repr::Bool | Repr::Level => sql!("{} {} NULLS LAST", x, direction),
            Repr::CoreLevel => sql!("{} = 'unknown', {} {}", x, x, direction),
            Repr::CoreText | Repr::Text | Repr::Dynamic | Repr::Array => {
                let (text, number) = (self.text(), self.number());
                sql!(
                    "isNull({}), isNull({}) {}, {} {}, {} {}",
                    text,
                    number,
                    direction,
                    number,
                    direction,
                    text,
                    direction
                )
            }
            Repr::Null => Sql::new("1"),
        }
    }

    /// What the checker calls it.
    pub(super) fn kind(&self) -> Kind {
        match self.repr {
            Repr::CoreText | Repr::Text => Kind::Text,
            Repr::CoreLevel | Repr::Level => Kind::Level,
            Repr::Dynamic => Kind::Any,
            Repr::Number => Kind::Number,
            Repr::Bool => Kind::Bool,
            Repr::Time => Kind::Time,
            Repr::Array => Kind::Array,
            Repr::Null => Kind::Null,
        }
    }
}

/// RFC 3339; the best effort alone would also take numbers and dates of many countries.
const WHOLE_TIME: &str =
    r"'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$'";

/// Writes an expression that needs its argument several times so that a long argument stands there once.
/// Without it the text of nested calls would double with every level.
fn once(value: &Value, write: impl FnOnce(&Sql) -> Sql) -> Sql {
    if value.atomic {
        return write(&value.sql);
    }
    let inner = write(&Sql::new("x"));
    sql!("arrayMap(x -> {}, [{}])[1]", inner, value.sql)
}

/// The same for two arguments.
pub(super) fn once_each(a: &Sql, b: &Sql, write: impl FnOnce(&Sql, &Sql) -> Sql) -> Sql {
    let inner = write(&Sql::new("x"), &Sql::new("y"));
    sql!("arrayMap((x, y) -> {}, [{}], [{}])[1]", inner, a, b)
}

fn finite(number: &Sql, atomic: bool) -> Sql {
    if atomic {
        return sql!("if(isFinite({}), {}, NULL)", number, number);
    }
    sql!("arrayMap(x -> if(isFinite(x), x, NULL), [{}])[1]", number)
}

pub(super) fn is_array(dynamic: &Sql) -> Sql {
    sql!("startsWith(dynamicType({}), 'Array')", dynamic)
}

fn dynamic_text(x: &Sql) -> Sql {
    sql!("if({}, toJSONString({}), CAST({}, 'Nullable(String)'))", is_array(x), x, x)
}

/// The elements of an array leaf as Array(Nullable(String)), each as its text. A cast would fail on nested arrays.
pub(super) fn elements(dynamic: &Sql) -> Sql {
    sql!("JSONExtract(ifNull(toJSONString({}), '[]'), 'Array(Nullable(String))')", dynamic)
}

/// RFC 3339 in UTC, with as many digits as needed.
fn time_text(x: &Sql) -> Sql {
    sql!(
        "concat(formatDateTime({}, '%FT%T', 'UTC'), \
         if(toUnixTimestamp64Nano({}) % 1000000000 = 0, '', \
         concat('.', trimRight(leftPad(toString(positiveModulo(toUnixTimestamp64Nano({}), 1000000000)), 9, '0'), '0'))), 'Z')",
        x,
        x,
        x
    )
}
