//! Makes rows of a request's events, masked as the project wants it, and remembers what was rejected and why. For every protocol.

use super::IngestError;
use super::accepted::{Accepted, Counts, Rejected};
use super::rows::{Owner, Row, Rows};
use crate::auth::IngestKey;
use crate::masking::{Rules, Tally};
use api_types::ingest::IngestError as EventError;
use event::{BodyError, Event, Intake, RawEvent, Reject};

/// More events than this in one request are refused.
pub const MOST_EVENTS: usize = 100_000;
/// An answer lists this many of the rejected.
const LISTED: usize = 100;
/// A dead letter keeps this much of an event.
const KEPT_BYTES: usize = 1 << 20;

/// Gathers the events of one request.
pub struct Gathering<'a> {
    intake: Intake<'a>,
    rules: &'a Rules,
    tally: Tally,
    accepted: Accepted,
    rejected: u64,
    errors: Vec<EventError>,
    attributes: Vec<u8>,
}

/// What came of a request's events.
pub struct Gathered {
    pub accepted: Accepted,
    pub rejected: u64,
    /// The first of the rejected.
    pub errors: Vec<EventError>,
}

impl Gathered {
    #[must_use]
    pub fn events(&self) -> usize {
        self.accepted.rows.count() as usize + self.rejected as usize
    }
}

/// Who owns what this key sends at this time.
#[must_use]
pub fn owner_of(key: &IngestKey, now_ns: i64) -> Owner {
    Owner {
        organization_id: key.scope.organization_id(),
        project_id: key.project_id,
        retention_days: key.retention_days,
        received_at_ms: now_ns / 1_000_000,
        key_id: key.key_id.unwrap_or_default(),
    }
}

impl<'a> Gathering<'a> {
    /// `rules` are what the project masks; `body_bytes` is a guess at how much room the rows need.
    #[must_use]
    pub fn new(owner: Owner, rules: &'a Rules, intake: Intake<'a>, body_bytes: usize) -> Self {
        let intake = Intake { keep_ansi: rules.keeps_colours(), ..intake };
        let room = Rows::with_capacity(body_bytes + body_bytes / 8);
        let accepted = Accepted { owner, rows: room, rejected: Vec::new(), counts: Counts::default() };
        let tally = rules.tally();
        Self { intake, rules, tally, accepted, rejected: 0, errors: Vec::new(), attributes: Vec::new() }
    }

    /// Takes the next item that a decoder found; tells why it was rejected, if it was.
    ///
    /// # Errors
    /// When there are too many.
    pub fn take(
        &mut self,
        item: Result<RawEvent<'a>, Reject<'a>>,
    ) -> Result<Option<EventError>, IngestError> {
        if self.accepted.rows.count() as usize + self.rejected as usize >= MOST_EVENTS {
            return Err(IngestError::TooManyEvents(MOST_EVENTS));
        }
        Ok(match item.and_then(|raw| self.intake.normalise(raw)) {
            Ok(mut event) => {
                self.rules.apply(&mut event, &mut self.tally);
                self.push(&event);
                None
            }
            Err(reject) => Some(self.reject(reject)),
        })
    }

    fn push(&mut self, event: &Event<'_>) {
        self.attributes.clear();
        event.attributes.write_json(&mut self.attributes);
        self.accepted.rows.push(&Row {
            timestamp_ns: event.timestamp_ns,
            level: event.level.as_u8(),
            source: &event.source,
            host: &event.host,
            message: &event.message,
            trace_id: &event.trace_id,
            span_id: &event.span_id,
            pattern_id: event.pattern_id(),
            attributes: std::str::from_utf8(&self.attributes).expect("JSON is written from text"),
        });
        note_marks(event);
    }

    fn reject(&mut self, mut reject: Reject<'_>) -> EventError {
        self.rejected += 1;
        reject.detail = self.rules.apply_to_text(&reject.detail, &mut self.tally).into_owned();
        reject.original = self.rules.apply_to_bytes(reject.original, &mut self.tally);
        let code = reject.code.as_str();
        metrics::counter!("cordwood_ingest_rejected_events_total", "code" => code).increment(1);
        let error =
            EventError { index: reject.index as u64, code: code.to_owned(), detail: reject.detail.clone() };
        if self.errors.len() < LISTED {
            self.errors.push(error.clone());
        }
        if !reject.original.is_empty() {
            let mut original = reject.original.into_owned();
            original.truncate(KEPT_BYTES);
            self.accepted.rejected.push(Rejected {
                index: reject.index as u32,
                code: code.to_owned(),
                reason: reject.detail,
                original,
            });
        }
        error
    }

    /// Notes that what follows cannot be read at all.
    pub fn reject_all(&mut self, broken: &BodyError) {
        let detail = broken.to_string();
        self.rejected += 1;
        self.errors.push(EventError { index: 0, code: "invalid_json".into(), detail });
    }

    #[must_use]
    pub fn finish(mut self) -> Gathered {
        self.rules.note(&self.tally);
        let masked = u32::try_from(self.tally.total()).unwrap_or(u32::MAX);
        self.accepted.counts = Counts { rejected: self.rejected as u32, masked };
        Gathered { accepted: self.accepted, rejected: self.rejected, errors: self.errors }
    }
}

fn note_marks(event: &Event<'_>) {
    let marks = event.marks;
    if marks.cut > 0 {
        metrics::counter!("cordwood_ingest_cut_fields_total").increment(u64::from(marks.cut));
    }
    if marks.overflowed > 0 {
        metrics::counter!("cordwood_ingest_overflow_fields_total").increment(u64::from(marks.overflowed));
    }
}
