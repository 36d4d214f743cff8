//! Aggregates and group keys: functions, parameters, and the names of their columns.

use pest::iterators::Pair;

use super::expression::wrong_count;
use super::{Builder, Built, Rule, expected, span_of};
use crate::ast::{Aggregate, AggregateFunction, Expr, ExprNode, Function, Key, Literal, LiteralClass, Name};
use crate::{Code, Diagnostic, Span, limits, literal};

/// An aggregate by the name that is typed, and the percentile that the name says: `p95`, `p999`, `median`.
pub(crate) fn aggregate_named(name: &str) -> Option<(AggregateFunction, Option<String>)> {
    let name = name.to_ascii_lowercase();
    if name == "median" {
        return Some((AggregateFunction::Percentile, Some("50".to_owned())));
    }
    if let Some(digits) = name.strip_prefix('p').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        let rank = match digits.len() {
            1 | 2 => digits.to_owned(),
            3..=6 => format!("{}.{}", &digits[..2], &digits[2..]),
            _ => return None,
        };
        return (rank != "0" && rank != "00").then_some((AggregateFunction::Percentile, Some(rank)));
    }
    AggregateFunction::from_name(&name).map(|function| (function, None))
}

impl Builder<'_> {
    pub(super) fn aggregates(&mut self, pair: Pair<'_, Rule>) -> Built<Vec<Aggregate>> {
        let span = span_of(&pair);
        let aggregates = pair.into_inner().map(|part| self.aggregate(part)).collect::<Built<Vec<_>>>()?;
        if aggregates.len() > limits::AGGREGATES {
            let message = format!("a stage has at most {} aggregates", limits::AGGREGATES);
            return Err(Diagnostic::error(Code::E026, span, message));
        }
        Ok(aggregates)
    }

    fn aggregate(&mut self, pair: Pair<'_, Rule>) -> Built<Aggregate> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let ident = expected(parts.next(), span)?;
        let spelling = Name { text: ident.as_str().to_ascii_lowercase(), span: span_of(&ident) };
        let Some((function, rank)) = aggregate_named(&spelling.text) else {
            let message = format!("unknown aggregate '{}'", spelling.text);
            return Err(Diagnostic::error(Code::E017, spelling.span, message));
        };
        let list = expected(parts.next(), span)?;
        let call = spelling.span.to(span_of(&list));
        let mut arguments = list.into_inner().map(|part| self.expression(part)).collect::<Built<Vec<_>>>()?;
        self.check_count(function, rank.is_some(), arguments.len(), call)?;
        let parameter = match rank {
            Some(rank) => Some(Literal {
                text: rank.clone(),
                quoted: false,
                class: literal::classify(&rank),
                span: spelling.span,
            }),
            None if arguments.len() == 2 => {
                arguments.pop().map(|argument| constant(argument, function)).transpose()?
            }
            None => None,
        };
        let argument = arguments.pop();
        let mut condition = None;
        let mut given = None;
        for part in parts {
            let inner = expected(part.clone().into_inner().next(), span)?;
            match part.as_rule() {
                Rule::agg_w => condition = Some(self.expression(inner)?),
                _ => given = Some(self.name(&inner)?),
            }
        }
        let named = given.is_some();
        let name = match given {
            Some(name) => name,
            None => default_name(&spelling, argument.as_ref(), span)?,
        };
        Ok(Aggregate { function, spelling, argument, parameter, condition, name, named, span })
    }

    fn check_count(
        &self,
        function: AggregateFunction,
        has_rank: bool,
        count: usize,
        call: Span,
    ) -> Built<()> {
        let doc = function.doc();
        let (least, most) = if has_rank { (1, 1) } else { (doc.least_arguments, doc.most_arguments) };
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let error = wrong_count(call, doc);
        Err(if has_rank { error.hint("write p95(field)") } else { error })
    }

    /// The keys behind `by`.
    pub(super) fn keys(&mut self, pair: Pair<'_, Rule>) -> Built<Vec<Key>> {
        pair.into_inner().filter(|part| part.as_rule() == Rule::key).map(|part| self.key(part)).collect()
    }

    fn key(&mut self, pair: Pair<'_, Rule>) -> Built<Key> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let part = expected(parts.next(), span)?;
        let value = if part.as_rule() == Rule::bin { self.bin(part)? } else { self.expression(part)? };
        let given = match parts.next() {
            Some(part) => Some(self.name(&expected(part.into_inner().next(), span)?)?),
            None => None,
        };
        let named = given.is_some();
        let name = match (given, key_name(&value)) {
            (Some(name), _) => name,
            (None, Some(text)) => Name { text, span },
            (None, None) => return Err(needs_name(span)),
        };
        Ok(Key { value, name, named, span })
    }
}

/// The column of a key without a name: the field, or what `bin()` cuts.
fn key_name(value: &Expr) -> Option<String> {
    match &value.node {
        ExprNode::Field(field) => Some(field.path.clone()),
        ExprNode::Call { function: Function::Bin, arguments, .. } => match &arguments.first()?.node {
            ExprNode::Field(field) => Some(field.path.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// `count`, `p95_duration_ms`: function and path.
fn default_name(spelling: &Name, argument: Option<&Expr>, span: Span) -> Built<Name> {
    let text = match argument.map(|argument| &argument.node) {
        None => spelling.text.clone(),
        Some(ExprNode::Field(field)) => format!("{}_{}", spelling.text, field.path),
        Some(_) => return Err(needs_name(span)),
    };
    Ok(Name { text, span })
}

fn needs_name(span: Span) -> Diagnostic {
    Diagnostic::error(Code::E018, span, "a computed column needs a name").hint("add: as name").fix(
        "name it",
        Span::new(span.end, span.end),
        " as name",
    )
}

/// The second argument of an aggregate, which has to be a number in the query.
fn constant(argument: Expr, function: AggregateFunction) -> Built<Literal> {
    let span = argument.span;
    match argument.node {
        ExprNode::Literal(literal) if matches!(literal.class, LiteralClass::Number(_)) => Ok(literal),
        _ => Err(Diagnostic::error(
            Code::E022,
            span,
            format!("the second argument of {}() is a number", function.name()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_named_by_their_rank() {
        let rank = |name| aggregate_named(name).and_then(|(_, rank)| rank);
        assert_eq!(rank("p95").as_deref(), Some("95"));
        assert_eq!(rank("P999").as_deref(), Some("99.9"));
        assert_eq!(rank("median").as_deref(), Some("50"));
        assert_eq!(aggregate_named("p0"), None);
        assert_eq!(aggregate_named("p"), None);
    }
}
