//! The server dies at named places (`failpoint`), one after the other, each several times.

use super::Fault;
use crate::lab::{Lab, Organization, Stack};
use crate::load::{Load, Shape, settle};
use crate::webhook::Webhook;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] =
    &[Fault { id: "F02", name: "the server dies at named places", run: |lab| Box::pin(named_places(lab)) }];

/// Each place that a load comes to by itself, and the latest visit at which the server dies there.
const UNDER_LOAD: &[(&str, u64)] = &[
    ("wal-written", 40),
    ("wal-synced", 40),
    ("segment-created", 3),
    ("segment-begun", 3),
    ("before-seal", 3),
    ("sealed", 3),
    ("insert-half-sent", 3),
    ("inserted", 3),
    ("checkpoint-saved", 3),
    ("lease-renewed", 2),
];
/// Places on the way of a notification.
const OUTBOX: &[&str] = &["outbox-claimed", "outbox-sent"];
const COMES_THERE_WITHIN: Duration = Duration::from_secs(60);
/// A claim lasts a minute; then somebody else sends what its holder left.
const NOTIFIED_WITHIN: Duration = Duration::from_secs(120);

async fn named_places(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(3, 50);
    migrating(lab).await?;
    let settings = ["--wal-segment-bytes=1048576", "--outbound-allow-networks=127.0.0.0/8"];
    let mut stack = lab.stack(&settings).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let mut slowest = Duration::ZERO;
    for (place, latest) in UNDER_LOAD {
        for round in 0..rounds {
            stack.server.kill()?;
            stack.server.start_to_die_at(place, 1 + round * 7 % latest)?;
            stack.server.dies(COMES_THERE_WITHIN).await.with_context(|| format!("{place}, round {round}"))?;
        }
        slowest = slowest.max(stack.server.start_again().await?);
        load.goes_on(5, Duration::from_secs(60)).await.context(*place)?;
    }
    for round in 0..rounds {
        stopping(&mut stack, &load).await.with_context(|| format!("shipper-stopping, round {round}"))?;
    }
    let alerts = lab.rounds(1, 50);
    let repeated = outbox(&mut stack, alerts).await?;
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    Ok(format!(
        "{} places, {rounds} times each (the two of the outbox {alerts}): before and after the sync of the log, at a new segment (2), before and after the seal, within and after an insert, between checkpoint and removal, at the stop, within a migration, at the renewal of a lease, after a claim of the outbox and after sending: {settled}; started again each time, ready after at most {:.1} s; every alert notified under one id, {repeated} of them repeated under it, only where the server died between sending and writing it down",
        UNDER_LOAD.len() + OUTBOX.len() + 2,
        slowest.as_secs_f64()
    ))
}

/// The first start of all dies when the tables of the log store are half made.
async fn migrating(lab: &Lab) -> Result<()> {
    for visit in 1..=lab.rounds(1, 3) {
        let folder = tempfile::Builder::new().prefix("cordwood-faults-").tempdir()?;
        let mut stack =
            lab.begin_stack(folder, &[], &[("CORDWOOD_FAILPOINT", format!("migrating:{visit}"))]).await?;
        stack.server.dies(COMES_THERE_WITHIN).await.context("migrating")?;
        stack.server.start_unharmed().await?;
        stack.server.organization("first").await?;
    }
    Ok(())
}

/// Told to stop under load, it dies before the last counts and the checkpoint are written.
async fn stopping(stack: &mut Stack, load: &Load) -> Result<()> {
    stack.server.kill()?;
    stack.server.start_to_die_at("shipper-stopping", 1)?;
    stack.server.ready().await?;
    load.goes_on(5, Duration::from_secs(60)).await?;
    stack.server.ask_to_stop()?;
    stack.server.dies(COMES_THERE_WITHIN).await?;
    stack.server.start_again().await?;
    Ok(())
}

/// Lets new rules fire while the server dies on the way of their notifications. Says how many came twice, under their one id.
async fn outbox(stack: &mut Stack, rounds: u64) -> Result<usize> {
    let webhook = Webhook::start().await?;
    let organization = stack.server.organization("alerted").await?;
    stack.server.post("/api/v1/logs/ingest", Some(&organization.key), &json!({"message": "fire"})).await?;
    let channel = json!({"name": "hook", "kind": "webhook", "config": {"url": webhook.url}});
    let channel =
        stack.server.post("/api/v1/notification-channels", Some(&organization.key), &channel).await?;
    let channel = channel["id"].as_str().context("a channel has an id")?.to_owned();
    let mut rules = Vec::new();
    for place in OUTBOX {
        for round in 0..rounds {
            let name = format!("{place} {round}");
            make_rule(stack, &organization, &channel, &name).await?;
            rules.push(name);
            stack.server.kill()?;
            stack.server.start_to_die_at(place, 1)?;
            stack.server.dies(COMES_THERE_WITHIN).await.with_context(|| format!("{place}, round {round}"))?;
            stack.server.start_again().await?;
        }
    }
    let repeated = notified(&webhook, &rules).await?;
    ensure!(
        repeated as u64 <= rounds,
        "{repeated} notifications came again after {rounds} deaths behind their sending"
    );
    Ok(repeated)
}

async fn make_rule(stack: &Stack, organization: &Organization, channel: &str, name: &str) -> Result<()> {
    let rule = json!({
        "name": name, "project_id": organization.project_id, "query": "fire", "window": "1h", "every": "10s", "delay": "0s",
        "condition": {"op": ">", "threshold": 0}, "channel_ids": [channel],
    });
    stack.server.post("/api/v1/alert-rules", Some(&organization.key), &rule).await?;
    Ok(())
}

/// Waits for the notification of every rule: one id each. Says how many came again.
async fn notified(webhook: &Webhook, rules: &[String]) -> Result<usize> {
    let begun = Instant::now();
    loop {
        let received = webhook.received();
        let of = |name: &str| {
            let named = format!("\"{name}\"");
            received
                .iter()
                .filter(|each| each.body.contains(&named))
                .map(|each| each.id.as_str())
                .collect::<Vec<_>>()
        };
        let missing: Vec<&String> = rules.iter().filter(|name| of(name).is_empty()).collect();
        if missing.is_empty() {
            for name in rules {
                let ids = of(name);
                let distinct: BTreeSet<&&str> = ids.iter().collect();
                ensure!(distinct.len() == 1, "{name} was notified under several ids: {ids:?}");
            }
            return Ok(rules.iter().map(|name| of(name).len() - 1).sum());
        }
        ensure!(begun.elapsed() < NOTIFIED_WITHIN, "nobody was notified of {missing:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
