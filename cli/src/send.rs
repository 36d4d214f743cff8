//! Sends events to a server: NDJSON, compressed, and again until the server has taken them.
//!
//! Each request has an `Idempotency-Key`, so that one that is repeated because its answer was lost is stored once.

use anyhow::{Context, Result, bail};
use api_types::ingest::IngestAnswer;
use flate2::{Compression, write::GzEncoder};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use std::io::Write;
use std::time::Duration;

/// Attempts before a request is given up: with the pauses between them about five minutes.
const ATTEMPTS: u32 = 15;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub struct Sender {
    client: reqwest::Client,
    url: String,
    key: String,
    /// Makes the keys of this run different from those of any other.
    run: u64,
    requests: u64,
    pub accepted: u64,
    pub rejected: u64,
    /// What the server said about the first event that it did not take.
    pub first_reject: Option<String>,
}

impl Sender {
    pub fn new(server: &str, key: &str) -> Result<Self> {
        let mut client = reqwest::Client::builder().timeout(Duration::from_secs(60));
        if is_local(server) {
            client = client.no_proxy();
        }
        let client = client.build()?;
        let url = format!("{}/api/v1/logs/ingest", server.trim_end_matches('/'));
        Ok(Self {
            client,
            url,
            key: key.to_owned(),
            run: rand::random(),
            requests: 0,
            accepted: 0,
            rejected: 0,
            first_reject: None,
        })
    }

    /// Sends events, an object a line; see `ship`.
    pub async fn send(&mut self, lines: &[u8]) -> Result<()> {
        self.ship(&Shipment { body: lines, content_type: "application/x-ndjson", defaults: &[] }).await
    }

    /// Sends events. Comes back when they are on the server's disk.
    ///
    /// # Errors
    /// When the server refuses them for good, or cannot be reached for minutes.
    pub async fn ship(&mut self, shipment: &Shipment<'_>) -> Result<()> {
        let mut encoder = GzEncoder::new(Vec::with_capacity(shipment.body.len() / 6), Compression::fast());
        encoder.write_all(shipment.body)?;
        let body = encoder.finish()?;
        self.requests += 1;
        let name = format!("{:x}-{}", self.run, self.requests);
        for attempt in 1..=ATTEMPTS {
            let pause = match self.attempt(&name, shipment, body.clone()).await {
                Ok(Attempt::Taken(answer)) => {
                    self.count(&answer);
                    return Ok(());
                }
                Ok(Attempt::Later(pause)) => pause.unwrap_or_else(|| back_off(attempt)),
                Err(error) if attempt == ATTEMPTS || !is_passing(&error) => return Err(error),
                Err(_) => back_off(attempt),
            };
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
        bail!("{} did not take the events within {ATTEMPTS} attempts", self.url)
    }

    async fn attempt(&self, name: &str, shipment: &Shipment<'_>, body: Vec<u8>) -> Result<Attempt> {
        let request = self
            .client
            .post(&self.url)
            .bearer_auth(&self.key)
            .query(shipment.defaults)
            .header("Content-Type", shipment.content_type)
            .header("Content-Encoding", "gzip")
            .header("Idempotency-Key", name)
            .body(body);
        let answer = request.send().await.with_context(|| format!("cannot reach {}", self.url))?;
        match answer.status() {
            StatusCode::ACCEPTED => Ok(Attempt::Taken(answer.json().await?)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let seconds =
                    answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(Attempt::Later(seconds.map(Duration::from_secs)))
            }
            status => bail!("{} answered {status}: {}", self.url, detail(&answer.text().await?)),
        }
    }

    fn count(&mut self, answer: &IngestAnswer) {
        self.accepted += answer.accepted;
        self.rejected += answer.rejected;
        if let (None, Some(error)) = (&self.first_reject, answer.errors.first()) {
            self.first_reject = Some(format!("{}: {}", error.code, error.detail));
        }
    }
}

/// Events as they are sent.
pub struct Shipment<'b> {
    pub body: &'b [u8],
    pub content_type: &'b str,
    /// Source and host of events that do not say them.
    pub defaults: &'b [(&'b str, &'b str)],
}

enum Attempt {
    Taken(IngestAnswer),
    /// The server is busy, and may have said for how long.
    Later(Option<Duration>),
}

/// A connection that fails may work in a moment; an answer will stay the same.
fn is_passing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<reqwest::Error>().is_some_and(|error| !error.is_builder() && !error.is_decode())
}

/// A proxy of the network cannot reach a server on this machine.
pub fn is_local(server: &str) -> bool {
    let host = reqwest::Url::parse(server).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]")
}

fn back_off(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.min(7))
}

/// What a problem says in its `detail`, or the answer as it is.
fn detail(answer: &str) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_str(answer).ok();
    let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
    detail.unwrap_or(answer).chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that gives these answers, one per connection, and then tells the keys of the requests.
    async fn server(answers: &'static [&'static str]) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut keys = Vec::new();
            for answer in answers {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !is_whole(&request) {
                    assert!(connection.read_buf(&mut request).await.unwrap() > 0);
                }
                let text = String::from_utf8_lossy(&request);
                assert!(
                    text.starts_with("POST /api/v1/logs/ingest HTTP/1.1\r\n")
                        && text.contains("authorization: Bearer cwi_x\r\n")
                );
                keys.push(header(&text, "idempotency-key").unwrap().to_owned());
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
            keys
        });
        (address, task)
    }

    fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
        request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn is_whole(request: &[u8]) -> bool {
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
        let head = String::from_utf8_lossy(&request[..end]);
        let length: usize = header(&head, "content-length").unwrap().parse().unwrap();
        request.len() >= end + 4 + length
    }

    #[tokio::test]
    async fn a_busy_server_gets_the_same_request_again_until_it_takes_it() {
        let (address, keys) = server(&[
            "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "",
            "HTTP/1.1 202 Accepted\r\nContent-Length: 101\r\nConnection: close\r\n\r\n\
             {\"accepted\":1,\"rejected\":1,\"errors\":[{\"index\":1,\"code\":\"too_old\",\"detail\":\"it is old\"}],\"batch\":null}",
        ])
        .await;
        let mut sender = Sender::new(&address, "cwi_x").unwrap();

        sender.send(b"{}\n{}\n").await.unwrap();

        assert_eq!((sender.accepted, sender.rejected), (1, 1));
        assert_eq!(sender.first_reject.as_deref(), Some("too_old: it is old"));
        let keys = keys.await.unwrap();
        assert!(keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    }

    #[tokio::test]
    async fn a_refusal_is_told_at_once() {
        let (address, _) = server(&[
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 29\r\nConnection: close\r\n\r\n{\"detail\":\"the key is wrong\"}",
        ])
        .await;
        let error = Sender::new(&address, "cwi_x").unwrap().send(b"{}\n").await.unwrap_err();
        assert!(error.to_string().ends_with("401 Unauthorized: the key is wrong"), "{error}");
    }
}
