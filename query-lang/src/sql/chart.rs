//! `timechart` and `fill`: groups by time bin, with every bin of the range.

use super::aggregate::Grouping;
use super::bins;
use super::compiler::Compiler;
use super::rows::{Named, Names, OrderBy, OrderKey, Place, Rows};
use super::select::Source;
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Absent, Aggregate, Bin, Column, Core, FillValue, Key, Role};

/// What a chart is made of, beside its rows.
pub(super) struct Chart<'q> {
    pub aggregates: &'q [Aggregate],
    pub split: Option<&'q Key>,
    pub step: Bin,
    pub limit: u64,
    pub other: bool,
    pub columns: &'q [Column],
}

/// A group of a filled table: everything that is the same in all its bins.
struct Filling<'q> {
    bin: Place,
    keys: Vec<Place>,
    measures: Vec<(Named, &'q Column)>,
}

impl Rows {
    /// `ranked` are the same events in the range that decides which series there are.
    pub(super) fn timechart(
        self,
        ranked: Option<Rows>,
        chart: &Chart,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let mut grouping = Grouping::of(self);
        let time = grouping.rows.value(&Place::Core(Core::Timestamp), compiler).sql;
        let time = match compiler.range.moved {
            Some(moved) => bins::moved_forward(&time, moved, compiler),
            None => time,
        };
        let start = bins::start(&time, chart.step, compiler);
        let bin = grouping.key(Core::Timestamp.name(), &start, compiler);
        let mut keys = Vec::new();
        if let (Some(split), Some(ranked)) = (chart.split, ranked) {
            keys = series(&mut grouping, ranked, split, chart, compiler)?;
        }
        grouping.measures(chart.aggregates, chart.step.nanos() as f64 / 1e9, compiler)?;
        let measured = grouping.columns[1 + keys.len()..].to_vec();
        let rows = grouping.finish(compiler);
        let columns = &chart.columns[chart.columns.len().saturating_sub(measured.len())..];
        let filling =
            Filling { bin, keys: keys.clone(), measures: measured.into_iter().zip(columns).collect() };
        let mut rows = rows.filled(&filling, chart.step, FillValue::Zero, true, compiler);
        if let (Some(split), [other, value]) = (chart.split, keys.as_slice()) {
            rows.name_series(&split.name.text, other, value, compiler);
        }
        Ok(rows)
    }

    /// Shows the series under the name of the split: its value, or `(other)`.
    fn name_series(&mut self, name: &str, other: &Place, value: &Place, compiler: &mut Compiler) {
        let is_other = self.value(other, compiler).sql;
        let value = self.value(value, compiler);
        let rest = Value::new(Sql::new("CAST('(other)', 'Nullable(String)')"), Repr::Text);
        let (values, repr) = super::function::unified(&[rest, value]);
        let [rest, value] = values.as_slice() else { return };
        let shown = self.compute(Value::new(sql!("if({}, {}, {})", is_other, rest, value), repr), compiler);
        if let Names::Table(named) = &mut self.names {
            named.retain(|named| !named.name.is_empty());
            named.insert(1, Named { name: name.to_owned(), place: shown });
        }
        self.wrap();
    }

    /// Adds the missing bins of the range to every group of a table with time bins.
    pub(super) fn fill(
        mut self,
        step: Bin,
        value: FillValue,
        columns: &[Column],
        compiler: &mut Compiler,
    ) -> Rows {
        self.open();
        let Names::Table(named) = self.names.clone() else { return self };
        let mut filling = Filling { bin: Place::Nothing, keys: Vec::new(), measures: Vec::new() };
        for named in named {
            let column = columns.iter().find(|column| column.name == named.name);
            match column.map(|column| (column.role, column)) {
                Some((Role::Time, _)) => filling.bin = named.place,
                Some((Role::Key, _)) | None => filling.keys.push(named.place),
                Some((_, column)) => filling.measures.push((named, column)),
            }
        }
        let names = self.names.clone();
        let order = self.order.clone();
        let mut rows = self.filled(&filling, step, value, false, compiler);
        let moved = rows.names_before(&names);
        rows.order = order.into_iter().map(|key| moved_key(key, &moved)).collect();
        rows
    }

