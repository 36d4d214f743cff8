//! One SELECT under construction, and what it can be asked for.
//!
//! Columns are exported on demand: an outer level asks its inner one for a column and gets an alias, down to the scan.
//! So every level, and the table itself, gives exactly what somebody above needs; nothing ever selects `*`.

use std::collections::HashMap;

use super::compiler::Compiler;
use super::text::{Alias, Sql, sql};

/// A column that a level can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A column of the table.
    Table(TableColumn),
    /// A JSON subcolumn, with the prefix `attributes.`.
    Path(String),
    /// Something that a level computes.
    Computed(ComputedId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ComputedId(pub(super) u32);

/// The columns of the table that queries can reach. The tenant's are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TableColumn {
    Timestamp,
    BatchId,
    BatchRow,
    Level,
    Source,
    Host,
    Message,
    TraceId,
    SpanId,
    Attributes,
    /// Fingerprint of the masked message, made at ingest.
    PatternId,
}

impl TableColumn {
    fn sql(self) -> Sql {
        Sql::new(match self {
            Self::Timestamp => "timestamp",
            Self::BatchId => "batch_id",
            Self::BatchRow => "batch_row",
            Self::Level => "level",
            Self::Source => "source",
            Self::Host => "host",
            Self::Message => "message",
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::Attributes => "attributes",
            Self::PatternId => "pattern_id",
        })
    }
}

#[derive(Clone, Debug)]
pub(super) enum From {
    /// The table; only `Compiler::scan` makes it, together with the filters that narrow it.
    Logs,
    Select(Box<Select>),
    /// Exports of all are the same, in the same order.
    Union(Vec<Select>),
    /// Left and right, and the condition over their aliases.
    Join {
        left: Box<Select>,
        right: Box<Select>,
        kind: Sql,
        on: Sql,
    },
    /// No table: rows made of parameters.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Select {
    from: From,
    items: Vec<(Alias, Sql)>,
    exported: HashMap<Source, Alias>,
    computed: HashMap<ComputedId, Sql>,
    pub filters: Vec<Sql>,
    pub array_join: Option<Sql>,
    pub group_by: Option<Vec<Sql>>,
    pub order_by: Vec<Sql>,
    /// Rows per key, and the keys.
    pub limit_by: Option<(Sql, Vec<Sql>)>,
    pub limit: Option<Sql>,
    pub offset: Option<Sql>,
}

impl Select {
    pub(super) fn new(from: From) -> Self {
        Self {
            from,
            items: Vec::new(),
            exported: HashMap::new(),
            computed: HashMap::new(),
            filters: Vec::new(),
            array_join: None,
            group_by: None,
            order_by: Vec::new(),
            limit_by: None,
            limit: None,
            offset: None,
        }
    }

    /// Whether rows can still be filtered here without changing what the other clauses mean.
    pub(super) fn is_open(&self) -> bool {
        self.group_by.is_none() && self.limit_by.is_none() && self.limit.is_none() && self.offset.is_none()
    }

    /// Whether something was computed here; such columns are better used from outside, where they have a name.
    pub(super) fn computes(&self, id: ComputedId) -> bool {
        self.computed.contains_key(&id)
    }

    pub(super) fn computes_anything(&self) -> bool {
        !self.computed.is_empty()
    }

    pub(super) fn wrapped(self) -> Self {
        Self::new(From::Select(Box::new(self)))
    }

    /// A new column, computed here.
    pub(super) fn compute(&mut self, expression: Sql, compiler: &mut Compiler) -> Source {
        let id = compiler.next_computed();
        self.computed.insert(id, expression);
        Source::Computed(id)
    }

    /// The same column as in other SELECTs of a union, computed here in its own way.
    pub(super) fn define(&mut self, id: ComputedId, expression: Sql) {
        self.computed.insert(id, expression);
    }

    /// The column as an expression for this level's clauses.
    pub(super) fn column(&mut self, source: &Source, compiler: &mut Compiler) -> Sql {
        if let Source::Computed(id) = source
            && let Some(expression) = self.computed.get(id)
        {
            return match self.exported.get(source) {
                Some(alias) => sql!("{}", alias),
                None => sql!("({})", expression),
            };
        }
        match &mut self.from {
            From::Logs => match source {
                Source::Table(column) => column.sql(),
                Source::Path(path) => compiler.parameters.path(path),
                Source::Computed(_) => unreachable!("computed below the table"),
            },
            From::Select(inner) => sql!("{}", inner.export(source, compiler)),
            From::Union(selects) => sql!("{}", export_from_all(selects, source, compiler)),
            From::Join { left, right, .. } => {
                // Both sides may read the table, but what stays nameless is the left one's.
                let is_right = matches!(source, Source::Computed(_)) && right.gives(source);
                let side = if is_right { right } else { left };
                sql!("{}", side.export(source, compiler))
            }
            From::Nothing => unreachable!("all columns of a made table are computed there"),
        }
    }

