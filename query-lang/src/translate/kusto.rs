//! Kusto (Azure Data Explorer, Sentinel): a table, then operators behind `|`.

use super::condition::{Condition, Rules, read};
use super::cursor::{Cursor, is_word, split};
use super::{Draft, column, field, filter_field, text};
use crate::quote;

pub(super) fn translate(source: &str) -> Option<Draft> {
    let mut draft = Draft::default();
    let stages = split(source, '|');
    let (first, rest) = stages.split_first()?;
    let is_table = first.chars().all(|c| is_word(c) || c == '…');
    if is_table {
        if !first.is_empty() && *first != "…" {
            draft.note(format!("the table {first} is left out: all logs of the project are searched"));
        }
    } else {
        stage(first, &mut draft)?;
    }
    for text in rest {
        stage(text, &mut draft)?;
    }
    Some(draft)
}

fn stage(source: &str, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(source.trim());
    let name = cursor.run(|c| is_word(c) || c == '-')?.to_ascii_lowercase();
    let arguments = cursor.rest.trim();
    match name.as_str() {
        "where" | "filter" => draft.condition(condition(arguments)?),
        "search" => draft.condition(format!("*:{}", text(&Cursor::new(arguments).quoted()?))),
        "count" if arguments.is_empty() => draft.stages.push("stats count()".to_owned()),
        "summarize" => summarize(arguments, draft)?,
        "top" => {
            let mut cursor = Cursor::new(arguments);
            let count = cursor.run(|c| c.is_ascii_digit())?;
            if !cursor.eat_word("by") {
                return None;
            }
            draft.stages.push(format!("sort {}", order(cursor.rest)?));
            draft.stages.push(format!("limit {count}"));
        }
        "order" | "sort" => {
            let mut cursor = Cursor::new(arguments);
            if !cursor.eat_word("by") {
                return None;
            }
            draft.stages.push(format!("sort {}", order(cursor.rest)?));
        }
        "take" | "limit" => draft.stages.push(format!("limit {arguments}")),
        "project" => draft.stages.push(format!("fields {}", columns(arguments)?)),
        "project-away" => draft.stages.push(format!("drop {}", columns(arguments)?)),
        "distinct" => draft.stages.push(format!("uniq {}", columns(arguments)?)),
        "facet" => {
            let mut cursor = Cursor::new(arguments);
            cursor.eat_word("by");
            draft.stages.push(format!("facets {}", columns(cursor.rest)?));
        }
        "reduce" => draft.stages.push("patterns".to_owned()),
        "extend" => extend(arguments, draft)?,
        "parse-kv" => draft.stages.push("unpack logfmt".to_owned()),
        "parse" => draft.stages.push(parse_with(arguments)?),
        "render" => draft.note("how the result is drawn is chosen in the view"),
        _ => return None,
    }
    Some(())
}

fn condition(source: &str) -> Option<String> {
    let rules = Rules { or_first: false, implied_and: false, signs: false, leaf: &leaf };
    Some(read(source, &rules)?.text())
}

/// `Status >= 500`, `Msg has 'x'`, `isnotempty(F)`.
fn leaf(cursor: &mut Cursor<'_>) -> Option<Condition> {
    let start = *cursor;
    let name = column_name(cursor)?;
    if cursor.peek() == Some('(') {
        return function(&name, cursor.bracketed()?).map(Condition::Leaf);
    }
    let name = if name == "tostring" { start.rest.to_owned() } else { name };
    cursor.blanks();
    let plain = filter_field(&name);
    let operator = cursor.eat_one(&["==", "=~", "!=", "!~", ">=", "<=", ">", "<"]).or_else(|| {
        [
            "!has",
            "!contains",
            "!startswith",
            "hasprefix",
            "has",
            "contains_cs",
            "contains",
            "startswith",
            "endswith",
            "matches regex",
            "between",
            "!in",
            "in~",
            "in",
        ]
        .into_iter()
        .find(|word| cursor.eat(word))
    })?;
    cursor.blanks();
    let made = match operator {
        "==" | "!=" => {
            let not = if operator == "!=" { "!" } else { "" };
            format!("{plain}{not}={}", operand(cursor)?)
        }
        "=~" | "!~" => negated(operator == "!~", &format!("{plain}:{}", operand(cursor)?)),
        ">=" if plain == "level" => format!("level>={}", severity(&operand(cursor)?)?),
        ">=" | "<=" | ">" | "<" => format!("{plain}{operator}{}", operand(cursor)?),
        "has" | "!has" => {
            let word = string(cursor)?;
            let found = if plain == "message" {
                text(&word)
            } else {
                format!("phrase({plain}, {})", quote::string(&word))
            };
            negated(operator.starts_with('!'), &found)
        }
        "hasprefix" => {
            let word = string(cursor)?;
            if plain != "message" || !word.chars().all(is_word) {
                return None;
            }
            format!("{word}*")
        }
        "contains" | "!contains" => {
            let word = string(cursor)?;
            let plain_word = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/'));
            let pattern = match plain_word {
                true if plain == "message" => format!("*{word}*"),
                true => format!("{plain}:*{word}*"),
                false => format!("{plain}=~{}", quote::string(&format!("(?i){}", regex::escape(&word)))),
            };
            negated(operator.starts_with('!'), &pattern)
        }
        "contains_cs" => format!("contains({plain}, {})", quote::string(&string(cursor)?)),
        "startswith" | "!startswith" | "endswith" => {
            let word = regex::escape(&string(cursor)?);
            let pattern =
                if operator == "endswith" { format!("(?i){word}$") } else { format!("(?i)^{word}") };
            negated(operator.starts_with('!'), &format!("{plain}=~{}", quote::string(&pattern)))
        }
        "matches regex" => format!("{plain}=~{}", quote::string(&string(cursor)?)),
        "between" => {
            let (low, high) = cursor.bracketed()?.split_once("..")?;
            format!(
                "{plain}:[{} TO {}]",
                operand(&mut Cursor::new(low.trim()))?,
                operand(&mut Cursor::new(high.trim()))?
            )
        }
        _ => {
            let items: Option<Vec<String>> = split(cursor.bracketed()?, ',')
                .into_iter()
                .map(|item| operand(&mut Cursor::new(item)))
                .collect();
            let not = if operator == "!in" { "not " } else { "" };
            match operator {
                "in~" => format!("{plain}:({})", items?.join(" OR ")),
                _ => format!("{plain} {not}in ({})", items?.join(", ")),
            }
        }
    };
    Some(Condition::Leaf(made))
}

