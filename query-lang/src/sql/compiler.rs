//! What one statement's compilation shares: parameters, generated names, and the only way to read the table.

use super::condition::Condition;
use super::predicate::instant;
use super::request::{Request, Scope};
use super::rollup::Step;
use super::rows::Rows;
use super::select::{ComputedId, From, Select, Source, TableColumn};
use super::text::{Alias, Parameters, Sql, sql};
use super::value::Repr;
use crate::ast::Core;

/// The time range in force, and by how much it was moved back for `compare`.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub from_ns: i64,
    pub to_ns: i64,
    /// How far back the events lie that are read in its place.
    pub moved: Option<Moved>,
}

/// A shift in calendar days (in the request's time zone) and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub days: i64,
    pub nanos: i64,
}

pub(super) struct Compiler<'a> {
    pub scope: &'a Scope,
    pub request: &'a Request,
    pub range: Range,
    /// The range that was asked for.
    pub whole: Range,
    pub parameters: Parameters,
    /// From the first to the last time that any scan reads.
    pub reads: (i64, i64),
    /// A SELECT of the keys of the rows of the page, once it is known: then nothing else is read of the table.
    pub page: Option<Sql>,
    /// An event may be several rows of the answer.
    pub repeats_events: bool,
    /// Whether rows depend on events of other times.
    pub looks_elsewhere: bool,
    aliases: u32,
    computed: u32,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(scope: &'a Scope, request: &'a Request) -> Self {
        let range = Range { from_ns: request.from_ns, to_ns: request.to_ns, moved: None };
        Self {
            scope,
            request,
            whole: range.clone(),
            range,
            parameters: Parameters::default(),
            reads: (i64::MAX, i64::MIN),
            page: None,
            repeats_events: false,
            looks_elsewhere: false,
            aliases: 0,
            computed: 0,
        }
    }

    pub(super) fn next_alias(&mut self) -> Alias {
        self.aliases += 1;
        Alias(self.aliases - 1)
    }

    pub(super) fn next_computed(&mut self) -> ComputedId {
        self.computed += 1;
        ComputedId(self.computed - 1)
    }

    /// The events of the tenant, its projects and the range that its row rules show: here and in `scan_steps` alone a table is read.
    pub(super) fn scan(&mut self) -> Select {
        let mut select = Select::new(From::Logs);
        let tenant = self.parameters.uuid(&self.scope.organization_id);
        select.filters.push(sql!("tenant_id = {}", tenant));
        select.filters.push(self.projects());
        let (from_ns, to_ns) = (self.range.from_ns, self.range.to_ns);
        self.reads = (self.reads.0.min(from_ns), self.reads.1.max(to_ns));
        let from = instant(from_ns, &mut self.parameters);
        let to = instant(to_ns, &mut self.parameters);
        select.filters.push(sql!("timestamp >= {}", from));
        select.filters.push(sql!("timestamp < {}", to));
        let mut select = self.within_rules(select);
        if let Some(page) = &self.page {
            select.filters.push(sql!("(timestamp, batch_id, batch_row) IN ({})", page));
        }
        select
    }

    /// What the row rules let through. One that cannot be compiled lets nothing through.
    fn within_rules(&mut self, select: Select) -> Select {
        let scope = self.scope;
        let mut rows = Rows::events(select);
        for rule in &scope.rules {
            let condition = rows.filter_condition(rule, self).unwrap_or_else(|_| Condition::always(false));
            rows.filter(&condition);
        }
        rows.select
    }

    /// The same for whole steps of a range: nothing is said about the time of an event but its step.
    pub(super) fn scan_steps(&mut self, step: Step, range: &Range) -> Select {
        let mut select = Select::new(From::Logs);
        let tenant = self.parameters.uuid(&self.scope.organization_id);
        select.filters.push(sql!("tenant_id = {}", tenant));
        select.filters.push(self.projects());
        self.reads = (self.reads.0.min(range.from_ns), self.reads.1.max(range.to_ns));
        let time = step.of(&Sql::new("timestamp"));
        let from = instant(range.from_ns, &mut self.parameters);
        let to = instant(range.to_ns, &mut self.parameters);
        select.filters.push(sql!("{} >= {}", time, from));
        select.filters.push(sql!("{} < {}", time, to));
        self.within_rules(select)
    }

    /// Whether row rules look at more of an event than its range.
    pub(super) fn is_narrowed(&self) -> bool {
        !self.scope.rules.is_empty()
    }

    /// One project is an equation, because then the table's order is the order of time.
    fn projects(&mut self) -> Sql {
        let projects: Vec<Sql> = self.scope.project_ids.iter().map(|id| self.parameters.uuid(id)).collect();
        match projects.as_slice() {
            [] => Sql::new("0"),
            [one] => sql!("project_id = {}", one),
            many => sql!("project_id IN ({})", Sql::join(many, ", ")),
        }
    }
}

/// The table column of a core field; the id has none of its own.
pub(super) fn core_source(core: Core) -> Option<(Source, Repr)> {
    let (column, repr) = match core {
        Core::Timestamp => (TableColumn::Timestamp, Repr::Time),
        Core::Level => (TableColumn::Level, Repr::CoreLevel),
        Core::Source => (TableColumn::Source, Repr::CoreText),
        Core::Host => (TableColumn::Host, Repr::CoreText),
        Core::Message => (TableColumn::Message, Repr::CoreText),
        Core::TraceId => (TableColumn::TraceId, Repr::CoreText),
        Core::SpanId => (TableColumn::SpanId, Repr::CoreText),
        Core::Id => return None,
    };
    Some((Source::Table(column), repr))
}

/// The column of an attribute, or nothing for paths that ClickHouse would take for something else.
pub(super) fn attribute_source(path: &str) -> Option<Source> {
    let names_a_subcolumn = path.starts_with("^`") || path.contains(":`");
    (!names_a_subcolumn && !path.is_empty()).then(|| Source::Path(format!("attributes.{path}")))
}

/// The subcolumn with everything below an attribute path, as an object.
pub(super) fn below_source(path: &str) -> Option<Source> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first.is_empty() || path.contains('`') {
        return None;
    }
    let rest = rest.map(|rest| format!(".{rest}")).unwrap_or_default();
    Some(Source::Path(format!("attributes.^`{first}`{rest}")))
}

/// An event's public id, as `EventKey::id` writes it.
pub(super) fn public_id(select: &mut Select, compiler: &mut Compiler) -> Sql {
    let mut column = |column| select.column(&Source::Table(column), compiler);
    let (time, batch, row) =
        (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
    sql!(
        "lower(concat(leftPad(hex(bitXor(reinterpretAsUInt64(toUnixTimestamp64Nano({})), 9223372036854775808)), 16, '0'), \
         leftPad(hex({}), 16, '0'), leftPad(hex({}), 8, '0')))",
        time,
        batch,
        row
    )
}
