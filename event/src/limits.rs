//! Keeps an event within bounds: what is too long is cut and marked, what is too much is kept as JSON text.
//!
//! Nothing is lost silently: `_truncated` names the fields that were cut, `_overflow_fields` holds the members
//! that did not fit as a JSON object, and `Marks` counts both. An event within bounds is left as it is.

use std::borrow::Cow;

use crate::event::Marks;
use crate::value::{Object, Value};

/// The attribute that names the fields that were cut.
pub const TRUNCATED: &str = "_truncated";
/// The attribute that holds, as JSON text, the members that were too many, too long in their name, or without a name.
pub const OVERFLOW: &str = "_overflow_fields";

/// Strings of this size are never cut; it leaves room for the marker.
const SHORTEST_CUT: usize = 64;

/// How large an event may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The message; and, on their own, all texts among the attributes together.
    pub event_bytes: usize,
    /// Attributes that are leaves: anything but an object.
    pub attributes: usize,
    /// A dotted path.
    pub key_bytes: usize,
    /// Names in a path; an object that is deeper becomes JSON text.
    pub depth: usize,
    /// `source`, `host`, `trace_id`, `span_id`.
    pub core_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event_bytes: 256 * 1024, attributes: 256, key_bytes: 256, depth: 16, core_bytes: 256 }
    }
}

/// Cuts the text to `limit` bytes, marker included. Says whether it had to.
pub fn cut(text: &mut Cow<'_, str>, limit: usize) -> bool {
    let limit = limit.max(SHORTEST_CUT);
    if text.len() <= limit {
        return false;
    }
    // Room for the marker with the longest number.
    let end = text.floor_char_boundary(limit - 40);
    let marker = format!("…[cut {} bytes]", text.len() - end);
    let cut = text.to_mut();
    cut.truncate(end);
    cut.push_str(&marker);
    true
}

/// Brings the attributes within the limits.
pub fn fit_attributes(attributes: &mut Object<'_>, limits: &Limits, marks: &mut Marks) {
    let kept_overflow = attributes.remove(OVERFLOW);
    let kept_truncated = attributes.remove(TRUNCATED);
    let mut fit = Fit {
        limits,
        leaves_left: limits.attributes,
        bytes_left: limits.event_bytes,
        path: String::new(),
        cut: Vec::new(),
        overflow: Object::new(),
    };
    fit.object(attributes, 0);
    marks.cut += fit.cut.len() as u32;
    marks.overflowed += fit.overflow.len() as u32;
    let Fit { cut, mut overflow, bytes_left, .. } = fit;
    if let Some(truncated) = merge_names(kept_truncated, cut) {
        attributes.push(TRUNCATED, truncated);
    }
    if overflow.is_empty() {
        attributes.members.extend(kept_overflow.map(|kept| (Cow::Borrowed(OVERFLOW), kept)));
        return;
    }
    if let Some(kept) = kept_overflow {
        overflow.push(OVERFLOW, kept);
    }
    let mut text = Cow::Owned(overflow.to_json());
    marks.cut += u32::from(self::cut(&mut text, bytes_left.max(limits.event_bytes / 2)));
    attributes.push(OVERFLOW, Value::String(text));
}

/// Adds a field's name to the list of those that were cut.
pub fn mark_truncated(attributes: &mut Object<'_>, name: &str) {
    let kept = attributes.remove(TRUNCATED);
    if let Some(names) = merge_names(kept, vec![name.to_owned()]) {
        attributes.push(TRUNCATED, names);
    }
}

fn merge_names<'a>(kept: Option<Value<'a>>, cut: Vec<String>) -> Option<Value<'a>> {
    if cut.is_empty() {
        return kept;
    }
    let mut names = match kept {
        Some(Value::Array(names)) => names,
        other => other.into_iter().collect(),
    };
    for name in cut {
        if !names.iter().any(|known| known.as_str() == Some(&name)) {
            names.push(Value::string(name));
        }
    }
    Some(Value::Array(names))
}

struct Fit<'l> {
    limits: &'l Limits,
    leaves_left: usize,
    bytes_left: usize,
    path: String,
    cut: Vec<String>,
    overflow: Object<'static>,
}

