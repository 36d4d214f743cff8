//! No text panics, tokens cover everything, and what parses can be checked, explained and completed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query_lang::{Catalogue, CheckContext, check, complete, explain, parse, tokens, translate};

fuzz_target!(|source: &str| {
    let covered: usize = tokens(source).iter().map(|token| token.end - token.start).sum();
    assert_eq!(covered, source.len());
    let _ = complete(source, source.len() / 2, &Catalogue::default());
    let _ = translate(source);
    if let Ok(parsed) = parse(source) {
        let hour = 3_600_000_000_000;
        let context =
            CheckContext { now_ns: hour, from_ns: 0, to_ns: hour, time_zone: jiff::tz::TimeZone::UTC };
        let _ = check(&parsed.query, &Catalogue::default(), &context);
        let _ = explain(&parsed.query);
    }
});
