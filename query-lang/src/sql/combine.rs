//! `join`, `lookup` and `union`: rows of one pipe beside or behind those of another.

use super::compiler::Compiler;
use super::rows::{Named, Names, OrderBy, OrderKey, Place, Rows, usual_order};
use super::select::{ComputedId, From, Select, Source};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::ast::{Field, JoinKey, JoinKind, Name};
use crate::{Code, Diagnostic};

impl Rows {
    /// Adds the other side's columns to the rows with equal keys; every match multiplies, null never matches.
    pub(super) fn join(
        mut self,
        mut right: Rows,
        kind: JoinKind,
        keys: &[JoinKey],
        prefix: &str,
        compiler: &mut Compiler,
    ) -> Rows {
        self.open();
        right.number_rows(compiler);
        let mut equations = Vec::new();
        for key in keys {
            let left = self.field(&key.left, compiler).text();
            let left = self.select.compute(left, compiler);
            let text = right.field(&key.right, compiler).text();
            right.select.filters.push(sql!("isNotNull({})", text));
            let other = right.select.compute(text, compiler);
            let (left, other) = (self.select.export(&left, compiler), right.select.export(&other, compiler));
            equations.push(sql!("{} = {}", left, other));
        }
        let added = right.joinable(keys, prefix, compiler);
        let position = right.position.clone().map(|place| right.nullable(&place, compiler));
        let kind = Sql::new(if kind == JoinKind::Inner { "INNER" } else { "LEFT" });
        let on = Sql::join(equations, " AND ");
        let (left, right) = (Box::new(self.select), Box::new(right.select));
        self.select = Select::new(From::Join { left, right, kind, on });
        for named in added {
            self.name(&named.name, named.place);
        }
        self.order.extend(position.map(|place| OrderKey { by: OrderBy::Place(place), descending: false }));
        self
    }

    /// The columns that a join adds, null where nothing matches.
    fn joinable(&mut self, keys: &[JoinKey], prefix: &str, compiler: &mut Compiler) -> Vec<Named> {
        let (Names::Table(named) | Names::Events { computed: named, .. }) = self.names.clone();
        let added = named.into_iter().filter(|named| !keys.iter().any(|key| key.right.path == named.name));
        added
            .map(|named| Named {
                name: format!("{prefix}{}", named.name),
                place: self.nullable(&named.place, compiler),
            })
            .collect()
    }

    /// A copy of a column that is null, and not a default, in rows without a match.
    fn nullable(&mut self, place: &Place, compiler: &mut Compiler) -> Place {
        let cell = self.value(place, compiler).cell();
        let sql = match cell.repr {
            Repr::Dynamic | Repr::Array => cell.sql,
            _ => sql!("toNullable({})", cell.sql),
        };
        let place = self.compute(Value::new(sql, cell.repr), compiler);
        if let Place::Computed(id, _) = place {
            self.select.export(&Source::Computed(id), compiler);
        }
        place
    }

    /// Adds the columns of an uploaded table.
    ///
    /// # Errors
    /// E021: there is no such table.
    pub(super) fn lookup(
        self,
        table: &Name,
        key: &Field,
        compiler: &mut Compiler,
    ) -> Result<Rows, Diagnostic> {
        let request = compiler.request;
        let Some(known) = request.tables.iter().find(|known| known.name == table.text) else {
            let message = format!("there is no table '{}'", table.text);
            return Err(Diagnostic::error(Code::E021, table.span, message)
                .hint("no table has been uploaded; `join` takes another search instead"));
        };
        let Some(at) = known.columns.iter().position(|column| *column == key.path) else {
            let message = format!("the table '{}' has no column '{}'", table.text, key.path);
            let columns = known.columns.join(", ");
            return Err(Diagnostic::error(Code::E020, key.span, message).hint(format!("columns: {columns}")));
        };
        // At most one match: the first row with a key.
        let mut seen = std::collections::HashSet::new();
        let rows = known.rows.iter().filter(|row| row.get(at).is_some_and(|key| seen.insert(key)));
        let tuples: Vec<Sql> = rows.map(|row| tuple(row, known.columns.len(), compiler)).collect();
        let mut right = made(&tuples, &known.columns, compiler);
        right.order.clear();
        let keys = [JoinKey { left: key.clone(), right: column(&key.path) }];
        Ok(self.join(right, JoinKind::Left, &keys, "", compiler))
    }

    /// Events with events, in the order of time, or tables with tables, one after the other; columns by name.
    pub(super) fn union(self, others: Vec<Rows>, names: &[String], compiler: &mut Compiler) -> Rows {
        let is_events = self.is_events();
        let dropped = match &self.names {
            Names::Events { dropped, .. } => dropped.clone(),
            Names::Table(_) => Vec::new(),
        };
        let mut branches: Vec<Rows> = std::iter::once(self).chain(others).collect();
        for branch in &mut branches {
            if !is_events {
                branch.number_rows(compiler);
            }
            branch.wrap();
        }
        let named: Vec<Named> = names
            .iter()
            .map(|name| {
                let places: Vec<Place> = branches.iter().map(|branch| branch.place_of_column(name)).collect();
                Named { name: name.clone(), place: same_column(&mut branches, &places, compiler) }
            })
            .collect();
        let order = if is_events { usual_order() } else { one_after_the_other(&mut branches, compiler) };
        let unpacked = unpacked_in_all(&mut branches, compiler);
        let names = if is_events { Names::Events { computed: named, dropped } } else { Names::Table(named) };
        let selects = branches.into_iter().map(|branch| branch.select).collect();
        Rows { select: Select::new(From::Union(selects)), names, order, unpacked, position: None }
    }
}

