//! The canonical text parses, and writing it again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query_lang::{format, parse};

fuzz_target!(|source: &str| {
    let Ok(parsed) = parse(source) else { return };
    let canonical = format(&parsed.query);
    // Quoting can make a text at the limit longer than it.
    if canonical.len() > query_lang::limits::SOURCE_BYTES {
        return;
    }
    let again = parse(&canonical).expect("canonical text parses");
    assert_eq!(format(&again.query), canonical);
});
