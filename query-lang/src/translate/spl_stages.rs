//! Splunk's commands behind `|`.

use super::cursor::{Cursor, is_word, split};
use super::spl::condition;
use super::{Draft, column};
use crate::quote;

/// Translates the commands in order. `bin` waits for the `stats` that uses it.
pub(super) fn stages(sources: &[&str], draft: &mut Draft) -> Option<()> {
    let mut bin: Option<(String, String)> = None;
    for source in sources {
        let mut cursor = Cursor::new(source.trim());
        let name = cursor.ident()?.to_ascii_lowercase();
        let arguments = cursor.rest.trim();
        match name.as_str() {
            "bin" | "bucket" => {
                let (options, rest) = options(arguments);
                bin = Some((rest.first()?.to_string(), option(&options, "span")?.to_owned()));
            }
            "stats" => stats(arguments, bin.take(), draft)?,
            "timechart" => timechart(arguments, draft)?,
            _ => stage(&name, arguments, draft)?,
        }
    }
    bin.is_none().then_some(())
}

fn stage(name: &str, arguments: &str, draft: &mut Draft) -> Option<()> {
    let (options, words) = options(arguments);
    let made = match name {
        "search" => {
            draft.condition(condition(arguments)?);
            return Some(());
        }
        "where" => where_condition(arguments)?,
        "regex" => {
            let (field, pattern) = arguments.split_once('=')?;
            format!(
                "search {}=~{}",
                super::filter_field(field.trim()),
                quote::string(&Cursor::new(pattern.trim()).quoted()?)
            )
        }
        "top" | "rare" => {
            let count = option(&options, "limit").unwrap_or("10");
            let (count, fields) = match words.split_first() {
                Some((first, rest)) if first.parse::<u32>().is_ok() => (*first, rest),
                _ => (count, words.as_slice()),
            };
            format!("{name} {count} {}", columns(fields)?)
        }
        "eval" => format!("eval {}", arguments.replace("==", "=")),
        "rex" => {
            let pattern = arguments.find('"').and_then(|at| Cursor::new(&arguments[at..]).quoted())?;
            let field = option(&options, "field").map(column).filter(|field| field != "message");
            let field = field.map(|field| format!("{field} ")).unwrap_or_default();
            format!("extract {field}{}", quote::string(&pattern.replace("(?<", "(?P<")))
        }
        "spath" => "unpack json".to_owned(),
        "extract" | "kv" => "unpack logfmt".to_owned(),
        "dedup" => match words.split_first() {
            Some((count, rest)) if count.parse::<u32>().is_ok() => {
                format!("dedup {count} {}", columns(rest)?)
            }
            _ => format!("dedup {}", columns(&words)?),
        },
        "sort" => format!("sort {}", sort_keys(arguments)?),
        "head" => format!("limit {}", words.first().copied().unwrap_or("10")),
        "table" => format!("fields {}", columns(&words)?),
        "fields" => match words.split_first() {
            Some((&"-", rest)) => format!("drop {}", columns(rest)?),
            Some((&"+", rest)) => format!("fields {}", columns(rest)?),
            _ => format!("fields {}", columns(&words)?),
        },
        "rename" => format!("rename {arguments}"),
        "fieldsummary" => format!("facets {}", columns(&words)?),
        "cluster" => {
            draft.note("events are grouped by the shape of their message, not by likeness");
            "patterns".to_owned()
        }
        "trendline" => trendline(&words)?,
        "join" => return join(arguments, draft),
        "append" => {
            let inner = Cursor::new(arguments).bracketed()?;
            format!("union {{ {} }}", condition(inner.trim().strip_prefix("search ")?)?)
        }
        _ => return None,
    };
    draft.stages.push(made);
    Some(())
}

/// `name=value` pairs, and the other words.
fn options(source: &str) -> (Vec<(&str, &str)>, Vec<&str>) {
    let words: Vec<&str> = split(source, ' ')
        .into_iter()
        .flat_map(|word| split(word, ','))
        .filter(|word| !word.is_empty())
        .collect();
    let (pairs, rest): (Vec<&str>, Vec<&str>) = words
        .into_iter()
        .partition(|word| word.split_once('=').is_some_and(|(name, _)| name.chars().all(is_word)));
    (pairs.into_iter().filter_map(|pair| pair.split_once('=')).collect(), rest)
}

