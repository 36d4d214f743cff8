//! A TCP proxy that can do to a connection what networks do.

use anyhow::Result;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Connections are closed at once.
    Refuse,
    /// Requests arrive and answers never do.
    DropAnswers,
    /// Answers take longer, and one of so many never comes.
    Slow {
        delay_ms: u64,
        drop_one_in: u64,
    },
    /// Every connection is reset after so many bytes of requests.
    CutRequests {
        after: u64,
    },
    /// A byte at a time, for the first so many.
    Trickle {
        bytes: usize,
    },
    /// Nothing passes, and nobody is told: what is on its way arrives when this ends.
    Hold,
}

pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    mode: Mutex<Mode>,
    target: Mutex<SocketAddr>,
    answers: AtomicU64,
    /// Connections that were broken on purpose.
    broken: AtomicU64,
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn held(&self) {
        while self.mode() == Mode::Hold {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn note_broken(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }
}

impl Proxy {
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Pass),
            target: Mutex::new(target),
            answers: AtomicU64::new(0),
            broken: AtomicU64::new(0),
        });
        let for_accept = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, Arc::clone(&for_accept)));
            }
        });
        Ok(Self { address, shared, accepting })
    }

    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    pub fn aim_at(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    pub fn broken(&self) -> u64 {
        self.shared.broken.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, shared: Arc<Shared>) {
    if shared.mode() == Mode::Refuse {
        return shared.note_broken();
    }
    let target = *shared.target.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((client_read, client_write), (server_read, server_write)) =
        (client.into_split(), server.into_split());
    // When one direction ends, the connection does.
    tokio::select! {
        () = requests(client_read, server_write, &shared) => {}
        () = answers(server_read, client_write, &shared) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let (mut buffer, mut passed) = (vec![0; 64 << 10], 0);
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        shared.held().await;
        let mut part = &buffer[..count];
        match shared.mode() {
            Mode::Refuse => return shared.note_broken(),
            Mode::CutRequests { after } if passed + count as u64 > after => {
                let rest = usize::try_from(after.saturating_sub(passed)).unwrap_or(0);
                to.write_all(&part[..rest.min(count)]).await.ok();
                return shared.note_broken();
            }
            Mode::Trickle { bytes } => {
                let (slow, rest) = part.split_at(bytes.min(count));
                for byte in slow {
                    if to.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                part = rest;
            }
            _ => {}
        }
        if to.write_all(part).await.is_err() {
            return;
        }
        passed += count as u64;
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        shared.held().await;
        match shared.mode() {
            Mode::Refuse | Mode::DropAnswers => return shared.note_broken(),
            Mode::Slow { delay_ms, drop_one_in } => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                if (shared.answers.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(drop_one_in) {
                    return shared.note_broken();
                }
            }
            _ => {}
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
