//! Syslog over UDP: what arrives waits in a bounded queue while the log is busy.
//!
//! UDP tells its sender nothing, so a message that finds the queue full, or shows no good key, is lost; it is counted by reason.

use super::intake::{Batch, Desk, Refusal};
use crate::auth::IngestKey;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

const QUEUE: usize = 20_000;
const LONGEST: usize = 65_536;
/// Messages taken out of the queue at once.
const AT_ONCE: usize = 2_000;
/// How often a batch is tried before it is given up.
const TRIES: u32 = 20;

type Datagram = (IpAddr, Vec<u8>);

/// Receives until the server stops.
pub async fn serve(socket: UdpSocket, project: Option<IngestKey>, desk: Desk, stop: CancellationToken) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let socket = Arc::new(socket);
    let stored = store(receiver, project, desk);
    tokio::join!(receive(socket, sender, stop), stored);
}

/// Ends with the server; what is in the queue then is still stored.
async fn receive(socket: Arc<UdpSocket>, sender: Sender<Datagram>, stop: CancellationToken) {
    let mut buffer = vec![0; LONGEST];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = stop.cancelled() => return,
        };
        let Ok((length, peer)) = received else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if sender.try_send((SocketAddr::ip(&peer), buffer[..length].to_vec())).is_err() {
            drop_messages("queue_full", 1);
        }
    }
}

async fn store(mut receiver: Receiver<Datagram>, project: Option<IngestKey>, desk: Desk) {
    let mut waiting = Vec::with_capacity(AT_ONCE);
    while receiver.recv_many(&mut waiting, AT_ONCE).await > 0 {
        let mut batches: Vec<(IpAddr, Batch)> = Vec::new();
        for (peer, message) in waiting.drain(..) {
            if message.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let key = match project {
                Some(key) => key,
                None => match key_of(&desk, peer, &message).await {
                    Some(key) => key,
                    None => continue,
                },
            };
            let open =
                batches.iter_mut().find(|(of, batch)| *of == peer && batch.is_for(&key) && !batch.is_full());
            match open {
                Some((_, batch)) => batch.push(&message),
                None => {
                    let mut batch = Batch::new(key);
                    batch.push(&message);
                    batches.push((peer, batch));
                }
            }
        }
        for (peer, batch) in batches {
            keep(&desk, peer, &batch).await;
        }
    }
}

async fn key_of(desk: &Desk, peer: IpAddr, message: &[u8]) -> Option<IngestKey> {
    match desk.key_of(message, peer).await {
        Ok(Some(key)) => return Some(key),
        Ok(None) => drop_messages("no_key", 1),
        Err(Refusal::BadKey(_) | Refusal::NoKey) => drop_messages("bad_key", 1),
        Err(Refusal::NotNow(_)) => drop_messages("key_unknown_now", 1),
    }
    None
}

async fn keep(desk: &Desk, peer: IpAddr, batch: &Batch) {
    for attempt in 0..TRIES {
        match desk.keep(batch, peer).await {
            Ok(()) => return,
            Err(_) => tokio::time::sleep(Duration::from_millis(50 << attempt.min(6))).await,
        }
    }
    drop_messages("not_stored", batch.messages());
}

fn drop_messages(reason: &'static str, count: usize) {
    metrics::counter!("cordwood_syslog_dropped_messages_total", "reason" => reason).increment(count as u64);
    tracing::debug!(reason, count, "dropped syslog messages that came over UDP");
}
