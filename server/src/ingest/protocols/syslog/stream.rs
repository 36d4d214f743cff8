//! One TCP or TLS connection of a sender.
//!
//! Nothing is read while what came is not on disk, so a sender that is too fast, or a log that is full, is felt by the sender and
//! loses nothing. A connection whose messages have no good key is closed: that the sender notices. The key is looked up again for
//! whatever comes, and while the sender is held back: it may have been revoked by then, or got other limits.

use super::framing::Framer;
use super::intake::{Batch, Desk, Refusal};
use crate::auth::IngestKey;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

const PIECE_BYTES: usize = 64 << 10;
/// A connection that has shown no key has to say something within this time.
const FIRST_WORDS: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Reads until the sender ends, is refused, or the server stops.
pub async fn serve(
    mut stream: impl AsyncRead + Unpin,
    peer: SocketAddr,
    project: Option<IngestKey>,
    desk: &Desk,
    stop: &CancellationToken,
) {
    let mut session = Session { desk, peer, key: project, shown: None, stop };
    let mut framer = Framer::default();
    let mut piece = vec![0; PIECE_BYTES];
    let ended = loop {
        let patience = if session.key.is_some() { Duration::MAX } else { FIRST_WORDS };
        let read = tokio::select! {
            read = tokio::time::timeout(patience, stream.read(&mut piece)) => read,
            () = stop.cancelled() => break Ok(()),
        };
        match read {
            Ok(Ok(length)) if length > 0 => framer.push(&piece[..length]),
            _ => break Ok(()),
        }
        let messages = std::iter::from_fn(|| framer.next_message()).collect();
        if let Err(refusal) = session.take(messages).await {
            break Err(refusal);
        }
    };
    let ended = match (ended, framer.finish()) {
        (Ok(()), Some(last)) if !stop.is_cancelled() => session.take(vec![last]).await,
        (ended, _) => ended,
    };
    if let Err(refusal) = ended {
        metrics::counter!("cordwood_syslog_refused_connections_total").increment(1);
        tracing::info!(%peer, %refusal, "closed a syslog connection");
    }
}

struct Session<'a> {
    desk: &'a Desk,
    peer: SocketAddr,
    /// Of the listener, or the last that a message showed.
    key: Option<IngestKey>,
    /// The message that showed it.
    shown: Option<Vec<u8>>,
    stop: &'a CancellationToken,
}

impl Session<'_> {
    async fn take(&mut self, messages: Vec<Vec<u8>>) -> Result<(), Refusal> {
        self.renew().await?;
        let mut batch: Option<Batch> = None;
        for message in messages {
            if let Some(key) = self.key_of(&message).await? {
                self.key = Some(key);
                self.shown = Some(message.clone());
            }
            let key = self.key.ok_or(Refusal::NoKey)?;
            if let Some(done) = batch.take_if(|batch| batch.is_full() || !batch.is_for(&key)) {
                self.keep(done).await?;
            }
            batch.get_or_insert_with(|| Batch::new(key)).push(&message);
        }
        match batch {
            Some(batch) => self.keep(batch).await,
            None => Ok(()),
        }
    }

    async fn renew(&mut self) -> Result<(), Refusal> {
        if let Some(shown) = &self.shown {
            self.key = self.key_of(shown).await?;
        }
        Ok(())
    }

    async fn key_of(&self, message: &[u8]) -> Result<Option<IngestKey>, Refusal> {
        let mut patience = Patience::new(self.stop);
        loop {
            match self.desk.key_of(message, self.peer.ip()).await {
                Err(Refusal::NotNow(why)) => patience.wait(why).await?,
                done => return done,
            }
        }
    }

    async fn keep(&mut self, mut batch: Batch) -> Result<(), Refusal> {
        let mut patience = Patience::new(self.stop);
        loop {
            match self.desk.keep(&batch, self.peer.ip()).await {
                Err(Refusal::NotNow(why)) => patience.wait(why).await?,
                done => return done,
            }
            self.renew().await?;
            if let Some(key) = &self.key {
                batch.renew(key);
            }
        }
    }
}

/// Waits longer each time, until the server stops.
struct Patience<'a> {
    pause: Duration,
    stop: &'a CancellationToken,
}

impl<'a> Patience<'a> {
    fn new(stop: &'a CancellationToken) -> Self {
        Self { pause: Duration::from_millis(100), stop }
    }

    /// Gives up when the server stops.
    async fn wait(&mut self, why: String) -> Result<(), Refusal> {
        tokio::select! {
            () = tokio::time::sleep(self.pause) => {}
            () = self.stop.cancelled() => return Err(Refusal::NotNow(why)),
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
