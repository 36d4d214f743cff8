//! A JSON value that borrows from the request body where it can, and keeps the order of members.
//!
//! Integers keep every digit: up to 64 bits as numbers, longer ones as `Digits`, the text that came.
//! Nothing here allocates for a string without escapes.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Only above `i64::MAX`; everything smaller is `Int`.
    UInt(u64),
    Float(f64),
    /// A number with more digits than the machine's numbers hold. Only in raw events: normalising
    /// makes an integer a string of its digits, and a fraction a float.
    Digits(Cow<'a, str>),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    pub fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self::String(text.into())
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a leaf as the query language sees it: a string as it is, numbers and booleans in
    /// their JSON form; nothing for null, arrays and objects.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::String(text) | Self::Digits(text) => Some(Cow::Borrowed(text)),
            Self::Bool(_) | Self::Int(_) | Self::UInt(_) | Self::Float(_) => Some(Cow::Owned(self.to_json())),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::Int(number),
            Self::UInt(number) => Value::UInt(number),
            Self::Float(number) => Value::Float(number),
            Self::Digits(text) => Value::Digits(Cow::Owned(text.into_owned())),
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(object) => Value::Object(object.into_owned()),
        }
    }

    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8(out).expect("the writer copies strings and writes ASCII")
    }

    /// Appends the value as compact JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => write_display(number, out),
            Self::UInt(number) => write_display(number, out),
            Self::Float(number) => write_float(*number, out),
            Self::Digits(text) => out.extend_from_slice(text.as_bytes()),
            Self::String(text) => write_json_string(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Object(object) => object.write_json(out),
        }
    }
}

/// An object: its members in the order they came, each name once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object<'a> {
    pub(crate) members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(members: usize) -> Self {
        Self { members: Vec::with_capacity(members) }
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        self.members.iter_mut().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The value at a dotted path, whether the dots are nesting, part of a name, or both.
    pub fn get_path(&self, path: &str) -> Option<&Value<'a>> {
        if let Some(value) = self.get(path) {
            return Some(value);
        }
        path.match_indices('.').find_map(|(dot, _)| {
            self.get(&path[..dot])?.as_object().and_then(|inner| inner.get_path(&path[dot + 1..]))
        })
    }

    /// Sets a member; a former value of that name is replaced.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        let name = name.into();
        match self.get_mut(&name) {
            Some(existing) => *existing = value,
            None => self.members.push((name, value)),
        }
    }

    /// Adds a member without looking for a former one: for names known to be new, such as in a decoder's loop.
    /// `settle` afterwards makes names single again.
    #[inline]
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.members.push((name.into(), value));
    }

    /// Adds the other's members; gives back those whose names are taken.
    pub fn absorb(&mut self, other: Self) -> Self {
        let known: HashSet<Cow<str>> = match self.len() * other.len() > 1_024 {
            true => self.members.iter().map(|(name, _)| name.clone()).collect(),
            false => HashSet::new(),
        };
        let own = self.members.len();
        let mut rest = Self::new();
        for (name, value) in other {
            let taken = match known.is_empty() {
                true => self.members[..own].iter().any(|(member, _)| *member == name),
                false => known.contains(&name),
            };
            if taken { &mut rest } else { &mut *self }.members.push((name, value));
        }
        rest
    }

    pub fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(position).1)
    }

    /// Makes names single: of members with the same name the last one stays, as in every JSON parser.
    pub fn settle(&mut self) {
        if !self.may_repeat() {
            return;
        }
        let mut seen = HashSet::with_capacity(self.members.len());
        let mut keep: Vec<bool> =
            self.members.iter().rev().map(|(name, _)| seen.insert(name.as_ref())).collect();
        let repeated = seen.len() < self.members.len();
        if repeated {
            self.members.retain(|_| keep.pop().expect("one flag per member"));
        }
    }

    /// A cheap test that is never wrong when it says no: names with equal marks are compared.
    fn may_repeat(&self) -> bool {
        let mut marks = 0_u64;
        self.members.iter().enumerate().any(|(position, (name, _))| {
            let bytes = name.as_bytes();
            let edge = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0));
            let mark = 1_u64 << ((bytes.len() * 7 + edge(bytes.first()) * 3 + edge(bytes.last())) & 63);
            let known = marks & mark != 0;
            marks |= mark;
            known && (position > 64 || self.members[..position].iter().any(|(earlier, _)| earlier == name))
        })
    }

    pub fn into_owned(self) -> Object<'static> {
        let members = self.members.into_iter();
        Object {
            members: members
                .map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()))
                .collect(),
        }
    }

    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8(out).expect("the writer copies strings and writes ASCII")
    }

    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (position, (name, value)) in self.members.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_json_string(name, out);
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        let mut object = Self { members: members.into_iter().collect() };
        object.settle();
        object
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::UInt(number) => serializer.serialize_u64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Digits(text) | Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// From a value that another library built: what protocol decoders hold.
impl From<serde_json::Value> for Value<'static> {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => Self::Int(number),
                (_, Some(number), _) => Self::UInt(number),
                (.., Some(number)) => Self::Float(number),
                _ => Self::Digits(Cow::Owned(number.to_string())),
            },
            serde_json::Value::String(text) => Self::String(Cow::Owned(text)),
            serde_json::Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                let members = members.into_iter();
                Self::Object(members.map(|(name, value)| (Cow::Owned(name), Self::from(value))).collect())
            }
        }
    }
}

fn write_display(number: &impl std::fmt::Display, out: &mut Vec<u8>) {
    use std::io::Write;
    write!(out, "{number}").expect("a vector takes every write");
}

/// Floats keep a mark that they are floats (`20.0`), so that reading them back gives the same type.
fn write_float(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        let mut buffer = format!("{number:?}");
        if !buffer.contains(['.', 'e']) {
            buffer.push_str(".0");
        }
        out.extend_from_slice(buffer.as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Appends a JSON string with its quotes. Control characters are escaped, everything else is kept.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut start = 0;
    for (position, &byte) in text.as_bytes().iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[start..position]);
        start = position + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[start..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_members_with_one_name_the_last_stays() {
        let object: Object = [("a", 1), ("b", 2), ("a", 3)]
            .into_iter()
            .map(|(name, number)| (Cow::Borrowed(name), Value::Int(number)))
            .collect();

        assert_eq!(object.to_json(), r#"{"b":2,"a":3}"#);
    }

    #[test]
    fn a_dotted_path_is_found_through_nesting_and_through_names_with_dots() {
        let inner = Object { members: vec![("status.code".into(), Value::Int(500))] };
        let object = Object { members: vec![("http".into(), Value::Object(inner))] };

        assert_eq!(object.get_path("http.status.code"), Some(&Value::Int(500)));
        assert_eq!(object.get_path("http.status"), None);
    }

    #[test]
    fn a_written_string_reads_back_the_same_in_another_parser() {
        let text = "quote \" backslash \\ newline \n nul \0 escape \u{1b} line separator \u{2028} é";
        let mut out = Vec::new();
        write_json_string(text, &mut out);

        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn a_float_that_is_whole_stays_a_float() {
        assert_eq!(Value::Float(20.0).to_json(), "20.0");
        assert_eq!(Value::Float(1e300).to_json(), "1e300");
    }
}
