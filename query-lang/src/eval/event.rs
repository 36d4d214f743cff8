//! One event as the evaluator sees it, and the rows that stages make of it.

use serde_json::{Map, Value as Json};

use super::value::Value;
use crate::ast::{Core, Field, Level, Target};
use crate::sql::EventKey;

/// An event. Empty core strings are missing.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub id: &'a str,
    pub timestamp_ns: i64,
    pub level: Option<Level>,
    pub source: &'a str,
    pub host: &'a str,
    pub message: &'a str,
    pub trace_id: &'a str,
    pub span_id: &'a str,
    /// Nested or with dots in the keys: both name the same path.
    pub attributes: &'a Map<String, Json>,
}

/// An event with what stages computed on it.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub event: Event<'a>,
    /// Later ones hide earlier ones and everything of the event.
    pub columns: Vec<(String, Value<'a>)>,
    /// Unpacked text, whose names come before the attributes.
    pub unpacked: Vec<Map<String, Json>>,
    /// Fields and paths that were taken away.
    pub dropped: Vec<String>,
    /// Whether `columns` is everything that is left of the event.
    pub closed: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(event: Event<'a>) -> Self {
        Self { event, columns: Vec::new(), unpacked: Vec::new(), dropped: Vec::new(), closed: false }
    }

    /// Whether no stage has changed anything yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.columns.is_empty() && self.dropped.is_empty() && self.unpacked.is_empty() && !self.closed
    }

    pub(super) fn field(&self, field: &Field) -> Value<'a> {
        match &field.target {
            Target::Core(core) => self.event.core(*core),
            Target::Attribute(path) => self.attribute(path),
            Target::Column(name) => self.column(name),
            Target::Nothing => Value::Null,
        }
    }

    fn attribute(&self, path: &str) -> Value<'a> {
        let unpacked = self.unpacked.iter().rev().find_map(|map| leaf(map, path));
        match unpacked {
            Some(value) => Value::owned(value.clone()),
            None => leaf(self.event.attributes, path).map_or(Value::Null, Value::of_json),
        }
    }

    pub(super) fn column(&self, name: &str) -> Value<'a> {
        self.computed(name).unwrap_or(Value::Null)
    }

    fn computed(&self, name: &str) -> Option<Value<'a>> {
        let found = self.columns.iter().rev().find(|(column, _)| column == name);
        found.map(|(_, value)| value.clone())
    }

    /// What a name means that no field of the tree stands for.
    pub(super) fn named(&self, name: &str) -> Value<'a> {
        self.computed(name).unwrap_or_else(|| {
            let is_gone = self.closed || self.dropped.iter().any(|gone| is_below(name, gone));
            if is_gone { Value::Null } else { self.field(&Field::of_event(name, crate::Span::default())) }
        })
    }

    /// Whether a field of the event is still there.
    pub(super) fn still_has(&self, core: Core) -> bool {
        !self.closed && !self.dropped.iter().any(|gone| gone == core.name())
    }

    /// Whether the field has a value, or something below its path has one.
    pub(super) fn has(&self, field: &Field) -> bool {
        if self.field(field).is_present() {
            return true;
        }
        let Target::Attribute(path) = &field.target else { return false };
        let maps = self.unpacked.iter().chain([self.event.attributes]);
        maps.into_iter().any(|map| below(map, path))
    }
}

impl<'a> Event<'a> {
    pub(super) fn core(&self, core: Core) -> Value<'a> {
        let text = |text: &'a str| if text.is_empty() { Value::Null } else { Value::text(text) };
        match core {
            Core::Timestamp => Value::Time(self.timestamp_ns),
            Core::Level => self.level.map_or(Value::Null, Value::Level),
            Core::Source => text(self.source),
            Core::Host => text(self.host),
            Core::Message => text(self.message),
            Core::TraceId => text(self.trace_id),
            Core::SpanId => text(self.span_id),
            Core::Id => self.own_id().unwrap_or_else(|| text(self.id)),
        }
    }

    /// The id that came with the event, as an attribute.
    fn own_id(&self) -> Option<Value<'a>> {
        leaf(self.attributes, "id").map(|value| Value::of_json(value).as_text())
    }

    /// Whether `text` names this event: by its public id, or by the one that came with it.
    pub(super) fn has_id(&self, text: &str, equal: impl Fn(&str) -> bool) -> bool {
        if EventKey::of_id(text).is_some() {
            return self.id == text;
        }
        leaf(self.attributes, "id")
            .is_some_and(|value| Value::of_json(value).elements().iter().flatten().any(|id| equal(id)))
    }
}

/// The value at a dotted path: a scalar or an array, never null and never an object.
pub(super) fn leaf<'m>(map: &'m Map<String, Json>, path: &str) -> Option<&'m Json> {
    find(map, path, &mut |value| !value.is_null() && !value.is_object())
}

/// The path itself, or something below it.
pub(super) fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether anything lies below the path.
fn below(map: &Map<String, Json>, path: &str) -> bool {
    let has_leaf = find(map, path, &mut |value| value.as_object().is_some_and(holds_anything)).is_some();
    has_leaf || prefixed(map, path)
}

/// Keys with dots in them may lead below the path without a node at it.
fn prefixed(map: &Map<String, Json>, path: &str) -> bool {
    map.iter().any(|(key, value)| {
        if key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')) {
            return is_anything(value);
        }
        let rest = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| value.as_object().is_some_and(|inner| prefixed(inner, rest)))
    })
}

fn holds_anything(map: &Map<String, Json>) -> bool {
    map.values().any(is_anything)
}

fn is_anything(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Object(inner) => holds_anything(inner),
        _ => true,
    }
}

fn find<'m>(
    map: &'m Map<String, Json>,
    path: &str,
    accept: &mut dyn FnMut(&Json) -> bool,
) -> Option<&'m Json> {
    if let Some(value) = map.get(path).filter(|value| accept(value)) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let inner = map.get(&path[..dot])?.as_object()?;
        find(inner, &path[dot + 1..], accept)
    })
}

/// Every leaf value of the attributes.
pub(super) fn leaves<'m>(map: &'m Map<String, Json>, visit: &mut dyn FnMut(&str, &'m Json)) {
    walk(map, &mut String::new(), visit);
}

fn walk<'m>(map: &'m Map<String, Json>, path: &mut String, visit: &mut dyn FnMut(&str, &'m Json)) {
    for (key, value) in map {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        match value {
            Json::Null => {}
            Json::Object(inner) => walk(inner, path, visit),
            leaf => visit(path, leaf),
        }
        path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Json) -> Map<String, Json> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn nested_and_dotted_keys_name_the_same_path() {
        for attributes in [json!({"a": {"b.c": 1}}), json!({"a.b": {"c": 1}}), json!({"a.b.c": 1})] {
            let attributes = map(attributes);
            assert_eq!(leaf(&attributes, "a.b.c"), Some(&json!(1)));
            assert!(below(&attributes, "a.b"));
            assert!(below(&attributes, "a"));
            assert!(!below(&attributes, "a.b.c"));
            assert!(!below(&attributes, "a.b.c.d"));
        }
    }

    #[test]
    fn null_and_objects_without_values_are_nothing() {
        let attributes = map(json!({"a": null, "b": {}, "c": {"d": null}, "e": []}));
        for path in ["a", "b", "c", "c.d"] {
            assert_eq!(leaf(&attributes, path), None);
            assert!(!below(&attributes, path), "{path}");
        }
        assert_eq!(leaf(&attributes, "e"), Some(&json!([])));
    }
}
