//! Regular expressions as ClickHouse reads them (RE2), checked and run with the `regex` crate.
//!
//! Where the two differ the pattern is rewritten: `\d \w \s \b` are ASCII, `.` matches line ends, brackets have no set
//! operations. What RE2 does not know is refused, so that a query means the same in the browser and in the engine.

use regex::{Regex, RegexBuilder};

use crate::limits;

/// Compiles a pattern that is known to be short.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > limits::REGEX_BYTES {
        return Err(format!("it is longer than {} bytes", limits::REGEX_BYTES));
    }
    RegexBuilder::new(&rewrite(pattern)?)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| reason(&error))
}

/// The pattern with a group to take out: all of it is one where it has none.
#[must_use]
pub fn with_group(pattern: &str) -> String {
    match compile(pattern) {
        Ok(regex) if regex.captures_len() < 2 => format!("({pattern})"),
        _ => pattern.to_owned(),
    }
}

/// The last line of the crate's report, which says what is wrong.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
        error => {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

/// The same pattern in the syntax of the `regex` crate.
fn rewrite(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut class: Option<usize> = None; // characters since the '[' that opened it
    while let Some(c) = chars.next() {
        let position = class.map(|seen| seen + 1);
        match (c, class) {
            ('\\', _) => escape(chars.next(), &mut chars, class.is_some(), &mut out)?,
            ('[', None) => {
                out.push('[');
                class = Some(0);
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]"); // first in a class it is a character
                    class = Some(1);
                }
                continue;
            }
            ('[', Some(_)) if chars.peek() == Some(&':') => posix_class(&mut chars, &mut out),
            (']', Some(_)) => {
                out.push(']');
                class = None;
                continue;
            }
            ('[' | '&' | '~', Some(_)) => out.extend(['\\', c]),
            ('{', None) if repeats_too_often(&chars) => return Err("a repetition is at most 1000".to_owned()),
            ('(', None) if chars.peek() == Some(&'?') => {
                out.push('(');
                group(&mut chars, &mut out)?;
            }
            _ => out.push(c),
        }
        class = position;
    }
    Ok(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// `{n}`, `{n,}` or `{n,m}` above what RE2 takes.
fn repeats_too_often(chars: &Chars<'_>) -> bool {
    let counts: String = chars.clone().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    counts.split(',').any(|count| !count.is_empty() && count.parse().unwrap_or(u32::MAX) > 1000)
}

/// `[:alpha:]` inside a class, copied whole.
fn posix_class(chars: &mut Chars<'_>, out: &mut String) {
    let name: String = chars.clone().take_while(|c| *c != ']').collect();
    if name.ends_with(':') && name.len() > 2 {
        out.push('[');
        out.push_str(&name);
        out.push(']');
        for _ in 0..=name.chars().count() {
            chars.next();
        }
    } else {
        out.push_str("\\[");
    }
}

/// What stands behind a backslash.
fn escape(c: Option<char>, chars: &mut Chars<'_>, in_class: bool, out: &mut String) -> Result<(), String> {
    let c = c.ok_or("it ends with a backslash")?;
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'b' | 'B' if !in_class => {
            out.push_str("(?-u:\\");
            out.push(c);
            out.push(')');
        }
        'Q' if !in_class => quoted(chars, out),
        '0'..='9' => return Err("back-references are not supported".to_owned()),
        'k' | 'g' => return Err("back-references are not supported".to_owned()),
        'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'p' | 'P' => out.extend(['\\', c]),
        'A' | 'z' if !in_class => out.extend(['\\', c]),
        c if c.is_ascii_alphanumeric() => return Err(format!("\\{c} is not supported")),
        '<' | '>' => out.push(c),
        c if c.is_ascii_punctuation() => out.extend(['\\', c]),
        c => out.push(c),
    }
    Ok(())
}

/// `\Q…\E`: literal text.
fn quoted(chars: &mut Chars<'_>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// What stands behind `(`, from the question mark on.
fn group(chars: &mut Chars<'_>, out: &mut String) -> Result<(), String> {
    let ahead: String = chars.clone().take(4).collect();
    if ["?=", "?!", "?<=", "?<!", "?>", "?("].iter().any(|unsupported| ahead.starts_with(unsupported)) {
        return Err("look-around and conditions are not supported".to_owned());
    }
    if ahead.starts_with("?P=")
        || ahead.starts_with("?P>")
        || ahead.starts_with("?#")
        || ahead.starts_with("?R")
    {
        return Err("back-references, recursion and comments are not supported".to_owned());
    }
    if ahead.starts_with("?P<") || ahead.starts_with("?<") {
        return Ok(());
    }
    let flags: String = chars.clone().skip(1).take_while(|c| !matches!(c, ':' | ')')).collect();
    if flags.chars().any(|flag| !matches!(flag, 'i' | 'm' | 's' | 'U' | '-')) {
        return Err(format!("the flags '{flags}' are not supported"));
    }
    out.push('?');
    chars.next();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).expect(pattern).is_match(text)
    }

    #[test]
    fn classes_are_ascii_and_the_dot_crosses_lines() {
        assert!(matches(r"^\w+$", "abc_1") && !matches(r"^\w+$", "é"));
        assert!(matches(r"^\d\D$", "1٣"));
        assert!(matches(r"a.b", "a\nb") && !matches("(?-s)a.b", "a\nb"));
        assert!(matches(r"\bid\b", "éidé") && matches(r"^[\w-]+[\]\s]$", "a-b]"));
        assert!(matches(r"(?i)ÜBER", "über"));
    }

    #[test]
    fn brackets_have_no_set_operations() {
        assert!(matches(r"^[a&&b]+$", "a&b") && matches(r"^[[:alpha:][]+$", "a["));
        assert!(matches(r"^[]a]+$", "a]") && matches(r"^[^]a]$", "b") && matches(r"\Qa.b\E$", "a.b"));
    }

    #[test]
    fn what_re2_does_not_know_is_refused() {
        for pattern in ["a(?=b)", "(?<!a)b", r"(a)\1", r"(?P=x)", "(?x)a b", r"\C", "(", "a{2000}", r"\"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
