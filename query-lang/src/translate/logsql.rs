//! VictoriaLogs: words are case-sensitive there, `i()` makes them not; here they never are.

use super::condition::{Condition, Rules, read};
use super::cursor::{Cursor, is_word, split};
use super::{Draft, column, field, filter_field, text, value};
use crate::quote;

pub(super) fn translate(source: &str) -> Option<Draft> {
    let mut draft = Draft::default();
    let stages = split(source, '|');
    let (filter, rest) = stages.split_first()?;
    if *filter != "*" {
        draft.condition(condition(filter)?);
    }
    for source in rest {
        stage(source, &mut draft)?;
    }
    draft.note("words ignore letter case here");
    Some(draft)
}

fn condition(source: &str) -> Option<String> {
    let rules = Rules { or_first: false, implied_and: true, signs: true, leaf: &leaf };
    Some(read(source, &rules)?.text())
}

fn leaf(cursor: &mut Cursor<'_>) -> Option<Condition> {
    if cursor.rest.starts_with("i(") {
        cursor.eat("i");
        return words(cursor.bracketed()?).map(Condition::Leaf);
    }
    if cursor.eat("~") {
        return cursor
            .quoted()
            .map(|pattern| Condition::leaf(format!("message=~{}", quote::string(&pattern))));
    }
    let start = *cursor;
    let name = cursor.quoted().or_else(|| cursor.name().map(str::to_owned));
    match name {
        Some(name) if cursor.eat(":") => behind_field(&name, cursor).map(Condition::Leaf),
        _ => {
            *cursor = start;
            let phrase = cursor.quoted();
            let found = match phrase {
                Some(phrase) => text(&phrase),
                None => text(cursor.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"'))?),
            };
            Some(Condition::Leaf(found))
        }
    }
}

/// What stands in `i(…)`: a word, a phrase, or the start of a word.
fn words(inside: &str) -> Option<String> {
    let mut cursor = Cursor::new(inside.trim());
    Some(match cursor.quoted() {
        Some(phrase) => text(&phrase),
        None => text(inside.trim()),
    })
}

fn behind_field(name: &str, cursor: &mut Cursor<'_>) -> Option<String> {
    let plain = filter_field(name);
    if field(name) == "timestamp" {
        let value = cursor.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')'))?;
        return Some(format!("timestamp:{value}"));
    }
    for (call, inclusive) in [("range[", true), ("range(", false)] {
        if cursor.rest.starts_with(call) {
            let close = if inclusive { ']' } else { ')' };
            let length = cursor.rest.find(close)?;
            let (low, high) = cursor.rest[call.len()..length].split_once(',')?;
            cursor.rest = &cursor.rest[length + 1..];
            let (open, close) = if inclusive { ('[', ']') } else { ('{', '}') };
            return Some(format!("{plain}:{open}{} TO {}{close}", low.trim(), high.trim()));
        }
    }
    if cursor.rest.starts_with("in(") {
        cursor.eat("in");
        return in_list(name, cursor.bracketed()?);
    }
    if cursor.rest.starts_with("ipv4_range(") {
        cursor.eat("ipv4_range");
        let network = Cursor::new(cursor.bracketed()?.trim()).quoted()?;
        return Some(format!("cidr({plain}, {network})"));
    }
    if cursor.eat("~") {
        return Some(format!("{plain}=~{}", quote::string(&cursor.quoted()?)));
    }
    if cursor.eat("*") {
        return Some(format!("{plain}:*"));
    }
    let operator = cursor.eat_one(&[">=", "<=", ">", "<", "="]).unwrap_or("");
    let quoted = cursor.peek().is_some_and(|c| c == '"');
    let right = match cursor.quoted() {
        Some(text) => text,
        None => cursor.run(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"'))?.to_owned(),
    };
    Some(match operator {
        "" if quoted && right.is_empty() => format!("-{plain}:*"),
        "" if plain == "message" => text(&right),
        "" if right.contains('*') => return None,
        "" => format!("phrase({plain}, {})", quote::string(&right)),
        "=" if plain == "level" => format!("level:{}", value(&right, false)),
        "=" => format!("{plain}={}", value(&right, false)),
        operator => format!("{plain}{operator}{}", value(&right, false)),
    })
}

