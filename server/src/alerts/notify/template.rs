//! Bodies that users write: JSON with `{{placeholders}}` in its texts.
//!
//! A text that is one placeholder becomes what it names, with its type; within a longer text it becomes text. As the body is JSON
//! before and after, nothing that was logged can break out of its place.

use super::{Links, payload};
use crate::alerts::notice;
use serde_json::Value;
use uuid::Uuid;

/// A body with every placeholder replaced by what it names in `payload`; by nothing where that is not there this time.
#[must_use]
pub fn fill(body: &Value, payload: &Value) -> Value {
    match body {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), fill(value, payload))).collect()
        }
        Value::Array(items) => items.iter().map(|item| fill(item, payload)).collect(),
        Value::String(text) => fill_text(text, payload),
        other => other.clone(),
    }
}

fn fill_text(text: &str, payload: &Value) -> Value {
    let pieces = pieces(text);
    if let [Piece::Placeholder(name)] = pieces.as_slice() {
        return look_up(payload, name).cloned().unwrap_or(Value::Null);
    }
    let filled = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Placeholder(name) => match look_up(payload, name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        },
    });
    Value::String(filled.collect())
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Placeholder(name.trim()));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// `rule.name`, `samples.0.message`.
fn look_up<'a>(payload: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(payload, |value, part| match value {
        Value::Object(members) => members.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The first placeholder that no notification has.
#[must_use]
pub fn unknown_placeholder(body: &Value) -> Option<String> {
    let example = notice::example(0);
    let links = Links { lines: String::new(), rule: String::new(), runbook: None, mute: None };
    let payload = payload::of(Uuid::nil(), &example, &links);
    first_unknown(body, &payload)
}

fn first_unknown(body: &Value, payload: &Value) -> Option<String> {
    match body {
        Value::Object(members) => members.values().find_map(|value| first_unknown(value, payload)),
        Value::Array(items) => items.iter().find_map(|item| first_unknown(item, payload)),
        Value::String(text) => pieces(text).into_iter().find_map(|piece| match piece {
            Piece::Placeholder(name) if !is_known(name, payload) => Some(name.to_owned()),
            _ => None,
        }),
        _ => None,
    }
}

/// Labels have the names that their rule gives them, and a list may be longer than the example's.
fn is_known(name: &str, example: &Value) -> bool {
    let mut value = example;
    for part in name.split('.') {
        value = match value {
            Value::Object(members) => match members.get(part) {
                Some(value) => value,
                None => return name.starts_with("rule.labels."),
            },
            Value::Array(items) if part.parse::<usize>().is_ok() => match items.first() {
                Some(item) => item,
                None => return true,
            },
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn placeholders_keep_their_types_alone_and_are_text_within_text() {
        let payload = json!({
            "title": "Firing: \"a\"", "value": 12.5, "rule": {"name": "r", "labels": {"team": "shop"}},
            "samples": [{"message": "x\n\"}"}], "message": null,
        });
        for (body, expected) in [
            (json!({"v": "{{value}}"}), json!({"v": 12.5})),
            (json!({"v": "now {{ value }}!"}), json!({"v": "now 12.5!"})),
            (json!(["{{title}}", 1, true]), json!(["Firing: \"a\"", 1, true])),
            (json!({"l": "{{samples.0.message}}"}), json!({"l": "x\n\"}"})),
            (json!({"l": "{{samples.1.message}}-{{message}}"}), json!({"l": "-"})),
            (json!({"l": "{{samples.1}}"}), json!({"l": null})),
            (json!({"t": "{{rule.labels.team}}/{{rule.labels.other}}"}), json!({"t": "shop/"})),
            (json!({"t": "{{open"}), json!({"t": "{{open"})),
        ] {
            assert_eq!(fill(&body, &payload), expected, "{body}");
        }
    }

    #[test]
    fn a_placeholder_that_no_notification_has_is_found() {
        for known in [
            "{{title}}",
            "{{rule.labels.team}}",
            "{{samples.4.message}}",
            "{{links.mute}}",
            "{{other_groups.0.group}}",
        ] {
            assert_eq!(unknown_placeholder(&json!({"a": [known]})), None, "{known}");
        }
        for unknown in ["{{nothing}}", "{{title.x}}", "{{rule.nmae}}", "{{samples.first}}", "{{}}"] {
            assert!(unknown_placeholder(&json!({"a": [unknown]})).is_some(), "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn whatever_was_logged_the_shape_stays(message in ".*") {
            let body = json!({"a": "{{message}}", "b": {"c": "is {{message}}"}});
            let filled = fill(&body, &json!({"message": message}));
            prop_assert_eq!(filled, json!({"a": message, "b": {"c": format!("is {message}")}}));
        }
    }
}
