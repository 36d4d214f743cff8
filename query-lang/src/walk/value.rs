//! What stands behind a field: `:value`, `> 5`, `in (…)`, and the arguments of `cidr(…)`.

use super::filter::{Terms, field_class};
use super::{Place, Walker};
use crate::lexical::{
    ends_value, filter_name, is_blank, is_bound, is_curly_quote, run, starts_name, starts_with_word,
};
use crate::token::TokenClass;
use crate::{Code, Diagnostic, Span, literal};

impl Walker<'_> {
    /// The operator and value behind a field that was just taken.
    pub(super) fn predicate(&mut self, field: Span) {
        let rest = self.rest();
        if rest.starts_with(':') && !rest.starts_with("::") && !rest.starts_with("://") {
            self.take(1, TokenClass::Operator);
            return self.colon_value(field);
        }
        let after = &self.source[self.behind_blanks()..];
        let compares =
            after.starts_with(['<', '>', '=']) || after.starts_with("!=") || after.starts_with("!~");
        if compares || rest.starts_with('~') {
            self.blanks();
            return self.comparison(field);
        }
        if !self.list_or_subquery(field) && !field.text(self.source).starts_with(['"', '\'']) {
            let name = field.text(self.source);
            self.report(
                Diagnostic::error(Code::E030, field, format!("the field {name} has no operator"))
                    .hint(format!("write {name}:value, or {name}:* for events that have it"))
                    .fix("find events that have it", Span::new(field.end, field.end), ":*"),
            );
        }
    }

    /// `[not] in (…)` or `{…}`, if that is next.
    fn list_or_subquery(&mut self, field: Span) -> bool {
        if !self.list_follows(self.at) {
            return false;
        }
        self.blanks();
        if !starts_with_word(self.rest(), "in") {
            self.take(3, TokenClass::Keyword);
            self.blanks();
        }
        self.take(2, TokenClass::Keyword);
        self.blanks();
        if self.rest().starts_with('{') {
            self.subquery();
        } else {
            self.list(field);
            self.bound(true);
        }
        true
    }

    /// The value behind `field:`.
    fn colon_value(&mut self, field: Span) {
        let name = self.field_name(field);
        self.expect(Place::Value { field: name });
        let start = self.at;
        match self.peek() {
            Some('(') => self.group(&Terms::Values { field }, 0, start),
            None => self.missing_value(field),
            Some(c) if is_blank(c) || matches!(c, ')' | '|' | '}') => self.missing_value(field),
            Some(_) => self.value(field),
        }
    }

    /// `level: error` and pasted lines such as `ERROR: timeout`.
    fn missing_value(&mut self, field: Span) {
        let span = Span::new(field.start, self.at);
        let name = field.text(self.source);
        let blank = Span::new(self.at, self.behind_blanks());
        let error = Diagnostic::error(Code::E004, span, format!("'{name}:' has no value"))
            .hint(format!("remove the space after ':', write {name}:* to test presence, or quote the text"));
        let followed = self.source[blank.end..].starts_with(|c| !is_bound(c));
        self.report(match followed && !blank.is_empty() {
            true => error.fix("remove the space", blank, ""),
            false => error.fix("find events that have it", Span::new(self.at, self.at), "*"),
        });
    }

    /// One value: a range, an order, a string or a bare value.
    pub(super) fn value(&mut self, field: Span) {
        match self.peek().unwrap_or(' ') {
            '[' | '{' => self.range(field),
            '=' | '!' | '~' => self.wrong_colon_operator(field),
            '<' | '>' => self.ordered_value(field),
            c => {
                self.plain_value(c, field);
                self.bound(true);
            }
        }
    }

    /// `:=v`, `:!v`, `:~"re"`: written without the colon here.
    fn wrong_colon_operator(&mut self, field: Span) {
        let span =
            self.take(run(self.rest(), |c| matches!(c, '=' | '!' | '~' | '<' | '>')), TokenClass::Error);
        let operator = span.text(self.source);
        let right = match operator {
            "!" => "NOT field:value",
            "!=" => "field!=value",
            "!~" => "field!~\"…\"",
            "~" | "=~" => "field=~\"…\"",
            _ => "field=value",
        };
        let name = field.text(self.source);
        let error = Diagnostic::error(Code::E007, span, format!("':{operator}' is not an operator"))
            .hint(format!("did you mean {}?", right.replace("field", name)));
        let touching = field.end + 1 == span.start;
        self.report(match operator {
            "!" if touching => {
                let start = Span::new(field.start, field.start);
                let mut fix = crate::Fix::new("use NOT", Vec::new());
                fix.edits = vec![
                    crate::TextEdit { span: start, text: "NOT ".to_owned() },
                    crate::TextEdit { span, text: String::new() },
                ];
                let mut error = error;
                error.fixes.push(fix);
                error
            }
            _ if touching => {
                let operator =
                    right.trim_start_matches("field").trim_end_matches("value").trim_end_matches("\"…\"");
                error.fix(format!("use {operator}"), Span::new(field.end, span.end), operator)
            }
            _ => error,
        });
        self.skip_piece();
    }

    /// `f:>5`
    fn ordered_value(&mut self, field: Span) {
        let operator = self.operator();
        match self.peek() {
            Some(c) if !is_blank(c) && !matches!(c, ')' | '|' | '}') => {
                self.plain_value(c, field);
                self.bound(true);
            }
            _ => self.needs_value(operator),
        }
    }

    /// `f > 5`, `f =~ "re"`
    fn comparison(&mut self, field: Span) {
        let operator = self.operator();
        let is_regex = matches!(operator.text(self.source), "=~" | "!~");
        let name = self.field_name(field);
        self.blanks();
        self.expect(if is_regex { Place::Free } else { Place::Value { field: name } });
        match self.peek() {
            None | Some(')' | '|' | '}') => return self.needs_value(operator),
            Some('"' | '\'') if is_regex => self.regex(),
            Some(_) if is_regex => return self.unquoted_regex(),
            Some(c @ ('(' | '{' | '[')) => return self.bracket_behind_operator(c, field),
            Some(c) => self.plain_value(c, field),
        }
        self.bound(true);
    }

    /// A comparison operator; wrong spellings are reported and taken for what they probably mean.
    pub(super) fn operator(&mut self) -> Span {
        let length = run(self.rest(), |c| matches!(c, '=' | '!' | '<' | '>' | '~'));
        let typed = self.rest()[..length].trim_end_matches('!'); // a value may start with it
        let length = typed.len();
        let known = ["=~", "!~", "!=", "==", ">=", "<=", "=", ">", "<"];
        if known.contains(&typed) {
            return self.take(length, TokenClass::Operator);
        }
        let right = match typed {
            "=>" => ">=",
            "=<" => "<=",
            "<>" | "!==" | "=!" => "!=",
            "===" => "=",
            "~" | "~=" | "~~" | "=~~" | "==~" => "=~",
            "!~~" | "!=~" | "!~=" => "!~",
            _ => "=",
        };
        let span = self.take(length, TokenClass::Error);
        self.report(
            Diagnostic::error(Code::E007, span, format!("'{typed}' is not an operator"))
                .hint(format!("did you mean {right}?"))
                .fix(format!("use {right}"), span, right),
        );
        span
    }

    pub(super) fn needs_value(&mut self, operator: Span) {
        let text = operator.text(self.source);
        self.report(Diagnostic::error(Code::E004, operator, format!("'{text}' needs a value on its right")));
    }

    /// A quoted regular expression.
    pub(super) fn regex(&mut self) {
        self.quoted(TokenClass::Regex);
    }

    pub(super) fn unquoted_regex(&mut self) {
        let length = run(self.rest(), |c| !is_blank(c) && !matches!(c, '|' | ')' | '}'));
        let span = self.take(length.max(1), TokenClass::Error);
        let quoted = crate::quote::string(span.text(self.source));
        self.report(
            Diagnostic::error(Code::E012, span, "a regular expression must be quoted")
                .hint("write =~\"…\"")
                .fix("quote it", span, quoted),
        );
    }

    /// `f = (a, b)`: lists, subqueries and ranges have their own operators.
    fn bracket_behind_operator(&mut self, bracket: char, field: Span) {
        let name = field.text(self.source);
        let (message, hint) = match bracket {
            '(' => ("a list needs 'in'", format!("write {name} in (…)")),
            '{' => ("a subquery needs 'in'", format!("write {name} in {{…}}")),
            _ => ("a range is written with ':'", format!("write {name}:[low TO high]")),
        };
        self.report(Diagnostic::error(Code::E004, self.here(1), message).hint(hint));
        self.skip_piece();
    }

    /// A string or an unquoted value.
    pub(super) fn plain_value(&mut self, first: char, field: Span) {
        let operator = |c: char| matches!(c, '<' | '>' | '=' | '~');
        match first {
            '"' | '\'' => {
                self.quoted(TokenClass::String);
            }
            c if is_curly_quote(c) => self.curly_quote(),
            '`' | '(' | '[' | ']' | '{' | ',' => {
                let span = self.next_character();
                self.not_allowed(span, first, "at the start of a value");
                self.skip_piece();
            }
            c if operator(c) || c == '!' && self.rest()[1..].starts_with(operator) => {
                let span = self
                    .take(run(self.rest(), |c| matches!(c, '<' | '>' | '=' | '~' | '!')), TokenClass::Error);
                let typed = span.text(self.source);
                self.report(
                    Diagnostic::error(Code::E007, span, format!("'{typed}' is one operator too many"))
                        .hint("quote the value if it starts with this character"),
                );
                self.skip_piece();
            }
            _ => self.bare_value(field),
        }
    }

    fn bare_value(&mut self, field: Span) {
        let length = run(self.rest(), |c| !ends_value(c));
        let text = &self.rest()[..length];
        let class = value_class(text, &self.field_name(field));
        self.take(length, class);
    }

    /// `*:word`, `*:(a OR b)`
    pub(super) fn any_field(&mut self) {
        let start = self.at;
        self.take(2, TokenClass::CoreField);
        self.expect(Place::Free);
        match self.peek() {
            Some('(') => self.group(&Terms::AnyValues, 0, self.at),
            Some(c) if !is_blank(c) && !matches!(c, ')' | '|' | '}') => self.any_value(),
            _ => {
                let span = Span::new(start, self.at);
                self.report(
                    Diagnostic::error(Code::E004, span, "'*:' has no value")
                        .hint("remove the space after ':', or write * for every event"),
                );
            }
        }
    }

    pub(super) fn any_value(&mut self) {
        match self.peek().unwrap_or(' ') {
            '<' | '>' | '=' | '!' | '~' => {
                let length = run(self.rest(), |c| matches!(c, '<' | '>' | '=' | '!' | '~'));
                self.any_field_operator(length);
            }
            '[' | '{' => self.any_field_operator(1),
            '"' | '\'' => {
                let Some(span) = self.quoted(TokenClass::String) else { return };
                if span.end - span.start == 2 {
                    self.empty_phrase(span);
                }
                self.bound(true);
            }
            c => {
                self.plain_value(c, Span::new(self.at, self.at));
                self.bound(true);
            }
        }
    }

    /// `*:>5`, `*=5`: only words and phrases can be looked for everywhere.
    pub(super) fn any_field_operator(&mut self, length: usize) {
        if self.rest().starts_with('*') {
            self.take(1, TokenClass::CoreField);
        }
        let span = self.take(length, TokenClass::Error);
        let operator = span.text(self.source);
        self.report(
            Diagnostic::error(Code::E028, span, format!("'*:' finds words, '{operator}' needs a field"))
                .hint("write field>value, or *:word"),
        );
        self.skip_piece();
    }

    /// `(field, value, …)` behind a function's name.
    pub(super) fn function_arguments(&mut self, name: Span) {
        if !self.open(0) {
            return;
        }
        self.blanks();
        self.expect(Place::Column);
        if self.function_field() {
            self.more_arguments(name);
        }
        self.close(0);
        self.bound(true);
    }

    fn function_field(&mut self) -> bool {
        match self.peek() {
            Some('`') => self.quoted(TokenClass::Field).is_some(),
            Some(c) if starts_name(c) && !["and", "or", "not"].iter().any(|word| self.at_operator(word)) => {
                let length = filter_name(self.rest());
                let class = field_class(&self.rest()[..length]);
                self.take(length, class);
                true
            }
            _ => {
                let span = self.next_character();
                self.report(
                    Diagnostic::error(Code::E003, span, "a field name is expected here")
                        .hint("the first argument is a field, in backticks if its name is unusual"),
                );
                self.skip_arguments();
                false
            }
        }
    }

    fn more_arguments(&mut self, name: Span) {
        loop {
            self.blanks();
            match self.peek() {
                None | Some(')' | '|' | '}') => return,
                Some(',') => {
                    let comma = self.take(1, TokenClass::Punctuation);
                    self.blanks();
                    self.expect(Place::Free);
                    match self.peek() {
                        None | Some(')' | ',' | '|' | '}') => {
                            self.report(Diagnostic::error(Code::E004, comma, "a value is missing after ','"));
                        }
                        Some(c) => self.plain_value(c, name),
                    }
                }
                Some(_) => {
                    let span = self.next_character();
                    self.report(Diagnostic::error(Code::E003, span, "arguments are separated by commas"));
                    return self.skip_arguments();
                }
            }
        }
    }

    fn skip_arguments(&mut self) {
        while let Some(c) = self.peek().filter(|c| !matches!(c, ')' | '|' | '}')) {
            match c {
                '"' | '`' => {
                    self.quoted(TokenClass::Error);
                }
                _ => {
                    self.take_character(TokenClass::Error);
                }
            }
        }
    }
}

/// The look of an unquoted value.
pub(super) fn value_class(text: &str, field: &str) -> TokenClass {
    use crate::ast::{Core, Level, LiteralClass};
    match (Core::from_name(field), literal::classify(text)) {
        (Some(Core::Level), _) if Level::from_name(text).is_some() => TokenClass::Level,
        (Some(Core::Timestamp), _) => TokenClass::Time,
        (_, LiteralClass::Number(_) | LiteralClass::Duration(_) | LiteralClass::Size(_)) => {
            TokenClass::Number
        }
        (_, LiteralClass::Bool(_)) => TokenClass::Keyword,
        _ if text.contains(['*', '?']) => TokenClass::Wildcard,
        _ => TokenClass::Text,
    }
}
