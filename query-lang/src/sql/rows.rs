//! The rows at a place in the pipe: a SELECT, the names that can be used, and the order of the rows.

use super::compiler::{Compiler, attribute_source, below_source, core_source, public_id};
use super::condition::Condition;
use super::event_stages::is_below;
use super::predicate::Subject;
use super::select::{ComputedId, From, Select, Source, TableColumn};
use super::text::Sql;
use super::text::sql;
use super::value::{Repr, Value};
use crate::ast::{Core, Field, Target, UnpackFormat};

/// Where the value behind a name is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Core(Core),
    /// A path below `attributes`, behind so many unpacked texts.
    Attribute(String, usize),
    Computed(ComputedId, Repr),
    Nothing,
}

/// A name that can be used, and where its value is.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub name: String,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Names {
    /// Any name; these were computed and hide others.
    Events { computed: Vec<Named>, dropped: Vec<String> },
    /// These and no others.
    Table(Vec<Named>),
}

/// A text that was taken apart.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    /// JSON or Map(String, String).
    pub id: ComputedId,
    pub format: UnpackFormat,
    pub prefix: String,
}

#[derive(Clone, Debug)]
pub(super) struct OrderKey {
    pub by: OrderBy,
    pub descending: bool,
}

#[derive(Clone, Debug)]
pub(super) enum OrderBy {
    /// A column of the table, in its own order.
    Table(TableColumn),
    /// A value, in value order.
    Place(Place),
}

#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub select: Select,
    pub names: Names,
    pub order: Vec<OrderKey>,
    /// Names out of texts come before the attributes, those of later texts first.
    pub unpacked: Vec<Unpacked>,
    /// Where a row of a table stands in the current order, once somebody needed it.
    pub position: Option<Place>,
}

/// The `id` that came with an event, beside the one it was given.
pub(super) fn own_id() -> Place {
    Place::Attribute("id".to_owned(), 0)
}

/// Newest first.
pub(super) fn usual_order() -> Vec<OrderKey> {
    [TableColumn::Timestamp, TableColumn::BatchId, TableColumn::BatchRow]
        .map(|column| OrderKey { by: OrderBy::Table(column), descending: true })
        .into()
}

impl Rows {
    pub(super) fn events(select: Select) -> Self {
        let names = Names::Events { computed: Vec::new(), dropped: Vec::new() };
        Self { select, names, order: usual_order(), unpacked: Vec::new(), position: None }
    }

    /// What `select` computed, as a table outside of it.
    pub(super) fn table(select: Select, columns: Vec<Named>, order: Vec<OrderKey>) -> Self {
        Self {
            select: select.wrapped(),
            names: Names::Table(columns),
            order,
            unpacked: Vec::new(),
            position: None,
        }
    }

    pub(super) fn is_events(&self) -> bool {
        matches!(self.names, Names::Events { .. })
    }

    /// Starts a new level: everything that is computed so far has a name there.
    pub(super) fn wrap(&mut self) {
        let inner = std::mem::replace(&mut self.select, Select::new(From::Nothing));
        self.select = inner.wrapped();
    }

    /// Makes sure that filtering and computing here comes after what was done before.
    pub(super) fn open(&mut self) {
        if !self.select.is_open() {
            self.wrap();
        }
    }

    pub(super) fn filter(&mut self, condition: &Condition) {
        self.select.filters.push(condition.sql.clone());
    }

    pub(super) fn place_of(&self, field: &Field) -> Place {
        match &field.target {
            Target::Core(core) => Place::Core(*core),
            Target::Attribute(path) => Place::Attribute(path.clone(), self.unpacked.len()),
            Target::Column(name) => self.place_of_column(name),
            Target::Nothing => Place::Nothing,
        }
    }

    /// What a name means here that no field of the tree stands for.
    pub(super) fn place_of_name(&self, name: &str) -> Place {
        match (self.place_of_column(name), &self.names) {
            (Place::Nothing, Names::Events { dropped, .. }) => {
                if dropped.iter().any(|gone| is_below(name, gone)) {
                    return Place::Nothing;
                }
                self.place_of(&Field::of_event(name, crate::Span::default()))
            }
            (place, _) => place,
        }
    }

    pub(super) fn place_of_column(&self, name: &str) -> Place {
        let (Names::Events { computed: named, .. } | Names::Table(named)) = &self.names;
        let found = named.iter().rev().find(|named| named.name == name);
        found.map_or(Place::Nothing, |named| named.place.clone())
    }

    /// The value behind a place, as an expression for the current level.
    pub(super) fn value(&mut self, place: &Place, compiler: &mut Compiler) -> Value {
        match place {
            Place::Core(Core::Id) => {
                let own = self.value(&own_id(), compiler).text();
                let public = public_id(&mut self.select, compiler);
                Value::new(sql!("ifNull({}, {})", own, public), Repr::Text)
            }
            Place::Core(core) => match core_source(*core) {
                Some((source, repr)) => Value::atom(self.select.column(&source, compiler), repr),
                None => Value::null(),
            },
            Place::Attribute(path, layers) => self.attribute(path, *layers, compiler),
            Place::Computed(id, repr) => {
                let atomic = !self.select.computes(*id);
                let sql = self.select.column(&Source::Computed(*id), compiler);
                Value { sql, repr: *repr, atomic }
            }
            Place::Nothing => Value::null(),
        }
    }

