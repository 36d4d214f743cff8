//! What SQL texts may hold: constants, aliases and references to parameters, whatever the query says.

mod fixture;

use fixture::{Case, cases, check_in, request, scope};
use query_lang::ast::Query;
use query_lang::sql::{Compiled, Parameter, compile};

fn compiled(case: &Case) -> Option<Compiled> {
    let checked = case.checked().ok()?;
    let request =
        query_lang::sql::Request { from_ns: checked.from_ns, to_ns: checked.to_ns, ..case.request() };
    compile(&checked.query, &scope(), &request).ok()
}

/// Every quoted string of a query replaced by `hostile`, as far as the result is still a query.
fn with_hostile_strings(query: &str, hostile: &str) -> String {
    let quoted = format!("\"{}\"", hostile.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out = String::new();
    let mut rest = query;
    while let Some(start) = rest.find('"') {
        let Some(end) = rest[start + 1..].find('"') else { break };
        out.push_str(&rest[..start]);
        out.push_str(&quoted);
        rest = &rest[start + 1 + end + 1..];
    }
    out + rest
}

/// Texts of one word and of several compile to different functions, so each kind is compared with its own.
const HOSTILE: [&[&str]; 2] = [
    &["'); DROP --", "{a:", "\\'\\\\`\n\tlogs\u{0}}}", "`logs--"],
    &["'); DROP TABLE logs --", "{p0:String}", "x OR 1=1", "*/ a b /*"],
];

#[test]
fn no_string_of_a_query_reaches_the_text() {
    let request = request();
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.kind == "valid") {
        // Patterns decide about columns, and regular expressions must stay valid.
        let decides = ["parse", "extract", "rex", "=~", "!~", "prefix=", "replace_re", "\\\""];
        if !case.query.contains('"') || decides.iter().any(|word| case.query.contains(word)) {
            continue;
        }
        let text = |query: &str| {
            let checked = check_in(query, &request).ok()?;
            compile(&checked.query, &scope(), &request).ok().map(|compiled| compiled.sql)
        };
        for kind in HOSTILE {
            let texts: Vec<String> =
                kind.iter().filter_map(|hostile| text(&with_hostile_strings(&case.query, hostile))).collect();
            for (one, other) in texts.iter().zip(texts.iter().skip(1)) {
                compared += 1;
                assert_eq!(one, other, "{}: {}", case.id, case.query);
            }
        }
    }
    assert!(compared > 50, "only {compared} texts were compared");
}

#[test]
fn a_text_holds_only_what_the_compiler_writes() {
    for case in cases().iter().filter(|case| case.kind == "valid") {
        let Some(compiled) = compiled(case) else { continue };
        for (name, value) in &compiled.parameters {
            let (Parameter::Text(value) | Parameter::Path(value)) = value else { continue };
            assert!(compiled.sql.contains(&format!("{{{name}:")), "{} is not used: {}", name, compiled.sql);
            // Our own columns stand in the text anyway.
            let is_column = query_lang::ast::Core::ALL.iter().any(|core| core.name() == value);
            let is_telling = value.len() > 5 && !is_column;
            assert!(
                !is_telling || !compiled.sql.contains(value.as_str()),
                "{}: {value} in {}",
                case.id,
                compiled.sql
            );
        }
    }
}

#[test]
fn every_scan_is_narrowed_to_tenant_project_and_time() {
    let mut scans = 0;
    for case in cases().iter().filter(|case| case.kind == "valid") {
        let Some(compiled) = compiled(case) else { continue };
        for after in compiled.sql.split("FROM logs").skip(1) {
            scans += 1;
            let narrowed = after.split_once("WHERE tenant_id = {p").is_some_and(|(before, rest)| {
                let only_unrolled = before.trim().is_empty() || before.trim_start().starts_with("ARRAY JOIN");
                only_unrolled && rest.contains("project_id = {p") && rest.contains("timestamp >= fromUnix")
            });
            assert!(narrowed, "{}: {}", case.id, compiled.sql);
        }
        assert_eq!(compiled.sql.matches("logs").count(), compiled.sql.matches("FROM logs").count());
    }
    assert!(scans > 200, "only {scans} scans were seen");
}

