//! Expressions: the grammar's levels of precedence become a tree.

use pest::iterators::{Pair, Pairs};

use super::value::order;
use super::{Builder, Built, Rule, expected, span_of};
use crate::ast::{
    BinaryOp, Core, Expr, ExprNode, Field, FilterNode, Function, Kind, Literal, LiteralClass, Target,
};
use crate::{Code, Diagnostic, Span, literal};

impl Builder<'_> {
    pub(super) fn expression(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let terms = self.operands(pair.into_inner(), Rule::e_and, Self::conjunction_expression)?;
        Ok(joined(terms, span, ExprNode::Or, |node| match node {
            ExprNode::Or(terms) => Ok(terms),
            node => Err(node),
        }))
    }

    fn conjunction_expression(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let terms = self.operands(pair.into_inner(), Rule::e_not, Self::negatable_expression)?;
        Ok(joined(terms, span, ExprNode::And, |node| match node {
            ExprNode::And(terms) => Ok(terms),
            node => Err(node),
        }))
    }

    fn operands(
        &mut self,
        pairs: Pairs<'_, Rule>,
        rule: Rule,
        build: fn(&mut Self, Pair<'_, Rule>) -> Built<Expr>,
    ) -> Built<Vec<Expr>> {
        pairs.filter(|part| part.as_rule() == rule).map(|part| build(self, part)).collect()
    }

    fn negatable_expression(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::e_not => {
                    let inner = self.negatable_expression(part)?;
                    return Ok(expr(ExprNode::Not(Box::new(inner)), span));
                }
                Rule::e_cmp => return self.condition(part),
                _ => {}
            }
        }
        expected(None, span)
    }

    /// A comparison, `field:value`, or a plain value.
    fn condition(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let first = expected(parts.next(), span)?;
        if first.as_rule() == Rule::col {
            let field = self.field(&first)?;
            let filter = self.behind_field(&field, parts, span)?;
            return Ok(Expr { span, ..from_filter(filter) });
        }
        let left = Box::new(self.sum(first)?);
        let Some(mut operator) = parts.next() else { return Ok(*left) };
        let negated = operator.as_rule() == Rule::e_not_kw;
        if negated {
            operator = expected(parts.next(), span)?;
        }
        let node = match operator.as_rule() {
            Rule::subquery => {
                ExprNode::InQuery { value: left, negated, query: Box::new(self.subquery(operator)?) }
            }
            Rule::re_op => {
                let pattern = self.literal(&expected(parts.next(), span)?);
                let pattern = self.bounded_regex(pattern)?;
                ExprNode::Regex { value: left, negated: operator.as_str() == "!~", pattern }
            }
            Rule::cmp_op => {
                let right = Box::new(self.sum(expected(parts.next(), span)?)?);
                let op = match operator.as_str() {
                    "=" | "==" => BinaryOp::Equal,
                    "!=" => BinaryOp::NotEqual,
                    text => BinaryOp::Compare(order(text)),
                };
                ExprNode::Binary { op, left, right }
            }
            _ => {
                let list = std::iter::once(operator)
                    .chain(parts)
                    .map(|item| self.sum(item))
                    .collect::<Built<_>>()?;
                ExprNode::In { value: left, negated, list }
            }
        };
        Ok(expr(node, span))
    }

    /// `e_add` and `e_mul`: operators of one precedence, from left to right.
    fn sum(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let is_sum = pair.as_rule() == Rule::e_add;
        let mut parts = pair.into_inner();
        let operand = |builder: &mut Self, part: Pair<'_, Rule>| match is_sum {
            true => builder.sum(part),
            false => builder.signed(part),
        };
        let mut left = operand(self, expected(parts.next(), span)?)?;
        while let Some(operator) = parts.next() {
            let right = operand(self, expected(parts.next(), span)?)?;
            let op = match operator.as_str() {
                "+" => BinaryOp::Add,
                "-" => BinaryOp::Subtract,
                "*" => BinaryOp::Multiply,
                "/" => BinaryOp::Divide,
                _ => BinaryOp::Remainder,
            };
            let span = left.span.to(right.span);
            left = expr(ExprNode::Binary { op, left: Box::new(left), right: Box::new(right) }, span);
        }
        Ok(left)
    }

    fn signed(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let part = expected(pair.into_inner().next(), span)?;
        if part.as_rule() == Rule::e_un {
            return Ok(negative(self.signed(part)?, span));
        }
        let part = expected(part.into_inner().next(), span)?;
        let inner = span_of(&part);
        match part.as_rule() {
            Rule::expr => Ok(Expr { span, ..self.expression(part)? }),
            Rule::call => self.call(part),
            Rule::col => self.column_or_constant(&part),
            Rule::number => Ok(expr(ExprNode::Literal(self.number(&part)?), inner)),
            _ => Ok(expr(ExprNode::Literal(self.literal(&part)), inner)),
        }
    }

    /// A number, duration or size.
    pub(super) fn number(&self, pair: &Pair<'_, Rule>) -> Built<Literal> {
        let value = self.literal(pair);
        match value.class {
            LiteralClass::Number(_) | LiteralClass::Duration(_) | LiteralClass::Size(_) => Ok(value),
            _ => Err(Diagnostic::error(Code::E022, value.span, format!("'{}' is not a number", value.text))),
        }
    }

    fn column_or_constant(&mut self, pair: &Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(pair);
        let text = pair.as_str();
        let class = match text.to_ascii_lowercase().as_str() {
            "true" => LiteralClass::Bool(true),
            "false" => LiteralClass::Bool(false),
            "null" => LiteralClass::Null,
            _ => return Ok(expr(ExprNode::Field(self.field(pair)?), span)),
        };
        let literal = Literal { text: text.to_ascii_lowercase(), quoted: false, class, span };
        Ok(expr(ExprNode::Literal(literal), span))
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let ident = expected(parts.next(), span)?;
        let name = span_of(&ident);
        let Some(function) = Function::from_name(ident.as_str()) else {
            return Err(Diagnostic::error(
                Code::E017,
                name,
                format!("unknown function '{}'", ident.as_str()),
            ));
        };
        let arguments = parts.map(|part| self.expression(part)).collect::<Built<Vec<_>>>()?;
        let doc = function.doc();
        if arguments.len() < doc.least_arguments || arguments.len() > doc.most_arguments {
            return Err(wrong_count(span, doc));
        }
        if matches!(function, Function::Extract | Function::ReplaceRe)
            && let ExprNode::Literal(pattern) = &arguments[1].node
        {
            self.bounded_regex(pattern.clone())?;
        }
        Ok(call(function, name, arguments, span))
    }

    /// `bin(5m)` or `bin(field, 500)` as a group key.
    pub(super) fn bin(&mut self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = span_of(&pair);
        let name = Span::new(span.start, span.start + 3);
        let mut arguments = Vec::new();
        for part in pair.into_inner() {
            let inner = span_of(&part);
            arguments.push(match part.as_rule() {
                Rule::col => expr(ExprNode::Field(self.field(&part)?), inner),
                _ => expr(ExprNode::Literal(self.number(&part)?), inner),
            });
        }
        Ok(call(Function::Bin, name, arguments, span))
    }
}