    /// One array of bins for each group, completed, and unrolled again. The aggregation below runs once.
    fn filled(
        mut self,
        filling: &Filling,
        step: Bin,
        value: FillValue,
        chart: bool,
        compiler: &mut Compiler,
    ) -> Rows {
        let former = self.names.clone();
        let bin = self.value(&filling.bin, compiler).sql;
        let measures: Vec<Value> =
            filling.measures.iter().map(|(named, _)| self.value(&named.place, compiler)).collect();
        let cells: Vec<Sql> = measures.iter().map(nullable_cell).collect();
        let mut grouping = Grouping::of(self);
        let mut keys = Vec::new();
        for key in &filling.keys {
            let value = grouping.rows.value(key, compiler);
            let name = name_in(&former, key);
            keys.push((key.clone(), grouping.key(&name, &value, compiler)));
        }
        let mut tuple = vec![bin];
        tuple.extend(cells);
        let rows_of_group = sql!("arraySort(groupArray(({}, 1)))", Sql::join(&tuple, ", "));
        let collected = grouping.measure("", Value::new(rows_of_group, Repr::Array), compiler);
        let mut rows = grouping.finish(compiler);

        let present = rows.value(&collected, compiler).sql;
        let all = bins::all(step, compiler);
        let absent = filling
            .measures
            .iter()
            .zip(&measures)
            .map(|((_, column), measure)| absent_cell(column, measure, value, chart));
        let absent: Vec<Sql> = std::iter::once(Sql::new("x")).chain(absent).chain([Sql::new("0")]).collect();
        let complete = sql!(
            "arraySort(r -> r.1, arrayConcat({}, arrayMap(x -> ({}), arrayFilter(x -> NOT has(arrayMap(r -> r.1, {}), x), {}))))",
            present,
            Sql::join(&absent, ", "),
            present,
            all
        );
        let row = compiler.next_alias();
        rows.select.array_join = Some(sql!("{} AS {}", complete, row));

        let mut named = Vec::new();
        let first = rows.compute(Value::new(sql!("{}.1", row), Repr::Time), compiler);
        let mut order = vec![OrderKey { by: OrderBy::Place(first.clone()), descending: false }];
        order.extend(
            keys.iter().map(|(_, key)| OrderKey { by: OrderBy::Place(key.clone()), descending: false }),
        );
        let mut replaced = vec![(filling.bin.clone(), first)];
        replaced.extend(keys);
        for (index, ((measure, _), value)) in filling.measures.iter().zip(&measures).enumerate() {
            let place = rows.compute(Value::new(element(row, index + 2), value.cell().repr), compiler);
            replaced.push((measure.place.clone(), place));
        }
        let is_present = rows.compute(Value::new(element(row, measures.len() + 2), Repr::Number), compiler);
        rows.wrap();
        if matches!(value, FillValue::Previous | FillValue::Linear) {
            rows.carry(filling, value, &mut replaced, &order, &is_present, compiler);
        }
        let (Names::Table(former) | Names::Events { computed: former, .. }) = former;
        for column in former {
            if let Some((_, place)) = replaced.iter().find(|(old, _)| *old == column.place) {
                named.push(Named { name: column.name, place: place.clone() });
            }
        }
        rows.names = Names::Table(named);
        rows.order = order;
        rows
    }

    /// Gives the added bins the value before, or one on the line between the values around.
    fn carry(
        &mut self,
        filling: &Filling,
        fill: FillValue,
        replaced: &mut [(Place, Place)],
        order: &[OrderKey],
        is_present: &Place,
        compiler: &mut Compiler,
    ) {
        let keys: Vec<Place> = order[1..].iter().filter_map(place_of_key).collect();
        let keys: Vec<Sql> = keys.iter().map(|key| self.value(key, compiler).key().sql).collect();
        let partition =
            if keys.is_empty() { Sql::new("") } else { sql!("PARTITION BY {}", Sql::join(keys, ", ")) };
        let bin = replaced[0].1.clone();
        let bin = self.value(&bin, compiler).sql;
        let present = self.value(is_present, compiler).sql;
        for (measure, _) in &filling.measures {
            let Some(entry) = replaced.iter_mut().find(|(old, _)| *old == measure.place) else { continue };
            let value = self.value(&entry.1, compiler);
            let over = |function: &'static str, what: &Sql, frame: &'static str| {
                sql!(
                    "{}({}) OVER ({} ORDER BY {} {})",
                    Sql::new(function),
                    what,
                    partition,
                    bin,
                    Sql::new(frame)
                )
            };
            let some = sql!("if({} = 1, {}, NULL)", present, value.sql);
            let at = sql!(
                "if({} = 1 AND isNotNull({}), toNullable(toUnixTimestamp64Nano({})), NULL)",
                present,
                value.sql,
                bin
            );
            const BEFORE: &str = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
            const AFTER: &str = "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING";
            let before = over("anyLast", &some, BEFORE);
            let filled = if fill == FillValue::Previous {
                before
            } else {
                let (after, start, end) =
                    (over("any", &some, AFTER), over("max", &at, BEFORE), over("min", &at, AFTER));
                sql!(
                    "({} + ({} - {}) * (toUnixTimestamp64Nano({}) - {}) / nullIf({} - {}, 0))",
                    before,
                    after,
                    before,
                    bin,
                    start,
                    end,
                    start
                )
            };
            let kept = Value::new(sql!("if({} = 1, {}, {})", present, value.sql, filled), value.repr);
            let place = self.compute(kept, compiler);
            if let Place::Computed(id, _) = place {
                self.select.export(&Source::Computed(id), compiler);
            }
            entry.1 = place;
        }
        self.wrap();
    }

