//! Sends a batch until the server has it. Comes back with an answer only; a server that is away is waited for.

use super::metrics::Metrics;
use crate::client::retry_after;
use anyhow::Result;
use api_types::ingest::IngestAnswer;
use flate2::{Compression, write::GzEncoder};
use reqwest::{Client, StatusCode};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub struct Delivery {
    client: Client,
    url: String,
    key: String,
    metrics: Arc<Metrics>,
}

/// What the server made of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the server's disk, but for rejected events.
    Taken { rejected: u64 },
    /// The server will never take it, and says why.
    Refused(String),
}

enum Attempt {
    Done(Outcome),
    Later { why: String, pause: Option<Duration> },
}

impl Delivery {
    pub fn new(server: &str, key: &str, metrics: Arc<Metrics>) -> Result<Self> {
        let mut client =
            Client::builder().connect_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(60));
        if crate::send::is_local(server) {
            client = client.no_proxy();
        }
        let client = client.build()?;
        let url = format!("{}/api/v1/logs/ingest", server.trim_end_matches('/'));
        Ok(Self { client, url, key: key.to_owned(), metrics })
    }

    pub async fn send(&self, body: &[u8], batch_key: &str, defaults: &[(&str, &str)]) -> Result<Outcome> {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
        encoder.write_all(body)?;
        let packed = encoder.finish()?;
        let mut pause = SHORTEST_PAUSE;
        loop {
            let (why, wanted) = match self.attempt(packed.clone(), batch_key, defaults).await {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Later { why, pause } => (why, pause),
            };
            self.metrics.retried(&why);
            let jitter = rand::random_range(0.75..1.25);
            tokio::time::sleep(wanted.unwrap_or(pause).mul_f64(jitter).min(LONGEST_PAUSE)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&self, packed: Vec<u8>, batch_key: &str, defaults: &[(&str, &str)]) -> Attempt {
        let request = self
            .client
            .post(&self.url)
            .query(defaults)
            .bearer_auth(&self.key)
            .header("Content-Type", "application/x-ndjson")
            .header("Content-Encoding", "gzip")
            .header("Idempotency-Key", batch_key)
            .body(packed);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                return Attempt::Later { why: format!("cannot reach the server: {error}"), pause: None };
            }
        };
        let (status, pause) = (answer.status(), retry_after(&answer));
        let text = match answer.text().await {
            Ok(text) => text,
            Err(error) => {
                return Attempt::Later { why: format!("the answer broke off: {error}"), pause: None };
            }
        };
        outcome(status, &text).map_or_else(|why| Attempt::Later { why, pause }, Attempt::Done)
    }
}

/// What an answer means; an error when it has to be tried again.
fn outcome(status: StatusCode, text: &str) -> Result<Outcome, String> {
    let code = serde_json::from_str::<serde_json::Value>(text).ok();
    let code = code.as_ref().and_then(|problem| problem["code"].as_str()).unwrap_or_default();
    let counts: Option<IngestAnswer> = serde_json::from_str(text).ok();
    let detail = || format!("{status}: {}", text.chars().take(300).collect::<String>());
    match status {
        StatusCode::ACCEPTED => match counts {
            Some(counts) => Ok(Outcome::Taken { rejected: counts.rejected }),
            None => Err(format!("not an answer of a Cordwood server: {}", detail())),
        },
        // The same bytes were taken before; only what is added to them has changed since, such as a field.
        StatusCode::UNPROCESSABLE_ENTITY if code == "idempotency_key_reused" => {
            Ok(Outcome::Taken { rejected: 0 })
        }
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            match counts {
                // Every event was rejected.
                Some(counts) => Ok(Outcome::Taken { rejected: counts.rejected }),
                None => Ok(Outcome::Refused(detail())),
            }
        }
        // A wrong key or address can be mended while the agent waits.
        _ => Err(detail()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        let counts = r#"{"accepted":2,"rejected":1,"errors":[]}"#;
        assert_eq!(outcome(StatusCode::ACCEPTED, counts), Ok(Outcome::Taken { rejected: 1 }));
        assert!(outcome(StatusCode::ACCEPTED, "<html>").is_err(), "a proxy is no server");
        let reused = r#"{"code":"idempotency_key_reused"}"#;
        assert_eq!(outcome(StatusCode::UNPROCESSABLE_ENTITY, reused), Ok(Outcome::Taken { rejected: 0 }));
        assert!(matches!(outcome(StatusCode::BAD_REQUEST, "{}"), Ok(Outcome::Refused(_))));
        for status in [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY] {
            assert!(outcome(status, "{}").is_err(), "{status}");
        }
    }
}
