//! Alerts: rules that fire while events come, those who are told, and the count of what they were told.

pub mod clock;
pub mod database;
pub mod mail;
pub mod nodes;

use crate::lab::{Organization, Server};
use crate::receiver::Receiver;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// What servers need that send alerts into this check and share a database with others.
pub const SETTINGS: [&str; 5] = [
    "--outbound-allow-networks=127.0.0.0/8",
    "--token-secret=the same on every node of the check",
    "--sealing-secret=the same on every node of the check",
    "--otlp-grpc-listen=off",
    "--syslog-listen=off",
];

/// An organization with rules.
pub struct Watch {
    pub organization: Organization,
    /// The channel that its rules name.
    channel: String,
}

impl Watch {
    /// Its rules tell a webhook.
    pub async fn by_webhook(server: &Server, receiver: &Receiver) -> Result<Self> {
        Self::by(server, json!({"name": "hook", "kind": "webhook", "config": {"url": receiver.url}})).await
    }

    /// Its rules tell its owner by mail, whose address is confirmed by `verified`.
    pub async fn by(server: &Server, channel: Value) -> Result<Self> {
        let organization = server.organization("watch").await?;
        let made = server.post("/api/v1/notification-channels", Some(&organization.key), &channel).await?;
        let channel = made["id"].as_str().context("a channel has an id")?.to_owned();
        Ok(Self { organization, channel })
    }

    /// A rule that is checked every ten seconds, over ten seconds.
    pub async fn rule(&self, server: &Server, name: &str, query: &str, condition: Value) -> Result<()> {
        let rule = json!({
            "name": name, "query": query, "condition": condition, "window": "10s", "every": "10s", "delay": "2s",
            "renotify": "0s", "channel_ids": [self.channel],
        });
        server.post("/api/v1/alert-rules", Some(&self.organization.key), &rule).await?;
        Ok(())
    }

    /// Rules that fire for each round of `Noise` and are resolved after it. Each has slots of its own.
    pub async fn rules(&self, server: &Server, count: u64) -> Result<()> {
        for number in 0..count {
            let query = format!("tick{number} | stats count() as n by round");
            self.rule(server, &format!("rule {number}"), &query, json!({"op": ">", "threshold": 0})).await?;
        }
        Ok(())
    }
}

/// Sends one event twice a second to every server that takes it, for all the rules of a watch.
pub struct Noise {
    round: Arc<Mutex<Option<String>>>,
    sending: JoinHandle<()>,
}

impl Noise {
    pub fn start(urls: Vec<String>, key: String, rules: u64) -> Result<Self> {
        let round: Arc<Mutex<Option<String>>> = Arc::default();
        let words: Vec<String> = (0..rules).map(|number| format!("tick{number}")).collect();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let (now, message) = (Arc::clone(&round), words.join(" "));
        let sending = tokio::spawn(async move {
            loop {
                let round = now.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(round) = round {
                    let event =
                        json!([{"level": "error", "source": "noise", "message": message, "round": round}]);
                    for url in &urls {
                        let path = format!("{url}/api/v1/logs/ingest");
                        tokio::spawn(http.post(path).bearer_auth(&key).json(&event).send());
                    }
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Ok(Self { round, sending })
    }

    /// From now on events are of this round; `None`: there are none.
    pub fn is(&self, round: Option<&str>) {
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = round.map(str::to_owned);
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

/// What a webhook was told: how often each notification came.
pub fn told(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in receiver.received() {
        *times.entry(request.header("x-notification-id").to_owned()).or_default() += 1;
    }
    times
}

/// What a webhook was told of a rule, each notification once, as it came: `fired`, `resolved`.
pub fn events_of(receiver: &Receiver, rule: &str) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let received = receiver.received();
    let first = received.iter().filter(|request| seen.insert(request.header("x-notification-id").to_owned()));
    let about = first.map(|request| request.json()).filter(|body| body["rule"]["name"] == rule);
    about.map(|body| body["event"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Asks until it is so; says how long that took.
pub async fn until(
    what: &str,
    limit: Duration,
    mut is_so: impl AsyncFnMut() -> Result<bool>,
) -> Result<Duration> {
    let begun = Instant::now();
    while !is_so().await? {
        ensure!(begun.elapsed() < limit, "not within {} s: {what}", limit.as_secs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(begun.elapsed())
}
