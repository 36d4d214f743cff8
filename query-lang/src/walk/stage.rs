//! Stages: the name behind `|`, and its arguments as the stage table lists them.

use super::filter::{Terms, field_class};
use super::{Place, Walker};
use crate::lexical::{continues_name, expression_name, ident, is_blank, run, starts_name};
use crate::limits;
use crate::stage_docs::{Argument, STAGES, StageDoc};
use crate::token::TokenClass;
use crate::{Code, Diagnostic, Span, suggest};

/// The stage that is being read.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) doc: &'static StageDoc,
    pub(super) name: Span,
}

impl Walker<'_> {
    /// `| name arguments`, up to the next stage or what closes the query.
    pub(super) fn stage(&mut self) {
        let bar = self.take(1, TokenClass::Operator);
        if self.peek() == Some('|') {
            let span = Span::new(bar.start, bar.end + 1);
            self.take(1, TokenClass::Error);
            self.report(
                Diagnostic::error(Code::E007, span, "'||' is not an operator")
                    .hint("use or; a single | starts a stage"),
            );
        }
        self.blanks();
        self.expect(Place::Stage);
        if self.at_stage_end() {
            let error = Diagnostic::error(Code::E015, bar, "a stage is missing after '|'");
            return self.report(error.fix("remove the '|'", bar, ""));
        }
        let word = &self.rest()[..ident(self.rest())];
        match StageDoc::find(word)
            .filter(|_| !self.rest()[word.len()..].starts_with(crate::lexical::is_letter))
        {
            Some(doc) => self.known_stage(doc, word.len()),
            None => self.unknown_stage(),
        }
    }

    fn known_stage(&mut self, doc: &'static StageDoc, length: usize) {
        let name = self.take(length, TokenClass::Stage);
        let reading = Reading { doc, name };
        let touches = !self.at_stage_end() && !self.rest().starts_with(is_blank);
        if touches && !(self.peek() == Some('{') && matches!(doc.name, "join" | "union")) {
            let span = self.next_character();
            self.report(
                Diagnostic::error(
                    Code::E003,
                    span,
                    format!("a space is missing after '{}'", name.text(self.source)),
                )
                .fix("add a space", Span::new(span.start, span.start), " "),
            );
        }
        let done = doc.arguments.iter().all(|argument| self.argument(*argument, reading));
        self.blanks();
        if !done {
            return self.skip_stage();
        }
        if !self.at_stage_end() {
            self.stage_leftover(reading);
            self.skip_stage();
        }
    }

    fn unknown_stage(&mut self) {
        let length = match self.peek() {
            Some('"' | '\'' | '`') => self.rest()[1..].find(['"', '\'', '`']).map_or(1, |inner| inner + 2),
            _ => run(self.rest(), |c| !is_blank(c) && (continues_name(c))).max(1),
        };
        let length = self.next_character().end.max(self.at + length) - self.at;
        let span = self.take(length, TokenClass::Error);
        let typed = span.text(self.source);
        let names =
            STAGES.iter().flat_map(|stage| std::iter::once(stage.name).chain(stage.aliases.iter().copied()));
        let near = suggest::foreign_stage(typed).or_else(|| suggest::nearest(typed, names));
        let error = Diagnostic::error(Code::E016, span, format!("unknown stage '{typed}'"));
        let rest = self.rest();
        let filter_like = rest.starts_with([':', '=', '<', '>', '!']);
        self.report(match near {
            Some(near) if !filter_like => {
                error.hint(format!("did you mean '{near}'?")).fix(format!("use {near}"), span, near)
            }
            _ if filter_like => error.hint(format!("to filter here write: | search {typed}…")).fix(
                "filter here",
                Span::new(span.start, span.start),
                "search ",
            ),
            _ => error.hint(format!("to search text here write: | search {typed}")).fix(
                "search here",
                Span::new(span.start, span.start),
                "search ",
            ),
        });
        self.skip_stage();
    }

    /// At `|`, at a closer of something open, or at the end. Reports `||` and stray closers.
    pub(super) fn at_stage_end(&mut self) -> bool {
        match self.peek() {
            None => true,
            Some('|') => !self.rest().starts_with("||"),
            Some(')' | '}' | ']') => {
                self.at_closer() || {
                    self.blanks();
                    self.at_stage_end()
                }
            }
            Some(_) => false,
        }
    }

    /// Takes the rest of a stage that went wrong, in plain colours.
    fn skip_stage(&mut self) {
        let mut open = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '"' | '`' => {
                    self.quoted(if c == '`' { TokenClass::Field } else { TokenClass::String });
                }
                '|' if open.is_empty() => return,
                '(' | '{' | '[' => {
                    open.push(c);
                    self.take(1, TokenClass::Punctuation);
                }
                ')' | '}' | ']' if open.pop().is_none() => {
                    if self.at_closer() {
                        return;
                    }
                }
                c if is_blank(c) => {
                    self.blanks();
                }
                _ => {
                    let length = run(self.rest(), continues_name).max(c.len_utf8());
                    self.take(length, TokenClass::Text);
                }
            }
        }
    }

    fn stage_leftover(&mut self, reading: Reading) {
        if self.rest().starts_with("||") || self.rest().starts_with("&&") {
            let span = self.here(2);
            let right = if self.peek() == Some('|') { "or" } else { "and" };
            let typed = span.text(self.source);
            return self.report(
                Diagnostic::error(Code::E007, span, format!("'{typed}' is not an operator")).fix(
                    format!("use {right}"),
                    span,
                    right,
                ),
            );
        }
        if self.option_name().is_some() {
            return self.unknown_option(reading);
        }
        if reading.doc.arguments.contains(&Argument::Options) && self.at_word("by") {
            let span = self.here(2);
            return self.report(
                Diagnostic::error(Code::E021, span, "'by' stands before the options")
                    .hint(format!("for example: {}", reading.doc.usage)),
            );
        }
        match reading.doc.arguments.last() {
            Some(Argument::Expression) => self.unexpected(),
            _ => {
                let span = self.next_character();
                let c = self.peek().unwrap_or(' ');
                self.report(
                    Diagnostic::error(Code::E003, span, format!("'{c}' is not expected here"))
                        .hint(format!("for example: {}", reading.doc.usage)),
                );
            }
        }
    }

    /// One argument. False when it is missing or wrong; then the rest of the stage is not looked at.
    fn argument(&mut self, argument: Argument, reading: Reading) -> bool {
        match argument {
            Argument::Expression => self.where_condition(reading),
            Argument::Filter => {
                self.blanks();
                self.terms_of(&Terms::Filter) || self.missing(Code::E004, reading)
            }
            Argument::Column => self.present(Code::E004, reading) && self.column(reading),
            Argument::Columns => self.present(Code::E004, reading) && self.separated_columns(reading),
            Argument::OptionalColumn => self.optional_column(reading),
            Argument::OptionalColumns => self.optional_columns(reading),
            Argument::Projections | Argument::Renamings => {
                self.present(Code::E004, reading)
                    && self.projections(argument == Argument::Renamings, reading)
            }
            Argument::Assignments => self.present(Code::E004, reading) && self.assignments(reading),
            Argument::Pattern | Argument::Regex => self.pattern(argument == Argument::Regex, reading),
            Argument::Format => self.unpack_format(reading),
            Argument::Aggregates => self.present(Code::E004, reading) && self.aggregates(reading),
            Argument::By => self.by_keys(),
            Argument::ByColumns => self.by_columns(reading),
            Argument::OptionalCount => self.optional_count(reading),
            Argument::Count => self.count(reading),
            Argument::Percent => self.percent(reading),
            Argument::Numbers => self.numbers(),
            Argument::SortKeys => self.present(Code::E004, reading) && self.sort_keys(reading),
            Argument::Subquery | Argument::Subqueries => {
                self.subqueries(argument == Argument::Subqueries, reading)
            }
            Argument::On | Argument::OnColumn => self.on(argument == Argument::On, reading),
            Argument::Table => self.table(reading),
            Argument::WindowColumns => self.present(Code::E004, reading) && self.window_columns(reading),
            Argument::Options => self.options(reading),
            Argument::RequiredOptions => self.required_options(reading),
        }
    }

    /// Says that the stage needs something, at its name.
    pub(super) fn missing(&mut self, code: Code, reading: Reading) -> bool {
        let name = reading.name.text(self.source);
        self.report(
            Diagnostic::error(code, reading.name, format!("{name} needs {}", reading.doc.needs))
                .hint(format!("for example: {}", reading.doc.usage)),
        );
        false
    }

    /// Something follows, after blanks.
    pub(super) fn present(&mut self, code: Code, reading: Reading) -> bool {
        self.blanks();
        if reading.doc.arguments.first() == Some(&Argument::Aggregates) {
            self.expect(Place::Aggregate);
        } else if reading.doc.arguments.first() == Some(&Argument::WindowColumns) {
            self.expect(Place::WindowFunction);
        } else {
            self.expect(Place::Column);
        }
        !self.at_stage_end() || self.missing(code, reading)
    }

    fn where_condition(&mut self, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Operand { field: None });
        if self.at_stage_end() {
            return self.missing(Code::E004, reading);
        }
        self.expression() || self.missing(Code::E004, reading)
    }

    /// A field name in a stage.
    pub(super) fn column(&mut self, reading: Reading) -> bool {
        self.expect(Place::Column);
        if self.option_name().is_some() && reading.doc.name != "eval" {
            self.unknown_option(reading);
            return false;
        }
        match self.peek() {
            Some('`') => self.quoted(TokenClass::Field).is_some(),
            Some(c) if starts_name(c) => {
                let length = expression_name(self.rest());
                let class = field_class(&self.rest()[..length]);
                self.take(length, class);
                true
            }
            _ => {
                let span = self.next_character();
                self.report(
                    Diagnostic::error(Code::E003, span, "a field name is expected here")
                        .hint("unusual names stand in backticks: `order-id`"),
                );
                false
            }
        }
    }

    /// Goes on behind a comma. False when there is none.
    pub(super) fn comma(&mut self) -> bool {
        let behind = self.behind_blanks();
        if !self.source[behind..].starts_with(',') {
            return false;
        }
        self.blanks();
        self.take(1, TokenClass::Punctuation);
        self.blanks();
        true
    }

    pub(super) fn separated_columns(&mut self, reading: Reading) -> bool {
        loop {
            if !self.column(reading) {
                return false;
            }
            if !self.comma() {
                return true;
            }
        }
    }

    fn optional_column(&mut self, reading: Reading) -> bool {
        let ahead = self.ahead();
        let by =
            reading.doc.name == "patterns" && ahead.at_word("by") && ahead.rest()[2..].starts_with(is_blank);
        let starts = ahead.rest().starts_with(|c| c == '`' || starts_name(c));
        self.at_place_behind(ahead.at, Place::Column);
        if ahead.at == self.at || !starts || ahead.option_name().is_some() || by {
            return true;
        }
        self.blanks();
        self.column(reading)
    }

    fn optional_columns(&mut self, reading: Reading) -> bool {
        let ahead = self.ahead();
        self.at_place_behind(ahead.at, Place::Column);
        let ends = ahead.peek().is_none_or(|c| matches!(c, '|' | ')' | '}'));
        if ahead.at == self.at || ends || ahead.option_name().is_some() {
            return true;
        }
        self.blanks();
        self.separated_columns(reading)
    }

    /// `as name`. `None` when there is no `as`, else whether it is whole.
    pub(super) fn as_name(&mut self) -> Option<bool> {
        let behind = self.behind_blanks();
        self.at_place_behind(behind, Place::Words(&["as"]));
        let ahead = self.ahead();
        if behind == self.at || !ahead.at_word("as") {
            return None;
        }
        self.blanks();
        let word = self.take(2, TokenClass::Keyword);
        self.blanks();
        self.expect(Place::Free);
        let named = match self.peek() {
            Some('`') => self.quoted(TokenClass::Field).is_some(),
            _ => !self.take(expression_name(self.rest()), TokenClass::Field).is_empty(),
        };
        if !named {
            self.report(Diagnostic::error(Code::E018, word, "a name is missing after 'as'"));
        }
        Some(named)
    }

    /// Notes that `place` may come behind the blanks here.
    pub(super) fn at_place_behind(&mut self, behind: usize, place: Place) {
        if behind > self.at {
            let at = std::mem::replace(&mut self.at, behind);
            self.or_expect(place);
            self.at = at;
        }
    }

    fn projections(&mut self, renaming: bool, reading: Reading) -> bool {
        loop {
            let start = self.at;
            if !self.column(reading) {
                return false;
            }
            let column = Span::new(start, self.at);
            match self.as_name() {
                Some(false) => return false,
                None if renaming => {
                    self.report(
                        Diagnostic::error(Code::E018, column, "rename needs 'old as new'")
                            .hint("for example: rename user.id as user"),
                    );
                    return false;
                }
                _ => {}
            }
            if !self.comma() {
                return true;
            }
        }
    }

    fn assignments(&mut self, reading: Reading) -> bool {
        loop {
            let start = self.at;
            if !self.column(reading) {
                return false;
            }
            let name = Span::new(start, self.at);
            self.blanks();
            if !self.assigned(name) {
                return false;
            }
            self.leftover_of_item();
            if !self.comma() {
                return true;
            }
        }
    }

    /// `= expression`
    fn assigned(&mut self, name: Span) -> bool {
        if !self.rest().starts_with('=') {
            let text = name.text(self.source);
            self.report(
                Diagnostic::error(Code::E004, name, "eval needs 'name = expression'")
                    .hint(format!("write {text} = …")),
            );
            return false;
        }
        let operator = self.take(run(self.rest(), |c| matches!(c, '=' | '~')), TokenClass::Operator);
        if operator.end - operator.start > 1 {
            let typed = operator.text(self.source);
            let error = Diagnostic::error(Code::E007, operator, format!("'{typed}' does not assign"));
            self.report(error.hint("use =").fix("use =", operator, "="));
            return false;
        }
        self.blanks();
        self.expect(Place::Operand { field: None });
        if !self.expression() {
            self.needs_value(operator);
            return false;
        }
        true
    }

    /// What stands between an expression and the comma or the end behind it.
    fn leftover_of_item(&mut self) {
        let behind = self.behind_blanks();
        let rest = &self.source[behind..];
        if !rest.starts_with([',', '|', ')', '}']) && !rest.is_empty() {
            self.blanks();
            self.unexpected();
            self.skip_piece();
        }
    }

    /// The quoted pattern of `parse` and `extract`.
    fn pattern(&mut self, is_regex: bool, reading: Reading) -> bool {
        let blank = self.blanks();
        self.expect(Place::Free);
        if self.at_stage_end() {
            return self.missing(Code::E004, reading);
        }
        if self.rest().starts_with(['"', '\'']) {
            if !blank && self.source[..self.at].ends_with(|c| !is_blank(c)) {
                let span = self.next_character();
                self.report(Diagnostic::error(Code::E009, span, "a space is missing here").fix(
                    "add a space",
                    Span::new(span.start, span.start),
                    " ",
                ));
            }
            return self.quoted(if is_regex { TokenClass::Regex } else { TokenClass::String }).is_some();
        }
        let span = self.take(run(self.rest(), |c| !is_blank(c) && c != '|').max(1), TokenClass::Error);
        let quoted = crate::quote::string(span.text(self.source));
        let (code, what) = match is_regex {
            true => (Code::E012, "a regular expression must be quoted"),
            false => (Code::E029, "the pattern must be quoted"),
        };
        self.report(Diagnostic::error(code, span, what).fix("quote it", span, quoted));
        false
    }

    fn unpack_format(&mut self, reading: Reading) -> bool {
        self.blanks();
        self.expect(Place::Words(&["json", "logfmt"]));
        if self.at_stage_end() {
            return self.missing(Code::E021, reading);
        }
        let length =
            run(self.rest(), |c| crate::lexical::is_letter(c) || crate::lexical::is_number(c) || c == '_');
        let word = self.here(length.max(self.next_character().end - self.at));
        if ["json", "logfmt"].iter().any(|format| format.eq_ignore_ascii_case(word.text(self.source))) {
            self.take(length, TokenClass::Keyword);
            return true;
        }
        self.report(
            Diagnostic::error(Code::E021, word, format!("'{}' cannot be unpacked", word.text(self.source)))
                .hint("unpack json or unpack logfmt"),
        );
        false
    }

    pub(super) fn by_keys(&mut self) -> bool {
        let Some(by) = self.by_word() else { return true };
        let mut owner = by;
        for count in 1.. {
            self.expect(Place::Column);
            if count == limits::KEYS + 1 {
                let message = format!("at most {} keys", limits::KEYS);
                self.report(Diagnostic::error(Code::E026, self.next_character(), message));
            }
            if !self.spaced_bin() && !self.expression() {
                self.report(Diagnostic::error(Code::E004, owner, "a field is missing here"));
                return false;
            }
            if self.as_name() == Some(false) {
                return false;
            }
            if !self.comma() {
                break;
            }
            owner = self.last_token();
        }
        true
    }

    /// `bin (5m)`: only as a key may a blank stand there.
    fn spaced_bin(&mut self) -> bool {
        if !self.at_word("bin") {
            return false;
        }
        let behind = self.ahead_from(self.at + 3).at;
        let spaced = behind > self.at + 3 && self.source[behind..].starts_with('(');
        if spaced {
            self.take(3, TokenClass::Function);
            self.blanks();
            self.arguments();
        }
        spaced
    }

    fn by_columns(&mut self, reading: Reading) -> bool {
        let Some(by) = self.by_word() else { return true };
        if self.at_stage_end() {
            self.report(Diagnostic::error(Code::E004, by, "'by' needs a field"));
            return false;
        }
        self.separated_columns(reading)
    }

    /// `by`, with blanks on both sides.
    fn by_word(&mut self) -> Option<Span> {
        let behind = self.behind_blanks();
        self.at_place_behind(behind, Place::Words(&["by"]));
        let ahead = self.ahead();
        if behind == self.at || !ahead.at_word("by") {
            return None;
        }
        self.blanks();
        let by = self.take(2, TokenClass::Keyword);
        if !self.blanks() && !self.at_stage_end() {
            let span = self.next_character();
            self.report(Diagnostic::error(Code::E003, span, "a space is missing after 'by'").fix(
                "add a space",
                Span::new(span.start, span.start),
                " ",
            ));
        }
        Some(by)
    }

    pub(super) fn last_token(&self) -> Span {
        self.tokens.last().map_or(Span::default(), |token| Span::new(token.start, token.end))
    }
}
