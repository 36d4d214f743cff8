//! The network between clients and the server.

use super::Fault;
use crate::lab::Lab;
use crate::load::{Load, Shape, settle};
use crate::proxy::{Mode, Proxy};
use anyhow::{Context, Result, ensure};
use std::time::Duration;

pub const FAULTS: &[Fault] = &[Fault {
    id: "F33",
    name: "connections of clients are cut, answers are lost, bytes come one by one",
    run: |lab| Box::pin(clients(lab)),
}];

async fn clients(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(12, 200);
    let stack = lab.stack(&[]).await?;
    let address = stack.server.url.strip_prefix("http://").context("an address")?.parse()?;
    let proxy = Proxy::start(address).await?;
    let load = Load::start(&stack, &format!("http://{}", proxy.address), Shape::default()).await?;
    let modes = [
        Mode::CutRequests { after: 5_000 },
        Mode::DropAnswers,
        Mode::Trickle { bytes: 2_000 },
        Mode::CutRequests { after: 200 },
    ];
    for round in 0..rounds {
        load.goes_on(8, Duration::from_secs(60)).await?;
        proxy.set(modes[(round % 4) as usize]);
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.set(Mode::Pass);
    }
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(proxy.broken() >= rounds, "only {} connections were broken", proxy.broken());
    Ok(format!(
        "{rounds} rounds of requests cut in the middle, answers lost and single bytes, {} broken connections, {} batches repeated under their keys: {settled}",
        proxy.broken(),
        sent.repeats
    ))
}
