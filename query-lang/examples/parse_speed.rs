//! How long a query takes from text to checked tree: `cargo run --release -p query-lang --example parse_speed`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use query_lang::{Catalogue, CheckContext, check, complete, format, parse, tokens};

const QUERY: &str = "source:(api OR web) http.status>=500 -error.type:Timeout \"connection reset\" duration_ms > 1.5s \
     | stats count() as n, p95(duration_ms) as p95 by bin(5m), http.route | eval share = round(100 * n / 60, 1) | sort -n";
const RUNS: u32 = 2_000;

fn main() {
    let hour = 3_600_000_000_000;
    let context = CheckContext { now_ns: hour, from_ns: 0, to_ns: hour, time_zone: jiff::tz::TimeZone::UTC };
    let catalogue = Catalogue::default();
    let parsed = parse(QUERY).expect("a valid query");
    println!("{} characters", QUERY.len());
    measure("parse", || drop(parse(QUERY)));
    measure("check", || drop(check(&parsed.query, &catalogue, &context)));
    measure("format", || drop(format(&parsed.query)));
    measure("tokens", || drop(tokens(QUERY)));
    measure("complete", || drop(complete(QUERY, QUERY.len() - 1, &catalogue)));
    for (name, source) in worst_cases() {
        let start = Instant::now();
        let outcome = parse(&source).and_then(|parsed| check(&parsed.query, &catalogue, &context));
        let outcome = outcome.map_or_else(|error| error.code.to_string(), |_| "valid".to_owned());
        println!(
            "{name:<28} {:>8.2} ms  {} bytes, {outcome}",
            start.elapsed().as_secs_f64() * 1e3,
            source.len()
        );
        let start = Instant::now();
        drop(tokens(&source));
        println!("{name:<28} {:>8.2} ms  tokens", start.elapsed().as_secs_f64() * 1e3);
    }
}

fn measure(name: &str, work: impl Fn()) {
    let start = Instant::now();
    (0..RUNS).for_each(|_| work());
    println!("{name:<28} {:>8.1} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
}

/// Texts of the largest size that look for something slow.
fn worst_cases() -> Vec<(&'static str, String)> {
    let full = |piece: &str| piece.repeat(16 * 1024 / piece.len());
    vec![
        ("many words", "word ".repeat(512)),
        ("one long word", full("a")),
        ("open parentheses", full("(")),
        ("signs", full("-")),
        ("negations", full("NOT ")),
        ("negations without blanks", full("!")),
        ("open braces", full("{a|join")),
        ("name and blanks", format!("a{}", full(" "))),
        ("names before blanks", full("a  ")),
        ("comments", full(" //x\n")),
        ("quotes", full("\"a\" ")),
        ("list", format!("a in ({}b)", "b, ".repeat(999))),
        ("sums", format!("| where {}1", "1+".repeat(8_000))),
        ("minus", format!("| where {}1", full("-"))),
        ("groups of values", format!("a:({}b)", "b OR ".repeat(500))),
        ("regular expressions", "a=~\"(?i)[a-zé]{90}\" ".repeat(32)),
        ("stages", full("|limit 1")),
        ("aggregates", format!("| stats {}count()", "count() as a, ".repeat(1_000))),
        ("dotted names", full("a.b.")),
        ("errors everywhere", full("a: ")),
        ("unknown names", full("|sttats ")),
    ]
}
