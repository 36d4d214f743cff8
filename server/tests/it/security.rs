//! What docs/SECURITY.md promises of every answer, and that the tests which it names are there.

use crate::harness::{PASSWORD, TestApp};
use cordwood_server::route_table::ROUTES;
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[tokio::test]
async fn every_answer_tells_browsers_how_to_treat_it() {
    let app = TestApp::spawn().await;
    let browser = app
        .anonymous()
        .with_header("origin", "https://evil.example")
        .with_header("access-control-request-method", "POST");
    for (method, path, _) in ROUTES {
        let path = path.replace(['{', '}'], "");
        for method in [method.parse().unwrap(), Method::OPTIONS] {
            let answer = browser.call(method.clone(), &path, None).await;
            let told = format!("{method} {path}: {} {:?}", answer.status, answer.headers);
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{told}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{told}");
            assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{told}");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{told}");
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "{told}"
            );
            assert!(!policy.contains("'unsafe-eval'"), "{told}");
            assert!(
                answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")),
                "{told}"
            );
            if path.starts_with("/api/v1/") {
                assert_eq!(answer.header("cache-control"), "no-store", "{told}");
            }
            if !answer.text.is_empty() {
                assert!(!answer.header("content-type").is_empty(), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_answers_to_trace_and_no_parameter_counts_twice() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    for path in ["/", "/healthz", "/api/v1/me"] {
        let answer = acme.call(Method::TRACE, path, None).await;
        assert!([404, 405].contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text.contains(&acme.access_token), "{path}");
    }
    acme.get("/api/v1/audit-log?limit=1&limit=2").await.expect_problem(400, "invalid_parameters");
}

#[tokio::test]
async fn what_people_prove_themselves_with_is_in_no_log() {
    let app = TestApp::spawn_with(&["--log", "debug"]).await;
    let acme = app.org("acme").await;
    let key = acme.api_key(&["admin"]).await["secret"].as_str().unwrap().to_owned();
    app.with_credential(&key).get("/api/v1/projects").await.expect(200);
    let wrong = "this is not the password";
    app.anonymous()
        .post("/api/v1/auth/login", json!({"email": acme.email, "password": wrong}))
        .await
        .expect(401);
    app.anonymous()
        .post("/api/v1/auth/login", json!({"email": acme.email, "password": PASSWORD}))
        .await
        .expect(200);

    let log = std::fs::read_to_string(app.data("server.log")).unwrap();

    assert!(log.contains("signed up"), "the log is the one of this server");
    for secret in [PASSWORD, wrong, &key, &acme.access_token, &acme.refresh_cookie] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}

/// Names of tests in the sources of the workspace: `fn name(` in Rust, `test("name"` in JavaScript.
fn tests_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "dist", ".git"].contains(&name.as_str()) {
            tests_of(&path, found);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names =
                text.split("fn ").skip(1).filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
            found.extend(names.map(str::to_owned));
        } else if name.ends_with(".test.mjs") {
            found.insert(format!("e2e/{name}"));
        }
    }
}

/// `1.2.3` and `1.2.3–5` as single numbers.
fn requirements(cell: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in cell.split(',').map(str::trim) {
        match part.split_once('–') {
            None => all.push(part.to_owned()),
            Some((first, last)) => {
                let (section, from) = first.rsplit_once('.').unwrap();
                let numbers = from.parse::<u32>().unwrap()..=last.parse().unwrap();
                all.extend(numbers.map(|number| format!("{section}.{number}")));
            }
        }
    }
    all
}

