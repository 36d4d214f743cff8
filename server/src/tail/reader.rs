//! One open tail: the hub's end, which never waits, and the end that the connection reads.

use super::frame;
use super::rights::Right;
use actix_web::web::Bytes;
use futures::Stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What waits for one reader, in frames and in bytes.
const WAITING_FRAMES: usize = 4096;
const WAITING_BYTES: usize = 1 << 20;
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A reader who takes nothing for so long while events are dropped is let go.
const PATIENCE: Duration = Duration::from_secs(60);
/// Frames that are written together.
const TOGETHER: usize = 256;

/// One of the organization's places; given back when dropped.
pub struct Place(Option<Box<dyn FnOnce() + Send>>);

impl Place {
    pub fn new(give_back: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(give_back)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back();
        }
    }
}

#[derive(Default)]
struct Shared {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// The hub's end.
pub struct Reader {
    frames: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
    /// Since when nothing was taken.
    stuck_since: Option<Instant>,
}

/// The connection's end.
pub struct Reading {
    frames: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
    right: Right,
    stop: CancellationToken,
    _place: Place,
}

pub fn pair(place: Place, right: Right, stop: CancellationToken) -> (Reader, Reading) {
    let (sender, receiver) = mpsc::channel(WAITING_FRAMES);
    let shared = Arc::<Shared>::default();
    let reader = Reader { frames: sender, shared: Arc::clone(&shared), stuck_since: None };
    (reader, Reading { frames: receiver, shared, right, stop, _place: place })
}

impl Reader {
    /// Hands over an event, or counts it as dropped.
    pub fn send(&mut self, event: &Bytes) {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        // The count stands where the events are missing: before the next one that fits.
        let told = dropped == 0 || self.push(frame::dropped(dropped));
        if told && dropped > 0 {
            self.shared.dropped.fetch_sub(dropped, Ordering::Relaxed);
        }
        if told && self.push(event.clone()) {
            self.stuck_since = None;
        } else {
            self.note_dropped(1);
            self.stuck_since.get_or_insert_with(Instant::now);
        }
    }

    /// Hands over something that is no event and may be missing.
    pub fn tell(&mut self, frame: Bytes) {
        self.push(frame);
    }

    pub fn note_dropped(&self, count: u64) {
        self.shared.dropped.fetch_add(count, Ordering::Relaxed);
        metrics::counter!("cordwood_tail_dropped_events_total").increment(count);
    }

    pub fn is_gone(&self) -> bool {
        self.frames.is_closed() || self.stuck_since.is_some_and(|since| since.elapsed() > PATIENCE)
    }

    fn push(&self, frame: Bytes) -> bool {
        let bytes = frame.len();
        let waiting = self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting == 0 || waiting + bytes <= WAITING_BYTES;
        let taken = fits && self.frames.try_send(frame).is_ok();
        if !taken {
            self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }
}

impl Reading {
    /// The body of the answer: ends with the right to read, with the server, or when the hub lets the reader go.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let hello = futures::stream::once(async { Ok(Bytes::from_static(frame::HELLO)) });
        let frames = futures::stream::unfold(Some(self), async |reading| {
            let mut reading = reading?;
            let next = reading.next().await?;
            // Nothing comes behind the end.
            let is_end = next == frame::ENDED;
            Some((Ok(next), (!is_end).then_some(reading)))
        });
        futures::StreamExt::chain(hello, frames)
    }

    pub(super) async fn next(&mut self) -> Option<Bytes> {
        let mut frames = Vec::new();
        tokio::select! {
            biased;
            () = self.right.cancelled() => return Some(Bytes::from_static(frame::ENDED)),
            () = self.stop.cancelled() => return None,
            count = self.frames.recv_many(&mut frames, TOGETHER) => if count == 0 { return None },
            () = tokio::time::sleep(HEARTBEAT) => return Some(self.heartbeat()),
        }
        let bytes = frames.iter().map(Bytes::len).sum();
        self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Some(match frames.len() {
            1 => frames.remove(0),
            _ => frames.concat().into(),
        })
    }

    /// With what was dropped, when no event came since to tell it.
    fn heartbeat(&self) -> Bytes {
        match self.shared.dropped.swap(0, Ordering::Relaxed) {
            0 => Bytes::from_static(frame::HEARTBEAT),
            dropped => frame::dropped(dropped),
        }
    }
}
