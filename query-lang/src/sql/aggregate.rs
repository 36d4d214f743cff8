//! `stats`, `percentiles`, `top`: groups, and the functions over them.

use super::bins;
use super::compiler::Compiler;
use super::condition::Condition;
use super::rows::{Named, OrderBy, OrderKey, Place, Rows};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{
    Aggregate, AggregateFunction, Expr, ExprNode, Field, Function, Key, Literal, LiteralClass, Target, bin_of,
};

/// Most values that `values` and `list` keep when nobody says how many.
const VALUES: u64 = 100;
/// Most values that are looked at for `values`.
const VALUES_SEEN: u64 = 10_000;

/// A grouped SELECT under construction.
pub(super) struct Grouping {
    pub rows: Rows,
    pub columns: Vec<Named>,
    group_by: Vec<Sql>,
    order: Vec<OrderKey>,
}

impl Grouping {
    pub(super) fn of(mut rows: Rows) -> Self {
        rows.open();
        Self { rows, columns: Vec::new(), group_by: Vec::new(), order: Vec::new() }
    }

    /// Groups by a value, attributes by their text.
    pub(super) fn key(&mut self, name: &str, value: &Value, compiler: &mut Compiler) -> Place {
        self.typed_key(name, value.key(), compiler)
    }

    /// Groups by a value as it is.
    pub(super) fn typed_key(&mut self, name: &str, value: Value, compiler: &mut Compiler) -> Place {
        let place = self.rows.compute(value, compiler);
        if let Place::Computed(id, _) = place {
            let alias = self.rows.select.export(&Source::Computed(id), compiler);
            self.group_by.push(sql!("{}", alias));
        }
        self.order.push(OrderKey { by: OrderBy::Place(place.clone()), descending: false });
        self.columns.push(Named { name: name.to_owned(), place: place.clone() });
        place
    }

    pub(super) fn keys(&mut self, keys: &[Key], compiler: &mut Compiler) -> Result<(), Diagnostic> {
        for key in keys {
            let value = key_value(&mut self.rows, &key.value, compiler)?;
            self.typed_key(&key.name.text, value, compiler);
        }
        Ok(())
    }

    pub(super) fn measure(&mut self, name: &str, value: Value, compiler: &mut Compiler) -> Place {
        let place = self.rows.compute(value, compiler);
        self.columns.push(Named { name: name.to_owned(), place: place.clone() });
        place
    }

    pub(super) fn measures(
        &mut self,
        aggregates: &[Aggregate],
        seconds: f64,
        compiler: &mut Compiler,
    ) -> Result<(), Diagnostic> {
        for aggregate in aggregates {
            let value = aggregate_value(&mut self.rows, aggregate, seconds, compiler)?;
            self.measure(&aggregate.name.text, value, compiler);
        }
        Ok(())
    }

    /// The groups as a table, in the order of their keys.
    pub(super) fn finish(mut self, compiler: &mut Compiler) -> Rows {
        // Without a key and without anybody asking for a column there still has to be one row.
        if self.group_by.is_empty() {
            self.rows.select.output(Sql::new("count()"), compiler);
        }
        self.rows.select.group_by = Some(self.group_by);
        Rows::table(self.rows.select, self.columns, self.order)
    }
}

impl Rows {
    pub(super) fn stats(
        self,
        aggregates: &[Aggregate],
        keys: &[Key],
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let seconds = seconds_per_group(keys, compiler);
        let mut rows = self;
        if need_position(aggregates) && !rows.is_events() {
            rows.number_rows(compiler);
        }
        let mut grouping = Grouping::of(rows);
        grouping.keys(keys, compiler)?;
        grouping.measures(aggregates, seconds, compiler)?;
        Ok(grouping.finish(compiler))
    }

    pub(super) fn percentiles(
        self,
        field: &Field,
        percents: &[Literal],
        names: &[String],
        keys: &[Key],
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let mut grouping = Grouping::of(self);
        grouping.keys(keys, compiler)?;
        let number = nullable(&grouping.rows.field(field, compiler));
        for (percent, name) in percents.iter().zip(names) {
            let quantile = quantile(percent, &number, compiler);
            grouping.measure(name, quantile, compiler);
        }
        Ok(grouping.finish(compiler))
    }

