//! Random queries over random events give the same in the engine and in the evaluator.
//!
//! A few hundred pairs of a query and a set of events by default; `CORDWOOD_DIFFERENTIAL_PAIRS` and
//! `CORDWOOD_DIFFERENTIAL_SEED` ask for more and for others: `cargo xtask differential --pairs 20000`.

use super::fixture::{check_in, scope};
use super::random::{Dice, Queries, RandomEvent, events};
use super::stored::{PROJECT, run, shown, tenant};
use crate::logstore::testing::TestStore;
use crate::logstore::{LogBlock, LogRow};
use crate::search::respond::{key_of, rfc3339, whole};
use jiff::tz::TimeZone;
use query_lang::Checked;
use query_lang::eval::{Stream, StreamRow};
use query_lang::sql::{self, Compiled, EVENT_COLUMNS, EventKey, Request, RowShape, Wire};
use serde_json::Value;
use std::fmt::Write as _;

const EVENTS_OF_A_SET: usize = 24;
const QUERIES_OF_A_SET: usize = 40;
const DAY_NS: i64 = 86_400_000_000_000;
/// 2026-03-10T10:00:00Z
const FIRST_NS: i64 = 1_773_136_800_000_000_000;
/// As many differences are shown; one is enough to fail.
const MOST_SHOWN: usize = 40;

#[tokio::test]
async fn the_evaluator_and_the_engine_give_the_same() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
    };
    let pairs = number("CORDWOOD_DIFFERENTIAL_PAIRS", 240) as usize;
    let seed = number("CORDWOOD_DIFFERENTIAL_SEED", 1);
    let store = TestStore::start().await;
    let mut tally = Tally::default();
    let mut set = 0;
    while tally.pairs < pairs && tally.differences.len() < MOST_SHOWN {
        let dice = Dice::new(seed.wrapping_add(set << 32));
        EventSet::store(&store, dice, set as i64).await.compare(&store, &mut tally).await;
        set += 1;
    }
    eprintln!("{}", tally.summary(seed));
    assert!(tally.differences.is_empty(), "seed {seed}\n{}", tally.differences.join("\n"));
    assert!(
        tally.telling * 4 > tally.pairs,
        "most queries find everything or nothing: {}",
        tally.summary(seed)
    );
    assert!(tally.refused * 2 < tally.pairs, "most queries are refused: {}", tally.summary(seed));
}

/// Queries that the two once answered differently.
const ONCE_DIFFERENT: &[&str] = &[
    "| sample 10%",
    "| eval y = extract(message, 'x')",
    "| eval y = substr(message, length(message) * 1e308 * 10), z = substr(message, 2, length(message) * 1e308 * 10)",
    "| eval y = split_part(message, ' ', length(message) * 1e308 * 10)",
    "| eval y = split_part(message, ' ', length(message) * 1e308 * 10 - length(message) * 1e308 * 10)",
    "| eval y = length(extract(status, '^(.*)$'))",
    "| where timestamp < `order-id`",
    "| eval y = least(length(message), 7), z = greatest(length(message), 500)",
    "| eval y = if(level:error, length(message), 0.5) + 1",
    "| eval y = format_time(timestamp, '%H:%M %e %f')",
    "| eval y = 1 % 0.1",
    "| eval y = to_string(tags), z = tags",
    "tags:true OR tags:1 OR user:true",
    "| eval y = level >= error | eval z = y <= 'x'",
    "| eval y = json(message, 'user.name'), z = json(message, 'a')",
    "| drop message | search timeout OR *:timeout",
    "| eval y = source | rename host as y",
    "| fields a as f0 | where exists(f0)",
    r"| eval y = replace_re(message, ' ', '\0\0'), z = replace_re(source, '', '-')",
];

#[tokio::test]
async fn what_once_differed_is_the_same_now() {
    let store = TestStore::start().await;
    let set = EventSet::store(&store, Dice::new(3), 0).await;
    for query in ONCE_DIFFERENT {
        let (checked, stream) = set.prepared(query).unwrap_or_else(|| panic!("{query} is refused"));
        let evaluated = set.evaluated(&checked, &stream);
        let outcome = set.same_in_engine(&store, &checked, &evaluated).await;
        outcome.unwrap_or_else(|difference| panic!("{query}\n    {difference}"));
    }
}

#[derive(Default)]
struct Tally {
    pairs: usize,
    /// Pairs in which some events were found, and not all.
    telling: usize,
    with_stages: usize,
    /// Not queries of the language: the generator does not know every rule.
    refused: usize,
    differences: Vec<String>,
}