fn option<'s>(options: &[(&'s str, &'s str)], name: &str) -> Option<&'s str> {
    options.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn columns(words: &[&str]) -> Option<String> {
    let each = |word: &&str| word.chars().all(|c| is_word(c) || c == '.').then(|| column(word));
    let columns: Option<Vec<String>> = words.iter().map(each).collect();
    columns.filter(|columns| !columns.is_empty()).map(|columns| columns.join(", "))
}

fn sort_keys(source: &str) -> Option<String> {
    let key = |key: &str| {
        let key = key.trim();
        let (minus, name) = match key.strip_prefix('-') {
            Some(name) => ("-", name.trim()),
            None => ("", key.trim_start_matches('+').trim()),
        };
        name.chars().all(|c| is_word(c) || c == '.').then(|| format!("{minus}{}", column(name)))
    };
    let keys: Option<Vec<String>> = split(source, ',').into_iter().map(key).collect();
    Some(keys?.join(", "))
}

/// Splits aggregates from the words behind `by`.
fn figures_and_keys(source: &str) -> (&str, Vec<&str>) {
    let lower = source.to_ascii_lowercase();
    match lower.find(" by ") {
        Some(at) => {
            let keys = source[at + 4..].split([' ', ',']).filter(|word| !word.is_empty());
            (&source[..at], keys.collect())
        }
        None => (source, Vec::new()),
    }
}

fn stats(source: &str, bin: Option<(String, String)>, draft: &mut Draft) -> Option<()> {
    let (figures, keys) = figures_and_keys(source);
    let figures = figures_of(figures)?;
    let key = |name: &&str| match &bin {
        Some((binned, width)) if binned == name => match column(name).as_str() {
            "timestamp" => Some(format!("bin({width})")),
            plain => Some(format!("bin({plain}, {width})")),
        },
        _ => name.chars().all(|c| is_word(c) || c == '.').then(|| column(name)),
    };
    let keys: Option<Vec<String>> = keys.iter().map(key).collect();
    let keys = keys?;
    if !keys.is_empty() {
        draft.note("rows without one of the fields are a group of their own here");
    }
    let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
    draft.stages.push(format!("stats {figures}{by}"));
    Some(())
}

fn timechart(source: &str, draft: &mut Draft) -> Option<()> {
    let (figures, keys) = figures_and_keys(source);
    let kept: Vec<&str> = split(figures, ' ')
        .into_iter()
        .filter(|word| !word.starts_with("span=") && !word.starts_with("limit="))
        .collect();
    let every = split(figures, ' ').into_iter().find_map(|word| word.strip_prefix("span="));
    let every = every.map(|every| format!(" every={every}")).unwrap_or_default();
    let by = if keys.is_empty() { String::new() } else { format!(" by {}", columns(&keys)?) };
    draft.stages.push(format!("timechart {}{by}{every}", figures_of(&kept.join(" "))?));
    Some(())
}

/// `count as n dc(user) as u`: aggregates side by side.
fn figures_of(source: &str) -> Option<String> {
    let mut cursor = Cursor::new(source.trim());
    let mut figures = Vec::new();
    while !cursor.is_done() {
        cursor.run(|c| c.is_whitespace() || c == ',');
        if cursor.is_done() {
            break;
        }
        let name = cursor.ident()?.to_ascii_lowercase();
        let inside = if cursor.peek() == Some('(') { cursor.bracketed()?.trim() } else { "" };
        let mut figure = figure(&name, inside)?;
        if cursor.eat_word("as") {
            let new = cursor.quoted().or_else(|| cursor.name().map(str::to_owned))?;
            figure.push_str(&format!(" as {}", quote::column(&new)));
        }
        figures.push(figure);
    }
    (!figures.is_empty()).then(|| figures.join(", "))
}

fn figure(name: &str, inside: &str) -> Option<String> {
    let function = match name {
        "c" | "count" => "count",
        "dc" | "distinct_count" | "estdc" => "dcount",
        "mean" => "avg",
        "stdev" => "stddev",
        "var" => "variance",
        "earliest" => "first",
        "latest" => "last",
        "sum" | "avg" | "min" | "max" | "range" | "median" | "values" | "list" | "mode" => name,
        _ => match name.strip_prefix("perc").or_else(|| name.strip_prefix('p')) {
            Some(rank) if rank.parse::<u8>().is_ok_and(|rank| (1..100).contains(&rank)) => {
                return Some(format!("p{rank}({})", column(inside)));
            }
            _ => return None,
        },
    };
    if let Some(condition) = inside.strip_prefix("eval(").and_then(|rest| rest.strip_suffix(')')) {
        return (function == "count").then(|| format!("count() where {}", condition.replace("==", "=")));
    }
    match inside {
        "" if function == "count" => Some("count()".to_owned()),
        "" => None,
        inside => {
            inside.chars().all(|c| is_word(c) || c == '.').then(|| format!("{function}({})", column(inside)))
        }
    }
}

/// `where cidrmatch("10.0.0.0/8", ip)`, or an expression that is the same here.
fn where_condition(source: &str) -> Option<String> {
    let mut cursor = Cursor::new(source);
    if cursor.eat("cidrmatch") {
        let arguments = split(cursor.bracketed()?, ',');
        let [network, field] = arguments.as_slice() else { return None };
        return cursor.is_done().then(|| format!("where cidr({}, {network})", column(field)));
    }
    let made = format!(
        "where {}",
        source.replace("isnull(", "missing(").replace("isnotnull(", "exists(").replace("==", "=")
    );
    crate::parse(&format!("| {made}")).ok().map(|_| made)
}

/// `sma6(count)`
fn trendline(words: &[&str]) -> Option<String> {
    let [word, rest @ ..] = words else { return None };
    let mut cursor = Cursor::new(word.strip_prefix("sma")?);
    let rows = cursor.run(|c| c.is_ascii_digit())?;
    let inside = cursor.bracketed()?;
    let name = match rest {
        [] => format!("sma{rows}_{inside}"),
        [_, name] => (*name).to_owned(),
        _ => return None,
    };
    Some(format!("window movavg({}, {rows}) as {}", column(inside), quote::column(&name)))
}

/// `join trace_id [search source=db]`
fn join(source: &str, draft: &mut Draft) -> Option<()> {
    let (keys, inner) = source.split_at(source.find('[')?);
    let (options, keys) = options(keys);
    let inner = Cursor::new(inner).bracketed()?;
    let search = inner.trim().strip_prefix("search ")?;
    if search.contains('|') || keys.len() != 1 {
        return None;
    }
    let key = columns(&keys)?;
    let kind = match option(&options, "type") {
        Some("left" | "outer") => "",
        _ => " kind=inner",
    };
    draft
        .note("only the message of the other search is added: name the columns you need in its fields stage");
    draft.stages.push(format!(
        "join{kind} {{ {} | fields {key}, message as joined_message }} on {key}",
        condition(search)?
    ));
    Some(())
}
