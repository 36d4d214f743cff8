//! Stages, one after the other: each is checked against the rows before it and makes the rows behind it.

use super::aggregate::distinct;
use super::scope::{Change, Scope};
use super::{Check, Checker, duplicate};
use crate::ast::{
    Assignment, Column, Field, Key, Kind, Literal, Name, ParsePart, Projection, Stage, StageNode, Target,
    UnpackNames,
};
use crate::{Code, Diagnostic, Span, limits};

impl Checker<'_> {
    pub(super) fn stages(&mut self, stages: &mut [Stage], scope: &mut Scope) -> Check {
        for index in 0..stages.len() {
            self.trail.stage = index + 1;
            let (before, rest) = stages.split_at_mut(index);
            let Some(stage) = rest.first_mut() else { break };
            self.possible_here(stage, before.last(), scope)?;
            self.stage(stage, scope)?;
            stage.output = Some(scope.shape());
        }
        self.unpack_names(stages, scope);
        Ok(())
    }

    /// E025: the shape of the rows, and what came just before.
    fn possible_here(&mut self, stage: &Stage, before: Option<&Stage>, scope: &Scope) -> Check {
        let node = &stage.node;
        let refused = |message: String, hint: &str| {
            Err(Diagnostic::error(Code::E025, stage.name, message).hint(hint.to_owned()))
        };
        let name = name_of(node);
        match node {
            StageNode::Context { .. } if before.is_some() => {
                refused(format!("{name} must come right after the search"), "move it before the other stages")
            }
            StageNode::Compare { .. } if !before.is_some_and(|before| is_comparable(&before.node)) => {
                refused(
                    format!("{name} must come right after stats, timechart, top, rare or percentiles"),
                    "for example: | stats count() by source | compare shift=1w",
                )
            }
            StageNode::Unpack { .. }
            | StageNode::Timechart { .. }
            | StageNode::Sample { .. }
            | StageNode::Describe
                if !scope.is_events() =>
            {
                refused(
                    format!("{name} works on events, before fields or stats"),
                    "move it further to the front",
                )
            }
            StageNode::Fill { .. } if !matches!(scope, Scope::Table { bin: Some(_), .. }) => {
                refused(format!("{name} needs stats … by bin()"), "add bin(5m) to the by list")
            }
            StageNode::Window { .. } | StageNode::Anomaly { .. } if scope.is_events() => {
                refused(format!("{name} works on a table"), "add stats … by bin() first")
            }
            _ => {
                self.over_a_sample(stage);
                Ok(())
            }
        }
    }

    /// W011: figures over a sample are not scaled.
    fn over_a_sample(&mut self, stage: &Stage) {
        let counts = is_comparable(&stage.node)
            || matches!(
                stage.node,
                StageNode::Histogram { .. } | StageNode::Patterns { .. } | StageNode::Facets { .. }
            );
        self.trail.sampled |= matches!(stage.node, StageNode::Sample { .. });
        if counts && std::mem::take(&mut self.trail.sampled) {
            self.warnings.push(
                Diagnostic::warning(
                    Code::W011,
                    stage.name,
                    "these figures are of the sample, they are not scaled up",
                )
                .hint("percentages and averages are right, counts and sums are too low"),
            );
        }
    }

    fn stage(&mut self, stage: &mut Stage, scope: &mut Scope) -> Check {
        let name = stage.name;
        match &mut stage.node {
            StageNode::Where(condition) => self.expression(condition, scope).map(drop),
            StageNode::Search(filter) => self.filter(filter, scope),
            StageNode::Fields(projections) => self.project(projections, scope),
            StageNode::Drop(fields) => self.drop_fields(fields, scope),
            StageNode::Rename(renamings) => self.rename(renamings, scope),
            StageNode::Eval(assignments) => self.eval(assignments, scope),
            StageNode::Parse { field, pattern, parts } => self.parse(field, pattern, parts, scope),
            StageNode::Extract { field, pattern, groups } => self.extract(field, pattern, groups, scope),
            StageNode::Unpack { field, .. } => self.text_field(field, scope),
            StageNode::Expand(field) => {
                self.field(field, scope)?;
                scope.compute(Column::plain(&field.path, Kind::Any));
                Ok(())
            }
            StageNode::Stats { aggregates, keys } => {
                *scope = self.grouped(aggregates, keys, scope)?;
                Ok(())
            }
            StageNode::Sort(keys) => keys.iter_mut().try_for_each(|key| self.field(&mut key.field, scope)),
            StageNode::Dedup { fields, .. } => self.fields(fields, scope),
            StageNode::Limit(_) | StageNode::Offset(_) | StageNode::Sample { .. } => Ok(()),
            node => self.table_stage(node, name, scope),
        }
    }

    pub(super) fn fields(&mut self, fields: &mut [Field], scope: &Scope) -> Check {
        fields.iter_mut().try_for_each(|field| self.field(field, scope))
    }

    fn project(&mut self, projections: &mut [Projection], scope: &mut Scope) -> Check {
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for Projection { field, new_name } in projections {
            self.field(field, scope)?;
            let name =
                new_name.clone().unwrap_or_else(|| Name { text: field.path.clone(), span: field.span });
            distinct(&mut names, &name)?;
            let known = scope.column(&field.path).cloned();
            let column = known.unwrap_or_else(|| Column::plain(&field.path, field.kind));
            columns.push(Column { name: name.text, ..column });
        }
        let bin = match scope {
            Scope::Table { bin: Some(bin), .. } if names.contains(&bin.column) => Some(bin.clone()),
            _ => None,
        };
        *scope = Scope::Table { columns, bin };
        Ok(())
    }

    fn drop_fields(&mut self, fields: &mut [Field], scope: &mut Scope) -> Check {
        for field in fields {
            self.field(field, scope)?;
            match scope {
                Scope::Events(changes) => {
                    changes.push(Change::Dropped(Field::of_event(&field.path, field.span)))
                }
                Scope::Table { columns, bin } => {
                    columns.retain(|column| column.name != field.path);
                    *bin = bin.take().filter(|bin| bin.column != field.path);
                }
            }
        }
        Ok(())
    }

    fn rename(&mut self, renamings: &mut [Projection], scope: &mut Scope) -> Check {
        for Projection { field, new_name } in renamings {
            self.field(field, scope)?;
            let Some(new) = new_name.as_ref().filter(|new| new.text != field.path) else { continue };
            let computed = matches!(field.target, Target::Column(_));
            match scope {
                Scope::Table { columns, bin } => {
                    if columns.iter().any(|column| column.name == new.text) {
                        return Err(duplicate(&new.text, new.span));
                    }
                    for column in columns.iter_mut().filter(|column| column.name == field.path) {
                        column.name.clone_from(&new.text);
                    }
                    for bin in bin.iter_mut().filter(|bin| bin.column == field.path) {
                        bin.column.clone_from(&new.text);
                    }
                }
                Scope::Events(changes) => {
                    changes.push(match computed {
                        true => Change::Computed(Column::plain(&new.text, field.kind)),
                        false => Change::Renamed { new: new.text.clone(), old: field.clone() },
                    });
                    changes.push(Change::Dropped(Field::of_event(&field.path, field.span)));
                }
            }
        }
        Ok(())
    }

    fn eval(&mut self, assignments: &mut [Assignment], scope: &mut Scope) -> Check {
        for Assignment { name, value } in assignments {
            let kind = self.expression(value, scope)?;
            let measures = matches!(scope, Scope::Table { columns, .. } if columns.iter().any(|c| c.role == crate::ast::Role::Measure));
            let mut column = Column::plain(&name.text, kind);
            if measures && kind == Kind::Number {
                column.role = crate::ast::Role::Measure;
            }
            if let Scope::Table { bin, .. } = scope {
                *bin = bin.take().filter(|bin| bin.column != name.text);
            }
            scope.compute(column);
        }
        Ok(())
    }

    /// A field whose text is read.
    fn text_field(&mut self, field: &mut Field, scope: &Scope) -> Check {
        self.field(field, scope)?;
        match field.kind {
            Kind::Time | Kind::Array => {
                Err(Diagnostic::error(Code::E022, field.span, format!("'{}' is not text", field.path)))
            }
            _ => Ok(()),
        }
    }

    fn parse(
        &mut self,
        field: &mut Field,
        pattern: &Literal,
        parts: &[ParsePart],
        scope: &mut Scope,
    ) -> Check {
        self.text_field(field, scope)?;
        for part in parts {
            if let ParsePart::Capture { name, number } = part {
                let kind = if *number { Kind::Number } else { Kind::Text };
                self.captured(name, kind, pattern.span, scope);
            }
        }
        Ok(())
    }

    /// A column that keeps its former value where the pattern does not match.
    fn captured(&mut self, name: &str, kind: Kind, span: Span, scope: &mut Scope) {
        let former = scope.resolve(&Field::of_event(name, span));
        let kind = match former {
            Some((Target::Attribute(path), _)) => {
                self.trail.paths.push((self.trail.stage, path));
                Kind::Any
            }
            Some((Target::Nothing, _)) | None => kind,
            Some((_, former)) if former == kind => kind,
            Some(_) => Kind::Any,
        };
        scope.compute(Column::plain(name, kind));
    }

    fn extract(
        &mut self,
        field: &mut Field,
        pattern: &Literal,
        groups: &mut Vec<String>,
        scope: &mut Scope,
    ) -> Check {
        self.text_field(field, scope)?;
        let regex = super::predicate::regex(pattern)?;
        *groups = regex.capture_names().flatten().map(str::to_owned).collect();
        if groups.is_empty() {
            return Err(Diagnostic::error(Code::E012, pattern.span, "the expression has no named group")
                .hint("write (?P<name>…)"));
        }
        if groups.len() > limits::PLACEHOLDERS {
            let message = format!("at most {} named groups", limits::PLACEHOLDERS);
            return Err(Diagnostic::error(Code::E026, pattern.span, message));
        }
        for group in groups.iter() {
            self.captured(group, Kind::Text, pattern.span, scope);
        }
        Ok(())
    }

    /// Tells every `unpack` which names are used behind it.
    fn unpack_names(&self, stages: &mut [Stage], scope: &Scope) {
        for (index, stage) in stages.iter_mut().enumerate() {
            let StageNode::Unpack { prefix, names, .. } = &mut stage.node else { continue };
            let behind = index + 1; // the filter is stage 0 of the trail
            if scope.is_events() || self.trail.everything.iter().any(|stage| *stage > behind) {
                *names = UnpackNames::All;
                continue;
            }
            let used = self
                .trail
                .paths
                .iter()
                .filter(|(stage, path)| *stage > behind && path.starts_with(prefix.as_str()));
            let mut used: Vec<String> = used.map(|(_, path)| path.clone()).collect();
            used.sort();
            used.dedup();
            *names = UnpackNames::Only(used);
        }
    }

    pub(super) fn keys(
        &mut self,
        keys: &mut [Key],
        names: &mut Vec<String>,
        scope: &Scope,
    ) -> Check<Vec<Column>> {
        keys.iter_mut()
            .map(|key| {
                let column = self.key(key, scope)?;
                distinct(names, &key.name)?;
                Ok(column)
            })
            .collect()
    }
}

