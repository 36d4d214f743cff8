//! Expressions (§7.2 of the language): values and conditions over the columns of a row.

use super::compiler::Compiler;
use super::condition::Condition;
use super::function;
use super::predicate::{self, instant};
use super::rows::Rows;
use super::text::{Sql, sql};
use super::value::{Repr, Value, once_each};
use crate::Diagnostic;
use crate::ast::{
    Amount, BinaryOp, CompareOp, Expr, ExprNode, Filter, FilterNode, Literal, LiteralClass, Meaning,
    Predicate, Query, Test,
};

impl Rows {
    pub(super) fn filter_condition(
        &mut self,
        filter: &Filter,
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        Ok(match &filter.node {
            FilterNode::All => Condition::always(true),
            FilterNode::And(terms) => Condition::all(self.filter_conditions(terms, compiler)?),
            FilterNode::Or(terms) => Condition::any(self.filter_conditions(terms, compiler)?),
            FilterNode::Not(term) => self.filter_condition(term, compiler)?.negated(),
            FilterNode::Text(text) => self.text_condition(text, compiler),
            FilterNode::AnyText(text) => self.any_text_condition(text, compiler),
            FilterNode::Predicate(predicate) => self.predicate(predicate, compiler)?,
        })
    }

    fn filter_conditions(
        &mut self,
        terms: &[Filter],
        compiler: &mut Compiler,
    ) -> Result<Vec<Condition>, Diagnostic> {
        terms.iter().map(|term| self.filter_condition(term, compiler)).collect()
    }

    pub(super) fn predicate(
        &mut self,
        predicate: &Predicate,
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        if let Test::InQuery(query) = &predicate.test {
            let text = self.field(&predicate.field, compiler).text();
            return self.in_query(&text, query, predicate.negated, compiler);
        }
        let meaning = predicate.meaning.as_ref().expect("the query is checked");
        if let Some(condition) = self.event_with_id(predicate, meaning, compiler) {
            return Ok(condition.negated_if(predicate.negated));
        }
        let subject = match meaning {
            Meaning::Present => self.subject_with_below(&predicate.field, compiler),
            _ => self.subject(&predicate.field, compiler),
        };
        let condition = predicate::compile(&subject, meaning, &mut compiler.parameters);
        Ok(condition.negated_if(predicate.negated))
    }

    pub(super) fn in_query(
        &mut self,
        text: &Sql,
        query: &Query,
        negated: bool,
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        let values = super::subquery::single_column(query, compiler)?;
        Ok(Condition::nullable(sql!("{} IN ({})", text, values)).negated_if(negated))
    }

    /// Whether a value is true; everything that is no truth value is false.
    pub(super) fn condition(
        &mut self,
        expr: &Expr,
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        Ok(match &expr.node {
            ExprNode::And(terms) => Condition::all(self.conditions(terms, compiler)?),
            ExprNode::Or(terms) => Condition::any(self.conditions(terms, compiler)?),
            ExprNode::Not(term) => self.condition(term, compiler)?.negated(),
            ExprNode::Predicate(predicate) => self.predicate(predicate, compiler)?,
            ExprNode::Binary { op, left, right } if op.is_comparison() => {
                self.comparison(*op, left, right, compiler)?
            }
            ExprNode::In { value, negated, list } => self.in_list(value, *negated, list, compiler)?,
            ExprNode::InQuery { value, negated, query } => {
                let text = self.expression(value, compiler)?.text();
                self.in_query(&text, query, *negated, compiler)?
            }
            ExprNode::Regex { value, negated, pattern } => {
                let meaning = Meaning::Regex(pattern.text.clone());
                self.test(value, &meaning, compiler)?.negated_if(*negated)
            }
            ExprNode::Call { function, arguments, .. } => {
                match function::condition(self, *function, arguments, compiler)? {
                    Some(condition) => condition,
                    None => truth(&self.expression(expr, compiler)?),
                }
            }
            ExprNode::Literal(_) | ExprNode::Field(_) | ExprNode::Negate(_) | ExprNode::Binary { .. } => {
                truth(&self.expression(expr, compiler)?)
            }
        })
    }

