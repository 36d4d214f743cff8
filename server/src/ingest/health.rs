//! `GET /api/v1/ingest/health`: how an organization's ingest is doing.

use super::Ingest;
use crate::auth::{Member, Viewer};
use crate::db::Db;
use crate::error::ApiError;
use crate::time::now_us;
use crate::usage::{day_of, overview, store};
use actix_web::web;
use api_types::usage::{Delivery, IngestHealth};

/// Days that are looked at, today included.
const DAYS: i64 = 7;
/// Older than this without a failure is catching up: a batch is sealed after a second.
const BEHIND_S: f64 = 10.0;

/// What was refused and why, who sent last and when, and how far behind delivery is: of the last seven days.
pub async fn health(
    member: Member<Viewer>,
    ingest: web::Data<Ingest>,
    db: web::Data<Db>,
) -> Result<web::Json<IngestHealth>, ApiError> {
    let (scope, today) = (member.scope(), day_of(now_us()));
    let days = (today - DAYS + 1, today);
    Ok(web::Json(IngestHealth {
        refusals: store::by_refusal(&db, scope, days).await?.into_iter().map(overview::refusal).collect(),
        sources: store::by_source(&db, scope, days).await?.into_iter().map(overview::source).collect(),
        keys: store::by_key(&db, scope, days).await?.into_iter().map(overview::key).collect(),
        dead_letters: ingest.dead_letters().count(scope).await?,
        delivery: delivery(&ingest),
    }))
}

fn delivery(ingest: &Ingest) -> Delivery {
    let lag = ingest.lag();
    let oldest_waiting_s = lag.oldest_waiting_s();
    let state = match (lag.failures(), oldest_waiting_s) {
        (1.., _) => "store_unavailable",
        (0, age) if age > BEHIND_S => "catching_up",
        _ => "up_to_date",
    };
    Delivery { state: state.to_owned(), oldest_waiting_s }
}
