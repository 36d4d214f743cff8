//! The functions of expressions, one ClickHouse function each where there is one.

use super::bins;
use super::compiler::Compiler;
use super::condition::Condition;
use super::rows::Rows;
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Expr, ExprNode, Function, Literal, LiteralClass, Meaning, TextKind, TextMatch, bin_of};

/// The functions that are true or false.
pub(super) fn condition(
    rows: &mut Rows,
    function: Function,
    arguments: &[Expr],
    compiler: &mut Compiler,
) -> Result<Option<Condition>, Diagnostic> {
    let Some(first) = arguments.first() else { return Ok(None) };
    let constant = |index: usize| arguments.get(index).and_then(literal).map(|literal| literal.text.clone());
    let meaning = match function {
        Function::Exists | Function::Missing => Meaning::Present,
        Function::Cidr => {
            let networks =
                arguments[1..].iter().filter_map(literal).map(|literal| literal.text.clone()).collect();
            Meaning::Networks(networks)
        }
        Function::Phrase => match constant(1) {
            Some(text) => Meaning::Text(phrase(text)),
            None => return Ok(Some(Condition::always(false))),
        },
        Function::Contains | Function::StartsWith | Function::EndsWith => match constant(1) {
            Some(text) if function == Function::Contains => Meaning::Contains(text),
            Some(text) if function == Function::StartsWith => Meaning::StartsWith(text),
            Some(text) => Meaning::EndsWith(text),
            None => return part_of(rows, function, arguments, compiler).map(Some),
        },
        _ => return Ok(None),
    };
    let condition = rows.test(first, &meaning, compiler)?;
    Ok(Some(condition.negated_if(function == Function::Missing)))
}

fn literal(expr: &Expr) -> Option<&Literal> {
    match &expr.node {
        ExprNode::Literal(literal) => Some(literal),
        _ => None,
    }
}

fn phrase(text: String) -> TextMatch {
    let has_token = text.chars().any(super::words::is_token_character);
    let kind = if has_token { TextKind::Phrase } else { TextKind::Substring };
    TextMatch { text, quoted: true, kind, span: crate::Span::default() }
}

/// `contains(a, b)` and its kin, when the part is not a constant.
fn part_of(
    rows: &mut Rows,
    function: Function,
    arguments: &[Expr],
    compiler: &mut Compiler,
) -> Result<Condition, Diagnostic> {
    let text = rows.expression(&arguments[0], compiler)?.text();
    let part = rows.expression(&arguments[1], compiler)?.text();
    Ok(Condition::nullable(match function {
        Function::Contains => sql!("position({}, {}) > 0", text, part),
        Function::StartsWith => sql!("startsWith({}, {})", text, part),
        _ => sql!("endsWith({}, {})", text, part),
    }))
}

