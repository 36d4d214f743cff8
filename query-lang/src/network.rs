//! Networks and addresses: `10.0.0.0/8`, `2001:db8::/32`, `10.1.2.3`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Bits behind the prefix are cleared. `None` if it is no network.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|b| b.is_ascii_digit()) => {
                (address, Some(prefix.parse::<u8>().ok()?))
            }
            Some(_) => return None,
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then(|| Self { address: masked(address, prefix), prefix })
    }

    /// Text that is no address is in no network; IPv4 and IPv6 never meet.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        text.parse().is_ok_and(|address: IpAddr| {
            address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
        })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(32 - prefix).unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(128 - prefix).unwrap_or(0)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_inside_their_networks() {
        let network = |text| Network::parse(text).expect(text);
        assert!(network("10.0.0.0/8").holds("10.255.1.2") && !network("10.0.0.0/8").holds("11.0.0.1"));
        assert!(network("2001:db8::/32").holds("2001:db8::1") && network("0.0.0.0/0").holds("1.2.3.4"));
        assert!(!network("::/0").holds("1.2.3.4") && !network("10.0.0.0/8").holds("web-1"));
        assert_eq!(network("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(network("10.1.2.3").to_string(), "10.1.2.3/32");
    }

    #[test]
    fn other_text_is_no_network() {
        for text in ["", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "web", "::/129"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