    /// `top` and `rare`: groups in which all fields are present, most (or fewest) events first.
    pub(super) fn top(mut self, rare: bool, count: u64, fields: &[Field], compiler: &mut Compiler) -> Rows {
        self.open();
        for field in fields {
            let present = self.field(field, compiler).present();
            self.filter(&Condition::exact(present));
        }
        let mut grouping = Grouping::of(self);
        for field in fields {
            let value = grouping.rows.field(field, compiler);
            grouping.key(&field.path, &value, compiler);
        }
        let counted = grouping.measure("count", number(Sql::new("count()")), compiler);
        let mut rows = grouping.finish(compiler);
        let total = rows.value(&counted, compiler).sql;
        let percent = rows.compute(number(sql!("100 * {} / sum({}) OVER ()", total, total)), compiler);
        if let Place::Computed(id, _) = percent {
            rows.select.export(&Source::Computed(id), compiler);
        }
        rows.wrap();
        rows.name("percent", percent);
        rows.order.insert(0, OrderKey { by: OrderBy::Place(counted), descending: !rare });
        let count = compiler.parameters.unsigned(count);
        rows.limit(Some(count), None, compiler);
        rows
    }
}

/// The value of a group key: an attribute's text, and everything computed with its type.
pub(super) fn key_value(rows: &mut Rows, expr: &Expr, compiler: &mut Compiler) -> Result<Value, Diagnostic> {
    let value = moved_value(rows, expr, compiler)?;
    let is_attribute =
        matches!(&expr.node, ExprNode::Field(field) if matches!(field.target, Target::Attribute(_)));
    Ok(if value.repr == Repr::Dynamic && !is_attribute { value } else { value.key() })
}

/// Times that were read from an earlier range count where they belong in the present one.
fn moved_value(rows: &mut Rows, expr: &Expr, compiler: &mut Compiler) -> Result<Value, Diagnostic> {
    let Some(moved) = compiler.range.moved else { return rows.expression(expr, compiler) };
    if let Some((time, bin)) = time_bin(expr) {
        let time = match time {
            Some(time) => rows.expression(time, compiler)?.time(),
            None => rows.value(&Place::Core(crate::ast::Core::Timestamp), compiler).sql,
        };
        let time = bins::moved_forward(&time, moved, compiler);
        return Ok(bins::start(&time, bin, compiler));
    }
    let value = rows.expression(expr, compiler)?;
    if value.repr != Repr::Time {
        return Ok(value);
    }
    Ok(Value::new(bins::moved_forward(&value.sql, moved, compiler), Repr::Time))
}

/// `bin(5m)` or `bin(time, 5m)`: the time and the bin.
fn time_bin(expr: &Expr) -> Option<(Option<&Expr>, crate::ast::Bin)> {
    let ExprNode::Call { function: Function::Bin, arguments, .. } = &expr.node else { return None };
    let (time, width) = match arguments.as_slice() {
        [width] => (None, width),
        [time, width] => (Some(time), width),
        _ => return None,
    };
    match &width.node {
        ExprNode::Literal(Literal { class: LiteralClass::Duration(amount), .. }) => {
            Some((time, bin_of(*amount)?))
        }
        _ => None,
    }
}

/// How many seconds a group covers: its time bin, or the whole range.
fn seconds_per_group(keys: &[Key], compiler: &Compiler) -> f64 {
    let bin = keys.iter().find_map(|key| time_bin(&key.value));
    match bin {
        Some((_, bin)) => bin.nanos() as f64 / 1e9,
        None => range_seconds(compiler),
    }
}

pub(super) fn range_seconds(compiler: &Compiler) -> f64 {
    (compiler.range.to_ns.saturating_sub(compiler.range.from_ns) as f64 / 1e9).max(1e-9)
}

fn number(sql: Sql) -> Value {
    Value::new(sql, Repr::Number)
}

/// Numbers whose aggregates are null, not 0 or nan, when there is none.
fn nullable(value: &Value) -> Sql {
    sql!("toNullable({})", value.number())
}

/// What an aggregate ranges over.
struct Input {
    value: Value,
    /// `, condition` and the suffix `If`, or nothing.
    condition: Option<Sql>,
}

