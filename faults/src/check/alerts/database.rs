//! The metadata database is away, or slow and with one connection only.

use super::SETTINGS;
use crate::check::Fault;
use crate::database::Way;
use crate::lab::{Lab, Organization, PASSWORD, Stack};
use crate::load::percentile;
use crate::proxy::Mode;
use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault { id: "F15", name: "the metadata database is away", run: |lab| Box::pin(away(lab)) },
    Fault {
        id: "F16",
        name: "a slow metadata database over a single connection",
        run: |lab| Box::pin(slow(lab)),
    },
];

/// Waiting for a connection ends after five seconds; what is on its way then still needs its answer.
const PATIENCE: Duration = Duration::from_secs(8);

async fn server_on_postgres(lab: &Lab, more: &str) -> Result<(Stack, Way)> {
    let way = lab.database().await?.way("one").await?;
    let url = format!("--database-url={}", way.url);
    let mut settings: Vec<&str> = vec!["--node-name=one", &url, more];
    settings.extend(SETTINGS);
    Ok((lab.stack(&settings).await?, way))
}

async fn new_key(stack: &Stack, organization: &Organization) -> Result<(String, String)> {
    let key = json!({"name": "another", "project_id": organization.project_id, "scopes": ["ingest"]});
    let made = stack.server.post("/api/v1/api-keys", Some(&organization.token), &key).await?;
    let text = |member: &str| made[member].as_str().map(str::to_owned).context("a new key is shown");
    Ok((text("id")?, text("secret")?))
}

fn request(stack: &Stack, method: Method, path: &str, credential: &str, body: &Value) -> RequestBuilder {
    let request = stack.server.http.request(method, format!("{}{path}", stack.server.url));
    let request = request.bearer_auth(credential).timeout(Duration::from_secs(30));
    if body.is_null() { request } else { request.json(body) }
}

/// Sends one event; says how it was answered and after how long.
async fn ingest(stack: &Stack, key: &str, number: u64) -> Result<(u16, Duration, bool)> {
    let event = json!([{"message": format!("event {number}")}]);
    answer(request(stack, Method::POST, "/api/v1/logs/ingest", key, &event)).await
}

async fn answer(request: RequestBuilder) -> Result<(u16, Duration, bool)> {
    let begun = Instant::now();
    let answer = request.send().await?;
    let has_retry_after = answer.headers().contains_key("retry-after");
    Ok((answer.status().as_u16(), begun.elapsed(), has_retry_after))
}

async fn log_in(stack: &Stack, organization: &Organization) -> Result<(u16, Duration, bool)> {
    let body = json!({"email": organization.email, "password": PASSWORD});
    answer(request(stack, Method::POST, "/api/v1/auth/login", "", &body)).await
}

