//! The protocols of other products' clients, each in a module that can be read alone.
//!
//! Each finds the key where its clients put it, reads the body as its clients send it, and answers in its own words: partial
//! failure, refusals and errors too, because those decide whether a client sends again. What they share is `Arrival`: an
//! answer that says "taken" means on disk, and a rejected event that could be read is a dead letter.

#[cfg(test)]
mod corpus;
pub mod datadog;
pub mod elastic;
pub mod loki;
pub mod otlp;
pub mod splunk;
pub mod syslog;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod too_old;

use super::Ingest;
use super::IngestError;
use super::arrival::Arrival;
use super::body::Encoding;
use crate::auth::{Auth, AuthError, IngestKey};
use crate::config::Settings;
use crate::db::Db;
use crate::error::{ApiError, Told};
use crate::shutdown::Shutdown;
use crate::startup::tell_address;
use crate::tls::Certificate;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use anyhow::Context;
use std::net::SocketAddr;
use syslog::Receivers;
use syslog::listeners::Listeners;

pub fn routes(app: &mut web::ServiceConfig) {
    elastic::routes(app);
    loki::routes(app);
    otlp::http::routes(app);
    splunk::routes(app);
    datadog::routes(app);
    syslog::http::routes(app);
}

/// Opens the ports of the protocols that are not HTTP.
///
/// # Errors
/// When an address that was asked for cannot be listened on. A default one that another program has is done without.
pub async fn start(
    settings: &Settings,
    certificate: Option<&Certificate>,
    db: &Db,
    (ingest, auth): (&Ingest, &Auth),
    shutdown: &Shutdown,
) -> anyhow::Result<Listeners> {
    let takes_logs = settings.has_role("ingest");
    if let Some((listen, wanted)) = settings.otlp_grpc()?.filter(|_| takes_logs) {
        let desk = (ingest.clone(), auth.clone());
        let started = otlp::grpc::start(listen, certificate, desk, shutdown).await;
        opened(settings, "otlp-grpc", listen, wanted, started)?;
    }
    let syslog = settings.syslog()?.filter(|_| takes_logs);
    let ip = syslog.map_or(settings.listen.ip(), |(listen, _)| listen.ip());
    let receivers = match syslog {
        Some((listen, wanted)) => {
            let receivers = Receivers::new(settings, ingest.clone(), auth.clone(), shutdown)?;
            opened(settings, "syslog", listen, wanted, receivers.share(listen).await)?;
            Some(receivers)
        }
        None => None,
    };
    let listeners = Listeners::new(db.clone(), receivers, ip, shutdown);
    listeners.start();
    Ok(listeners)
}

fn opened(
    settings: &Settings,
    name: &str,
    listen: SocketAddr,
    wanted: bool,
    started: std::io::Result<SocketAddr>,
) -> anyhow::Result<()> {
    match started {
        Ok(address) => {
            tracing::info!(%address, "listening for {name}");
            tell_address(settings, name, address)
        }
        Err(error) if !wanted => {
            tracing::warn!(%error, address = %listen, "not listening for {name}: another program has the address");
            Ok(())
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {listen} for {name}")),
    }
}

/// Who sends, or why nobody may: extracted so that each protocol refuses in its own words.
type Sender = Result<IngestKey, AuthError>;

/// Reads a request as `Content-Encoding` says.
async fn arrive(
    ingest: &Ingest,
    sender: Sender,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Arrival, ApiError> {
    let key = sender?;
    let encoding = Encoding::of(request.headers()).map_err(IngestError::from)?;
    Ok(Arrival::read(ingest, key, request.headers(), payload, encoding).await?)
}

/// Notes a refusal of a whole request, for the organization's own pages.
fn noted<T>(ingest: &Ingest, key: Option<IngestKey>, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
    if let (Err(refused), Some(key)) = (&outcome, key) {
        ingest.note_refused(&key, refused.code());
    }
    outcome
}

/// Who sends, if somebody may.
fn known(sender: &Sender) -> Option<IngestKey> {
    sender.as_ref().ok().copied()
}

/// The beginning of a refusal: status and, where waiting helps, `Retry-After`.
fn refusal(told: &Told, status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    if let Some(seconds) = told.retry_after_s {
        answer.insert_header((RETRY_AFTER, seconds));
    }
    answer
}

/// A request that cannot be read as its protocol has it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

impl crate::error::Problem for Unreadable {
    fn kind(&self) -> crate::error::ProblemKind {
        crate::error::ProblemKind::BadRequest("unreadable")
    }
}
