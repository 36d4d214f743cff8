//! Predicates: a field, an operator and values.

use pest::iterators::Pair;

use super::filter::{all_of, any_of};
use super::{Builder, Built, Rule, expected, span_of};
use crate::ast::{
    Bound, CompareOp, Field, Filter, FilterNode, Literal, LiteralClass, Predicate, Presence, Spelling, Test,
};
use crate::{Code, Diagnostic, Span, limits, literal};

/// What the values of a group are applied to.
#[derive(Clone, Copy)]
enum Subject<'f> {
    Field(&'f Field),
    Any,
}

impl Builder<'_> {
    /// `field:value`, `field > 5`, `field in (…)`
    pub(super) fn predicate(&mut self, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let field = self.field(&expected(parts.next(), span)?)?;
        self.behind_field(&field, parts, span)
    }

    /// The parts behind the field of a predicate.
    pub(super) fn behind_field<'p>(
        &mut self,
        field: &Field,
        parts: impl Iterator<Item = Pair<'p, Rule>>,
        span: Span,
    ) -> Built<Filter> {
        let mut negated = false;
        for part in parts {
            let test = match part.as_rule() {
                Rule::not_kw | Rule::e_not_kw => {
                    negated = true;
                    continue;
                }
                Rule::colon_v => return self.colon_value(field, part, span),
                Rule::compare => return self.comparison(field, part, span),
                Rule::list => Test::In(self.list(part)?),
                _ => Test::InQuery(Box::new(self.subquery(part)?)),
            };
            return Ok(term(field, negated, test, span));
        }
        expected(None, span)
    }

    fn comparison(&mut self, field: &Field, pair: Pair<'_, Rule>, span: Span) -> Built<Filter> {
        let mut parts = pair.into_inner();
        let operator = expected(parts.next(), span)?;
        let value = self.literal(&expected(parts.next(), span)?);
        let test = match operator.as_str() {
            "=~" | "!~" => Test::Regex(self.bounded_regex(value)?),
            "=" | "==" | "!=" => {
                self.doubtful_value(field, &value, Spelling::Equals);
                Test::Equals { value, spelling: Spelling::Equals }
            }
            text => Test::Compare { op: order(text), value },
        };
        Ok(term(field, operator.as_str().starts_with('!'), test, span))
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> Built<Vec<Literal>> {
        let values: Vec<Literal> = pair.into_inner().map(|item| self.literal(&item)).collect();
        for value in &values {
            if !value.quoted && value.text.contains(['*', '?']) {
                self.warn(
                    Diagnostic::warning(Code::W004, value.span, "wildcards are literal in lists")
                        .hint("write field:(a* OR b*)"),
                );
            }
        }
        Ok(values)
    }

    /// A value as written, without wildcards.
    pub(super) fn literal(&self, pair: &Pair<'_, Rule>) -> Literal {
        let span = span_of(pair);
        literal::literal(span.text(self.source), span)
    }

    fn colon_value(&mut self, field: &Field, pair: Pair<'_, Rule>, span: Span) -> Built<Filter> {
        let part = expected(pair.into_inner().next(), span)?;
        match part.as_rule() {
            Rule::v_group => {
                let inner = expected(part.into_inner().next(), span)?;
                Ok(Filter { span, ..self.alternatives(Subject::Field(field), inner)? })
            }
            _ => self.leaf(field, part, span),
        }
    }

    /// `*:value`
    pub(super) fn any_field(&mut self, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let part = expected(pair.into_inner().next(), span)?;
        match part.as_rule() {
            Rule::v_group => {
                let inner = expected(part.into_inner().next(), span)?;
                Ok(Filter { span, ..self.alternatives(Subject::Any, inner)? })
            }
            _ => self.any_text(span_of(&part), span),
        }
    }

    fn any_text(&mut self, value: Span, span: Span) -> Built<Filter> {
        Ok(Filter { node: self.text(value, FilterNode::AnyText)?, span })
    }

    /// Values joined by OR.
    fn alternatives(&mut self, subject: Subject<'_>, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let mut terms = Vec::new();
        let mut implied = None;
        for part in pair.into_inner().filter(|part| part.as_rule() == Rule::v_and) {
            let (term, implied_and) = self.joint_values(subject, part)?;
            terms.push(term);
            implied = implied.or(implied_and);
        }
        if let Some(mixed) = implied.filter(|_| terms.len() > 1) {
            self.warn(
                Diagnostic::warning(Code::W002, mixed, "values side by side are ANDed before the OR")
                    .hint("write OR between them, or use parentheses"),
            );
        }
        Ok(any_of(terms, span))
    }

    fn joint_values(&mut self, subject: Subject<'_>, pair: Pair<'_, Rule>) -> Built<(Filter, Option<Span>)> {
        let span = span_of(&pair);
        let mut terms: Vec<Filter> = Vec::new();
        let mut implied = None;
        let mut explicit = true;
        for part in pair.into_inner() {
            if part.as_rule() != Rule::v_not {
                explicit = true;
                continue;
            }
            let value = self.negatable_value(subject, part)?;
            if !std::mem::replace(&mut explicit, false) {
                implied = implied.or(terms.last().map(|left| left.span.to(value.span)));
            }
            terms.push(value);
        }
        if implied.is_some() {
            self.several_plain_values(&terms, span);
        }
        Ok((all_of(terms, span), implied))
    }

    /// W010: no value is equal to two others.
    fn several_plain_values(&mut self, terms: &[Filter], span: Span) {
        let plain = |term: &&Filter| match &term.node {
            FilterNode::Predicate(predicate) => {
                let words = predicate.field.core() == Some(crate::ast::Core::Message);
                matches!(predicate.test, Test::Equals { .. } | Test::Glob { .. }) && !words
            }
            _ => false,
        };
        if terms.iter().filter(plain).count() < 2 {
            return;
        }
        let between: Vec<crate::TextEdit> = terms
            .windows(2)
            .map(|sides| crate::TextEdit {
                span: Span::new(sides[0].span.end, sides[1].span.start),
                text: " OR ".to_owned(),
            })
            .collect();
        let mut warning =
            Diagnostic::warning(Code::W010, span, "several values are ANDed, one field rarely has them all")
                .hint("write OR between the values");
        warning.fixes.push(crate::Fix::new("use OR", between));
        self.warn(warning);
    }

    fn negatable_value(&mut self, subject: Subject<'_>, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::v_not => {
                    let inner = self.negatable_value(subject, part)?;
                    return Ok(Filter { node: FilterNode::Not(Box::new(inner)), span });
                }
                Rule::v_or => return Ok(Filter { span, ..self.alternatives(subject, part)? }),
                Rule::v_leaf => {
                    return match subject {
                        Subject::Field(field) => self.leaf(field, part, span),
                        Subject::Any => {
                            let value = expected(part.into_inner().next(), span)?;
                            self.any_text(span_of(&value), span)
                        }
                    };
                }
                _ => {}
            }
        }
        expected(None, span)
    }

    /// One value behind `field:`.
    fn leaf(&mut self, field: &Field, pair: Pair<'_, Rule>, span: Span) -> Built<Filter> {
        let mut parts = pair.into_inner();
        let first = expected(parts.next(), span)?;
        let test = match first.as_rule() {
            Rule::range => self.range(first)?,
            Rule::ord_op => {
                let value = self.literal(&expected(parts.next(), span)?);
                Test::Compare { op: order(first.as_str()), value }
            }
            Rule::string => {
                let value = self.literal(&first);
                self.doubtful_value(field, &value, Spelling::Colon);
                Test::Equals { value, spelling: Spelling::Colon }
            }
            _ => self.bare(field, span_of(&first)),
        };
        Ok(term(field, false, test, span))
    }

    /// An unquoted value: `*` is presence, other wildcards make a pattern.
    fn bare(&mut self, field: &Field, span: Span) -> Test {
        let raw = span.text(self.source);
        match literal::glob(raw).plain() {
            Err(glob) if glob.parts == [crate::ast::GlobPart::AnyRun] => Test::Exists(Presence::Star),
            Err(glob) => Test::Glob { glob, text: raw.to_owned(), span },
            Ok(text) => {
                // an escaped wildcard, and what could be a comment, read like quoted text from here on
                let quoted = text != raw || raw.starts_with("//");
                let class = if quoted { LiteralClass::Text } else { literal::classify(raw) };
                let value = Literal { text, quoted, class, span };
                self.doubtful_value(field, &value, Spelling::Colon);
                Test::Equals { value, spelling: Spelling::Colon }
            }
        }
    }

    /// W004, W006, W007: values that probably mean something else.
    fn doubtful_value(&mut self, field: &Field, value: &Literal, spelling: Spelling) {
        let has_wildcard = value.text.contains(['*', '?']);
        let raw = value.span.text(self.source);
        match spelling {
            Spelling::Colon if raw.starts_with(['"', '\'']) && has_wildcard => {
                self.literal_wildcard(value.span, "quotes make wildcards literal", &value.text);
            }
            Spelling::Equals if !value.quoted && has_wildcard && !value.text.contains("://") => self.warn(
                Diagnostic::warning(Code::W004, value.span, "wildcards are literal behind =")
                    .hint("write field:value with ':' to use wildcards"),
            ),
            _ => {}
        }
        if looks_like_network(&value.text) {
            let name = &field.path;
            self.warn(
                Diagnostic::warning(Code::W006, value.span, "this is compared as text, not as a network")
                    .hint(format!("write cidr({name}, {})", value.text)),
            );
        }
        if !value.quoted && value.text.eq_ignore_ascii_case("null") {
            let name = &field.path;
            self.warn(
                Diagnostic::warning(Code::W007, value.span, "'null' is text here")
                    .hint(format!("write -{name}:* for events without the field")),
            );
        }
    }

    fn range(&mut self, pair: Pair<'_, Rule>) -> Built<Test> {
        let span = span_of(&pair);
        let raw = span.text(self.source);
        let inclusive = (raw.starts_with('['), raw.ends_with(']'));
        let mut parts = pair.into_inner();
        let mut bound = |inclusive| -> Built<Bound> {
            let value = self.literal(&expected(parts.next(), span)?);
            let open = !value.quoted && value.text == "*";
            Ok(Bound { value: (!open).then_some(value), inclusive })
        };
        Ok(Test::Range { low: bound(inclusive.0)?, high: bound(inclusive.1)?, span })
    }

    /// `exists(f)`, `cidr(f, …)`, `contains(f, "s")` …
    pub(super) fn function(&mut self, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let function = expected(parts.next(), span)?.as_str().to_ascii_lowercase();
        let field = self.field(&expected(parts.next(), span)?)?;
        let mut values: Vec<Literal> = parts.map(|part| self.literal(&part)).collect();
        let presence = matches!(function.as_str(), "exists" | "missing");
        let fits = match function.as_str() {
            "cidr" => !values.is_empty(),
            _ => values.len() == usize::from(!presence),
        };
        if !fits {
            let takes = if presence { "one field" } else { "a field and a value" };
            return Err(Diagnostic::error(Code::E017, span, format!("{function}() takes {takes}")));
        }
        let test = match function.as_str() {
            "exists" | "missing" => Test::Exists(Presence::Function),
            "cidr" => Test::Cidr(values),
            _ => {
                let value = expected(values.pop(), span)?;
                match function.as_str() {
                    "contains" => Test::Contains(value),
                    "startswith" => Test::StartsWith(value),
                    "endswith" => Test::EndsWith(value),
                    _ => Test::Phrase(value),
                }
            }
        };
        Ok(term(&field, function == "missing", test, span))
    }
}