/// The functions that give a value.
pub(super) fn value(
    rows: &mut Rows,
    function: Function,
    arguments: &[Expr],
    compiler: &mut Compiler,
) -> Result<Value, Diagnostic> {
    match function {
        Function::If | Function::Case => return choice(rows, arguments, compiler),
        Function::Bin => return bin(rows, arguments, compiler),
        Function::Now => return Ok(now(compiler)),
        Function::ReplaceRe | Function::Extract | Function::FormatTime | Function::Json => {
            return with_constant(rows, function, arguments, compiler);
        }
        _ => {}
    }
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(rows.expression(argument, compiler)?);
    }
    let tz = |compiler: &mut Compiler| bins::time_zone(compiler);
    Ok(match function {
        Function::Abs => on_number("abs({})", &values),
        Function::Ceil => on_number("ceil({})", &values),
        Function::Floor => on_number("floor({})", &values),
        Function::Sqrt => finite(on_number("sqrt({})", &values)),
        Function::Ln => finite(on_number("log({})", &values)),
        Function::Log10 => finite(on_number("log10({})", &values)),
        Function::Exp => finite(on_number("exp({})", &values)),
        Function::Pow => finite(number(sql!("pow({}, {})", values[0].number(), values[1].number()))),
        Function::Round => round(&values, arguments, compiler),
        Function::Least => extreme(&values, "arrayMin"),
        Function::Greatest => extreme(&values, "arrayMax"),
        Function::Lower => on_text("lowerUTF8({})", &values),
        Function::Upper => on_text("upperUTF8({})", &values),
        Function::Trim => on_text("trimBoth({})", &values),
        Function::Length => number(sql!("lengthUTF8({})", values[0].text())),
        Function::Substr => substr(&values),
        Function::Replace => {
            text(sql!("replaceAll({}, {}, {})", values[0].text(), values[1].text(), values[2].text()))
        }
        Function::SplitPart => split_part(&values),
        Function::Concat => concat(&values),
        Function::ToString => text(values[0].text()),
        Function::ToNumber => number(values[0].number()),
        Function::ToBool => to_bool(&values[0]),
        Function::TypeOf => type_of(&values[0]),
        Function::Coalesce => coalesce(&values),
        Function::Hour => number(sql!("toHour({}, {})", values[0].time(), tz(compiler))),
        _ => Value::null(),
    })
}

fn number(sql: Sql) -> Value {
    Value::new(sql, Repr::Number)
}

fn text(sql: Sql) -> Value {
    Value::new(sql, Repr::Text)
}

fn on_number(template: &'static str, values: &[Value]) -> Value {
    number(Sql::assemble(template, &[&values[0].number()]))
}

fn on_text(template: &'static str, values: &[Value]) -> Value {
    text(Sql::assemble(template, &[&values[0].text()]))
}

/// What is no number, such as the root of -1, is null.
fn finite(value: Value) -> Value {
    number(sql!("arrayMap(x -> if(isFinite(x), x, NULL), [{}])[1]", value.sql))
}

/// Halves go away from zero; ClickHouse's own rounding of floats takes the even neighbour.
fn round(values: &[Value], arguments: &[Expr], compiler: &mut Compiler) -> Value {
    let digits =
        arguments.get(1).and_then(literal).and_then(|literal| literal.text.parse::<i32>().ok()).unwrap_or(0);
    let scale = compiler.parameters.float(10f64.powi(digits.clamp(-15, 15)));
    number(sql!(
        "arrayMap(x -> sign(x) * floor(abs(x) * {} + 0.5) / {}, [{}])[1]",
        scale,
        scale,
        values[0].number()
    ))
}

fn extreme(values: &[Value], function: &'static str) -> Value {
    let function = Sql::new(function);
    let all_times = values.iter().all(|value| value.repr == Repr::Time);
    let items: Vec<Sql> =
        values.iter().map(|value| if all_times { value.time() } else { float(&value.number()) }).collect();
    let kept = sql!("arrayFilter(x -> isNotNull(x), [{}])", Sql::join(items, ", "));
    let sql = sql!("arrayMap(a -> if(empty(a), NULL, {}(a)), [{}])[1]", function, kept);
    Value::new(sql, if all_times { Repr::Time } else { Repr::Number })
}

/// Whole numbers and others have no type in common: put together as they are, they would compare by their types.
fn float(number: &Sql) -> Sql {
    sql!("CAST({}, 'Nullable(Float64)')", number)
}

/// A number as a place in a text, or as a length, but no less than `least`. Whatever the number is, no error: one would tell of rows
/// that a row rule hides.
fn place(number: &Value, least: u64) -> Sql {
    let number = float(&number.number());
    let least = Sql::number(least);
    sql!("if(isFinite({}), toInt64(least(greatest({}, {}), 1e18)), NULL)", number, number, least)
}

fn substr(values: &[Value]) -> Value {
    let from = place(&values[1], 1);
    text(match values.get(2) {
        Some(count) => sql!("substringUTF8({}, {}, {})", values[0].text(), from, place(count, 0)),
        None => sql!("substringUTF8({}, {})", values[0].text(), from),
    })
}

