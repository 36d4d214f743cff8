//! What can be checked can be compiled, or is refused with a reason; every reference has its value, and no value is in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query_lang::sql::{Compiled, Parameter, Request, Scope};
use query_lang::{Catalogue, CheckContext, check, parse, sql};

const HOUR_NS: i64 = 3_600_000_000_000;

fuzz_target!(|source: &str| {
    let Ok(parsed) = parse(source) else { return };
    let time_zone = jiff::tz::TimeZone::UTC;
    let context = CheckContext { now_ns: HOUR_NS, from_ns: 0, to_ns: HOUR_NS, time_zone: time_zone.clone() };
    let Ok(checked) = check(&parsed.query, &Catalogue::default(), &context) else { return };
    let id = "00000000-0000-0000-0000-0000000000a1".to_owned();
    let scope = Scope { organization_id: id.clone(), project_ids: vec![id], rules: Vec::new() };
    let request = Request {
        from_ns: checked.from_ns,
        to_ns: checked.to_ns,
        now_ns: HOUR_NS,
        tz: time_zone,
        limit: 100,
        offset: 0,
        after: None,
        tables: Vec::new(),
        paths: None,
    };
    let statements = [
        sql::compile(&checked.query, &scope, &request),
        sql::compile_histogram(&checked.query, &scope, &request, 60_000_000_000),
        sql::compile_fields(&checked.query, &scope, &request),
        sql::compile_patterns(&checked.query, &scope, &request, 900_000_000_000),
    ];
    statements.iter().flatten().for_each(is_whole);
});

fn is_whole(compiled: &Compiled) {
    for (name, value) in &compiled.parameters {
        // A value such as a marker that no text of ours has.
        if let Parameter::Text(text) | Parameter::Path(text) = value {
            let is_telling = text.len() > 3 && !text.is_ascii();
            assert!(!is_telling || !compiled.sql.contains(text.as_str()), "{name} in {}", compiled.sql);
        }
    }
    for reference in compiled.sql.split("{p").skip(1) {
        let number = reference.split(':').next().unwrap_or_default();
        assert!(
            number.parse::<usize>().is_ok_and(|number| number < compiled.parameters.len()),
            "{}",
            compiled.sql
        );
    }
}