impl Tally {
    fn summary(&self, seed: u64) -> String {
        format!(
            "differential, seed {seed}: {} pairs, {} of them find some and not all, {} with stages; {} differ; {} more were refused",
            self.pairs,
            self.telling,
            self.with_stages,
            self.differences.len(),
            self.refused
        )
    }
}

/// Some events of one day, stored, and queries about them.
pub struct EventSet {
    pub events: Vec<RandomEvent>,
    keys: Vec<EventKey>,
    ids: Vec<String>,
    pub dice: Dice,
    pub request: Request,
}

impl EventSet {
    pub async fn store(store: &TestStore, mut dice: Dice, number: i64) -> Self {
        let from_ns = FIRST_NS + number * DAY_NS;
        let events = events(&mut dice, EVENTS_OF_A_SET, from_ns);
        let key = |(row, event): (usize, &RandomEvent)| EventKey {
            timestamp_ns: event.timestamp_ns,
            batch_id: number as u64,
            batch_row: row as u32,
        };
        let keys: Vec<EventKey> = events.iter().enumerate().map(key).collect();
        let ids = keys.iter().map(EventKey::id).collect();
        let mut block = LogBlock::default();
        for (event, key) in events.iter().zip(&keys) {
            push(&mut block, event, *key);
        }
        store.store.insert(&block.encode(), &format!("set {number}")).await.unwrap();
        let to_ns = from_ns + 3_600_000_000_000;
        let request = Request {
            from_ns,
            to_ns,
            now_ns: to_ns,
            tz: TimeZone::get(dice.pick(&["UTC", "Asia/Kolkata", "America/New_York"])).unwrap(),
            limit: 1000,
            offset: 0,
            after: None,
            tables: Vec::new(),
            paths: None,
        };
        Self { events, keys, ids, dice, request }
    }

    async fn compare(self, store: &TestStore, tally: &mut Tally) {
        let mut queries = Queries::new(self.dice.clone(), &self.events);
        for _ in 0..QUERIES_OF_A_SET {
            let query = queries.query();
            let Some((checked, stream)) = self.prepared(&query) else {
                tally.refused += 1;
                continue;
            };
            let evaluated = self.evaluated(&checked, &stream);
            tally.pairs += 1;
            tally.telling += usize::from(!evaluated.is_empty() && evaluated.len() < self.events.len());
            tally.with_stages += usize::from(!checked.query.stages.is_empty());
            if let Err(difference) = self.same_in_engine(store, &checked, &evaluated).await {
                tally.differences.push(format!("{query}\n    {difference}"));
            }
        }
    }

    fn prepared(&self, query: &str) -> Option<(Checked, Stream)> {
        let checked = check_in(query, &self.request).ok()?;
        let stream = Stream::of(&checked.query, &self.request.tz).ok()?;
        Some((checked, stream))
    }

    /// The events that pass, newest first, with what the stages made of them.
    fn evaluated(&self, checked: &Checked, stream: &Stream) -> Vec<(usize, StreamRow<'_>)> {
        let is_asked_for = |key: &EventKey| (checked.from_ns..checked.to_ns).contains(&key.timestamp_ns);
        let mut newest: Vec<usize> =
            (0..self.events.len()).filter(|&at| is_asked_for(&self.keys[at])).collect();
        newest.sort_by_key(|&at| std::cmp::Reverse(self.keys[at]));
        let apply = |at: usize| Some((at, stream.apply(&self.events[at].event(&self.ids[at]))?));
        newest.into_iter().filter_map(apply).collect()
    }

