//! Stages that keep rows whole: `drop`, `rename`, `eval`, `sample`, `dedup`, and `uniq`, which is the shortest table.

use super::aggregate::Grouping;
use super::compiler::Compiler;
use super::condition::Condition;
use super::rows::{Names, Rows};
use super::select::{Source, TableColumn};
use super::text::sql;
use super::value::Repr;
use crate::Diagnostic;
use crate::ast::{Assignment, Expr, ExprNode, Field, Literal, LiteralClass, Projection, Target};

impl Rows {
    pub(super) fn drop_fields(&mut self, fields: &[Field]) {
        for field in fields {
            match &mut self.names {
                Names::Table(named) => named.retain(|named| named.name != field.path),
                Names::Events { computed, dropped } => {
                    computed.retain(|named| !is_below(&named.name, &field.path));
                    dropped.push(field.path.clone());
                }
            }
        }
    }

    /// Attributes and core fields of events keep their place: the checker has put it into the tree behind the stage.
    pub(super) fn rename(&mut self, renamings: &[Projection]) {
        for Projection { field, new_name } in renamings {
            let Some(new) = new_name else { continue };
            let is_column = matches!(field.target, Target::Column(_));
            let (Names::Events { computed: named, .. } | Names::Table(named)) = &mut self.names;
            // What had the name before is gone.
            named.retain(|named| named.name != new.text || field.path == new.text);
            if is_column {
                for named in named.iter_mut().filter(|named| named.name == field.path) {
                    named.name.clone_from(&new.text);
                }
            } else if let Names::Events { dropped, .. } = &mut self.names {
                dropped.push(field.path.clone());
            }
        }
    }

    pub(super) fn eval(
        &mut self,
        assignments: &[Assignment],
        compiler: &mut Compiler,
    ) -> Result<(), Diagnostic> {
        self.open();
        for assignment in assignments {
            // Columns computed at this level are better used by name from the next one: texts would grow otherwise.
            if self.select.computes_anything() && uses_columns(&assignment.value) {
                self.wrap();
            }
            let place = match &assignment.value.node {
                ExprNode::Field(field) => self.place_of(field),
                _ => {
                    let value = self.expression(&assignment.value, compiler)?.cell();
                    self.compute(value, compiler)
                }
            };
            self.name(&assignment.name.text, place);
        }
        Ok(())
    }

    /// The same events for every query: by a hash of the key, which the evaluator computes in the same way.
    pub(super) fn sample(&mut self, percent: &Literal, compiler: &mut Compiler) {
        self.open();
        let percent = match &percent.class {
            LiteralClass::Number(number) => number.value,
            _ => 100.0,
        };
        let kept = compiler.parameters.unsigned((percent * 10_000.0).round() as u64);
        let mut column = |column| self.select.column(&Source::Table(column), compiler);
        let (time, batch, row) =
            (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
        let hash = sql!(
            "intHash64(bitXor({}, intHash64(bitXor(reinterpretAsUInt64(toUnixTimestamp64Nano({})), toUInt64({})))))",
            batch,
            time,
            row
        );
        self.filter(&Condition::exact(sql!("{} % 1000000 < {}", hash, kept)));
    }

    /// The first rows of each key in the current order.
    pub(super) fn dedup(&mut self, count: u64, fields: &[Field], compiler: &mut Compiler) {
        self.open();
        let mut keys = Vec::new();
        for field in fields {
            let value = self.field(field, compiler);
            let key = if value.repr == Repr::CoreLevel { value.sql } else { value.text() };
            keys.push(key);
        }
        let count = compiler.parameters.unsigned(count);
        self.select.order_by = self.order_terms(compiler);
        self.select.limit_by = Some((count, keys));
    }

    /// The different combinations, by their texts.
    pub(super) fn uniq(self, fields: &[Field], compiler: &mut Compiler) -> Rows {
        let mut grouping = Grouping::of(self);
        for field in fields {
            let value = grouping.rows.field(field, compiler);
            grouping.key(&field.path, &value, compiler);
        }
        grouping.finish(compiler)
    }
}

/// The path itself, or something below it.
pub(super) fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn uses_columns(expr: &Expr) -> bool {
    let is_column = |field: &Field| matches!(field.target, Target::Column(_));
    match &expr.node {
        ExprNode::Field(field) => is_column(field),
        ExprNode::Predicate(predicate) => is_column(&predicate.field),
        ExprNode::Literal(_) => false,
        ExprNode::Negate(inner) | ExprNode::Not(inner) => uses_columns(inner),
        ExprNode::Binary { left, right, .. } => uses_columns(left) || uses_columns(right),
        ExprNode::And(terms) | ExprNode::Or(terms) => terms.iter().any(uses_columns),
        ExprNode::In { value, list, .. } => uses_columns(value) || list.iter().any(uses_columns),
        ExprNode::InQuery { value, .. } | ExprNode::Regex { value, .. } => uses_columns(value),
        ExprNode::Call { arguments, .. } => arguments.iter().any(uses_columns),
    }
}
