//! An OpenID Connect provider: found by its issuer, asked with a code, believed by its signature.
//!
//! What it says of itself and its keys are kept for an hour; a token signed with a key that is not among them has them fetched
//! again, at most once a minute.

use super::token::{self, Claims};
use super::{Challenge, Client, Identity, ProviderError, form, json, parsed};
use crate::accounts::checked::Email;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

pub const GOOGLE: &str = "https://accounts.google.com";
pub const SCOPES: &str = "openid email profile";

const KNOWN: Duration = Duration::from_secs(60 * 60);
const NEW_KEYS: Duration = Duration::from_secs(60);

pub struct Oidc {
    pub issuer: String,
    client: Client,
    scopes: String,
    known: Mutex<Option<Arc<Known>>>,
}

struct Known {
    at: Instant,
    metadata: Metadata,
    keys: Vec<Jwk>,
}

/// What a provider says of itself.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Whether the secret goes into the form: only where the header is not taken, which is the default.
    fn secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        methods.is_some_and(|methods| !methods.iter().any(|method| method == "client_secret_basic"))
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: String,
}

impl Oidc {
    pub(super) fn new(issuer: &str, client: Client, scopes: &str) -> Self {
        Self { issuer: issuer.to_owned(), client, scopes: scopes.to_owned(), known: Mutex::default() }
    }

    pub(super) async fn address(&self, challenge: &Challenge<'_>) -> Result<Url, ProviderError> {
        let mut address = parsed(&self.known(KNOWN).await?.metadata.authorization_endpoint)?;
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", challenge.redirect_uri),
            ("scope", &self.scopes),
            ("state", challenge.state),
            ("nonce", challenge.nonce),
            ("code_challenge", &token::code_challenge(challenge.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        Ok(address)
    }

    pub(super) async fn identity(
        &self,
        code: &str,
        challenge: &Challenge<'_>,
    ) -> Result<Identity, ProviderError> {
        let known = self.known(KNOWN).await?;
        let tokens = self.exchange(&known.metadata, code, challenge).await?;
        let known = if token::is_signed_by_one_of(&tokens.id_token, &known.keys) {
            known
        } else {
            self.known(NEW_KEYS).await?
        };
        let mut claims =
            token::check(&tokens.id_token, &known.keys, &self.issuer, &self.client.id, challenge.nonce)?;
        if claims.email.is_none() {
            self.ask_more(&known.metadata, &tokens.access_token, &mut claims).await?;
        }
        Ok(self.identity_of(claims))
    }

    fn identity_of(&self, claims: Claims) -> Identity {
        let confirmed = claims.email_verified.as_ref().is_some_and(|it| *it == true || *it == "true");
        let email = claims.email.as_deref().filter(|_| confirmed).and_then(|text| Email::parse(text).ok());
        let name = claims.name.or(claims.preferred_username).or(claims.email).unwrap_or_default();
        Identity { issuer: self.issuer.clone(), subject: claims.sub, email, name }
    }

    /// Exchanges the code for tokens.
    async fn exchange(
        &self,
        metadata: &Metadata,
        code: &str,
        challenge: &Challenge<'_>,
    ) -> Result<Tokens, ProviderError> {
        let Client { id, secret, outbound } = &self.client;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", challenge.redirect_uri),
            ("code_verifier", challenge.verifier),
        ];
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if secret.is_empty() || metadata.secret_in_form() {
            pairs.push(("client_id", id));
            if !secret.is_empty() {
                pairs.push(("client_secret", secret));
            }
        } else {
            headers.insert(AUTHORIZATION, basic(id, secret));
        }
        json(&outbound.post(&parsed(&metadata.token_endpoint)?, headers, form(&pairs).into_bytes()).await?)
    }

    /// Some providers tell the address only at their own endpoint for it.
    async fn ask_more(
        &self,
        metadata: &Metadata,
        access_token: &str,
        claims: &mut Claims,
    ) -> Result<(), ProviderError> {
        let Some(endpoint) = &metadata.userinfo_endpoint else { return Ok(()) };
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {access_token}"));
        let bearer = bearer.map_err(|_| ProviderError::Answer("no access token".into()))?;
        headers.insert(AUTHORIZATION, bearer);
        let more: Claims = json(&self.client.outbound.get(&parsed(endpoint)?, headers).await?)?;
        if more.sub != claims.sub {
            return Err(ProviderError::Token("the provider speaks of somebody else".into()));
        }
        claims.email = more.email;
        claims.email_verified = more.email_verified;
        claims.name = claims.name.take().or(more.name);
        claims.preferred_username = claims.preferred_username.take().or(more.preferred_username);
        Ok(())
    }

    /// What the provider says of itself, not older than this.
    async fn known(&self, at_most: Duration) -> Result<Arc<Known>, ProviderError> {
        let mut kept = self.known.lock().await;
        if let Some(known) = kept.as_ref().filter(|known| known.at.elapsed() < at_most) {
            return Ok(known.clone());
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let outbound = &self.client.outbound;
        let metadata: Metadata = json(&outbound.get(&parsed(&address)?, HeaderMap::new()).await?)?;
        if metadata.issuer != self.issuer {
            return Err(ProviderError::Answer(format!("it calls itself {}", metadata.issuer)));
        }
        if !["https", self.scheme()].contains(&parsed(&metadata.authorization_endpoint)?.scheme()) {
            return Err(ProviderError::Answer("its login page is not https".into()));
        }
        let keys: Value = json(&outbound.get(&parsed(&metadata.jwks_uri)?, HeaderMap::new()).await?)?;
        let known = Arc::new(Known { at: Instant::now(), metadata, keys: token::keys_of(&keys) });
        *kept = Some(known.clone());
        Ok(known)
    }

    fn scheme(&self) -> &str {
        self.issuer.split(':').next().unwrap_or_default()
    }
}

/// The header that shows the secret; both parts are encoded as in a form first (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &str) -> HeaderValue {
    let encoded = |text: &str| form(&[("", text)])[1..].to_owned();
    let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
    HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_encoded_before_it_is_shown() {
        let shown = basic("a b", "p:w&ü");
        let text = STANDARD.decode(shown.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "a+b:p%3Aw%26%C3%BC");
    }
}
