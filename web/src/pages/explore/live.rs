//! Live tail: new events come onto the list as they arrive, by server-sent events, in the place where the search's rows are.
//!
//! Nothing moves under the reader's eyes: scrolled down, or paused, new events wait and are counted. What the server could not
//! send, or sends only a sample of, is said.

use super::explorer::Explorer;
use super::results::Results;
use crate::browser;
use crate::format;
use crate::language;
use crate::url::escape;
use api_types::search::EventRow;
use leptos::prelude::*;
use serde_json::{Map, Value};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_sys::{EventSource, EventSourceInit, MessageEvent};

/// Rows kept on the page; older ones make room.
pub const KEPT: usize = 5_000;
/// The page is drawn this often, however fast events come.
const BEAT: Duration = Duration::from_millis(250);
/// Between the loss of a connection that the browser gave up and the next try.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    Off,
    Opening,
    Open,
    Lost,
    /// It cannot be, and why.
    Refused(String),
}

#[derive(Clone, Copy)]
pub struct Live {
    pub connection: RwSignal<Connection>,
    /// By the reader's wish.
    pub paused: RwSignal<bool>,
    /// Because the list is not at its top.
    pub scrolled: RwSignal<bool>,
    waiting: RwSignal<Vec<Arc<EventRow>>>,
    /// Arrived since the page was drawn last.
    arrived: StoredValue<Vec<Arc<EventRow>>>,
    /// Events that were not sent, or had to be let go.
    pub dropped: RwSignal<u64>,
    /// One of so many is shown.
    pub one_of: RwSignal<Option<u64>>,
    /// From arrival at the server until the screen, of the newest event.
    pub lag_ms: RwSignal<Option<i64>>,
    last_id: StoredValue<Option<String>>,
}

