//! The JSON column of a batch, taken apart into one column for each path, as the engine keeps it anyway.
//!
//! That is the `flattened` form of Native: the paths, the types of each, and per path one mark a row that says which of its types the
//! row has. The engine reads it for a third of what parsing the JSON costs it. What the engine would give a type of its own making
//! (arrays of objects, of arrays, or of several types) is not done here: such a batch goes as text.

use event::json::Reader;
use event::{Object, Value};
use std::collections::HashMap;

/// Version of the form, for the object and for each of its paths.
const FLATTENED: u64 = 3;
/// A mark for rows that do not have the path.
const ABSENT: u8 = u8::MAX;
/// More paths than this go as text: each takes a byte a row.
const MOST_PATHS: usize = 512;

/// A batch that must go as text.
#[derive(Debug, PartialEq, Eq)]
pub struct NeedsText;

#[derive(Debug, Default)]
pub struct Attributes {
    paths: Vec<Path>,
    by_name: HashMap<Box<str>, usize>,
    rows: usize,
    name: String,
    last: usize,
}

#[derive(Debug)]
struct Path {
    name: Box<str>,
    types: Vec<Typed>,
    /// Which of `types` a row has.
    marks: Vec<u8>,
    /// The path that came behind this one the last time: mostly it does so again.
    next: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    String,
}

/// The values of one type of a path.
#[derive(Debug)]
struct Typed {
    kind: Kind,
    is_array: bool,
    /// Where each array ends; of arrays only.
    ends: Vec<u8>,
    /// Which elements are null; of arrays only.
    nulls: Vec<u8>,
    values: Vec<u8>,
}

impl Kind {
    fn of(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::UInt(_) => Self::UInt,
            Value::Float(_) => Self::Float,
            Value::String(_) => Self::String,
            Value::Digits(text) => return fraction(text).map(|_| Self::Float),
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bool => "Bool",
            Self::Int => "Int64",
            Self::UInt => "UInt64",
            Self::Float => "Float64",
            Self::String => "String",
        }
    }
}

impl Attributes {
    /// Adds the attributes of the next row, a JSON object.
    pub fn push(&mut self, json: &str) -> Result<(), NeedsText> {
        let row = self.rows;
        self.rows += 1;
        if json == "{}" {
            return Ok(());
        }
        let Ok(Value::Object(object)) = Reader::new(json.as_bytes()).value() else { return Err(NeedsText) };
        self.name.clear();
        self.object(&object, row)
    }

    fn object(&mut self, object: &Object<'_>, row: usize) -> Result<(), NeedsText> {
        let length = self.name.len();
        for (name, value) in object.iter() {
            if name.is_empty() {
                return Err(NeedsText);
            }
            if length > 0 {
                self.name.push('.');
            }
            self.name.push_str(name);
            match value {
                Value::Null => {}
                Value::Object(inner) => self.object(inner, row)?,
                leaf => self.leaf(leaf, row)?,
            }
            self.name.truncate(length);
        }
        Ok(())
    }

    fn leaf(&mut self, value: &Value<'_>, row: usize) -> Result<(), NeedsText> {
        let path = self.path()?;
        let path = &mut self.paths[path];
        // The same path twice, as by `{"a": {"b": 1}, "a.b": 2}`: the first counts.
        if path.marks.len() > row {
            return Ok(());
        }
        path.marks.resize(row, ABSENT);
        let mark = match value {
            Value::Array(items) => {
                let mark = path.typed(Self::kind_of(items)?, true);
                path.types[mark].push_array(items);
                mark
            }
            scalar => {
                let mark = path.typed(Kind::of(scalar).ok_or(NeedsText)?, false);
                path.types[mark].push_scalar(scalar);
                mark
            }
        };
        path.marks.push(mark as u8);
        Ok(())
    }

