//! The log store is away, slow, or does not answer.

use super::Fault;
use crate::lab::{Lab, Stack};
use crate::load::{Load, Shape, percentile, settle};
use crate::proxy::Mode;
use anyhow::{Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault { id: "F08", name: "the engine is killed and stays away", run: |lab| Box::pin(away(lab)) },
    Fault { id: "F10", name: "a slow engine that loses answers", run: |lab| Box::pin(slow(lab)) },
    Fault {
        id: "F11",
        name: "inserts that are stored and whose answers are lost",
        run: |lab| Box::pin(ambiguous(lab)),
    },
];

async fn away(lab: &Lab) -> Result<String> {
    let outage = lab.rounds(20, 600);
    let mut stack = lab.stack(&[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let reader = stack.server.organization("reader").await?;
    load.goes_on(40, Duration::from_secs(60)).await?;
    stack.engine.kill()?;
    stack.proxy.set(Mode::Refuse);
    let before = load.acknowledged();
    let searched = Instant::now();
    let refused = search(&stack, &reader.key).await?;
    let answered_in = searched.elapsed();
    tokio::time::sleep(Duration::from_secs(outage)).await;
    let during = load.acknowledged() - before;
    ensure!(refused == 503, "a search is answered {refused} while the engine is away");
    ensure!(answered_in < Duration::from_secs(2), "a search waited {answered_in:?} for nothing");
    stack.engine.start_again()?;
    stack.proxy.aim_at(stack.engine.address);
    stack.proxy.set(Mode::Pass);
    let back = Instant::now();
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(sent.repeats == 0, "{} batches were refused", sent.repeats);
    Ok(format!(
        "away for {outage} s under load: {during} batches acknowledged meanwhile, none refused, p99 {} ms; a search says 503 in {} ms; {settled}; everything delivered within {:.0} s after it was back",
        percentile(&sent.waits_ms, 99),
        answered_in.as_millis(),
        back.elapsed().as_secs_f64()
    ))
}

async fn search(stack: &Stack, key: &str) -> Result<u16> {
    let request = stack.server.http.post(format!("{}/api/v1/logs/search", stack.server.url)).bearer_auth(key);
    Ok(request.json(&json!({"query": "", "from": "now-1h", "to": "now"})).send().await?.status().as_u16())
}

async fn slow(lab: &Lab) -> Result<String> {
    let seconds = lab.rounds(30, 1800);
    let stack = lab.stack(&[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    load.goes_on(20, Duration::from_secs(60)).await?;
    let before = stack.server.memory()?;
    stack.proxy.set(Mode::Slow { delay_ms: lab.rounds(1000, 5000), drop_one_in: 5 });
    let (begun, mut highest) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        highest = highest.max(stack.server.memory()?);
    }
    let broken = stack.proxy.broken();
    stack.proxy.set(Mode::Pass);
    let back = Instant::now();
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    let grown = highest.saturating_sub(before) >> 20;
    ensure!(broken > 0, "no answer was lost");
    ensure!(grown < 128, "the server grew by {grown} MiB");
    Ok(format!(
        "{seconds} s with every answer {} ms late and one in five lost ({broken}): {settled}; the server grew by {grown} MiB; all delivered within {:.0} s after",
        lab.rounds(1000, 5000),
        back.elapsed().as_secs_f64()
    ))
}

async fn ambiguous(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(5, 50);
    let stack = lab.stack(&[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    for round in 0..rounds {
        load.goes_on(10, Duration::from_secs(60)).await?;
        stack.proxy.set(Mode::DropAnswers);
        // Several inserts come through meanwhile, each without an answer.
        tokio::time::sleep(Duration::from_millis(1500 + round * 300 % 2000)).await;
        stack.proxy.set(Mode::Pass);
    }
    let broken = stack.proxy.broken();
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(broken >= rounds, "only {broken} answers were lost");
    Ok(format!("{rounds} times all answers lost for 1.5 to 3.5 s ({broken} of them): {settled}"))
}
