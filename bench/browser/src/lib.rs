//! What the page uses of the search language, and nothing else: so the size of this module is the language's share.
//!
//! A text is written to where `place` says; the other functions read it there and answer a number.

use jiff::tz::TimeZone;
use query_lang::eval::{Event, Matcher, Stream};
use query_lang::{
    Catalogue, CheckContext, Edit, Term, check, complete, edit, explain, format, parse, terms, tokens,
    translate,
};
use std::cell::RefCell;

thread_local! {
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes room for so many bytes and says where.
#[unsafe(no_mangle)]
pub extern "C" fn place(bytes: usize) -> *mut u8 {
    TEXT.with_borrow_mut(|text| {
        text.clear();
        text.resize(bytes, 0);
        text.as_mut_ptr()
    })
}

fn with_text<T>(use_it: impl FnOnce(&str) -> T) -> T {
    TEXT.with_borrow(|text| use_it(std::str::from_utf8(text).unwrap_or_default()))
}

fn context() -> CheckContext {
    let hour_ns = 3_600_000_000_000;
    CheckContext { now_ns: hour_ns, from_ns: 0, to_ns: hour_ns, time_zone: TimeZone::UTC }
}

/// Parses and checks: the number of warnings, or -1.
#[unsafe(no_mangle)]
pub extern "C" fn parse_and_check() -> i32 {
    with_text(|text| {
        let Ok(parsed) = parse(text) else { return -1 };
        match check(&parsed.query, &Catalogue::default(), &context()) {
            Ok(checked) => (parsed.warnings.len() + checked.warnings.len()) as i32,
            Err(_) => -1,
        }
    })
}

/// Colours: the number of pieces.
#[unsafe(no_mangle)]
pub extern "C" fn colour() -> usize {
    with_text(|text| tokens(text).len())
}

/// Everything else that the page uses, so that it is in the module.
#[unsafe(no_mangle)]
pub extern "C" fn all_the_rest() -> usize {
    with_text(|text| {
        let mut size = complete(text, text.len(), &Catalogue::default()).items.len()
            + usize::from(translate(text).is_some());
        size += terms(text).map_or(0, |terms| terms.len());
        let added = Edit::Add { term: Term::Value { field: "a".into(), value: "b".into() }, negated: false };
        size += edit(text, &added).map_or(0, |text: String| text.len());
        let Ok(parsed) = parse(text) else { return size };
        size += explain(&parsed.query).len() + format(&parsed.query).len();
        let Ok(checked) = check(&parsed.query, &Catalogue::default(), &context()) else { return size };
        let attributes = Default::default();
        let event = Event {
            id: "",
            timestamp_ns: 0,
            level: None,
            source: "",
            host: "",
            message: text,
            trace_id: "",
            span_id: "",
            attributes: &attributes,
        };
        if let Ok(stream) = Stream::of(&checked.query, &TimeZone::UTC) {
            size += usize::from(stream.apply(&event).is_some());
        }
        if let Ok(matcher) = Matcher::of(checked.query.filter.as_ref()) {
            size += usize::from(matcher.matches(&event)) + matcher.marks(&event).len();
        }
        size
    })
}
