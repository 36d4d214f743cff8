//! Calls: what their arguments have to be, and what they give.

use super::predicate::{network, phrase, regex};
use super::scope::Scope;
use super::{Check, Checker};
use crate::ast::{Bin, Dimension, Expr, ExprNode, Function, Kind, Literal, LiteralClass, Number, bin_of};
use crate::{Code, Diagnostic, literal};

impl Checker<'_> {
    pub(super) fn call(&mut self, expr: &mut Expr, scope: &Scope) -> Check<Kind> {
        let ExprNode::Call { function, arguments, .. } = &mut expr.node else { return Ok(Kind::Any) };
        let function = *function;
        if function == Function::Now {
            let class = LiteralClass::Time(self.context.now_ns);
            expr.node =
                ExprNode::Literal(Literal { text: "now".to_owned(), quoted: false, class, span: expr.span });
            return Ok(Kind::Time);
        }
        if function == Function::Bin {
            return self.bin(arguments, scope);
        }
        for argument in arguments.iter_mut() {
            self.expression(argument, scope)?;
        }
        constants(function, arguments)?;
        if matches!(function, Function::Hour | Function::FormatTime) {
            needs_time(&arguments[0])?;
        }
        Ok(result(function, arguments))
    }

    /// `bin(time, 5m)`, `bin(number, 500)`, or a number in the unit of its field: `bin(duration_ms, 1s)`.
    fn bin(&mut self, arguments: &mut [Expr], scope: &Scope) -> Check<Kind> {
        let [value, width] = arguments else { return Ok(Kind::Any) };
        let kind = self.expression(value, scope)?;
        let span = width.span;
        let ExprNode::Literal(literal) = &mut width.node else {
            return Err(Diagnostic::error(Code::E024, span, "the width of a bin is written down")
                .hint("bin(5m), bin(x, 100)"));
        };
        width.kind = Kind::Number;
        if kind == Kind::Time {
            time_bin(literal)?;
            return Ok(Kind::Time);
        }
        let in_unit = match (&literal.class, &value.node) {
            (LiteralClass::Number(number), _) => number.value,
            (LiteralClass::Duration(amount), ExprNode::Field(field)) => {
                amount.in_unit(self.unit(field, Dimension::Time, literal))
            }
            (LiteralClass::Size(amount), ExprNode::Field(field)) => {
                amount.in_unit(self.unit(field, Dimension::Bytes, literal))
            }
            _ => f64::NAN,
        };
        if in_unit.is_nan() || in_unit <= 0.0 {
            return Err(Diagnostic::error(Code::E024, span, "the width of a bin is a number above 0"));
        }
        literal.class =
            LiteralClass::Number(Number { value: in_unit, canonical: literal::canonical(in_unit) });
        Ok(Kind::Number)
    }
}

/// E024 unless the literal is a width that time can be cut in.
pub(super) fn time_bin(literal: &Literal) -> Check<Bin> {
    let bin = match literal.class {
        LiteralClass::Duration(amount) => bin_of(amount),
        _ => None,
    };
    bin.ok_or_else(|| {
        Diagnostic::error(
            Code::E024,
            literal.span,
            format!("time cannot be cut into bins of '{}'", literal.text),
        )
        .hint("a divisor of an hour (5m, 15m), whole hours that divide a day (1h, 6h), 1d or 1w")
    })
}

/// Arguments that have to be written down, and are checked here once.
fn constants(function: Function, arguments: &[Expr]) -> Check {
    match function {
        Function::Extract => regex(text(&arguments[1], "a quoted regular expression", Code::E012)?).map(drop),
        Function::ReplaceRe => {
            let pattern = regex(text(&arguments[1], "a quoted regular expression", Code::E012)?)?;
            replacement(text(&arguments[2], "a quoted text", Code::E022)?, &pattern)
        }
        Function::Cidr => arguments[1..]
            .iter()
            .try_for_each(|argument| network(text(argument, "a quoted network", Code::E027)?).map(drop)),
        Function::Phrase => phrase(text(&arguments[1], "quoted text", Code::E022)?).map(drop),
        Function::FormatTime => time_format(text(&arguments[1], "a quoted format", Code::E022)?),
        Function::Json => text(&arguments[1], "a quoted path", Code::E022).map(drop),
        Function::Round => match arguments.get(1) {
            Some(digits) => whole(digits),
            None => Ok(()),
        },
        Function::Exists | Function::Missing => match &arguments[0].node {
            ExprNode::Field(_) => Ok(()),
            _ => Err(Diagnostic::error(
                Code::E022,
                arguments[0].span,
                format!("{}() asks for a field", function.name()),
            )),
        },
        _ => Ok(()),
    }
}

