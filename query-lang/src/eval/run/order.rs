//! The order of values (§7.1 of the language), and bytes that are equal when values are.

use std::cmp::Ordering;

use crate::eval::value::{Value, number_text};

/// Numbers and numeric texts by value, then text by its bytes, null last.
pub(super) fn ascending(a: &Value, b: &Value) -> Ordering {
    match (a.is_present(), b.is_present()) {
        (true, true) => present(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => Ordering::Equal,
    }
}

/// The reverse, but null is last here too.
pub(super) fn directed(a: &Value, b: &Value, descending: bool) -> Ordering {
    if descending && a.is_present() && b.is_present() { present(b, a) } else { ascending(a, b) }
}

fn present(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Time(a), Value::Time(b)) => return a.cmp(b),
        (Value::Level(a), Value::Level(b)) => return a.cmp(b),
        (Value::Number(a), Value::Number(b)) => return a.total_cmp(b),
        _ => {}
    }
    let by_text =
        || a.to_text().unwrap_or_default().as_bytes().cmp(b.to_text().unwrap_or_default().as_bytes());
    match (a.to_number(), b.to_number()) {
        (Some(a), Some(b)) => a.total_cmp(&b).then_with(by_text),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => by_text(),
    }
}

/// Texts in value order.
pub(super) fn texts(a: &str, b: &str) -> Ordering {
    present(&Value::text(a.to_owned()), &Value::text(b.to_owned()))
}

/// Appends what tells a value from every other.
pub(super) fn encode(value: &Value, out: &mut Vec<u8>) {
    let (tag, text) = match value {
        Value::Null => return out.push(0),
        Value::Time(ns) => {
            out.push(1);
            return out.extend_from_slice(&ns.to_le_bytes());
        }
        Value::Level(level) => return out.extend_from_slice(&[2, *level as u8]),
        Value::Number(number) => (3, std::borrow::Cow::Owned(number_text(*number))),
        Value::Json(json) if json.is_number() => (3, value.to_text().unwrap_or_default()),
        Value::Bool(_) => (4, value.to_text().unwrap_or_default()),
        _ => (5, value.to_text().unwrap_or_default()),
    };
    out.push(tag);
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_before_texts_and_null_is_last_in_both_directions() {
        let text = |text: &str| Value::text(text.to_owned());
        let mut values = vec![Value::Null, text("b"), text("10"), Value::Number(9.0), text("a")];
        values.sort_by(ascending);
        assert_eq!(values, [Value::Number(9.0), text("10"), text("a"), text("b"), Value::Null]);
        values.sort_by(|a, b| directed(a, b, true));
        assert_eq!(values, [text("b"), text("a"), text("10"), Value::Number(9.0), Value::Null]);
    }

    #[test]
    fn equal_numbers_are_one_key_and_a_text_is_another() {
        let key = |value: &Value| {
            let mut out = Vec::new();
            encode(value, &mut out);
            out
        };
        assert_eq!(key(&Value::Number(5.0)), key(&Value::owned(serde_json::json!(5))));
        assert_ne!(key(&Value::Number(5.0)), key(&Value::text("5")));
    }
}
