//! What a login elsewhere has to remember between two visits of the browser, sealed in a cookie: nobody else can read or make it.
//!
//! First a `Flow`, while the browser is at the provider; then, when we know who it is and something is still missing, a `Pending`.
//! Both end after ten minutes. A code of a provider works once, so a cookie that was copied opens nothing twice.

use super::{Challenge, Identity};
use crate::accounts::checked::Email;
use crate::auth::Auth;
use crate::sealing::Sealer;
use crate::time::{MINUTE_US, Micros, SECOND_US, now_us};
use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::future::{Ready, ready};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const LIFETIME_US: Micros = 10 * MINUTE_US;
const LONGEST_NEXT: usize = 1000;

/// A login that is at the provider.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flow {
    pub provider: String,
    state: String,
    nonce: String,
    verifier: String,
    /// The page of ours to go to afterwards.
    pub next: String,
    /// Who wants to link that account to theirs; absent when somebody signs in.
    pub linking: Option<Uuid>,
    ends_at: Micros,
}

impl Flow {
    pub fn new(provider: &str, next: &str, linking: Option<Uuid>) -> Self {
        let random = || URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        Self {
            provider: provider.to_owned(),
            state: random(),
            nonce: random(),
            verifier: random(),
            next: page_of_ours(next),
            linking,
            ends_at: now_us() + LIFETIME_US,
        }
    }

    pub fn challenge<'a>(&'a self, redirect_uri: &'a str) -> Challenge<'a> {
        let Self { state, nonce, verifier, .. } = self;
        Challenge { redirect_uri, state, nonce, verifier }
    }

    pub fn is_answered_by(&self, provider: &str, state: &str) -> bool {
        self.provider == provider && bool::from(self.state.as_bytes().ct_eq(state.as_bytes()))
    }
}

/// Somebody whom a provider has told us of, before they are signed in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    pub provider: String,
    issuer: String,
    subject: String,
    email: Option<String>,
    pub name: String,
    /// The account that needs a code of its second factor; absent: there is none yet.
    pub user_id: Option<Uuid>,
    pub next: String,
    ends_at: Micros,
}

impl Pending {
    pub fn new(flow: &Flow, identity: &Identity, user_id: Option<Uuid>) -> Self {
        Self {
            provider: flow.provider.clone(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            email: identity.email.as_ref().map(|email| email.as_str().to_owned()),
            name: identity.name.clone(),
            user_id,
            next: flow.next.clone(),
            ends_at: now_us() + LIFETIME_US,
        }
    }

    pub fn identity(&self) -> Identity {
        let email = self.email.as_deref().and_then(|text| Email::parse(text).ok());
        let (issuer, subject, name) = (self.issuer.clone(), self.subject.clone(), self.name.clone());
        Identity { issuer, subject, email, name }
    }
}

/// Only pages of this installation: else a link to us could lead anywhere.
fn page_of_ours(address: &str) -> String {
    let is_ours = address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains(['\\', '\n', '\r', '\t'])
        && address.len() <= LONGEST_NEXT;
    if is_ours { address.to_owned() } else { "/explore".to_owned() }
}

trait Kept: Serialize + DeserializeOwned {
    const PLACE: &'static str;
    fn ends_at(&self) -> Micros;
}

impl Kept for Flow {
    const PLACE: &'static str = "sso flow";
    fn ends_at(&self) -> Micros {
        self.ends_at
    }
}

impl Kept for Pending {
    const PLACE: &'static str = "sso pending";
    fn ends_at(&self) -> Micros {
        self.ends_at
    }
}

fn sealed<T: Kept>(auth: &Auth, sealer: &Sealer, kept: &T) -> Cookie<'static> {
    let text = serde_json::to_string(kept).expect("texts and numbers can be written");
    auth.cookies.sso(&sealer.seal(T::PLACE, &text), LIFETIME_US / SECOND_US)
}

pub fn flow_cookie(auth: &Auth, sealer: &Sealer, flow: &Flow) -> Cookie<'static> {
    sealed(auth, sealer, flow)
}

pub fn pending_cookie(auth: &Auth, sealer: &Sealer, pending: &Pending) -> Cookie<'static> {
    sealed(auth, sealer, pending)
}

/// Whether a login was begun on one of our pages: another site must not sign people in whom it likes.
pub struct OfOurPages(pub bool);

impl FromRequest for OfOurPages {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(Auth::of(request).cookies.came_from_us(request))))
    }
}

/// What the browser brought along, unopened. A change that a page of another site makes a browser send is refused.
pub struct Brought(Option<String>);

impl Brought {
    pub fn flow(&self, sealer: &Sealer) -> Option<Flow> {
        self.opened(sealer)
    }

    pub fn pending(&self, sealer: &Sealer) -> Option<Pending> {
        self.opened(sealer)
    }

    fn opened<T: Kept>(&self, sealer: &Sealer) -> Option<T> {
        let text = sealer.open(T::PLACE, self.0.as_deref()?).ok()?;
        let kept: T = serde_json::from_str(&text).ok()?;
        (kept.ends_at() > now_us()).then_some(kept)
    }
}

impl FromRequest for Brought {
    type Error = crate::auth::AuthError;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = Auth::of(request);
        ready(auth.cookies.refuse_other_sites(request).map(|()| Self(auth.cookies.sso_state(request))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::with_secret(b"0123456789abcdef0123456789abcdef")
    }

    fn brought<T: Kept>(kept: &T) -> Brought {
        Brought(Some(sealer().seal(T::PLACE, &serde_json::to_string(kept).unwrap())))
    }

    #[test]
    fn a_flow_comes_back_once_it_is_known_and_in_time() {
        let flow = Flow::new("oidc", "/alerts", None);
        let back = brought(&flow).flow(&sealer()).unwrap();
        assert!(back.is_answered_by("oidc", &flow.state));
        assert!(!back.is_answered_by("google", &flow.state) && !back.is_answered_by("oidc", "other"));
        assert!(brought(&flow).pending(&sealer()).is_none(), "one is not the other");
        let over = Flow { ends_at: now_us() - 1, ..flow };
        assert!(brought(&over).flow(&sealer()).is_none());
        assert!(Brought(None).flow(&sealer()).is_none());
    }

    #[test]
    fn no_two_logins_share_a_secret() {
        let (one, two) = (Flow::new("oidc", "/", None), Flow::new("oidc", "/", None));
        let all = [&one.state, &one.nonce, &one.verifier, &two.state, &two.nonce, &two.verifier];
        for (at, secret) in all.iter().enumerate() {
            assert_eq!(secret.len(), 43);
            assert!(!all[at + 1..].contains(secret));
        }
    }

    #[test]
    fn one_ends_up_on_a_page_of_ours() {
        assert_eq!(page_of_ours("/alerts?state=firing"), "/alerts?state=firing");
        for elsewhere in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", &"/x".repeat(600)]
        {
            assert_eq!(page_of_ours(elsewhere), "/explore", "{elsewhere}");
        }
    }
}
