//! Syslog over TCP, TLS and UDP, in RFC 5424 and RFC 3164.
//!
//! One shared port for all tenants, where the API key in a message's structured data tells whose it is; and ports of their own for
//! projects whose senders cannot put a key into a message (`listeners`). On the shared port a connection that begins like TLS is
//! TLS, when a certificate is configured. What syslog is not: acknowledged. Over TCP a full log holds the sender back (`stream`),
//! over UDP messages are lost when a bounded queue is full (`datagrams`).

mod datagrams;
mod framing;
pub mod http;
mod intake;
pub mod listeners;
pub mod store;
mod stream;
mod tls;

use super::super::Ingest;
use crate::auth::{Auth, IngestKey};
use crate::config::Settings;
use crate::shutdown::Shutdown;
use intake::Desk;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::Certificate;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections of all listeners together.
const MOST_CONNECTIONS: usize = 2_000;
/// The first byte of a TLS connection.
const TLS_HELLO: u8 = 0x16;
/// How long it is waited for.
const FIRST_BYTE: Duration = Duration::from_secs(60);
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What all listeners share.
#[derive(Clone)]
pub struct Receivers {
    desk: Desk,
    certificate: Option<Certificate>,
    places: Arc<Semaphore>,
    shutdown: Shutdown,
}

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// TLS too, when a certificate is configured.
    Tcp,
    Tls,
}

impl Receivers {
    /// # Errors
    /// When a certificate is configured and cannot be used.
    pub fn new(settings: &Settings, ingest: Ingest, auth: Auth, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let certificate = Certificate::of(settings)?;
        if let Some(certificate) = &certificate {
            shutdown.spawn(certificate.files().keep_fresh(shutdown.token()));
        }
        Ok(Self {
            desk: Desk { ingest, auth },
            certificate,
            places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
            shutdown: shutdown.clone(),
        })
    }

    /// Listens on the shared port over TCP and UDP; tells the address.
    ///
    /// # Errors
    /// When one of them is taken.
    pub async fn share(&self, listen: SocketAddr) -> io::Result<SocketAddr> {
        let stop = self.shutdown.token();
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let socket = UdpSocket::bind(address).await?;
        self.accept(listener, Speaks::Tcp, None, stop.clone());
        self.receive(socket, None, stop);
        Ok(address)
    }

    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.certificate.is_some()
    }

    /// Serves connections until told to stop.
    pub fn accept(
        &self,
        listener: TcpListener,
        speaks: Speaks,
        project: Option<IngestKey>,
        stop: CancellationToken,
    ) {
        let receivers = self.clone();
        self.shutdown.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = receivers.next(&listener) => accepted,
                    () = stop.cancelled() => return,
                };
                let Ok((stream, peer, place)) = accepted else {
                    // Out of file descriptors, most likely: those who wait keep waiting.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (receivers, stop) = (receivers.clone(), stop.clone());
                receivers.shutdown.clone().spawn(async move {
                    receivers.connection(stream, peer, speaks, project, &stop).await;
                    drop(place);
                });
            }
        });
    }

    async fn next(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let place = self.places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, place))
    }

    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        speaks: Speaks,
        project: Option<IngestKey>,
        stop: &CancellationToken,
    ) {
        metrics::counter!("cordwood_syslog_connections_total").increment(1);
        let is_tls = speaks == Speaks::Tls || begins_like_tls(&stream, stop).await;
        match (is_tls, &self.certificate) {
            (false, _) => stream::serve(stream, peer, project, &self.desk, stop).await,
            (true, None) => {
                tracing::info!(%peer, "closed a syslog connection: it speaks TLS, and there is no certificate")
            }
            (true, Some(certificate)) => {
                match tokio::time::timeout(HANDSHAKE, certificate.acceptor().accept(stream)).await {
                    Ok(Ok(stream)) => stream::serve(stream, peer, project, &self.desk, stop).await,
                    failed => tracing::info!(%peer, ?failed, "closed a syslog connection: no TLS handshake"),
                }
            }
        }
    }

    /// Receives datagrams until told to stop.
    pub fn receive(&self, socket: UdpSocket, project: Option<IngestKey>, stop: CancellationToken) {
        self.shutdown.spawn(datagrams::serve(socket, project, self.desk.clone(), stop));
    }
}

/// Waits for the first byte, without taking it.
async fn begins_like_tls(stream: &TcpStream, stop: &CancellationToken) -> bool {
    let mut first = [0];
    tokio::select! {
        peeked = stream.peek(&mut first) => peeked.is_ok_and(|length| length == 1) && first[0] == TLS_HELLO,
        () = tokio::time::sleep(FIRST_BYTE) => false,
        () = stop.cancelled() => false,
    }
}

#[cfg(test)]
mod tests;
