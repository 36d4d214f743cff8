//! Reads JSON values out of a request body, one after the other, without copying what needs no copy.
//!
//! It takes all of JSON, and beyond it what real clients send: raw control characters in strings (but no
//! line feed, which ends a broken line of NDJSON), lone surrogates and broken UTF-8 (read as U+FFFD and
//! told by `repaired`), and Python's `NaN` and `Infinity` (kept as text). Depth and number of values are
//! bounded, so that no body costs more than a small multiple of its size.

mod pass;

use std::borrow::Cow;

use crate::value::{Object, Value};

/// Deeper nesting is refused: nobody can address it, and recursion has to end somewhere.
pub const MAX_DEPTH: usize = 64;
/// More values than this in one event are refused.
pub const MAX_VALUES: usize = 100_000;

/// Why a value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON; says what was expected.
    Expected(&'static str),
    /// The body ended inside a value.
    Unfinished,
    TooDeep,
    TooMany,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expected(what) => write!(out, "expected {what}"),
            Self::Unfinished => out.write_str("the text ends inside a JSON value"),
            Self::TooDeep => write!(out, "nested deeper than {MAX_DEPTH} levels"),
            Self::TooMany => write!(out, "more than {MAX_VALUES} values in one event"),
        }
    }
}

/// A cursor over a body.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values_left: usize,
    repaired: bool,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, values_left: MAX_VALUES, repaired: false }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn set_position(&mut self, at: usize) {
        self.at = at;
    }

    /// The bytes from a place up to the cursor.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Whether broken UTF-8 or a lone surrogate was replaced since the last call.
    pub fn take_repaired(&mut self) -> bool {
        std::mem::take(&mut self.repaired)
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn advance(&mut self) {
        self.at += 1;
    }

    pub fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads the value at the cursor.
    pub fn value(&mut self) -> Result<Value<'a>, Fault> {
        self.values_left = MAX_VALUES;
        self.value_at(0)
    }

    fn value_at(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        self.values_left = self.values_left.checked_sub(1).ok_or(Fault::TooMany)?;
        match self.peek().ok_or(Fault::Unfinished)? {
            b'"' => self.string().map(Value::String),
            b'{' => self.object(depth + 1).map(Value::Object),
            b'[' => self.array(depth + 1).map(Value::Array),
            b'-' if self.bytes[self.at..].starts_with(b"-Infinity") => {
                self.word("-Infinity", Value::string("-Infinity"))
            }
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            b'N' => self.word("NaN", Value::string("NaN")),
            b'I' => self.word("Infinity", Value::string("Infinity")),
            _ => Err(Fault::Expected("a JSON value")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value<'static>) -> Result<Value<'a>, Fault> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else if word.as_bytes().starts_with(rest) {
            Err(Fault::Unfinished)
        } else {
            Err(Fault::Expected("a JSON value"))
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object<'a>, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.advance();
        let mut object = Object::with_capacity(if depth == 1 { 16 } else { 4 });
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.advance();
            return Ok(object);
        }
        loop {
            self.skip_blanks();
            self.expect(b'"', "a member name in double quotes")?;
            let name = self.string()?;
            self.skip_blanks();
            self.expect(b':', "`:` after a member name")?;
            self.advance();
            self.skip_blanks();
            let value = self.value_at(depth)?;
            object.push(name, value);
            self.skip_blanks();
            match self.peek().ok_or(Fault::Unfinished)? {
                b',' => self.advance(),
                b'}' => break,
                _ => return Err(Fault::Expected("`,` or `}` after a member")),
            }
        }
        self.advance();
        object.settle();
        Ok(object)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value<'a>>, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.advance();
        let mut items = Vec::new();
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.advance();
            return Ok(items);
        }
        loop {
            self.skip_blanks();
            items.push(self.value_at(depth)?);
            self.skip_blanks();
            match self.peek().ok_or(Fault::Unfinished)? {
                b',' => self.advance(),
                b']' => break,
                _ => return Err(Fault::Expected("`,` or `]` after an array item")),
            }
        }
        self.advance();
        Ok(items)
    }

    fn expect(&self, byte: u8, what: &'static str) -> Result<(), Fault> {
        match self.peek() {
            Some(found) if found == byte => Ok(()),
            Some(_) => Err(Fault::Expected(what)),
            None => Err(Fault::Unfinished),
        }
    }

    fn number(&mut self) -> Result<Value<'a>, Fault> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.advance();
        }
        let digits_start = self.at;
        let whole = self.digits()?;
        if self.at - digits_start > 1 && self.bytes[digits_start] == b'0' {
            return Err(Fault::Expected("a number without leading zeros"));
        }
        let mut fraction_digits = 0;
        let mut is_float = false;
        if self.peek() == Some(b'.') {
            is_float = true;
            self.advance();
            let fraction_start = self.at;
            self.digits()?;
            fraction_digits = self.at - fraction_start;
        }
        let digits = self.at - digits_start;
        if let Some(b'e' | b'E') = self.peek() {
            is_float = true;
            fraction_digits = 0;
            self.advance();
            if let Some(b'+' | b'-') = self.peek() {
                self.advance();
            }
            self.digits()?;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).expect("a number is ASCII");
        if !is_float {
            return Ok(integer(text, negative, whole));
        }
        // Seconds with nanoseconds have more digits than a float keeps: the text stays until it is known to be no time.
        if fraction_digits > 6 && digits > 17 {
            return Ok(Value::Digits(Cow::Borrowed(text)));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Ok(Value::Digits(Cow::Borrowed(text))),
        }
    }

    /// Reads at least one digit; gives their value unless it does not fit.
    fn digits(&mut self) -> Result<Option<u64>, Fault> {
        let start = self.at;
        let mut number = Some(0_u64);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.and_then(|n| n.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
            self.at += 1;
        }
        match self.at > start {
            true => Ok(number),
            false if self.peek().is_none() => Err(Fault::Unfinished),
            false => Err(Fault::Expected("a digit")),
        }
    }

    /// Reads the string at the cursor, which stands on its opening quote.
    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.advance();
        let start = self.at;
        self.run_of_plain_text()?;
        if self.bytes[self.at] == b'"' {
            let text = self.text(start);
            self.advance();
            return Ok(text);
        }
        let mut out = self.text(start).into_owned();
        loop {
            match self.bytes[self.at] {
                b'"' => {
                    self.advance();
                    return Ok(Cow::Owned(out));
                }
                _ => self.escape(&mut out)?,
            }
            let start = self.at;
            self.run_of_plain_text()?;
            out.push_str(&self.text(start));
        }
    }

    /// Moves to the next quote or backslash.
    fn run_of_plain_text(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        let Some(length) = end_of_plain_text(rest) else {
            self.at = self.bytes.len();
            return Err(Fault::Unfinished);
        };
        self.at += length;
        if rest[length] == b'\n' {
            return Err(Fault::Expected("`\"` before the end of the line"));
        }
        Ok(())
    }

    fn text(&mut self, start: usize) -> Cow<'a, str> {
        let bytes = &self.bytes[start..self.at];
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                self.repaired = true;
                Cow::Owned(String::from_utf8_lossy(bytes).into_owned())
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Fault> {
        self.advance();
        let plain = match self.peek().ok_or(Fault::Unfinished)? {
            quoted @ (b'"' | b'\\' | b'/') => char::from(quoted),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unicode_escape(out),
            _ => return Err(Fault::Expected("an escape that JSON knows")),
        };
        out.push(plain);
        self.advance();
        Ok(())
    }

    fn unicode_escape(&mut self, out: &mut String) -> Result<(), Fault> {
        self.advance();
        let first = self.hex4()?;
        let mut code = first;
        if (0xD800..0xDC00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let before_second = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if (0xDC00..0xE000).contains(&second) {
                code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            } else {
                self.at = before_second;
            }
        }
        let decoded = char::from_u32(code);
        self.repaired |= decoded.is_none();
        out.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or(Fault::Unfinished)?;
            let digit =
                char::from(byte).to_digit(16).ok_or(Fault::Expected("four hex digits after `\\u`"))?;
            code = code * 16 + digit;
            self.advance();
        }
        Ok(code)
    }

    /// Moves behind the value at the cursor by counting brackets, however deep it is. Says whether it ended.
    pub fn skip_value(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    if self.string().is_err() {
                        return false;
                    }
                    if depth == 0 {
                        return true;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth <= 1 => {
                    self.at += depth;
                    return depth == 1;
                }
                b'}' | b']' => depth -= 1,
                b',' if depth == 0 => return true,
                _ => {}
            }
            self.at += 1;
        }
        depth == 0
    }
}

