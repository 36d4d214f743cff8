//! From source text to values: quotes, escapes, numbers, durations, sizes and wildcards.

use crate::Span;
use crate::ast::{Amount, Glob, GlobPart, Literal, LiteralClass, Number};

/// A value as it stands in the source, quoted or not.
pub(crate) fn literal(raw: &str, span: Span) -> Literal {
    if raw.starts_with(['"', '\'']) {
        Literal { text: unquote(raw), quoted: true, class: LiteralClass::Text, span }
    } else if raw.starts_with("//") {
        // behind a blank it would be a comment, so it is quoted from here on
        Literal { text: raw.to_owned(), quoted: true, class: LiteralClass::Text, span }
    } else {
        Literal { text: raw.to_owned(), quoted: false, class: classify(raw), span }
    }
}

/// The text inside `"…"` or `'…'`.
pub(crate) fn unquote(raw: &str) -> String {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if raw.starts_with('\'') { inner.replace("''", "'") } else { unescape(inner) }
}

/// The name inside backticks.
pub(crate) fn unbacktick(raw: &str) -> String {
    raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default().replace("``", "`")
}

/// Resolves `\" \\ \n \t \r \uXXXX`. Any other backslash stays, so that `"\d"` and `"\\d"` mean the same.
fn unescape(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (c, length) = escape(&rest[at + 1..]).unwrap_or(('\\', 0));
        text.push(c);
        rest = &rest[at + 1 + length..];
    }
    text.push_str(rest);
    text
}

/// The character that the text behind a backslash stands for, and how many bytes it takes.
fn escape(after: &str) -> Option<(char, usize)> {
    Some(match after.chars().next()? {
        '"' => ('"', 1),
        '\\' => ('\\', 1),
        'n' => ('\n', 1),
        't' => ('\t', 1),
        'r' => ('\r', 1),
        'u' => return unicode_escape(after),
        _ => return None,
    })
}

/// `uXXXX`, or a surrogate pair `uXXXX\uXXXX`.
fn unicode_escape(after: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = after.get(from..from + 4)?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(1)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 5));
    }
    let second = after.get(5..7).filter(|text| *text == "\\u").and_then(|_| unit(7))?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((c, 11))
}

/// Decides the class of an unquoted value from its text alone.
pub(crate) fn classify(text: &str) -> LiteralClass {
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return LiteralClass::Bool(text.eq_ignore_ascii_case("true"));
    }
    number(text).map(LiteralClass::Number).or_else(|| amount(text)).unwrap_or(LiteralClass::Text)
}

/// `-?12`, `.5`, `1e3`: the parts before and after the dot, and the exponent.
fn decimal(text: &str) -> Option<(&str, &str, &str)> {
    let digits = |text: &str| crate::lexical::run(text, |c| c.is_ascii_digit());
    let whole = digits(text);
    let mut end = whole;
    let mut fraction = "";
    if text[end..].starts_with('.') {
        fraction = &text[end + 1..][..digits(&text[end + 1..])];
        if fraction.is_empty() {
            return None;
        }
        end += 1 + fraction.len();
    }
    (whole > 0 || !fraction.is_empty()).then_some((&text[..whole], fraction, &text[end..]))
}

pub(crate) fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction, exponent) = decimal(unsigned)?;
    if let Some(digits) = exponent.strip_prefix(['e', 'E']) {
        let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    } else if !exponent.is_empty() {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let exact = exponent.is_empty() && fraction.bytes().all(|b| b == b'0') && whole.len() <= 20;
    let canonical = match exact {
        true if whole.is_empty() => "0".to_owned(),
        true => format!("{}{whole}", if text.starts_with('-') { "-" } else { "" }),
        false => canonical(value),
    };
    Some(Number { value, canonical })
}

