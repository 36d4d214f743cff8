//! Ports that belong to one project each: kept in the metadata, opened on every node that takes logs.
//!
//! Every few seconds what is open is compared with what is kept, so that a restart, another node's change, and a project that was
//! deleted or keeps its logs for another time, all end in the right ports being open.

use super::store::{self, Kept};
use super::{Receivers, Speaks};
use crate::auth::IngestKey;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::shutdown::Shutdown;
use crate::tenant::TenantScope;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PAUSE: Duration = Duration::from_secs(5);
/// Listeners of one organization.
pub const MOST: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("This server takes no syslog: the operator has switched it off (`syslog_listen`).")]
    Off,
    #[error("This server has no certificate for syslog over TLS; the operator sets `syslog_certificate`.")]
    NoCertificate,
    #[error("Port {port} cannot be used: {source}. Choose another one, or leave it out.")]
    Port { port: u16, source: io::Error },
    #[error("Port {0} belongs to another listener. Choose another one, or leave it out.")]
    PortTaken(u16),
    #[error("An organization has at most {MOST} syslog listeners. Delete one first.")]
    TooMany,
}

impl Problem for ListenerError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Off => ProblemKind::Conflict("syslog_off"),
            Self::NoCertificate => ProblemKind::Conflict("no_certificate"),
            Self::Port { .. } | Self::PortTaken(_) => ProblemKind::Conflict("port_taken"),
            Self::TooMany => ProblemKind::Conflict("too_many_listeners"),
        }
    }
}

/// The listeners of this node. Clones are the same.
#[derive(Clone)]
pub struct Listeners(Arc<Inner>);

struct Inner {
    db: Db,
    /// Absent when this node takes no syslog.
    receivers: Option<Receivers>,
    /// Where ports are opened.
    ip: IpAddr,
    open: Mutex<HashMap<Uuid, Open>>,
    shutdown: Shutdown,
}

struct Open {
    kept: Kept,
    stop: CancellationToken,
}

enum Port {
    Stream(TcpListener, Speaks),
    Datagrams(UdpSocket),
}

impl Listeners {
    pub fn new(db: Db, receivers: Option<Receivers>, ip: IpAddr, shutdown: &Shutdown) -> Self {
        let inner = Inner { db, receivers, ip, open: Mutex::default(), shutdown: shutdown.clone() };
        Self(Arc::new(inner))
    }

    /// Opens what is kept, and follows it until the shutdown.
    pub fn start(&self) {
        if self.0.receivers.is_none() {
            return;
        }
        let (listeners, stop) = (self.clone(), self.0.shutdown.token());
        self.0.shutdown.spawn(async move {
            loop {
                if let Err(error) = listeners.follow().await {
                    tracing::debug!(%error, "could not read which syslog listeners there are");
                }
                tokio::select! { () = tokio::time::sleep(PAUSE) => {}, () = stop.cancelled() => return }
            }
        });
    }

    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.0.ip
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, scope: &TenantScope) -> Result<Vec<Kept>, ListenerError> {
        Ok(store::list(&self.0.db, scope).await?)
    }

    /// The retention of a project of the organization; nothing when it has no such project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn project(&self, scope: &TenantScope, project_id: Uuid) -> Result<Option<i64>, ListenerError> {
        Ok(store::project(&self.0.db, scope, project_id).await?)
    }

    /// Opens a port for a project, and keeps it. 0 is any free one.
    ///
    /// # Errors
    /// When the port is taken, the organization has too many, or this server cannot do it.
    pub async fn add(
        &self,
        scope: &TenantScope,
        project: (Uuid, i64),
        protocol: &str,
        port: u16,
    ) -> Result<Kept, ListenerError> {
        let receivers = self.0.receivers.as_ref().ok_or(ListenerError::Off)?;
        if protocol == "tls" && !receivers.has_certificate() {
            return Err(ListenerError::NoCertificate);
        }
        if store::list(&self.0.db, scope).await?.len() >= MOST {
            return Err(ListenerError::TooMany);
        }
        let mut open = self.0.open.lock().await;
        let bound = self.bind(protocol, port).await;
        let (bound, port) = bound.map_err(|source| ListenerError::Port { port, source })?;
        let kept = store::insert(&self.0.db, scope, project, protocol, port).await?;
        let kept = kept.ok_or(ListenerError::PortTaken(port))?;
        self.serve(receivers, &mut open, kept.clone(), bound);
        Ok(kept)
    }

    /// Closes a port: at once here, within seconds on other nodes. Says whether there was one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove(&self, scope: &TenantScope, id: Uuid) -> Result<bool, ListenerError> {
        let was_there = store::delete(&self.0.db, scope, id).await?;
        if was_there && let Some(open) = self.0.open.lock().await.remove(&id) {
            open.stop.cancel();
        }
        Ok(was_there)
    }

    async fn follow(&self) -> Result<(), ListenerError> {
        let Some(receivers) = &self.0.receivers else { return Ok(()) };
        let mut open = self.0.open.lock().await;
        let wanted: HashMap<Uuid, Kept> =
            store::every(&self.0.db).await?.into_iter().map(|kept| (kept.id, kept)).collect();
        open.retain(|id, open| {
            let stays = wanted.get(id) == Some(&open.kept);
            if !stays {
                open.stop.cancel();
            }
            stays
        });
        for (id, kept) in wanted {
            if open.contains_key(&id) || (kept.protocol == "tls" && !receivers.has_certificate()) {
                continue;
            }
            match self.bind(&kept.protocol, u16::try_from(kept.port).unwrap_or(0)).await {
                Ok((bound, _)) => self.serve(receivers, &mut open, kept, bound),
                Err(error) => tracing::warn!(%error, port = kept.port, "a syslog listener cannot be opened"),
            }
        }
        Ok(())
    }

    async fn bind(&self, protocol: &str, port: u16) -> io::Result<(Port, u16)> {
        let address = SocketAddr::new(self.0.ip, port);
        if protocol == "udp" {
            let socket = UdpSocket::bind(address).await?;
            let port = socket.local_addr()?.port();
            return Ok((Port::Datagrams(socket), port));
        }
        let listener = TcpListener::bind(address).await?;
        let port = listener.local_addr()?.port();
        let speaks = if protocol == "tls" { Speaks::Tls } else { Speaks::Tcp };
        Ok((Port::Stream(listener, speaks), port))
    }

    fn serve(&self, receivers: &Receivers, open: &mut HashMap<Uuid, Open>, kept: Kept, port: Port) {
        let retention_days = u16::try_from(kept.retention_days).unwrap_or(u16::MAX);
        let project = Some(IngestKey::of_project(
            TenantScope::of_job(kept.organization_id),
            kept.project_id,
            retention_days,
        ));
        let stop = self.0.shutdown.token().child_token();
        match port {
            Port::Stream(listener, speaks) => receivers.accept(listener, speaks, project, stop.clone()),
            Port::Datagrams(socket) => receivers.receive(socket, project, stop.clone()),
        }
        open.insert(kept.id, Open { kept, stop });
    }
}
