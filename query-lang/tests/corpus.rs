//! The conformance corpus: every case parses and checks as it says, or fails with its code and span.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use query_lang::ast::Shape;
use query_lang::{Catalogue, CheckContext, Checked, Diagnostic, check, parse};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    query: String,
    kind: String,
    #[serde(default)]
    context: Circumstances,
    expects: Expected,
}

#[derive(Default, Deserialize)]
struct Circumstances {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    tz: Option<String>,
}

#[derive(Deserialize)]
struct Expected {
    warnings: Option<Vec<String>>,
    columns: Option<Vec<String>>,
    computed: Option<serde_json::Map<String, serde_json::Value>>,
    code: Option<String>,
    span: Option<(usize, usize)>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("cases/cases.json")).expect("the corpus is well formed")
}

fn context(case: &Case) -> CheckContext {
    let nanos = |time: Option<Timestamp>, default: &str| {
        let time = time.unwrap_or_else(|| default.parse().expect("a time"));
        i64::try_from(time.as_nanosecond()).expect("fits")
    };
    let to_ns = nanos(case.context.to, "2026-03-10T12:00:00Z");
    let zone = case.context.tz.as_deref().unwrap_or("UTC");
    CheckContext {
        now_ns: to_ns,
        from_ns: nanos(case.context.from, "2026-03-10T10:00:00Z"),
        to_ns,
        time_zone: TimeZone::get(zone).expect("a known zone"),
    }
}

fn run(case: &Case) -> Result<(Checked, Vec<Diagnostic>), Diagnostic> {
    let parsed = parse(&case.query)?;
    let checked = check(&parsed.query, &Catalogue::default(), &context(case))?;
    let warnings = parsed.warnings.into_iter().chain(checked.warnings.clone()).collect();
    Ok((checked, warnings))
}

/// What is wrong with a case, if anything.
fn problem(case: &Case) -> Option<String> {
    let expected = &case.expects;
    match (case.kind.as_str(), run(case)) {
        ("error", Ok(_)) => Some(format!("accepted, wanted {:?} {:?}", expected.code, expected.span)),
        ("error", Err(error)) => {
            let found = (Some(error.code.to_string()), Some((error.span.start, error.span.end)));
            (found != (expected.code.clone(), expected.span)).then(|| {
                format!("{error} at {:?}, wanted {:?} {:?}", error.span, expected.code, expected.span)
            })
        }
        (_, Err(error)) => Some(format!("refused: {error} at {:?}", error.span)),
        (_, Ok((checked, warnings))) => {
            wrong_warnings(expected, &warnings).or_else(|| wrong_shape(expected, &checked.query.output()))
        }
    }
}

fn wrong_warnings(expected: &Expected, found: &[Diagnostic]) -> Option<String> {
    let from_text_alone = ["W001", "W002", "W003", "W004", "W006", "W007", "W010"];
    let mut found: Vec<String> = found.iter().map(|warning| warning.code.to_string()).collect();
    found.retain(|code| from_text_alone.contains(&code.as_str()));
    let wanted = expected.warnings.as_ref()?;
    (found != *wanted).then(|| format!("warnings {found:?}, wanted {wanted:?}"))
}

fn wrong_shape(expected: &Expected, found: &Shape) -> Option<String> {
    let names: Vec<&str> = found.columns().iter().map(|column| column.name.as_str()).collect();
    if let Some(computed) = &expected.computed {
        let wanted: Vec<&String> =
            computed.values().filter_map(|row| row.as_object()).flat_map(|row| row.keys()).collect();
        let missing = wanted.iter().any(|name| !names.contains(&name.as_str()));
        return missing.then(|| format!("computed {names:?}, wanted {wanted:?}"));
    }
    match &expected.columns {
        Some(columns) => (names != *columns).then(|| format!("columns {names:?}, wanted {columns:?}")),
        None => None,
    }
}

#[test]
fn every_case_of_the_corpus_parses_and_checks_as_it_says() {
    let cases = cases();
    let problems: Vec<String> = cases
        .iter()
        .filter_map(|case| problem(case).map(|problem| format!("{} {}\n    {problem}", case.id, case.query)))
        .collect();
    let passed = cases.len() - problems.len();
    assert!(problems.is_empty(), "{passed} of {} pass\n{}", cases.len(), problems.join("\n"));
}

#[test]
fn every_message_is_a_sentence_about_what_was_typed() {
    for case in cases() {
        if let Err(error) = run(&case) {
            assert!(!error.message.contains("Rule::") && !error.message.is_empty(), "{}: {error}", case.id);
        }
    }
}

#[test]
fn every_fix_that_is_offered_can_be_applied() {
    for case in cases() {
        let findings = match run(&case) {
            Err(error) => vec![error],
            Ok((_, warnings)) => warnings,
        };
        for fix in findings.iter().flat_map(|finding| &finding.fixes) {
            let fixed = fix.apply(&case.query);
            let same = |error: &Diagnostic| {
                findings.iter().any(|found| found.code == error.code && found.span == error.span)
            };
            let again = parse(&fixed).err().filter(|error| same(error) && fixed == case.query);
            assert!(again.is_none(), "{}: '{}' leads from {} to {fixed}", case.id, fix.title, case.query);
        }
    }
}