/// A connection and what it calls; closed when let go.
struct Stream {
    source: EventSource,
    _listeners: Vec<Closure<dyn FnMut(MessageEvent)>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Live {
    pub fn new() -> Self {
        Self {
            connection: RwSignal::new(Connection::Off),
            paused: RwSignal::new(false),
            scrolled: RwSignal::new(false),
            waiting: RwSignal::new(Vec::new()),
            arrived: StoredValue::new(Vec::new()),
            dropped: RwSignal::new(0),
            one_of: RwSignal::new(None),
            lag_ms: RwSignal::new(None),
            last_id: StoredValue::new(None),
        }
    }

    /// How many events wait until the reader wants them.
    pub fn waiting(self) -> usize {
        self.waiting.with(Vec::len)
    }

    /// Connects while the page is live, anew for each search.
    pub fn follow(self, explorer: Explorer, results: Results) {
        let stream = StoredValue::new_local(None::<Rc<Stream>>);
        let retries = RwSignal::new(0_u32);
        let wanted = Memo::new(move |_| {
            let live = explorer.state.with(|state| state.live);
            live.then(|| explorer.run.with(|run| (run.query.clone(), run.project_id.clone())))
        });
        Effect::new(move |before: Option<Option<(String, String)>>| {
            retries.track();
            let wanted = wanted.get();
            stream.set_value(None);
            if before.as_ref() != Some(&wanted) {
                self.reset();
            }
            if let Some((query, project)) = &wanted {
                match language::streamed(query) {
                    Ok(()) => stream.set_value(self.open(query, project, retries).map(Rc::new)),
                    Err(reason) => self.connection.set(Connection::Refused(reason)),
                }
            }
            wanted
        });
        let beat = set_interval_with_handle(move || self.draw(results), BEAT).ok();
        on_cleanup(move || {
            if let Some(beat) = beat {
                beat.clear();
            }
            stream.try_set_value(None);
        });
    }

    fn reset(self) {
        self.connection.set(Connection::Off);
        self.paused.set(false);
        self.waiting.set(Vec::new());
        self.arrived.set_value(Vec::new());
        self.dropped.set(0);
        self.one_of.set(None);
        self.lag_ms.set(None);
        self.last_id.set_value(None);
    }

    fn open(self, query: &str, project: &str, retries: RwSignal<u32>) -> Option<Stream> {
        self.connection.set(Connection::Opening);
        let after =
            self.last_id.get_value().map(|id| format!("&last_event_id={}", escape(&id))).unwrap_or_default();
        let address =
            format!("/api/v1/logs/tail?query={}&project_id={}{after}", escape(query), escape(project));
        let init = EventSourceInit::new();
        init.set_with_credentials(true);
        let source = EventSource::new_with_event_source_init_dict(&address, &init).ok()?;
        let mut listeners = Vec::new();
        let mut listen = |name: &str, heard: Box<dyn FnMut(MessageEvent)>| {
            let closure = Closure::wrap(heard);
            let _added = source.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
            listeners.push(closure);
        };
        listen("open", Box::new(move |_| self.connection.set(Connection::Open)));
        listen("log", Box::new(move |message| self.take(&message)));
        listen(
            "dropped",
            Box::new(move |message| {
                let count = text_of(&message).trim().parse::<u64>().unwrap_or(1);
                self.dropped.update(|dropped| *dropped += count);
            }),
        );
        listen(
            "sampled",
            Box::new(move |message| {
                let one_of = serde_json::from_str::<Value>(&text_of(&message))
                    .ok()
                    .and_then(|said| said.get("of")?.as_u64());
                self.one_of.set(one_of.filter(|of| *of > 1));
            }),
        );
        let watched = source.clone();
        listen(
            "error",
            Box::new(move |_| {
                // The browser tries again by itself unless it was refused, as after the session has run out.
                self.connection.set(Connection::Lost);
                if watched.ready_state() == EventSource::CLOSED {
                    leptos::task::spawn_local(async move {
                        let renewed = browser::refresh_session().await;
                        let pause = if renewed { BEAT } else { PATIENCE };
                        set_timeout(
                            move || {
                                retries.try_update(|count| *count += 1);
                            },
                            pause,
                        );
                    });
                }
            }),
        );
        Some(Stream { source, _listeners: listeners })
    }

    fn take(self, message: &MessageEvent) {
        let Some((event, received_ms)) = serde_json::from_str(&text_of(message)).ok().and_then(event_of)
        else {
            return;
        };
        self.connection.set(Connection::Open);
        self.last_id.set_value(Some(event.id.clone()));
        if let Some(received_ms) = received_ms {
            self.lag_ms.set(Some((browser::now_ms() - received_ms).max(0)));
        }
        self.arrived.update_value(|arrived| arrived.push(Arc::new(event)));
    }

    /// Shows what has arrived, or lets it wait.
    fn draw(self, results: Results) {
        let arrived = self.arrived.try_update_value(std::mem::take).unwrap_or_default();
        if self.paused.get_untracked() || self.scrolled.get_untracked() {
            if !arrived.is_empty() {
                self.waiting.update(|waiting| waiting.extend(arrived));
                let over = self.waiting.with_untracked(Vec::len).saturating_sub(KEPT);
                if over > 0 {
                    self.waiting.update(|waiting| drop(waiting.drain(..over)));
                    self.dropped.update(|dropped| *dropped += over as u64);
                }
            }
            return;
        }
        let mut newer = if self.waiting.with_untracked(Vec::is_empty) {
            Vec::new()
        } else {
            self.waiting.try_update(std::mem::take).unwrap_or_default()
        };
        newer.extend(arrived);
        if !newer.is_empty() {
            results.prepend(newer);
            results.keep_newest(KEPT);
        }
    }

    /// Shows what waits, and goes on.
    pub fn resume(self) {
        self.paused.set(false);
        self.scrolled.set(false);
    }
}

fn text_of(message: &MessageEvent) -> String {
    message.data().as_string().unwrap_or_default()
}

/// An event as the stream sends it, and when the server received it. What stages have computed counts as attributes.
fn event_of(value: Value) -> Option<(EventRow, Option<i64>)> {
    let Value::Object(mut fields) = value else { return None };
    let mut text = |name: &str| fields.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let received_at = text("received_at");
    let mut event = EventRow {
        id: text("id")?,
        timestamp: text("timestamp").or_else(|| received_at.clone())?,
        level: text("level"),
        source: text("source"),
        host: text("host"),
        message: text("message"),
        trace_id: text("trace_id"),
        span_id: text("span_id"),
        attributes: Map::new(),
    };
    if let Some(Value::Object(attributes)) = fields.remove("attributes") {
        event.attributes = attributes;
    }
    event.attributes.extend(fields);
    Some((event, received_at.as_deref().and_then(format::parse_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_streamed_event_keeps_what_stages_computed() {
        let (event, received) =
            event_of(json!({"id": "1", "received_at": "2026-03-10T10:00:00Z", "message": "m", "slow": true}))
                .expect("an event");
        assert_eq!((event.timestamp.as_str(), event.message.as_deref()), ("2026-03-10T10:00:00Z", Some("m")));
        assert_eq!(event.attributes.get("slow"), Some(&json!(true)));
        assert!(received.is_some());
        assert!(event_of(json!({"message": "without id"})).is_none());
    }
}
