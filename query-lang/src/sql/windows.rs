//! `window` and `anomaly`: figures out of neighbouring rows.

use super::compiler::Compiler;
use super::rows::{Place, Rows};
use super::select::Source;
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::ast::{AnomalyMethod, Field, Literal, LiteralClass, WindowColumn, WindowFunction};

impl Rows {
    /// Functions over the rows before each row, in the order of time if there is a time bin, else in the current one.
    pub(super) fn window(
        &mut self,
        columns: &[WindowColumn],
        by: &[Field],
        time: Option<&str>,
        compiler: &mut Compiler,
    ) {
        self.wrap();
        let partition = self.partition(by, compiler);
        let mut order = Vec::new();
        if let Some(time) = time {
            let place = self.place_of_column(time);
            order.push(self.value(&place, compiler).order(false));
        }
        order.extend(self.order_terms(compiler));
        let order = if order.is_empty() { Sql::new("") } else { sql!("ORDER BY {}", Sql::join(order, ", ")) };
        let mut added = Vec::new();
        for column in columns {
            let value = match &column.column {
                Some(field) => self.field(field, compiler),
                None => Value::null(),
            };
            let over =
                |frame: Sql| sql!("OVER ({} {} ROWS BETWEEN {} AND CURRENT ROW)", partition, order, frame);
            let window = Window { column, value: &value };
            let result = window.compile(&over, compiler);
            let place = self.compute(result, compiler);
            self.export_place(&place, compiler);
            added.push((column.name.text.clone(), place));
        }
        self.wrap();
        for (name, place) in added {
            self.name(&name, place);
        }
    }

    /// How far each value is from what is usual among all rows, or among those with the same `by`.
    pub(super) fn anomaly(
        &mut self,
        field: &Field,
        by: &[Field],
        method: AnomalyMethod,
        threshold: Option<&Literal>,
        compiler: &mut Compiler,
    ) {
        self.wrap();
        let x = sql!("toNullable({})", self.field(field, compiler).number());
        let partition = self.partition(by, compiler);
        let (centre, default) = match method {
            AnomalyMethod::Mad => ("quantileExactInclusive(0.5)", 3.5),
            AnomalyMethod::Zscore => ("avg", 3.0),
        };
        let over = |function: &'static str, of: &Sql, partition: &Sql| {
            let value = sql!("{}({}) OVER ({})", Sql::new(function), of, partition);
            Value::new(sql!("arrayMap(x -> if(isFinite(x), x, NULL), [{}])[1]", value), Repr::Number)
        };
        let expected = self.compute(over(centre, &x, &partition), compiler);
        let spread = self.compute(over("stddevSamp", &x, &partition), compiler);
        self.export_place(&expected, compiler);
        self.export_place(&spread, compiler);
        self.wrap();
        let x = sql!("toNullable({})", self.field(field, compiler).number());
        let usual = self.value(&expected, compiler).sql;
        let (scale, spread) = match method {
            AnomalyMethod::Zscore => ("1", spread),
            AnomalyMethod::Mad => {
                let partition = self.partition(by, compiler);
                let distance = sql!("abs({} - {})", x, usual);
                let spread = self.compute(over(centre, &distance, &partition), compiler);
                self.export_place(&spread, compiler);
                self.wrap();
                ("0.6745", spread)
            }
        };
        let x = self.field(field, compiler).number();
        let (usual, spread) = (self.value(&expected, compiler).sql, self.value(&spread, compiler).sql);
        let score = sql!("({} * ({} - {}) / nullIf({}, 0))", Sql::new(scale), x, usual, spread);
        let limit = match threshold.map(|literal| &literal.class) {
            Some(LiteralClass::Number(number)) => number.value,
            _ => default,
        };
        let limit = compiler.parameters.float(limit);
        let is_anomaly = sql!(
            "CAST(ifNull(if({} = 0, {} != {}, abs({}) > {}), 0), 'Bool')",
            spread,
            x,
            usual,
            score,
            limit
        );
        let score = self.compute(Value::new(score, Repr::Number), compiler);
        let is_anomaly = self.compute(Value::new(is_anomaly, Repr::Bool), compiler);
        self.wrap();
        self.name("expected", expected);
        self.name("score", score);
        self.name("is_anomaly", is_anomaly);
    }

    fn partition(&mut self, by: &[Field], compiler: &mut Compiler) -> Sql {
        if by.is_empty() {
            return Sql::new("");
        }
        let keys: Vec<Sql> = by.iter().map(|field| self.field(field, compiler).text()).collect();
        sql!("PARTITION BY {}", Sql::join(keys, ", "))
    }

    /// Window functions are only computed where they are selected.
    pub(super) fn export_place(&mut self, place: &Place, compiler: &mut Compiler) {
        if let Place::Computed(id, _) = place {
            self.select.export(&Source::Computed(*id), compiler);
        }
    }
}

struct Window<'a> {
    column: &'a WindowColumn,
    value: &'a Value,
}

impl Window<'_> {
    fn compile(&self, over: &dyn Fn(Sql) -> Sql, compiler: &mut Compiler) -> Value {
        let rows = self.column.rows.unwrap_or(1);
        let all = || over(Sql::new("UNBOUNDED PRECEDING"));
        let last = |compiler: &mut Compiler| {
            let before = compiler.parameters.unsigned(rows.saturating_sub(1));
            over(sql!("{} PRECEDING", before))
        };
        let number = || sql!("toNullable({})", self.value.number());
        let sql = match self.column.function {
            WindowFunction::MovingAverage => sql!("avg({}) {}", number(), last(compiler)),
            WindowFunction::MovingSum => sql!("sum({}) {}", number(), last(compiler)),
            WindowFunction::CumulativeSum => sql!("sum({}) {}", number(), all()),
            WindowFunction::Delta => {
                // Counts have no sign.
                let float = sql!("toFloat64({})", number());
                sql!("({} - lagInFrame({}, 1) {})", float, float, all())
            }
            WindowFunction::RowNumber => sql!("row_number() {}", all()),
            WindowFunction::Lag => {
                let cell = self.value.cell();
                let rows = compiler.parameters.unsigned(rows);
                let lagged = match cell.repr {
                    Repr::Dynamic | Repr::Array => cell.sql,
                    _ => sql!("toNullable({})", cell.sql),
                };
                return Value::new(sql!("lagInFrame({}, {}) {}", lagged, rows, all()), cell.repr);
            }
        };
        Value::new(sql, Repr::Number)
    }
}
