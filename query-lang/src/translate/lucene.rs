//! Lucene as OpenSearch and Datadog have it, and Kibana's query language, which differs in blanks and regular
//! expressions.

use super::condition::{Condition, Rules, read};
use super::cursor::Cursor;
use super::{Draft, filter_field, text, value};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Lucene,
    Kibana,
}

pub(super) fn translate(source: &str, dialect: Dialect) -> Option<Draft> {
    if source.contains(['|', '▸']) {
        return None; // what is done with the matches stands outside of these languages
    }
    let leaf = |cursor: &mut Cursor<'_>| leaf(cursor, dialect);
    let rules = Rules {
        or_first: false,
        implied_and: dialect == Dialect::Lucene,
        signs: dialect == Dialect::Lucene,
        leaf: &leaf,
    };
    let condition = read(source, &rules)?;
    let mut draft = Draft::default();
    draft.condition(condition.text());
    if source.contains("status:") && dialect == Dialect::Lucene {
        draft.note("status with a level's name is the field level here");
    }
    if source.contains("service:") {
        draft.note("the service of an event is its source here");
    }
    Some(draft)
}

fn leaf(cursor: &mut Cursor<'_>, dialect: Dialect) -> Option<Condition> {
    if cursor.rest.starts_with("CIDR(") {
        cursor.eat("CIDR");
        let inside = cursor.bracketed()?;
        let (field, networks) = inside.split_once(',')?;
        return Some(Condition::leaf(format!("cidr({}, {})", filter_field(field.trim()), networks.trim())));
    }
    if let Some(phrase) = cursor.quoted() {
        return Some(Condition::leaf(text(&phrase)));
    }
    let start = *cursor;
    if let Some(name) = field_name(cursor) {
        if dialect == Dialect::Kibana {
            cursor.blanks();
        }
        if cursor.eat(":") {
            if dialect == Dialect::Kibana {
                cursor.blanks();
            }
            return behind_field(cursor, &name, dialect);
        }
        if dialect == Dialect::Kibana
            && let Some(operator) = cursor.eat_one(&[">=", "<=", ">", "<"])
        {
            cursor.blanks();
            return Some(Condition::leaf(format!(
                "{}{operator}{}",
                filter_field(&name),
                value(&bare(cursor)?, false)
            )));
        }
    }
    *cursor = start;
    let word = bare(cursor)?;
    Some(Condition::leaf(text(&word)))
}

/// `@http.status_code`, `k8s.io\/name`.
fn field_name(cursor: &mut Cursor<'_>) -> Option<String> {
    let name =
        cursor.run(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '-' | '/' | '\\' | '$' | '*'))?;
    Some(name.to_owned())
}

fn bare(cursor: &mut Cursor<'_>) -> Option<String> {
    let word = cursor.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '[' | ']' | '{' | '}'))?;
    Some(word.replace("\\/", "/").replace("\\:", ":").replace("\\-", "-").replace("\\ ", " "))
}

fn behind_field(cursor: &mut Cursor<'_>, name: &str, dialect: Dialect) -> Option<Condition> {
    if name == "*" {
        let found = match cursor.quoted() {
            Some(phrase) => crate::quote::string(&phrase),
            None => value(&bare(cursor)?, true),
        };
        return Some(Condition::Leaf(format!("*:{found}")));
    }
    if name == "_exists_" {
        return Some(Condition::leaf(format!("{}:*", filter_field(&bare(cursor)?))));
    }
    match cursor.peek()? {
        '(' => {
            let inside = cursor.bracketed()?;
            let leaf = |cursor: &mut Cursor<'_>| one_value(cursor, name);
            let rules = Rules {
                or_first: false,
                implied_and: dialect == Dialect::Lucene,
                signs: dialect == Dialect::Lucene,
                leaf: &leaf,
            };
            read(inside, &rules)
        }
        _ => one_value(cursor, name),
    }
}

/// One value of a field, on its own or inside a group.
fn one_value(cursor: &mut Cursor<'_>, name: &str) -> Option<Condition> {
    let field = filter_field(name);
    match cursor.peek()? {
        '[' | '{' => {
            let open = cursor.peek()?;
            let length = cursor.rest.find([']', '}'])?;
            let inside = &cursor.rest[1..length];
            let close = cursor.rest[length..].chars().next()?;
            cursor.rest = &cursor.rest[length + 1..];
            let (low, high) = inside.split_once(" TO ")?;
            Some(Condition::leaf(format!("{field}:{open}{} TO {}{close}", low.trim(), high.trim())))
        }
        '/' => {
            let length = cursor.rest[1..].find('/')?;
            let pattern = format!("^(?:{})$", &cursor.rest[1..=length]);
            cursor.rest = &cursor.rest[length + 2..];
            Some(Condition::leaf(format!("{field}=~{}", crate::quote::string(&pattern))))
        }
        '"' => {
            let phrase = cursor.quoted()?;
            Some(Condition::leaf(format!("{field}:{}", value(&phrase, false))))
        }
        '>' | '<' => {
            let operator = cursor.eat_one(&[">=", "<=", ">", "<"])?;
            Some(Condition::leaf(format!("{field}{operator}{}", value(&bare(cursor)?, false))))
        }
        _ => {
            let word = bare(cursor)?;
            Some(Condition::leaf(equals(name, &field, &word)))
        }
    }
}

/// `status:error` is a level in Datadog, `status:500` a number anywhere.
fn equals(name: &str, field: &str, word: &str) -> String {
    match crate::ast::Level::from_name(word) {
        Some(level) if name == "status" || field == "level" => format!("level:{}", level.name()),
        _ => format!("{field}:{}", value(word, true)),
    }
}
