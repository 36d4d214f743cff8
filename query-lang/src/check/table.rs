//! Stages that make tables, or work on them: top, uniq, join, union, compare, window, histogram …

use super::aggregate::{bounded, distinct};
use super::scope::{Scope, TimeBin};
use super::{Check, Checker, duplicate};
use crate::ast::{
    Absent, Amount, BinUnit, Column, Core, Dimension, Field, HistogramBuckets, JoinKey, Kind, Literal,
    LiteralClass, Name, Number, Query, Role, Shape, StageNode, WindowFunction,
};
use crate::{Code, Diagnostic, Span, literal};

impl Checker<'_> {
    pub(super) fn table_stage(&mut self, node: &mut StageNode, name: Span, scope: &mut Scope) -> Check {
        match node {
            StageNode::Timechart { aggregates, split, every, step, .. } => {
                let bin = self.step(every.as_ref(), name)?;
                *step = Some(bin);
                let mut keys: Vec<_> = split.take().into_iter().collect();
                let table = self.grouped(aggregates, &mut keys, scope)?;
                *split = keys.pop();
                *scope = with_time(table, TimeBin { column: Core::Timestamp.name().to_owned(), bin }, name)?;
                Ok(())
            }
            StageNode::Top { fields, .. } => self.top(fields, name, scope),
            StageNode::Percentiles { field, percents, keys } => {
                self.field(field, scope)?;
                let mut names = Vec::new();
                let mut columns = self.keys(keys, &mut names, scope)?;
                for percent in percents {
                    let name = Name { text: format!("p{}", percent.text), span: percent.span };
                    distinct(&mut names, &name)?;
                    columns.push(measure(&name.text, Kind::Number, Absent::Null));
                }
                *scope = Scope::table(columns);
                Ok(())
            }
            StageNode::Uniq(fields) => {
                self.fields(fields, scope)?;
                *scope = Scope::table(text_columns(fields)?);
                Ok(())
            }
            StageNode::Fill { every, step, .. } => self.fill(every.as_ref(), step, scope),
            StageNode::Join { query, keys, prefix, .. } => {
                let right = self.right_side(query, "join")?;
                self.join(&right, keys, prefix, query.span, scope)
            }
            StageNode::Lookup { table, key } => self.lookup(table, key, scope),
            StageNode::Union(queries) => queries.iter_mut().try_for_each(|query| self.union(query, scope)),
            StageNode::Context { by, .. } => {
                self.fields(by, scope)?;
                scope.compute(Column::plain("is_match", Kind::Bool));
                Ok(())
            }
            StageNode::Patterns { field, keys, .. } => {
                self.field(field, scope)?;
                self.field(&mut Field::of_event(Core::Timestamp.name(), name), scope)?;
                let mut names = ["pattern", "count", "percent", "first_seen", "last_seen", "sample"]
                    .map(String::from)
                    .to_vec();
                let keys = self.keys(keys, &mut names, scope)?;
                *scope = patterns(keys);
                Ok(())
            }
            StageNode::Compare { shift } => self.compare_shift(shift, scope),
            StageNode::Window { columns, by } => self.window(columns, by, scope),
            StageNode::Anomaly { field, by, .. } => {
                self.field(field, scope)?;
                self.fields(by, scope)?;
                for (column, kind) in
                    [("expected", Kind::Number), ("score", Kind::Number), ("is_anomaly", Kind::Bool)]
                {
                    add(scope, Column::plain(column, kind), name)?;
                }
                Ok(())
            }
            StageNode::Histogram { field, buckets } => self.histogram(field, buckets, scope),
            StageNode::Facets { fields, .. } => self.facets(fields, name, scope),
            StageNode::Describe => {
                self.trail.everything.push(self.trail.stage);
                let columns = [
                    ("field", Kind::Text),
                    ("types", Kind::Array),
                    ("count", Kind::Number),
                    ("example", Kind::Text),
                ];
                *scope = Scope::table(columns.map(|(name, kind)| Column::plain(name, kind)).to_vec());
                Ok(())
            }
            // The others are in `stage`.
            _ => Ok(()),
        }
    }

    fn top(&mut self, fields: &mut [Field], name: Span, scope: &mut Scope) -> Check {
        self.fields(fields, scope)?;
        let mut table = Scope::table(text_columns(fields)?);
        add(&mut table, measure("count", Kind::Number, Absent::Zero), name)?;
        add(&mut table, measure("percent", Kind::Number, Absent::Zero), name)?;
        *scope = table;
        Ok(())
    }

    fn fill(&mut self, every: Option<&Literal>, step: &mut Option<crate::ast::Bin>, scope: &Scope) -> Check {
        let Scope::Table { bin: Some(known), .. } = scope else { return Ok(()) };
        let bin = match every {
            Some(every) => self.step(Some(every), every.span)?,
            None => {
                bounded(known.bin, self.context.to_ns.saturating_sub(self.context.from_ns), Span::default())?
            }
        };
        if let Some(every) = every.filter(|_| bin != known.bin) {
            return Err(Diagnostic::error(
                Code::E024,
                every.span,
                "the rows have another bin width than this",
            )
            .hint("leave every= out: fill takes the width of bin()"));
        }
        *step = Some(bin);
        Ok(())
    }

    /// The right side of a join: a table.
    fn right_side(&mut self, query: &mut Query, stage: &str) -> Check<Vec<Column>> {
        match self.query(query)? {
            Shape::Table { columns } => Ok(columns),
            Shape::Events { .. } => {
                let message = format!("the right side of {stage} must be a table");
                Err(Diagnostic::error(Code::E025, query.span, message).hint("end it with: | fields a, b"))
            }
        }
    }

    fn join(
        &mut self,
        right: &[Column],
        keys: &mut [JoinKey],
        prefix: &str,
        span: Span,
        scope: &mut Scope,
    ) -> Check {
        let right_scope = Scope::table(right.to_vec());
        for key in keys.iter_mut() {
            self.field(&mut key.left, scope)?;
            self.field(&mut key.right, &right_scope)?;
        }
        for column in right.iter().filter(|column| !keys.iter().any(|key| key.right.path == column.name)) {
            let column =
                Column { name: format!("{prefix}{}", column.name), role: Role::Plain, ..column.clone() };
            if let Scope::Table { columns, .. } = scope
                && columns.iter().any(|known| known.name == column.name)
            {
                return Err(duplicate(&column.name, span).hint("add prefix=\"r.\" to the join"));
            }
            scope.compute(column);
        }
        Ok(())
    }

    fn lookup(&mut self, table: &Name, key: &mut Field, scope: &mut Scope) -> Check {
        self.field(key, scope)?;
        if self.catalogue.tables.is_empty() {
            return Ok(()); // nothing is known of uploaded tables here
        }
        let Some(known) = self.catalogue.tables.iter().find(|known| known.name == table.text) else {
            let names = self.catalogue.tables.iter().map(|known| known.name.as_str());
            let error =
                Diagnostic::error(Code::E021, table.span, format!("there is no table '{}'", table.text));
            return Err(match crate::suggest::nearest(&table.text, names) {
                Some(near) => {
                    error.hint(format!("did you mean {near}?")).fix(format!("use {near}"), table.span, near)
                }
                None => error.hint("no table has been uploaded; `join` takes another search instead"),
            });
        };
        for column in known.columns.iter().filter(|column| **column != key.path) {
            scope.compute(Column::plain(column, Kind::Text));
        }
        Ok(())
    }

    fn union(&mut self, query: &mut Query, scope: &mut Scope) -> Check {
        let right = self.query(query)?;
        match (scope, right) {
            (Scope::Events(_), Shape::Events { .. }) => Ok(()),
            (Scope::Table { columns, .. }, Shape::Table { columns: right }) => {
                for column in right {
                    match columns.iter_mut().find(|known| known.name == column.name) {
                        Some(known) if known.kind != column.kind => known.kind = Kind::Any,
                        Some(_) => {}
                        None => columns.push(column),
                    }
                }
                Ok(())
            }
            _ => Err(Diagnostic::error(
                Code::E025,
                query.span,
                "union needs events with events or tables with tables",
            )
            .hint("give both sides the same stages")),
        }
    }

    /// Each aggregate x gives x, x_prev, x_delta, x_pct.
    fn compare_shift(&mut self, shift: &Literal, scope: &mut Scope) -> Check {
        let Scope::Table { columns, bin } = scope else { return Ok(()) };
        if let (LiteralClass::Duration(amount), Some(bin)) = (&shift.class, &bin)
            && shifts_bins(*amount, bin) != Some(true)
        {
            return Err(Diagnostic::error(
                Code::E024,
                shift.span,
                "the shift is not a whole number of time bins",
            )
            .hint("use for example shift=1d or shift=1w, or bins that divide the shift"));
        }
        let mut compared: Vec<Column> = Vec::new();
        for column in columns.drain(..) {
            let (name, is_measure, absent) =
                (column.name.clone(), column.role == Role::Measure, column.absent);
            compared.push(column);
            if is_measure {
                compared.push(measure(&format!("{name}_prev"), Kind::Number, absent));
                compared.push(measure(&format!("{name}_delta"), Kind::Number, Absent::Null));
                compared.push(measure(&format!("{name}_pct"), Kind::Number, Absent::Null));
            }
        }
        for (index, column) in compared.iter().enumerate() {
            if compared[..index].iter().any(|known| known.name == column.name) {
                return Err(duplicate(&column.name, shift.span));
            }
        }
        *columns = compared;
        Ok(())
    }

    fn window(
        &mut self,
        windows: &mut [crate::ast::WindowColumn],
        by: &mut [Field],
        scope: &mut Scope,
    ) -> Check {
        let before = scope.clone();
        self.fields(by, &before)?;
        for window in windows {
            if let Some(column) = &mut window.column {
                self.field(column, &before)?;
            }
            let kind = match (window.function, &window.column) {
                (WindowFunction::Lag, Some(column)) => column.kind,
                _ => Kind::Number,
            };
            add(scope, measure(&window.name.text, kind, Absent::Null), window.name.span)?;
        }
        Ok(())
    }

    fn histogram(&mut self, field: &mut Field, buckets: &mut HistogramBuckets, scope: &mut Scope) -> Check {
        self.field(field, scope)?;
        if matches!(field.kind, Kind::Time | Kind::Level) {
            return Err(Diagnostic::error(
                Code::E022,
                field.span,
                format!("'{}' holds no numbers", field.path),
            )
            .hint("for times use timechart, for levels top"));
        }
        if let HistogramBuckets::Step(step) = buckets {
            let unit = match step.class {
                LiteralClass::Duration(amount) => Some((amount, Dimension::Time)),
                LiteralClass::Size(amount) => Some((amount, Dimension::Bytes)),
                _ => None,
            };
            if let Some((amount, dimension)) = unit {
                let value = amount.in_unit(self.unit(field, dimension, step));
                step.class = LiteralClass::Number(Number { value, canonical: literal::canonical(value) });
            }
        }
        let bin = |name| Column { role: Role::Key, ..Column::plain(name, Kind::Number) };
        let count = measure("count", Kind::Number, Absent::Zero);
        *scope = Scope::table(vec![bin("bin"), bin("bin_end"), count]);
        Ok(())
    }

    fn facets(&mut self, fields: &mut Vec<Field>, name: Span, scope: &mut Scope) -> Check {
        if fields.is_empty() {
            let defaults: Vec<String> = match scope {
                Scope::Events(_) => ["level", "source", "host"].map(String::from).to_vec(),
                Scope::Table { columns, .. } => {
                    columns.iter().take(10).map(|column| column.name.clone()).collect()
                }
            };
            fields.extend(defaults.iter().map(|path| Field::of_event(path, name)));
        }
        self.fields(fields, scope)?;
        let key = |name| Column { role: Role::Key, ..Column::plain(name, Kind::Text) };
        *scope = Scope::table(vec![key("field"), key("value"), measure("count", Kind::Number, Absent::Zero)]);
        Ok(())
    }
}