fn aggregate_value(
    rows: &mut Rows,
    aggregate: &Aggregate,
    seconds: f64,
    compiler: &mut Compiler,
) -> Result<Value, Diagnostic> {
    use AggregateFunction as F;
    let condition = match &aggregate.condition {
        Some(condition) => Some(rows.condition(condition, compiler)?.two_valued()),
        None => None,
    };
    let Some(argument) = &aggregate.argument else {
        return Ok(count_rows(aggregate.function, condition, seconds, compiler));
    };
    if aggregate.function == F::CountIf {
        let holds = rows.condition(argument, compiler)?.two_valued();
        let both = condition.map_or(holds.clone(), |condition| sql!("({} AND {})", condition, holds));
        return Ok(number(sql!("countIf({})", both)));
    }
    let input = Input { value: rows.expression(argument, compiler)?, condition };
    Ok(match aggregate.function {
        F::Count => number(input.call("count", &input.value.text())),
        F::DistinctCount => number(input.call("uniq", &input.value.text())),
        F::Sum => number(input.call("sum", &nullable(&input.value))),
        F::Average => number(input.call("avg", &nullable(&input.value))),
        F::Min => input.extreme("min"),
        F::Max => input.extreme("max"),
        F::Range => {
            let of = nullable(&input.value);
            number(sql!("({} - {})", input.call("max", &of), input.call("min", &of)))
        }
        F::Percentile => percentile(&input, aggregate.parameter.as_ref(), compiler),
        F::Stddev => number(not_nan(&input.call("stddevSamp", &nullable(&input.value)))),
        F::Variance => number(not_nan(&input.call("varSamp", &nullable(&input.value)))),
        F::First => input.by_time("argMin", rows, compiler),
        F::Last => input.by_time("argMax", rows, compiler),
        F::Values => input.values(count_of(aggregate.parameter.as_ref()), compiler),
        F::List => input.list(count_of(aggregate.parameter.as_ref()), rows, compiler),
        F::Mode => input.mode(),
        F::Rate => {
            let seconds = compiler.parameters.float(seconds);
            number(sql!("(ifNull({}, 0) / {})", input.call("sum", &nullable(&input.value)), seconds))
        }
        F::CountIf => unreachable!("handled above"),
    })
}

fn count_rows(
    function: AggregateFunction,
    condition: Option<Sql>,
    seconds: f64,
    compiler: &mut Compiler,
) -> Value {
    let count = condition.map_or(Sql::new("count()"), |condition| sql!("countIf({})", condition));
    if function == AggregateFunction::Rate {
        let seconds = compiler.parameters.float(seconds);
        return number(sql!("({} / {})", count, seconds));
    }
    number(count)
}

fn count_of(parameter: Option<&Literal>) -> u64 {
    match parameter.map(|literal| &literal.class) {
        Some(LiteralClass::Number(number)) => number.value.max(0.0) as u64,
        _ => VALUES,
    }
}

fn not_nan(sql: &Sql) -> Sql {
    sql!("arrayMap(x -> if(isFinite(x), x, NULL), [{}])[1]", sql)
}

fn percentile(input: &Input, percent: Option<&Literal>, compiler: &mut Compiler) -> Value {
    let Some(percent) = percent else { return Value::null() };
    let rank = compiler.parameters.float(rank_of(percent));
    let quantile = match &input.condition {
        Some(condition) => sql!("quantileIf({})({}, {})", rank, nullable(&input.value), condition),
        None => sql!("quantile({})({})", rank, nullable(&input.value)),
    };
    number(not_nan(&quantile))
}

fn quantile(percent: &Literal, number_of: &Sql, compiler: &mut Compiler) -> Value {
    let rank = compiler.parameters.float(rank_of(percent));
    number(not_nan(&sql!("quantile({})({})", rank, number_of)))
}

/// A percentage as a share, as its digits say it: 99.9 is 0.999.
fn rank_of(percent: &Literal) -> f64 {
    match &percent.class {
        LiteralClass::Number(number) => number.value / 100.0,
        _ => f64::NAN,
    }
}

