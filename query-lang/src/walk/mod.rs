//! Reads any text the way the grammar does, and never gives up: what stands where (for colours), what may come next
//! (for completion), and the first thing that is wrong, with its code and span.
//!
//! It accepts exactly what `grammar.pest` accepts; a property test holds the two together. It also is the guard in
//! front of pest: text that nests too deeply never gets there.

mod argument;
mod expression;
mod filter;
mod list;
mod stage;
mod value;

use crate::lexical::{continues_name, ident, is_blank, run};
use crate::limits;
use crate::token::{Token, TokenClass};
use crate::{Code, Diagnostic, Fix, Span, TextEdit};

/// What may be typed at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The start of a term of the filter.
    Term,
    /// A value of this field, behind `:` or a comparison.
    Value {
        field: String,
    },
    /// Behind a whole operand of an expression.
    Operator,
    /// An operand of an expression; the field it is compared with, if any.
    Operand {
        field: Option<String>,
    },
    Column,
    Stage,
    Aggregate,
    WindowFunction,
    Options {
        stage: &'static str,
    },
    OptionValue {
        stage: &'static str,
        option: String,
    },
    /// One of these words.
    Words(&'static [&'static str]),
    Table,
    /// Something only the user can know: new names, numbers, text.
    Free,
}

pub(crate) struct Walker<'a> {
    pub(crate) source: &'a str,
    pub(crate) at: usize,
    pub(crate) tokens: Vec<Token>,
    pub(crate) error: Option<Box<Diagnostic>>,
    /// The last place that was reached, and where; and what else may stand there.
    pub(crate) place: (usize, Place),
    pub(crate) also: Vec<Place>,
    /// Where the pipe around `place` starts, and where its last `|` stands.
    pub(crate) pipe: (usize, Option<usize>),
    pipes: Vec<(usize, Option<usize>)>,
    /// Brackets that are open, outermost first.
    open: Vec<(char, usize)>,
    /// Brackets and chains of signs around the current offset.
    depth: usize,
    subqueries: usize,
    subquery_depth: usize,
    terms: usize,
    operators: usize,
    /// A string without end took the rest of the text.
    swallowed: bool,
    /// Nested too deeply: nothing behind this counts.
    given_up: bool,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            tokens: Vec::new(),
            error: None,
            place: (0, Place::Term),
            also: Vec::new(),
            pipe: (0, None),
            pipes: Vec::new(),
            open: Vec::new(),
            depth: 0,
            subqueries: 0,
            subquery_depth: 0,
            terms: 0,
            operators: 0,
            swallowed: false,
            given_up: false,
        }
    }

    /// Walks over the whole text.
    pub(crate) fn query(&mut self) {
        if self.rest().starts_with("//") {
            self.comment();
        }
        self.blanks();
        self.pipeline();
        self.offer_literal_search();
    }

    /// `[filter] { | stage }`, up to the end or a closing brace.
    fn pipeline(&mut self) {
        self.pipes.push((self.at, None));
        self.terms_of(&filter::Terms::Filter);
        let mut stages = 0;
        while self.peek() == Some('|') {
            stages += 1;
            if stages > limits::STAGES {
                self.report(Diagnostic::error(
                    Code::E026,
                    self.here(1),
                    format!("a query has at most {} stages", limits::STAGES),
                ));
            }
            if let Some((_, bar)) = self.pipes.last_mut() {
                *bar = Some(self.at);
            }
            self.stage();
        }
        self.pipes.pop();
    }

    // ---------- looking

    pub(crate) fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next `bytes`, cut to the end of the text.
    pub(crate) fn here(&self, bytes: usize) -> Span {
        Span::new(self.at, (self.at + bytes).min(self.source.len()))
    }

    /// The next character; empty at the end of the text.
    pub(crate) fn next_character(&self) -> Span {
        self.here(self.peek().map_or(0, char::len_utf8))
    }

    /// A second walker behind the blanks and comments here, to look around without consequences.
    pub(crate) fn ahead(&self) -> Walker<'a> {
        self.ahead_from(self.at)
    }

    pub(crate) fn ahead_from(&self, at: usize) -> Walker<'a> {
        let mut ahead = Walker::new(self.source);
        ahead.at = at;
        ahead.blanks();
        ahead.tokens.clear();
        ahead
    }

    /// Where the text goes on behind blanks and comments.
    pub(crate) fn behind_blanks(&self) -> usize {
        self.ahead().at
    }

    /// The next `bytes` are one of these words (any letter case) as a whole.
    pub(crate) fn at_word(&self, word: &str) -> bool {
        let length = ident(self.rest());
        length == word.len()
            && crate::lexical::starts_with_word(self.rest(), word)
            && !self.name_goes_on(length)
    }

    /// A name would go on behind the next `length` bytes.
    pub(crate) fn name_goes_on(&self, length: usize) -> bool {
        self.rest()[length..].starts_with(|c| continues_name(c) || c == '.')
    }

    // ---------- moving

    /// Takes the next `bytes` as a token.
    pub(crate) fn take(&mut self, bytes: usize, class: TokenClass) -> Span {
        let span = self.here(bytes);
        self.at = span.end;
        if !span.is_empty() {
            self.tokens.push(Token { class, start: span.start, end: span.end });
        }
        span
    }

    pub(crate) fn take_character(&mut self, class: TokenClass) -> Span {
        self.take(self.peek().map_or(0, char::len_utf8), class)
    }

    /// Skips blanks, and the comments behind them. True if there was one.
    pub(crate) fn blanks(&mut self) -> bool {
        let start = self.at;
        loop {
            self.at += run(self.rest(), is_blank);
            if self.at == start || !self.rest().starts_with("//") {
                return self.at > start;
            }
            self.comment();
        }
    }

    fn comment(&mut self) {
        self.take(run(self.rest(), |c| c != '\n'), TokenClass::Comment);
    }

    /// A quoted string or a backtick name, with both quotes. `None` when it has no end; then everything is taken.
    pub(crate) fn quoted(&mut self, class: TokenClass) -> Option<Span> {
        let quote = self.peek()?;
        let inner = &self.rest()[1..];
        match closing_quote(inner, quote) {
            Some(0) if quote == '`' => {
                let span = self.take(2, TokenClass::Error);
                self.report(Diagnostic::error(
                    Code::E003,
                    span,
                    "a field name is expected between the backticks",
                ));
                Some(span)
            }
            Some(length) => Some(self.take(length + 2, class)),
            None => {
                let span = self.take(self.rest().len(), class);
                self.swallowed = true;
                let what = if quote == '`' { "field name" } else { "string" };
                let name = if quote == '`' { "backtick".to_owned() } else { quote.to_string() };
                let message = format!("this {what} is not closed");
                self.report(
                    Diagnostic::error(Code::E001, span, message).hint(format!("add a closing {name}")).fix(
                        "close it at the end",
                        Span::new(span.end, span.end),
                        quote,
                    ),
                );
                None
            }
        }
    }

    /// After something wrong: takes the rest of the piece, to go on at the next blank or bracket.
    pub(crate) fn skip_piece(&mut self) {
        let start = self.at;
        while let Some(c) = self.peek() {
            match c {
                '"' | '`' => {
                    self.quoted(TokenClass::Error);
                }
                ')' | '}' | '|' | '(' | '{' if self.at > start => return,
                _ if is_blank(c) => return,
                _ => {
                    self.take_character(TokenClass::Error);
                }
            }
        }
    }

    // ---------- brackets

    /// Opens a bracket at the current character. False when it is one too deep; then the walk ends here.
    pub(crate) fn open(&mut self, signs: usize) -> bool {
        let at = self.at;
        self.depth += 1 + signs;
        if self.too_deep() {
            return false;
        }
        let bracket = self.peek().unwrap_or('(');
        self.take_character(TokenClass::Punctuation);
        self.open.push((bracket, at));
        true
    }

    /// Closes the innermost bracket, which was opened with as many `signs`.
    pub(crate) fn close(&mut self, signs: usize) {
        self.depth = self.depth.saturating_sub(1 + signs);
        let Some((bracket, at)) = self.open.pop() else { return };
        if self.peek() == Some(closer(bracket)) {
            self.take_character(TokenClass::Punctuation);
        } else if !self.swallowed {
            let end = Span::new(self.at, self.at);
            self.report(
                Diagnostic::error(Code::E002, Span::new(at, at + 1), format!("'{bracket}' is never closed"))
                    .hint(format!("add the closing '{}'", closer(bracket)))
                    .fix("close it here", end, closer(bracket)),
            );
        }
    }

    /// Reports the current character as nested too deeply, if it is, and ends the walk.
    pub(crate) fn too_deep(&mut self) -> bool {
        let too_deep = self.depth > limits::NESTING;
        if too_deep {
            self.report(
                Diagnostic::error(Code::E026, self.next_character(), "this is nested too deeply")
                    .hint(format!("at most {} levels", limits::NESTING)),
            );
            self.give_up();
        }
        too_deep
    }

    /// Ends the walk: the rest is not looked at.
    fn give_up(&mut self) {
        self.swallowed = true;
        self.given_up = true;
        self.take(self.rest().len(), TokenClass::Text);
    }

    /// True at a closing bracket that belongs to something that is open; a stray one is reported and taken.
    pub(crate) fn at_closer(&mut self) -> bool {
        let Some(c) = self.peek().filter(|c| matches!(c, ')' | '}' | ']')) else { return false };
        if self.open.iter().any(|(bracket, _)| closer(*bracket) == c) {
            return true;
        }
        let span = self.take_character(TokenClass::Error);
        self.report(
            Diagnostic::error(Code::E002, span, format!("unexpected '{c}'"))
                .hint("nothing is open here; remove it, or quote the text")
                .fix("remove it", span, ""),
        );
        false
    }

    /// `{ query }`
    pub(crate) fn subquery(&mut self) {
        self.subqueries += 1;
        self.subquery_depth += 1;
        let limit = match () {
            () if self.subqueries > limits::SUBQUERIES => Some("a query has at most 4 subqueries"),
            () if self.subquery_depth > limits::SUBQUERY_DEPTH => Some("subqueries nest at most 2 deep"),
            () => None,
        };
        if let Some(message) = limit {
            self.report(Diagnostic::error(Code::E026, self.here(1), message));
        }
        if self.open(0) {
            self.blanks();
            self.pipeline();
            self.close(0);
        }
        self.subquery_depth -= 1;
    }

    // ---------- findings

    /// Keeps the first error by position.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        let first = self.error.as_ref().is_none_or(|first| diagnostic.span.start < first.span.start);
        if first && !self.given_up {
            self.error = Some(Box::new(diagnostic));
        }
    }

    /// Notes what may come here; what was noted first at an offset stays. Right behind a name nothing new can start.
    pub(crate) fn expect(&mut self, place: Place) -> bool {
        let first =
            (self.place.0 < self.at || self.at == 0) && !self.source[..self.at].ends_with(continues_name);
        if first {
            self.place = (self.at, place);
            self.also.clear();
            self.pipe = self.pipes.last().copied().unwrap_or_default();
        }
        first
    }

    /// What else may stand where the last `expect` was.
    pub(crate) fn or_expect(&mut self, place: Place) {
        if self.place.0 == self.at && !self.source[..self.at].ends_with(continues_name) {
            self.also.push(place);
        } else {
            self.expect(place);
        }
    }

    /// Errors in the filter can always be answered by searching for the text as it is.
    fn offer_literal_search(&mut self) {
        let Some(error) = &mut self.error else { return };
        let filter = self.source.split('|').next().unwrap_or_default();
        let text = filter.trim_matches(is_blank);
        if error.span.start >= filter.len() || text.is_empty() || error.code == Code::E026 {
            return;
        }
        let start = filter.find(text).unwrap_or(0);
        let span = Span::new(start, start + text.len());
        let quoted = crate::quote::string(text);
        error.fixes.push(Fix::new("search for this text literally", vec![TextEdit { span, text: quoted }]));
    }
}

/// The bracket that closes `open`.
fn closer(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Bytes before the quote that ends the string whose inside starts `inner`.
pub(crate) fn closing_quote(inner: &str, quote: char) -> Option<usize> {
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            // Doubled quotes are one quote, except in "…", where a backslash does it.
            let doubled = quote != '"' && chars.next_if(|(_, next)| *next == quote).is_some();
            if !doubled {
                return Some(at);
            }
        } else if c == '\\' && quote == '"' {
            chars.next();
        }
    }
    None
}
