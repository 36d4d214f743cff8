//! `histogram`, `facets`, `describe` and `patterns`: what values there are, and how many of each.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::rows::{Named, Names, OrderBy, OrderKey, Place, Rows};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::Diagnostic;
use crate::ast::{Core, Field, HistogramBuckets, Key, LiteralClass};

/// Most buckets of a histogram; wider gaps are left empty.
const MOST_BUCKETS: u64 = 10_000;

/// What varies from message to message, in this order, and what stands in its place. Ingest's fingerprints use the same.
pub const MASKS: [(&str, &str); 5] = [
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?\b", "<time>"),
    (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "<ip>"),
    (r"\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{16,})\b", "<hex>"),
    (r"\b\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|w|B|[kKMGTP]i?B|[kmgtp]b)?\b", "<num>"),
];

fn number(sql: Sql) -> Value {
    Value::new(sql, Repr::Number)
}

fn count() -> Value {
    number(Sql::new("count()"))
}

impl Rows {
    pub(super) fn histogram(
        self,
        field: &Field,
        buckets: &HistogramBuckets,
        compiler: &mut Compiler,
    ) -> Rows {
        let mut rows = self;
        rows.wrap();
        let x = rows.field(field, compiler).number();
        let step = match buckets {
            HistogramBuckets::Step(step) => match &step.class {
                LiteralClass::Number(number) => Step::Fixed(compiler.parameters.float(number.value)),
                _ => Step::Fixed(compiler.parameters.float(1.0)),
            },
            HistogramBuckets::Bins(bins) => rows.spread_over(field, *bins, compiler),
        };
        rows.select.filters.push(sql!("isFinite({})", x));
        let index = number(sql!("assumeNotNull({})", step.index(&x)));
        let mut grouping = Grouping::of(rows);
        let index = grouping.key("", &index, compiler);
        let counted = grouping.measure("", count(), compiler);
        let rows = grouping.finish(compiler);
        rows.with_gaps(&index, &counted, &step, compiler)
    }

    /// Equal widths between the smallest and the largest value, which a subquery over the same rows finds.
    fn spread_over(&mut self, field: &Field, bins: u64, compiler: &mut Compiler) -> Step {
        let mut same = self.clone();
        let x = same.field(field, compiler).number();
        same.select.filters.push(sql!("isFinite({})", x));
        same.select.output(sql!("(min({}), max({}))", x, x), compiler);
        let ends = sql!("({})", same.select.render());
        let last = compiler.parameters.unsigned(bins.saturating_sub(1));
        let bins = compiler.parameters.unsigned(bins.max(1));
        let low = sql!("assumeNotNull({}.1)", ends);
        let width = sql!("assumeNotNull(({}.2 - {}.1) / {})", ends, ends, bins);
        Step::Spread { low, width, last }
    }

    /// The buckets from the first to the last, also the empty ones.
    fn with_gaps(self, index: &Place, counted: &Place, step: &Step, compiler: &mut Compiler) -> Rows {
        let mut rows = self;
        let (i, n) = (rows.value(index, compiler).sql, rows.value(counted, compiler).sql);
        let pairs = rows.select.compute(sql!("arraySort(groupArray((toInt64({}), {})))", i, n), compiler);
        rows.select.export(&pairs, compiler);
        rows.select.group_by = Some(Vec::new());
        rows.wrap();
        let pairs = rows.select.column(&pairs, compiler);
        let most = compiler.parameters.unsigned(MOST_BUCKETS);
        let bucket = compiler.next_alias();
        let first = sql!("{}[1].1", pairs);
        let last = step.last_index(&sql!("{}[-1].1", pairs));
        let all = sql!(
            "arrayMap(i -> ({} + i, arraySum(arrayMap(p -> if(p.1 = {} + i, p.2, 0), {}))), range(toUInt64(least({} - {} + 1, {}))))",
            step.first_index(&first),
            step.first_index(&first),
            pairs,
            last,
            step.first_index(&first),
            most
        );
        rows.select.array_join = Some(sql!("if(empty({}), [], {}) AS {}", pairs, all, bucket));
        let index = sql!("tupleElement({}, 1)", bucket);
        let start = rows.compute(number(step.start(&index)), compiler);
        let end = rows.compute(number(step.start(&sql!("({} + 1)", index))), compiler);
        let counted = rows.compute(number(sql!("tupleElement({}, 2)", bucket)), compiler);
        rows.wrap();
        let order = vec![OrderKey { by: OrderBy::Place(start.clone()), descending: false }];
        let named = [("bin", start), ("bin_end", end), ("count", counted)];
        rows.names = Names::Table(
            named.into_iter().map(|(name, place)| Named { name: name.to_owned(), place }).collect(),
        );
        rows.order = order;
        rows
    }

