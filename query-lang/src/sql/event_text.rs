//! Predicates that concern a whole event: words in `message`, words anywhere, and the event's id.

use super::compiler::Compiler;
use super::condition::Condition;
use super::predicate::instant;
use super::request::EventKey;
use super::rows::{Names, Place, Rows, own_id};
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::Repr;
use super::words::TextTest;
use crate::ast::{Core, Meaning, Predicate, TextMatch};

/// Where `*:word` looks, beside the attributes.
const CORE_TEXTS: [Core; 5] = [Core::Message, Core::Source, Core::Host, Core::TraceId, Core::SpanId];

impl Rows {
    /// A free word: in the message.
    pub(super) fn text_condition(&mut self, text: &TextMatch, compiler: &mut Compiler) -> Condition {
        let place = match self.place_of_column(Core::Message.name()) {
            Place::Nothing if self.is_events() && !self.is_dropped(Core::Message.name()) => {
                Place::Core(Core::Message)
            }
            place => place,
        };
        let meaning = Meaning::Text(text.clone());
        let subject = super::predicate::Subject::of(self.value(&place, compiler));
        super::predicate::compile(&subject, &meaning, &mut compiler.parameters)
    }

    /// `*:word`: in any value of the row.
    pub(super) fn any_text_condition(&mut self, text: &TextMatch, compiler: &mut Compiler) -> Condition {
        let test = TextTest::bind(text, &mut compiler.parameters);
        let places = match &self.names {
            Names::Table(named) => named.iter().map(|named| named.place.clone()).collect(),
            Names::Events { computed, dropped } => {
                let mut places: Vec<Place> = CORE_TEXTS
                    .into_iter()
                    .filter(|core| !dropped.iter().any(|name| name == core.name()))
                    .map(Place::Core)
                    .collect();
                places.extend(computed.iter().map(|named| named.place.clone()));
                places
            }
        };
        let mut conditions: Vec<Condition> = Vec::new();
        for place in &places {
            let value = self.value(place, compiler);
            let shown = if value.repr == Repr::CoreText { value.sql.clone() } else { value.text() };
            conditions.push(Condition::nullable(test.on(&shown)));
        }
        if self.is_events() {
            conditions.push(self.any_attribute(text, &test, compiler));
        }
        Condition::any(conditions)
    }

    fn is_dropped(&self, name: &str) -> bool {
        matches!(&self.names, Names::Events { dropped, .. } if dropped.iter().any(|dropped| dropped == name))
    }

    /// `id:…` finds an event by its public id, which is a key, or by the `id` that came with it.
    pub(super) fn event_with_id(
        &mut self,
        predicate: &Predicate,
        meaning: &Meaning,
        compiler: &mut Compiler,
    ) -> Option<Condition> {
        let Meaning::Equals { texts, fold } = meaning else { return None };
        if self.place_of(&predicate.field) != Place::Core(Core::Id) {
            return None;
        }
        let keys: Vec<EventKey> = texts.iter().filter_map(|text| EventKey::of_id(text)).collect();
        let own: Vec<String> = texts.iter().filter(|text| EventKey::of_id(text).is_none()).cloned().collect();
        let mut conditions: Vec<Condition> =
            keys.into_iter().map(|key| self.is_event(key, compiler)).collect();
        if !own.is_empty() {
            let subject = super::predicate::Subject::of(self.value(&own_id(), compiler));
            let equals = Meaning::Equals { texts: own, fold: *fold };
            conditions.push(super::predicate::compile(&subject, &equals, &mut compiler.parameters));
        }
        Some(Condition::any(conditions))
    }

    /// The event with this key and no other.
    pub(super) fn is_event(&mut self, key: EventKey, compiler: &mut Compiler) -> Condition {
        let time = instant(key.timestamp_ns, &mut compiler.parameters);
        let batch = compiler.parameters.unsigned(key.batch_id);
        let row = compiler.parameters.unsigned(key.batch_row.into());
        let mut column = |column| self.select.column(&Source::Table(column), compiler);
        let (t, b, r) =
            (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
        Condition::exact(sql!("({} = {} AND {} = {} AND {} = {})", t, time, b, batch, r, row))
    }

    /// Only events that come after `key` in the usual order, which is newest first.
    pub(super) fn older_than(&mut self, key: EventKey, compiler: &mut Compiler) -> [Sql; 2] {
        let time = instant(key.timestamp_ns, &mut compiler.parameters);
        let batch = compiler.parameters.unsigned(key.batch_id);
        let row = compiler.parameters.unsigned(key.batch_row.into());
        let mut column = |column| self.select.column(&Source::Table(column), compiler);
        let (t, b, r) =
            (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
        [sql!("{} <= {}", t, time), sql!("({}, {}, {}) < ({}, {}, {})", t, b, r, time, batch, row)]
    }

    /// Only events that come before `key` in the usual order.
    pub(super) fn newer_than(&mut self, key: EventKey, compiler: &mut Compiler) -> [Sql; 2] {
        let time = instant(key.timestamp_ns, &mut compiler.parameters);
        let batch = compiler.parameters.unsigned(key.batch_id);
        let row = compiler.parameters.unsigned(key.batch_row.into());
        let mut column = |column| self.select.column(&Source::Table(column), compiler);
        let (t, b, r) =
            (column(TableColumn::Timestamp), column(TableColumn::BatchId), column(TableColumn::BatchRow));
        [sql!("{} >= {}", t, time), sql!("({}, {}, {}) > ({}, {}, {})", t, b, r, time, batch, row)]
    }
}