/// Null where there is no such part.
fn split_part(values: &[Value]) -> Value {
    let parts = sql!("splitByString(ifNull({}, ''), ifNull({}, ''))", values[1].text(), values[0].text());
    let index = sql!("ifNull({}, 0)", place(&values[2], 0));
    text(sql!(
        "arrayMap((t, a, i) -> if(isNotNull(t) AND i >= 1 AND i <= length(a), a[i], NULL), [{}], [{}], [{}])[1]",
        values[0].text(),
        parts,
        index
    ))
}

fn concat(values: &[Value]) -> Value {
    let parts: Vec<Sql> = values.iter().map(|value| sql!("ifNull({}, '')", value.text())).collect();
    text(sql!("toNullable(concat('', {}))", Sql::join(parts, ", ")))
}

fn to_bool(value: &Value) -> Value {
    if value.repr == Repr::Bool {
        return value.clone();
    }
    Value::new(
        sql!(
            "CAST(transform(lower(ifNull({}, '')), ['true', '1', 'false', '0'], [1, 1, 0, 0], NULL), 'Nullable(Bool)')",
            value.text()
        ),
        Repr::Bool,
    )
}

fn type_of(value: &Value) -> Value {
    let named =
        |name: &'static str, value: &Value| sql!("if({}, {}, 'null')", value.present(), Sql::new(name));
    text(match value.repr {
        Repr::Dynamic => sql!(
            "multiIf(isNull({}), 'null', {}, 'array', transform(dynamicType({}), \
             ['Bool', 'String', 'None', 'DateTime64(9, \\'UTC\\')'], ['bool', 'string', 'null', 'time'], 'number'))",
            value.sql,
            super::value::is_array(&value.sql),
            value.sql
        ),
        Repr::CoreText | Repr::CoreLevel | Repr::Text | Repr::Level => named("'string'", value),
        Repr::Number => named("'number'", value),
        Repr::Bool => named("'bool'", value),
        Repr::Time => named("'time'", value),
        Repr::Array => named("'array'", value),
        Repr::Null => Sql::new("'null'"),
    })
}

fn coalesce(values: &[Value]) -> Value {
    let (items, repr) = unified(values);
    Value::new(sql!("coalesce({})", Sql::join(items, ", ")), repr)
}

/// The same values in one type: their own if they share it, else each keeps its type.
pub(super) fn unified(values: &[Value]) -> (Vec<Sql>, Repr) {
    let cells: Vec<Value> = values.iter().map(Value::cell).collect();
    let simple = |repr: Repr| if repr == Repr::Level { Repr::Text } else { repr };
    let reprs: Vec<Repr> = values
        .iter()
        .zip(&cells)
        .filter(|(value, _)| value.repr != Repr::Null)
        .map(|(_, cell)| simple(cell.repr))
        .collect();
    let Some(first) = reprs.first().copied() else {
        return (values.iter().map(Value::text).collect(), Repr::Text);
    };
    if first == Repr::Dynamic || first == Repr::Array || reprs.iter().any(|repr| *repr != first) {
        return (values.iter().map(Value::dynamic).collect(), Repr::Dynamic);
    }
    let item = |(value, cell): (&Value, &Value)| match (value.repr, first) {
        (Repr::Null, _) => Sql::new("NULL"),
        (_, Repr::Text) => cell.text(),
        (_, Repr::Number) => float(&cell.sql),
        _ => cell.sql.clone(),
    };
    (values.iter().zip(&cells).map(item).collect(), first)
}

