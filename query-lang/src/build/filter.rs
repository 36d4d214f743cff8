//! Filters: terms, signs, AND and OR, and the warnings about them.

use pest::iterators::Pair;

use super::{Builder, Built, Rule, expected, span_of};
use crate::ast::{Filter, FilterNode, TextKind, TextMatch};
use crate::{Code, Diagnostic, Span, literal};

impl Builder<'_> {
    pub(super) fn filter(&mut self, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let mut terms = Vec::new();
        let mut keywords = Vec::new();
        let mut implied = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::f_and {
                let (term, implied_and) = self.conjunction(part)?;
                terms.push(term);
                implied = implied.or(implied_and);
            } else {
                keywords.push(span_of(&part));
            }
        }
        self.lower_case_keywords(&keywords, &terms);
        if let Some(mixed) = implied.filter(|_| terms.len() > 1) {
            self.warn(
                Diagnostic::warning(Code::W002, mixed, "terms side by side are ANDed before the OR")
                    .hint("write AND, or use parentheses to say what you mean"),
            );
        }
        Ok(any_of(terms, span))
    }

    /// Terms joined by AND; and the first pair of terms that are joined by a mere blank.
    fn conjunction(&mut self, pair: Pair<'_, Rule>) -> Built<(Filter, Option<Span>)> {
        let span = span_of(&pair);
        let mut terms: Vec<Filter> = Vec::new();
        let mut keywords = Vec::new();
        let mut implied = None;
        let mut explicit = true;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::f_not {
                let term = self.negatable(part)?;
                if !std::mem::replace(&mut explicit, false) {
                    implied = implied.or(terms.last().map(|left| left.span.to(term.span)));
                    keywords.push(Span::default());
                }
                terms.push(term);
            } else {
                explicit = true;
                keywords.push(span_of(&part));
            }
        }
        self.lower_case_keywords(&keywords, &terms);
        Ok((all_of(terms, span), implied))
    }

    /// W001: `keywords[i]` stands between `terms[i]` and `terms[i + 1]`.
    fn lower_case_keywords(&mut self, keywords: &[Span], terms: &[Filter]) {
        for (keyword, sides) in keywords.iter().zip(terms.windows(2)) {
            if ends_with_word(&sides[0]) || starts_with_word(&sides[1]) {
                self.lower_case_keyword(*keyword);
            }
        }
    }

    fn lower_case_keyword(&mut self, keyword: Span) {
        let text = keyword.text(self.source);
        let upper = text.to_uppercase();
        if text != upper {
            self.warn(
                Diagnostic::warning(Code::W001, keyword, format!("'{text}' is read as the operator {upper}"))
                    .hint(format!("write {upper}, or \"{text}\" to search for the word"))
                    .fix(format!("write {upper}"), keyword, upper.clone())
                    .fix("search for the word", keyword, format!("\"{text}\"")),
            );
        }
    }

    /// A term with its signs.
    fn negatable(&mut self, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let mut keyword = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::not_kw => keyword = Some(span_of(&part)),
                Rule::f_not => {
                    let inner = self.negatable(part)?;
                    if let Some(keyword) = keyword.filter(|_| starts_with_word(&inner)) {
                        self.lower_case_keyword(keyword);
                    }
                    return Ok(Filter { node: FilterNode::Not(Box::new(inner)), span });
                }
                _ => return self.term(part),
            }
        }
        expected(None, span)
    }

    fn term(&mut self, pair: Pair<'_, Rule>) -> Built<Filter> {
        let span = span_of(&pair);
        let part = expected(pair.into_inner().next(), span)?;
        match part.as_rule() {
            Rule::f_group => {
                let inner = expected(part.into_inner().next(), span)?;
                Ok(Filter { span, ..self.filter(inner)? })
            }
            Rule::any_pred => self.any_field(part),
            Rule::func_pred => self.function(part),
            Rule::field_pred => self.predicate(part),
            _ => Ok(Filter { node: self.text(span, FilterNode::Text)?, span }),
        }
    }

    /// A word or phrase, on its own or behind `*:`.
    pub(super) fn text(
        &mut self,
        span: Span,
        make: impl FnOnce(TextMatch) -> FilterNode,
    ) -> Built<FilterNode> {
        let raw = span.text(self.source);
        let text = if raw.starts_with(['"', '\'']) {
            let text = literal::unquote(raw);
            if text.contains('*') {
                self.literal_wildcard(span, "quotes make * literal", &text);
            }
            TextMatch::new(text, true, span)
        } else {
            match literal::glob(raw).plain() {
                Ok(text) => {
                    let quoted = text != raw || raw.starts_with("//");
                    TextMatch::new(text, quoted, span)
                }
                Err(glob) if glob.parts == [crate::ast::GlobPart::AnyRun] => return Ok(FilterNode::All),
                Err(glob) => {
                    TextMatch { text: raw.to_owned(), quoted: false, kind: TextKind::Wildcard(glob), span }
                }
            }
        };
        if text.text.is_empty() {
            return Err(Diagnostic::error(Code::E013, span, "an empty phrase matches nothing")
                .hint("for an empty value write field:\"\""));
        }
        Ok(make(text))
    }

    /// W004, with the unquoted pattern as a fix where it can be written.
    pub(super) fn literal_wildcard(&mut self, span: Span, message: &str, text: &str) {
        let warning = Diagnostic::warning(Code::W004, span, message)
            .hint("wildcards work unquoted, after ':' or in free text");
        let can_be_bare = !text.is_empty()
            && !text.starts_with(['\'', '<', '>', '=', '~', '!', '-'])
            && !text.contains(crate::lexical::ends_word);
        self.warn(if can_be_bare { warning.fix("remove the quotes", span, text) } else { warning });
    }
}