/// A call; `bin(5m)` becomes `bin(timestamp, 5m)`.
fn call(function: Function, name: Span, mut arguments: Vec<Expr>, span: Span) -> Expr {
    if function == Function::Bin && arguments.len() == 1 {
        let field = Field {
            path: Core::Timestamp.name().to_owned(),
            target: Target::Core(Core::Timestamp),
            kind: Kind::Time,
            span: name,
        };
        arguments.insert(0, expr(ExprNode::Field(field), name));
    }
    expr(ExprNode::Call { function, name, arguments }, span)
}

pub(super) fn wrong_count(span: Span, doc: &crate::ast::FunctionDoc) -> Diagnostic {
    let takes = match (doc.least_arguments, doc.most_arguments) {
        (0, 0) => "no argument".to_owned(),
        (least, usize::MAX) => format!("{least} arguments or more"),
        (least, most) if least == most => format!("{least} argument{}", if least == 1 { "" } else { "s" }),
        (least, most) => format!("{least} to {most} arguments"),
    };
    Diagnostic::error(Code::E017, span, format!("{}() takes {takes}", doc.name))
        .hint(format!("write {}", doc.signature))
}

pub(super) fn expr(node: ExprNode, span: Span) -> Expr {
    Expr { node, kind: Kind::Any, span }
}

/// `-5` is a number, not an operation on one.
fn negative(inner: Expr, span: Span) -> Expr {
    let folded = match &inner.node {
        ExprNode::Literal(value) if !value.quoted => {
            let text = match value.text.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{}", value.text),
            };
            match literal::classify(&text) {
                LiteralClass::Text => None,
                class => Some(Literal { text, quoted: false, class, span }),
            }
        }
        _ => None,
    };
    match folded {
        Some(literal) => expr(ExprNode::Literal(literal), span),
        None => expr(ExprNode::Negate(Box::new(inner)), span),
    }
}

/// `field:(a OR b)` in an expression: the filter it means, as an expression.
fn from_filter(filter: crate::ast::Filter) -> Expr {
    let each = |terms: Vec<crate::ast::Filter>| terms.into_iter().map(from_filter).collect();
    let node = match filter.node {
        FilterNode::And(terms) => ExprNode::And(each(terms)),
        FilterNode::Or(terms) => ExprNode::Or(each(terms)),
        FilterNode::Not(inner) => ExprNode::Not(Box::new(from_filter(*inner))),
        FilterNode::Predicate(predicate) => ExprNode::Predicate(predicate),
        // Values of a named field make predicates only.
        FilterNode::All | FilterNode::Text(_) | FilterNode::AnyText(_) => ExprNode::Literal(Literal {
            text: "true".to_owned(),
            quoted: false,
            class: LiteralClass::Bool(true),
            span: filter.span,
        }),
    };
    expr(node, filter.span)
}

fn joined(
    terms: Vec<Expr>,
    span: Span,
    join: fn(Vec<Expr>) -> ExprNode,
    split: fn(ExprNode) -> Result<Vec<Expr>, ExprNode>,
) -> Expr {
    let mut flat = Vec::with_capacity(terms.len());
    if terms.len() == 1 {
        flat = terms;
    } else {
        for term in terms {
            match split(term.node) {
                Ok(inner) => flat.extend(inner),
                Err(node) => flat.push(expr(node, term.span)),
            }
        }
    }
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        last => {
            flat.extend(last);
            expr(join(flat), span)
        }
    }
}
