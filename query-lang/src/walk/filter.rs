//! Terms of a filter, and of the value groups in it: `a b OR -c`, `f:(a OR b)`.

use super::{Place, Walker};
use crate::lexical::{
    ends_word, filter_name, is_blank, is_bound, is_curly_quote, run, starts_name, starts_with_word,
};
use crate::limits;
use crate::token::TokenClass;
use crate::{Code, Diagnostic, Span};

/// What stands between the operators.
pub(super) enum Terms {
    /// Free words and predicates.
    Filter,
    /// Values that one field applies to; the field as typed.
    Values { field: Span },
    /// Values behind `*:`.
    AnyValues,
}

/// An operator that waits for what it applies to.
#[derive(Clone, Copy)]
struct Pending {
    span: Span,
    is_or: bool,
}

/// Where a list of terms stands.
#[derive(Default)]
struct Progress {
    pending: Option<Pending>,
    /// Signs in a row, which nest like brackets.
    signs: usize,
    /// A whole term stands on the left.
    operand: bool,
    any: bool,
}

const FUNCTIONS: [(&str, &str); 7] = [
    ("exists", "exists(field)"),
    ("missing", "missing(field)"),
    ("cidr", "cidr(field, 10.0.0.0/8)"),
    ("contains", "contains(field, \"text\")"),
    ("startswith", "startswith(field, \"text\")"),
    ("endswith", "endswith(field, \"text\")"),
    ("phrase", "phrase(field, \"some words\")"),
];

