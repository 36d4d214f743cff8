//! Talks to the server: one function a call, JSON both ways, the session by cookie.
//!
//! Every function's request ends when its future is dropped. A session that has run out is renewed once; when that fails the
//! browser goes to the login page and comes back after it.

pub mod accounts;
pub mod alerts;
pub mod annotations;
mod error;
pub mod ingest;
pub mod saved;
pub mod search;
mod stream;

pub use error::ApiError;

use crate::browser;
use gloo_net::http::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use web_sys::AbortController;

/// Aborts the request when the future that waits for it is dropped; after the answer has arrived this does nothing.
struct AbortOnDrop(Option<AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// An answer whose body is still to be read.
struct Answer {
    response: Response,
    _abort: AbortOnDrop,
}

/// What an answer without content is read as.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    read(signed_in(Method::GET, path, None).await?).await
}

async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(signed_in(Method::POST, path, Some(json(body)?)).await?).await
}

async fn patch<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(signed_in(Method::PATCH, path, Some(json(body)?)).await?).await
}

async fn put<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(signed_in(Method::PUT, path, Some(json(body)?)).await?).await
}

async fn post_for_nothing(path: &str, body: &impl Serialize) -> Result<Nothing, ApiError> {
    finish(signed_in(Method::POST, path, Some(json(body)?)).await?).await
}

/// For what is deleted only when its name is given.
async fn delete_with<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(signed_in(Method::DELETE, path, Some(json(body)?)).await?).await
}

async fn delete(path: &str) -> Result<Nothing, ApiError> {
    finish(signed_in(Method::DELETE, path, None).await?).await
}

async fn finish(answer: Answer) -> Result<Nothing, ApiError> {
    answer.response.text().await.map(|_| Nothing).map_err(|_| ApiError::Unreachable)
}

fn json(body: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(body).map_err(|error| ApiError::Unreadable(error.to_string()))
}

async fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, ApiError> {
    let text = answer.response.text().await.map_err(|_| ApiError::Unreachable)?;
    serde_json::from_str(&text).map_err(|error| ApiError::Unreadable(error.to_string()))
}

/// Sends with the session's cookie, renewing it once when it has run out.
async fn signed_in(method: Method, path: &str, body: Option<String>) -> Result<Answer, ApiError> {
    match send(method.clone(), path, body.clone()).await {
        Err(ApiError::Problem(problem)) if problem.status == 401 => {}
        answer => return answer,
    }
    if browser::refresh_session().await {
        return send(method, path, body).await;
    }
    go_to_login();
    Err(ApiError::SignedOut)
}

fn go_to_login() {
    let here = browser::current_address();
    match here.as_str() {
        "/" | "/explore" => browser::leave_to("/login"),
        here if here.starts_with("/login") => {}
        here => browser::leave_to(&format!("/login?next={}", crate::url::escape(here))),
    }
}

async fn send(method: Method, path: &str, body: Option<String>) -> Result<Answer, ApiError> {
    let controller = AbortController::new().ok();
    let signal = controller.as_ref().map(AbortController::signal);
    let abort = AbortOnDrop(controller);
    let builder = RequestBuilder::new(path)
        .method(method)
        .header("Accept", "application/json")
        .header("X-Cordwood-Request", "1")
        .abort_signal(signal.as_ref());
    let sent = match body {
        Some(body) => builder.header("Content-Type", "application/json").body(body),
        None => builder.build(),
    };
    let response =
        sent.map_err(|_| ApiError::Unreachable)?.send().await.map_err(|_| ApiError::Unreachable)?;
    if response.ok() {
        return Ok(Answer { response, _abort: abort });
    }
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    Err(serde_json::from_str(&text)
        .map_or(ApiError::Unexpected(status), |problem| ApiError::Problem(Box::new(problem))))
}
