//! Splunk: search terms first, then commands. OR binds tighter than AND there, and `f!=v` wants the field present.

use super::condition::{Condition, Rules, read};
use super::cursor::{Cursor, is_word, split};
use super::{Draft, field, filter_field, spl_stages, text, value};

pub(super) fn translate(source: &str) -> Option<Draft> {
    let mut draft = Draft::default();
    let stages = split(source, '|');
    let (search, rest) = stages.split_first()?;
    let search = without_bookkeeping(search, &mut draft);
    draft.condition(condition(&search)?);
    spl_stages::stages(rest, &mut draft)?;
    Some(draft)
}

/// Takes `search`, `index=…` away; they choose where to look, which the project does here.
fn without_bookkeeping(source: &str, draft: &mut Draft) -> String {
    let mut kept = Vec::new();
    for word in split(source, ' ') {
        if word.to_ascii_lowercase().starts_with("index=") {
            draft.note("index= is left out: all logs of the project are searched");
        } else if !(word == "search" && kept.is_empty()) {
            kept.push(word);
        }
    }
    kept.join(" ")
}

/// Search terms, in the filter and behind `| search`.
pub(super) fn condition(source: &str) -> Option<String> {
    let rules = Rules { or_first: true, implied_and: true, signs: false, leaf: &leaf };
    Some(read(source, &rules)?.text())
}

fn leaf(cursor: &mut Cursor<'_>) -> Option<Condition> {
    if cursor.peek() == Some('[') {
        return subsearch(cursor.bracketed()?).map(Condition::Leaf);
    }
    let start = *cursor;
    let name = cursor.quoted().or_else(|| cursor.name().map(str::to_owned));
    if let Some(name) = name {
        if let Some(operator) = cursor.eat_one(&["!=", ">=", "<=", "=", ">", "<"]) {
            return compared(&name, operator, cursor);
        }
        if cursor.eat_word("in") {
            let items: Vec<String> = split(cursor.bracketed()?, ',')
                .into_iter()
                .map(|item| value(item.trim_matches('"'), true))
                .collect();
            let plain = filter_field(&name);
            return Some(Condition::Leaf(match items.iter().any(|item| item.contains(['*', '?'])) {
                true => format!("{plain}:({})", items.join(" OR ")),
                false => format!("{plain} in ({})", items.join(", ")),
            }));
        }
    }
    *cursor = start;
    if let Some(phrase) = cursor.quoted() {
        return Some(Condition::leaf(text(&phrase)));
    }
    let word = cursor.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '[' | ']' | '='))?;
    Some(Condition::leaf(text(word)))
}

fn compared(name: &str, operator: &str, cursor: &mut Cursor<'_>) -> Option<Condition> {
    let right = match cursor.quoted() {
        Some(text) => text,
        None => cursor.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '[' | ']'))?.to_owned(),
    };
    if matches!(name, "earliest" | "latest") {
        let operator = if name == "earliest" { ">=" } else { "<" };
        let time =
            if right.starts_with(['-', '+']) { format!("now{}", right.replace('@', "/")) } else { right };
        return Some(Condition::leaf(format!("timestamp{operator}{}", time.trim_end_matches("now/"))));
    }
    let plain = filter_field(name);
    Some(Condition::Leaf(match operator {
        "=" => format!("{plain}:{}", value(&right, true)),
        "!=" => format!("{plain}:* AND NOT ({plain}:{})", value(&right, true)),
        _ => format!("{plain}{operator}{}", value(&right, false)),
    }))
}

/// `[search … | fields user_id]`: the field's values.
fn subsearch(source: &str) -> Option<String> {
    let inner = source.trim().strip_prefix("search ")?;
    let stages = split(inner, '|');
    let name = stages.last()?.strip_prefix("fields ")?.trim().trim_start_matches("+ ");
    if !name.chars().all(|c| is_word(c) || c == '.')
        || stages[1..stages.len() - 1].iter().any(|stage| !stage.starts_with("dedup "))
    {
        return None;
    }
    let filter = condition(stages.first()?)?;
    let name = field(name);
    Some(format!(
        "{} in {{{filter} | fields {}}}",
        crate::quote::filter_field(&name),
        crate::quote::column(&name)
    ))
}
