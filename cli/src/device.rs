//! Asks for a key through the browser, by the device authorization grant of RFC 8628.

use crate::client::Client;
use crate::profile::Profile;
use crate::terminal::{ColorChoice, Style};
use anyhow::{Context, Result, bail};
use api_types::accounts::{DeviceCodes, DeviceRefusal, DeviceToken};
use reqwest::{Method, RequestBuilder, StatusCode};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CLIENT: &str = "cordwood-cli";
/// RFC 8628: what `slow_down` adds.
const SLOWER: Duration = Duration::from_secs(5);

/// What the server gave.
pub struct Grant {
    pub key: String,
    pub organization: String,
    pub project: String,
    /// In words.
    pub scopes: String,
}

/// Comes back when a person has said yes in the browser.
pub async fn authorize(server: &str, scope: &str, may_open: bool) -> Result<Grant> {
    let client = Client::new(Profile { server: server.to_owned(), token: String::new() })?;
    let name = machine();
    let body = form(&[("client_id", CLIENT), ("scope", &scope.replace(',', " ")), ("client_name", &name)]);
    let answer = client.answer(post(&client, "/api/v1/auth/device", body)).await?;
    let codes: DeviceCodes = answer.json().await.context("the answer is none of a Cordwood server")?;
    tell(&codes);
    if may_open {
        open(&codes.verification_uri_complete);
    }
    wait(&client, &codes).await
}

#[allow(clippy::print_stderr, reason = "this is for the person at the terminal")]
fn tell(codes: &DeviceCodes) {
    let style = Style::of_stderr(ColorChoice::Auto);
    eprintln!("Open {}", style.paint("4", &codes.verification_uri_complete));
    eprintln!("and confirm the code {}", style.paint("1", &codes.user_code));
}

async fn wait(client: &Client, codes: &DeviceCodes) -> Result<Grant> {
    let mut pause = Duration::from_secs(codes.interval.max(1));
    let ends = Instant::now() + Duration::from_secs(codes.expires_in);
    while Instant::now() < ends {
        tokio::time::sleep(pause).await;
        let fields = [("grant_type", GRANT), ("device_code", &codes.device_code), ("client_id", CLIENT)];
        // A server that is away for a moment is asked again.
        let Ok(answer) = post(client, "/api/v1/auth/device/token", form(&fields)).send().await else {
            continue;
        };
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        match outcome(status, &text)? {
            Outcome::Granted(token) => return Ok(grant(token)),
            Outcome::Wait => {}
            Outcome::WaitLonger => pause += SLOWER,
        }
    }
    bail!("nobody has confirmed the code in time; run `cordwood login` again")
}

enum Outcome {
    Granted(DeviceToken),
    Wait,
    WaitLonger,
}

fn outcome(status: StatusCode, text: &str) -> Result<Outcome> {
    if status.is_success() {
        let token = serde_json::from_str(text).context("the answer is none of a Cordwood server")?;
        return Ok(Outcome::Granted(token));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Ok(Outcome::WaitLonger);
    }
    let refusal: DeviceRefusal = serde_json::from_str(text).with_context(|| {
        format!("the server answered {status}: {}", text.chars().take(300).collect::<String>())
    })?;
    match refusal.error.as_str() {
        "authorization_pending" => Ok(Outcome::Wait),
        "slow_down" => Ok(Outcome::WaitLonger),
        _ if refusal.error_description.is_empty() => bail!("{}", refusal.error),
        _ => bail!("{}", refusal.error_description.trim_end_matches('.')),
    }
}

fn grant(token: DeviceToken) -> Grant {
    let words = |scope: &str| match scope {
        "query" => "search",
        "ingest" => "send logs",
        "admin" => "change settings",
        _ => "do more than this version knows",
    };
    let scopes: Vec<&str> = token.scope.split(' ').map(words).collect();
    Grant {
        key: token.access_token,
        organization: token.organization,
        project: token.project,
        scopes: scopes.join(", "),
    }
}

/// A request without credentials.
pub fn post(client: &Client, path: &str, body: String) -> RequestBuilder {
    let request = client.anonymous(Method::POST, path);
    request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

pub fn form(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://localhost").expect("an address");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// `olive@laptop`, for the person to know it by.
fn machine() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("a machine").to_owned();
    match std::env::var("USER") {
        Ok(user) if !user.is_empty() => format!("{user}@{host}"),
        _ => host,
    }
}

/// Opens the page where there is a screen. When that fails, the address has been shown.
fn open(address: &str) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if has_screen {
        let mut command = Command::new("xdg-open");
        command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.spawn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_forms_have_them() {
        assert_eq!(form(&[("a", "x y&z"), ("token", "é")]), "a=x+y%26z&token=%C3%A9");
    }

    #[test]
    fn a_login_waits_until_it_is_answered_and_ends_when_it_is_refused() {
        let refused =
            |error: &str| format!("{{\"error\":\"{error}\",\"error_description\":\"It was refused.\"}}");
        let outcome =
            |status: u16, text: &str| outcome(StatusCode::from_u16(status).expect("a status"), text);
        assert!(matches!(outcome(400, &refused("authorization_pending")), Ok(Outcome::Wait)));
        assert!(matches!(outcome(400, &refused("slow_down")), Ok(Outcome::WaitLonger)));
        assert!(matches!(outcome(503, ""), Ok(Outcome::WaitLonger)));
        let error = outcome(400, &refused("access_denied")).err().expect("it ends");
        assert_eq!(error.to_string(), "It was refused");
        assert!(outcome(404, "<html>").is_err());
    }
}
