//! Expressions: operands and the operators between them.

use super::filter::field_class;
use super::{Place, Walker};
use crate::ast::{Function, function_docs};
use crate::lexical::{expression_name, ident, is_blank, is_curly_quote, run, starts_name};
use crate::limits;
use crate::token::TokenClass;
use crate::{Code, Diagnostic, Span, suggest};

/// What may follow the operand that was just read.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// Arithmetic or a comparison.
    Value,
    /// Arithmetic only: the right side of a comparison.
    Compared,
    /// `and`, `or` only.
    Whole,
}

impl Walker<'_> {
    /// Reads an expression as far as it goes. False if there is none; `owner` is blamed for a missing right side.
    pub(super) fn expression(&mut self) -> bool {
        self.or_expect(Place::Operand { field: None });
        let mut after = match self.start_of_condition(None) {
            Some(after) => after,
            None if self.at_word("and") || self.at_word("or") => self.condition_without_left(),
            None => return false,
        };
        loop {
            let end = (self.at, self.tokens.len());
            self.blanks();
            self.expect(Place::Operator);
            let Some(next) = self.expression_operator(after) else {
                (self.at, _) = end;
                self.tokens.truncate(end.1);
                return true;
            };
            after = next;
        }
    }

    /// An operator and what stands behind it.
    fn expression_operator(&mut self, after: After) -> Option<After> {
        for word in ["and", "or"] {
            if self.at_word(word) {
                let operator = self.take(word.len(), TokenClass::Keyword);
                return Some(self.condition_behind(operator));
            }
        }
        for (wrong, right) in [("&&", "and"), ("||", "or")] {
            if self.rest().starts_with(wrong) {
                let operator = self.take(2, TokenClass::Error);
                self.report(
                    Diagnostic::error(Code::E007, operator, format!("'{wrong}' is not an operator"))
                        .hint(format!("use {right}"))
                        .fix(format!("use {right}"), operator, right),
                );
                return Some(self.condition_behind(operator));
            }
        }
        match self.peek()? {
            '+' | '*' | '/' | '%' if after != After::Whole => self.arithmetic(after),
            '-' if after != After::Whole && !self.rest().starts_with("->") => self.arithmetic(after),
            '<' | '>' | '=' | '~' => self.expression_comparison(after),
            '!' if self.rest().starts_with("!=") || self.rest().starts_with("!~") => {
                self.expression_comparison(after)
            }
            _ if after == After::Value && (self.at_word("in") || self.not_in_follows()) => {
                Some(self.expression_list())
            }
            _ => None,
        }
    }

    fn condition_without_left(&mut self) -> After {
        let operator = self.take(ident(self.rest()), TokenClass::Keyword);
        let text = operator.text(self.source).to_lowercase();
        let message = format!("{text} needs a condition on its left");
        self.report(Diagnostic::error(Code::E005, operator, message).fix("remove it", operator, ""));
        self.condition_behind(operator)
    }

    fn condition_behind(&mut self, operator: Span) -> After {
        self.blanks();
        self.expect(Place::Operand { field: None });
        self.start_of_condition(Some(operator)).unwrap_or_else(|| {
            let text = operator.text(self.source).to_lowercase();
            self.report(
                Diagnostic::error(Code::E005, operator, format!("{text} needs a condition on its right"))
                    .fix("remove it", operator, ""),
            );
            After::Whole
        })
    }

    fn arithmetic(&mut self, after: After) -> Option<After> {
        let operator = self.take(1, TokenClass::Operator);
        self.operators += 1;
        if self.operators == limits::OPERATORS + 1 {
            let message = format!("a query has at most {} arithmetic operators", limits::OPERATORS);
            self.report(Diagnostic::error(Code::E026, operator, message));
        }
        self.blanks();
        self.expect(Place::Operand { field: None });
        if !self.signed_operand(0) {
            self.needs_value(operator);
        }
        Some(after)
    }

    fn expression_comparison(&mut self, after: After) -> Option<After> {
        let left = self.tokens.last().copied();
        let operator = self.operator();
        if after != After::Value {
            self.report(
                Diagnostic::error(Code::E003, operator, "a comparison cannot be compared again")
                    .hint("join conditions with and, or use parentheses"),
            );
        }
        self.blanks();
        let field = left.map(|token| self.field_name(Span::new(token.start, token.end)));
        self.expect(Place::Operand { field });
        let is_regex = matches!(operator.text(self.source), "=~" | "!~");
        match self.peek() {
            Some('"' | '\'') if is_regex => {
                self.regex();
                return Some(After::Whole);
            }
            Some(c) if is_regex && !matches!(c, '|' | ')' | '}') => {
                self.unquoted_regex();
                return Some(After::Whole);
            }
            _ => {}
        }
        if !self.signed_operand(0) {
            self.needs_value(operator);
        }
        Some(After::Compared)
    }

    fn not_in_follows(&self) -> bool {
        if !self.at_word("not") {
            return false;
        }
        self.ahead_from(self.at + 3).at_word("in")
    }

    /// `[not] in (…)` or `{…}`
    fn expression_list(&mut self) -> After {
        if self.at_word("not") {
            self.take(3, TokenClass::Keyword);
            self.blanks();
        }
        let operator = self.take(2, TokenClass::Keyword);
        self.blanks();
        let start = self.at;
        match self.peek() {
            Some('{') => self.subquery(),
            Some('(') => {
                if self.items_between(Self::sum) == 0 {
                    let span = Span::new(start, self.at);
                    self.report(
                        Diagnostic::error(Code::E006, span, "this list is empty").hint("put a value into it"),
                    );
                }
            }
            _ => self.report(
                Diagnostic::error(Code::E004, operator, "in needs a list in ( ) or a subquery in { }")
                    .hint("write in (a, b)"),
            ),
        }
        After::Whole
    }

    /// `not` and `!`, then an operand that may be `field:value`.
    fn start_of_condition(&mut self, operator: Option<Span>) -> Option<After> {
        let mut signs = 0;
        let mut sign = operator.filter(|_| false);
        loop {
            if self.at_word("not") {
                sign = Some(self.take(3, TokenClass::Keyword));
                self.blanks();
                self.expect(Place::Operand { field: None });
            } else if self.peek() == Some('!') && !self.rest()[1..].starts_with(['=', '~']) {
                let span = self.take(1, TokenClass::Operator);
                sign = Some(span);
                if self.rest().starts_with(is_blank) {
                    self.report(Diagnostic::error(Code::E005, span, "'!' must touch what it negates"));
                    self.blanks();
                }
            } else {
                break;
            }
            signs += 1;
            if self.sign_too_deep(signs) {
                return None;
            }
        }
        if let Some(after) = self.colon_condition() {
            return Some(after);
        }
        if self.signed_operand(signs) {
            return Some(After::Value);
        }
        let sign = sign?;
        let text = sign.text(self.source).to_lowercase();
        self.report(Diagnostic::error(Code::E005, sign, format!("{text} needs a condition on its right")));
        Some(After::Whole)
    }

    fn sign_too_deep(&mut self, signs: usize) -> bool {
        self.depth += signs;
        let too_deep = self.too_deep();
        self.depth = self.depth.saturating_sub(signs);
        too_deep
    }

    /// `field:value`, as in the filter.
    fn colon_condition(&mut self) -> Option<After> {
        let length = match self.peek()? {
            '`' => super::closing_quote(&self.rest()[1..], '`').filter(|inner| *inner > 0)? + 2,
            _ => expression_name(self.rest()),
        };
        let after = &self.rest()[length..];
        if length == 0
            || !after.starts_with(':')
            || after.starts_with("::")
            || after.starts_with("://")
            || self.is_operator_word(length)
        {
            return None;
        }
        let name = self.here(length);
        let class = field_class(name.text(self.source));
        self.take(length, class);
        self.predicate(name);
        Some(After::Whole)
    }

    /// The next `length` bytes are and, or, not, in.
    fn is_operator_word(&self, length: usize) -> bool {
        ["and", "or", "not", "in"].iter().any(|word| self.rest()[..length].eq_ignore_ascii_case(word))
    }

    /// An operand, with any number of minus signs before it.
    fn signed_operand(&mut self, mut signs: usize) -> bool {
        let mut minus = None;
        while self.peek() == Some('-') {
            minus = Some(self.take(1, TokenClass::Operator));
            self.blanks();
            signs += 1;
            if self.sign_too_deep(signs) {
                return true;
            }
        }
        match (self.expression_operand(signs), minus) {
            (false, Some(minus)) => self.needs_value(minus),
            (found, _) => return found,
        }
        true
    }

    fn expression_operand(&mut self, signs: usize) -> bool {
        match self.peek().unwrap_or('|') {
            '|' | ')' | '}' | ']' | ',' => return false,
            '(' => {
                let start = self.at;
                if self.open(signs) {
                    self.blanks();
                    if !self.expression() && self.peek() == Some(')') {
                        let span = Span::new(start, self.at + 1);
                        self.report(Diagnostic::error(Code::E006, span, "these parentheses are empty"));
                    }
                    self.leftover(&[')']);
                    self.close(signs);
                }
            }
            '"' | '\'' => {
                self.quoted(TokenClass::String);
                self.glued_operand();
            }
            '`' => {
                self.quoted(TokenClass::Field);
            }
            c if c.is_ascii_digit() || c == '.' => self.number(),
            c if is_curly_quote(c) => self.curly_quote(),
            c if starts_name(c) => return self.call_or_column(signs),
            '!' => {
                let span = self.take(1, TokenClass::Error);
                self.report(
                    Diagnostic::error(Code::E003, span, "'!' cannot stand here")
                        .hint("negate the whole condition"),
                );
                self.skip_piece();
            }
            '<' | '>' | '=' | '~' | '+' | '*' | '/' | '%' | '&' => {
                let span = self.take(
                    run(self.rest(), |c| matches!(c, '<' | '>' | '=' | '~' | '&')).max(1),
                    TokenClass::Error,
                );
                let typed = span.text(self.source);
                self.report(Diagnostic::error(
                    Code::E008,
                    span,
                    format!("'{typed}' has nothing on its left"),
                ));
                self.skip_piece();
            }
            c => {
                let span = self.next_character();
                let hint = if c == '{' {
                    "subqueries stand behind in"
                } else {
                    "text needs quotes, field names may need backticks"
                };
                self.report(
                    Diagnostic::error(Code::E003, span, format!("'{c}' is not allowed in an expression"))
                        .hint(hint),
                );
                self.skip_piece();
            }
        }
        true
    }

    /// A string that touches the next operand.
    fn glued_operand(&mut self) {
        if matches!(self.peek(), Some(c) if matches!(c, '"' | '\'' | '`' | '(') || starts_name(c) || c.is_ascii_digit())
        {
            let span = self.next_character();
            self.report(
                Diagnostic::error(Code::E009, span, "an operator is missing here")
                    .hint("join conditions with and / or, and texts with concat()"),
            );
            self.skip_piece();
        }
    }

    /// A number, perhaps with a unit.
    pub(super) fn number(&mut self) {
        let length = number_length(self.rest());
        if length > 0 && !self.rest()[length..].starts_with(|c: char| c.is_alphanumeric() || c == '.') {
            self.take(length, TokenClass::Number);
            return;
        }
        let whole = run(self.rest(), |c| c.is_alphanumeric() || c == '.');
        let span = self.take(whole.max(1), TokenClass::Error);
        let text = span.text(self.source);
        let hint = match text.strip_suffix('M') {
            Some(number) => format!("minutes are 'm' ({number}m), megabytes 'MB'"),
            None => "text needs quotes; units are ns us ms s m h d w and B kB MB GB KiB MiB …".to_owned(),
        };
        let quoted = crate::quote::string(text);
        self.report(
            Diagnostic::error(Code::E022, span, format!("'{text}' is not a number"))
                .hint(hint)
                .fix("quote it", span, quoted),
        );
    }

    /// `name(…)`, or a column. False for `and`, `or`, `in`, which are no operands.
    fn call_or_column(&mut self, signs: usize) -> bool {
        let length = ident(self.rest());
        let name_length = expression_name(self.rest());
        if self.is_operator_word(length.max(name_length)) && length == name_length {
            return false;
        }
        if length > 0 && self.rest()[length..].starts_with('(') {
            let text = &self.rest()[..length];
            let known = Function::from_name(text).is_some();
            let name = self.take(length, if known { TokenClass::Function } else { TokenClass::Error });
            self.unknown_function(name);
            self.depth += signs;
            self.arguments();
            self.depth = self.depth.saturating_sub(signs);
            return true;
        }
        let class = match &self.rest()[..name_length] {
            word if ["true", "false", "null"].iter().any(|name| name.eq_ignore_ascii_case(word)) => {
                TokenClass::Keyword
            }
            name => field_class(name),
        };
        self.take(name_length, class);
        true
    }

    fn unknown_function(&mut self, name: Span) {
        let text = name.text(self.source);
        if Function::from_name(text).is_some() {
            return;
        }
        let known = |name: &str| function_docs().iter().find(|doc| doc.name == name);
        let near = suggest::foreign_function(text)
            .and_then(known)
            .or_else(|| suggest::nearest(text, function_docs().iter().map(|doc| doc.name)).and_then(known));
        let error = Diagnostic::error(Code::E017, name, format!("unknown function '{text}'"));
        self.report(match near {
            Some(doc) => error.hint(format!("did you mean {}?", doc.signature)).fix(
                format!("use {}", doc.name),
                name,
                doc.name,
            ),
            None if crate::ast::AggregateFunction::from_name(text).is_some() => {
                error.hint(format!("aggregates stand in stats: | stats {text}(…)"))
            }
            None => error,
        });
    }

    /// `(a, b, …)`: how many there are.
    pub(super) fn arguments(&mut self) -> usize {
        self.items_between(Self::expression)
    }

    /// Arithmetic, without comparisons.
    fn sum(&mut self) -> bool {
        if !self.signed_operand(0) {
            return false;
        }
        while let Some('+' | '-' | '*' | '/' | '%') = self.ahead().peek() {
            if self.ahead().rest().starts_with("->") {
                break;
            }
            self.blanks();
            self.arithmetic(After::Compared);
        }
        true
    }

    fn items_between(&mut self, item: fn(&mut Self) -> bool) -> usize {
        if !self.open(0) {
            return 0;
        }
        let mut count = 0;
        let mut comma: Option<Span> = None;
        loop {
            self.blanks();
            self.expect(Place::Operand { field: None });
            match (item(self), comma) {
                (true, _) => count += 1,
                (false, Some(comma)) => self.argument_missing(comma),
                (false, None) if self.peek() == Some(',') => self.argument_missing(self.here(1)),
                (false, None) => {}
            }
            self.leftover(&[')', ',']);
            if self.peek() != Some(',') {
                break;
            }
            comma = Some(self.take(1, TokenClass::Punctuation));
            if count > limits::LIST_VALUES {
                let message = format!("a list has at most {} values", limits::LIST_VALUES);
                self.report(Diagnostic::error(Code::E026, self.next_character(), message));
            }
        }
        self.close(0);
        count
    }

    fn argument_missing(&mut self, comma: Span) {
        self.report(Diagnostic::error(Code::E004, comma, "a value is missing beside this comma"));
    }

    /// Reports what stands where an expression should have ended, up to one of `ends`.
    pub(super) fn leftover(&mut self, ends: &[char]) {
        loop {
            self.blanks();
            match self.peek() {
                None => return,
                Some('|') if !self.rest().starts_with("||") => return,
                Some(c) if ends.contains(&c) => return,
                Some(')' | '}' | ']') => {
                    if self.at_closer() {
                        return;
                    }
                }
                _ => {
                    self.unexpected();
                    self.skip_piece();
                }
            }
        }
    }

    /// Something that neither continues nor ends an expression.
    pub(super) fn unexpected(&mut self) {
        let word = self.here(ident(self.rest()));
        let text = word.text(self.source).to_ascii_lowercase();
        let right = match text.as_str() {
            "like" | "ilike" | "rlike" | "matches" | "regexp" => Some("=~ \"…\", or field:pattern*"),
            "is" => Some("missing(field) or exists(field)"),
            "has" | "contains" | "hasprefix" => Some("contains(field, \"…\"), or field:*text*"),
            "between" => Some("field:[low TO high]"),
            _ => None,
        };
        if let Some(right) = right {
            let message = format!("'{text}' is not an operator");
            return self.report(Diagnostic::error(Code::E007, word, message).hint(format!("write {right}")));
        }
        let span = self.next_character();
        let c = self.peek().unwrap_or(' ');
        self.report(
            Diagnostic::error(Code::E003, span, format!("'{c}' is not expected here"))
                .hint("join conditions with and / or; text needs quotes"),
        );
    }
}

/// Length of the number that `text` starts with, as the grammar sees it.
fn number_length(text: &str) -> usize {
    let digits = |at: usize| run(&text[at..], |c| c.is_ascii_digit());
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if end == 0 {
        return 0;
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let letters = run(&text[end..], |c| c.is_alphanumeric() || c == '.');
    let with_unit = &text[..end + letters];
    if crate::literal::amount(with_unit).is_some() { with_unit.len() } else { end }
}