/// `if(c, a, b)` and `case(c1, v1, …, else)`.
fn choice(rows: &mut Rows, arguments: &[Expr], compiler: &mut Compiler) -> Result<Value, Diagnostic> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    for pair in arguments.chunks(2) {
        match pair {
            [condition, value] => {
                conditions.push(rows.condition(condition, compiler)?.two_valued());
                values.push(rows.expression(value, compiler)?);
            }
            [otherwise] => values.push(rows.expression(otherwise, compiler)?),
            _ => {}
        }
    }
    if values.len() == conditions.len() {
        values.push(Value::null());
    }
    let (values, repr) = unified(&values);
    let mut pieces = Vec::new();
    for (condition, value) in conditions.into_iter().zip(&values) {
        pieces.push(condition);
        pieces.push(value.clone());
    }
    pieces.extend(values.last().cloned());
    Ok(Value::new(sql!("multiIf({})", Sql::join(pieces, ", ")), repr))
}

/// Functions whose last argument is a constant that decides how they work.
fn with_constant(
    rows: &mut Rows,
    function: Function,
    arguments: &[Expr],
    compiler: &mut Compiler,
) -> Result<Value, Diagnostic> {
    let first = rows.expression(&arguments[0], compiler)?;
    let constant =
        |index: usize| arguments.get(index).and_then(literal).map_or(String::new(), |l| l.text.clone());
    Ok(match function {
        Function::Extract => {
            let regex = compiler.parameters.text(&crate::re2::with_group(&constant(1)));
            text(sql!(
                "arrayMap(t -> arrayMap(g -> if(isNull(t) OR empty(g), NULL, g[1]), [extractGroups(ifNull(t, ''), {})])[1], [{}])[1]",
                regex,
                first.text()
            ))
        }
        Function::ReplaceRe => {
            // A pattern without operators would be replaced as plain text, its replacement taken as it is.
            let regex = compiler.parameters.text(&format!("(?:{})", constant(1)));
            let replacement = compiler.parameters.text(&constant(2));
            text(sql!("replaceRegexpAll({}, {}, {})", first.text(), regex, replacement))
        }
        Function::FormatTime => {
            let format = compiler.parameters.text(&constant(1));
            let zone = bins::time_zone(compiler);
            text(sql!("formatDateTime({}, {}, {})", first.time(), format, zone))
        }
        _ => json(&first, &constant(1), compiler),
    })
}

/// A value inside JSON text, with its type; an object is none.
fn json(value: &Value, path: &str, compiler: &mut Compiler) -> Value {
    let keys: Vec<Sql> = path.split('.').map(|key| compiler.parameters.text(key)).collect();
    let keys = Sql::join(keys, ", ");
    let found = sql!("if(JSONType(t, {}) = 'Object', NULL, JSONExtract(t, {}, 'Dynamic'))", keys, keys);
    Value::new(sql!("arrayMap(t -> {}, [ifNull({}, '')])[1]", found, value.text()), Repr::Dynamic)
}

/// `bin(5m)`, `bin(time, 5m)`, `bin(number, 100)`.
fn bin(rows: &mut Rows, arguments: &[Expr], compiler: &mut Compiler) -> Result<Value, Diagnostic> {
    let (subject, width) = match arguments {
        [width] => (None, width),
        [subject, width, ..] => (Some(rows.expression(subject, compiler)?), width),
        [] => return Ok(Value::null()),
    };
    let width = literal(width).map(|literal| &literal.class);
    match (subject, width) {
        (subject, Some(LiteralClass::Duration(amount))) => {
            let Some(bin) = bin_of(*amount) else { return Ok(Value::null()) };
            let time = match subject {
                Some(value) => value.time(),
                None => rows.value(&super::rows::Place::Core(crate::ast::Core::Timestamp), compiler).sql,
            };
            Ok(bins::start(&time, bin, compiler))
        }
        (Some(value), Some(LiteralClass::Number(step))) => {
            let step = compiler.parameters.float(step.value);
            Ok(number(sql!("(floor({} / {}) * {})", value.number(), step, step)))
        }
        _ => Ok(Value::null()),
    }
}

fn now(compiler: &mut Compiler) -> Value {
    let now_ns = compiler.request.now_ns;
    Value::atom(super::predicate::instant(now_ns, &mut compiler.parameters), Repr::Time)
}