impl TextMatch {
    /// Text without wildcards.
    #[must_use]
    pub fn new(text: String, quoted: bool, span: Span) -> Self {
        let kind =
            if literal::words(&text).next().is_some() { TextKind::Phrase } else { TextKind::Substring };
        Self { text, quoted, kind, span }
    }
}

/// The AND of the terms, flat.
pub(super) fn all_of(terms: Vec<Filter>, span: Span) -> Filter {
    joined(terms, span, FilterNode::And, |node| match node {
        FilterNode::And(terms) => Ok(terms),
        node => Err(node),
    })
}

/// The OR of the terms, flat.
pub(super) fn any_of(terms: Vec<Filter>, span: Span) -> Filter {
    joined(terms, span, FilterNode::Or, |node| match node {
        FilterNode::Or(terms) => Ok(terms),
        node => Err(node),
    })
}

fn joined(
    terms: Vec<Filter>,
    span: Span,
    join: fn(Vec<Filter>) -> FilterNode,
    split: fn(FilterNode) -> Result<Vec<Filter>, FilterNode>,
) -> Filter {
    let mut flat = Vec::with_capacity(terms.len());
    for term in terms {
        match split(term.node) {
            Ok(inner) => flat.extend(inner),
            Err(node) => flat.push(Filter { node, span: term.span }),
        }
    }
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        last => {
            flat.extend(last);
            Filter { node: join(flat), span }
        }
    }
}

fn is_word(term: &Filter) -> bool {
    matches!(&term.node, FilterNode::Text(text) if !text.quoted)
}

fn ends_with_word(term: &Filter) -> bool {
    match &term.node {
        FilterNode::And(terms) | FilterNode::Or(terms) => terms.last().is_some_and(ends_with_word),
        FilterNode::Not(inner) => ends_with_word(inner),
        _ => is_word(term),
    }
}

fn starts_with_word(term: &Filter) -> bool {
    match &term.node {
        FilterNode::And(terms) | FilterNode::Or(terms) => terms.first().is_some_and(starts_with_word),
        FilterNode::Not(inner) => starts_with_word(inner),
        _ => is_word(term),
    }
}
