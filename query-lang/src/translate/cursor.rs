//! A place in foreign text, and the few things that all languages have: blanks, words, quotes, brackets.

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start();
        self.rest.len() < before
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.trim_start().is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes exactly this text.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes one of these texts, longest first as given.
    pub(super) fn eat_one(&mut self, texts: &[&'static str]) -> Option<&'static str> {
        texts.iter().copied().find(|text| self.eat(text))
    }

    /// Takes this word in any letter case, with nothing of a word behind it, and the blanks around it.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        ahead.blanks();
        let found = ahead.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if !found || ahead.rest[word.len()..].starts_with(is_word) {
            return false;
        }
        ahead.rest = &ahead.rest[word.len()..];
        ahead.blanks();
        *self = ahead;
        true
    }

    /// Takes characters while they fit; `None` for none.
    pub(super) fn run(&mut self, fits: impl Fn(char) -> bool) -> Option<&'a str> {
        let length = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!taken.is_empty()).then_some(taken)
    }

    /// A name: letters, digits and what stands inside of them.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        self.run(|c| is_word(c) || matches!(c, '.' | '@' | '-' | '/'))
    }

    /// An ASCII identifier.
    pub(super) fn ident(&mut self) -> Option<&'a str> {
        self.run(is_word)
    }

    /// A string in any of the quotes, without them. Doubled quotes and backslashes are resolved.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Some(text);
                }
                '\\' if quote != '`' => match chars.next()?.1 {
                    c if c == quote || c == '\\' => text.push(c),
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        None
    }

    /// The inside of a bracket that starts here, with quotes respected.
    pub(super) fn bracketed(&mut self) -> Option<&'a str> {
        let mut depth = 0_usize;
        let mut quote = None;
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'' | '`') => quote = Some(c),
                (None, '(' | '[' | '{') => depth += 1,
                (None, ')' | ']' | '}') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        let inside = &self.rest[1..at];
                        self.rest = &self.rest[at + 1..];
                        return Some(inside);
                    }
                }
                (None, _) if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits at a character outside of quotes and brackets.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote, mut escaped) = (0, 0_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, c) if c == separator && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_brackets_keep_together_what_is_inside() {
        assert_eq!(split(r#"a | b "x|y" | c{d|e}"#, '|'), ["a", r#"b "x|y""#, "c{d|e}"]);
        let mut cursor = Cursor::new("(a, f(b), ')') rest");
        assert_eq!(cursor.bracketed(), Some("a, f(b), ')'"));
        assert_eq!(cursor.rest, " rest");
        assert_eq!(Cursor::new(r#""a\"b\d""#).quoted().as_deref(), Some(r#"a"b\d"#));
        assert_eq!(Cursor::new("(open").bracketed(), None);
    }
}
