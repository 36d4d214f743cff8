//! Rows that outlive the text they were read from.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::AnswerEvent;
use crate::ast::{Column, Core, Level};
use crate::eval::event::{Event, Row};
use crate::eval::stream::StreamRow;
use crate::eval::value::Value;

/// Where a row stands among all: events by their time, rows of tables by their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub time_ns: i64,
    pub sequence: u64,
}

/// An event that holds its own texts.
#[derive(Clone, Debug, Default)]
pub struct OwnedEvent {
    pub id: String,
    pub timestamp_ns: i64,
    pub level: Option<Level>,
    pub source: String,
    pub host: String,
    pub message: String,
    pub trace_id: String,
    pub span_id: String,
    pub attributes: Map<String, Json>,
}

impl OwnedEvent {
    fn of(event: &Event) -> Self {
        Self {
            id: event.id.to_owned(),
            timestamp_ns: event.timestamp_ns,
            level: event.level,
            source: event.source.to_owned(),
            host: event.host.to_owned(),
            message: event.message.to_owned(),
            trace_id: event.trace_id.to_owned(),
            span_id: event.span_id.to_owned(),
            attributes: event.attributes.clone(),
        }
    }

    #[must_use]
    pub fn as_event(&self) -> Event<'_> {
        Event {
            id: &self.id,
            timestamp_ns: self.timestamp_ns,
            level: self.level,
            source: &self.source,
            host: &self.host,
            message: &self.message,
            trace_id: &self.trace_id,
            span_id: &self.span_id,
            attributes: &self.attributes,
        }
    }
}

/// An event with what stages made of it, or a row of a table: then it has columns and nothing else.
#[derive(Clone, Debug)]
pub struct OwnedRow {
    pub(super) event: Option<Box<OwnedEvent>>,
    pub(super) made: StreamRow<'static>,
    pub(super) position: Position,
}

static NOTHING: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);

impl OwnedRow {
    pub(super) fn of(row: Row<'_>, position: Position) -> Self {
        let event = Some(Box::new(OwnedEvent::of(&row.event)));
        Self { event, made: StreamRow::of(row).into_owned(), position }
    }

    pub(super) fn of_table(names: &[String], values: Vec<Value<'static>>, index: usize) -> Self {
        let columns = names.iter().cloned().zip(values).collect();
        Self {
            event: None,
            made: StreamRow { columns, closed: true, ..StreamRow::default() },
            position: Position { time_ns: 0, sequence: index as u64 },
        }
    }

    /// The row as expressions see it.
    pub(super) fn view(&self) -> Row<'_> {
        let event = self.event.as_ref().map_or_else(
            || Event {
                id: "",
                timestamp_ns: 0,
                level: None,
                source: "",
                host: "",
                message: "",
                trace_id: "",
                span_id: "",
                attributes: &NOTHING,
            },
            |event| event.as_event(),
        );
        let StreamRow { columns, unpacked, closed, dropped } = self.made.clone();
        Row { event, columns, unpacked, dropped, closed }
    }

    pub(super) fn column(&self, name: &str) -> &Value<'static> {
        const NULL: &Value<'static> = &Value::Null;
        self.made.columns.iter().rev().find(|(column, _)| column == name).map_or(NULL, |(_, value)| value)
    }

    pub(super) fn set(&mut self, name: &str, value: Value<'static>) {
        match self.made.columns.iter_mut().find(|(column, _)| column == name) {
            Some(column) => column.1 = value,
            None => self.made.columns.push((name.to_owned(), value)),
        }
    }

    pub(super) fn cells(&self, columns: &[Column]) -> Vec<Value<'static>> {
        columns.iter().map(|column| self.cell(&column.name)).collect()
    }

    /// An open event can become a table without `fields`: by `uniq` and the like it does not, so this is a column.
    fn cell(&self, name: &str) -> Value<'static> {
        match (self.column(name), Core::from_name(name), &self.event) {
            (Value::Null, Some(core), Some(event)) if !self.made.closed => {
                event.as_event().core(core).into_owned()
            }
            (value, ..) => value.clone(),
        }
    }

    pub(super) fn into_answer(self) -> AnswerEvent {
        AnswerEvent { event: *self.event.unwrap_or_default(), row: self.made }
    }
}
