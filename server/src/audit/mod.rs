//! The audit log: who did what, when, from where; in a chain per organization that shows when a row was changed or taken out.
//!
//! Handlers take an `Auditor` and say what was done: `record` returns when the row is stored, `read_logs` and `export_logs` are for what
//! was read and do not keep it waiting. While the database is away entries wait in memory, and a stop or crash of the process then
//! loses them; the change itself needs the same database, so there is rarely one to tell of.
//!
//! Each row's hash covers the one before it. Who can write to the database can make a whole chain anew: keep the newest hash of
//! an export elsewhere to be safe from that too.

mod chain;
mod check;
mod http;
mod reads;
mod retention;
mod search;
mod store;
mod writer;

pub use http::routes;
pub use reads::{Cost, Read};

#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, &[(&str, &str)])] = &[("audit/store.rs", store::ALL)];

use crate::auth::caller::Caller;
use crate::client::Client;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::shutdown::Shutdown;
use crate::tenant::TenantScope;
use crate::time::{DAY_US, Micros, now_us};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use reads::{ReadBy, Reads};
use serde_json::Value;
use std::convert::Infallible;
use std::future::{Ready, ready};
use uuid::Uuid;
use writer::Writer;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    Person(Uuid),
    Key(Uuid),
    /// Cordwood itself, by a job or by its operator.
    System,
}

/// One thing that was done, before it has its place in the chain.
#[derive(Debug, Clone)]
pub struct Entry {
    pub scope: TenantScope,
    pub at: Micros,
    pub actor: Actor,
    /// As in `project.changed`.
    pub action: &'static str,
    pub target: Target,
    pub detail: Value,
    pub address: String,
    pub user_agent: String,
}

/// What it was done to: an id for programs, a name for people.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub id: String,
    pub name: String,
}

impl Target {
    pub fn of(id: impl ToString, name: impl Into<String>) -> Self {
        Self { id: id.to_string(), name: name.into() }
    }

    /// Nothing in particular: the organization itself.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}

/// Writes and reads the log; cheap to clone.
#[derive(Clone)]
pub struct Audit {
    db: Db,
    writer: Writer,
    reads: Reads,
    kept_us: Micros,
}

impl Audit {
    /// Starts the one writer of this process, which ends with the shutdown.
    #[must_use]
    pub fn start(db: Db, retention_days: u32, shutdown: &Shutdown) -> Self {
        let audit = Self {
            writer: Writer::start(db.clone(), shutdown),
            reads: Reads::default(),
            db,
            kept_us: i64::from(retention_days) * DAY_US,
        };
        shutdown.spawn(retention::keep_short(audit.clone(), shutdown.token()));
        shutdown.spawn(audit.reads.clone().run(audit.writer.clone(), shutdown.token()));
        audit
    }

    /// Stores what a job or the operator did.
    pub async fn record_of_system(
        &self,
        scope: TenantScope,
        action: &'static str,
        target: Target,
        detail: Value,
    ) {
        let (address, user_agent) = (String::new(), String::new());
        let entry =
            Entry { scope, at: now_us(), actor: Actor::System, action, target, detail, address, user_agent };
        self.writer.store(entry).await;
    }
}

/// The log, and who is asking; what handlers take.
#[derive(Clone)]
pub struct Auditor {
    audit: Audit,
    who: Option<(TenantScope, Actor)>,
    client: Client,
}

impl Auditor {
    /// Stores what the caller did. Nothing for a caller without credentials: use `record_as`.
    pub async fn record(&self, action: &'static str, target: Target, detail: Value) {
        if let Some((scope, actor)) = self.who {
            self.record_as(scope, actor, action, target, detail).await;
        }
    }

    /// Stores what somebody did who came without credentials and is known now: signing in, following a link.
    pub async fn record_as(
        &self,
        scope: TenantScope,
        actor: Actor,
        action: &'static str,
        target: Target,
        detail: Value,
    ) {
        self.audit.writer.store(self.entry(scope, actor, action, target, detail)).await;
    }

    /// Notes what Cordwood refused to somebody whom it does not know, without waiting until that is stored: how long an answer
    /// takes must not tell whether there was anything to note.
    pub async fn note_of_system(
        &self,
        scope: TenantScope,
        action: &'static str,
        target: Target,
        detail: Value,
    ) {
        self.audit.writer.note(self.entry(scope, Actor::System, action, target, detail)).await;
    }

    /// Notes that the caller was shown logs; what they ask again within a minute is told together.
    pub async fn read_logs(&self, read: Read) {
        if let Some((scope, actor)) = self.who {
            let by = ReadBy { scope, actor, client: self.client.clone() };
            for entry in self.audit.reads.note(by, read, now_us()) {
                self.audit.writer.note(entry).await;
            }
        }
    }

    /// Notes that the caller took logs away as a file. Each file has its entry.
    pub async fn export_logs(&self, read: Read) {
        if let Some((scope, actor)) = self.who {
            let by = ReadBy { scope, actor, client: self.client.clone() };
            self.audit.writer.note(reads::exported(by, read, now_us())).await;
        }
    }

    fn entry(
        &self,
        scope: TenantScope,
        actor: Actor,
        action: &'static str,
        target: Target,
        detail: Value,
    ) -> Entry {
        let Client { address, user_agent } = self.client.clone();
        Entry { scope, at: now_us(), actor, action, target, detail, address, user_agent }
    }
}

impl FromRequest for Auditor {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let audit = request.app_data::<web::Data<Audit>>().expect("app::routes registers it");
        let (who, client) = (Caller::who(request), Client::of(request));
        ready(Ok(Self { audit: audit.as_ref().clone(), who, client }))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("The cursor is not one that this list gave. Start again without it.")]
    Cursor,
    #[error("Only the part of a query before the first `|` can be used here.")]
    Stages,
    #[error("failed to {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Problem for AuditError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Cursor => ProblemKind::Invalid("cursor_invalid"),
            Self::Stages => ProblemKind::Invalid("query_invalid"),
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
        }
    }
}

impl From<AuditError> for actix_web::Error {
    fn from(error: AuditError) -> Self {
        crate::error::ApiError::from(error).into()
    }
}
