//! Starts everything in order, serves, and stops in the reverse order.
//!
//! Order of start: data folder, metadata, engine, log store, write-ahead log, shipper, scheduler, HTTP. Order of stop: not ready
//! any more, no new requests, running ones answered, background tasks, write-ahead log sealed, engine, pools.

use crate::accounts::{Accounts, MailLinks};
use crate::alerts::{Alerts, Waiting};
use crate::app::{self, Services};
use crate::audit::Audit;
use crate::auth::{self, Auth};
use crate::config::Settings;
use crate::db::Db;
use crate::email::Mailer;
use crate::erasure::Erasure;
use crate::ingest::{Ingest, protocols};
use crate::logstore::{self, Engine};
use crate::outbound::Outbound;
use crate::search::catalogues::Catalogues;
use crate::search::execute::Executor;
use crate::shutdown::Shutdown;
use crate::tail::Tails;
use crate::tls::Certificate;
use crate::{http_head, runtime, start_checks, telemetry, usage};
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::{App, HttpServer};
use anyhow::Context;
use secrecy::ExposeSecret;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// Runs the server until it is told to stop.
///
/// # Errors
/// Anything that keeps it from starting; what happens later is logged and answered.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    runtime::remember_main();
    telemetry::start_logs(&settings.log, settings.log_format == "json")?;
    start_checks::check(&settings)?;
    let certificate =
        Certificate::of("tls_certificate", &settings.tls_certificate, &settings.tls_certificate_key)?;
    let listener = TcpListener::bind(settings.listen)
        .with_context(|| format!("cannot listen on {}: is another program using it?", settings.listen))?;
    let settings = Settings { listen: listener.local_addr()?, ..settings };
    let (services, engine) = start_services(settings, certificate.as_ref()).await?;
    serve(listener, certificate, &services).await?;
    stop_services(&services, engine).await;
    Ok(())
}

async fn start_services(
    settings: Settings,
    certificate: Option<&Certificate>,
) -> anyhow::Result<(Services, Option<Engine>)> {
    std::fs::create_dir_all(&settings.data_dir)
        .with_context(|| format!("cannot make the data folder {}", settings.data_dir.display()))?;
    let metrics = telemetry::start_metrics()?;
    let db = Db::connect(&database_url(&settings), settings.database_connections).await?;
    let settings = Arc::new(settings);
    let shutdown = Shutdown::default();
    let auth = Auth::new(&settings, db.clone())?;
    auth.start(&shutdown);
    let mailer = Mailer::of(&settings)?;
    let links = MailLinks::new(db.clone(), mailer.clone(), &settings.public_url());
    links.start(&shutdown);
    let audit = Audit::start(db.clone(), settings.audit_retention_days, &shutdown);
    let outbound = Outbound::new(&settings.outbound_allow_networks)?;
    let accounts = Accounts::new(settings.clone(), db.clone(), auth.clone(), links, &outbound)?;
    let logs = logstore::start(&settings).await.context("cannot start the log store")?;
    let ingest = Ingest::start(&settings, db.clone(), Arc::new(logs.store.clone()), &shutdown)
        .await
        .context("cannot start ingest")?;
    let tails = Tails::start(&settings, auth.clone(), &shutdown).context("cannot start live tails")?;
    ingest.follow(Arc::new(tails.clone()));
    shutdown.spawn(usage::notices::run(
        db.clone(),
        ingest.quota().clone(),
        mailer.clone(),
        settings.public_url(),
        shutdown.token(),
    ));
    let syslog = protocols::start(&settings, certificate, &db, (&ingest, &auth), &shutdown).await?;
    let searches = Executor::of(&settings, logs.store.clone());
    let erasure = Erasure::new(
        &settings,
        db.clone(),
        logs.store.clone(),
        searches.clone(),
        auth.clone(),
        audit.clone(),
        mailer.clone(),
    );
    erasure.start(&shutdown);
    let alerts = Alerts::new(&settings, db.clone(), mailer, searches.clone())?;
    let waiting = {
        let ingest = ingest.clone();
        Waiting::new(db.clone(), move || ingest.lag().waiting_since())
    };
    shutdown.spawn(waiting.clone().tell(shutdown.token()));
    if settings.has_role("alerts") {
        alerts.start(&settings.node_name, waiting, &shutdown);
    }
    let services = Services {
        settings,
        db,
        auth,
        accounts,
        audit,
        erasure,
        logs: logs.store,
        ingest,
        tails,
        syslog,
        catalogues: Catalogues::of(searches.clone()),
        searches,
        alerts,
        metrics,
        shutdown,
    };
    Ok((services, logs.engine))
}

/// The address of the metadata database that the settings mean.
pub(crate) fn database_url(settings: &Settings) -> String {
    match settings.database_url.expose_secret() {
        "" => format!("sqlite://{}", settings.data_dir.join("cordwood.db").display()),
        url => url.to_owned(),
    }
}

async fn serve(
    listener: TcpListener,
    certificate: Option<Certificate>,
    services: &Services,
) -> anyhow::Result<()> {
    let shutdown = services.shutdown.clone();
    let for_workers = services.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(auth::caller::identify))
            .wrap(from_fn(http_head::router_refusals))
            .wrap(from_fn(http_head::every_answer))
            .wrap(NormalizePath::trim())
            .configure(|app| app::routes(app, &for_workers))
    })
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    // Who closes a request does not want its answer any more: its handler is dropped, and what that runs in the engine ends.
    .h1_allow_half_closed(false)
    .shutdown_timeout(services.settings.shutdown_timeout_s)
    .tls_handshake_timeout(Duration::from_secs(5))
    .disable_signals();
    let server = match &certificate {
        Some(certificate) => {
            shutdown.spawn(certificate.clone().keep_fresh(shutdown.token()));
            server.listen_rustls_0_23(listener, certificate.config())?.run()
        }
        None => server.listen(listener)?.run(),
    };
    let handle = server.handle();
    tell_address(&services.settings, "server", services.settings.listen)?;
    let scheme = if certificate.is_some() { "https" } else { "http" };
    tracing::info!(address = %services.settings.listen, "listening on {scheme}://{}", services.settings.listen);
    let served = tokio::spawn(server);
    shutdown.wanted().await?;
    tracing::info!("stopping: no new requests");
    shutdown.begin();
    handle.stop(true).await;
    served.await??;
    Ok(())
}

/// Writes the address into the data folder, for programs that started this one with port 0.
pub(crate) fn tell_address(settings: &Settings, name: &str, address: SocketAddr) -> anyhow::Result<()> {
    let path = settings.data_dir.join(format!("{name}.address"));
    let half = settings.data_dir.join(format!("{name}.address.half"));
    std::fs::write(&half, address.to_string())
        .and_then(|()| std::fs::rename(&half, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

async fn stop_services(services: &Services, engine: Option<Engine>) {
    if !services.shutdown.finish(Duration::from_secs(services.settings.shutdown_timeout_s)).await {
        tracing::warn!("some background tasks did not end in time");
    }
    if let Some(engine) = engine {
        engine.stop().await;
    }
    services.db.close().await;
    tracing::info!("stopped");
}
