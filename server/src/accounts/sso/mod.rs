//! Signing in with an account elsewhere: at an OpenID Connect provider of the operator's choice, at Google, at GitHub.
//!
//! The browser goes to the provider and comes back with a code; `flow` remembers in a sealed cookie what has to fit then (state,
//! nonce, PKCE verifier), `oidc` and `github` turn the code into an `Identity`, and `http` into a session. An account is known by
//! the provider's issuer and its name for the person. An address links to an account of ours only when both sides have
//! confirmed it: else whoever writes an address first somewhere would own the account.

mod flow;
mod github;
mod http;
mod identity_store;
mod linked;
mod oidc;
mod token;

#[cfg(test)]
pub(super) use identity_store::ALL;

use super::checked::Email;
use crate::config::Settings;
use crate::outbound::{Answer, Outbound, OutboundError};
use actix_web::web;
use github::GitHub;
use oidc::Oidc;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub fn routes(app: &mut web::ServiceConfig) {
    http::routes(app);
    linked::routes(app);
}

/// Somebody, by the word of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// Only when the provider has confirmed it.
    pub email: Option<Email>,
    pub name: String,
}

/// What a login sends along and expects back.
pub struct Challenge<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    pub verifier: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the provider answered {0}")]
    Status(u16),
    #[error("the provider's answer is not understood: {0}")]
    Answer(String),
    #[error("the provider's token is not good: {0}")]
    Token(String),
}

enum Kind {
    Oidc(Oidc),
    GitHub(GitHub),
}

/// One that the operator has set up.
pub struct Provider {
    /// In addresses: `oidc`, `google`, `github`.
    pub id: &'static str,
    pub name: String,
    kind: Kind,
}

impl Provider {
    /// Where the browser is sent.
    async fn address(&self, challenge: &Challenge<'_>) -> Result<Url, ProviderError> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.address(challenge).await,
            Kind::GitHub(github) => Ok(github.address(challenge)),
        }
    }

    /// Whose code this is.
    async fn identity(&self, code: &str, challenge: &Challenge<'_>) -> Result<Identity, ProviderError> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.identity(code, challenge).await,
            Kind::GitHub(github) => github.identity(code, challenge).await,
        }
    }

    /// What the `iss` of an answer has to be, when there is one: an answer of another provider is refused (RFC 9207).
    fn issuer(&self) -> Option<&str> {
        match &self.kind {
            Kind::Oidc(oidc) => Some(&oidc.issuer),
            Kind::GitHub(_) => None,
        }
    }
}

/// Those that the operator has set up; cheap to clone.
#[derive(Clone)]
pub struct Providers(Arc<[Provider]>);

impl Providers {
    /// # Errors
    /// An address in the settings is none.
    pub fn of(settings: &Settings, outbound: &Outbound) -> anyhow::Result<Self> {
        let mut providers = Vec::new();
        let oidc = |issuer: &str, id: &str, secret: &str, scopes: &str| {
            Kind::Oidc(Oidc::new(issuer, Client::new(id, secret, outbound), scopes))
        };
        if !settings.oidc_issuer.is_empty() {
            let secret = settings.oidc_client_secret.expose_secret();
            let kind = oidc(&settings.oidc_issuer, &settings.oidc_client_id, secret, &settings.oidc_scopes);
            providers.push(Provider { id: "oidc", name: settings.oidc_name.clone(), kind });
        }
        if !settings.google_client_id.is_empty() {
            let secret = settings.google_client_secret.expose_secret();
            let kind = oidc(oidc::GOOGLE, &settings.google_client_id, secret, oidc::SCOPES);
            providers.push(Provider { id: "google", name: "Google".into(), kind });
        }
        if !settings.github_client_id.is_empty() {
            let secret = settings.github_client_secret.expose_secret();
            let client = Client::new(&settings.github_client_id, secret, outbound);
            let kind = Kind::GitHub(GitHub::new(&settings.github_url, &settings.github_api_url, client)?);
            providers.push(Provider { id: "github", name: "GitHub".into(), kind });
        }
        Ok(Self(providers.into()))
    }

    fn find(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.id == id)
    }
}

/// What this installation is to a provider.
struct Client {
    id: String,
    secret: String,
    outbound: Outbound,
}

impl Client {
    fn new(id: &str, secret: &str, outbound: &Outbound) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), outbound: outbound.clone() }
    }
}

/// Pairs as a form sends them.
fn form(pairs: &[(&str, &str)]) -> String {
    let mut address = Url::parse("https://form.invalid").expect("it is an address");
    address.query_pairs_mut().extend_pairs(pairs);
    address.query().unwrap_or_default().to_owned()
}

fn parsed(address: &str) -> Result<Url, ProviderError> {
    Url::parse(address).map_err(|error| ProviderError::Answer(format!("`{address}` is no address: {error}")))
}

fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, ProviderError> {
    if !answer.status.is_success() {
        return Err(ProviderError::Status(answer.status.as_u16()));
    }
    serde_json::from_slice(&answer.body).map_err(|error| ProviderError::Answer(error.to_string()))
}
