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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    fn names_in(text: &str, found: &mut BTreeSet<String>) {
        for rest in text.split("cordwood_").skip(1) {
            let name: String =
                rest.chars().take_while(|each| each.is_ascii_lowercase() || *each == '_').collect();
            found.insert(name);
        }
    }

    fn names_of_metrics(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                names_of_metrics(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for kind in ["counter!(", "gauge!(", "histogram!("] {
                for rest in text.split(kind).skip(1) {
                    names_in(rest.split([',', ')']).next().unwrap(), found);
                }
            }
        }
    }

    #[test]
    fn the_page_about_metrics_names_those_of_ingest_and_none_that_is_not_there() {
        let (mut made, mut of_ingest, mut told) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
        names_of_metrics(source, &mut made);
        for feature in ["ingest", "tail", "masking", "usage"] {
            names_of_metrics(&source.join(feature), &mut of_ingest);
        }
        names_in(include_str!("../../docs/metrics.md"), &mut told);
        assert!(of_ingest.len() > 20, "{of_ingest:?}");
        assert_eq!(told.difference(&made).collect::<Vec<_>>(), Vec::<&String>::new(), "told, and not there");
        assert_eq!(
            of_ingest.difference(&told).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "there, and not told"
        );
    }
}