/// The text that a stored number has: the shortest that reads back, with an exponent outside 1e-6 … 1e21.
pub(crate) fn canonical(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// Nanoseconds or bytes in one of each unit.
const UNITS: [(&str, bool, i128); 26] = [
    ("ns", true, 1),
    ("us", true, 1_000),
    ("µs", true, 1_000),
    ("μs", true, 1_000),
    ("ms", true, 1_000_000),
    ("s", true, 1_000_000_000),
    ("m", true, 60_000_000_000),
    ("h", true, 3_600_000_000_000),
    ("d", true, 86_400_000_000_000),
    ("w", true, 604_800_000_000_000),
    ("B", false, 1),
    ("kB", false, 1_000),
    ("KB", false, 1_000),
    ("kb", false, 1_000),
    ("MB", false, 1_000_000),
    ("mb", false, 1_000_000),
    ("GB", false, 1_000_000_000),
    ("gb", false, 1_000_000_000),
    ("TB", false, 1_000_000_000_000),
    ("tb", false, 1_000_000_000_000),
    ("PB", false, 1_000_000_000_000_000),
    ("KiB", false, 1 << 10),
    ("MiB", false, 1 << 20),
    ("GiB", false, 1 << 30),
    ("TiB", false, 1 << 40),
    ("PiB", false, 1 << 50),
];

/// A duration or a size: one number with a unit, or several of the same dimension (`1h30m`).
pub(crate) fn amount(text: &str) -> Option<LiteralClass> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut total = Amount::new(0, 1)?;
    let mut time = None;
    while !rest.is_empty() {
        let (whole, fraction, after) = decimal(rest)?;
        let letters = crate::lexical::run(after, char::is_alphabetic);
        let (_, is_time, size) = UNITS.iter().find(|unit| unit.0 == &after[..letters])?;
        if *time.get_or_insert(*is_time) != *is_time || whole.len() + fraction.len() > 18 {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        let part = Amount::new(digits.checked_mul(*size)?, scale)?;
        total = sum(total, part)?;
        rest = &after[letters..];
    }
    let total = Amount::new(sign * total.numerator, total.denominator)?;
    time.map(|time| if time { LiteralClass::Duration(total) } else { LiteralClass::Size(total) })
}

fn sum(a: Amount, b: Amount) -> Option<Amount> {
    let left = a.numerator.checked_mul(b.denominator)?;
    let right = b.numerator.checked_mul(a.denominator)?;
    Amount::new(left.checked_add(right)?, a.denominator.checked_mul(b.denominator)?)
}

/// The pattern of an unquoted value. `\*`, `\?` and `\\` are literal, other backslashes stay.
pub(crate) fn glob(raw: &str) -> Glob {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next_if(|c| matches!(c, '*' | '?' | '\\')).unwrap_or('\\')),
            '*' | '?' => {
                if !text.is_empty() {
                    parts.push(GlobPart::Text(std::mem::take(&mut text)));
                }
                let part = if c == '*' { GlobPart::AnyRun } else { GlobPart::AnyOne };
                if part != GlobPart::AnyRun || parts.last() != Some(&GlobPart::AnyRun) {
                    parts.push(part);
                }
            }
            _ => text.push(c),
        }
    }
    if !text.is_empty() {
        parts.push(GlobPart::Text(text));
    }
    Glob { parts }
}

impl Glob {
    /// The text, when there is no wildcard in it.
    pub(crate) fn plain(self) -> Result<String, Self> {
        match self.parts.as_slice() {
            [] => Ok(String::new()),
            [GlobPart::Text(text)] => Ok(text.clone()),
            _ => Err(self),
        }
    }
}

/// The tokens of a text: runs of ASCII letters and digits and of non-ASCII characters.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_escapes_keep_their_backslash() {
        assert_eq!(unquote(r#""\d \\d \" \u00e9 \ud83d\ude00 \uZZZZ \q""#), "\\d \\d \" é 😀 \\uZZZZ \\q");
        assert_eq!(unquote(r"'it''s \n'"), r"it's \n");
    }

    #[test]
    fn numbers_have_one_canonical_form() {
        for (text, canonical) in [
            ("500.0", "500"),
            ("20.50", "20.5"),
            ("007", "7"),
            ("-5", "-5"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("9007199254740993", "9007199254740993"),
            ("1e25", "1e25"),
            ("0.0000001", "1e-7"),
            ("-0", "0"),
        ] {
            assert_eq!(number(text).map(|number| number.canonical).as_deref(), Some(canonical), "{text}");
        }
        for text in ["", "-", "1.", "1e", "0x1", "1_000", "e5", "1.2.3", "--1", "1e99999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_and_sizes_are_exact() {
        let nanos = |text| match amount(text) {
            Some(LiteralClass::Duration(amount)) => amount.whole(),
            _ => None,
        };
        assert_eq!(nanos("1.5s"), Some(1_500_000_000));
        assert_eq!(nanos("1h30m"), Some(5_400_000_000_000));
        assert_eq!(nanos("-15m"), Some(-900_000_000_000));
        assert_eq!(amount("10MiB"), Some(LiteralClass::Size(Amount::new(10 << 20, 1).expect("not zero"))));
        for text in ["5M", "1h30MB", "s", "1", "1.5", "5 s", "99999999999999999999d"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn escaped_wildcards_are_text() {
        assert_eq!(glob(r"a\*b\\c\d").plain(), Ok(r"a*b\c\d".to_owned()));
        let parts = glob("a**b?").parts;
        assert_eq!(
            parts,
            [GlobPart::Text("a".into()), GlobPart::AnyRun, GlobPart::Text("b".into()), GlobPart::AnyOne]
        );
    }
}
