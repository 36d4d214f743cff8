//! No text makes the language slow or deep: what is too much is refused with E026, what is allowed fits a small stack.

use query_lang::{Catalogue, CheckContext, Code, check, complete, explain, format, limits, parse, tokens};

fn everything(source: &str) -> Option<Code> {
    drop(tokens(source));
    drop(complete(source, source.len(), &Catalogue::default()));
    let hour = 3_600_000_000_000;
    let context = CheckContext { now_ns: hour, from_ns: 0, to_ns: hour, time_zone: jiff::tz::TimeZone::UTC };
    let parsed = match parse(source) {
        Err(error) => return Some(error.code),
        Ok(parsed) => parsed,
    };
    drop(explain(&parsed.query));
    assert!(parse(&format(&parsed.query)).is_ok(), "{source}");
    check(&parsed.query, &Catalogue::default(), &context).err().map(|error| error.code)
}

#[test]
fn the_largest_and_deepest_queries_are_fine() {
    let deep = limits::NESTING;
    let (open, close) = ("(".repeat(deep), ")".repeat(deep));
    for source in [
        format!("{open}a{close}"),
        format!("a:{open}b{close}"),
        format!("| where {open}1{close} = 1"),
        format!("| where {}1{close} = 1", "abs(".repeat(deep)),
        format!("{}a", "!".repeat(deep)),
        format!("| where {}1 = 1", "- ".repeat(deep)),
        format!("| where 1{} = 1", "+1".repeat(limits::OPERATORS)),
        format!("| where {}1{} = 1", "(1+".repeat(deep), ")".repeat(deep)),
        "word ".repeat(limits::TERMS),
        format!("a in ({}b)", "b,".repeat(limits::LIST_VALUES - 1)),
        format!("a{}", " | limit 1".repeat(limits::STAGES)),
    ] {
        assert_eq!(everything(&source), None, "{:.60}", source);
    }
}

#[test]
fn one_more_is_too_much() {
    let deep = limits::NESTING + 1;
    let (open, close) = ("(".repeat(deep), ")".repeat(deep));
    for source in [
        format!("{open}a{close}"),
        format!("a:{open}b{close}"),
        format!("| where {open}1{close} = 1"),
        format!("{}a", "!".repeat(deep)),
        format!("{}a", "NOT ".repeat(deep)),
        format!("| where {}1 = 1", "-".repeat(deep)),
        format!("| where {} true", "not ".repeat(deep)),
        format!("| where 1{} = 1", "+1".repeat(limits::OPERATORS + 1)),
        "word ".repeat(limits::TERMS + 1),
        format!("a in ({}b)", "b,".repeat(limits::LIST_VALUES)),
        format!("a{}", " | limit 1".repeat(limits::STAGES + 1)),
        format!(
            "| stats {}count() as z",
            (0..limits::AGGREGATES).map(|i| format!("count() as a{i}, ")).collect::<String>()
        ),
        format!("| stats count() by {}z", (0..limits::KEYS).map(|i| format!("k{i}, ")).collect::<String>()),
        "a in {b | fields a} ".repeat(limits::SUBQUERIES + 1),
        "a in {a in {a in {x | fields a} | fields a} | fields a}".to_owned(),
        format!("a=~\"{}\"", "x".repeat(limits::REGEX_BYTES + 1)),
        "a=~\"x\" ".repeat(limits::REGEXES + 1),
        format!("`{}`:1", "x".repeat(limits::PATH_BYTES + 1)),
        format!("{}x:1", "a.".repeat(limits::PATH_SEGMENTS)),
        "| limit 10001".to_owned(),
        "| timechart count() by a limit=101".to_owned(),
        "| timechart count() every=1s".to_owned(),
        "x".repeat(limits::SOURCE_BYTES + 1),
    ] {
        assert_eq!(everything(&source), Some(Code::E026), "{:.80}", source);
    }
}

#[test]
fn text_that_never_ends_well_is_refused_at_once() {
    for piece in [
        "(",
        "{",
        "[",
        "a:(",
        "| where (",
        "| join {",
        "\"",
        "`",
        "'",
        "-",
        "!",
        "- ",
        "NOT ",
        "a in (",
        "|",
        "a: ",
        "// ",
        "\\",
    ] {
        let source = piece.repeat(limits::SOURCE_BYTES / piece.len());
        everything(&source);
    }
}