    /// Pairs of places: what a name had before, what it has now.
    fn names_before(&self, before: &Names) -> Vec<(Place, Place)> {
        let (Names::Table(before) | Names::Events { computed: before, .. }) = before;
        let now = |name: &str| self.place_of_column(name);
        before.iter().map(|named| (named.place.clone(), now(&named.name))).collect()
    }
}

/// The keys of a series: whether it is the rest, and its value if not.
fn series(
    grouping: &mut Grouping,
    ranked: Rows,
    split: &Key,
    chart: &Chart,
    compiler: &mut Compiler,
) -> Result<Vec<Place>, Diagnostic> {
    let top = top_series(ranked, split, chart.limit, compiler)?;
    let key = super::aggregate::key_value(&mut grouping.rows, &split.value, compiler)?;
    let shape = series_name(&key);
    let is_top = sql!("{} IN ({})", shape, top);
    if !chart.other {
        grouping.rows.select.filters.push(is_top.clone());
    }
    let is_other = grouping.key("", &Value::new(sql!("if({}, 0, 1)", is_top), Repr::Number), compiler);
    let value = match key.repr {
        Repr::Dynamic => sql!("if({}, {}, CAST(NULL, 'Dynamic'))", is_top, key.sql),
        _ => sql!("if({}, {}, NULL)", is_top, key.sql),
    };
    let value = Value::new(value, key.repr);
    let value = grouping.key("", &value, compiler);
    Ok(vec![is_other, value])
}

/// What a series is recognised by: (is null, text).
fn series_name(key: &Value) -> Sql {
    let text = key.text();
    sql!("(isNull({}), ifNull({}, ''))", text, text)
}

/// The keys with the most events, by their names.
fn top_series(ranked: Rows, split: &Key, limit: u64, compiler: &mut Compiler) -> Result<Sql, Diagnostic> {
    let mut grouping = Grouping::of(ranked);
    let value = super::aggregate::key_value(&mut grouping.rows, &split.value, compiler)?;
    let key = grouping.key("", &value, compiler);
    let count = grouping.measure("", Value::new(Sql::new("count()"), Repr::Number), compiler);
    let mut rows = grouping.finish(compiler);
    rows.order.insert(0, OrderKey { by: OrderBy::Place(count), descending: true });
    let limit = compiler.parameters.unsigned(limit);
    rows.limit(Some(limit), None, compiler);
    let key = rows.value(&key, compiler);
    rows.select.output(series_name(&key), compiler);
    Ok(rows.select.render())
}

/// Measures that can be null in added bins.
fn nullable_cell(value: &Value) -> Sql {
    match value.repr {
        Repr::Array | Repr::Dynamic => value.sql.clone(),
        _ => sql!("toNullable({})", value.cell().sql),
    }
}

fn absent_cell(column: &Column, measure: &Value, fill: FillValue, chart: bool) -> Sql {
    let is_zero = match fill {
        FillValue::Zero if chart => column.absent == Absent::Zero,
        FillValue::Zero => measure.repr == Repr::Number,
        _ => false,
    };
    match measure.repr {
        Repr::Array => Sql::new("CAST([], 'Array(Nullable(String))')"),
        Repr::Dynamic => Sql::new("CAST(NULL, 'Dynamic')"),
        _ if is_zero => Sql::new("0"),
        _ => Sql::new("NULL"),
    }
}

fn element(row: super::text::Alias, index: usize) -> Sql {
    sql!("tupleElement({}, {})", row, Sql::number(index as u64))
}

fn name_in(names: &Names, place: &Place) -> String {
    let (Names::Table(named) | Names::Events { computed: named, .. }) = names;
    named.iter().find(|named| named.place == *place).map(|named| named.name.clone()).unwrap_or_default()
}

fn place_of_key(key: &OrderKey) -> Option<Place> {
    match &key.by {
        OrderBy::Place(place) => Some(place.clone()),
        OrderBy::Table(_) => None,
    }
}

fn moved_key(key: OrderKey, moved: &[(Place, Place)]) -> OrderKey {
    let OrderBy::Place(place) = &key.by else { return key };
    match moved.iter().find(|(old, _)| old == place) {
        Some((_, new)) => OrderKey { by: OrderBy::Place(new.clone()), descending: key.descending },
        None => key,
    }
}
