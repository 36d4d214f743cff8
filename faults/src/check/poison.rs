//! Events that the log store refuses, among others that it takes.

use super::Fault;
use crate::lab::{Lab, Organization, Stack};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] =
    &[Fault { id: "F14", name: "poison among good events", run: |lab| Box::pin(poison(lab)) }];

/// A rule of the table's own, as an operator may have made it.
const CONSTRAINT: &str = "ALTER TABLE logs ADD CONSTRAINT no_poison CHECK position(message, 'poison') = 0";
const REMEDY: &str = "ALTER TABLE logs DROP CONSTRAINT no_poison";
const LIMIT: Duration = Duration::from_secs(60);

async fn poison(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(3, 100);
    let stack = lab.stack(&[]).await?;
    let (sender, other) =
        (stack.server.organization("sender").await?, stack.server.organization("other").await?);
    stack.engine.execute(&stack.server.http, CONSTRAINT).await?;
    let mut slowest_other = Duration::ZERO;
    for round in 0..rounds {
        // One bad event of a thousand, at another place each time: the first one, too.
        let bad = (round * 333 % 1000) as usize;
        send(&stack, &sender, round, 1000, |event| event == bad).await?;
        let begun = Instant::now();
        let message = format!("other {round}");
        stack.server.post("/api/v1/logs/ingest", Some(&other.key), &json!({"message": message})).await?;
        until_stored(&stack, &format!("message = '{message}'"), 1).await?;
        slowest_other = slowest_other.max(begun.elapsed());
    }
    // A batch of nothing else.
    send(&stack, &sender, rounds, 20, |_| true).await?;
    let bad = rounds + 20;
    until_stored(&stack, "message LIKE 'event %'", rounds * 999).await?;
    let letters = until_letters(&stack, &sender, bad).await?;
    let first = letters["items"][0].clone();
    ensure!(
        first["code"] == "refused_by_store"
            && first["original"].as_str().is_some_and(|text| text.contains("poison")),
        "{first}"
    );
    let id = first["id"].as_str().context("a letter has an id")?;
    stack.server.get(&format!("/api/v1/dead-letters/{id}"), &sender.key).await?;

    stack.engine.execute(&stack.server.http, REMEDY).await?;
    let replayed =
        stack.server.post("/api/v1/dead-letters/replay", Some(&sender.key), &json!({"all": true})).await?;
    ensure!(replayed["replayed"] == json!(bad), "{replayed}");
    until_stored(&stack, "message LIKE 'poison %'", bad).await?;
    until_letters(&stack, &sender, 0).await?;
    let double = stack.column("SELECT count() - uniqExact(message) FROM logs").await?;
    ensure!(double == ["0"], "{double:?} events are double");
    Ok(format!(
        "{rounds} batches of 1,000 with one event that the table refuses, and one of nothing else: {} stored, {bad} dead letters with reason and original, listed, read, replayed after the remedy, each stored once; another tenant’s events were searchable {:.1} s after at most",
        rounds * 999,
        slowest_other.as_secs_f64()
    ))
}

async fn send(
    stack: &Stack,
    sender: &Organization,
    round: u64,
    count: usize,
    is_bad: impl Fn(usize) -> bool,
) -> Result<()> {
    let events: Vec<Value> = (0..count)
        .map(|event| {
            let word = if is_bad(event) { "poison" } else { "event" };
            json!({"message": format!("{word} {round} {event}")})
        })
        .collect();
    stack.server.post("/api/v1/logs/ingest", Some(&sender.key), &json!(events)).await?;
    Ok(())
}

async fn until_stored(stack: &Stack, condition: &str, count: u64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let found = stack.column(&format!("SELECT count() FROM logs WHERE {condition}")).await?;
        if found == [count.to_string()] {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "{found:?} instead of {count} events are stored: {condition}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_letters(stack: &Stack, sender: &Organization, count: u64) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let letters = stack.server.get("/api/v1/dead-letters?limit=1000", &sender.key).await?;
        let found = letters["items"].as_array().map_or(0, Vec::len) as u64;
        if found == count {
            return Ok(letters);
        }
        ensure!(begun.elapsed() < LIMIT, "{found} instead of {count} dead letters");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