fn measure(name: &str, kind: Kind, absent: Absent) -> Column {
    Column { name: name.to_owned(), kind, role: Role::Measure, absent }
}

/// Group keys by text, as attributes are.
fn text_columns(fields: &[Field]) -> Check<Vec<Column>> {
    let mut names = Vec::new();
    let column = |field: &Field| {
        distinct(&mut names, &Name { text: field.path.clone(), span: field.span })?;
        let kind = if field.kind == Kind::Any { Kind::Text } else { field.kind };
        Ok(Column { role: Role::Key, ..Column::plain(&field.path, kind) })
    };
    fields.iter().map(column).collect()
}

/// Adds a column that must not be there yet.
fn add(scope: &mut Scope, column: Column, span: Span) -> Check {
    if let Scope::Table { columns, .. } = scope
        && columns.iter().any(|known| known.name == column.name)
    {
        return Err(duplicate(&column.name, span));
    }
    scope.compute(column);
    Ok(())
}

/// Puts the time bins in front.
fn with_time(table: Scope, bin: TimeBin, span: Span) -> Check<Scope> {
    let Scope::Table { mut columns, .. } = table else { return Ok(table) };
    if columns.iter().any(|column| column.name == bin.column) {
        return Err(duplicate(&bin.column, span));
    }
    columns.insert(0, Column { role: Role::Time, ..Column::core(Core::Timestamp) });
    Ok(Scope::Table { columns, bin: Some(bin) })
}

fn patterns(keys: Vec<Column>) -> Scope {
    let mut columns = vec![Column { role: Role::Key, ..Column::plain("pattern", Kind::Text) }];
    columns.extend(keys);
    columns.push(measure("count", Kind::Number, Absent::Zero));
    columns.push(measure("percent", Kind::Number, Absent::Zero));
    columns.push(Column::plain("first_seen", Kind::Time));
    columns.push(Column::plain("last_seen", Kind::Time));
    columns.push(Column::plain("sample", Kind::Text));
    Scope::table(columns)
}

/// Whether the shift leads from bin to bin. Days and weeks are local, and so are the bins that divide them.
fn shifts_bins(shift: Amount, bin: &TimeBin) -> Option<bool> {
    let shift = shift.whole()?;
    let day = BinUnit::Day.nanos();
    Some(match bin.bin.unit {
        BinUnit::Day | BinUnit::Hour if shift % day == 0 => true,
        _ => shift % bin.bin.nanos() == 0,
    })
}
