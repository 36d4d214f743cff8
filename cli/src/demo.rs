//! `cordwood demo`: an account of a made-up shop, with a past and with live logs.
//!
//! The account is remembered in a file, so that the next start goes on with the same one.

use crate::send::Sender;
use anyhow::{Context, Result, ensure};
use api_types::accounts::{CreatedApiKey, KeyScope, LoginRequest, NewApiKeyRequest, Session, SignupRequest};
use generate::{Generator, Profile};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the server is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// File that keeps the account's login and key.
    #[arg(long, default_value = "demo-account.json")]
    remember: PathBuf,
    /// Live events per second.
    #[arg(long, default_value_t = 20)]
    rate: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Account {
    email: String,
    password: String,
    key: String,
}

const HISTORY_S: i64 = 2 * 60 * 60;
const HISTORY_STEP_MS: i64 = 150;
const NS_PER_MS: i64 = 1_000_000;
const BATCH: usize = 2_000;

pub async fn run(options: &Options) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let account = account(&client, options).await?;
    say(&format!("demo account: {}  password: {}", account.email, account.password));
    say(&format!("sign in at {}/login", options.url));
    send_live(&mut Sender::new(&options.url, &account.key)?, options.rate).await
}

#[allow(clippy::print_stdout, reason = "the result is for a person")]
fn say(text: &str) {
    println!("{text}");
}

async fn account(client: &reqwest::Client, options: &Options) -> Result<Account> {
    if let Some(account) = remembered(&options.remember)
        && is_known(client, &options.url, &account).await?
    {
        return Ok(account);
    }
    let account = sign_up(client, &options.url).await?;
    let text = serde_json::to_string_pretty(&account)?;
    std::fs::write(&options.remember, text)
        .with_context(|| format!("cannot write {}", options.remember.display()))?;
    say("sending the last two hours of logs");
    send_history(&mut Sender::new(&options.url, &account.key)?).await?;
    Ok(account)
}

fn remembered(path: &Path) -> Option<Account> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// False when the server's data is not the one that the account was made in.
async fn is_known(client: &reqwest::Client, url: &str, account: &Account) -> Result<bool> {
    let login = LoginRequest { email: account.email.clone(), password: account.password.clone(), code: None };
    let answer = client.post(format!("{url}/api/v1/auth/login")).json(&login).send().await?;
    Ok(answer.status().is_success())
}

async fn sign_up(client: &reqwest::Client, url: &str) -> Result<Account> {
    let number: u32 = rand::random_range(1_000..10_000);
    let password = format!("demo {:016x}", rand::random::<u64>());
    let email = format!("demo{number}@cordwood.example");
    let signup = SignupRequest {
        email: email.clone(),
        password: password.clone(),
        name: "Demo".into(),
        organization: "Demo shop".into(),
    };
    let session: Session = post(client, &format!("{url}/api/v1/auth/signup"), None, &signup).await?;
    let key = NewApiKeyRequest {
        name: "demo logs".into(),
        project_id: session.projects.first().context("the account has no project")?.id.clone(),
        scopes: vec![KeyScope::Ingest],
        ..NewApiKeyRequest::default()
    };
    let key: CreatedApiKey =
        post(client, &format!("{url}/api/v1/api-keys"), Some(&session.access_token), &key).await?;
    Ok(Account { email, password, key: key.secret })
}

async fn post<T: serde::de::DeserializeOwned>(
    client: &reqwest::Client,
    url: &str,
    token: Option<&str>,
    body: &impl Serialize,
) -> Result<T> {
    let mut request = client.post(url).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{url} answered {status}: {text}");
    serde_json::from_str(&text).with_context(|| format!("{url} answered something unexpected: {text}"))
}

async fn send_history(sender: &mut Sender) -> Result<()> {
    let mut generator = Generator::new(1, Profile::default());
    let now_ns = now_ns();
    let mut at_ns = now_ns - HISTORY_S * 1_000 * NS_PER_MS;
    while at_ns < now_ns {
        let mut body = Vec::new();
        for _ in 0..BATCH {
            if at_ns >= now_ns {
                break;
            }
            generator.write_event(at_ns, &mut body);
            body.push(b'\n');
            at_ns += HISTORY_STEP_MS * NS_PER_MS;
        }
        sender.send(&body).await?;
    }
    Ok(())
}

/// Until the process is ended. A server that is away for a while is waited for.
async fn send_live(sender: &mut Sender, rate: u32) -> Result<()> {
    let mut generator = Generator::new(now_ns().unsigned_abs(), Profile::default());
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let second_ns = now_ns() - 1_000 * NS_PER_MS;
        let mut body = Vec::new();
        for index in 0..i64::from(rate) {
            generator.write_event(second_ns + index * 1_000 * NS_PER_MS / i64::from(rate), &mut body);
            body.push(b'\n');
        }
        if let Err(error) = sender.send(&body).await {
            say(&format!("not sent, trying again: {error:#}"));
        }
    }
}

fn now_ns() -> i64 {
    Timestamp::now().as_nanosecond() as i64
}
