//! Expressions: kinds from the leaves up; comparisons of a field with a literal become predicates.

use super::predicate::{level, not_a_level, regex};
use super::scope::Scope;
use super::time::Period;
use super::{Check, Checker};
use crate::ast::{
    BinaryOp, CompareOp, Expr, ExprNode, Field, Kind, Level, Literal, LiteralClass, Predicate, Spelling,
    Target, Test,
};
use crate::{Code, Diagnostic, Span, suggest};

impl Checker<'_> {
    pub(super) fn expression(&mut self, expr: &mut Expr, scope: &Scope) -> Check<Kind> {
        let span = expr.span;
        let kind = match &mut expr.node {
            ExprNode::Literal(value) => literal_kind(value)?,
            ExprNode::Field(field) => {
                self.field(field, scope)?;
                field.kind
            }
            ExprNode::Negate(inner) => {
                not_a_time(self.expression(inner, scope)?, span)?;
                Kind::Number
            }
            ExprNode::And(terms) | ExprNode::Or(terms) => {
                for term in terms {
                    self.expression(term, scope)?;
                }
                Kind::Bool
            }
            ExprNode::Not(inner) => {
                self.expression(inner, scope)?;
                Kind::Bool
            }
            ExprNode::Predicate(predicate) => {
                self.predicate(predicate, scope)?;
                Kind::Bool
            }
            ExprNode::Binary { op, .. } if op.is_comparison() => {
                self.comparison(expr, scope)?;
                Kind::Bool
            }
            ExprNode::Binary { op, left, right } => self.arithmetic(*op, left, right, span, scope)?,
            ExprNode::In { .. } => self.in_list(expr, scope)?,
            ExprNode::InQuery { .. } => self.in_query(expr, scope)?,
            ExprNode::Regex { .. } => self.regex_match(expr, scope)?,
            ExprNode::Call { .. } => self.call(expr, scope)?,
        };
        expr.kind = kind;
        Ok(kind)
    }

    /// `left op right`. A field and a literal make a predicate, in either order.
    fn comparison(&mut self, expr: &mut Expr, scope: &Scope) -> Check {
        let span = expr.span;
        let ExprNode::Binary { op, left, right } = take_node(expr) else { return Ok(()) };
        let swap = matches!(left.node, ExprNode::Literal(_)) && matches!(right.node, ExprNode::Field(_));
        let (op, mut left, mut right) = if swap { (swapped(op), right, left) } else { (op, left, right) };
        if let ExprNode::Field(field) = &mut left.node {
            self.field(field, scope)?;
            left.kind = field.kind;
            self.bare_level(field, &mut right, scope)?;
            if let Some(value) = plain_literal(&right) {
                let (test, negated) = comparison_test(op, value);
                expr.node = self.as_predicate(field.clone(), negated, test, span, scope)?;
                return Ok(());
            }
        } else if !is_null(&left) {
            self.expression(&mut left, scope)?;
        }
        if is_null(&left) || is_null(&right) {
            self.unless_null(&mut left, scope)?;
            self.unless_null(&mut right, scope)?;
            expr.node = ExprNode::Binary { op, left, right };
            return Ok(());
        }
        if left.kind == Kind::Time && plain_literal(&right).is_some() {
            expr.node = self.compare_times(op, *left, &right)?;
            return Ok(());
        }
        if left.kind == Kind::Level {
            level_literal(&mut right)?;
        }
        self.expression(&mut right, scope)?;
        if right.kind == Kind::Time && plain_literal(&left).is_some() {
            expr.node = self.compare_times(swapped(op), *right, &left)?;
            return Ok(());
        }
        self.looks_like_text(op, &left, &right);
        expr.node = ExprNode::Binary { op, left, right };
        Ok(())
    }

    fn unless_null(&mut self, expr: &mut Expr, scope: &Scope) -> Check {
        if !is_null(expr) {
            self.expression(expr, scope)?;
        }
        expr.kind = if is_null(expr) { Kind::Null } else { expr.kind };
        Ok(())
    }

    /// `level >= error`: next to a level, a bare name is one.
    fn bare_level(&self, field: &Field, other: &mut Expr, scope: &Scope) -> Check {
        let ExprNode::Field(name) = &other.node else { return Ok(()) };
        if field.kind != Kind::Level || scope.column(&name.path).is_some() {
            return Ok(());
        }
        if Level::from_name(&name.path).is_none() {
            let near = suggest::nearest(&name.path, Level::ALL.into_iter().map(Level::name));
            return if near.is_some() { Err(not_a_level(&name.path, name.span)) } else { Ok(()) };
        }
        let text = name.path.clone();
        other.node =
            ExprNode::Literal(Literal { text, quoted: false, class: LiteralClass::Text, span: other.span });
        Ok(())
    }

    fn as_predicate(
        &mut self,
        field: Field,
        negated: bool,
        test: Test,
        span: Span,
        scope: &Scope,
    ) -> Check<ExprNode> {
        let mut predicate = Predicate { field, negated, test, meaning: None, span };
        self.predicate(&mut predicate, scope)?;
        Ok(ExprNode::Predicate(Box::new(predicate)))
    }

    /// A computed time against a literal, which stands for an interval.
    fn compare_times(&mut self, op: BinaryOp, left: Expr, right: &Expr) -> Check<ExprNode> {
        let ExprNode::Literal(value) = &right.node else { return Ok(ExprNode::And(Vec::new())) };
        let period: Period = self.time(value)?;
        let span = left.span.to(right.span);
        let side = |op: CompareOp, at: i64| {
            let literal = Literal { class: LiteralClass::Time(at), ..value.clone() };
            let right = Expr { node: ExprNode::Literal(literal), kind: Kind::Time, span: right.span };
            let node = ExprNode::Binary {
                op: BinaryOp::Compare(op),
                left: Box::new(left.clone()),
                right: Box::new(right),
            };
            Expr { node, kind: Kind::Bool, span }
        };
        let inside = || {
            ExprNode::And(vec![
                side(CompareOp::GreaterOrEqual, period.start),
                side(CompareOp::Less, period.end),
            ])
        };
        Ok(match op {
            BinaryOp::NotEqual => ExprNode::Not(Box::new(Expr { node: inside(), kind: Kind::Bool, span })),
            BinaryOp::Compare(CompareOp::Greater) => side(CompareOp::GreaterOrEqual, period.end).node,
            BinaryOp::Compare(CompareOp::GreaterOrEqual) => {
                side(CompareOp::GreaterOrEqual, period.start).node
            }
            BinaryOp::Compare(CompareOp::Less) => side(CompareOp::Less, period.start).node,
            BinaryOp::Compare(CompareOp::LessOrEqual) => side(CompareOp::Less, period.end).node,
            _ => inside(),
        })
    }

    /// W012: `source = api` compares two fields.
    fn looks_like_text(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let (ExprNode::Field(_), ExprNode::Field(name)) = (&left.node, &right.node) else { return };
        let Target::Attribute(path) = &name.target else { return };
        let unknown = !self.catalogue.fields.is_empty() && !self.catalogue.has_path(path);
        if unknown && matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) {
            let message = format!("'{path}' is read as a field, and no event has it");
            self.warnings.push(
                Diagnostic::warning(Code::W012, name.span, message).hint("text needs quotes").fix(
                    "quote it",
                    name.span,
                    crate::quote::string(path),
                ),
            );
        }
    }

    fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: &mut Expr,
        right: &mut Expr,
        span: Span,
        scope: &Scope,
    ) -> Check<Kind> {
        let moves = matches!(op, BinaryOp::Add | BinaryOp::Subtract);
        if moves && is_duration(right) {
            let kind = self.expression(left, scope)?;
            right.kind = Kind::Number;
            return time_only(kind, right.span);
        }
        if op == BinaryOp::Add && is_duration(left) {
            let kind = self.expression(right, scope)?;
            left.kind = Kind::Number;
            return time_only(kind, left.span);
        }
        let kinds = (self.expression(left, scope)?, self.expression(right, scope)?);
        match (op, kinds) {
            (BinaryOp::Subtract, (Kind::Time, Kind::Time)) => Ok(Kind::Number),
            (_, (Kind::Time, _) | (_, Kind::Time)) => Err(Diagnostic::error(
                Code::E022,
                span,
                "a time can only be moved by a duration, or subtracted from a time",
            )
            .hint("for example timestamp - 15m, or now() - timestamp (milliseconds)")),
            _ => Ok(Kind::Number),
        }
    }

    fn in_list(&mut self, expr: &mut Expr, scope: &Scope) -> Check<Kind> {
        let span = expr.span;
        let ExprNode::In { mut value, negated, mut list } = take_node(expr) else { return Ok(Kind::Bool) };
        if let ExprNode::Field(field) = &mut value.node {
            self.field(field, scope)?;
            value.kind = field.kind;
            for item in &mut list {
                self.bare_level(field, item, scope)?;
            }
            if let Some(values) = list.iter().map(plain_literal).collect::<Option<Vec<_>>>() {
                expr.node = self.as_predicate(field.clone(), negated, Test::In(values), span, scope)?;
                return Ok(Kind::Bool);
            }
        } else {
            self.expression(&mut value, scope)?;
        }
        for item in &mut list {
            if value.kind == Kind::Level {
                level_literal(item)?;
            }
            self.unless_null(item, scope)?;
        }
        expr.node = ExprNode::In { value, negated, list };
        Ok(Kind::Bool)
    }

    fn in_query(&mut self, expr: &mut Expr, scope: &Scope) -> Check<Kind> {
        let span = expr.span;
        let ExprNode::InQuery { mut value, negated, mut query } = take_node(expr) else {
            return Ok(Kind::Bool);
        };
        if let ExprNode::Field(field) = value.node {
            expr.node = self.as_predicate(field, negated, Test::InQuery(query), span, scope)?;
            return Ok(Kind::Bool);
        }
        self.expression(&mut value, scope)?;
        self.single_column(&mut query)?;
        expr.node = ExprNode::InQuery { value, negated, query };
        Ok(Kind::Bool)
    }

    fn regex_match(&mut self, expr: &mut Expr, scope: &Scope) -> Check<Kind> {
        let span = expr.span;
        let ExprNode::Regex { mut value, negated, pattern } = take_node(expr) else { return Ok(Kind::Bool) };
        if let ExprNode::Field(field) = value.node {
            expr.node = self.as_predicate(field, negated, Test::Regex(pattern), span, scope)?;
            return Ok(Kind::Bool);
        }
        self.expression(&mut value, scope)?;
        regex(&pattern)?;
        expr.node = ExprNode::Regex { value, negated, pattern };
        Ok(Kind::Bool)
    }
}

