//! Where a request comes from: the address that limits count, and the program that session lists show.
//!
//! `X-Forwarded-For` is believed only from the addresses in `trusted_proxies`, and only its part that those proxies wrote.

use crate::config::Settings;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    pub address: String,
    pub user_agent: String,
}

impl Client {
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let trusted = request
            .app_data::<web::Data<Settings>>()
            .map(|settings| settings.trusted_proxies.as_str())
            .unwrap_or_default();
        let peer = request.peer_addr().map(|peer| peer.ip());
        let address = peer.map(|peer| true_address(peer, header("x-forwarded-for"), trusted));
        let user_agent = header("user-agent").unwrap_or_default().chars().take(200).collect();
        Self { address: address.map(|it| it.to_string()).unwrap_or_default(), user_agent }
    }
}

impl FromRequest for Client {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// The last address of the chain that is not a trusted proxy's.
fn true_address(peer: IpAddr, forwarded: Option<&str>, trusted: &str) -> IpAddr {
    let is_trusted = |address: &IpAddr| {
        trusted.split(',').any(|each| each.trim().parse::<IpAddr>().is_ok_and(|each| each == *address))
    };
    let mut address = peer;
    for hop in forwarded.unwrap_or_default().rsplit(',') {
        if !is_trusted(&address) {
            break;
        }
        match hop.trim().parse() {
            Ok(before) => address = before,
            Err(_) => break,
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str, trusted: &str) -> String {
        true_address(peer.parse().unwrap(), Some(forwarded), trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(seen("203.0.113.9", "198.51.100.1", ""), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "198.51.100.1", "10.0.0.1"), "198.51.100.1");
        assert_eq!(
            seen("10.0.0.1", "1.1.1.1, 198.51.100.1", "10.0.0.1"),
            "198.51.100.1",
            "the client wrote 1.1.1.1"
        );
        assert_eq!(seen("10.0.0.1", "198.51.100.1, 10.0.0.2", "10.0.0.1, 10.0.0.2"), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", "rubbish", "10.0.0.1"), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "", "10.0.0.1"), "10.0.0.1");
    }
}
