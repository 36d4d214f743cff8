//! The thread that looks at every watched event once, and shows it to those whose query it matches.

use super::event_json::event_json;
use super::inbox::{Acknowledged, Inbox, Join, Work};
use super::reader::Reader;
use super::ring::Ring;
use super::watch::Watch;
use super::{Space, frame};
use crate::ingest::{identity, rows};
use crate::search::one_by_one::Question;
use crate::search::respond::rfc3339;
use actix_web::web::Bytes;
use query_lang::ast::Level;
use query_lang::eval::{Event, StreamRow};
use query_lang::sql::EventKey;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(500);

pub struct Hub {
    events_per_second: u32,
    spaces: HashMap<Space, Watched>,
    ticked: Instant,
}

/// A project that somebody watches, or did a moment ago.
#[derive(Default)]
struct Watched {
    watches: Vec<Watch>,
    ring: Ring,
}

impl Hub {
    pub fn new(events_per_second: u32) -> Self {
        Self { events_per_second, spaces: HashMap::new(), ticked: Instant::now() }
    }

    /// Runs until the inbox is closed.
    pub fn run(mut self, inbox: &Inbox) {
        loop {
            match inbox.next() {
                Work::Events(space, request) => self.show(space, &request),
                Work::Missed(space, count) => self.miss(space, count),
                Work::Join(join) => self.join(*join),
                Work::Tick => self.tick(inbox),
                Work::Stop => return,
            }
            // A stream of events that never pauses leaves no time for ticks of the inbox.
            if self.ticked.elapsed() > TICK {
                self.tick(inbox);
            }
        }
    }

    fn show(&mut self, space: Space, request: &Arc<Acknowledged>) {
        let Some(watched) = self.spaces.get_mut(&space) else { return };
        watched.ring.push(Arc::clone(request));
        for_each_event(request, |key, received_at_ms, event| {
            for watch in &mut watched.watches {
                if let Some(row) = watch.question.ask(event)
                    && watch.takes(&key)
                {
                    watch.show(&shown(event, received_at_ms, row));
                }
            }
        });
        let lag_ms = crate::time::now_us() / 1000 - request.owner.received_at_ms;
        metrics::histogram!("cordwood_tail_lag_seconds").record(lag_ms as f64 / 1000.0);
    }

    fn miss(&mut self, space: Space, count: u64) {
        let Some(watched) = self.spaces.get_mut(&space) else { return };
        watched.ring.cut();
        watched.watches.iter().for_each(|watch| watch.note_dropped(count));
    }

    fn join(&mut self, join: Join) {
        let Join { space, question, mut reader, after, joined } = join;
        let watched = self.spaces.entry(space).or_default();
        if let Some(after) = after {
            catch_up(&watched.ring, &question, &mut reader, &after);
        }
        match watched.watches.iter_mut().find(|watch| watch.asks(&question)) {
            Some(watch) => watch.join(reader),
            None => {
                let mut watch = Watch::new(question, self.events_per_second);
                watch.join(reader);
                watched.watches.push(watch);
            }
        }
        // When the caller has gone away, the next tick finds it.
        joined.send(()).ok();
    }

    fn tick(&mut self, inbox: &Inbox) {
        let now = Instant::now();
        self.ticked = now;
        for (space, watched) in &mut self.spaces {
            let was_watched = !watched.watches.is_empty();
            watched.watches.iter_mut().for_each(|watch| watch.tick(now));
            watched.watches.retain(|watch| !watch.is_unread());
            if was_watched && watched.watches.is_empty() {
                inbox.unwatched(*space);
            }
        }
        for space in inbox.forget_unwatched() {
            self.spaces.remove(&space);
        }
    }
}

/// Shows a reader who comes back what was missed, as far as it is known.
fn catch_up(ring: &Ring, question: &Question, reader: &mut Reader, after: &EventKey) {
    let missed = ring.after(after);
    if !missed.whole {
        reader.tell(frame::gap(&rfc3339(after.timestamp_ns)));
    }
    let seen = (after.batch_id, after.batch_row);
    for request in &missed.requests {
        for_each_event(request, |key, received_at_ms, event| {
            let is_new = !missed.whole || (key.batch_id, key.batch_row) > seen;
            if let Some(row) = question.ask(event).filter(|_| is_new) {
                reader.send(&shown(event, received_at_ms, row));
            }
        });
    }
}

fn for_each_event(request: &Acknowledged, mut look: impl FnMut(EventKey, i64, &Event<'_>)) {
    for (row, encoded) in (0..).zip(rows::iterate(request.rows.as_bytes())) {
        // Rows are only ever written by us.
        let Some(decoded) = encoded.decode() else { continue };
        let key = identity::event_key(request.number, row, decoded.timestamp_ns);
        let attributes: Map<String, Value> = serde_json::from_str(decoded.attributes).unwrap_or_default();
        let event = Event {
            id: &key.id(),
            timestamp_ns: decoded.timestamp_ns,
            level: usize::from(decoded.level).checked_sub(1).and_then(|at| Level::ALL.get(at)).copied(),
            source: decoded.source,
            host: decoded.host,
            message: decoded.message,
            trace_id: decoded.trace_id,
            span_id: decoded.span_id,
            attributes: &attributes,
        };
        look(key, request.owner.received_at_ms, &event);
    }
}

fn shown(event: &Event<'_>, received_at_ms: i64, row: StreamRow<'_>) -> Bytes {
    frame::log(event.id, &event_json(event, received_at_ms, row))
}