async fn away(lab: &Lab) -> Result<String> {
    let outage = Duration::from_secs(lab.rounds(20, 600));
    let (stack, way) = server_on_postgres(lab, "--database-connections=10").await?;
    let organization = stack.server.organization("away").await?;
    let ((_, known), (revoked_id, revoked), (_, unknown)) = (
        new_key(&stack, &organization).await?,
        new_key(&stack, &organization).await?,
        new_key(&stack, &organization).await?,
    );
    ensure!(ingest(&stack, &known, 0).await?.0 == 202 && ingest(&stack, &revoked, 1).await?.0 == 202);
    let path = format!("/api/v1/api-keys/{revoked_id}");
    ensure!(answer(request(&stack, Method::DELETE, &path, &organization.token, &Value::Null)).await?.0 < 300);

    way.proxy.set(Mode::Refuse);
    let (begun, mut sent, mut slowest, mut asked) = (Instant::now(), 2_u64, Duration::ZERO, 0);
    while begun.elapsed() < outage {
        for _ in 0..10 {
            let (status, took, _) = ingest(&stack, &known, sent).await?;
            ensure!(status == 202, "a known key was answered {status}");
            (sent, slowest) = (sent + 1, slowest.max(took));
        }
        let (status, _, may_retry) = ingest(&stack, &unknown, 0).await?;
        ensure!((status, may_retry) == (503, true), "a key that is not known yet was answered {status}");
        let (status, _, _) = ingest(&stack, &revoked, 0).await?;
        ensure!([401, 503].contains(&status), "a revoked key was answered {status}");
        let (status, took, may_retry) = log_in(&stack, &organization).await?;
        ensure!((status, may_retry) == (503, true) && took < PATIENCE, "a login: {status} after {took:?}");
        let rules = request(&stack, Method::GET, "/api/v1/alert-rules", &organization.token, &Value::Null);
        let (status, took, _) = answer(rules).await?;
        ensure!(status == 503 && took < PATIENCE, "the rules: {status} after {took:?}");
        asked += 1;
    }
    way.proxy.set(Mode::Pass);
    let back = Instant::now();
    loop {
        let (status, took, _) = log_in(&stack, &organization).await?;
        if status == 200 {
            break;
        }
        ensure!(
            back.elapsed() < Duration::from_secs(5),
            "not back after five seconds: a login was answered {status} after {took:?}"
        );
    }
    let back = back.elapsed();
    let delivered = super::until("everything is stored", Duration::from_secs(60), async || {
        Ok(stack.column("SELECT count() FROM logs").await? == [sent.to_string()])
    })
    .await?;
    Ok(format!(
        "connections to Postgres cut and refused for {} s: {sent} events under a known key acknowledged, the slowest after {} ms, all stored once, the last {:.1} s after the end; {asked} times each: an unknown key 503 with Retry-After, a revoked one refused, login and API 503; logins again after {:.1} s",
        outage.as_secs(),
        slowest.as_millis(),
        delivered.as_secs_f64(),
        back.as_secs_f64()
    ))
}

async fn slow(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(2, 10);
    let (stack, way) = server_on_postgres(lab, "--database-connections=1").await?;
    let organization = stack.server.organization("slow").await?;
    let (_, key) = new_key(&stack, &organization).await?;
    ensure!(ingest(&stack, &key, 0).await?.0 == 202);
    let (mut waits, mut answered, mut refused, mut slowest) = (Vec::new(), 0, 0, Duration::ZERO);
    for _ in 0..rounds {
        way.proxy.set(Mode::Slow { delay_ms: 3_000, drop_one_in: u64::MAX });
        let rules = || request(&stack, Method::GET, "/api/v1/alert-rules", &organization.token, &Value::Null);
        let calls = futures::future::join_all((0..8).map(|_| answer(rules())));
        let events = async {
            let mut waits = Vec::new();
            for number in 1..100 {
                let (status, took, _) = ingest(&stack, &key, number).await?;
                ensure!(status == 202, "a known key was answered {status}");
                waits.push(took.as_millis() as u64);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(waits)
        };
        let (calls, took) = tokio::join!(calls, events);
        waits.extend(took?);
        for call in calls {
            let (status, took, may_retry) = call?;
            ensure!(status == 200 || (status == 503 && may_retry), "the rules: {status}");
            (answered, refused) = (answered + u32::from(status == 200), refused + u32::from(status == 503));
            slowest = slowest.max(took);
        }
        way.proxy.set(Mode::Pass);
        super::until("the API answers again", Duration::from_secs(20), async || {
            Ok(answer(rules()).await?.0 == 200)
        })
        .await?;
    }
    waits.sort_unstable();
    ensure!(refused > 0, "nothing waited for the only connection");
    ensure!(slowest < Duration::from_secs(5) + 2 * Duration::from_secs(3), "an answer took {slowest:?}");
    Ok(format!(
        "{rounds} times every answer of Postgres 3 s late, one connection: ingest under a known key p99 {} ms; of 8 API calls at once {answered} answered and {refused} refused with 503 and Retry-After in all, the slowest after {:.1} s; answering again at once afterwards",
        percentile(&waits, 99),
        slowest.as_secs_f64()
    ))
}