/// The stages whose figures `compare` can compute again.
fn is_comparable(node: &StageNode) -> bool {
    matches!(
        node,
        StageNode::Stats { .. }
            | StageNode::Timechart { .. }
            | StageNode::Top { .. }
            | StageNode::Percentiles { .. }
    )
}

/// The canonical name of a stage.
pub(crate) fn name_of(node: &StageNode) -> &'static str {
    match node {
        StageNode::Where(_) => "where",
        StageNode::Search(_) => "search",
        StageNode::Fields(_) => "fields",
        StageNode::Drop(_) => "drop",
        StageNode::Rename(_) => "rename",
        StageNode::Eval(_) => "eval",
        StageNode::Parse { .. } => "parse",
        StageNode::Extract { .. } => "extract",
        StageNode::Unpack { .. } => "unpack",
        StageNode::Expand(_) => "expand",
        StageNode::Stats { .. } => "stats",
        StageNode::Timechart { .. } => "timechart",
        StageNode::Top { rare: false, .. } => "top",
        StageNode::Top { rare: true, .. } => "rare",
        StageNode::Percentiles { .. } => "percentiles",
        StageNode::Sort(_) => "sort",
        StageNode::Limit(_) => "limit",
        StageNode::Offset(_) => "offset",
        StageNode::Dedup { .. } => "dedup",
        StageNode::Uniq(_) => "uniq",
        StageNode::Sample { .. } => "sample",
        StageNode::Fill { .. } => "fill",
        StageNode::Join { .. } => "join",
        StageNode::Lookup { .. } => "lookup",
        StageNode::Union(_) => "union",
        StageNode::Context { .. } => "context",
        StageNode::Patterns { .. } => "patterns",
        StageNode::Compare { .. } => "compare",
        StageNode::Window { .. } => "window",
        StageNode::Anomaly { .. } => "anomaly",
        StageNode::Histogram { .. } => "histogram",
        StageNode::Facets { .. } => "facets",
        StageNode::Describe => "describe",
    }
}
