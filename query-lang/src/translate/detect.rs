//! Whose language a text is, told by the marks that only one of them has.

use super::Language;
use super::cursor::{Cursor, split};

/// The language with the strongest marks. `None` for text without any.
pub(super) fn language(source: &str) -> Option<Language> {
    let text = source.trim();
    let lower = text.to_ascii_lowercase();
    let scores = [
        (Language::LogQl, logql(text, &lower)),
        (Language::Kusto, kusto(text, &lower)),
        (Language::Spl, spl(text, &lower)),
        (Language::LogsQl, logsql(text, &lower)),
        (Language::Lucene, lucene(text, &lower)),
        (Language::KibanaKql, kibana(text, &lower)),
    ];
    let mut best: Option<(Language, usize)> = None;
    for (language, score) in scores {
        if score > best.map_or(0, |(_, score)| score) {
            best = Some((language, score));
        }
    }
    best.map(|(language, _)| language)
}

fn count(text: &str, marks: &[&str]) -> usize {
    marks.iter().filter(|mark| text.contains(**mark)).count()
}

/// The names of the commands behind each `|`.
fn commands(lower: &str) -> Vec<String> {
    split(lower, '|')
        .into_iter()
        .skip(1)
        .map(|stage| {
            stage
                .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
                .next()
                .unwrap_or("")
                .to_owned()
        })
        .collect()
}

fn has_command(lower: &str, names: &[&str]) -> usize {
    commands(lower).iter().filter(|command| names.contains(&command.as_str())).count()
}

fn logql(text: &str, lower: &str) -> usize {
    let mut cursor = Cursor::new(text);
    let selector = text.starts_with('{') && cursor.bracketed().is_some_and(|inside| inside.contains('='));
    let ranged = count(lower, &["count_over_time(", "bytes_over_time(", "sum by (", "quantile_over_time("]);
    usize::from(selector) * 4
        + usize::from(lower.contains("({")) * (ranged * 3 + usize::from(lower.contains("rate(")) * 4)
}

fn kusto(text: &str, lower: &str) -> usize {
    let words = count(
        lower,
        &[
            " has '",
            " has \"",
            " hasprefix ",
            " contains '",
            " contains \"",
            " startswith '",
            "!~ '",
            "=~ '",
            "== '",
            "ago(",
            "between (",
            "isnotempty(",
            "isempty(",
            "isnotnull(",
            "matches regex",
            "datetime(",
            "ipv4_is_in_range(",
            "bin(timestamp",
            "parse_json(",
            "tostring(",
            "leftouter",
            " with * '",
            "arg_max(",
        ],
    );
    let stages = has_command(
        lower,
        &[
            "extend",
            "summarize",
            "project",
            "take",
            "parse-kv",
            "reduce",
            "render",
            "distinct",
            "order",
            "facet",
        ],
    );
    let by_equals = lower.contains("summarize ") && lower.contains("=count()");
    let starts_where = text.starts_with("where ") || text.starts_with("search '");
    let counts = commands(lower).last().is_some_and(|command| command == "count")
        && lower.trim_end().ends_with("count");
    words * 2
        + stages
        + usize::from(by_equals) * 2
        + usize::from(starts_where)
        + usize::from(counts) * 2
        + count(lower, &[" by n asc", " by n desc"])
}

fn spl(text: &str, lower: &str) -> usize {
    let marks = count(
        lower,
        &[
            "index=",
            "sourcetype=",
            "earliest=",
            "latest=",
            "span=",
            "(?<",
            "eval(",
            " dc(",
            "cidrmatch(",
            "kvdelim=",
            "showcount=",
            "[search ",
        ],
    );
    let stages = has_command(
        lower,
        &[
            "spath",
            "rex",
            "table",
            "timechart",
            "streamstats",
            "eventstats",
            "trendline",
            "anomalydetection",
            "fieldsummary",
            "cluster",
            "fillnull",
            "timewrap",
            "transaction",
            "mvexpand",
            "bin",
            "regex",
        ],
    );
    let bare_count = lower.split("stats count").skip(1).any(|rest| rest.is_empty() || rest.starts_with(' '));
    let limit = count(lower, &["| top limit=", "| rare limit="]);
    let upper_in = text.contains(" IN (") && !text.contains('|');
    let plain_equals = lower
        .split_whitespace()
        .filter(|word| word.contains('=') && !word.contains([':', '~', '(', '\'']) && !word.starts_with('='))
        .count();
    marks * 3
        + stages * 2
        + usize::from(bare_count) * 3
        + limit * 3
        + usize::from(upper_in) * 2
        + usize::from(plain_equals > 0 && !text.contains('|'))
}

fn logsql(text: &str, lower: &str) -> usize {
    let marks = count(
        text,
        &[
            "_time:",
            ":=",
            "_msg:",
            ":~\"",
            "_stream:",
            ":in(",
            ":range[",
            ":ipv4_range(",
            ":contains_",
            "_stream_id:",
        ],
    );
    let functions = usize::from(lower.starts_with("i(") || lower.contains(" i(") || lower.starts_with("~\""));
    let stages = has_command(
        lower,
        &["unpack_json", "unpack_logfmt", "stream_context", "collapse_nums", "uniq", "math", "facets"],
    );
    let grouped = count(
        lower,
        &[
            "stats by (",
            "sort by (",
            "top 10 by (",
            "uniq by (",
            "join by (",
            "count_uniq(",
            "quantile(",
            "partition by (",
            "stats histogram(",
        ],
    );
    let pattern =
        usize::from(lower.contains("| extract \"") && lower.contains('<') && !lower.contains("(?p<"));
    marks * 3 + functions * 3 + (stages + pattern) * 2 + grouped * 3
}

fn lucene(text: &str, _lower: &str) -> usize {
    let marks = count(text, &["@", "_exists_:", "status:", "service:", " TO ", "CIDR(", "\\/", "&&"]);
    let field = (text.contains(':') || text.contains("CIDR(")) && !text.contains('|') && !text.contains(": ");
    if field { 1 + marks } else { 0 }
}

fn kibana(text: &str, _lower: &str) -> usize {
    let spaced =
        text.contains(" : ") || text.split_whitespace().any(|word| word.len() > 1 && word.ends_with(':'));
    let nested = text.contains(":{") || text.contains(": {");
    if text.contains('|') { 0 } else { usize::from(spaced) * 3 + usize::from(nested) }
}