fn text<'e>(argument: &'e Expr, what: &str, code: Code) -> Check<&'e Literal> {
    match &argument.node {
        ExprNode::Literal(value) if value.class == LiteralClass::Text => Ok(value),
        _ => Err(Diagnostic::error(code, argument.span, format!("{what} is needed here"))),
    }
}

/// `\1` needs a first group; `\0` is the whole match.
fn replacement(value: &Literal, pattern: &::regex::Regex) -> Check {
    let mut chars = value.text.chars();
    while let Some(c) = chars.next() {
        let group = if c == '\\' { chars.next().and_then(|c| c.to_digit(10)) } else { None };
        if let Some(group) = group.filter(|group| *group as usize >= pattern.captures_len()) {
            let groups = pattern.captures_len() - 1;
            return Err(Diagnostic::error(
                Code::E022,
                value.span,
                format!("'\\{group}' is not a group of the expression, which has {groups}"),
            )
            .hint("put the part to keep into ( ), and write \\1 for the first"));
        }
    }
    Ok(())
}

fn whole(argument: &Expr) -> Check {
    match &argument.node {
        ExprNode::Literal(Literal { class: LiteralClass::Number(number), .. })
            if number.value.fract() == 0.0 && number.value.abs() <= 15.0 =>
        {
            Ok(())
        }
        _ => Err(Diagnostic::error(
            Code::E022,
            argument.span,
            "the number of digits is a whole number up to 15",
        )),
    }
}

/// The parts of a time format that mean the same in the browser and in the engine.
pub(crate) const TIME_FORMATS: &str = "YmdHMSfjuaybeFTzp";

fn time_format(value: &Literal) -> Check {
    let mut chars = value.text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        match chars.next() {
            Some('%') => {}
            Some(part) if TIME_FORMATS.contains(part) => {}
            part => {
                let part = part.map(String::from).unwrap_or_default();
                return Err(Diagnostic::error(
                    Code::E022,
                    value.span,
                    format!("'%{part}' is not a part of a time"),
                )
                .hint("for example %Y-%m-%d %H:%M:%S"));
            }
        }
    }
    Ok(())
}

fn needs_time(argument: &Expr) -> Check {
    match argument.kind {
        Kind::Time => Ok(()),
        _ => Err(Diagnostic::error(Code::E022, argument.span, "a time is needed here")
            .hint("for example timestamp")),
    }
}

/// What the function gives.
fn result(function: Function, arguments: &[Expr]) -> Kind {
    use Function as F;
    match function {
        F::Abs
        | F::Ceil
        | F::Floor
        | F::Round
        | F::Sqrt
        | F::Pow
        | F::Ln
        | F::Log10
        | F::Exp
        | F::Length
        | F::ToNumber
        | F::Hour => Kind::Number,
        F::Lower
        | F::Upper
        | F::Substr
        | F::Trim
        | F::Replace
        | F::ReplaceRe
        | F::SplitPart
        | F::Concat
        | F::Extract
        | F::ToString
        | F::TypeOf
        | F::FormatTime => Kind::Text,
        F::Contains
        | F::StartsWith
        | F::EndsWith
        | F::Phrase
        | F::ToBool
        | F::Exists
        | F::Missing
        | F::Cidr => Kind::Bool,
        F::If => common(&arguments[1..]),
        F::Case => common_of(case_values(arguments)),
        F::Least | F::Greatest | F::Coalesce => common(arguments),
        F::Now => Kind::Time,
        F::Bin | F::Json => Kind::Any,
    }
}

/// The values of `case(c1, v1, …, else)`.
fn case_values(arguments: &[Expr]) -> impl Iterator<Item = &Expr> {
    let has_else = arguments.len() % 2 == 1;
    let last = arguments.len().saturating_sub(1);
    arguments
        .iter()
        .enumerate()
        .filter(move |(i, _)| i % 2 == 1 || has_else && *i == last)
        .map(|(_, value)| value)
}

fn common(values: &[Expr]) -> Kind {
    common_of(values.iter())
}

/// The kind that all have, apart from null.
fn common_of<'e>(values: impl Iterator<Item = &'e Expr>) -> Kind {
    let mut kinds = values.map(|value| value.kind).filter(|kind| *kind != Kind::Null);
    let Some(first) = kinds.next() else { return Kind::Null };
    if kinds.all(|kind| kind == first) { first } else { Kind::Any }
}
