//! A query from its filter through its stages.

use super::chart::Chart;
use super::compiler::{Compiler, Range};
use super::condition::Condition;
use super::context::Around;
use super::rows::{Named, Names, OrderBy, OrderKey, Rows};
use super::text_stages::{named_captures, parse_captures, parse_regex};
use crate::Diagnostic;
use crate::ast::{Expr, Filter, Projection, Query, Role, Shape, SortKey, Stage, StageNode};

/// The pipe up to a stage, for stages that read it again.
#[derive(Clone, Copy)]
pub(super) struct Before<'q> {
    pub filter: Option<&'q Filter>,
    pub stages: &'q [Stage],
}

impl Before<'_> {
    pub(super) fn rows(&self, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
        let mut rows = self.first_rows(compiler)?;
        for (index, stage) in self.stages.iter().enumerate() {
            let before = Before { filter: self.filter, stages: &self.stages[..index] };
            rows = rows.stage(stage, before, compiler)?;
        }
        Ok(rows)
    }

    /// The events that the filter lets through; with `context` right behind it, their neighbours too.
    fn first_rows(&self, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
        if let Some(StageNode::Context { before, after, within, by }) =
            self.stages.first().map(|stage| &stage.node)
        {
            let around = Around { before: *before, after: *after, within: within.as_ref(), by };
            return Rows::around(self.filter, &around, compiler);
        }
        let mut rows = Rows::events(compiler.scan());
        if let Some(filter) = self.filter {
            rows.search(filter, compiler)?;
        }
        Ok(rows)
    }

    /// The same in another range.
    pub(super) fn rows_in(&self, range: Range, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
        let present = std::mem::replace(&mut compiler.range, range);
        let rows = self.rows(compiler);
        compiler.range = present;
        rows
    }
}

impl Rows {
    /// The rows of a checked query.
    pub(super) fn of(query: &Query, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
        Before { filter: query.filter.as_ref(), stages: &query.stages }.rows(compiler)
    }

    /// The rows of a query beside the one whose page is known.
    pub(super) fn of_others(query: &Query, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
        compiler.looks_elsewhere = true;
        let page = compiler.page.take();
        let rows = Rows::of(query, compiler);
        compiler.page = page;
        rows
    }

    pub(super) fn stage(
        mut self,
        stage: &Stage,
        before: Before,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let output = stage.output.clone().unwrap_or_default();
        match &stage.node {
            StageNode::Where(condition) => self.keep(condition, compiler)?,
            StageNode::Search(filter) => self.search(filter, compiler)?,
            StageNode::Fields(fields) => self.fields(fields),
            StageNode::Drop(fields) => self.drop_fields(fields),
            StageNode::Rename(fields) => self.rename(fields),
            StageNode::Eval(assignments) => self.eval(assignments, compiler)?,
            StageNode::Parse { field, parts, .. } => {
                self.capture(field, &parse_regex(parts), &parse_captures(parts), compiler);
            }
            StageNode::Extract { field, pattern, .. } => {
                self.capture(field, &pattern.text, &named_captures(&pattern.text), compiler);
            }
            StageNode::Unpack { format, field, prefix, .. } => self.unpack(*format, field, prefix, compiler),
            StageNode::Expand(field) => self.expand(field, compiler),
            StageNode::Sort(keys) => self.sort(keys),
            StageNode::Limit(count) => {
                let count = compiler.parameters.unsigned(*count);
                self.limit(Some(count), None, compiler);
            }
            StageNode::Offset(count) => {
                let count = compiler.parameters.unsigned(*count);
                self.limit(None, Some(count), compiler);
            }
            StageNode::Sample { percent } => self.sample(percent, compiler),
            StageNode::Dedup { count, fields } => self.dedup(*count, fields, compiler),
            _ => return self.table_stage(stage, &output, before, compiler),
        }
        Ok(self)
    }

