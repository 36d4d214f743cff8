//! The shape of a message: what varies from event to event is masked, what is left is the pattern.
//!
//! Only the first line counts. In this order, whole matches are replaced: a UUID by `<uuid>`, an ISO date and time
//! by `<time>`, a dotted quad by `<ip>`, `0x…` or 16 and more hex digits by `<hex>`, a number with an optional unit
//! by `<num>`. `PASSES` has the same as regular expressions: five nested `replaceRegexpAll` in ClickHouse give the
//! same text, and `xxHash64` of it (XXH64, seed 0) the same id. Neither depends on events seen before, so ids are
//! the same on every node and after every restart.

use xxhash_rust::xxh64::Xxh64;

/// The masks in their order, as RE2 patterns with what they put in place. RE2's `\b` and `\d` are ASCII.
pub const PASSES: [(&str, &str); 5] = [
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?\b", "<time>"),
    (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "<ip>"),
    (r"\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{16,})\b", "<hex>"),
    (r"\b\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|w|B|[kKMGTP]i?B|[kmgtp]b)?\b", "<num>"),
];

/// The pattern of a message.
pub fn template(message: &str) -> String {
    let mut out = String::with_capacity(message.len().min(1_024));
    mask(message, |piece| out.push_str(piece));
    out
}

/// The pattern's id: XXH64 of the template with seed 0.
pub fn id(message: &str) -> u64 {
    let mut hash = Xxh64::new(0);
    mask(message, |piece| hash.update(piece.as_bytes()));
    hash.digest()
}

/// Hands over the pieces of the template.
fn mask<'a>(message: &'a str, mut emit: impl FnMut(&'a str)) {
    let line = message.split('\n').next().unwrap_or_default();
    let text = line.as_bytes();
    let (mut plain_from, mut at) = (0, 0);
    while at < text.len() {
        if !is_word(text[at]) {
            at += 1;
            continue;
        }
        // Every mask begins at the start of a run of word characters, and ends at the end of one.
        let end = run_end(text, at);
        let Some((match_end, mask)) = match_at(text, at, end) else {
            at = end;
            continue;
        };
        emit(&line[plain_from..at]);
        emit(mask);
        (plain_from, at) = (match_end, match_end);
    }
    emit(&line[plain_from..]);
}

/// The mask that begins with the run `at..end`. Earlier masks go first, as if they had passed over the whole text.
fn match_at(text: &[u8], at: usize, end: usize) -> Option<(usize, &'static str)> {
    let first = text[at];
    if !first.is_ascii_hexdigit() {
        return None;
    }
    if let Some(end) = uuid(text, at, end) {
        return Some((end, "<uuid>"));
    }
    if first.is_ascii_digit() {
        if let Some(end) = date_time(text, at, end) {
            return Some((end, "<time>"));
        }
        if let Some(end) = dotted_quad(text, at, end) {
            return Some((end, "<ip>"));
        }
    }
    if is_hex(&text[at..end]) {
        return Some((end, "<hex>"));
    }
    Some((number(text, at, end)?, "<num>"))
}

fn uuid(text: &[u8], at: usize, end: usize) -> Option<usize> {
    let all_hex = |from: usize, to: usize| text[from..to].iter().all(u8::is_ascii_hexdigit);
    if end - at != 8 || !all_hex(at, end) {
        return None;
    }
    let mut end = end;
    for length in [4, 4, 4, 12] {
        let start = after(text, end, b"-")?;
        end = run_end(text, start);
        if end - start != length || !all_hex(start, end) {
            return None;
        }
    }
    Some(end)
}

fn date_time(text: &[u8], at: usize, end: usize) -> Option<usize> {
    digits(text, at, end, 4)?;
    let month = after(text, end, b"-")?;
    let month_end = digits(text, month, run_end(text, month), 2)?;
    let day = after(text, month_end, b"-")?;
    let day_end = run_end(text, day);
    let hour_end = if day_end - day == 5 {
        digits(text, day, day + 2, 2)?;
        let hour = after(text, day + 2, b"T")?;
        digits(text, hour, day_end, 2)?
    } else {
        let hour = after(text, digits(text, day, day_end, 2)?, b" ")?;
        digits(text, hour, run_end(text, hour), 2)?
    };
    let minute = after(text, hour_end, b":")?;
    let minute_end = digits(text, minute, run_end(text, minute), 2)?;
    let second = after(text, minute_end, b":")?;
    let second_end = run_end(text, second);
    if ends_with_z(text, second, second_end, 2) {
        return Some(second_end);
    }
    let second_end = digits(text, second, second_end, 2)?;
    Some(fraction_and_zone(text, second_end).or_else(|| zone(text, second_end)).unwrap_or(second_end))
}

/// `.123`, with `Z` or an offset behind it; not if the fraction is the start of a UUID.
fn fraction_and_zone(text: &[u8], at: usize) -> Option<usize> {
    let start = after(text, at, b".,")?;
    let end = run_end(text, start);
    if uuid(text, start, end).is_some() || end == start {
        return None;
    }
    if ends_with_z(text, start, end, end - start - 1) && end - start > 1 {
        return Some(end);
    }
    let end = digits(text, start, end, end - start)?;
    Some(zone(text, end).unwrap_or(end))
}

fn ends_with_z(text: &[u8], start: usize, end: usize, count: usize) -> bool {
    end - start == count + 1 && text[end - 1] == b'Z' && digits(text, start, end - 1, count).is_some()
}

/// `+02:00` or `+0200`
fn zone(text: &[u8], at: usize) -> Option<usize> {
    let start = after(text, at, b"+-")?;
    let end = run_end(text, start);
    digits(text, start, end, 4).or_else(|| {
        let minute = after(text, digits(text, start, end, 2)?, b":")?;
        digits(text, minute, run_end(text, minute), 2)
    })
}

