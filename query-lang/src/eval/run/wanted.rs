//! Which attributes a query looks at, so that the others need not be taken apart.

use crate::ast::{
    Aggregate, Expr, ExprNode, Field, Filter, FilterNode, Key, Query, Stage, StageNode, Target,
};

/// The attributes that have to be in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// These paths, and what lies below them.
    Only(Vec<String>),
}

impl Wanted {
    /// Whether a member of the attributes is, leads to, or lies below a wanted path.
    #[must_use]
    pub fn holds(&self, member: &str) -> bool {
        let is_below = |path: &str, parent: &str| {
            path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        match self {
            Self::All => true,
            Self::Only(paths) => paths.iter().any(|path| {
                // The first byte tells most of them apart.
                path.as_bytes().first() == member.as_bytes().first()
                    && (is_below(path, member) || is_below(member, path))
            }),
        }
    }

    pub(super) fn of_filter(filter: Option<&Filter>) -> Self {
        let mut wanted = Self::Only(Vec::new());
        filter.into_iter().for_each(|filter| wanted.filter(filter));
        wanted
    }

    pub(super) fn of(query: &Query) -> Self {
        if query.output().is_events() {
            return Self::All;
        }
        let mut wanted = Self::of_filter(query.filter.as_ref());
        query.stages.iter().for_each(|stage| wanted.stage(stage));
        wanted
    }

    fn field(&mut self, field: &Field) {
        let Self::Only(paths) = self else { return };
        match &field.target {
            Target::Attribute(path) | Target::Column(path) if !paths.contains(path) => {
                paths.push(path.clone())
            }
            // An event's id may be one that came with it.
            Target::Core(crate::ast::Core::Id) => paths.push("id".to_owned()),
            _ => {}
        }
    }

    fn filter(&mut self, filter: &Filter) {
        match &filter.node {
            FilterNode::All | FilterNode::Text(_) => {}
            FilterNode::And(terms) | FilterNode::Or(terms) => terms.iter().for_each(|term| self.filter(term)),
            FilterNode::Not(term) => self.filter(term),
            FilterNode::AnyText(_) => *self = Self::All,
            FilterNode::Predicate(predicate) => self.field(&predicate.field),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.node {
            ExprNode::Literal(_) => {}
            ExprNode::Field(field) => self.field(field),
            ExprNode::Negate(inner) | ExprNode::Not(inner) => self.expr(inner),
            ExprNode::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprNode::And(terms) | ExprNode::Or(terms) => terms.iter().for_each(|term| self.expr(term)),
            ExprNode::Predicate(predicate) => self.field(&predicate.field),
            ExprNode::In { value, list, .. } => {
                self.expr(value);
                list.iter().for_each(|item| self.expr(item));
            }
            ExprNode::InQuery { value, .. } | ExprNode::Regex { value, .. } => self.expr(value),
            ExprNode::Call { arguments, .. } => arguments.iter().for_each(|argument| self.expr(argument)),
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        fields.iter().for_each(|field| self.field(field));
    }

    fn keys(&mut self, keys: &[Key]) {
        keys.iter().for_each(|key| self.expr(&key.value));
    }

    fn aggregates(&mut self, aggregates: &[Aggregate]) {
        for aggregate in aggregates {
            aggregate.argument.iter().chain(&aggregate.condition).for_each(|expr| self.expr(expr));
        }
    }

    fn stage(&mut self, stage: &Stage) {
        match &stage.node {
            StageNode::Where(condition) => self.expr(condition),
            StageNode::Search(filter) => self.filter(filter),
            StageNode::Fields(fields) | StageNode::Rename(fields) => {
                fields.iter().for_each(|projection| self.field(&projection.field));
            }
            StageNode::Eval(assignments) => {
                assignments.iter().for_each(|assignment| self.expr(&assignment.value));
            }
            StageNode::Parse { field, .. }
            | StageNode::Extract { field, .. }
            | StageNode::Unpack { field, .. } => {
                self.field(field);
                // Columns keep their former values where the text does not fit.
                let made = stage.output.as_ref().map(|shape| shape.columns()).unwrap_or_default();
                if let Self::Only(paths) = self {
                    paths.extend(made.iter().map(|column| column.name.clone()));
                }
            }
            StageNode::Expand(field) | StageNode::Histogram { field, .. } => self.field(field),
            StageNode::Stats { aggregates, keys } => {
                self.aggregates(aggregates);
                self.keys(keys);
            }
            StageNode::Timechart { aggregates, split, .. } => {
                self.aggregates(aggregates);
                self.keys(split.as_slice());
            }
            StageNode::Percentiles { field, keys, .. } | StageNode::Patterns { field, keys, .. } => {
                self.field(field);
                self.keys(keys);
            }
            StageNode::Top { fields, .. }
            | StageNode::Uniq(fields)
            | StageNode::Dedup { fields, .. }
            | StageNode::Facets { fields, .. } => self.fields(fields),
            StageNode::Sort(keys) => keys.iter().for_each(|key| self.field(&key.field)),
            StageNode::Describe => *self = Self::All,
            // These work on tables, or are refused.
            _ => {}
        }
    }
}