fn in_list(name: &str, inside: &str) -> Option<String> {
    let plain = filter_field(name);
    if inside.contains('|') {
        let stages = split(inside, '|');
        let [filter, last] = stages.as_slice() else { return None };
        let key = last.strip_prefix("fields ")?;
        return Some(format!("{plain} in {{{} | fields {}}}", condition(filter)?, column(key.trim())));
    }
    let items: Vec<String> =
        split(inside, ',').into_iter().map(|item| value(item.trim_matches('"'), false)).collect();
    Some(format!("{plain} in ({})", items.join(", ")))
}

fn stage(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source.trim());
    let name = cursor.ident()?;
    let arguments = cursor.rest.trim();
    let made = match name {
        "filter" | "where" => {
            draft.condition(condition(arguments)?);
            return Some(());
        }
        "stats" => return stats(arguments, draft),
        "sort" | "order" => return sort(arguments, draft),
        "top" => {
            let mut cursor = Cursor::new(arguments);
            let count = cursor.run(|c| c.is_ascii_digit()).unwrap_or("10").to_owned();
            cursor.eat_word("by");
            let keys = keys(cursor.bracketed()?)?;
            match keys.as_slice() {
                [key] if key == "message" => format!("top {count} message"),
                keys => format!("top {count} {}", keys.join(", ")),
            }
        }
        "fields" | "keep" => format!("fields {}", columns(arguments)?),
        "delete" | "del" | "drop" | "rm" => format!("drop {}", columns(arguments)?),
        "limit" | "head" => format!("limit {arguments}"),
        "offset" | "skip" => format!("offset {arguments}"),
        "unpack_json" => "unpack json".to_owned(),
        "unpack_logfmt" => "unpack logfmt".to_owned(),
        "extract" => format!("parse {}", quote::string(&Cursor::new(arguments).quoted()?)),
        "extract_regexp" => format!("extract {}", quote::string(&Cursor::new(arguments).quoted()?)),
        "uniq" => {
            let mut cursor = Cursor::new(arguments);
            cursor.eat_word("by");
            format!("uniq {}", keys(cursor.bracketed()?)?.join(", "))
        }
        "facets" => "facets".to_owned(),
        "stream_context" => {
            let words: Vec<&str> = arguments.split_whitespace().collect();
            let options: Vec<String> = words
                .chunks(2)
                .filter_map(|pair| Some(format!("{}={}", pair.first()?, pair.get(1)?)))
                .collect();
            draft.note("neighbours are those of the same source and host");
            format!("context {} by source, host", options.join(" "))
        }
        "math" => {
            let (expression, name) = arguments.rsplit_once(" as ")?;
            format!("eval {} = {expression}", quote::column(name.trim()))
        }
        "last" => {
            let mut cursor = Cursor::new(arguments);
            let count = cursor.run(|c| c.is_ascii_digit())?;
            let (order, partition) = cursor.rest.split_once("partition by")?;
            if order.trim() != "by (_time)" {
                return None;
            }
            format!("dedup {count} {}", keys(Cursor::new(partition.trim()).bracketed()?)?.join(", "))
        }
        "collapse_nums" => {
            draft.note("messages are grouped by their shape, numbers, times and ids left open");
            "patterns".to_owned()
        }
        "join" => return join(arguments, draft),
        _ => return None,
    };
    let after_patterns = draft.stages.last().is_some_and(|stage| stage == "patterns")
        && made.starts_with("top ")
        && made.ends_with(" message");
    draft.stages.push(if after_patterns { "limit 10".to_owned() } else { made });
    Some(())
}

fn keys(inside: &str) -> Option<Vec<String>> {
    let key = |key: &str| match key.split_once(':') {
        Some((name, width)) if field(name) == "timestamp" => Some(format!("bin({})", width.trim())),
        Some((name, width)) => Some(format!("bin({}, {})", column(name), width.trim())),
        None => key.chars().all(|c| is_word(c) || c == '.').then(|| column(key)),
    };
    split(inside, ',').into_iter().filter(|name| !name.is_empty()).map(key).collect()
}