fn dotted_quad(text: &[u8], at: usize, end: usize) -> Option<usize> {
    let part = |start: usize, end: usize| {
        let short = (1..=3).contains(&(end - start));
        (short && text[start..end].iter().all(u8::is_ascii_digit)).then_some(end)
    };
    let mut end = part(at, end)?;
    for _ in 0..3 {
        let start = after(text, end, b".")?;
        end = part(start, run_end(text, start))?;
    }
    Some(end)
}

fn is_hex(run: &[u8]) -> bool {
    let digits = match run {
        [b'0', b'x', digits @ ..] if !digits.is_empty() => digits,
        _ if run.len() >= 16 => run,
        _ => return false,
    };
    digits.iter().all(u8::is_ascii_hexdigit)
}

fn number(text: &[u8], at: usize, end: usize) -> Option<usize> {
    let whole = at + text[at..end].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if whole == at || (whole < end && !is_unit(&text[whole..end])) {
        return None;
    }
    if whole < end {
        return Some(end);
    }
    Some(fraction(text, end).unwrap_or(end))
}

/// `.5ms` behind a whole number, unless an earlier mask takes what follows the point.
fn fraction(text: &[u8], at: usize) -> Option<usize> {
    let start = after(text, at, b".")?;
    let end = run_end(text, start);
    let digits = start + text[start..end].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == start || (digits < end && !is_unit(&text[digits..end])) {
        return None;
    }
    let taken = uuid(text, start, end).is_some()
        || date_time(text, start, end).is_some()
        || dotted_quad(text, start, end).is_some()
        || is_hex(&text[start..end]);
    (!taken).then_some(end)
}

fn is_unit(text: &[u8]) -> bool {
    let time_or_byte: [&[u8]; 9] = [b"ns", b"us", b"ms", b"s", b"m", b"h", b"d", b"w", b"B"];
    let is_large = |prefix: &u8| b"kKMGTP".contains(prefix);
    match text {
        [prefix, b'B'] | [prefix, b'i', b'B'] => is_large(prefix),
        [prefix, b'b'] => b"kmgtp".contains(prefix),
        _ => time_or_byte.contains(&text),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn run_end(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| is_word(**byte)).count()
}

/// Exactly `count` digits in `start..end`.
fn digits(text: &[u8], start: usize, end: usize, count: usize) -> Option<usize> {
    (end - start == count && text[start..end].iter().all(u8::is_ascii_digit)).then_some(end)
}

/// The place behind one of the bytes.
fn after(text: &[u8], at: usize, bytes: &[u8]) -> Option<usize> {
    bytes.contains(text.get(at)?).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use regex::Regex;

    use super::*;

    static REGEXES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let ascii = |pattern: &str| pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]");
        PASSES.iter().map(|(pattern, mask)| (Regex::new(&ascii(pattern)).unwrap(), *mask)).collect()
    });

    fn by_regex(message: &str) -> String {
        let line = message.split('\n').next().unwrap_or_default().to_owned();
        REGEXES.iter().fold(line, |text, (regex, mask)| regex.replace_all(&text, *mask).into_owned())
    }

    #[test]
    fn what_varies_is_masked_and_names_stay() {
        for (message, expected) in [
            ("tick 3 uuid=7d444840-9dc0-11d1-b245-5ffdce74fad2", "tick <num> uuid=<uuid>"),
            ("GET /api/v1/cart 200 in 50ms", "GET /api/v1/cart <num> in <num>"),
            ("kernel: eth0: link up 1000 Mbps", "kernel: eth0: link up <num> Mbps"),
            ("slow query (3.2 s), 1.5GiB of 2 GB", "slow query (<num> s), <num> of <num> GB"),
            ("at 2026-03-10T10:15:30.123Z from 10.0.0.1:8080", "at <time> from <ip>:<num>"),
            ("at 2026-03-10 10:15:30,123 +0200 ptr 0xdeadbeef", "at <time> +<num> ptr <hex>"),
            ("trace 4bf92f3577b34da6a3ce929d0e0e4736 done", "trace <hex> done"),
            ("first 1\nsecond 2", "first <num>"),
            ("", ""),
        ] {
            assert_eq!(template(message), expected);
            assert_eq!(by_regex(message), expected);
        }
    }

    #[test]
    fn the_id_is_the_documented_hash_of_the_template() {
        // SELECT xxHash64('GET /api/v1/cart <num> in <num>')
        assert_eq!(
            id("GET /api/v1/cart 200 in 12ms"),
            xxhash_rust::xxh64::xxh64(b"GET /api/v1/cart <num> in <num>", 0)
        );
        assert_eq!(id("retry 1 of 3"), id("retry 22 of 33"));
        assert_ne!(id("retry 1 of 3"), id("retry 1 of three"));
        assert_eq!(xxhash_rust::xxh64::xxh64(b"", 0), 0xEF46_DB37_51D8_E999);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        #[test]
        fn it_equals_five_nested_replacements(text in r"([0-9]{1,4}|[0-9a-f]{4}|[.:, TZ+-]|ms|0x|é|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|2026-03-10T10:15:30|2026-03-10 10:15:30|10\.0\.0\.1|[0-9a-f]{16}|1\.5|_|GiB|\n){0,12}") {
            proptest::prop_assert_eq!(template(&text), by_regex(&text));
        }

        #[test]
        fn it_equals_them_on_any_text(text in ".{0,60}") {
            proptest::prop_assert_eq!(template(&text), by_regex(&text));
        }
    }
}