/// Sections of ASVS 5.0 with the numbers of their requirements of levels 1 and 2.
const LEVEL_2: &[(&str, &str)] = &[
    ("1.1", "1 2"),
    ("1.2", "1 2 3 4 5 6 7 8 9"),
    ("1.3", "1 2 3 4 5 6 7 8 9 10 11"),
    ("1.4", "1 2 3"),
    ("1.5", "1 2"),
    ("2.1", "1 2 3"),
    ("2.2", "1 2 3"),
    ("2.3", "1 2 3 4"),
    ("2.4", "1"),
    ("3.2", "1 2"),
    ("3.3", "1 2 3 4"),
    ("3.4", "1 2 3 4 5 6"),
    ("3.5", "1 2 3 4 5"),
    ("3.7", "1 2"),
    ("4.1", "1 2 3"),
    ("4.2", "1"),
    ("4.3", "1 2"),
    ("4.4", "1 2 3 4"),
    ("5.1", "1"),
    ("5.2", "1 2 3"),
    ("5.3", "1 2"),
    ("5.4", "1 2 3"),
    ("6.1", "1 2 3"),
    ("6.2", "1 2 3 4 5 6 7 8 9 10 11 12"),
    ("6.3", "1 2 3 4"),
    ("6.4", "1 2 3 4"),
    ("6.5", "1 2 3 4 5"),
    ("6.6", "1 2 3"),
    ("6.8", "1 2 3 4"),
    ("7.1", "1 2 3"),
    ("7.2", "1 2 3 4"),
    ("7.3", "1 2"),
    ("7.4", "1 2 3 4 5"),
    ("7.5", "1 2"),
    ("7.6", "1 2"),
    ("8.1", "1 2"),
    ("8.2", "1 2 3"),
    ("8.3", "1"),
    ("8.4", "1"),
    ("9.1", "1 2 3"),
    ("9.2", "1 2 3 4"),
    ("10.1", "1 2"),
    ("10.2", "1 2"),
    ("10.3", "1 2 3 4"),
    ("10.4", "1 2 3 4 5 6 7 8 9 10 11"),
    ("10.5", "1 2 3 4 5"),
    ("10.6", "1 2"),
    ("10.7", "1 2 3"),
    ("11.1", "1 2"),
    ("11.2", "1 2 3"),
    ("11.3", "1 2 3"),
    ("11.4", "1 2 3 4"),
    ("11.5", "1"),
    ("11.6", "1"),
    ("12.1", "1 2 3"),
    ("12.2", "1 2"),
    ("12.3", "1 2 3 4"),
    ("13.1", "1"),
    ("13.2", "1 2 3 4 5"),
    ("13.3", "1 2"),
    ("13.4", "1 2 3 4 5"),
    ("14.1", "1 2"),
    ("14.2", "1 2 3 4"),
    ("14.3", "1 2 3"),
    ("15.1", "1 2 3"),
    ("15.2", "1 2 3"),
    ("15.3", "1 2 3 4 5 6 7"),
    ("16.1", "1"),
    ("16.2", "1 2 3 4 5"),
    ("16.3", "1 2 3 4"),
    ("16.4", "1 2 3"),
    ("16.5", "1 2 3"),
    ("17.1", "1"),
    ("17.2", "1 2 3 4"),
    ("17.3", "1 2"),
];

#[test]
fn the_page_about_security_names_every_requirement_once_and_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let mut known = BTreeSet::new();
    tests_of(root, &mut known);
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let list = page.split("## Against ASVS 5.0, level 2").nth(1).unwrap();
    for row in
        list.lines().filter(|line| line.starts_with("| ") && line.chars().nth(2).unwrap().is_ascii_digit())
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for requirement in requirements(cells[1]) {
            *named.entry(requirement).or_default() += 1;
        }
    }
    for quoted in list
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.matches('_').count() >= 3 || text.starts_with("e2e/"))
    {
        assert!(known.contains(quoted), "there is no test {quoted}");
    }
    let wanted: BTreeMap<String, usize> = LEVEL_2
        .iter()
        .flat_map(|(section, numbers)| {
            numbers.split(' ').map(move |number| (format!("{section}.{number}"), 1))
        })
        .collect();
    let missing: Vec<_> = wanted.keys().filter(|name| !named.contains_key(*name)).collect();
    let surplus: Vec<_> = named.iter().filter(|(name, count)| wanted.get(*name) != Some(count)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:?}; twice or unknown: {surplus:?}");
}
