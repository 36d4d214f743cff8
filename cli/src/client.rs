//! Talks to a server: JSON in and out, problems as errors that say what to do.

use crate::diagnostic::{Finding, QueryError};
use crate::profile::Profile;
use anyhow::{Context, Result, anyhow, bail};
use api_types::problem::Problem;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Times that a busy server is asked again.
const ATTEMPTS: u32 = 5;

pub struct Client {
    http: reqwest::Client,
    pub profile: Profile,
}

impl Client {
    pub fn new(profile: Profile) -> Result<Self> {
        if !profile.server.starts_with("http://") && !profile.server.starts_with("https://") {
            bail!("{} is no address of a server; write it like https://logs.example.com", profile.server);
        }
        let mut http = reqwest::Client::builder().connect_timeout(Duration::from_secs(10));
        if crate::send::is_local(&profile.server) {
            http = http.no_proxy();
        }
        Ok(Self { http: http.build()?, profile })
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.profile.token)
    }

    /// Without the key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.profile.server.trim_end_matches('/'));
        self.http.request(method, url)
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(self.request(Method::GET, path)).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Result<()> {
        self.answer(self.request(Method::DELETE, path)).await.map(drop)
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let answer = self.answer(request).await?;
        let text = answer.text().await.context("the answer broke off")?;
        serde_json::from_str(&text).with_context(|| {
            format!("{} answered something unexpected: {}", self.profile.server, shortened(&text))
        })
    }

    /// A successful answer. A server that is busy is waited for.
    pub async fn answer(&self, request: RequestBuilder) -> Result<Response> {
        for attempt in 1.. {
            let again = request.try_clone().context("the request cannot be repeated")?;
            let answer = again.send().await.map_err(|error| self.unreachable(&error))?;
            let is_busy =
                matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if !is_busy || attempt >= ATTEMPTS {
                return self.checked(answer).await;
            }
            tokio::time::sleep(retry_after(&answer).unwrap_or(Duration::from_secs(1 << attempt))).await;
        }
        unreachable!("the loop ends with the last attempt")
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let mut reason: &dyn std::error::Error = error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        anyhow!("cannot reach {}: {reason}", self.profile.server)
    }

    async fn checked(&self, answer: Response) -> Result<Response> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        let problem: Option<Problem> = serde_json::from_str(&text).ok();
        Err(match problem {
            Some(problem) => anyhow!(Refused { status, problem }),
            None => anyhow!("{} answered {status}: {}", self.profile.server, shortened(&text)),
        })
    }
}

/// A problem that the server told.
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    pub problem: Problem,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.problem.detail.trim_end_matches('.'))?;
        for field in &self.problem.errors {
            write!(out, "\n  {}: {}", field.field, field.detail)?;
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                out.write_str("; run `cordwood login` again, or give a key that is valid")
            }
            StatusCode::FORBIDDEN => out.write_str("; use a key with a wider scope"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// A query that the server refused, as an error that shows where.
pub fn point_out(error: anyhow::Error, query: &str) -> anyhow::Error {
    let finding = error
        .downcast_ref::<Refused>()
        .and_then(|refused| refused.problem.diagnostics.first())
        .map(|diagnostic| Finding::of_answer(query, diagnostic));
    match finding {
        Some(finding) => QueryError { source: query.to_owned(), finding }.into(),
        None => error,
    }
}

pub fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}