    /// The most frequent values of each field, fields in the given order.
    pub(super) fn facets(mut self, fields: &[Field], limit: u64, compiler: &mut Compiler) -> Rows {
        self.wrap();
        let mut triples = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let name = compiler.parameters.text(&field.path);
            let text = self.field(field, compiler).text();
            triples.push(sql!(
                "({}, {}, CAST({}, 'Nullable(String)'))",
                Sql::number(index as u64),
                name,
                text
            ));
        }
        let triple = compiler.next_alias();
        self.select.array_join = Some(sql!("[{}] AS {}", Sql::join(triples, ", "), triple));
        let part = |index: u64| sql!("tupleElement({}, {})", triple, Sql::number(index));
        self.select.filters.push(sql!("isNotNull({})", part(3)));
        let mut grouping = Grouping::of(self);
        let index = grouping.key("", &number(part(1)), compiler);
        grouping.key("field", &Value::new(part(2), Repr::Text), compiler);
        let value = grouping.key("value", &Value::new(part(3), Repr::Text), compiler);
        let counted = grouping.measure("count", count(), compiler);
        let mut rows = grouping.finish(compiler);
        let key = |place: &Place, descending| OrderKey { by: OrderBy::Place(place.clone()), descending };
        rows.order = vec![key(&index, false), key(&counted, true), key(&value, false)];
        rows.select.order_by = rows.order_terms(compiler);
        let index = rows.value(&index, compiler).sql;
        rows.select.limit_by = Some((compiler.parameters.unsigned(limit), vec![index]));
        rows.only(&["field", "value", "count"])
    }

    /// Every attribute path with its types and an example.
    pub(super) fn describe(mut self, compiler: &mut Compiler) -> Rows {
        self.wrap();
        let attributes = self.select.column(&Source::Table(TableColumn::Attributes), compiler);
        let seen = compiler.next_alias();
        self.select.array_join = Some(sql!(
            "arrayZip(JSONAllPaths({}), arrayMap(p -> JSONAllPathsWithTypes({})[p], JSONAllPaths({})), JSONAllValues({})) AS {}",
            attributes,
            attributes,
            attributes,
            attributes,
            seen
        ));
        let part = |index: u64| sql!("tupleElement({}, {})", seen, Sql::number(index));
        let kind = sql!(
            "multiIf(startsWith({}, 'Array'), 'array', {} = 'Bool', 'bool', {} = 'String', 'string', 'number')",
            part(2),
            part(2),
            part(2)
        );
        let mut grouping = Grouping::of(self);
        grouping.key("field", &Value::new(part(1), Repr::Text), compiler);
        grouping.measure(
            "types",
            Value::new(sql!("arraySort(groupUniqArray({}))", kind), Repr::Array),
            compiler,
        );
        grouping.measure("count", count(), compiler);
        grouping.measure("example", Value::new(sql!("any({})", part(3)), Repr::Text), compiler);
        grouping.finish(compiler)
    }

    /// Texts with what varies in them masked.
    pub(super) fn patterns(
        mut self,
        field: &Field,
        keys: &[Key],
        limit: u64,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        self.open();
        let is_message = self.place_of(field) == Place::Core(Core::Message);
        let text = self.field(field, compiler);
        self.select.filters.push(text.present());
        let mut grouping = Grouping::of(self);
        // Ingest has told the shapes of messages apart already.
        if is_message {
            let shape = grouping.rows.select.column(&Source::Table(TableColumn::PatternId), compiler);
            grouping.key("", &number(shape), compiler);
        } else {
            let pattern = Value::new(masked(&text.text(), compiler), Repr::Text);
            grouping.key("", &pattern, compiler);
        }
        let before = grouping.columns.len();
        grouping.keys(keys, compiler)?;
        let of_keys = grouping.columns[before..].to_vec();
        let rows = &mut grouping.rows;
        let mut column = |column| rows.select.column(&Source::Table(column), compiler);
        let (time, batch, row) =
            (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
        let counted = grouping.measure("", count(), compiler);
        let first = grouping.measure("", Value::new(sql!("min({})", time), Repr::Time), compiler);
        let last = grouping.measure("", Value::new(sql!("max({})", time), Repr::Time), compiler);
        let sample = sql!("argMax({}, ({}, {}, {}))", text.text(), time, batch, row);
        let sample = grouping.measure("", Value::new(sample, Repr::Text), compiler);
        let groups = grouping.finish(compiler);
        Ok(groups.patterns_of([counted, first, last, sample], &of_keys, limit, compiler))
    }

    /// The table of patterns: groups whose samples have the same pattern are one.
    fn patterns_of(self, found: [Place; 4], keys: &[Named], limit: u64, compiler: &mut Compiler) -> Rows {
        let [counted, first, last, sample] = found;
        let mut grouping = Grouping::of(self);
        let rows = &mut grouping.rows;
        let text = rows.value(&sample, compiler).sql;
        let values = [&counted, &first, &last].map(|place| rows.value(place, compiler).sql);
        let [n, since, until] = values;
        let pattern = Value::new(masked(&text, compiler), Repr::Text);
        let pattern = grouping.key("pattern", &pattern, compiler);
        let mut order = vec![pattern];
        for key in keys {
            let value = grouping.rows.value(&key.place, compiler);
            order.push(grouping.typed_key(&key.name, value, compiler));
        }
        let counted = grouping.measure("count", number(sql!("sum({})", n)), compiler);
        let first = grouping.measure("", Value::new(sql!("min({})", since), Repr::Time), compiler);
        let last = grouping.measure("", Value::new(sql!("max({})", until), Repr::Time), compiler);
        let sample =
            grouping.measure("", Value::new(sql!("argMax({}, {})", text, until), Repr::Text), compiler);
        let mut rows = grouping.finish(compiler);
        let n = rows.value(&counted, compiler).sql;
        let percent = rows.compute(number(sql!("100 * {} / sum({}) OVER ()", n, n)), compiler);
        rows.export_place(&percent, compiler);
        rows.wrap();
        for (name, place) in
            [("percent", percent), ("first_seen", first), ("last_seen", last), ("sample", sample)]
        {
            rows.name(name, place);
        }
        if let Names::Table(named) = &mut rows.names {
            named.retain(|named| !named.name.is_empty());
        }
        rows.order = vec![OrderKey { by: OrderBy::Place(counted), descending: true }];
        rows.order
            .extend(order.into_iter().map(|place| OrderKey { by: OrderBy::Place(place), descending: false }));
        let limit = compiler.parameters.unsigned(limit);
        rows.limit(Some(limit), None, compiler);
        rows
    }

    /// The named columns and no others, in this order.
    fn only(mut self, names: &[&str]) -> Rows {
        let named =
            names.iter().map(|name| Named { name: (*name).to_owned(), place: self.place_of_column(name) });
        self.names = Names::Table(named.collect());
        self
    }
}