    /// An attribute, or what was unpacked under its name.
    fn attribute(&mut self, path: &str, layers: usize, compiler: &mut Compiler) -> Value {
        let stored = attribute_source(path).map(|source| self.select.column(&source, compiler));
        let unpacked = self.unpacked[..layers.min(self.unpacked.len())].to_vec();
        let mut value = stored.unwrap_or_else(|| Sql::new("CAST(NULL, 'Dynamic')"));
        let mut atomic = true;
        for layer in &unpacked {
            let Some(inner) = path.strip_prefix(layer.prefix.as_str()).filter(|inner| !inner.is_empty())
            else {
                continue;
            };
            let parsed = self.select.column(&Source::Computed(layer.id), compiler);
            value = match layer.format {
                UnpackFormat::Json => match compiler.parameters.subcolumn(&parsed, inner) {
                    Some(found) => sql!("coalesce({}, {})", found, value),
                    None => continue,
                },
                UnpackFormat::Logfmt => {
                    let key = compiler.parameters.text(inner);
                    sql!(
                        "if(mapContains({}, {}), CAST({}[{}], 'Dynamic'), {})",
                        parsed,
                        key,
                        parsed,
                        key,
                        value
                    )
                }
            };
            atomic = false;
        }
        Value { sql: value, repr: Repr::Dynamic, atomic }
    }

    pub(super) fn field(&mut self, field: &Field, compiler: &mut Compiler) -> Value {
        let place = self.place_of(field);
        self.value(&place, compiler)
    }

    /// The field with what predicates need to know beside its value.
    pub(super) fn subject(&mut self, field: &Field, compiler: &mut Compiler) -> Subject {
        let place = self.place_of(field);
        let value = self.value(&place, compiler);
        let core = if let Place::Core(core) = place { Some(core) } else { None };
        Subject { value, core, below: None }
    }

    /// As `subject`, with everything below the path, which only presence asks for.
    pub(super) fn subject_with_below(&mut self, field: &Field, compiler: &mut Compiler) -> Subject {
        let mut subject = self.subject(field, compiler);
        // A column of a table holds what was at the path, and nothing of what was below it.
        let is_path = matches!(field.target, Target::Attribute(_));
        if let (true, Place::Attribute(path, _)) = (is_path, self.place_of(field)) {
            subject.below = below_source(&path).map(|source| self.select.column(&source, compiler));
        }
        subject
    }

    /// Computes a value at this level; it can be used here and above.
    pub(super) fn compute(&mut self, value: Value, compiler: &mut Compiler) -> Place {
        let repr = value.repr;
        match self.select.compute(value.sql, compiler) {
            Source::Computed(id) => Place::Computed(id, repr),
            Source::Table(_) | Source::Path(_) => unreachable!("compute makes computed columns"),
        }
    }

    /// Gives a name to a place, in the place of what had the name before.
    pub(super) fn name(&mut self, name: &str, place: Place) {
        let (Names::Events { computed: named, .. } | Names::Table(named)) = &mut self.names;
        match named.iter_mut().find(|named| named.name == name) {
            Some(named) => named.place = place,
            None => named.push(Named { name: name.to_owned(), place }),
        }
    }

    /// ORDER BY terms for the current level.
    pub(super) fn order_terms(&mut self, compiler: &mut Compiler) -> Vec<Sql> {
        let order = self.order.clone();
        order.iter().map(|key| self.order_term(key, compiler)).collect()
    }

    fn order_term(&mut self, key: &OrderKey, compiler: &mut Compiler) -> Sql {
        match &key.by {
            OrderBy::Table(column) => {
                let column = self.select.column(&Source::Table(*column), compiler);
                if key.descending { sql!("{} DESC", column) } else { column }
            }
            OrderBy::Place(place) => self.value(place, compiler).order(key.descending),
        }
    }

    /// Numbers the rows of a table in the current order.
    pub(super) fn number_rows(&mut self, compiler: &mut Compiler) {
        self.open();
        let order = Sql::join(self.order_terms(compiler), ", ");
        let number = if self.order.is_empty() {
            Sql::new("rowNumberInAllBlocks()")
        } else {
            sql!("row_number() OVER (ORDER BY {})", order)
        };
        let place = self.compute(Value::new(number, Repr::Number), compiler);
        if let Place::Computed(id, _) = place {
            self.select.export(&Source::Computed(id), compiler);
        }
        self.wrap();
        self.position = Some(place);
    }

    /// Keeps the first rows in the current order.
    pub(super) fn limit(&mut self, limit: Option<Sql>, offset: Option<Sql>, compiler: &mut Compiler) {
        self.open();
        self.select.order_by = self.order_terms(compiler);
        self.select.limit = limit;
        self.select.offset = offset;
    }
}
