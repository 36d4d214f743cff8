//! Lines that are `key=value` pairs and nothing else.

use std::borrow::Cow;

use super::{Findings, MOST_FIELDS, bare_value};
use crate::value::Value;

/// Fewer pairs than this are a sentence with an equals sign.
const FEWEST: usize = 2;

pub(super) fn findings(line: &str, now_ns: i64) -> Option<Findings<'_>> {
    let pairs = pairs(line)?;
    let mut found = Findings::default();
    for (name, value) in pairs {
        if found.attributes.get(name).is_none() {
            found.member(Cow::Borrowed(name), value, now_ns);
        }
    }
    Some(found)
}

/// The pairs, if the line has no other words.
fn pairs(line: &str) -> Option<Vec<(&str, Value<'_>)>> {
    let mut rest = line.trim_ascii_end();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let name_length = rest.bytes().take_while(|byte| is_name(*byte)).count();
        let (name, tail) = rest.split_at(name_length);
        let value = tail.strip_prefix('=').filter(|_| !name.is_empty())?;
        let (value, tail) = match value.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => {
                let length = value.find([' ', '\t']).unwrap_or(value.len());
                (bare_value(&value[..length]), &value[length..])
            }
        };
        let is_glued = !tail.is_empty() && !tail.starts_with([' ', '\t']);
        if is_glued || pairs.len() == MOST_FIELDS {
            return None;
        }
        pairs.push((name, value));
        rest = tail.trim_ascii_start();
    }
    (pairs.len() >= FEWEST).then_some(pairs)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'@')
}

/// The value up to its closing quote, with backslash escapes.
fn quoted_value(text: &str) -> Option<(Value<'_>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text.as_bytes()[end] == b'"' {
        return Some((Value::string(&text[..end]), &text[end + 1..]));
    }
    let mut value = String::from(&text[..end]);
    let mut characters = text[end..].char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Some((Value::String(Cow::Owned(value)), &text[end + position + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}
