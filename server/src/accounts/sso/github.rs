//! GitHub, which speaks OAuth 2 and no OpenID Connect: who it is, and which address is confirmed, is asked of its API.

use super::{Challenge, Client, Identity, ProviderError, form, json, parsed, token};
use crate::accounts::checked::Email;
use anyhow::Context;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub struct GitHub {
    /// Without a slash at the end; also what stands as issuer, since its ids are its own.
    url: String,
    api_url: String,
    authorize: Url,
    client: Client,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
}

#[derive(Deserialize)]
struct User {
    /// Stays when the login name is given to somebody else.
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    pub(super) fn new(url: &str, api_url: &str, client: Client) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let authorize =
            Url::parse(&format!("{url}/login/oauth/authorize")).context("github_url is no address")?;
        let api_url = api_url.trim_end_matches('/').to_owned();
        Url::parse(&api_url).context("github_api_url is no address")?;
        Ok(Self { url, api_url, authorize, client })
    }

    pub(super) fn address(&self, challenge: &Challenge<'_>) -> Url {
        let mut address = self.authorize.clone();
        address.query_pairs_mut().extend_pairs([
            ("client_id", self.client.id.as_str()),
            ("redirect_uri", challenge.redirect_uri),
            ("scope", "read:user user:email"),
            ("state", challenge.state),
            ("code_challenge", &token::code_challenge(challenge.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        address
    }

    pub(super) async fn identity(
        &self,
        code: &str,
        challenge: &Challenge<'_>,
    ) -> Result<Identity, ProviderError> {
        let access_token = self.exchange(code, challenge).await?;
        let user: User = self.ask("/user", &access_token).await?;
        let addresses: Vec<Address> = self.ask("/user/emails?per_page=100", &access_token).await?;
        let confirmed = addresses.into_iter().find(|address| address.primary && address.verified);
        Ok(Identity {
            issuer: self.url.clone(),
            subject: user.id.to_string(),
            email: confirmed.and_then(|address| Email::parse(&address.email).ok()),
            name: user.name.filter(|name| !name.trim().is_empty()).unwrap_or(user.login),
        })
    }

    async fn exchange(&self, code: &str, challenge: &Challenge<'_>) -> Result<String, ProviderError> {
        let address = parsed(&format!("{}/login/oauth/access_token", self.url))?;
        let body = form(&[
            ("client_id", &self.client.id),
            ("client_secret", &self.client.secret),
            ("code", code),
            ("redirect_uri", challenge.redirect_uri),
            ("code_verifier", challenge.verifier),
        ]);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // A refusal is answered with 200 and no token.
        let tokens: Tokens = json(&self.client.outbound.post(&address, headers, body.into_bytes()).await?)?;
        Ok(tokens.access_token)
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, access_token: &str) -> Result<T, ProviderError> {
        let address = parsed(&format!("{}{path}", self.api_url))?;
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {access_token}"));
        let bearer = bearer.map_err(|_| ProviderError::Answer("no access token".into()))?;
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        json(&self.client.outbound.get(&address, headers).await?)
    }
}
