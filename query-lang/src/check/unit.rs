//! The unit of a field's numbers, told by its name: `duration_ms`, `responseTimeMs`, `size_kb`.

use crate::ast::Dimension;

/// Nanoseconds or bytes in one of the field's unit. `None` when the name does not tell.
pub(super) fn of_field(path: &str, dimension: Dimension) -> Option<i128> {
    let segment = path.rsplit('.').next().unwrap_or(path);
    if let Some(unit) = ["KiB", "MiB", "GiB"].iter().find(|unit| segment.ends_with(**unit)) {
        return named(unit, dimension);
    }
    let words = words(segment);
    let last = words.last()?;
    let single = last.len() == 1 && words.len() == 1; // a bare `s` or `b` is just a short name
    if single { None } else { named(last, dimension) }
}

/// A unit by its own name, as catalogues have it.
pub(super) fn named(unit: &str, dimension: Dimension) -> Option<i128> {
    Some(match (dimension, unit.to_ascii_lowercase().as_str()) {
        (Dimension::Time, "ns" | "nano" | "nanos" | "nanoseconds") => 1,
        (Dimension::Time, "us" | "µs" | "micro" | "micros" | "microseconds") => 1_000,
        (Dimension::Time, "ms" | "milli" | "millis" | "milliseconds") => 1_000_000,
        (Dimension::Time, "s" | "sec" | "secs" | "second" | "seconds") => 1_000_000_000,
        (Dimension::Time, "minutes") => 60_000_000_000,
        (Dimension::Time, "hours") => 3_600_000_000_000,
        (Dimension::Time, "days") => 86_400_000_000_000,
        (Dimension::Bytes, "b" | "byte" | "bytes") => 1,
        (Dimension::Bytes, "kb") => 1_000,
        (Dimension::Bytes, "mb") => 1_000_000,
        (Dimension::Bytes, "gb") => 1_000_000_000,
        (Dimension::Bytes, "kib") => 1 << 10,
        (Dimension::Bytes, "mib") => 1 << 20,
        (Dimension::Bytes, "gib") => 1 << 30,
        _ => return None,
    })
}

/// Split at `_`, `-`, `/` and where a capital follows a small letter or digit.
fn words(segment: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in segment.chars() {
        let border = matches!(c, '_' | '-' | '/');
        let hump = c.is_uppercase() && (before.is_lowercase() || before.is_numeric());
        if (border || hump) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !border) {
            word.push(c);
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_the_name_is_the_unit() {
        let time = |path| of_field(path, Dimension::Time);
        assert_eq!(time("duration_ms"), Some(1_000_000));
        assert_eq!(time("db.duration_s"), Some(1_000_000_000));
        assert_eq!(time("http.responseTimeMs"), Some(1_000_000));
        assert_eq!(time("elapsed-nanos"), Some(1));
        assert_eq!(of_field("wal_bytes", Dimension::Bytes), Some(1));
        assert_eq!(of_field("bytes", Dimension::Bytes), Some(1));
        assert_eq!(of_field("sizeKiB", Dimension::Bytes), Some(1024));
        for path in ["s", "duration", "a.b", "items", "wal_bytes"] {
            assert_eq!(time(path), None, "{path}");
        }
    }
}
