//! From messages to the log: finds out whose they are, gathers them, and waits until they are on disk.
//!
//! A message belongs to the project of its listener, or to that of the API key in its structured data; on a connection a key counts
//! for the messages that follow. The key itself is in nothing that is stored.

use crate::auth::{Auth, AuthError, IngestKey};
use crate::error::ApiError;
use crate::ingest::arrival::Arrival;
use crate::ingest::{Ingest, IngestError};
use event::text::syslog;
use std::net::IpAddr;

/// Messages in one request to the log, at most.
const MOST: usize = 5_000;
const MOST_BYTES: usize = 4 << 20;

/// Where messages go.
#[derive(Clone)]
pub struct Desk {
    pub ingest: Ingest,
    pub auth: Auth,
}

/// Messages of one sender that go to one project.
pub struct Batch {
    key: IngestKey,
    text: String,
    /// Where each message ends, and whether broken UTF-8 was replaced in it.
    ends: Vec<(usize, bool)>,
}

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(
        "no key came: put [cordwood@0 key=\"…\"] into the structured data, or send to a listener of the project"
    )]
    NoKey,
    #[error("the key is not good: {0}")]
    BadKey(AuthError),
    /// Nobody can tell or take it right now.
    #[error("not now: {0}")]
    NotNow(String),
}

impl Batch {
    pub fn new(key: IngestKey) -> Self {
        Self { key, text: String::new(), ends: Vec::new() }
    }

    pub fn push(&mut self, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        self.text.push_str(&text);
        self.ends.push((self.text.len(), matches!(text, std::borrow::Cow::Owned(_))));
    }

    pub fn is_full(&self) -> bool {
        self.ends.len() >= MOST || self.text.len() >= MOST_BYTES
    }

    pub fn messages(&self) -> usize {
        self.ends.len()
    }

    /// Whether both go to the same project.
    pub fn is_for(&self, key: &IngestKey) -> bool {
        self.key.project_id == key.project_id && self.key.key_id == key.key_id
    }

    /// Takes what is known of its key by now.
    pub fn renew(&mut self, key: &IngestKey) {
        if self.is_for(key) {
            self.key = *key;
        }
    }
}

impl Desk {
    /// The key that a message shows, if it shows one.
    ///
    /// # Errors
    /// When the key is not good, or nobody can tell now.
    pub async fn key_of(&self, message: &[u8], peer: IpAddr) -> Result<Option<IngestKey>, Refusal> {
        let text = String::from_utf8_lossy(message);
        if !text.contains(syslog::KEY_ELEMENT) {
            return Ok(None);
        }
        let (_, key) = syslog::event(0, &text, 0);
        let Some(key) = key else { return Ok(None) };
        match IngestKey::of_text_from(&self.auth, &key, &peer.to_canonical().to_string()).await {
            Ok(key) => Ok(Some(key)),
            Err(error @ (AuthError::Store { .. } | AuthError::Internal { .. } | AuthError::Busy)) => {
                Err(Refusal::NotNow(error.to_string()))
            }
            Err(error) => Err(Refusal::BadKey(error)),
        }
    }

    /// Returns when the messages are on disk. `peer` is the host of those that name none.
    ///
    /// # Errors
    /// When there is no room, or the sender is too fast: nothing is kept then.
    pub async fn keep(&self, batch: &Batch, peer: IpAddr) -> Result<(), Refusal> {
        self.try_keep(batch, peer).await.map_err(|error| Refusal::NotNow(ApiError::from(error).told().detail))
    }

    async fn try_keep(&self, batch: &Batch, peer: IpAddr) -> Result<(), IngestError> {
        let host = peer.to_canonical().to_string();
        let arrival = Arrival::of_bytes(&self.ingest, batch.key, batch.text.clone().into_bytes()).await?;
        let text = std::str::from_utf8(arrival.body()).expect("it was a String");
        let mut intake = arrival.intake();
        intake.peer = &host;
        let mut gathering = arrival.gathering(intake);
        let mut start = 0;
        for (index, (end, repaired)) in batch.ends.iter().enumerate() {
            let (mut raw, _) = syslog::event(index, &text[start..*end], arrival.now_ns());
            raw.repaired = *repaired;
            gathering.take(Ok(raw))?;
            start = *end;
        }
        let gathered = gathering.finish();
        arrival.keep(gathered).await.map(|_| ())
    }
}