impl Fit<'_> {
    /// `depth` is the number of names on the way to this object.
    fn object(&mut self, object: &mut Object<'_>, depth: usize) {
        object.members.retain_mut(|(name, value)| self.member(name, value, depth));
    }

    /// Says whether the member stays.
    fn member(&mut self, name: &str, value: &mut Value<'_>, depth: usize) -> bool {
        if value.is_null() {
            return false;
        }
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let depth = depth + 1 + name.bytes().filter(|byte| *byte == b'.').count();
        let stays = if name.is_empty() || self.path.len() > self.limits.key_bytes {
            self.keep_aside(value)
        } else {
            self.value(value, depth)
        };
        self.path.truncate(parent);
        stays
    }

    fn value(&mut self, value: &mut Value<'_>, depth: usize) -> bool {
        match value {
            Value::Object(object) if depth < self.limits.depth => {
                let was_empty = object.is_empty();
                self.object(object, depth);
                was_empty || !object.is_empty()
            }
            _ if self.leaves_left == 0 => self.keep_aside(value),
            _ => {
                self.leaves_left -= 1;
                self.leaf(value, depth);
                true
            }
        }
    }

    fn leaf(&mut self, value: &mut Value<'_>, depth: usize) {
        match value {
            Value::Object(object) => {
                *value = Value::string(object.to_json());
                self.leaf(value, depth);
            }
            Value::Array(items) if depth < self.limits.depth => {
                items.iter_mut().for_each(|item| self.item(item, depth + 1));
            }
            Value::Array(_) => {
                *value = Value::string(value.to_json());
                self.leaf(value, depth);
            }
            Value::String(text) => {
                let limit = self.bytes_left;
                if cut(text, limit) {
                    self.cut.push(self.path.clone());
                }
                self.bytes_left = self.bytes_left.saturating_sub(text.len());
            }
            Value::Digits(_) => {
                settle_digits(value);
                self.leaf(value, depth);
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_) => {}
        }
    }

    /// What is inside an array belongs to its leaf; objects there keep their form down to the depth.
    fn item(&mut self, item: &mut Value<'_>, depth: usize) {
        match item {
            Value::Object(object) if depth < self.limits.depth => {
                object.members.iter_mut().for_each(|(_, value)| self.item(value, depth + 1));
            }
            _ => self.leaf(item, depth),
        }
    }

    fn keep_aside(&mut self, value: &mut Value<'_>) -> bool {
        let value = std::mem::replace(value, Value::Null);
        self.overflow.push(self.path.clone(), value.into_owned());
        false
    }
}

/// Integers of any length keep their digits as text; a fraction becomes the nearest float.
fn settle_digits(value: &mut Value<'_>) {
    if let Value::Digits(text) = value {
        let float = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        *value = match float {
            Some(number) if !is_integer => Value::Float(number),
            _ => Value::String(Cow::Owned(std::mem::take(text).into_owned())),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Reader;

    fn fitted(json: &str, limits: Limits) -> (String, Marks) {
        let Ok(Value::Object(mut object)) = Reader::new(json.as_bytes()).value() else { panic!("an object") };
        let mut marks = Marks::default();
        fit_attributes(&mut object, &limits, &mut marks);
        (object.to_json(), marks)
    }

    #[test]
    fn an_event_within_the_limits_stays_as_it_is() {
        let json = r#"{"a":{"b":[1,null,{"c":2}]},"d":"","e":{},"f":1.5}"#;
        assert_eq!(fitted(json, Limits::default()), (json.to_owned(), Marks::default()));
    }

    #[test]
    fn null_means_missing() {
        assert_eq!(fitted(r#"{"a":null,"b":{"c":null},"d":1}"#, Limits::default()).0, r#"{"d":1}"#);
    }

    #[test]
    fn long_integers_keep_their_digits() {
        let json = r#"{"a":184467440737095516160,"b":0.12345678901234567890}"#;
        assert_eq!(
            fitted(json, Limits::default()).0,
            r#"{"a":"184467440737095516160","b":0.12345678901234568}"#
        );
    }

    #[test]
    fn attributes_that_are_too_many_are_kept_as_json_text() {
        let (json, marks) =
            fitted(r#"{"a":1,"b":{"c":2,"d":3},"e":[4]}"#, Limits { attributes: 2, ..Limits::default() });
        assert_eq!(json, r#"{"a":1,"b":{"c":2},"_overflow_fields":"{\"b.d\":3,\"e\":[4]}"}"#);
        assert_eq!(marks.overflowed, 2);
    }

    #[test]
    fn names_that_cannot_be_addressed_are_kept_as_json_text() {
        let (json, _) = fitted(r#"{"":1,"abcdefgh":2,"a":3}"#, Limits { key_bytes: 4, ..Limits::default() });
        assert_eq!(json, r#"{"a":3,"_overflow_fields":"{\"\":1,\"abcdefgh\":2}"}"#);
    }

    #[test]
    fn what_is_too_deep_is_kept_as_json_text() {
        let (json, _) =
            fitted(r#"{"a":{"b":{"c":{"d":1}}},"x.y.z":{"d":1}}"#, Limits { depth: 3, ..Limits::default() });
        assert_eq!(json, r#"{"a":{"b":{"c":"{\"d\":1}"}},"x.y.z":"{\"d\":1}"}"#);
    }

    #[test]
    fn texts_that_are_too_long_are_cut_and_marked() {
        let json = format!(r#"{{"a":{{"b":"{}"}},"c":"{}"}}"#, "é".repeat(100), "x".repeat(70));
        let (json, marks) = fitted(&json, Limits { event_bytes: 100, ..Limits::default() });
        assert!(json.contains("é…[cut 140 bytes]"), "{json}");
        assert!(json.ends_with(r#""_truncated":["a.b","c"]}"#), "{json}");
        assert_eq!(marks.cut, 2);
    }

    proptest::proptest! {
        #[test]
        fn a_second_fit_changes_nothing(json in r#"\{("[a-e]":("[a-z]{0,200}"|[1-9]{1,25}|\{"x\.y":[1-9],"z":null\}|\[1,"[a-z]{0,99}"\]),){0,9}"q":1\}"#) {
            let limits = Limits { event_bytes: 300, attributes: 4, key_bytes: 4, depth: 2, core_bytes: 64 };
            let once = fitted(&json, limits).0;
            proptest::prop_assert_eq!(fitted(&once, limits).0, once);
        }
    }
}
