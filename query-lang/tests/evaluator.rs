//! The conformance corpus over single events: every case that needs no more than one event at a time.

mod fixture;

use fixture::{Case, Stored};
use query_lang::eval::{Matcher, Stream};

#[test]
fn the_corpus_holds_for_the_evaluator() {
    let events = fixture::fixture();
    let cases: Vec<Case> = fixture::cases().into_iter().filter(|case| case.kind == "valid").collect();
    let (mut tried, mut failures) = (0, Vec::new());
    for case in &cases {
        let Ok(checked) = case.checked() else { continue };
        let Ok(stream) = Stream::of(&checked.query, &case.request().tz) else { continue };
        let Some(expected) = case.expected_ids() else { continue };
        tried += 1;
        let passed = events.iter().rev().filter(|stored| stored.is_asked_for(checked.from_ns, checked.to_ns));
        let found: Vec<&str> = passed
            .filter(|stored| stream.apply(&stored.event()).is_some())
            .map(|stored| stored.name.as_str())
            .collect();
        if found != expected {
            failures.push(format!("{} {}: {found:?} instead of {expected:?}", case.id, case.query));
        }
    }
    let (held, valid) = (tried - failures.len(), cases.len());
    eprintln!("evaluator: {held} of {tried} cases hold, of {valid} valid ones");
    assert!(tried > 150, "only {tried} cases were tried");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn streamable_stages_give_the_rows_of_the_corpus() {
    let events = fixture::fixture();
    let mut tried = 0;
    for case in fixture::cases().iter().filter(|case| case.kind == "valid") {
        let Ok(checked) = case.checked() else { continue };
        let Ok(stream) = Stream::of(&checked.query, &case.request().tz) else { continue };
        let Some(expected) = case.expects.rows.as_ref().filter(|_| case.expects.exact != Some(false)) else {
            continue;
        };
        tried += 1;
        let passed = events.iter().rev().filter(|stored| stored.is_asked_for(checked.from_ns, checked.to_ns));
        let rows: Vec<serde_json::Value> = passed
            .filter_map(|stored| stream.apply(&stored.event()))
            .map(|row| row.columns.iter().map(|(_, value)| value.to_json()).collect())
            .collect();
        assert!(fixture::same(&rows.into(), &expected.clone().into()), "{} {}", case.id, case.query);
    }
    assert!(tried > 3, "only {tried} cases were tried");
}

#[test]
fn a_replacement_names_only_groups_that_its_expression_has() {
    let error =
        |query: &str| fixture::check_in(query, &fixture::request()).err().map(|error| error.code.to_string());
    assert_eq!(error(r"| eval x = replace_re(message, '(\d+)', '<\1>')"), None);
    assert_eq!(error(r"| eval x = replace_re(message, '\d+', '<\1>')").as_deref(), Some("E022"));
    assert_eq!(error(r"| eval x = replace_re(message, '\d+', source)").as_deref(), Some("E022"));
}

#[test]
fn marks_say_which_stretches_of_which_fields_matched() {
    let events = fixture::fixture();
    let marks = |query: &str, name: &str| {
        let stored: &Stored = events.iter().find(|stored| stored.name == name).expect("in the fixture");
        let checked = fixture::checked(query);
        let matcher = Matcher::of(checked.query.filter.as_ref()).expect("no subquery");
        assert!(matcher.matches(&stored.event()), "{query}");
        let texts = |field: &str, spans: &[(usize, usize)]| {
            let text = stored.text(field);
            spans.iter().map(|(start, end)| text[*start..*end].to_owned()).collect::<Vec<_>>()
        };
        matcher
            .marks(&stored.event())
            .into_iter()
            .map(|mark| (mark.field.clone(), texts(&mark.field, &mark.spans)))
            .collect::<Vec<_>>()
    };
    let found =
        |field: &str, texts: &[&str]| (field.to_owned(), texts.iter().map(|&text| text.to_owned()).collect());
    assert_eq!(marks("failed USER", "e15"), [found("message", &["failed", "user"])]);
    assert_eq!(marks("fail* -nothing", "e15"), [found("message", &["failed"])]);
    assert_eq!(
        marks("source:auth client.ip:10.* \"login failed\"", "e15"),
        [found("client.ip", &["10.0.0.7"]), found("message", &["Login failed"]), found("source", &["auth"])]
    );
    assert_eq!(marks("*:alice", "e15"), [found("message", &["alice"]), found("user.name", &["alice"])]);
    assert_eq!(marks(r#"message=~"user=\w+""#, "e15"), [found("message", &["user=alice"])]);
}
