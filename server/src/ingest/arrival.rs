//! What a request of any protocol goes through: admitted, read and unpacked, counted, gathered and masked, and on disk before it is
//! answered.
//!
//! A repeat under an `Idempotency-Key` is read as it was at the first time, so that it is answered as then; it is not kept again.

use super::body::{self, Encoding};
use super::idempotency::{Begin, Claim, Seen};
use super::intake::{Gathered, Gathering, owner_of};
use super::limits::Share;
use super::{Ingest, IngestError};
use crate::auth::IngestKey;
use crate::masking::Rules;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web;
use event::Intake;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;

/// Memory that a body without a length takes until it is read.
const UNKNOWN_LENGTH_BYTES: usize = 1 << 20;
const KEY_BYTES: usize = 64;
/// From here on a body is worked on beside the HTTP worker, which answers others meanwhile.
const LARGE_BYTES: usize = 128 << 10;

/// A request whose body is read.
pub struct Arrival {
    ingest: Ingest,
    key: IngestKey,
    /// What the project masks.
    rules: Arc<Rules>,
    body: Vec<u8>,
    now_ns: i64,
    claim: Option<Claim>,
    repeats: Option<Seen>,
    begun: Instant,
    _memory: Share,
}

impl Arrival {
    /// Reads a body, takes one layer of encoding off, and counts its bytes.
    ///
    /// # Errors
    /// When the sender may not send now, the body is too large, too slow or broken, or its `Idempotency-Key` not usable.
    pub async fn read(
        ingest: &Ingest,
        key: IngestKey,
        headers: &HeaderMap,
        payload: web::Payload,
        encoding: Encoding,
    ) -> Result<Self, IngestError> {
        let limits = ingest.0.body_limits;
        let length =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > limits.encoded_bytes) {
            return Err(body::BodyError::TooLarge { limit: limits.encoded_bytes }.into());
        }
        let organization_id = key.scope.organization_id();
        let memory = ingest.0.memory.take(organization_id, length.unwrap_or(UNKNOWN_LENGTH_BYTES))?;
        // Read before anybody is refused: a client that is still sending may never see an answer.
        let body = body::collect(payload, &limits).await?;
        let rules = ingest.admit(&key).await?;
        let begun = Instant::now();
        let unpack = move || body::decode(body, encoding, limits.decoded_bytes);
        let body = match encoding {
            Encoding::Identity => unpack(),
            // It may be many times as large inside.
            _ => beside(length.unwrap_or(UNKNOWN_LENGTH_BYTES) * 8, unpack).await,
        }?;
        let mut arrival = Self::counted(ingest, key, rules, body, memory)?;
        arrival.begun = begun;
        arrival.with_key(headers).await
    }

    /// The same for a protocol that is not HTTP.
    ///
    /// # Errors
    /// When there is no room, or the sender may not send now.
    pub async fn of_bytes(ingest: &Ingest, key: IngestKey, body: Vec<u8>) -> Result<Self, IngestError> {
        let rules = ingest.admit(&key).await?;
        let memory = ingest.0.memory.take(key.scope.organization_id(), body.len())?;
        Self::counted(ingest, key, rules, body, memory)
    }

    fn counted(
        ingest: &Ingest,
        key: IngestKey,
        rules: Arc<Rules>,
        body: Vec<u8>,
        mut memory: Share,
    ) -> Result<Self, IngestError> {
        // Once more as rows.
        memory.grow(body.len() * 2)?;
        ingest.0.rates.take_bytes(&key, body.len())?;
        let now_ns = jiff::Timestamp::now().as_nanosecond() as i64;
        Ok(Self {
            ingest: ingest.clone(),
            key,
            rules,
            body,
            now_ns,
            claim: None,
            repeats: None,
            begun: Instant::now(),
            _memory: memory,
        })
    }

    /// Claims the request's `Idempotency-Key`, if it has one.
    async fn with_key(mut self, headers: &HeaderMap) -> Result<Self, IngestError> {
        let Some(name) = headers.get("idempotency-key") else { return Ok(self) };
        let name = name.to_str().map_err(|_| IngestError::BadKey)?;
        let is_visible = name.bytes().all(|byte| (0x20..0x7F).contains(&byte));
        if name.is_empty() || name.len() > KEY_BYTES || !is_visible {
            return Err(IngestError::BadKey);
        }
        let seen = Seen {
            organization_id: self.key.scope.organization_id(),
            // Two projects may number their batches alike.
            key: short_hash([self.key.project_id.as_bytes(), name.as_bytes()]),
            body: short_hash([b"", &self.body]),
            received_at_ms: self.now_ns / 1_000_000,
            lsn: 0,
        };
        match self.ingest.0.keys.begin(seen).await {
            Begin::New(claim) => self.claim = Some(claim),
            Begin::Repeat(earlier) => {
                self.now_ns = earlier.received_at_ms * 1_000_000;
                self.repeats = Some(earlier);
            }
            Begin::OtherBody => return Err(IngestError::OtherBody),
        }
        Ok(self)
    }

    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    #[must_use]
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// What holds for all its events.
    #[must_use]
    pub fn intake(&self) -> Intake<'_> {
        Intake::new(self.now_ns, u32::from(self.key.retention_days))
    }

    #[must_use]
    pub fn gathering<'a>(&'a self, intake: Intake<'a>) -> Gathering<'a> {
        Gathering::new(owner_of(&self.key, self.now_ns), &self.rules, intake, self.body.len())
    }

    /// Returns when what was gathered is on disk, with the receipt's name if there was anything.
    ///
    /// # Errors
    /// When the sender is too fast or the write-ahead log has no room: nothing is kept then.
    pub async fn keep(self, gathered: Gathered) -> Result<Option<String>, IngestError> {
        let Self { ingest, key, body, claim, repeats, begun, .. } = self;
        metrics::histogram!("cordwood_ingest_decode_seconds").record(begun.elapsed().as_secs_f64());
        let organization_id = key.scope.organization_id();
        if let Some(earlier) = repeats {
            metrics::counter!("cordwood_ingest_repeats_total").increment(1);
            return Ok(Some(ingest.receipt_name(earlier.organization_id, earlier.lsn)));
        }
        ingest.0.rates.take_events(&key, gathered.events())?;
        let accepted = u64::from(gathered.accepted.rows.count());
        if accepted == 0 && gathered.rejected > 0 {
            ingest.note_refused(&key, "all_events_rejected");
        }
        let mut receipt = None;
        if accepted > 0 || !gathered.accepted.rejected.is_empty() {
            let lsn = ingest.accept(gathered.accepted, claim).await?;
            receipt = Some(ingest.receipt_name(organization_id, lsn));
        }
        metrics::counter!("cordwood_ingest_accepted_events_total").increment(accepted);
        metrics::counter!("cordwood_ingest_bytes_total").increment(body.len() as u64);
        Ok(receipt)
    }
}

/// Does work on a body of so many bytes where it keeps nobody waiting.
pub async fn beside<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes < LARGE_BYTES {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn short_hash(parts: [&[u8]; 2]) -> [u8; 16] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    std::array::from_fn(|i| hash[i])
}