fn columns(source: &str) -> Option<String> {
    let columns: Option<Vec<String>> = split(source, ',')
        .into_iter()
        .map(|name| name.chars().all(|c| is_word(c) || c == '.').then(|| column(name)))
        .collect();
    Some(columns?.join(", "))
}

/// `by (a, _time:5m) count() n, quantile(0.95, d) p95`
fn stats(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source);
    let mut by = Vec::new();
    if cursor.eat_word("by") {
        by = keys(cursor.bracketed()?)?;
    }
    let figures: Option<Vec<String>> = split(cursor.rest.trim(), ',').into_iter().map(figure).collect();
    let figures = figures?;
    let histogram = figures.first().filter(|figure| figure.starts_with("histogram")).cloned();
    if let Some(histogram) = histogram {
        draft.note("buckets are equally wide here: set step= as you need it");
        draft.stages.push(histogram);
        return (figures.len() == 1 && by.is_empty()).then_some(());
    }
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    draft.stages.push(format!("stats {}{by}", figures.join(", ")));
    Some(())
}

fn figure(source: &str) -> Option<String> {
    let mut cursor = Cursor::new(source);
    let function = cursor.ident()?;
    let arguments = split(cursor.bracketed()?, ',');
    let first = arguments.first().copied().unwrap_or_default();
    let mut made = match (function, arguments.len()) {
        ("count", 1) if first.is_empty() => "count()".to_owned(),
        ("count_uniq", 1) => format!("dcount({})", column(first)),
        ("quantile", 2) => {
            let rank = first.parse::<f64>().ok()? * 100.0;
            format!(
                "percentile({}, {})",
                column(arguments[1]),
                crate::literal::canonical((rank * 1e6).round() / 1e6)
            )
        }
        ("histogram", 1) => return Some(format!("histogram {} bins=20", column(first))),
        ("sum" | "avg" | "min" | "max" | "median", 1) => format!("{function}({})", column(first)),
        ("uniq_values", 1) => format!("values({})", column(first)),
        _ => return None,
    };
    if cursor.eat_word("if") {
        let inside = condition(cursor.bracketed()?)?;
        crate::parse(&format!("| where {inside}")).ok()?;
        made.push_str(&format!(" where {inside}"));
    }
    cursor.eat_word("as");
    cursor.blanks();
    if let Some(name) = cursor.name() {
        made.push_str(&format!(" as {}", quote::column(name)));
    }
    cursor.is_done().then_some(made)
}

/// `by (n desc, a)`, then perhaps `limit 10`.
fn sort(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source);
    cursor.eat_word("by");
    cursor.blanks();
    let inside = cursor.bracketed()?;
    let descending = cursor.eat_word("desc");
    let key = |key: &str| {
        let (name, down) = match key.split_once(' ') {
            Some((name, word)) => (name, word.trim() == "desc"),
            None => (key, false),
        };
        format!("{}{}", if down != descending { "-" } else { "" }, column(name))
    };
    draft
        .stages
        .push(format!("sort {}", split(inside, ',').into_iter().map(key).collect::<Vec<_>>().join(", ")));
    if cursor.eat_word("limit") {
        draft.stages.push(format!("limit {}", cursor.run(|c| c.is_ascii_digit())?));
    }
    cursor.is_done().then_some(())
}

/// `by (trace_id) (service:=db | fields trace_id, _msg)`
fn join(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source);
    if !cursor.eat_word("by") {
        return None;
    }
    let keys = keys(cursor.bracketed()?)?.join(", ");
    cursor.blanks();
    let stages = split(cursor.bracketed()?, '|');
    let [filter, fields] = stages.as_slice() else { return None };
    let fields = columns(fields.strip_prefix("fields ")?)?.replace("message", "message as joined_message");
    let kind = if cursor.eat_word("inner") { " kind=inner" } else { "" };
    draft.stages.push(format!("join{kind} {{ {} | fields {fields} }} on {keys}", condition(filter)?));
    cursor.is_done().then_some(())
}