/// How values are put into buckets, which are counted from the value 0 or from the smallest one.
enum Step {
    Fixed(Sql),
    Spread { low: Sql, width: Sql, last: Sql },
}

impl Step {
    fn index(&self, x: &Sql) -> Sql {
        match self {
            Self::Fixed(step) => sql!("toInt64(floor({} / {}))", x, step),
            // All values the same: everything is in the last bucket, which is closed.
            Self::Spread { low, width, last } => {
                sql!(
                    "toInt64(least(if({} = 0, toFloat64({}), floor(({} - {}) / {})), toFloat64({})))",
                    width,
                    last,
                    x,
                    low,
                    width,
                    last
                )
            }
        }
    }

    fn first_index(&self, first: &Sql) -> Sql {
        match self {
            Self::Fixed(_) => first.clone(),
            Self::Spread { .. } => Sql::new("toInt64(0)"),
        }
    }

    fn last_index(&self, last: &Sql) -> Sql {
        match self {
            Self::Fixed(_) => last.clone(),
            Self::Spread { last, .. } => sql!("toInt64({})", last),
        }
    }

    fn start(&self, index: &Sql) -> Sql {
        match self {
            Self::Fixed(step) => sql!("({} * {})", index, step),
            Self::Spread { low, width, .. } => sql!("({} + {} * {})", low, index, width),
        }
    }
}

/// The first line of a text with what varies replaced.
pub(super) fn masked(text: &Sql, compiler: &mut Compiler) -> Sql {
    let line = sql!("substringIndex({}, '\\n', 1)", text);
    MASKS.iter().fold(line, |text, (pattern, mask)| {
        let pattern = compiler.parameters.text(pattern);
        let mask = compiler.parameters.text(mask);
        sql!("replaceRegexpAll({}, {}, {})", text, pattern, mask)
    })
}
