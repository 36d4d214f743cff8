//! Durations as people write them: `30s`, `5m`, `1h30m`, `1d`, `1w`.

use crate::Micros;

pub const SECOND_US: Micros = 1_000_000;
const UNITS: [(&str, Micros); 6] = [
    ("w", 7 * 86_400 * SECOND_US),
    ("d", 86_400 * SECOND_US),
    ("h", 3_600 * SECOND_US),
    ("m", 60 * SECOND_US),
    ("s", SECOND_US),
    ("ms", 1_000),
];

/// Reads a duration of one or more parts. A bare `0` is no time at all.
///
/// # Errors
/// A sentence that says what a duration looks like.
pub fn parse(text: &str) -> Result<Micros, String> {
    let wrong = || format!("`{text}` is not a duration: write it like 30s, 5m, 1h30m or 1d");
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: Micros = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: Micros = number.parse().map_err(|_| wrong())?;
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total = number.checked_mul(*scale).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = after;
    }
    Ok(total)
}

/// The shortest text that `parse` reads back.
#[must_use]
pub fn format(duration_us: Micros) -> String {
    let mut rest = duration_us.max(0);
    let mut text = String::new();
    for (name, scale) in UNITS {
        if rest >= scale {
            text.push_str(&format!("{}{name}", rest / scale));
            rest %= scale;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("30s", 30), ("5m", 300), ("1h30m", 5_400), ("1d", 86_400), ("0", 0), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(seconds * SECOND_US), "{text}");
        }
        for text in ["", "5", "m", "5 m", "5x", "-5m", "99999999999999999999s", "9999999999999w"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_formatted_reads_back(milliseconds in 0i64..10_000_000_000) {
            let duration = milliseconds * 1_000;
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = parse(&text);
        }
    }
}
