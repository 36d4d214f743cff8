//! Clients that send so slowly that they seem to be only there to hold connections.

use super::Fault;
use crate::lab::{Lab, Stack};
use crate::load::{Load, Shape, percentile};
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const FAULTS: &[Fault] =
    &[Fault { id: "F26", name: "slow heads and bodies", run: |lab| Box::pin(slow(lab)) }];

/// Everybody who is too slow is sent away within this time.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(60);

async fn slow(lab: &Lab) -> Result<String> {
    let sockets = lab.rounds(200, 2000);
    let stack = lab.stack(&[]).await?;
    let key = stack.server.organization("slow").await?.key;
    let alone = waits(&stack, Duration::from_secs(5)).await?;
    let begun: Vec<_> = (0..sockets)
        .map(|number| {
            let address = stack.server.url.trim_start_matches("http://").to_owned();
            let head = format!(
                "POST /api/v1/logs/ingest HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n"
            );
            // Every other one never comes to the end of its head.
            let at_once = if number % 2 == 0 { head.len() } else { 20 };
            tokio::spawn(held(address, head, at_once))
        })
        .collect();
    let beside = waits(&stack, Duration::from_secs(15)).await?;
    let mut longest = Duration::ZERO;
    for socket in begun {
        longest = longest.max(socket.await??);
    }
    ensure!(longest <= CLOSED_WITHIN, "a connection was held for {longest:?}");
    Ok(format!(
        "{sockets} connections, half of them with a head that never ends and half with a body of a byte a second: all closed within {:.1} s; acknowledgement p99 of honest senders {} ms beside them and {} ms alone",
        longest.as_secs_f64(),
        percentile(&beside, 99),
        percentile(&alone, 99)
    ))
}

/// How long honest batches take.
async fn waits(stack: &Stack, time: Duration) -> Result<Vec<u64>> {
    let load = Load::start(stack, &stack.server.url, Shape::default()).await?;
    tokio::time::sleep(time).await;
    let sent = load.stop().await?;
    ensure!(sent.repeats == 0, "{} honest batches were refused", sent.repeats);
    Ok(sent.waits_ms)
}

/// Sends the beginning at once and then a byte a second; says how long that was endured.
async fn held(address: String, request: String, at_once: usize) -> Result<Duration> {
    let mut stream = TcpStream::connect(&address).await.context("no connection")?;
    let begun = Instant::now();
    let (now, later) = request.as_bytes().split_at(at_once);
    stream.write_all(now).await?;
    let (mut read, mut write) = stream.split();
    let trickle = async {
        for byte in later.iter().chain(std::iter::repeat(&b'x')) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let until_closed = async {
        let mut answer = [0; 1024];
        while let Ok(1..) = read.read(&mut answer).await {}
    };
    tokio::time::timeout(LONGEST, async {
        tokio::select! {
            () = trickle => {}
            () = until_closed => {}
        }
    })
    .await
    .context("the server holds on to a slow client")?;
    Ok(begun.elapsed())
}