    /// The one type of an array's elements; an empty array is one of texts.
    fn kind_of(items: &[Value<'_>]) -> Result<Kind, NeedsText> {
        let mut kinds =
            items.iter().filter(|item| !item.is_null()).map(|item| Kind::of(item).ok_or(NeedsText));
        let first = match kinds.next() {
            Some(kind) => kind?,
            None if items.is_empty() => Kind::String,
            None => return Err(NeedsText),
        };
        let all_same = kinds.all(|kind| kind == Ok(first));
        if all_same && first != Kind::UInt { Ok(first) } else { Err(NeedsText) }
    }

    /// The number of the path that is named now.
    fn path(&mut self) -> Result<usize, NeedsText> {
        let guess = self.paths.get(self.last).map_or(0, |last| last.next);
        if self.paths.get(guess).is_some_and(|path| *path.name == *self.name) {
            self.last = guess;
            return Ok(guess);
        }
        let found = self.by_name.get(self.name.as_str()).copied();
        let number = match found {
            Some(number) => number,
            None if self.paths.len() >= MOST_PATHS => return Err(NeedsText),
            None => {
                let name: Box<str> = self.name.as_str().into();
                self.by_name.insert(name.clone(), self.paths.len());
                self.paths.push(Path { name, types: Vec::new(), marks: Vec::new(), next: 0 });
                self.paths.len() - 1
            }
        };
        self.paths[self.last].next = number;
        self.last = number;
        Ok(number)
    }

    /// Appends the column.
    pub fn write(mut self, out: &mut Vec<u8>) {
        self.paths.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        out.extend(FLATTENED.to_le_bytes());
        write_length(out, self.paths.len());
        self.paths.iter().for_each(|path| write_text(out, &path.name));
        for path in &self.paths {
            out.extend(FLATTENED.to_le_bytes());
            write_length(out, path.types.len());
            path.types.iter().for_each(|typed| write_text(out, &typed.name()));
        }
        for path in &mut self.paths {
            path.marks.resize(self.rows, ABSENT);
            let absent = path.types.len() as u8;
            out.extend(path.marks.iter().map(|mark| if *mark == ABSENT { absent } else { *mark }));
            for typed in &path.types {
                out.extend(&typed.ends);
                out.extend(&typed.nulls);
                out.extend(&typed.values);
            }
        }
    }

    /// About so many bytes will be written.
    pub fn bytes(&self) -> usize {
        let of_types =
            |path: &Path| path.types.iter().map(|typed| typed.values.len() + typed.ends.len()).sum::<usize>();
        self.paths.iter().map(|path| self.rows + path.name.len() + 64 + of_types(path)).sum()
    }
}

impl Path {
    /// The place of a type among the path's types.
    fn typed(&mut self, kind: Kind, is_array: bool) -> usize {
        let found = self.types.iter().position(|typed| typed.kind == kind && typed.is_array == is_array);
        found.unwrap_or_else(|| {
            self.types.push(Typed {
                kind,
                is_array,
                ends: Vec::new(),
                nulls: Vec::new(),
                values: Vec::new(),
            });
            self.types.len() - 1
        })
    }
}

impl Typed {
    fn name(&self) -> String {
        let name = self.kind.name();
        if self.is_array { format!("Array(Nullable({name}))") } else { name.to_owned() }
    }

    fn push_scalar(&mut self, value: &Value<'_>) {
        let out = &mut self.values;
        match value {
            Value::Bool(flag) => out.push(u8::from(*flag)),
            Value::Int(number) => out.extend(number.to_le_bytes()),
            Value::UInt(number) => out.extend(number.to_le_bytes()),
            Value::Float(number) => out.extend(number.to_le_bytes()),
            Value::String(text) => write_text(out, text),
            Value::Digits(text) => out.extend(fraction(text).unwrap_or_default().to_le_bytes()),
            // Of an array: its place has to be taken.
            Value::Null | Value::Array(_) | Value::Object(_) => match self.kind {
                Kind::Bool | Kind::String => out.push(0),
                Kind::Int | Kind::UInt | Kind::Float => out.extend([0; 8]),
            },
        }
    }

    fn push_array(&mut self, items: &[Value<'_>]) {
        for item in items {
            self.nulls.push(u8::from(item.is_null()));
            self.push_scalar(item);
        }
        self.ends.extend((self.nulls.len() as u64).to_le_bytes());
    }
}

/// A float that was written with more digits than the reader trusts to be none of a time. Long integers are texts by now.
fn fraction(text: &str) -> Option<f64> {
    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|number: &f64| number.is_finite() && !is_integer)
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_length(out, text.len());
    out.extend(text.as_bytes());
}

pub(super) fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_types_and_marks_are_written_as_the_engine_writes_them() {
        let mut attributes = Attributes::default();
        for row in [r#"{"a":1,"c":{"d":true}}"#, r#"{"a":"s"}"#, "{}"] {
            attributes.push(row).unwrap();
        }
        let mut out = Vec::new();
        attributes.write(&mut out);

        let mut expected = vec![3, 0, 0, 0, 0, 0, 0, 0, 2, 1, b'a', 3, b'c', b'.', b'd'];
        expected.extend([3, 0, 0, 0, 0, 0, 0, 0, 2]);
        expected.extend(b"\x05Int64\x06String");
        expected.extend([3, 0, 0, 0, 0, 0, 0, 0, 1]);
        expected.extend(b"\x04Bool");
        expected.extend([0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, b's', 0, 1, 1, 1]);
        assert_eq!(out, expected);
    }

    #[test]
    fn what_the_engine_types_in_its_own_way_goes_as_text() {
        for json in [
            r#"{"a":[{"b":1}]}"#,
            r#"{"a":[1,"x"]}"#,
            r#"{"a":[1,1.5]}"#,
            r#"{"a":[[1]]}"#,
            r#"{"a":[null]}"#,
            r#"{"":1}"#,
            r#"{"a":[18446744073709551615]}"#,
        ] {
            assert_eq!(Attributes::default().push(json), Err(NeedsText), "{json}");
        }
        for json in [r#"{"a":[]}"#, r#"{"a":[1,null]}"#, r#"{"a":null,"b":{}}"#] {
            assert_eq!(Attributes::default().push(json), Ok(()), "{json}");
        }
    }
}
