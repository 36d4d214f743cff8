//! The power goes: the server is killed, and what was not on the disk is taken away before it starts again.

use super::Fault;
use crate::dice::Dice;
use crate::lab::{Lab, Organization, Stack};
use crate::load::{Load, Shape, settle};
use crate::power::{Power, Tail};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::Duration;

pub const FAULTS: &[Fault] = &[Fault { id: "F03", name: "power cut", run: |lab| Box::pin(power_cut(lab)) }];

const TAILS: [Tail; 3] = [Tail::Exact, Tail::Zeros, Tail::Garbage];

async fn power_cut(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(4, 200);
    let folder = tempfile::Builder::new().prefix("cordwood-faults-").tempdir()?;
    let power = Power::prepare(folder.path())?;
    let environment = power.environment();
    let settings = ["--wal-segment-bytes=4194304"];
    let mut stack = lab.stack_in(folder, &settings, &environment).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let owner = stack.server.organization("owner").await?;
    let (mut slowest, mut taken, mut keys) = (Duration::ZERO, 0, Vec::new());
    for round in 0..rounds {
        for (turn, tail) in (0..).zip(TAILS) {
            let mut dice = Dice::new(round * 3 + turn);
            load.goes_on(5, Duration::from_secs(60)).await?;
            tokio::time::sleep(Duration::from_millis(dice.below(1500))).await;
            keys.push(new_key(&stack, &owner, keys.len()).await?);
            stack.server.kill()?;
            taken += power.cut(tail, &mut dice)?;
            let started = stack.server.start_again().await;
            slowest = slowest.max(started.with_context(|| format!("round {round}, {tail:?}"))?);
            knows(&stack, keys.last().context("one was just made")?)
                .await
                .with_context(|| format!("the metadata of round {round}, {tail:?}"))?;
        }
    }
    for key in &keys {
        knows(&stack, key).await?;
    }
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(taken > 0, "nothing was ever unsynced: the shim is not in place");
    Ok(format!(
        "{rounds} cuts with each of three tails (as before the write; zeros; old, new and random sectors, up to 64 KiB random, and half of the names), {taken} writes, lengths and names undone that no sync had covered: {settled}; {} API keys, each made right before a cut, all known afterwards; ready again after at most {:.1} s. For the write-ahead log, the keys of repeats and SQLite; the engine keeps its own (F12)",
        keys.len(),
        slowest.as_secs_f64()
    ))
}

async fn new_key(stack: &Stack, owner: &Organization, number: usize) -> Result<String> {
    let wanted =
        json!({"name": format!("key {number}"), "project_id": owner.project_id, "scopes": ["query"]});
    let made = stack.server.post("/api/v1/api-keys", Some(&owner.key), &wanted).await?;
    Ok(made["secret"].as_str().context("a new key shows its secret")?.to_owned())
}

async fn knows(stack: &Stack, key: &str) -> Result<()> {
    stack.server.get("/api/v1/logs/search?q=&from=now-1m&limit=1", key).await?;
    Ok(())
}