/// The level that OpenTelemetry's severity number is the lowest of, or a level by name.
fn severity(number: &str) -> Option<&str> {
    Some(match number {
        "1" => "trace",
        "5" => "debug",
        "9" => "info",
        "13" => "warn",
        "17" => "error",
        "21" => "fatal",
        name => crate::ast::Level::from_name(name)?.name(),
    })
}

fn negated(not: bool, text: &str) -> String {
    if not { format!("NOT ({text})") } else { text.to_owned() }
}

/// `Status`, `j.status`, `Attr['a/b']`.
fn column_name(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut name = cursor.run(|c| is_word(c) || c == '.')?.to_owned();
    if matches!(name.as_str(), "tostring" | "toint" | "tolong" | "todouble" | "toreal")
        && cursor.peek() == Some('(')
    {
        return column_name(&mut Cursor::new(cursor.bracketed()?.trim()));
    }
    if cursor.peek() == Some('[') {
        let inside = cursor.bracketed()?;
        name = Cursor::new(inside.trim()).quoted()?;
    }
    // what parse_json() made is unpacked under its own names here
    Some(name.strip_prefix("j.").map_or(name.clone(), str::to_owned))
}

fn function(name: &str, inside: &str) -> Option<String> {
    let arguments = split(inside, ',');
    let first = filter_field(&column_name(&mut Cursor::new(arguments.first()?))?);
    match name.to_ascii_lowercase().as_str() {
        "isnotempty" | "isnotnull" => Some(format!("{first}:*")),
        "isempty" | "isnull" => Some(format!("-{first}:*")),
        "ipv4_is_in_range" | "ipv6_is_in_range" => {
            let network = Cursor::new(arguments.get(1)?).quoted()?;
            Some(format!("cidr({first}, {network})"))
        }
        _ => None,
    }
}

fn string(cursor: &mut Cursor<'_>) -> Option<String> {
    if cursor.eat("@") {
        let quote = cursor.peek().filter(|c| matches!(c, '"' | '\''))?;
        let length = cursor.rest[1..].find(quote)?;
        let text = cursor.rest[1..=length].to_owned();
        cursor.rest = &cursor.rest[length + 2..];
        return Some(text);
    }
    cursor.quoted()
}

/// A value: text, number, time.
fn operand(cursor: &mut Cursor<'_>) -> Option<String> {
    if let Some(text) = string(cursor) {
        return Some(quote::value(&text));
    }
    let word = cursor.run(|c| is_word(c) || matches!(c, '.' | '-'))?.trim_end_matches('.');
    match (word, cursor.peek()) {
        ("ago", Some('(')) => Some(format!("now-{}", cursor.bracketed()?.trim())),
        ("now", Some('(')) => cursor.bracketed().map(|_| "now".to_owned()),
        ("datetime", Some('(')) => Some(quote::value(cursor.bracketed()?.trim())),
        (word, _) if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => Some(word.to_owned()),
        ("true" | "false", _) => Some(word.to_owned()),
        _ => None, // comparing two columns needs an expression
    }
}

fn summarize(source: &str, draft: &mut Draft) -> Option<()> {
    let (figures, keys) = match source.find(" by ") {
        Some(at) => (&source[..at], &source[at + 4..]),
        None => (source, ""),
    };
    let newest = figures.replace(' ', "").eq_ignore_ascii_case("arg_max(timestamp,*)");
    if newest {
        draft.stages.push(format!("dedup {}", columns(keys)?));
        return Some(());
    }
    let figures: Option<Vec<String>> = split(figures, ',').into_iter().map(figure).collect();
    let keys: Option<Vec<String>> =
        split(keys, ',').into_iter().filter(|key| !key.is_empty()).map(key).collect();
    let (figures, keys) = (figures?, keys?);
    let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
    draft.stages.push(format!("stats {}{by}", figures.join(", ")));
    Some(())
}