/// The node, with a constant left in its place for a moment.
fn take_node(expr: &mut Expr) -> ExprNode {
    std::mem::replace(&mut expr.node, ExprNode::And(Vec::new()))
}

fn swapped(op: BinaryOp) -> BinaryOp {
    let BinaryOp::Compare(op) = op else { return op };
    BinaryOp::Compare(match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
    })
}

fn comparison_test(op: BinaryOp, value: Literal) -> (Test, bool) {
    match op {
        BinaryOp::Compare(op) => (Test::Compare { op, value }, false),
        op => (Test::Equals { value, spelling: Spelling::Equals }, op == BinaryOp::NotEqual),
    }
}

/// A literal as it was written; not null, and not made by `check`.
fn plain_literal(expr: &Expr) -> Option<Literal> {
    match &expr.node {
        ExprNode::Literal(value)
            if !matches!(
                value.class,
                LiteralClass::Null | LiteralClass::Time(_) | LiteralClass::Level(_)
            ) =>
        {
            Some(value.clone())
        }
        _ => None,
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(&expr.node, ExprNode::Literal(value) if value.class == LiteralClass::Null)
}

fn is_duration(expr: &Expr) -> bool {
    matches!(&expr.node, ExprNode::Literal(value) if matches!(value.class, LiteralClass::Duration(_)))
}

/// Turns a name or text next to a computed level into one.
fn level_literal(expr: &mut Expr) -> Check {
    let text = match &expr.node {
        ExprNode::Literal(value) if value.class == LiteralClass::Text => value.clone(),
        ExprNode::Field(field) if Level::from_name(&field.path).is_some() => {
            Literal { text: field.path.clone(), quoted: false, class: LiteralClass::Text, span: field.span }
        }
        _ => return Ok(()),
    };
    let class = LiteralClass::Level(level(&text)?);
    expr.node = ExprNode::Literal(Literal { class, ..text });
    Ok(())
}

fn literal_kind(value: &Literal) -> Check<Kind> {
    Ok(match &value.class {
        LiteralClass::Text => Kind::Text,
        LiteralClass::Number(_) => Kind::Number,
        LiteralClass::Bool(_) => Kind::Bool,
        LiteralClass::Null => Kind::Null,
        LiteralClass::Time(_) => Kind::Time,
        LiteralClass::Level(_) => Kind::Level,
        LiteralClass::Duration(_) | LiteralClass::Size(_) => return Err(misplaced_amount(value)),
    })
}

fn misplaced_amount(value: &Literal) -> Diagnostic {
    Diagnostic::error(Code::E022, value.span, format!("'{}' cannot stand here", value.text))
        .hint("units are for comparing with a field (duration_ms > 1.5s), for time ± 15m, and for bin()")
}

fn time_only(kind: Kind, duration: Span) -> Check<Kind> {
    match kind {
        Kind::Time => Ok(Kind::Time),
        _ => Err(Diagnostic::error(Code::E022, duration, "a duration can only be added to a time")
            .hint("for numbers, write the plain number in their unit")),
    }
}

fn not_a_time(kind: Kind, span: Span) -> Check {
    match kind {
        Kind::Time => Err(Diagnostic::error(Code::E022, span, "a time has no sign")),
        _ => Ok(()),
    }
}
