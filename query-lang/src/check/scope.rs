//! Which names mean what at a place in the pipe.

use crate::ast::{Bin, Column, Field, Kind, Shape, Target};

/// The rows at a place in the pipe.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// Events, and what stages did to them, newest last.
    Events(Vec<Change>),
    Table {
        columns: Vec<Column>,
        bin: Option<TimeBin>,
    },
}

/// Something a stage did to the names of events.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Computed(Column),
    /// The name and everything below it is gone.
    Dropped(Field),
    /// The new name, and what it was before. The old one is dropped next.
    Renamed {
        new: String,
        old: Field,
    },
}

/// The column of time bins in a table, and their width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TimeBin {
    pub(super) column: String,
    pub(super) bin: Bin,
}

impl Default for Scope {
    fn default() -> Self {
        Self::Events(Vec::new())
    }
}

impl Scope {
    pub(super) fn table(columns: Vec<Column>) -> Self {
        Self::Table { columns, bin: None }
    }

    pub(super) fn is_events(&self) -> bool {
        matches!(self, Self::Events(_))
    }

    /// What a name means here; `None` when the schema is closed and does not have it.
    pub(super) fn resolve(&self, field: &Field) -> Option<(Target, Kind)> {
        match self {
            Self::Events(changes) => Some(resolve_in_events(changes, &field.path)),
            Self::Table { columns, .. } => {
                let column = columns.iter().find(|column| column.name == field.path)?;
                Some((Target::Column(column.name.clone()), column.kind))
            }
        }
    }

    /// The column of that name, if it is one and no core field or attribute.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        match self {
            Self::Events(changes) => changes.iter().rev().find_map(|change| match change {
                Change::Computed(column) if column.name == name => Some(column),
                _ => None,
            }),
            Self::Table { columns, .. } => columns.iter().find(|column| column.name == name),
        }
    }

    pub(super) fn column_names(&self) -> impl Iterator<Item = &str> {
        let columns: &[Column] = match self {
            Self::Events(_) => &[],
            Self::Table { columns, .. } => columns,
        };
        columns.iter().map(|column| column.name.as_str())
    }

    pub(super) fn column_list(&self) -> String {
        self.column_names().collect::<Vec<_>>().join(", ")
    }

    /// Adds a computed column, in the place of one with the same name.
    pub(super) fn compute(&mut self, column: Column) {
        match self {
            Self::Events(changes) => changes.push(Change::Computed(column)),
            Self::Table { columns, .. } => match columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => *known = column,
                None => columns.push(column),
            },
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Table { columns, .. } => Shape::Table { columns: columns.clone() },
            Self::Events(changes) => events_shape(changes),
        }
    }
}

fn resolve_in_events(changes: &[Change], path: &str) -> (Target, Kind) {
    let event = Field::of_event(path, crate::Span::default());
    for (index, change) in changes.iter().enumerate().rev() {
        match change {
            Change::Computed(column) if column.name == path => {
                return (Target::Column(path.to_owned()), column.kind);
            }
            Change::Dropped(gone)
                if is_below(path, &gone.path) || same_or_below(&event.target, &gone.target) =>
            {
                return (Target::Nothing, Kind::Null);
            }
            Change::Renamed { new, old } if is_below(path, new) => {
                let old_path = format!("{}{}", old.path, &path[new.len()..]);
                return resolve_in_events(&changes[..index], &old_path);
            }
            _ => {}
        }
    }
    (event.target, event.kind)
}

/// The path itself, or something below it.
fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn same_or_below(target: &Target, gone: &Target) -> bool {
    match (target, gone) {
        (Target::Attribute(path), Target::Attribute(parent)) => is_below(path, parent),
        (target, gone) => target == gone,
    }
}

fn events_shape(changes: &[Change]) -> Shape {
    let (mut computed, mut dropped, mut renamed): (Vec<Column>, Vec<String>, Vec<(String, String)>) =
        Default::default();
    for change in changes {
        match change {
            Change::Computed(column) => {
                computed.retain(|known| known.name != column.name);
                computed.push(column.clone());
            }
            Change::Dropped(gone) => {
                computed.retain(|known| !is_below(&known.name, &gone.path));
                renamed.retain(|(_, new)| !is_below(new, &gone.path));
                dropped.push(gone.path.clone());
            }
            Change::Renamed { new, old } => {
                // What had the name before is gone.
                let first =
                    renamed.iter().find(|(_, known)| *known == old.path).map(|(first, _)| first.clone());
                computed.retain(|known| known.name != *new);
                renamed.retain(|(_, known)| *known != old.path && known != new);
                renamed.push((first.unwrap_or_else(|| old.path.clone()), new.clone()));
            }
        }
    }
    Shape::Events { computed, dropped, renamed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn field(path: &str) -> Field {
        Field::of_event(path, Span::default())
    }

    #[test]
    fn computed_names_hide_and_dropped_ones_are_null() {
        let mut scope = Scope::default();
        scope.compute(Column::plain("level", Kind::Number));
        assert_eq!(scope.resolve(&field("level")), Some((Target::Column("level".into()), Kind::Number)));
        let Scope::Events(changes) = &mut scope else { panic!("events") };
        changes.push(Change::Dropped(field("http")));
        assert_eq!(scope.resolve(&field("attributes.http.status")), Some((Target::Nothing, Kind::Null)));
        assert_eq!(scope.resolve(&field("https")), Some((Target::Attribute("https".into()), Kind::Any)));
    }

    #[test]
    fn a_renamed_object_keeps_what_is_below_it() {
        let changes =
            vec![Change::Renamed { new: "h".into(), old: field("http") }, Change::Dropped(field("http"))];
        assert_eq!(resolve_in_events(&changes, "http.status").0, Target::Nothing);
        assert_eq!(resolve_in_events(&changes, "h.status").0, Target::Attribute("http.status".into()));
    }
}
