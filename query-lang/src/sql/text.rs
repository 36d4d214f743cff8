//! SQL text that cannot hold anything but our own constants, generated aliases and parameter references.
//!
//! `Sql` is only made from literals of this crate (`sql!`), from `Alias`, and from the references that `Parameters`
//! hands out. There is no way from a `String` to `Sql`, so nothing that a user typed can become part of a statement.

use std::collections::HashMap;
use std::fmt;

/// A piece of SQL of our own making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sql(String);

/// A generated name: `c0`, `c1`, … Unique in a whole statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Alias(pub(super) u32);

/// Puts pieces into the `{}` of a literal: `sql!("toFloat64OrNull({})", text)`.
macro_rules! sql {
    ($template:literal $(, $piece:expr)* $(,)?) => {
        $crate::sql::text::Sql::assemble($template, &[$(&$piece as &dyn $crate::sql::text::Piece),*])
    };
}
pub(crate) use sql;

/// What may stand in a `{}` of `sql!`.
pub(crate) trait Piece {
    fn write(&self, out: &mut String);
}

impl Piece for Sql {
    fn write(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl Piece for Alias {
    fn write(&self, out: &mut String) {
        out.push('c');
        out.push_str(&self.0.to_string());
    }
}

impl<P: Piece> Piece for &P {
    fn write(&self, out: &mut String) {
        (*self).write(out);
    }
}

impl Sql {
    pub(crate) fn new(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn assemble(template: &'static str, pieces: &[&dyn Piece]) -> Self {
        let mut parts = template.split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        let mut pieces = pieces.iter();
        for part in parts {
            pieces.next().expect("as many pieces as braces").write(&mut text);
            text.push_str(part);
        }
        assert!(pieces.next().is_none(), "more pieces than braces in {template}");
        Self(text)
    }

    /// The pieces with `separator` between them.
    pub(crate) fn join<P: Piece>(pieces: impl IntoIterator<Item = P>, separator: &'static str) -> Self {
        let mut text = String::new();
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            piece.write(&mut text);
        }
        Self(text)
    }

    /// Where ClickHouse wants a number and no parameter. Never a value of the query.
    pub(crate) fn number(number: u64) -> Self {
        Self(number.to_string())
    }

    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value for a `{name:Type}` in the SQL, not escaped yet: that is the client's affair.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Parameter {
    Text(String),
    /// For `Identifier`, which ClickHouse takes as it is, without undoing any escapes.
    Path(String),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
}

/// The values of a statement, named `p0`, `p1`, …
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    values: Vec<Parameter>,
    paths: HashMap<String, usize>,
}

macro_rules! reference {
    ($self:ident, $value:expr, $kind:literal) => {{
        let index = $self.add($value);
        Sql(format!(concat!("{{p{}:", $kind, "}}"), index))
    }};
}

impl Parameters {
    pub(crate) fn text(&mut self, value: &str) -> Sql {
        reference!(self, Parameter::Text(value.to_owned()), "String")
    }

    pub(crate) fn float(&mut self, value: f64) -> Sql {
        reference!(self, Parameter::Float(value), "Float64")
    }

    pub(crate) fn integer(&mut self, value: i64) -> Sql {
        reference!(self, Parameter::Integer(value), "Int64")
    }

    pub(crate) fn unsigned(&mut self, value: u64) -> Sql {
        reference!(self, Parameter::Unsigned(value), "UInt64")
    }

    /// `value` is a UUID in any of its spellings; the engine refuses everything else.
    pub(crate) fn uuid(&mut self, value: &str) -> Sql {
        reference!(self, Parameter::Text(value.to_owned()), "UUID")
    }

    /// A JSON subcolumn of `column`. The same path is the same parameter, so that ClickHouse sees equal expressions.
    pub(crate) fn path(&mut self, path: &str) -> Sql {
        let index = match self.paths.get(path) {
            Some(index) => *index,
            None => {
                let index = self.add(Parameter::Path(path.to_owned()));
                self.paths.insert(path.to_owned(), index);
                index
            }
        };
        Sql(format!("{{p{index}:Identifier}}"))
    }

    /// A path inside a JSON column of an inner level; nothing for paths that ClickHouse would read otherwise.
    pub(crate) fn subcolumn(&mut self, alias: &Sql, path: &str) -> Option<Sql> {
        let is_plain = !path.starts_with("^`") && !path.contains(":`") && !path.is_empty();
        is_plain.then(|| self.path(&format!("{}.{path}", alias.0)))
    }

    fn add(&mut self, value: Parameter) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }

    pub(crate) fn into_pairs(self) -> Vec<(String, Parameter)> {
        self.values.into_iter().enumerate().map(|(index, value)| (format!("p{index}"), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_show_up_in_the_text() {
        let mut parameters = Parameters::default();
        let hostile = parameters.text("'); DROP TABLE logs --\n");
        let path = parameters.path("attributes.a}b'c");
        let text = sql!("SELECT {} = {}", path, hostile);
        assert_eq!(text.as_str(), "SELECT {p1:Identifier} = {p0:String}");
        let hostile = Parameter::Text("'); DROP TABLE logs --\n".to_owned());
        assert_eq!(parameters.into_pairs()[0], ("p0".to_owned(), hostile));
    }

    #[test]
    fn equal_paths_are_one_parameter_and_equal_values_are_not() {
        let mut parameters = Parameters::default();
        assert_eq!(parameters.path("attributes.a"), parameters.path("attributes.a"));
        assert_ne!(parameters.text("a"), parameters.text("a"));
    }

    #[test]
    fn braces_in_pieces_are_not_places() {
        let mut parameters = Parameters::default();
        let one = parameters.integer(1);
        assert_eq!(sql!("({} + {})", one, one).as_str(), "({p0:Int64} + {p0:Int64})");
    }
}