    fn conditions(&mut self, terms: &[Expr], compiler: &mut Compiler) -> Result<Vec<Condition>, Diagnostic> {
        terms.iter().map(|term| self.condition(term, compiler)).collect()
    }

    /// A predicate's test over the value of an expression.
    pub(super) fn test(
        &mut self,
        value: &Expr,
        meaning: &Meaning,
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        let subject = match &value.node {
            ExprNode::Field(field) => self.subject_with_below(field, compiler),
            _ => predicate::Subject::of(self.expression(value, compiler)?),
        };
        Ok(predicate::compile(&subject, meaning, &mut compiler.parameters))
    }

    pub(super) fn expression(&mut self, expr: &Expr, compiler: &mut Compiler) -> Result<Value, Diagnostic> {
        Ok(match &expr.node {
            ExprNode::Literal(literal) => self.literal(literal, compiler),
            ExprNode::Field(field) => self.field(field, compiler),
            ExprNode::Negate(inner) => {
                let number = self.expression(inner, compiler)?.number();
                Value::new(sql!("(-{})", number), Repr::Number)
            }
            ExprNode::Binary { op, left, right } if !op.is_comparison() => {
                self.arithmetic(*op, left, right, compiler)?
            }
            ExprNode::Call { function, arguments, .. } => {
                match function::condition(self, *function, arguments, compiler)? {
                    Some(condition) => as_bool(&condition),
                    None => function::value(self, *function, arguments, compiler)?,
                }
            }
            _ => as_bool(&self.condition(expr, compiler)?),
        })
    }

    pub(super) fn literal(&mut self, literal: &Literal, compiler: &mut Compiler) -> Value {
        let parameters = &mut compiler.parameters;
        match &literal.class {
            LiteralClass::Text => Value::atom(parameters.text(&literal.text), Repr::Text),
            LiteralClass::Number(number) => Value::atom(parameters.float(number.value), Repr::Number),
            LiteralClass::Duration(amount) | LiteralClass::Size(amount) => {
                Value::atom(parameters.float(amount.in_unit(1)), Repr::Number)
            }
            LiteralClass::Bool(true) => Value::atom(Sql::new("true"), Repr::Bool),
            LiteralClass::Bool(false) => Value::atom(Sql::new("false"), Repr::Bool),
            LiteralClass::Null => Value::null(),
            LiteralClass::Time(ns) => Value::atom(instant(*ns, parameters), Repr::Time),
            LiteralClass::Level(level) => Value::atom(sql!("'{}'", Sql::new(level.name())), Repr::Text),
        }
    }

    fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        compiler: &mut Compiler,
    ) -> Result<Value, Diagnostic> {
        if let Some(value) = self.moved_time(op, left, right, compiler)? {
            return Ok(value);
        }
        let (a, b) = (self.expression(left, compiler)?, self.expression(right, compiler)?);
        if op == BinaryOp::Subtract && a.repr == Repr::Time && b.repr == Repr::Time {
            let ms =
                sql!("((toUnixTimestamp64Nano({}) - toUnixTimestamp64Nano({})) / 1000000)", a.sql, b.sql);
            return Ok(Value::new(ms, Repr::Number));
        }
        let (a, b) = (a.number(), b.number());
        let number = match op {
            BinaryOp::Add => sql!("({} + {})", a, b),
            BinaryOp::Subtract => sql!("({} - {})", a, b),
            BinaryOp::Multiply => sql!("({} * {})", a, b),
            BinaryOp::Divide => sql!("({} / nullIf({}, 0))", a, b),
            _ => sql!("({} % nullIf({}, 0))", a, b),
        };
        Ok(Value::new(number, Repr::Number))
    }

    /// `time + 15m`, `15m + time`, `time - 15m`.
    fn moved_time(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        compiler: &mut Compiler,
    ) -> Result<Option<Value>, Diagnostic> {
        let (time, amount) = match (duration(left), duration(right)) {
            (None, Some(amount)) if matches!(op, BinaryOp::Add | BinaryOp::Subtract) => (left, amount),
            (Some(amount), None) if op == BinaryOp::Add => (right, amount),
            _ => return Ok(None),
        };
        let value = self.expression(time, compiler)?;
        let Some(nanos) = amount.whole().filter(|_| value.repr == Repr::Time) else { return Ok(None) };
        let nanos = if op == BinaryOp::Subtract { -nanos } else { nanos };
        let nanos = compiler.parameters.integer(nanos);
        Ok(Some(Value::new(sql!("addNanoseconds({}, {})", value.sql, nanos), Repr::Time)))
    }

    fn comparison(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        let (a, b) = (self.expression(left, compiler)?, self.expression(right, compiler)?);
        let (op, negated) = match op {
            BinaryOp::NotEqual => (BinaryOp::Equal, true),
            op => (op, false),
        };
        Ok(compare(op, &a, &b).negated_if(negated))
    }

    fn in_list(
        &mut self,
        value: &Expr,
        negated: bool,
        list: &[Expr],
        compiler: &mut Compiler,
    ) -> Result<Condition, Diagnostic> {
        let value = self.expression(value, compiler)?;
        let mut equal = Vec::new();
        for item in list {
            let item = self.expression(item, compiler)?;
            equal.push(compare(BinaryOp::Equal, &value, &item));
        }
        Ok(Condition::any(equal).negated_if(negated))
    }
}