    /// Makes the column part of the SELECT list, once, and names it.
    pub(super) fn export(&mut self, source: &Source, compiler: &mut Compiler) -> Alias {
        if let Some(alias) = self.exported.get(source) {
            return *alias;
        }
        let alias = compiler.next_alias();
        self.export_as(source, alias, compiler);
        alias
    }

    fn export_as(&mut self, source: &Source, alias: Alias, compiler: &mut Compiler) {
        let expression = self.column(source, compiler);
        self.items.push((alias, expression));
        self.exported.insert(source.clone(), alias);
    }

    /// Puts an expression into the SELECT list, at its end.
    pub(super) fn output(&mut self, expression: Sql, compiler: &mut Compiler) -> Alias {
        let alias = compiler.next_alias();
        self.items.push((alias, expression));
        alias
    }

    /// The columns of this SELECT behind the first `count`.
    pub(super) fn outputs_after(&self, count: usize) -> Vec<Sql> {
        self.items.iter().skip(count).map(|(alias, _)| sql!("{}", alias)).collect()
    }

    /// The names of the columns of this SELECT, in their order.
    pub(super) fn aliases(&self) -> Vec<String> {
        self.items.iter().map(|(alias, _)| sql!("{}", alias).to_string()).collect()
    }

    /// Whether the column comes from this level or one below.
    fn gives(&self, source: &Source) -> bool {
        if let Source::Computed(id) = source
            && self.computed.contains_key(id)
        {
            return true;
        }
        match &self.from {
            From::Logs => !matches!(source, Source::Computed(_)),
            From::Select(inner) => inner.gives(source),
            From::Union(selects) => selects.first().is_some_and(|select| select.gives(source)),
            From::Join { left, right, .. } => left.gives(source) || right.gives(source),
            From::Nothing => false,
        }
    }

    pub(super) fn render(&self) -> Sql {
        let mut text = sql!("SELECT {}", self.list());
        if let Some(from) = self.render_from() {
            text = sql!("{} FROM {}", text, from);
        }
        if let Some(array_join) = &self.array_join {
            text = sql!("{} ARRAY JOIN {}", text, array_join);
        }
        if !self.filters.is_empty() {
            text = sql!("{} WHERE {}", text, Sql::join(&self.filters, " AND "));
        }
        if let Some(keys) = self.group_by.as_ref().filter(|keys| !keys.is_empty()) {
            text = sql!("{} GROUP BY {}", text, Sql::join(keys, ", "));
        }
        if !self.order_by.is_empty() {
            text = sql!("{} ORDER BY {}", text, Sql::join(&self.order_by, ", "));
        }
        if let Some((rows, keys)) = &self.limit_by {
            text = sql!("{} LIMIT {} BY {}", text, rows, Sql::join(keys, ", "));
        }
        if let Some(limit) = &self.limit {
            text = sql!("{} LIMIT {}", text, limit);
        }
        match &self.offset {
            Some(offset) => sql!("{} OFFSET {}", text, offset),
            None => text,
        }
    }

    fn list(&self) -> Sql {
        if self.items.is_empty() {
            return Sql::new("1");
        }
        Sql::join(self.items.iter().map(|(alias, expression)| sql!("{} AS {}", expression, alias)), ", ")
    }

    fn render_from(&self) -> Option<Sql> {
        Some(match &self.from {
            From::Logs => Sql::new("logs"),
            From::Select(inner) => sql!("({})", inner.render()),
            From::Union(selects) => sql!("({})", Sql::join(selects.iter().map(Self::render), " UNION ALL ")),
            From::Join { left, right, kind, on } => {
                sql!("({}) AS l {} JOIN ({}) AS r ON {}", left.render(), kind, right.render(), on)
            }
            From::Nothing => return None,
        })
    }
}

/// Every SELECT of a union gives the column under the same name and at the same place.
fn export_from_all(selects: &mut [Select], source: &Source, compiler: &mut Compiler) -> Alias {
    if let Some(alias) = selects.first().and_then(|select| select.exported.get(source)) {
        return *alias;
    }
    let alias = compiler.next_alias();
    for select in selects {
        select.export_as(source, alias, compiler);
    }
    alias
}
