//! The guide for people: every example in it parses and checks, and its table of codes is complete.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use query_lang::ast::{aggregate_docs, function_docs, window_docs};
use query_lang::{Catalogue, CheckContext, Code, check, format, parse};

const GUIDE: &str = include_str!("../../docs/query-language.md");

/// The text of every ```` ```query ```` block.
fn examples() -> Vec<&'static str> {
    GUIDE.split("```query\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

fn nanos(time: &str) -> i64 {
    let time: Timestamp = time.parse().expect("a time");
    i64::try_from(time.as_nanosecond()).expect("fits")
}

#[test]
fn every_example_of_the_guide_parses_and_checks_without_a_doubt() {
    let context = CheckContext {
        now_ns: nanos("2026-03-10T12:00:00Z"),
        from_ns: nanos("2026-03-10T10:00:00Z"),
        to_ns: nanos("2026-03-10T12:00:00Z"),
        time_zone: TimeZone::UTC,
    };
    let examples = examples();
    assert!(examples.len() > 40, "{} examples were found", examples.len());
    for example in examples {
        let parsed = parse(example).unwrap_or_else(|error| panic!("{example}\n{error} at {:?}", error.span));
        let checked = check(&parsed.query, &Catalogue::default(), &context)
            .unwrap_or_else(|error| panic!("{example}\n{error} at {:?}", error.span));
        let doubts: Vec<Code> =
            parsed.warnings.iter().chain(&checked.warnings).map(|warning| warning.code).collect();
        assert_eq!(doubts, [], "{example}");
        assert!(parse(&format(&parsed.query)).is_ok(), "{example}");
    }
}

#[test]
fn every_code_is_in_the_table() {
    for code in Code::ALL {
        assert!(GUIDE.contains(&["| ", &code.to_string(), " |"].concat()), "{code} is missing in the guide");
    }
}

#[test]
fn every_function_is_in_the_tables() {
    for function in [function_docs(), aggregate_docs(), window_docs()].concat() {
        let row = format!("| `{}` | {} |", function.signature, function.doc);
        assert!(GUIDE.contains(&row), "missing in the guide: {row}");
    }
}