#[test]
fn every_scan_is_narrowed_to_the_row_rules() {
    use query_lang::sql::{EventKey, Neighbours, Scope, compile_context, compile_event};
    let context = query_lang::CheckContext {
        now_ns: request().now_ns,
        from_ns: 0,
        to_ns: i64::MAX,
        time_zone: jiff::tz::TimeZone::UTC,
    };
    let rule = query_lang::row_rule("host=only-here", &context).expect("a rule");
    let scope = Scope { rules: vec![rule], ..scope() };
    let mut scans = 0;
    let mut look = |compiled: &Compiled, what: &str| {
        let name =
            compiled.parameters.iter().find(|(_, value)| *value == Parameter::Text("only-here".into()));
        assert!(name.is_some(), "{what}: {}", compiled.sql);
        for after in compiled.sql.split("FROM logs").skip(1) {
            scans += 1;
            let filters = after.split_once("WHERE tenant_id = {p").expect("filters").1;
            let own = filters.split(" GROUP BY ").next().unwrap_or_default();
            let ruled = own.split(" AND ").skip(4).any(|term| term.starts_with("host IN ({p"));
            assert!(ruled, "{what}: {}", compiled.sql);
        }
    };
    for case in cases().iter().filter(|case| case.kind == "valid") {
        let Ok(checked) = case.checked() else { continue };
        let request =
            query_lang::sql::Request { from_ns: checked.from_ns, to_ns: checked.to_ns, ..case.request() };
        let Ok(compiled) = compile(&checked.query, &scope, &request) else { continue };
        if compiled.sql.contains("FROM logs") {
            look(&compiled, &case.query);
        }
    }
    let key = EventKey { timestamp_ns: 5, batch_id: 1, batch_row: 1 };
    let neighbours = Neighbours { older: true, count: 3, within_ns: 1, same: Vec::new() };
    look(&compile_event(&scope, key), "one event");
    look(&compile_context(&scope, key, &neighbours), "its neighbours");
    assert!(scans > 200, "only {scans} scans were seen");
}

#[test]
fn no_project_means_no_events() {
    let nobody = query_lang::sql::Scope { project_ids: Vec::new(), ..scope() };
    let everything = Query { filter: None, stages: Vec::new(), span: query_lang::Span::default() };
    let compiled = compile(&everything, &nobody, &request()).expect("no stage");
    assert!(compiled.sql.contains("AND 0 AND"), "{}", compiled.sql);
}

#[test]
fn samples_and_neighbours_are_as_many_as_asked_for_and_pages_one_more() {
    use query_lang::sql::{EventKey, Neighbours, Request, compile_context, compile_samples};
    let most = |compiled: &Compiled| {
        let reference = compiled.sql.rsplit_once("LIMIT {").and_then(|(_, rest)| rest.split_once(':'));
        let name = reference.expect("a limit at the end").0;
        let found = compiled.parameters.iter().find(|(known, _)| known == name);
        found.expect("a parameter").1.clone()
    };
    let query = fixture::checked("level:error").query;
    let request = Request { limit: 3, ..request() };
    let key = EventKey { timestamp_ns: request.from_ns, batch_id: 1, batch_row: 1 };
    let neighbours = Neighbours { older: true, count: 3, within_ns: 1, same: Vec::new() };

    assert_eq!(most(&compile_samples(&query, &scope(), &request).expect("compiles")), Parameter::Unsigned(3));
    assert_eq!(most(&compile_context(&scope(), key, &neighbours)), Parameter::Unsigned(3));
    assert_eq!(most(&compile(&query, &scope(), &request).expect("compiles")), Parameter::Unsigned(4));
}

/// A literal that takes its text as it is.
fn raw(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A regular expression that matches the text and nothing else.
fn escaped(text: &str) -> String {
    let mut regex = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            regex.push('\\');
        }
        regex.push(character);
    }
    regex
}

/// Queries whose patterns hold the text, with the same placeholders and groups whatever it is.
fn with_patterns(text: &str) -> [String; 7] {
    let (plain, regex) = (text.replace('<', "("), escaped(text));
    [
        format!("| parse {}", raw(&format!("{plain}=<user> from <n:number>"))),
        format!("| parse host {}", raw(&format!("<before>{plain}x"))),
        format!("| extract {}", raw(&format!("{regex}(?P<user>[a-z]+)(?:{regex})?"))),
        format!("message=~{} -a.b!~{}", raw(&regex), raw(&regex)),
        format!("| eval y = extract(message, {})", raw(&format!("({regex})"))),
        format!("| eval y = replace_re(message, {}, {})", raw(&regex), raw(&plain)),
        format!("| unpack json | where a=~{}", raw(&regex)),
    ]
}

#[test]
fn no_pattern_of_a_query_reaches_the_text() {
    let request = request();
    let texts = |hostile: &str| -> Vec<Option<String>> {
        let compiled = |query: String| {
            let checked = check_in(&query, &request).ok()?;
            compile(&checked.query, &scope(), &request).ok().map(|compiled| compiled.sql)
        };
        with_patterns(hostile).map(compiled).into()
    };
    let harmless = texts("x");
    assert!(harmless.iter().all(Option::is_some), "{harmless:?}");
    // Twice in one regular expression, with every character escaped, and within the limit of its length.
    let long = "'); DROP TABLE logs --".repeat(8);
    for hostile in HOSTILE.concat().into_iter().chain([long.as_str(), "%_*?", "é\u{1F600}\u{202e}"]) {
        assert_eq!(texts(hostile), harmless, "{hostile}");
    }
}

proptest::proptest! {
    #[test]
    fn no_pattern_of_any_text_reaches_the_text(hostile in "\\PC{1,120}") {
        let request = request();
        for (query, harmless) in with_patterns(&hostile).into_iter().zip(with_patterns("x")) {
            let Ok(checked) = check_in(&query, &request) else { continue };
            let known = check_in(&harmless, &request).expect("a query");
            let text = |checked: &query_lang::Checked| compile(&checked.query, &scope(), &request).expect("compiles").sql;
            proptest::prop_assert_eq!(text(&checked), text(&known), "{}", query);
        }
    }
}