/// `n=count()`, `countif(Level=='error')`, `percentile(D, 95)`.
fn figure(source: &str) -> Option<String> {
    let (name, call) = match source.split_once('=') {
        Some((name, call)) if name.trim().chars().all(is_word) && !call.starts_with('=') => {
            (Some(name.trim()), call.trim())
        }
        _ => (None, source),
    };
    let mut cursor = Cursor::new(call);
    let function = cursor.ident()?.to_ascii_lowercase();
    let arguments = split(cursor.bracketed()?, ',');
    let first = arguments.first().copied().unwrap_or_default();
    let made = match (function.as_str(), arguments.len()) {
        ("count", 1) if first.is_empty() => "count()".to_owned(),
        ("countif", 1) => format!("count() where {}", condition(first)?),
        ("dcount" | "count_distinct", _) => format!("dcount({})", column(first)),
        ("percentile", 2) => format!("p{}({})", arguments[1].parse::<u8>().ok()?, column(first)),
        ("sum" | "avg" | "min" | "max" | "variance", 1) => format!("{function}({})", column(first)),
        ("stdev", 1) => format!("stddev({})", column(first)),
        ("make_set", _) => format!("values({})", column(first)),
        ("make_list", _) => format!("list({})", column(first)),
        _ => return None,
    };
    Some(match name {
        Some(name) => format!("{made} as {}", quote::column(name)),
        None => made,
    })
}

fn key(source: &str) -> Option<String> {
    let source = source.split_once('=').map_or(source, |(_, value)| value.trim());
    if let Some(inside) = source.strip_prefix("bin(").and_then(|rest| rest.strip_suffix(')')) {
        let (name, width) = inside.split_once(',')?;
        let (name, width) = (field(name.trim()), width.trim());
        return Some(if name == "timestamp" {
            format!("bin({width})")
        } else {
            format!("bin({}, {width})", quote::column(&name))
        });
    }
    source.chars().all(|c| is_word(c) || c == '.').then(|| column(source))
}

/// Descending unless it says otherwise.
fn order(source: &str) -> Option<String> {
    let key = |key: &str| {
        let (name, ascending) = match key.split_once(char::is_whitespace) {
            Some((name, word)) => (name, word.trim().starts_with("asc")),
            None => (key, false),
        };
        name.chars()
            .all(|c| is_word(c) || c == '.')
            .then(|| format!("{}{}", if ascending { "" } else { "-" }, column(name)))
    };
    let keys: Option<Vec<String>> = split(source, ',').into_iter().map(key).collect();
    Some(keys?.join(", "))
}

fn columns(source: &str) -> Option<String> {
    let each = |item: &str| match item.split_once('=') {
        Some((new, old)) => Some(format!("{} as {}", column(old.trim()), quote::column(new.trim()))),
        None => item.chars().all(|c| is_word(c) || c == '.').then(|| column(item)),
    };
    let columns: Option<Vec<String>> = split(source, ',').into_iter().map(each).collect();
    Some(columns?.join(", "))
}

/// `extend x = a / b`; `extend j = parse_json(Msg)` is unpacking.
fn extend(source: &str, draft: &mut Draft) -> Option<()> {
    let (name, expression) = source.split_once('=')?;
    let expression = expression.trim();
    if let Some(inside) =
        expression.strip_prefix("parse_json(").or_else(|| expression.strip_prefix("todynamic("))
    {
        let from = column(inside.trim_end_matches(')').trim());
        draft.stages.push(if from == "message" {
            "unpack json".to_owned()
        } else {
            format!("unpack json {from}")
        });
        return Some(());
    }
    let stage = format!("eval {} = {}", quote::column(name.trim()), expression.replace('\'', "\""));
    crate::parse(&format!("| {stage}")).ok()?;
    draft.stages.push(stage);
    Some(())
}

/// `parse Msg with * 'user=' user ' from ' ip`
fn parse_with(source: &str) -> Option<String> {
    let mut cursor = Cursor::new(source);
    let from = column(cursor.run(|c| is_word(c) || c == '.')?);
    if !cursor.eat_word("with") {
        return None;
    }
    let mut pattern = String::new();
    while !cursor.is_done() {
        cursor.blanks();
        if cursor.eat("*") {
            continue;
        }
        match cursor.quoted() {
            Some(text) => pattern.push_str(&text),
            None => {
                let name = cursor.run(is_word)?;
                pattern.push_str(&format!("<{name}>"));
                if cursor.eat(":") {
                    cursor.run(is_word)?;
                }
            }
        }
    }
    let from = if from == "message" { String::new() } else { format!("{from} ") };
    Some(format!("parse {from}{}", quote::string(&pattern)))
}