impl Walker<'_> {
    /// Reads terms up to `|`, a closer of something open, or the end. True if there was one.
    pub(super) fn terms_of(&mut self, terms: &Terms) -> bool {
        let mut progress = Progress::default();
        let mut blank = true;
        loop {
            blank |= self.blanks();
            self.expect_term(terms, &progress);
            match self.peek() {
                None => break,
                Some('|') if !self.rest().starts_with("||") => break,
                Some(')' | '}' | ']') if self.at_closer() => break,
                Some(')' | '}' | ']') => continue,
                Some(_) => {}
            }
            if !self.keyword(&mut progress, blank) && !self.wrong_operator(&mut progress) {
                self.operand(terms, &mut progress, blank);
            }
            blank = false;
        }
        if let Some(pending) = progress.pending {
            self.needs_right(pending);
        }
        progress.any
    }

    /// A sign or a term, or what stands in its place.
    fn operand(&mut self, terms: &Terms, progress: &mut Progress, blank: bool) {
        if progress.operand && progress.pending.is_none() && !blank {
            self.glued();
        } else if self.at_sign(terms, progress) {
            return;
        } else {
            self.count_term();
            self.term(terms, progress.signs.saturating_sub(1));
        }
        *progress = Progress { operand: true, any: true, ..Progress::default() };
    }

    fn expect_term(&mut self, terms: &Terms, progress: &Progress) {
        let noted = self.expect(match terms {
            Terms::Filter => Place::Term,
            Terms::Values { field } => Place::Value { field: self.field_name(*field) },
            Terms::AnyValues => Place::Free,
        });
        if noted && progress.operand {
            self.or_expect(Place::Words(&["AND", "OR", "NOT"]));
        } else if noted && progress.pending.is_none() {
            self.or_expect(Place::Words(&["NOT"]));
        }
    }

    /// The field's path, from its source text.
    pub(super) fn field_name(&self, span: Span) -> String {
        let raw = span.text(self.source);
        if raw.starts_with('`') { crate::literal::unbacktick(raw) } else { raw.to_owned() }
    }

    fn count_term(&mut self) {
        self.terms += 1;
        if self.terms == limits::TERMS + 1 {
            let message = format!("a query has at most {} terms", limits::TERMS);
            self.report(Diagnostic::error(Code::E026, self.next_character(), message));
        }
    }

    /// Takes AND, OR or NOT, if one is next.
    fn keyword(&mut self, progress: &mut Progress, blank: bool) -> bool {
        let Some(word) = ["and", "or", "not"].into_iter().find(|word| self.at_operator(word)) else {
            return false;
        };
        if word == "not" && progress.operand && progress.pending.is_none() && !blank {
            return false;
        }
        let span = self.take(word.len(), TokenClass::Keyword);
        match word {
            "not" => self.sign(progress, span),
            _ => self.binary(progress, span, word == "or"),
        }
        true
    }

    /// Takes `&&` or `||`, which are written AND and OR here.
    fn wrong_operator(&mut self, progress: &mut Progress) -> bool {
        let Some((wrong, right)) =
            [("&&", "AND"), ("||", "OR")].into_iter().find(|(wrong, _)| self.rest().starts_with(wrong))
        else {
            return false;
        };
        let span = self.take(2, TokenClass::Error);
        let hint =
            if wrong == "||" { "use OR; a single | starts a stage" } else { "use AND, or just a space" };
        self.report(
            Diagnostic::error(Code::E007, span, format!("'{wrong}' is not an operator")).hint(hint).fix(
                format!("use {right}"),
                span,
                format!(" {right} "),
            ),
        );
        *progress = Progress {
            pending: Some(Pending { span, is_or: wrong == "||" }),
            any: true,
            ..Progress::default()
        };
        true
    }

    /// AND, OR or NOT as a whole word.
    pub(super) fn at_operator(&self, word: &str) -> bool {
        starts_with_word(self.rest(), word) && {
            let after = self.rest()[word.len()..].chars().next();
            after.is_none_or(|c| is_blank(c) || matches!(c, '(' | ')' | '|' | '}'))
        }
    }

    fn binary(&mut self, progress: &mut Progress, span: Span, is_or: bool) {
        let word = span.text(self.source).to_ascii_uppercase();
        match progress.pending {
            Some(pending) if !pending.is_or => self.needs_right(pending),
            None if progress.operand => {}
            _ => self.report(
                Diagnostic::error(Code::E005, span, format!("{word} needs a term on its left"))
                    .hint(format!("to search for the word, write \"{}\"", word.to_lowercase()))
                    .fix("remove it", span, ""),
            ),
        }
        *progress = Progress { pending: Some(Pending { span, is_or }), any: true, ..Progress::default() };
    }

    fn needs_right(&mut self, pending: Pending) {
        let text = pending.span.text(self.source).to_ascii_uppercase();
        let error = Diagnostic::error(Code::E005, pending.span, format!("{text} needs a term on its right"));
        self.report(match text.as_str() {
            "AND" | "OR" | "NOT" => error
                .hint(format!("to search for the word, write \"{}\"", text.to_lowercase()))
                .fix("remove it", pending.span, ""),
            _ => error,
        });
    }

    fn sign(&mut self, progress: &mut Progress, span: Span) {
        progress.signs += 1;
        self.depth += progress.signs;
        if progress.signs > 1 && self.depth > limits::NESTING {
            self.at = span.start;
            self.tokens.pop();
            self.too_deep();
        }
        self.depth = self.depth.saturating_sub(progress.signs);
        progress.pending = Some(Pending { span, is_or: false });
        progress.any = true;
    }

    /// Takes `!` or `-` in front of a term.
    fn at_sign(&mut self, terms: &Terms, progress: &mut Progress) -> bool {
        let Some(c @ ('!' | '-')) = self.peek() else { return false };
        let after = self.rest()[1..].chars().next();
        match (c, after) {
            ('-', Some('-')) => self.double_dash(),
            ('-', Some('>')) if matches!(terms, Terms::Filter) => return false,
            ('!', Some('=' | '~')) => return false,
            (_, Some(blank)) if is_blank(blank) => {
                let span = self.take(1, TokenClass::Error);
                let behind = self.behind_blanks();
                self.report(
                    Diagnostic::error(Code::E005, span, format!("'{c}' must touch the term it negates"))
                        .hint("remove the space after it")
                        .fix("remove the space", Span::new(span.end, behind), ""),
                );
            }
            _ => {
                let span = self.take(1, TokenClass::Operator);
                self.sign(progress, span);
            }
        }
        true
    }

    fn double_dash(&mut self) {
        let span = self.here(2);
        let word = self.here(run(self.rest(), |c| !ends_word(c)));
        let quoted = crate::quote::string(word.text(self.source));
        self.report(
            Diagnostic::error(Code::E014, span, "'--' is a double negation")
                .hint("to search for the text, quote it: \"--…\"")
                .fix("search for the text", word, quoted),
        );
        self.take(run(self.rest(), |c| c == '-'), TokenClass::Error);
    }

    /// Two terms without a blank between them, or a character that ends a term and starts nothing.
    fn glued(&mut self) {
        let span = self.next_character();
        match self.peek() {
            Some(c @ ',') => self.not_allowed(span, c, "between terms"),
            Some('<' | '>' | '=') => self.operator_without_field(None),
            _ => self.report(
                Diagnostic::error(Code::E009, span, "terms must be separated by a space")
                    .hint("add a space, or quote the text")
                    .fix("add a space", Span::new(span.start, span.start), " "),
            ),
        }
        self.skip_piece();
    }

    /// One term, without the signs before it.
    fn term(&mut self, terms: &Terms, signs: usize) {
        match (self.peek(), terms) {
            (Some('('), _) => self.group(terms, signs, self.at),
            (Some(_), Terms::Filter) => self.filter_term(),
            (Some(_), Terms::Values { field }) => self.value(*field),
            (Some(_), Terms::AnyValues) => self.any_value(),
            (None, _) => {}
        }
    }

    /// `( … )`; `start` is where it would be called empty.
    pub(super) fn group(&mut self, terms: &Terms, signs: usize, start: usize) {
        if !self.open(signs) {
            return;
        }
        if !self.terms_of(terms) && self.peek() == Some(')') {
            self.close(signs);
            let span = Span::new(start, self.at);
            self.report(
                Diagnostic::error(Code::E006, span, "this group is empty").hint("put a term into it"),
            );
        } else {
            self.close(signs);
        }
    }

    fn filter_term(&mut self) {
        match self.peek().unwrap_or(' ') {
            '"' | '\'' => self.phrase(),
            '`' => {
                if let Some(span) = self.quoted(TokenClass::Field) {
                    self.predicate(span);
                }
            }
            '*' if self.rest().starts_with("*:") => self.any_field(),
            '*' if self.rest()[1..].starts_with(['<', '>', '=']) => self.any_field_operator(1),
            '<' | '>' | '=' | '!' => self.operator_without_field(None),
            '-' => {
                let span = self.here(2);
                self.report(
                    Diagnostic::error(Code::E003, span, "'->' cannot start a search word")
                        .hint("quote the text")
                        .fix("quote it", span, "\"->\""),
                );
                self.skip_piece();
            }
            c if is_curly_quote(c) => self.curly_quote(),
            c @ ('[' | ']' | '{' | ',') => {
                self.not_allowed(self.next_character(), c, "at the start of a search word");
                self.skip_piece();
            }
            c if starts_name(c) => self.named_term(),
            _ => self.word(),
        }
    }

    /// A string in the place of a term.
    fn phrase(&mut self) {
        let Some(span) = self.quoted(TokenClass::String) else { return };
        let operator = self.behind_blanks();
        if self.rest().starts_with(':') || self.source[operator..].starts_with(['<', '>', '=']) {
            let name = crate::literal::unquote(span.text(self.source));
            let name = crate::quote::filter_field(&name);
            self.report(
                Diagnostic::error(Code::E010, span, "field names are quoted with backticks")
                    .hint(format!("write {name}:…"))
                    .fix("use backticks", span, name),
            );
            self.predicate(span);
        } else if span.end - span.start == 2 {
            self.empty_phrase(span);
        } else {
            self.bound(false);
        }
    }

    pub(super) fn empty_phrase(&mut self, span: Span) {
        self.report(
            Diagnostic::error(Code::E013, span, "an empty phrase matches nothing")
                .hint("for an empty value write field:\"\""),
        );
    }

    /// A term that starts like a field name.
    fn named_term(&mut self) {
        let length = filter_name(self.rest());
        let name = self.here(length);
        let after = &self.source[name.end..];
        let is_field = after.starts_with(':') && !after.starts_with("::") && !after.starts_with("://");
        if after.starts_with('(') {
            self.function();
        } else if is_field || self.comparison_follows(name.end) || self.list_follows(name.end) {
            let class = field_class(name.text(self.source));
            self.take(length, class);
            self.predicate(name);
        } else {
            self.word();
        }
    }

    /// `field < …`, with blanks or without.
    fn comparison_follows(&self, end: usize) -> bool {
        let touching = &self.source[end..];
        if touching.starts_with("~=") || touching.starts_with("~\"") {
            return true;
        }
        let rest = self.ahead_from(end).rest();
        rest.starts_with(['<', '>', '=']) || rest.starts_with("!=") || rest.starts_with("!~")
    }

    /// `field [not] in (` or `{`.
    pub(super) fn list_follows(&self, end: usize) -> bool {
        let mut ahead = self.ahead_from(end);
        if ahead.at == end {
            return false;
        }
        if ahead.at_operator("not") {
            ahead.at += 3;
            ahead.blanks();
        }
        if !starts_with_word(ahead.rest(), "in") {
            return false;
        }
        ahead.at += 2;
        ahead.blanks();
        ahead.rest().starts_with(['(', '{'])
    }

    /// `cidr(client.ip, …)`, or a name that is no function.
    fn function(&mut self) {
        let length = filter_name(self.rest());
        let name = self.here(length);
        let text = name.text(self.source);
        let known = FUNCTIONS.iter().any(|(function, _)| function.eq_ignore_ascii_case(text));
        self.take(length, if known { TokenClass::Function } else { TokenClass::Error });
        if !known {
            let foreign = crate::suggest::foreign_function(text);
            let names = FUNCTIONS.iter().map(|(function, _)| *function);
            let near = foreign.or_else(|| crate::suggest::nearest(text, names));
            let error = Diagnostic::error(Code::E017, name, format!("'{text}' is not a function of filters"));
            self.report(match FUNCTIONS.iter().find(|(function, _)| Some(*function) == near) {
                Some((function, usage)) => error.hint(format!("did you mean {usage}?")).fix(
                    format!("use {function}"),
                    name,
                    *function,
                ),
                None => error.hint(
                    "functions of filters: exists, missing, cidr, contains, startswith, endswith, phrase",
                ),
            });
        }
        self.function_arguments(name);
    }

    /// A free word.
    fn word(&mut self) {
        let length = run(self.rest(), |c| !ends_word(c));
        let word = self.here(length);
        let text = word.text(self.source);
        if text == "*" || text.contains(['*', '?']) {
            self.take(length, TokenClass::Wildcard);
        } else {
            self.take(length, TokenClass::Text);
        }
        match self.peek() {
            Some('<' | '>' | '=') => self.operator_without_field(Some(word)),
            _ => self.bound(false),
        }
    }

    /// An operator where only a term can stand, or behind text that is no field.
    fn operator_without_field(&mut self, left: Option<Span>) {
        let length = run(self.rest(), |c| matches!(c, '<' | '>' | '=' | '!' | '~'));
        let span = self.take(length, TokenClass::Error);
        let operator = span.text(self.source);
        let message = match left {
            Some(left) => {
                let left = left.text(self.source);
                format!("'{left}' is not a field name, so '{operator}' has nothing to compare")
            }
            None => format!("'{operator}' has no field on its left"),
        };
        self.report(Diagnostic::error(Code::E008, span, message).hint("quote the text"));
        self.skip_piece();
    }

    /// What follows a term has to end it.
    pub(super) fn bound(&mut self, is_value: bool) {
        let Some(c) = self.peek().filter(|c| !is_bound(*c)) else { return };
        let span = self.next_character();
        let after_quotes = self.source[..self.at].ends_with(['"', '\'']);
        if after_quotes && c == '*' {
            self.report(
                Diagnostic::error(Code::E009, span, "wildcards go outside quotes only in unquoted values")
                    .hint("use =~\"…\" or an unquoted pattern"),
            );
        } else if after_quotes || matches!(c, ')' | '}') {
            self.report(
                Diagnostic::error(Code::E009, span, "terms must be separated by a space")
                    .hint("add a space, or quote the text")
                    .fix("add a space", Span::new(span.start, span.start), " "),
            );
        } else {
            self.not_allowed(
                span,
                c,
                if is_value { "inside an unquoted value" } else { "inside a search word" },
            );
        }
        self.skip_piece();
    }

    pub(super) fn not_allowed(&mut self, span: Span, c: char, place: &str) {
        let hint = match c {
            ',' if place.contains("value") => "quote the value, or use in (a, b)",
            '`' => "backticks quote field names; quote text with \"",
            _ => "quote the text",
        };
        self.report(Diagnostic::error(Code::E003, span, format!("'{c}' is not allowed {place}")).hint(hint));
    }

    pub(super) fn curly_quote(&mut self) {
        let first = self.next_character();
        let rest = &self.rest()[first.end - first.start..];
        let error = Diagnostic::error(Code::E003, first, "curly quotes are not quotes here")
            .hint("use straight quotes: \"…\"");
        let error = match rest.char_indices().find(|(_, c)| is_curly_quote(*c)) {
            Some((length, last)) => {
                let whole = Span::new(first.start, first.end + length + last.len_utf8());
                let text = crate::quote::string(&rest[..length]);
                self.take(whole.end - whole.start, TokenClass::Error);
                error.fix("use straight quotes", whole, text)
            }
            None => {
                self.take_character(TokenClass::Error);
                error.fix("remove it", first, "")
            }
        };
        self.report(error);
        self.skip_piece();
    }
}

/// Core fields look different.
pub(super) fn field_class(name: &str) -> TokenClass {
    if crate::ast::Core::from_name(name).is_some() { TokenClass::CoreField } else { TokenClass::Field }
}