    /// Stages that make other rows.
    fn table_stage(
        self,
        stage: &Stage,
        output: &Shape,
        before: Before,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let columns = output.columns();
        Ok(match &stage.node {
            StageNode::Stats { aggregates, keys } => self.stats(aggregates, keys, compiler)?,
            StageNode::Percentiles { field, percents, keys } => {
                let names: Vec<String> =
                    columns.iter().skip(keys.len()).map(|column| column.name.clone()).collect();
                self.percentiles(field, percents, &names, keys, compiler)?
            }
            StageNode::Top { rare, count, fields } => self.top(*rare, *count, fields, compiler),
            StageNode::Uniq(fields) => self.uniq(fields, compiler),
            StageNode::Timechart { aggregates, split, limit, other, step, .. } => {
                let step = step.expect("the query is checked");
                let chart =
                    Chart { aggregates, split: split.as_ref(), step, limit: *limit, other: *other, columns };
                let ranked = match split {
                    Some(_) => Some(before.rows_in(compiler.whole.clone(), compiler)?),
                    None => None,
                };
                self.timechart(ranked, &chart, compiler)?
            }
            StageNode::Fill { value, step, .. } => {
                self.fill(step.expect("the query is checked"), *value, columns, compiler)
            }
            StageNode::Join { kind, query, keys, prefix } => {
                let right = Rows::of_others(query, compiler)?;
                self.join(right, *kind, keys, prefix, compiler)
            }
            StageNode::Lookup { table, key } => self.lookup(table, key, compiler)?,
            StageNode::Union(queries) => {
                let others =
                    queries.iter().map(|query| Rows::of(query, compiler)).collect::<Result<_, _>>()?;
                let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
                self.union(others, &names, compiler)
            }
            // It is the first stage, so `first_rows` has done it.
            StageNode::Context { .. } => self,
            StageNode::Patterns { field, keys, limit } => self.patterns(field, keys, *limit, compiler)?,
            StageNode::Compare { shift } => self.compare(shift, before, compiler)?,
            StageNode::Histogram { field, buckets } => self.histogram(field, buckets, compiler),
            StageNode::Facets { fields, limit } => self.facets(fields, *limit, compiler),
            StageNode::Describe => self.describe(compiler),
            _ => self.windows(stage, before, compiler),
        })
    }

    fn windows(mut self, stage: &Stage, before: Before, compiler: &mut Compiler) -> Rows {
        match &stage.node {
            StageNode::Window { columns, by } => {
                let shape = before.stages.last().and_then(|stage| stage.output.clone()).unwrap_or_default();
                let time = shape.columns().iter().find(|column| column.role == Role::Time);
                self.window(columns, by, time.map(|column| column.name.as_str()), compiler);
            }
            StageNode::Anomaly { field, by, method, threshold } => {
                self.anomaly(field, by, *method, threshold.as_ref(), compiler);
            }
            // Every other stage is compiled above.
            _ => {}
        }
        self
    }

    pub(super) fn search(&mut self, filter: &Filter, compiler: &mut Compiler) -> Result<(), Diagnostic> {
        self.open();
        let condition = self.filter_condition(filter, compiler)?;
        self.filter(&condition);
        Ok(())
    }

    fn keep(&mut self, condition: &Expr, compiler: &mut Compiler) -> Result<(), Diagnostic> {
        self.open();
        let condition: Condition = self.condition(condition, compiler)?;
        self.filter(&condition);
        Ok(())
    }

    fn fields(&mut self, fields: &[Projection]) {
        let column = |projection: &Projection| Named {
            name: projection.new_name.as_ref().map_or(&projection.field.path, |name| &name.text).clone(),
            place: self.place_of(&projection.field),
        };
        self.names = Names::Table(fields.iter().map(column).collect());
    }

    /// Ties keep the order that was there before.
    fn sort(&mut self, keys: &[SortKey]) {
        let key = |key: &SortKey| OrderKey {
            by: OrderBy::Place(self.place_of(&key.field)),
            descending: key.descending,
        };
        let mut order: Vec<OrderKey> = keys.iter().map(key).collect();
        order.append(&mut self.order);
        self.order = order;
    }
}
