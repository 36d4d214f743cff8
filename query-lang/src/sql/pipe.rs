//! A query from its filter through its stages.

use super::compiler::Compiler;
use super::condition::Condition;
use super::rows::{Named, Names, OrderBy, OrderKey, Place, Rows};
use super::text::sql;
use super::value::Repr;
use crate::ast::{Expr, Field, Filter, Projection, Query, SortKey, Stage, StageNode};
use crate::{Code, Diagnostic};

impl Rows {
    /// The rows of a checked query.
    pub(super) fn of(query: &Query, compiler: &mut Compiler) -> Result<Rows, Diagnostic> {
        Self::of_stages(query.filter.as_ref(), &query.stages, compiler)
    }

    pub(super) fn of_stages(
        filter: Option<&Filter>,
        stages: &[Stage],
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let mut rows = Rows::events(compiler.scan());
        if let Some(filter) = filter {
            rows.search(filter, compiler)?;
        }
        for (index, stage) in stages.iter().enumerate() {
            rows = rows.stage(stage, filter, &stages[..index], compiler)?;
        }
        Ok(rows)
    }

    /// `before` and `filter` are the pipe up to here, for stages that read it again.
    fn stage(
        mut self,
        stage: &Stage,
        filter: Option<&Filter>,
        before: &[Stage],
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let names: Vec<String> =
            stage.output.iter().flat_map(|shape| shape.columns()).map(|c| c.name.clone()).collect();
        match &stage.node {
            StageNode::Where(condition) => self.keep(condition, compiler)?,
            StageNode::Search(filter) => self.search(filter, compiler)?,
            StageNode::Fields(fields) => self.fields(fields),
            StageNode::Sort(keys) => self.sort(keys),
            StageNode::Limit(count) => {
                let count = compiler.parameters.unsigned(*count);
                self.limit(Some(count), None, compiler);
            }
            StageNode::Offset(count) => {
                let count = compiler.parameters.unsigned(*count);
                self.limit(None, Some(count), compiler);
            }
            StageNode::Stats { aggregates, keys } => return self.stats(aggregates, keys, compiler),
            StageNode::Percentiles { field, percents, keys } => {
                return self.percentiles(
                    field,
                    percents,
                    &names[keys.len().min(names.len())..],
                    keys,
                    compiler,
                );
            }
            StageNode::Top { rare, count, fields } => return Ok(self.top(*rare, *count, fields, compiler)),
            _ => return Err(not_yet(stage)),
        }
        let _ = (filter, before);
        Ok(self)
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

fn not_yet(stage: &Stage) -> Diagnostic {
    Diagnostic::error(Code::E025, stage.name, "this stage is not available yet")
        .hint("leave it out, or use stats, timechart, top, sort and limit")
}

/// Whether the rows are whole events in their usual order, which can be paged by key.
pub(super) fn is_plain(rows: &Rows) -> bool {
    let _ = sql!("1");
    rows.is_events()
        && rows.order.first().is_some_and(|key| matches!(key.by, OrderBy::Table(_)))
        && rows.select.is_open()
}

/// The named column of a field, for stages that replace it.
pub(super) fn name_of(field: &Field) -> &str {
    &field.path
}

#[allow(unused)]
fn unused(_: Place, _: Repr) {}