/// One column out of a place of each branch.
pub(super) fn same_column(branches: &mut [Rows], places: &[Place], compiler: &mut Compiler) -> Place {
    let values: Vec<Value> =
        branches.iter_mut().zip(places).map(|(branch, place)| branch.value(place, compiler).cell()).collect();
    let mut reprs = values.iter().map(|value| value.repr).filter(|repr| *repr != Repr::Null);
    let first = reprs.next().unwrap_or(Repr::Text);
    let repr = if reprs.all(|repr| repr == first) { first } else { Repr::Dynamic };
    let id = compiler.next_computed();
    for ((branch, value), place) in branches.iter_mut().zip(&values).zip(places) {
        let is_null = value.repr == Repr::Null || *place == Place::Nothing;
        branch.select.define(id, typed(value, repr, is_null));
    }
    Place::Computed(id, repr)
}

/// The value in the type that all branches share.
fn typed(value: &Value, repr: Repr, is_null: bool) -> Sql {
    match repr {
        Repr::Dynamic => value.dynamic(),
        Repr::Array if is_null => Sql::new("CAST([], 'Array(Nullable(String))')"),
        Repr::Array => value.sql.clone(),
        // Counts and averages have no common type otherwise.
        Repr::Number => sql!("CAST({}, 'Nullable(Float64)')", value.sql),
        Repr::Text => sql!("CAST({}, 'Nullable(String)')", value.sql),
        Repr::Bool => sql!("CAST({}, 'Nullable(Bool)')", value.sql),
        Repr::Time => sql!("CAST({}, 'Nullable(DateTime64(9, \\'UTC\\'))')", value.sql),
        _ if is_null => Sql::new("NULL"),
        _ => value.sql.clone(),
    }
}

fn one_after_the_other(branches: &mut [Rows], compiler: &mut Compiler) -> Vec<OrderKey> {
    let index = compiler.next_computed();
    for (number, branch) in branches.iter_mut().enumerate() {
        branch.select.define(index, Sql::number(number as u64));
    }
    let places: Vec<Place> =
        branches.iter().map(|branch| branch.position.clone().unwrap_or(Place::Nothing)).collect();
    let position = same_column(branches, &places, compiler);
    let key = |place| OrderKey { by: OrderBy::Place(place), descending: false };
    vec![key(Place::Computed(index, Repr::Number)), key(position)]
}

/// What one branch has unpacked is empty in the others.
fn unpacked_in_all(branches: &mut [Rows], compiler: &mut Compiler) -> Vec<super::rows::Unpacked> {
    use crate::ast::UnpackFormat;
    let layers: Vec<(usize, super::rows::Unpacked)> = branches
        .iter()
        .enumerate()
        .flat_map(|(index, branch)| branch.unpacked.iter().map(move |layer| (index, layer.clone())))
        .collect();
    let mut shared = Vec::new();
    for (owner, layer) in layers {
        let id: ComputedId = compiler.next_computed();
        for (index, branch) in branches.iter_mut().enumerate() {
            let own = (index == owner).then(|| branch.select.column(&Source::Computed(layer.id), compiler));
            let empty = match layer.format {
                UnpackFormat::Json => sql!("CAST('{}', 'JSON')", Sql::new("{}")),
                UnpackFormat::Logfmt => Sql::new("CAST(map(), 'Map(String, String)')"),
            };
            branch.select.define(id, own.unwrap_or(empty));
        }
        shared.push(super::rows::Unpacked { id, ..layer });
    }
    shared
}

fn tuple(row: &[Option<String>], columns: usize, compiler: &mut Compiler) -> Sql {
    let cells = (0..columns).map(|index| match row.get(index) {
        Some(Some(text)) => sql!("toNullable({})", compiler.parameters.text(text)),
        _ => Sql::new("CAST(NULL, 'Nullable(String)')"),
    });
    sql!("tuple({})", Sql::join(cells.collect::<Vec<_>>(), ", "))
}

/// A table made of parameters.
fn made(tuples: &[Sql], columns: &[String], compiler: &mut Compiler) -> Rows {
    let mut select = Select::new(From::Nothing);
    let nothing = tuple(&[], columns.len(), compiler);
    // The first tuple gives an empty table its types.
    let all = sql!("arraySlice([{}], 2)", Sql::join(std::iter::once(&nothing).chain(tuples), ", "));
    let row = select.compute(sql!("arrayJoin({})", all), compiler);
    select.export(&row, compiler);
    let mut select = select.wrapped();
    let cells = columns.iter().enumerate().map(|(index, name)| {
        let row = select.column(&row, compiler);
        let cell = sql!("tupleElement({}, {})", row, Sql::number(index as u64 + 1));
        let Source::Computed(id) = select.compute(cell, compiler) else {
            unreachable!("compute makes computed columns")
        };
        Named { name: name.clone(), place: Place::Computed(id, Repr::Text) }
    });
    let named = cells.collect();
    Rows::table(select, named, Vec::new())
}

fn column(name: &str) -> Field {
    Field {
        path: name.to_owned(),
        target: crate::ast::Target::Column(name.to_owned()),
        kind: crate::ast::Kind::Text,
        span: crate::Span::default(),
    }
}
