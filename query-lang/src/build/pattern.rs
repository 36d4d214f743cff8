//! The pattern of `parse`: literal text with placeholders, `user=<user> from <ip>`.

use super::Built;
use crate::ast::{Literal, ParsePart};
use crate::{Code, Diagnostic, limits};

/// Splits a pattern into its pieces.
pub(super) fn parts(pattern: &Literal) -> Built<Vec<ParsePart>> {
    let mut parts: Vec<ParsePart> = Vec::new();
    let mut rest = pattern.text.as_str();
    while let Some(at) = rest.find('<') {
        match placeholder(&rest[at..]) {
            Some((part, length)) => {
                push_text(&mut parts, &rest[..at]);
                if !matches!(parts.last(), None | Some(ParsePart::Text(_))) {
                    return refused(
                        pattern,
                        "two placeholders need text between them",
                        "put the text that stands between them",
                    );
                }
                parts.push(part);
                rest = &rest[at + length..];
            }
            None => {
                push_text(&mut parts, &rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    push_text(&mut parts, rest);
    let names: Vec<&String> = parts.iter().filter_map(captured).collect();
    let placeholders = parts.iter().filter(|part| !matches!(part, ParsePart::Text(_))).count();
    if placeholders == 0 {
        return refused(
            pattern,
            "the pattern has no placeholder",
            "write for example \"user=<user> from <ip>\"",
        );
    }
    if placeholders > limits::PLACEHOLDERS {
        let message = format!("a pattern has at most {} placeholders", limits::PLACEHOLDERS);
        return Err(Diagnostic::error(Code::E026, pattern.span, message));
    }
    if let Some((_, twice)) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
        let message = format!("two columns are named '{twice}'");
        return Err(
            Diagnostic::error(Code::E019, pattern.span, message).hint("use <_> for text that is not needed")
        );
    }
    Ok(parts)
}

/// A placeholder at the start of `text`, and its length in bytes. Other uses of `<` are text.
fn placeholder(text: &str) -> Option<(ParsePart, usize)> {
    let inner = &text[1..text.find('>')?];
    let length = inner.len() + 2;
    if inner == "_" {
        return Some((ParsePart::Skip, length));
    }
    let (name, number) = match inner.split_once(':') {
        Some((name, "number")) => (name, true),
        Some(_) => return None,
        None => (inner, false),
    };
    let is_name = crate::lexical::filter_name(name) == name.len() && !name.is_empty();
    is_name.then(|| (ParsePart::Capture { name: name.to_owned(), number }, length))
}

fn push_text(parts: &mut Vec<ParsePart>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(ParsePart::Text(before)) => before.push_str(text),
        _ => parts.push(ParsePart::Text(text.to_owned())),
    }
}

fn captured(part: &ParsePart) -> Option<&String> {
    match part {
        ParsePart::Capture { name, .. } => Some(name),
        _ => None,
    }
}

fn refused<T>(pattern: &Literal, message: &str, hint: &str) -> Built<T> {
    Err(Diagnostic::error(Code::E029, pattern.span, message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn of(text: &str) -> Built<Vec<ParsePart>> {
        parts(&crate::literal::literal(&format!("'{text}'"), Span::default()))
    }

    #[test]
    fn other_uses_of_angle_brackets_are_text() {
        let parts = of("a < b <n:number> -> <_>").expect("valid");
        assert_eq!(
            parts,
            [
                ParsePart::Text("a < b ".into()),
                ParsePart::Capture { name: "n".into(), number: true },
                ParsePart::Text(" -> ".into()),
                ParsePart::Skip,
            ]
        );
    }

    #[test]
    fn patterns_that_cannot_work_are_refused() {
        for (text, code) in [("no placeholder", Code::E029), ("<a><b>", Code::E029), ("<a> <a>", Code::E019)]
        {
            assert_eq!(of(text).map_err(|error| error.code), Err(code), "{text}");
        }
    }
}