fn term(field: &Field, negated: bool, test: Test, span: Span) -> Filter {
    let predicate = Predicate { field: field.clone(), negated, test, meaning: None, span };
    Filter { node: FilterNode::Predicate(Box::new(predicate)), span }
}

pub(super) fn order(operator: &str) -> CompareOp {
    match operator {
        "<" => CompareOp::Less,
        "<=" => CompareOp::LessOrEqual,
        ">" => CompareOp::Greater,
        _ => CompareOp::GreaterOrEqual,
    }
}

impl Builder<'_> {
    /// Regular expressions cost time to compile, so their size and number are limited.
    pub(super) fn bounded_regex(&mut self, pattern: Literal) -> Built<Literal> {
        self.regexes += 1;
        if self.regexes > limits::REGEXES {
            let message = format!("a query has at most {} regular expressions", limits::REGEXES);
            return Err(Diagnostic::error(Code::E026, pattern.span, message));
        }
        if pattern.text.len() > limits::REGEX_BYTES {
            let message = format!("a regular expression has at most {} bytes", limits::REGEX_BYTES);
            return Err(Diagnostic::error(Code::E026, pattern.span, message));
        }
        Ok(pattern)
    }
}

/// `10.0.0.0/8`, `2001:db8::/32`
fn looks_like_network(text: &str) -> bool {
    text.rsplit_once('/').is_some_and(|(address, length)| {
        length.parse::<u8>().is_ok_and(|length| length <= 128) && address.parse::<std::net::IpAddr>().is_ok()
    })
}
