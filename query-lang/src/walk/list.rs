//! Lists `(a, b)` and ranges `[a TO b]`.

use super::{Place, Walker};
use crate::lexical::{is_blank, is_curly_quote, run, starts_with_word};
use crate::limits;
use crate::token::TokenClass;
use crate::{Code, Diagnostic, Span};

impl Walker<'_> {
    /// `(a, "b", …)` behind `in`.
    pub(super) fn list(&mut self, field: Span) {
        let start = self.at;
        if !self.open(0) {
            return;
        }
        self.blanks();
        if self.peek() == Some(')') {
            self.close(0);
            let span = Span::new(start, self.at);
            self.report(
                Diagnostic::error(Code::E006, span, "this list is empty").hint("put a value into it"),
            );
            return;
        }
        self.items(field, Span::new(start, start + 1));
        self.close(0);
    }

    fn items(&mut self, field: Span, mut before: Span) {
        for count in 1.. {
            self.blanks();
            let name = self.field_name(field);
            self.expect(Place::Value { field: name });
            if count == limits::LIST_VALUES + 1 {
                let message = format!("a list has at most {} values", limits::LIST_VALUES);
                self.report(Diagnostic::error(Code::E026, self.next_character(), message));
            }
            match self.peek() {
                None | Some('|' | '}') => return,
                Some(')' | ',') => {
                    self.report(Diagnostic::error(Code::E004, before, "a value is missing here"));
                }
                Some(c) => self.plain_value(c, field),
            }
            self.blanks();
            match self.peek() {
                Some(',') => before = self.take(1, TokenClass::Punctuation),
                None | Some(')' | '|' | '}') => return,
                Some(_) => {
                    let span = self.next_character();
                    self.report(Diagnostic::error(Code::E003, span, "values are separated by commas").fix(
                        "add a comma",
                        Span::new(span.start, span.start),
                        ", ",
                    ));
                }
            }
        }
    }

    /// `[low TO high]`, `{low TO high}` and mixtures.
    pub(super) fn range(&mut self, field: Span) {
        let start = self.at;
        let tokens = self.tokens.len();
        if self.well_formed_range(field) {
            return self.bound(true);
        }
        self.at = start;
        self.tokens.truncate(tokens);
        let closer = run(self.rest(), |c| !matches!(c, ']' | '}' | '|'));
        let bracket = if self.rest().starts_with('[') { '[' } else { '{' };
        if self.rest()[closer..].starts_with([']', '}']) {
            let span = self.take(closer + 1, TokenClass::Error);
            self.report(
                Diagnostic::error(Code::E011, span, "a range is [low TO high]")
                    .hint("for example [400 TO 499]; use { } for exclusive ends"),
            );
            self.skip_piece();
        } else {
            let span = self.here(1);
            self.report(
                Diagnostic::error(Code::E002, span, format!("'{bracket}' is never closed"))
                    .hint("a range is [low TO high]"),
            );
            self.take(closer, TokenClass::Error);
        }
    }

    fn well_formed_range(&mut self, field: Span) -> bool {
        self.take(1, TokenClass::Punctuation);
        self.blanks();
        if !self.range_end(field) || !self.blanks() || !starts_with_word(self.rest(), "to") {
            return false;
        }
        self.take(2, TokenClass::Keyword);
        if !self.blanks() || !self.range_end(field) {
            return false;
        }
        self.blanks();
        matches!(self.peek(), Some(']' | '}')) && !self.take(1, TokenClass::Punctuation).is_empty()
    }

    fn range_end(&mut self, field: Span) -> bool {
        let name = self.field_name(field);
        self.expect(Place::Value { field: name });
        match self.peek() {
            Some(quote @ ('"' | '\'')) => {
                let inner = &self.rest()[1..];
                let closed = super::closing_quote(inner, quote);
                closed.is_some_and(|length| !self.take(length + 2, TokenClass::String).is_empty())
            }
            Some(c) if matches!(c, '<' | '>' | '=' | '~') || is_curly_quote(c) || is_blank(c) => false,
            Some(c) if crate::lexical::ends_value(c) => false,
            Some(c) => {
                self.plain_value(c, field);
                true
            }
            None => false,
        }
    }
}
