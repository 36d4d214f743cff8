//! Canonical text: one spelling, the same tree, and writing it twice changes nothing.

mod support;

use proptest::prelude::*;
use query_lang::{format, parse};

/// The tree without positions, which are the only thing that formatting may change.
fn shape(source: &str) -> String {
    let parsed = parse(source).unwrap_or_else(|error| panic!("{source:?}: {error} at {:?}", error.span));
    let spans = regex::Regex::new(r"\b\d+\.\.\d+").expect("a valid pattern");
    spans.replace_all(&format!("{:?}", parsed.query), "_").into_owned()
}

fn formatted(source: &str) -> String {
    format(&parse(source).unwrap_or_else(|error| panic!("{source:?}: {error} at {:?}", error.span)).query)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_the_canonical_text_gives_the_same_tree(source in support::query()) {
        let canonical = formatted(&source);
        prop_assert_eq!(shape(&canonical), shape(&source), "{} became {}", source, canonical);
        prop_assert_eq!(formatted(&canonical), canonical);
    }
}

#[test]
fn the_corpus_has_canonical_forms() {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("cases/cases.json")).expect("well formed");
    for case in cases.iter().filter(|case| case["kind"] == "valid") {
        let source = case["query"].as_str().expect("text");
        let canonical = formatted(source);
        assert_eq!(shape(&canonical), shape(source), "{source} became {canonical}");
        assert_eq!(formatted(&canonical), canonical);
    }
}

#[test]
fn there_is_one_spelling_for_each_meaning() {
    for (source, canonical) in [
        ("", ""),
        ("*", "*"),
        ("  error   // note\n timeout ", "error timeout"),
        ("level:error and not source:web", "level:error -source:web"),
        ("a b OR c", "a AND b OR c"),
        ("(a OR b) AND c", "(a OR b) c"),
        ("http.status >= 500", "http.status>=500"),
        ("source:api OR source:web OR x", "source:(api OR web) OR x"),
        ("status:(500 OR 503) x", "status:(500 OR 503) x"),
        ("path=~\"^/api/v\\d+\"", "path=~'^/api/v\\d+'"),
        ("_msg:'it''s'", "message:\"it's\""),
        ("a NOT IN (1,2)", "a not in (1, 2)"),
        ("a in (1,//x)", "a in (1, \"//x\")"),
        ("path:(//x OR y)", "path:(\"//x\" OR y)"),
        ("| summarize count(*) by bin(timestamp, 5m)", "| stats count() by bin(5m)"),
        ("| where ((a + 1) * 2 > 3 AND not(b == 'x'))", "| where (a + 1) * 2 > 3 and not b = \"x\""),
        ("| head 5 | project a as b | order a desc", "| limit 5 | fields a as b | sort -a"),
        ("| top 10 source | timechart count() limit=10", "| top source | timechart count()"),
    ] {
        assert_eq!(formatted(source), canonical, "{source}");
    }
}

/// Found by `cargo xtask fuzz`: `OR|` was taken for a word, and written as an operator.
#[test]
fn an_operator_that_touches_what_ends_a_filter_has_no_operand() {
    for source in ["a AND OR| patterns", "a OR|stats count()", "user.id in { level:error OR}"] {
        let diagnostic = query_lang::parse(source).expect_err("no operand");
        assert_eq!(diagnostic.code, query_lang::Code::E005, "{source}");
    }
}
