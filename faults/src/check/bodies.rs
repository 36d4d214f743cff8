//! Bodies that are partly wrong, and bodies that are made to hurt.

use super::Fault;
use crate::lab::{Lab, Stack};
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault {
        id: "F24",
        name: "partly wrong batches (native protocol)",
        run: |lab| Box::pin(partly_wrong(lab)),
    },
    Fault { id: "F25", name: "bombs, sizes, nesting, broken text", run: |lab| Box::pin(bombs(lab)) },
];

/// One item of a batch, and whether it is good.
const ITEMS: [(&str, bool); 6] = [
    (r#"{"message":"good NUMBER"}"#, true),
    (r#"{"message":"good NUMBER","http":{"status":200},"tags":["a"]}"#, true),
    (r#"{"message":"old NUMBER","timestamp":"1999-01-01T00:00:00Z"}"#, false),
    (r#"{"message":"early NUMBER","timestamp":"2199-01-01T00:00:00Z"}"#, false),
    (r#"{"message":"good NUMBER","message":"good again"}"#, true),
    (r#"{"message":"first NUMBER","timestamp":"1970-01-01T00:00:00Z"}"#, false),
];

async fn partly_wrong(lab: &Lab) -> Result<String> {
    let stack = lab.stack(&[]).await?;
    let sender = stack.server.organization("sender").await?;
    let (mut cases, mut good_in_all) = (0, 0);
    // Every selection of the items, as an array and as lines.
    for selection in 0..1_u32 << ITEMS.len() {
        let chosen: Vec<(String, bool)> = (0..ITEMS.len())
            .filter(|item| selection >> item & 1 == 1)
            .map(|item| (ITEMS[item].0.replace("NUMBER", &format!("{selection}-{item}")), ITEMS[item].1))
            .collect();
        let texts: Vec<&str> = chosen.iter().map(|(text, _)| text.as_str()).collect();
        let good = chosen.iter().filter(|(_, good)| *good).count();
        for body in [format!("[{}]", texts.join(",")), texts.join("\n")] {
            let (status, answer) = post(&stack, &sender.key, body.clone().into_bytes(), None).await?;
            let expected = match (chosen.len(), good) {
                (0, _) if body.is_empty() => 400,
                (0, _) => 202,
                (_, 0) => 400,
                _ => 202,
            };
            ensure!(status == expected, "{status} instead of {expected} for {body}: {answer}");
            if !chosen.is_empty() {
                ensure!(answer["accepted"] == json!(good), "{answer} for {body}");
                ensure!(answer["rejected"] == json!(chosen.len() - good), "{answer} for {body}");
                let reasons = answer["errors"].as_array().context("reasons")?.len();
                ensure!(reasons == chosen.len() - good, "{answer} for {body}");
            }
            good_in_all += good as u64;
            cases += 1;
        }
    }
    for (body, status) in [("[{\"message\":1}, {\"mess", 400), ("", 400), ("   \n ", 400)] {
        let (found, answer) = post(&stack, &sender.key, body.as_bytes().to_vec(), None).await?;
        ensure!(found == status, "{found} for {body}: {answer}");
        cases += 1;
    }
    let begun = Instant::now();
    loop {
        let stored = stack.column("SELECT count() FROM logs").await?;
        if stored == [good_in_all.to_string()] {
            break;
        }
        let patience = Duration::from_secs(60);
        ensure!(begun.elapsed() < patience, "{stored:?} instead of {good_in_all} events are stored");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(format!(
        "{cases} bodies as arrays and lines: accepted + rejected = sent, a reason for each rejected, 400 where nothing is good; {good_in_all} good events stored once. Other protocols have tests of their own"
    ))
}

async fn post(stack: &Stack, key: &str, body: Vec<u8>, encoding: Option<&str>) -> Result<(u16, Value)> {
    let mut request =
        stack.server.http.post(format!("{}/api/v1/logs/ingest", stack.server.url)).bearer_auth(key);
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    let answer = request.body(body).send().await?;
    let status = answer.status().as_u16();
    Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or(Value::Null)))
}

struct Bomb {
    name: &'static str,
    body: Vec<u8>,
    encoding: Option<&'static str>,
    status: u16,
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn all_bombs() -> Result<Vec<Bomb>> {
    let zeros = vec![0_u8; 200 << 20];
    let nested = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let fields: BTreeMap<String, u32> = (0..10_000).map(|field| (format!("field_{field}"), field)).collect();
    let bomb = |name, body, encoding, status| Bomb { name, body, encoding, status };
    Ok(vec![
        bomb("gzip of 200 MiB of zeros", gzip(&zeros)?, Some("gzip"), 413),
        bomb("zstd of 200 MiB of zeros", zstd::encode_all(&zeros[..], 3)?, Some("zstd"), 413),
        bomb("9 MiB of text", vec![b'x'; 9 << 20], None, 413),
        bomb("a line of 7 MiB", [&b"{\"message\":\""[..], &vec![b'x'; 7 << 20], b"\"}"].concat(), None, 202),
        bomb("100,000 levels of nesting", nested.into_bytes(), None, 400),
        bomb("10,000 fields", serde_json::to_vec(&fields)?, None, 202),
        bomb("text that is not UTF-8", b"{\"message\":\"\xff\xfe\xc3\x28\"}".to_vec(), None, 202),
        bomb("NUL", b"{\"message\":\"a\\u0000b\"}".to_vec(), None, 202),
        bomb("gzip that is none", b"not gzip".to_vec(), Some("gzip"), 400),
    ])
}

async fn bombs(lab: &Lab) -> Result<String> {
    let stack = lab.stack(&[]).await?;
    let sender = stack.server.organization("sender").await?;
    post(&stack, &sender.key, b"{\"message\":\"first\"}".to_vec(), None).await?;
    let (mut slowest, mut most_grown, bombs) = (Duration::ZERO, 0, all_bombs()?);
    for bomb in &bombs {
        let (before, begun) = (stack.server.memory()?, Instant::now());
        let (status, answer) = post(&stack, &sender.key, bomb.body.clone(), bomb.encoding).await?;
        slowest = slowest.max(begun.elapsed());
        most_grown = most_grown.max(stack.server.memory()?.saturating_sub(before) >> 20);
        ensure!(status == bomb.status, "{}: {status} instead of {}: {answer}", bomb.name, bomb.status);
    }
    let (status, _) = post(&stack, &sender.key, b"{\"message\":\"last\"}".to_vec(), None).await?;
    ensure!(status == 202, "{status} after the bombs");
    ensure!(slowest < Duration::from_secs(10), "the slowest answer took {slowest:?}");
    ensure!(most_grown < 64, "the server grew by {most_grown} MiB");
    Ok(format!(
        "{} bodies, from 200 MiB of zeros in {} kB to 100,000 levels of nesting: each answered as it should be, never a 5xx, after {:.1} s at most; the server grew by {most_grown} MiB at most",
        bombs.len(),
        bombs[0].body.len() / 1000,
        slowest.as_secs_f64()
    ))
}
