//! Regular expressions of our own making, as ClickHouse's engine reads them: a dot matches line ends.

use regex::{Regex, RegexBuilder};

/// Compiles what `word_regex` or `parse_regex` wrote: escaped text and explicit classes.
pub(super) fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .dot_matches_new_line(true)
        .size_limit(10 << 20)
        .build()
        .expect("made of escaped text, shorter than a query")
}
