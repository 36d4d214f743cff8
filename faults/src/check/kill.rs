//! The server ends: at once, or because it was asked to.

use super::Fault;
use crate::lab::Lab;
use crate::load::{Load, Shape, settle};
use anyhow::{Result, ensure};
use std::time::Duration;

pub const FAULTS: &[Fault] = &[
    Fault { id: "F01", name: "kill -9 of the server under load", run: |lab| Box::pin(kill(lab)) },
    Fault { id: "F29", name: "SIGTERM under load", run: |lab| Box::pin(terminate(lab)) },
];

async fn kill(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(10, 200);
    let mut stack = lab.stack(&[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        load.goes_on(5, Duration::from_secs(60)).await?;
        // Another moment each round: before, within and after what is done once a second.
        tokio::time::sleep(Duration::from_millis(50 + round * 389 % 1450)).await;
        stack.server.kill()?;
        slowest = slowest.max(stack.server.start_again().await?);
        if round % 10 == 9 {
            stack.server.kill()?;
            slowest = slowest.max(stack.server.start_again().await?);
        }
    }
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    Ok(format!(
        "killed {rounds} times at changing moments, 4 tenants: {settled}; ready again after at most {:.1} s; clients repeated {} batches under their keys",
        slowest.as_secs_f64(),
        sent.repeats
    ))
}

async fn terminate(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(5, 50);
    let mut stack = lab.stack(&[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        load.goes_on(5, Duration::from_secs(60)).await?;
        tokio::time::sleep(Duration::from_millis(20 + round * 211 % 700)).await;
        slowest = slowest.max(stack.server.terminate().await?);
        stack.server.start_again().await?;
    }
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(slowest <= Duration::from_secs(30), "a stop took {slowest:?}");
    Ok(format!("stopped {rounds} times: {settled}; stopped within {:.1} s at most", slowest.as_secs_f64()))
}
