//! "Did you mean": near spellings, and what words of other systems are called here.

/// The nearest of `names`, when it is near enough: a Damerau–Levenshtein distance of at most 0.4 of the length.
#[must_use]
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let length = typed.chars().count();
    if length > 64 {
        return None;
    }
    names
        .into_iter()
        .filter(|name| name.len() <= 256)
        .map(|name| (distance(&typed, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance * 5 <= length.max(name.chars().count()) * 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, changes and swaps of neighbours that lead from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// What a stage of another system is called here.
pub(crate) fn foreign_stage(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "spath" | "unpack_json" | "from_json" => "unpack json",
        "unpack_logfmt" | "kv" | "kvextract" => "unpack logfmt",
        "json" => "unpack json",
        "logfmt" => "unpack logfmt",
        "group" | "groupby" | "tstats" | "mstats" | "aggr" | "agg" | "count" | "sum" | "avg" => "stats",
        "streamstats" | "trendline" | "eventstats" | "serialize" => "window",
        "table" | "select" => "fields",
        "grep" | "regex" | "match" | "find" => "search",
        "math" | "let" | "add" | "set" | "line_format" | "label_format" | "strcat" => "eval",
        "mvexpand" | "mv" | "unroll" | "explode" => "expand",
        "chart" | "timeseries" | "tc" => "timechart",
        "orderby" | "order_by" | "sortby" | "sort_by" => "sort",
        "last" | "first" | "tail" | "top_n" => "limit",
        "cluster" | "reduce" | "collapse_nums" | "pattern" => "patterns",
        "stream_context" | "surround" => "context",
        "append" | "multisearch" => "union",
        "makeseries" | "make_series" | "fillnull" => "fill",
        "timewrap" => "compare",
        "anomalydetection" | "outlier" => "anomaly",
        "fieldsummary" | "facet" | "field_values" => "facets",
        "fieldnames" | "field_names" | "getschema" => "describe",
        "del" | "delete" | "rm" | "remove" => "drop",
        "mv_rename" | "move" => "rename",
        "grok" | "parse_regexp" | "regexp" => "extract",
        "unique" | "uniques" => "uniq",
        "having" | "and" => "where",
        "quantile" | "percentile" => "percentiles",
        _ => return None,
    })
}

/// What an option of another system is called here.
pub(crate) fn foreign_option(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "span" | "interval" | "step" | "bucket" | "fixed_interval" | "resolution" => "every",
        "useother" => "other",
        "offset" | "time_offset" | "week_before" | "by" => "shift",
        "type" | "how" => "kind",
        "buckets" | "count" => "bins",
        "size" | "n" | "max" | "top" => "limit",
        _ => return None,
    })
}

/// What a function of another system is called here.
pub(crate) fn foreign_function(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "dc" | "distinct_count" | "count_distinct" | "count_uniq" | "cardinality" | "uniq" | "distinct"
        | "estdc" => "dcount",
        "mean" | "average" => "avg",
        "perc" | "quantile" | "percentile_approx" => "percentile",
        "stdev" | "stddev_samp" | "stdevs" => "stddev",
        "var" | "var_samp" => "variance",
        "earliest" | "arg_min" | "take_any" | "any" => "first",
        "latest" | "arg_max" => "last",
        "make_set" | "uniq_values" | "array_agg" => "values",
        "make_list" => "list",
        "count_if" | "sumif" => "countif",
        "per_second" | "count_over_time" => "rate",
        "iff" | "iif" => "if",
        "len" | "strlen" | "char_length" => "length",
        "tolower" | "lcase" => "lower",
        "toupper" | "ucase" => "upper",
        "substring" | "mid" => "substr",
        "isnull" | "isempty" => "missing",
        "isnotnull" | "isnotempty" | "exist" => "exists",
        "cidrmatch" | "ipv4_is_in_range" | "ipv4_range" | "ip_in" => "cidr",
        "tostring" | "str" => "to_string",
        "tonumber" | "toint" | "todouble" | "tolong" | "num" | "int" => "to_number",
        "tobool" => "to_bool",
        "strftime" | "format_datetime" | "date_format" => "format_time",
        "replace_regex" | "regexp_replace" => "replace_re",
        "has_phrase" | "match_phrase" => "phrase",
        "starts_with" | "hasprefix" => "startswith",
        "ends_with" | "hassuffix" => "endswith",
        "bucket" | "floor_time" | "date_trunc" | "time_bucket" => "bin",
        "split" => "split_part",
        "strcat" => "concat",
        "parse_json" | "json_extract" => "json",
        "ifnull" | "nvl" => "coalesce",
        "min_of" => "least",
        "max_of" => "greatest",
        "ago" => "now",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_spellings_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("cuont", ["avg", "count", "countif"]), Some("count"));
        assert_eq!(nearest("eror", ["warn", "error"]), Some("error"));
        assert_eq!(nearest("foo", ["floor", "sum"]), Some("floor"));
        assert_eq!(nearest("xyz", ["count", "sum"]), None);
    }
}
