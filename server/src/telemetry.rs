//! Logs, metrics and request ids. Bodies, tokens and customers' log lines stay out of them.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::future::Future;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Starts logging to standard error. `filter` is as in `info,cordwood_server=debug`.
///
/// # Errors
/// The filter does not parse, or logging was started before.
pub fn start_logs(filter: &str, json: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_span_events(FmtSpan::NONE);
    let started = if json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| anyhow::anyhow!(error))
}

/// Starts collecting metrics; `/metrics` renders the handle.
///
/// # Errors
/// A recorder is installed already.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    const SECONDS: &[f64] =
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .install_recorder()?)
}

/// The request's id, in the request's extensions, in its log lines and in its answer.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

tokio::task_local! {
    static REQUEST_ID: String;
}

#[must_use]
pub fn new_request_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// Runs `future` with the request id that error answers inside it will show.
pub async fn with_request_id<T>(id: String, future: impl Future<Output = T>) -> T {
    REQUEST_ID.scope(id, future).await
}

/// The id of the request being answered, or a new one outside of any.
#[must_use]
pub fn current_request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_else(|_| new_request_id())
}
