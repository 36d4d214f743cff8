//! Arguments of stages that are no columns: counts, options, aggregates, subqueries.

use super::stage::Reading;
use super::{Place, Walker};
use crate::ast::{WindowFunction, aggregate_docs, window_docs};
use crate::build::aggregate_named;
use crate::lexical::{continues_name, ident, is_blank, run};
use crate::limits;
use crate::token::TokenClass;
use crate::{Code, Diagnostic, Span, suggest};

impl Walker<'_> {
    /// `count() where … as n, …`
    pub(super) fn aggregates(&mut self, reading: Reading) -> bool {
        let mut owner = None;
        for count in 1.. {
            self.expect(Place::Aggregate);
            if count == limits::AGGREGATES + 1 {
                let message = format!("a stage has at most {} aggregates", limits::AGGREGATES);
                self.report(Diagnostic::error(Code::E026, self.next_character(), message));
            }
            if !self.aggregate(reading, owner) {
                return false;
            }
            if !self.comma() {
                return true;
            }
            owner = Some(self.last_token());
        }
        true
    }

    fn aggregate(&mut self, reading: Reading, comma: Option<Span>) -> bool {
        let length = ident(self.rest());
        if length == 0 || self.at_word("by") {
            return match comma {
                Some(comma) => {
                    self.report(Diagnostic::error(
                        Code::E004,
                        comma,
                        "an aggregate is missing beside this comma",
                    ));
                    false
                }
                None => self.missing(Code::E004, reading),
            };
        }
        let name = self.here(length);
        let behind = self.ahead_from(name.end).at;
        if !self.source[behind..].starts_with('(') {
            return self.aggregate_without_parentheses(name, reading);
        }
        self.unknown_aggregate(name);
        self.take(length, TokenClass::Function);
        self.blanks();
        self.aggregate_arguments();
        self.aggregate_condition() && self.as_name() != Some(false)
    }

    fn aggregate_without_parentheses(&mut self, name: Span, reading: Reading) -> bool {
        let text = name.text(self.source);
        if self.option_name().is_some() && reading.doc.option(text).is_some() {
            let error = Diagnostic::error(Code::E021, name, "options come last");
            self.report(error.hint(format!("for example: {}", reading.doc.usage)));
            return false;
        }
        let error = Diagnostic::error(Code::E017, name, format!("'{text}' needs parentheses"));
        let known = aggregate_named(text).is_some();
        self.report(match known {
            true => error.hint(format!("write {text}()")).fix("add ()", Span::new(name.end, name.end), "()"),
            false => {
                error.hint("write an aggregate such as count() or avg(field), and its name behind: as name")
            }
        });
        false
    }

    fn unknown_aggregate(&mut self, name: Span) {
        let text = name.text(self.source);
        if aggregate_named(text).is_some() {
            return;
        }
        let names = aggregate_docs().iter().map(|doc| doc.name);
        let near = suggest::foreign_function(text)
            .filter(|near| aggregate_named(near).is_some())
            .or_else(|| suggest::nearest(text, names));
        let error = Diagnostic::error(Code::E017, name, format!("unknown aggregate '{text}'"));
        self.report(match near {
            Some(near) => {
                error.hint(format!("did you mean {near}()?")).fix(format!("use {near}"), name, near)
            }
            None => error.hint("count, sum, avg, min, max, p95, dcount, values …"),
        });
    }

    /// `(*)` or expressions.
    fn aggregate_arguments(&mut self) {
        let mut ahead = self.ahead_from(self.at + 1);
        let star = ahead.rest().starts_with('*') && {
            ahead.at += 1;
            ahead.blanks();
            ahead.rest().starts_with(')')
        };
        if star && self.open(0) {
            self.blanks();
            self.take(1, TokenClass::Operator);
            self.blanks();
            self.close(0);
        } else {
            self.arguments();
        }
    }

    fn aggregate_condition(&mut self) -> bool {
        let behind = self.behind_blanks();
        self.at_place_behind(behind, Place::Words(&["where", "as", "by"]));
        let ahead = self.ahead();
        if behind == self.at || !ahead.at_word("where") {
            return true;
        }
        self.blanks();
        let word = self.take(5, TokenClass::Keyword);
        if !self.blanks() {
            let span = self.next_character();
            self.report(Diagnostic::error(Code::E003, span, "a space is missing after 'where'"));
        }
        self.expect(Place::Operand { field: None });
        let found = self.expression();
        if !found {
            self.report(Diagnostic::error(Code::E004, word, "where needs a condition"));
        }
        found
    }

    /// `name=` right here: the name.
    pub(super) fn option_name(&self) -> Option<Span> {
        let length = ident(self.rest());
        let after = &self.rest()[length..];
        (length > 0 && after.starts_with('=') && !after.starts_with("==") && !after.starts_with("=~"))
            .then(|| self.here(length))
    }

    pub(super) fn options(&mut self, reading: Reading) -> bool {
        loop {
            let behind = self.behind_blanks();
            self.at_place_behind(behind, Place::Options { stage: reading.doc.name });
            let ahead = self.ahead();
            if behind == self.at || ahead.option_name().is_none() {
                return true;
            }
            self.blanks();
            if !self.option(reading) {
                return false;
            }
        }
    }

    fn option(&mut self, reading: Reading) -> bool {
        let Some(name) = self.option_name() else { return false };
        let text = name.text(self.source);
        if reading.doc.option(text).is_none() {
            self.unknown_option(reading);
            return false;
        }
        self.take(text.len(), TokenClass::Option);
        self.take(1, TokenClass::Operator);
        self.expect(Place::OptionValue { stage: reading.doc.name, option: text.to_ascii_lowercase() });
        match self.peek() {
            None => {}
            Some(c) if is_blank(c) || matches!(c, '|' | ')' | '}' | ',') => {}
            Some('!') => {
                self.report(Diagnostic::error(Code::E003, self.here(1), "'!' cannot start a value"));
                return false;
            }
            Some(c) => {
                self.plain_value(c, name);
                return true;
            }
        }
        let span = Span::new(name.start, self.at);
        self.report(Diagnostic::error(Code::E004, span, format!("{text}= has no value")));
        false
    }

    pub(super) fn unknown_option(&mut self, reading: Reading) {
        let Some(name) = self.option_name() else { return };
        let text = name.text(self.source);
        let names = || reading.doc.options.iter().map(|option| option.name);
        let foreign = suggest::foreign_option(text).filter(|near| names().any(|name| name == *near));
        let near = foreign.or_else(|| suggest::nearest(text, names()));
        let error = match reading.doc.option(text) {
            Some(_) => {
                Diagnostic::error(Code::E021, name, format!("the option '{text}' stands at the wrong place"))
            }
            None => Diagnostic::error(Code::E021, name, format!("unknown option '{text}'")),
        };
        self.report(match near {
            Some(near) if near != text => {
                error.hint(format!("did you mean {near}=?")).fix(format!("use {near}="), name, near)
            }
            _ => error.hint(format!("for example: {}", reading.doc.usage)),
        });
    }

    pub(super) fn required_options(&mut self, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Options { stage: reading.doc.name });
        self.at = self.last_token().end;
        if self.behind_blanks() > self.at {
            let ahead = self.ahead();
            if ahead.option_name().is_some() {
                return self.options(reading);
            }
        }
        let names: Vec<String> =
            reading.doc.options.iter().map(|option| format!("{}=", option.name)).collect();
        let stage = reading.name.text(self.source);
        let span = self.last_token();
        self.report(
            Diagnostic::error(Code::E021, span, format!("{stage} needs {}", names.join(" or ")))
                .hint(format!("for example: {}", reading.doc.usage)),
        );
        false
    }

    /// A whole number.
    pub(super) fn count(&mut self, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Free);
        if self.at_stage_end() {
            return self.missing(Code::E021, reading);
        }
        let digits = run(self.rest(), |c| c.is_ascii_digit());
        let goes_on = self.rest()[digits..].starts_with(|c| continues_name(c) || c == '.');
        if digits > 0 && !goes_on {
            self.take(digits, TokenClass::Number);
            return true;
        }
        let span = self.take(
            run(self.rest(), |c| !is_blank(c) && !matches!(c, '|' | ')' | '}')).max(1),
            TokenClass::Error,
        );
        let typed = span.text(self.source);
        let stage = reading.name.text(self.source);
        self.report(
            Diagnostic::error(Code::E021, span, format!("'{typed}' is not a whole number"))
                .hint(format!("write {stage} 10")),
        );
        false
    }

    /// The count of `top 5 field`.
    pub(super) fn optional_count(&mut self, reading: Reading) -> bool {
        self.blanks();
        if !self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return true;
        }
        if !self.count(reading) {
            return false;
        }
        self.blanks();
        !self.at_stage_end() || self.missing(Code::E004, reading)
    }

    /// `10%`
    pub(super) fn percent(&mut self, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Free);
        if self.at_stage_end() {
            return self.missing(Code::E021, reading);
        }
        let length = run(self.rest(), |c| c.is_ascii_digit() || c == '.');
        if length > 0
            && crate::literal::number(&self.rest()[..length]).is_some()
            && self.rest()[length..].starts_with('%')
        {
            self.take(length, TokenClass::Number);
            self.take(1, TokenClass::Operator);
            return true;
        }
        let span = self.take(
            run(self.rest(), |c| !is_blank(c) && !matches!(c, '|' | ')' | '}')).max(1),
            TokenClass::Error,
        );
        self.report(
            Diagnostic::error(Code::E021, span, "sample needs a percentage").hint("write sample 10%"),
        );
        false
    }

    /// `(50, 95, 99.9)`
    pub(super) fn numbers(&mut self) -> bool {
        self.blanks();
        self.expect(Place::Free);
        if self.peek() != Some('(') {
            let span = self.next_character();
            self.report(
                Diagnostic::error(Code::E017, span, "percentiles needs a list")
                    .hint("write percentiles duration_ms (50, 95, 99)"),
            );
            return false;
        }
        let start = self.at;
        if !self.open(0) {
            return false;
        }
        loop {
            self.blanks();
            if !self.rest().starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                let empty =
                    self.peek() == Some(')') && self.tokens.last().is_some_and(|token| token.start == start);
                let (code, span) = match empty {
                    true => (Code::E006, Span::new(start, self.at + 1)),
                    false => (Code::E021, self.next_character()),
                };
                self.report(Diagnostic::error(code, span, "a number between 0 and 100 is expected here"));
                if self.peek() == Some(')') {
                    self.close(0);
                }
                return false;
            }
            self.number();
            if !self.comma() {
                break;
            }
        }
        self.leftover(&[')']);
        self.close(0);
        true
    }

    /// `-count, source desc`
    pub(super) fn sort_keys(&mut self, reading: Reading) -> bool {
        loop {
            if self.peek() == Some('-') {
                self.take(1, TokenClass::Operator);
            }
            if !self.column(reading) {
                return false;
            }
            let behind = self.behind_blanks();
            self.at_place_behind(behind, Place::Words(&["asc", "desc"]));
            let ahead = self.ahead();
            if let Some(word) = ["asc", "desc"].iter().find(|word| behind > self.at && ahead.at_word(word)) {
                self.blanks();
                self.take(word.len(), TokenClass::Keyword);
            }
            if !self.comma() {
                return true;
            }
        }
    }

    pub(super) fn subqueries(&mut self, several: bool, reading: Reading) -> bool {
        loop {
            self.blanks();
            self.expect(Place::Free);
            if self.peek() != Some('{') {
                return self.missing(Code::E004, reading);
            }
            self.subquery();
            if !several || !self.comma() {
                return true;
            }
        }
    }

    /// `on a = b, …`
    pub(super) fn on(&mut self, several: bool, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Words(&["on"]));
        if !self.at_word("on") {
            let name = reading.name.text(self.source);
            self.report(
                Diagnostic::error(Code::E004, reading.name, format!("{name} needs 'on' and a field"))
                    .hint(format!("for example: {}", reading.doc.usage)),
            );
            return false;
        }
        let word = self.take(2, TokenClass::Keyword);
        if !self.blanks() || self.at_stage_end() {
            self.report(Diagnostic::error(Code::E004, word, "'on' needs a field"));
            return false;
        }
        loop {
            if !self.join_key(several, reading) {
                return false;
            }
            if !several || !self.comma() {
                return true;
            }
        }
    }

    /// `a` or `a = b`
    fn join_key(&mut self, pairs: bool, reading: Reading) -> bool {
        self.expect(Place::Column);
        let plain = self.peek().is_some_and(|c| c == '`' || crate::lexical::starts_name(c));
        let taken = match plain && self.peek() != Some('`') {
            true => {
                let length = crate::lexical::expression_name(self.rest());
                let class = super::filter::field_class(&self.rest()[..length]);
                !self.take(length, class).is_empty()
            }
            false => self.column(reading),
        };
        let behind = self.behind_blanks();
        if !taken || !pairs || !self.source[behind..].starts_with('=') {
            return taken;
        }
        self.blanks();
        self.take(1, TokenClass::Operator);
        self.blanks();
        self.column(reading)
    }

    pub(super) fn table(&mut self, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Table);
        let length = ident(self.rest());
        if length == 0 || self.at_word("on") {
            return self.missing(Code::E004, reading);
        }
        self.take(length, TokenClass::Text);
        true
    }

    /// `movavg(x, 6) as trend, …`
    pub(super) fn window_columns(&mut self, reading: Reading) -> bool {
        loop {
            self.expect(Place::WindowFunction);
            let length = ident(self.rest());
            let name = self.here(length);
            if length == 0 || !self.source[name.end..].starts_with('(') {
                if length > 0 {
                    let text = name.text(self.source);
                    let error = Diagnostic::error(Code::E017, name, format!("'{text}' needs parentheses"));
                    self.report(error.hint(format!("for example: {}", reading.doc.usage)));
                    return false;
                }
                return self.missing(Code::E004, reading);
            }
            self.unknown_window_function(name);
            self.take(length, TokenClass::Function);
            self.arguments();
            let call = Span::new(name.start, self.at);
            match self.as_name() {
                Some(false) => return false,
                Some(true) => {}
                None => {
                    self.report(
                        Diagnostic::error(Code::E018, call, "window functions need a name")
                            .hint("add: as name")
                            .fix(
                                "name it",
                                Span::new(call.end, call.end),
                                format!(" as {}", name.text(self.source)),
                            ),
                    );
                    return false;
                }
            }
            if !self.comma() {
                return true;
            }
        }
    }

    fn unknown_window_function(&mut self, name: Span) {
        let text = name.text(self.source);
        if WindowFunction::from_name(text).is_some() {
            return;
        }
        let near = match text.to_ascii_lowercase().as_str() {
            "avg" | "mean" | "sma" | "moving_avg" => Some("movavg"),
            "sum" => Some("movsum"),
            "diff" | "difference" => Some("delta"),
            "prev" => Some("lag"),
            "runningsum" | "accum" => Some("cumsum"),
            _ => suggest::nearest(text, window_docs().iter().map(|doc| doc.name)),
        };
        let error = Diagnostic::error(Code::E017, name, format!("unknown window function '{text}'"));
        self.report(match near {
            Some(near) => {
                error.hint(format!("did you mean {near}()?")).fix(format!("use {near}"), name, near)
            }
            None => error.hint("movavg, movsum, delta, lag, cumsum, row_number"),
        });
    }
}