    async fn same_in_engine(
        &self,
        store: &TestStore,
        checked: &Checked,
        evaluated: &[(usize, StreamRow<'_>)],
    ) -> Result<(), String> {
        let request = Request { from_ns: checked.from_ns, to_ns: checked.to_ns, ..self.request.clone() };
        let compiled = sql::compile(&checked.query, &scope(), &request).map_err(|error| error.to_string())?;
        let answer = run(store, compiled.clone(), sql::SETTINGS).await.map_err(|error| error.chain())?;
        match compiled.shape {
            RowShape::Events { .. } => self.same_events(&compiled, answer.rows, evaluated),
            RowShape::Table => self.same_table(&compiled, answer.rows, evaluated),
        }
    }

    fn same_events(
        &self,
        compiled: &Compiled,
        rows: Vec<Vec<Value>>,
        evaluated: &[(usize, StreamRow<'_>)],
    ) -> Result<(), String> {
        let place = |row: &Vec<Value>| self.keys.iter().position(|key| key_of(row) == Some(*key)).unwrap();
        let found: Vec<usize> = rows.iter().map(place).collect();
        let wanted: Vec<usize> = evaluated.iter().map(|(at, _)| *at).collect();
        if found != wanted {
            return Err(self.events_differ(&found, &wanted));
        }
        for ((at, wanted), row) in evaluated.iter().zip(&rows) {
            for (column, value) in compiled.columns.iter().zip(row).skip(EVENT_COLUMNS.len()) {
                let name = &column.column.name;
                if name.is_empty() {
                    continue;
                }
                let wanted = wanted.columns.iter().find(|(column, _)| column == name);
                let wanted = wanted.map_or(Value::Null, |(_, value)| value.to_json());
                self.same_value(*at, name, column.wire, value, &wanted)?;
            }
        }
        Ok(())
    }

    fn same_table(
        &self,
        compiled: &Compiled,
        rows: Vec<Vec<Value>>,
        evaluated: &[(usize, StreamRow<'_>)],
    ) -> Result<(), String> {
        if rows.len() != evaluated.len() {
            let shown: Vec<Value> = rows.into_iter().map(|row| shown(compiled, row)).collect();
            let all: Vec<String> = evaluated.iter().map(|(at, _)| self.about(*at)).collect();
            return Err(format!(
                "the engine gives {shown:?}, the evaluator the events\n    {}",
                all.join("\n    ")
            ));
        }
        for ((at, wanted), row) in evaluated.iter().zip(&rows) {
            for (column, value) in compiled.columns.iter().zip(row) {
                let name = &column.column.name;
                let wanted = wanted.columns.iter().find(|(column, _)| column == name);
                let wanted = wanted.map_or(Value::Null, |(_, value)| value.to_json());
                self.same_value(*at, name, column.wire, value, &wanted)?;
            }
        }
        Ok(())
    }

    fn same_value(
        &self,
        at: usize,
        name: &str,
        wire: Wire,
        found: &Value,
        wanted: &Value,
    ) -> Result<(), String> {
        let found = match (wire, whole(found)) {
            (Wire::TimeNs, Some(ns)) => rfc3339(ns).into(),
            _ => found.clone(),
        };
        if nearly_same(&found, wanted) {
            return Ok(());
        }
        Err(format!("{name} is {found} in the engine, {wanted} in the evaluator, of {}", self.about(at)))
    }

    fn events_differ(&self, found: &[usize], wanted: &[usize]) -> String {
        let mut text = String::new();
        for at in 0..self.events.len() {
            match (found.contains(&at), wanted.contains(&at)) {
                (true, false) => write!(text, "\n    only the engine finds {}", self.about(at)).unwrap(),
                (false, true) => write!(text, "\n    only the evaluator finds {}", self.about(at)).unwrap(),
                _ => {}
            }
        }
        if text.is_empty() {
            format!("the order differs: {found:?}, {wanted:?}")
        } else {
            text.trim().to_owned()
        }
    }

    fn about(&self, at: usize) -> String {
        let event = &self.events[at];
        let attributes = Value::Object(event.attributes.clone());
        format!(
            "{} {:?} source={:?} host={:?} trace_id={:?} message={:?} {attributes}",
            rfc3339(event.timestamp_ns),
            event.level,
            event.source,
            event.host,
            event.trace_id,
            event.message,
        )
    }
}

fn push(block: &mut LogBlock, event: &RandomEvent, key: EventKey) {
    block.push(&LogRow {
        tenant_id: tenant().organization_id(),
        project_id: PROJECT,
        timestamp_ns: key.timestamp_ns,
        received_at_ms: key.timestamp_ns / 1_000_000,
        level: event.level.map_or(0, |level| level as u8),
        source: &event.source,
        host: &event.host,
        message: &event.message,
        trace_id: &event.trace_id,
        span_id: &event.span_id,
        pattern_id: 0,
        attributes: &Value::Object(event.attributes.clone()).to_string(),
        batch_id: key.batch_id,
        batch_row: key.batch_row,
        retention_days: u16::MAX,
    });
}

/// Equal up to the last digits of numbers, and up to what JSON cannot tell apart.
fn nearly_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| nearly_same(a, b))
        }
        _ => a == b,
    }
}