impl Input {
    fn call(&self, function: &'static str, over: &Sql) -> Sql {
        let function = Sql::new(function);
        match &self.condition {
            Some(condition) => sql!("{}If({}, {})", function, over, condition),
            None => sql!("{}({})", function, over),
        }
    }

    fn extreme(&self, function: &'static str) -> Value {
        match self.value.repr {
            Repr::Time => {
                Value::new(self.call(function, &sql!("toNullable({})", self.value.sql)), Repr::Time)
            }
            Repr::CoreLevel | Repr::Level => {
                Value::new(self.call(function, &self.value.key().sql), Repr::Level)
            }
            _ => number(self.call(function, &nullable(&self.value))),
        }
    }

    /// Times and numbers keep their type, everything else is text.
    fn kept(&self) -> Value {
        match self.value.repr {
            Repr::Time | Repr::Number | Repr::Bool => {
                Value::new(sql!("toNullable({})", self.value.sql), self.value.repr)
            }
            _ => Value::new(self.value.text(), Repr::Text),
        }
    }

    fn by_time(&self, function: &'static str, rows: &mut Rows, compiler: &mut Compiler) -> Value {
        let kept = self.kept();
        let position = position(rows, compiler);
        let condition = self.condition.as_ref().map_or(Sql::new("1"), Clone::clone);
        let sql = sql!(
            "{}If({}, {}, isNotNull({}) AND {})",
            Sql::new(function),
            kept.sql,
            position,
            kept.sql,
            condition
        );
        Value::new(sql, kept.repr)
    }

    fn values(&self, most: u64, compiler: &mut Compiler) -> Value {
        let seen = compiler.parameters.unsigned(VALUES_SEEN.max(most));
        let most = compiler.parameters.unsigned(most);
        let values = match &self.condition {
            Some(condition) => sql!("groupUniqArrayIf({})({}, {})", seen, self.value.text(), condition),
            None => sql!("groupUniqArray({})({})", seen, self.value.text()),
        };
        let sorted = sql!(
            "arraySort(v -> (isNull(toFloat64OrNull(v)), ifNull(toFloat64OrNull(v), 0), v), {})",
            values
        );
        Value::new(sql!("arraySlice({}, 1, {})", sorted, most), Repr::Array)
    }

    fn list(&self, most: u64, rows: &mut Rows, compiler: &mut Compiler) -> Value {
        let most = compiler.parameters.unsigned(most);
        let (text, position) = (self.value.text(), position(rows, compiler));
        let condition = self.condition.as_ref().map_or(Sql::new("1"), Clone::clone);
        Value::new(
            sql!(
                "arrayMap(t -> t.2, groupArraySortedIf({})(({}, ifNull({}, '')), isNotNull({}) AND {}))",
                most,
                position,
                text,
                text,
                condition
            ),
            Repr::Array,
        )
    }

    /// The most frequent value; of several the first in value order.
    fn mode(&self) -> Value {
        let text = self.value.text();
        let condition = self.condition.as_ref().map_or(Sql::new("1"), Clone::clone);
        let counts = sql!("sumMapIf([ifNull({}, '')], [1], isNotNull({}) AND {})", text, text, condition);
        let first = sql!(
            "arraySort((v, n) -> (-toInt64(n), isNull(toFloat64OrNull(v)), ifNull(toFloat64OrNull(v), 0), v), m.1, m.2)"
        );
        Value::new(sql!("arrayMap(m -> if(empty(m.1), NULL, {}[1]), [{}])[1]", first, counts), Repr::Text)
    }
}

/// What `first`, `last` and `list` go by: the time of events, the place in a table.
fn position(rows: &mut Rows, compiler: &mut Compiler) -> Sql {
    if let Some(place) = rows.position.clone() {
        return rows.value(&place, compiler).sql;
    }
    let mut column = |column| rows.select.column(&Source::Table(column), compiler);
    let (time, batch, row) =
        (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
    sql!("({}, {}, {})", time, batch, row)
}

/// Whether the aggregates depend on the order of rows.
fn need_position(aggregates: &[Aggregate]) -> bool {
    use AggregateFunction::{First, Last, List};
    aggregates.iter().any(|aggregate| matches!(aggregate.function, First | Last | List))
}
