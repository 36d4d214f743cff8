//! What single characters mean, shared by everything that looks at query text. Mirrors the lexical part of
//! `grammar.pest`.

use pest::unicode::{LETTER, MARK, NUMBER};

pub(crate) fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '\u{0B}' | '\u{0C}' | '\u{A0}' | '\u{2003}' | '\u{2009}' | '\u{3000}'
    )
}

/// Quotes that word processors make.
pub(crate) fn is_curly_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '‘' | '’')
}

/// Ends an unquoted value.
pub(crate) fn ends_value(c: char) -> bool {
    is_blank(c) || matches!(c, '(' | ')' | '|' | '"' | '`' | '[' | ']' | '{' | '}' | ',')
}

/// Ends an unquoted word of the filter.
pub(crate) fn ends_word(c: char) -> bool {
    ends_value(c) || matches!(c, '<' | '>' | '=')
}

/// May follow a term.
pub(crate) fn is_bound(c: char) -> bool {
    is_blank(c) || matches!(c, ')' | '|' | '}' | ',')
}

pub(crate) fn starts_name(c: char) -> bool {
    c == '_' || c == '@' || is_letter(c)
}

pub(crate) fn continues_name(c: char) -> bool {
    matches!(c, '_' | '@' | '$') || is_letter(c) || is_number(c) || (!c.is_ascii() && MARK(c))
}

pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { LETTER(c) }
}

pub(crate) fn is_number(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { NUMBER(c) }
}

/// Length in bytes of the longest prefix whose characters all satisfy `wanted`.
pub(crate) fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

/// Length of the field name that `text` starts with, 0 if none. `joints` may stand inside a name, not last.
fn name(text: &str, joints: &[char]) -> usize {
    if !text.starts_with(starts_name) {
        return 0;
    }
    let mut end = run(text, continues_name);
    loop {
        let joint = run(&text[end..], |c| joints.contains(&c));
        let word = run(&text[end + joint..], continues_name);
        if joint == 0 || word == 0 {
            return end;
        }
        end += joint + word;
    }
}

/// A name in a filter, where `-` and `/` are no operators.
pub(crate) fn filter_name(text: &str) -> usize {
    name(text, &['.', '/', '-'])
}

/// A name in an expression or a stage. Exactly one dot between words.
pub(crate) fn expression_name(text: &str) -> usize {
    let mut end = name(text, &['.']);
    if let Some(doubled) = text[..end].find("..") {
        end = doubled;
    }
    end
}

/// A plain ASCII word: stages, functions, options.
pub(crate) fn ident(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    run(text, |c| c.is_ascii_alphanumeric() || c == '_')
}

/// `text` starts with the word in any letter case; what follows is the caller's business.
pub(crate) fn starts_with_word(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_filters_have_dashes_and_slashes_inside_only() {
        assert_eq!(
            filter_name("k8s.labels.app.kubernetes.io/name:web"),
            "k8s.labels.app.kubernetes.io/name".len()
        );
        assert_eq!(filter_name("order-id-:x"), "order-id".len());
        assert_eq!(filter_name("http://x"), "http".len());
        assert_eq!(filter_name("9lives"), 0);
    }

    #[test]
    fn names_in_expressions_stop_at_operators() {
        assert_eq!(expression_name("a.b-c"), 3);
        assert_eq!(expression_name("a..b"), 1);
        assert_eq!(expression_name("größe + 1"), "größe".len());
    }
}
