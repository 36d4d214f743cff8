//! The text of an API key: `cwi_` (ingest), `cwq_` (query) or `cwa_` (admin), 12 characters by which it is found, 32 that are
//! secret, 6 of checksum.
//!
//! The checksum lets a mistyped key be refused without asking the database, and lets scanners find leaked keys. The secret has
//! 190 bits, so a plain SHA-256 of it is enough at rest.

use api_types::accounts::KeyScope;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

const LOOKUP: usize = 12;
const SECRET: usize = 32;
const CHECKSUM: usize = 6;
const PREFIXES: [&str; 3] = ["cwi_", "cwq_", "cwa_"];
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key as it was just made; the only moment at which its text exists.
pub struct NewKey {
    pub text: String,
    pub lookup: String,
    pub secret_hash: [u8; 32],
}

/// A key as a client sent it: well-formed, not yet known to be good.
pub struct Parsed {
    pub(crate) lookup: String,
    pub(crate) secret_hash: [u8; 32],
}

/// Whether the text is meant to be an API key.
#[must_use]
pub fn looks_like_one(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// What lists show of a key: its beginning, without any of the secret.
#[must_use]
pub fn shown_prefix(scopes: &[KeyScope], lookup: &str) -> String {
    format!("{}{lookup}", prefix_of(scopes))
}

fn prefix_of(scopes: &[KeyScope]) -> &'static str {
    if scopes.contains(&KeyScope::Admin) {
        "cwa_"
    } else if scopes.contains(&KeyScope::Query) {
        "cwq_"
    } else {
        "cwi_"
    }
}

impl NewKey {
    #[must_use]
    pub fn generate(scopes: &[KeyScope]) -> Self {
        let random = |length| Alphanumeric.sample_string(&mut rand::rng(), length);
        let (lookup, secret) = (random(LOOKUP), random(SECRET));
        let body = format!("{}{lookup}{secret}", prefix_of(scopes));
        Self { text: with_checksum(&body), lookup, secret_hash: Sha256::digest(secret.as_bytes()).into() }
    }
}

impl Parsed {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let prefix = PREFIXES.iter().find(|prefix| text.starts_with(*prefix))?;
        let rest = &text[prefix.len()..];
        if rest.len() != LOOKUP + SECRET + CHECKSUM || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return None;
        }
        let (body, sum) = text.split_at(text.len() - CHECKSUM);
        if checksum(body) != sum {
            return None;
        }
        let (lookup, secret) = rest[..LOOKUP + SECRET].split_at(LOOKUP);
        Some(Self { lookup: lookup.to_owned(), secret_hash: Sha256::digest(secret.as_bytes()).into() })
    }
}

pub(super) fn with_checksum(body: &str) -> String {
    format!("{body}{}", checksum(body))
}

/// CRC-32 in base 62, always six characters.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut characters = [b'0'; CHECKSUM];
    for character in characters.iter_mut().rev() {
        *character = BASE62[rest % 62];
        rest /= 62;
    }
    characters.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_found_by_what_lists_show_of_it() {
        let scopes = [KeyScope::Ingest, KeyScope::Query];
        let key = NewKey::generate(&scopes);

        assert!(key.text.starts_with(&shown_prefix(&scopes, &key.lookup)));
        assert!(key.text.starts_with("cwq_"));
        assert_eq!(key.text.len(), 54);
        let parsed = Parsed::parse(&key.text).unwrap();
        assert_eq!((parsed.lookup, parsed.secret_hash), (key.lookup, key.secret_hash));
    }

    #[test]
    fn a_mistyped_key_is_refused_by_its_checksum() {
        let key = NewKey::generate(&[KeyScope::Admin]).text;
        for position in 4..key.len() {
            let other = if key.as_bytes()[position] == b'x' { "y" } else { "x" };
            let mut mistyped = key.clone();
            mistyped.replace_range(position..=position, other);
            assert!(Parsed::parse(&mistyped).is_none(), "changed at {position}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(cwi_|cwq_)?\\PC{0,60}") {
            prop_assert!(Parsed::parse(&text).is_none());
        }
    }
}