/// The place of the first quote, backslash or line feed; eight bytes at a time.
fn end_of_plain_text(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero in `word ^ byte`; above the first such byte there may be false ones.
    let marks = |word: u64, byte: u8| {
        let differs = word ^ (ONES * u64::from(byte));
        differs.wrapping_sub(ONES) & !differs & HIGH
    };
    let (words, _) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = marks(word, b'"') | marks(word, b'\\') | marks(word, b'\n');
        if found != 0 {
            return Some(place * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let start = words.len() * 8;
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n');
    bytes[start..].iter().position(is_end).map(|place| start + place)
}

fn integer<'a>(text: &'a str, negative: bool, whole: Option<u64>) -> Value<'a> {
    match (negative, whole) {
        (false, Some(number)) => i64::try_from(number).map_or(Value::UInt(number), Value::Int),
        (true, Some(0)) => Value::Float(-0.0),
        (true, Some(number)) if number <= i64::MAX as u64 + 1 => Value::Int((number as i64).wrapping_neg()),
        _ => Value::Digits(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value<'_>, Fault> {
        let mut reader = Reader::new(text.as_bytes());
        reader.skip_blanks();
        let value = reader.value()?;
        reader.skip_blanks();
        match reader.peek() {
            None => Ok(value),
            Some(_) => Err(Fault::Expected("the end")),
        }
    }

    #[test]
    fn integers_keep_every_digit() {
        assert_eq!(read("9007199254740993").unwrap(), Value::Int(9_007_199_254_740_993));
        assert_eq!(read("18446744073709551615").unwrap(), Value::UInt(u64::MAX));
        assert_eq!(read("-9223372036854775808").unwrap(), Value::Int(i64::MIN));
        assert_eq!(read("184467440737095516160").unwrap(), Value::Digits("184467440737095516160".into()));
        assert_eq!(read("1773136800.123456789").unwrap(), Value::Digits("1773136800.123456789".into()));
    }

    #[test]
    fn what_real_clients_send_beyond_json_is_read() {
        assert_eq!(read("\"a\u{1}b\tc\"").unwrap(), Value::string("a\u{1}b\tc"));
        assert_eq!(read(r#""\udc80x""#).unwrap(), Value::string("\u{fffd}x"));
        assert_eq!(read(r#""\ud83d\ude00""#).unwrap(), Value::string("😀"));
        assert_eq!(read(r#""\ud83dA""#).unwrap(), Value::string("\u{fffd}A"));
        assert_eq!(read("[NaN,-Infinity]").unwrap().to_json(), r#"["NaN","-Infinity"]"#);
    }

    #[test]
    fn a_fault_says_what_was_expected() {
        assert_eq!(read("{'a':1}"), Err(Fault::Expected("a member name in double quotes")));
        assert_eq!(read(r#"{"a" 1}"#), Err(Fault::Expected("`:` after a member name")));
        assert_eq!(read(r#"{"a":1"#), Err(Fault::Unfinished));
        assert_eq!(read("tru"), Err(Fault::Unfinished));
        assert_eq!(read("01"), Err(Fault::Expected("a number without leading zeros")));
    }

    #[test]
    fn nesting_and_number_of_values_end_somewhere() {
        assert_eq!(read(&"[".repeat(100_000)), Err(Fault::TooDeep));
        assert_eq!(read(&format!("[{}1]", "1,".repeat(100_000))), Err(Fault::TooMany));
    }

    #[test]
    fn a_value_that_is_too_deep_can_still_be_stepped_over() {
        let text = format!("{}\"]\"{},7", "[".repeat(100_000), "]".repeat(100_000));
        let mut reader = Reader::new(text.as_bytes());

        assert!(reader.skip_value());
        assert_eq!(&text[reader.position()..], ",7");
    }

    proptest::proptest! {
        #[test]
        fn it_reads_what_another_parser_reads(text in r#"[\[\]{}",:0-9a-e\\ntrufals.\-+ ]{0,40}"#) {
            if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text) {
                let ours = read(&text).expect("valid JSON is read");
                proptest::prop_assert_eq!(normal(&ours), normal(&Value::from(theirs)));
            }
        }

        #[test]
        fn it_never_panics(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            let _ = reader.value();
            let mut reader = Reader::new(&bytes);
            reader.skip_value();
        }
    }

    /// The other parser sorts members and rounds long numbers.
    fn normal(value: &Value) -> serde_json::Value {
        match value {
            Value::Digits(text) => serde_json::from_str(text).unwrap_or_default(),
            Value::Array(items) => items.iter().map(normal).collect(),
            Value::Object(object) => {
                object.iter().map(|(name, value)| (name.to_owned(), normal(value))).collect()
            }
            other => serde_json::from_str(&other.to_json()).unwrap(),
        }
    }
}
