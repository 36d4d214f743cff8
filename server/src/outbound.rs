//! The one way in which the server calls other servers: webhooks, Slack, PagerDuty, identity providers.
//!
//! Nobody can make it reach into the network it stands in. A name is resolved, every address it has is checked, and only a checked
//! address is dialled, because the same check sits in the client's own resolver. Public targets are https on 443 or 8443; what the
//! operator lists in `outbound_allow_networks` may be anything. Redirects are not followed, proxies of the environment not used.

mod address;

use address::Network;
use anyhow::Context;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(10);
/// More of an answer is not read.
const ANSWER_BYTES: usize = 64 << 10;
const PUBLIC_PORTS: [u16; 2] = [443, 8443];

/// Why a call was not made, or not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address is one that must not be called; it never will be.
    #[error("{0}")]
    Refused(String),
    /// Another try may work.
    #[error("{0}")]
    Unreachable(String),
}

/// What came back, cut to a size.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Calls out; cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    allowed: Arc<[Network]>,
    lookup: Lookup,
    /// Dials public addresses only.
    public: Client,
    /// Dials the operator's networks only.
    private: Client,
}

/// Which of the two clients a target is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Public,
    Allowed,
}

impl Outbound {
    /// `allow_networks`: `10.0.0.0/8, 127.0.0.1`.
    ///
    /// # Errors
    /// A network is not understood.
    pub fn new(allow_networks: &str) -> anyhow::Result<Self> {
        Self::with_lookup(allow_networks, Arc::new(|host| Box::pin(look_up(host))))
    }

    fn with_lookup(allow_networks: &str, lookup: Lookup) -> anyhow::Result<Self> {
        let allowed: Arc<[Network]> = allow_networks
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse().map_err(|()| anyhow::anyhow!("`{text}` is not a network like 10.0.0.0/8"))
            })
            .collect::<anyhow::Result<_>>()
            .context("outbound_allow_networks is not understood")?;
        let client = |zone| {
            let resolver = Guard { zone, allowed: allowed.clone(), lookup: lookup.clone() };
            Client::builder()
                .dns_resolver(Arc::new(resolver))
                .https_only(zone == Zone::Public)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT)
                .timeout(WHOLE)
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("Cordwood/", env!("CARGO_PKG_VERSION")))
                .build()
                .context("cannot make an HTTP client")
        };
        let (public, private) = (client(Zone::Public)?, client(Zone::Allowed)?);
        Ok(Self { allowed, lookup, public, private })
    }

    /// Whether a target may be called, as far as can be told now: a name that does not resolve yet may later.
    ///
    /// # Errors
    /// What is not acceptable about it.
    pub async fn check(&self, url: &Url) -> Result<(), OutboundError> {
        match self.zone_of(url).await {
            Err(OutboundError::Refused(reason)) => Err(OutboundError::Refused(reason)),
            Ok(_) | Err(OutboundError::Unreachable(_)) => Ok(()),
        }
    }

    /// Posts a body and reads what comes back.
    ///
    /// # Errors
    /// The target may not be called, or does not answer in time. An answer of any status is none.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, OutboundError> {
        let client = self.client_for(url).await?;
        read(client.post(url.clone()).headers(headers).body(body)).await
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// As `post`.
    pub async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Answer, OutboundError> {
        let client = self.client_for(url).await?;
        read(client.get(url.clone()).headers(headers)).await
    }

    async fn client_for(&self, url: &Url) -> Result<&Client, OutboundError> {
        Ok(match self.zone_of(url).await? {
            Zone::Public => &self.public,
            Zone::Allowed => &self.private,
        })
    }

    async fn zone_of(&self, url: &Url) -> Result<Zone, OutboundError> {
        let refused = |reason: &str| Err(OutboundError::Refused(reason.to_owned()));
        let Some(host) = url.host_str() else { return refused("the address names no host") };
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let public_form = public_form(url);
        let addresses = match literal {
            Ok(address) => vec![address],
            // nothing private is allowed: what it resolves to cannot make it right
            Err(_) if self.allowed.is_empty() && public_form.is_err() => {
                return public_form.map(|()| Zone::Public);
            }
            Err(_) => (self.lookup)(host.to_owned()).await.map_err(|_| not_found(host))?,
        };
        match zone_of(&addresses, &self.allowed) {
            None if addresses.is_empty() => Err(not_found(host)),
            None => refused("the address leads into a private network, which the operator has not allowed"),
            Some(Zone::Allowed) => Ok(Zone::Allowed),
            Some(Zone::Public) => public_form.map(|()| Zone::Public),
        }
    }
}

async fn read(request: RequestBuilder) -> Result<Answer, OutboundError> {
    let mut response = request.send().await.map_err(|error| OutboundError::Unreachable(in_words(&error)))?;
    let (status, mut read) = (response.status(), Vec::new());
    // an answer that breaks off was still an answer
    while let Ok(Some(piece)) = response.chunk().await {
        read.extend_from_slice(&piece[..piece.len().min(ANSWER_BYTES - read.len())]);
        if read.len() >= ANSWER_BYTES {
            break;
        }
    }
    Ok(Answer { status, body: read })
}

/// How the address of a public target is written.
fn public_form(url: &Url) -> Result<(), OutboundError> {
    let has_port = url.port_or_known_default().is_some_and(|port| PUBLIC_PORTS.contains(&port));
    match (url.scheme(), has_port) {
        ("https", true) => Ok(()),
        ("https", false) => Err(OutboundError::Refused("the port must be 443 or 8443".into())),
        _ => Err(OutboundError::Refused("the address must begin with https://".into())),
    }
}

fn not_found(host: &str) -> OutboundError {
    OutboundError::Unreachable(format!("the name {host} could not be resolved"))
}

/// All addresses of a name must lie in the same zone: one bad one among them is enough to be refused.
fn zone_of(addresses: &[IpAddr], allowed: &[Network]) -> Option<Zone> {
    let is_allowed = |address: &IpAddr| allowed.iter().any(|network| network.contains(*address));
    if addresses.is_empty() {
        None
    } else if addresses.iter().all(is_allowed) {
        Some(Zone::Allowed)
    } else {
        addresses.iter().all(|address| address::is_public(*address)).then_some(Zone::Public)
    }
}

async fn look_up(host: String) -> std::io::Result<Vec<IpAddr>> {
    let found = tokio::time::timeout(CONNECT, tokio::net::lookup_host((host, 0))).await;
    Ok(found.map_err(|_| std::io::ErrorKind::TimedOut)??.map(|address| address.ip()).collect())
}

/// The reason without the address: that may be a secret.
fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        "the connection broke off".to_owned()
    }
}

/// The resolver of a client: it gives out addresses of its zone only, so that a name which changes between check and call is no way in.
struct Guard {
    zone: Zone,
    allowed: Arc<[Network]>,
    lookup: Lookup,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (zone, allowed, found) =
            (self.zone, self.allowed.clone(), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = found.await?;
            if zone_of(&addresses, &allowed) != Some(zone) {
                return Err("the name leads somewhere else now".into());
            }
            let dialled = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(dialled) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