fn duration(expr: &Expr) -> Option<Amount> {
    match &expr.node {
        ExprNode::Literal(Literal { class: LiteralClass::Duration(amount), .. }) => Some(*amount),
        _ => None,
    }
}

pub(super) fn as_bool(condition: &Condition) -> Value {
    Value::new(sql!("CAST({}, 'Bool')", condition.two_valued()), Repr::Bool)
}

/// A value as a condition: only `true` holds.
fn truth(value: &Value) -> Condition {
    match value.repr {
        Repr::Bool => Condition::nullable(value.sql.clone()),
        Repr::Dynamic => {
            Condition::nullable(sql!("dynamicType({}) = 'Bool' AND {} = 'true'", value.sql, value.text()))
        }
        _ => Condition::always(false),
    }
}

/// Two values compare as numbers when both have one, else as text; nothing compares with null.
pub(super) fn compare(op: BinaryOp, a: &Value, b: &Value) -> Condition {
    use Repr::{CoreText, Null, Number, Text, Time};
    let sql = match (a.repr, b.repr) {
        (Null, _) | (_, Null) => return Condition::always(false),
        (Number, Number) | (Time, Time) => write_comparison(op, &a.sql, &b.sql),
        (Time, _) | (_, Time) => write_comparison(op, &a.time(), &b.time()),
        (Number | CoreText | Text | Repr::Dynamic, Number | CoreText | Text | Repr::Dynamic) => {
            by_number_or_text(op, a, b)
        }
        _ => write_comparison(op, &a.text(), &b.text()),
    };
    Condition::nullable(sql)
}

fn by_number_or_text(op: BinaryOp, a: &Value, b: &Value) -> Sql {
    once_each(&a.text(), &b.text(), |x, y| {
        let number = |text: &Sql| Value::atom(text.clone(), Repr::Text).number();
        let (n, m) = (number(x), number(y));
        sql!(
            "if(isNotNull({}) AND isNotNull({}), {}, {})",
            n,
            m,
            write_comparison(op, &n, &m),
            write_comparison(op, x, y)
        )
    })
}

fn write_comparison(op: BinaryOp, a: &Sql, b: &Sql) -> Sql {
    match op {
        BinaryOp::Compare(CompareOp::Less) => sql!("{} < {}", a, b),
        BinaryOp::Compare(CompareOp::LessOrEqual) => sql!("{} <= {}", a, b),
        BinaryOp::Compare(CompareOp::Greater) => sql!("{} > {}", a, b),
        BinaryOp::Compare(CompareOp::GreaterOrEqual) => sql!("{} >= {}", a, b),
        _ => sql!("{} = {}", a, b),
    }
}
