//! The whole HTTP surface as one function, and the services that handlers ask for.

use crate::accounts::{self, Accounts};
use crate::alerts::{self, Alerts};
use crate::annotations;
use crate::audit::{self, Audit};
use crate::auth::Auth;
use crate::config::Settings;
use crate::db::Db;
use crate::erasure::{self, Erasure};
use crate::http_head;
use crate::ingest::protocols::syslog::listeners::Listeners;
use crate::ingest::{self, Ingest};
use crate::logstore::LogStore;
use crate::masking;
use crate::openapi;
use crate::pinned_fields;
use crate::runtime::on_main;
use crate::saved_searches;
use crate::search::{self, catalogues::Catalogues, execute::Executor};
use crate::shutdown::Shutdown;
use crate::tail::{self, Tails};
use crate::usage;
use crate::web_assets;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use std::sync::Arc;

/// Everything that was started, in one place; `routes` hands each handler the one thing it needs.
#[derive(Clone)]
pub struct Services {
    pub settings: Arc<Settings>,
    pub db: Db,
    pub auth: Auth,
    pub accounts: Accounts,
    pub audit: Audit,
    pub erasure: Erasure,
    pub logs: LogStore,
    pub ingest: Ingest,
    pub tails: Tails,
    pub syslog: Listeners,
    pub searches: Executor,
    pub catalogues: Catalogues,
    pub alerts: Alerts,
    pub metrics: PrometheusHandle,
    pub shutdown: Shutdown,
}

/// Every route. A feature adds its own in `<feature>::http::routes`.
pub fn routes(app: &mut web::ServiceConfig, services: &Services) {
    http_head::extractors(app);
    app.app_data(web::Data::new(services.clone()))
        .app_data(web::Data::from(services.settings.clone()))
        .app_data(web::Data::new(services.db.clone()))
        .app_data(web::Data::new(services.auth.clone()))
        .app_data(web::Data::new(services.accounts.clone()))
        .app_data(web::Data::new(services.audit.clone()))
        .app_data(web::Data::new(services.erasure.clone()))
        .app_data(web::Data::new(services.ingest.clone()))
        .app_data(web::Data::new(services.ingest.masking().clone()))
        .app_data(web::Data::new(services.ingest.quota().clone()))
        .app_data(web::Data::new(services.tails.clone()))
        .app_data(web::Data::new(services.syslog.clone()))
        .app_data(web::Data::new(services.searches.clone()))
        .app_data(web::Data::new(services.catalogues.clone()))
        .app_data(web::Data::new(services.alerts.clone()))
        .configure(accounts::routes)
        .configure(audit::routes)
        .configure(ingest::http::routes)
        .configure(masking::http::routes)
        .configure(usage::http::routes)
        // Before the search, whose `/logs/{id}` would take it for an id.
        .configure(tail::http::routes)
        .configure(erasure::routes)
        .configure(search::http::routes)
        .configure(saved_searches::http::routes)
        .configure(annotations::http::routes)
        .configure(pinned_fields::http::routes)
        .configure(openapi::routes)
        .configure(alerts::http::routes)
        .service(web::resource("/healthz").get(health))
        .service(web::resource("/readyz").get(on_main(ready)))
        .service(web::resource("/metrics").get(metrics))
        .default_service(web::to(web_assets::serve));
}

/// The process is up. Needs no credentials.
async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// What this node cannot work without is up, and it is not stopping. Needs no credentials.
///
/// The log store is only told of: while it is away, logs are still accepted.
async fn ready(services: web::Data<Services>) -> (web::Json<Value>, StatusCode) {
    let database = services.db.ping().await.is_ok();
    let log_store = services.logs.ping().await.is_ok();
    let ready = database && !services.shutdown.is_stopping();
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "database": up_or_down(database),
        "log_store": up_or_down(log_store),
        "stopping": services.shutdown.is_stopping(),
    });
    (web::Json(body), if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE })
}

fn up_or_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// Prometheus text.
async fn metrics(services: web::Data<Services>) -> HttpResponse {
    services.ingest.note_levels();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(services.metrics.render())
}
