//! Seals what must not be readable in the database, and links that nobody else can make: AES-256-GCM under one key.
//!
//! The key is `sealing_secret`, or one that is made once in the data folder. Every sealed text is bound to a place (`aad`): moved
//! to another row it does not open. Whoever loses the key loses what was sealed, and nothing else.

use crate::auth::access_token::kept_secret;
use crate::config::Settings;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;
use std::sync::Arc;

const PREFIX: &str = "s1.";

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    seal: RandomizedNonceKey,
    name: Hmac<Sha256>,
}

#[derive(Debug, thiserror::Error)]
#[error("it was sealed with another key, or for another place")]
pub struct NotOurs;

impl Sealer {
    /// # Errors
    /// The key file cannot be made, cannot be read, or can be read by others.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let configured = settings.sealing_secret.expose_secret();
        if configured.is_empty() {
            Ok(Self::with_secret(&kept_secret(&settings.data_dir.join("sealing.key"))?))
        } else {
            Ok(Self::with_secret(configured.as_bytes()))
        }
    }

    #[must_use]
    pub fn with_secret(secret: &[u8]) -> Self {
        let derived = |purpose: &str| {
            let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
            let key: [u8; 32] = mac.chain_update(purpose).finalize().into_bytes().into();
            key
        };
        let seal = RandomizedNonceKey::new(&AES_256_GCM, &derived("seal")).expect("the key has 32 bytes");
        let name = Hmac::new_from_slice(&derived("name")).expect("HMAC takes keys of any length");
        Self(Arc::new(Keys { seal, name }))
    }

    /// A text without blanks that only `open` with the same place can read; safe in links.
    #[must_use]
    pub fn seal(&self, place: &str, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let nonce = self
            .0
            .seal
            .seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut bytes)
            .expect("a short text can be sealed");
        bytes.extend_from_slice(nonce.as_ref());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// # Errors
    /// It is not what `seal` gave for this place.
    pub fn open(&self, place: &str, sealed: &str) -> Result<String, NotOurs> {
        let encoded = sealed.strip_prefix(PREFIX).ok_or(NotOurs)?;
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NotOurs)?;
        let split = bytes.len().checked_sub(NONCE_LEN).ok_or(NotOurs)?;
        let nonce = Nonce::try_assume_unique_for_key(&bytes[split..]).map_err(|_| NotOurs)?;
        let opened = self
            .0
            .seal
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes[..split])
            .map_err(|_| NotOurs)?;
        String::from_utf8(opened.to_vec()).map_err(|_| NotOurs)
    }

    /// A stable name for something, which tells nothing about it.
    #[must_use]
    pub fn name_of(&self, thing: &str) -> String {
        let bytes: [u8; 32] = self.0.name.clone().chain_update(thing).finalize().into_bytes().into();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[must_use]
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::with_secret(b"0123456789abcdef0123456789abcdef")
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealed = sealer().seal("channel 1", "https://hooks.example/T0/secret");
        assert!(is_sealed(&sealed) && !sealed.contains("hooks"));
        assert_eq!(sealer().open("channel 1", &sealed).unwrap(), "https://hooks.example/T0/secret");
        assert!(sealer().open("channel 2", &sealed).is_err());
        assert!(Sealer::with_secret(b"another secret").open("channel 1", &sealed).is_err());
        assert_ne!(sealed, sealer().seal("channel 1", "https://hooks.example/T0/secret"), "no two are equal");
    }

    #[test]
    fn what_was_changed_or_made_up_does_not_open() {
        let sealed = sealer().seal("a", "text");
        let mut changed = sealed.clone().into_bytes();
        changed[6] = if changed[6] == b'A' { b'B' } else { b'A' };
        for text in [String::from_utf8(changed).unwrap().as_str(), "", "s1.", "s1.AAAA", "text", "s1.ä"] {
            assert!(sealer().open("a", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_stable_and_tells_nothing() {
        assert_eq!(sealer().name_of("rule/source=api"), sealer().name_of("rule/source=api"));
        assert_ne!(sealer().name_of("rule/source=api"), sealer().name_of("rule/source=web"));
    }
}
