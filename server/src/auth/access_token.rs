//! Access tokens: JWT signed with HS256, ten minutes long.
//!
//! A token only says who signed in (`sub`), with which session (`sid`), and for which organization (`org`); whether the session
//! still lives and what role it has is looked up. The key is `token_secret`, or one that is made once in the data folder. The
//! same key derives the successor of a refresh token, see `successor`.

use super::totp::TotpSecret;
use crate::config::Settings;
use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// Seconds that an access token lives.
pub const LIFETIME_S: u64 = 600;
const ISSUER: &str = "cordwood";
const AUDIENCE: &str = "cordwood-api";
const KIND: &str = "access";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub exp: u64,
    pub nbf: u64,
    pub iat: u64,
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The organization.
    pub org: Uuid,
    pub typ: String,
}

/// Makes and checks access tokens; cheap to clone.
#[derive(Clone)]
pub struct AccessTokens(Arc<Keys>);

struct Keys {
    sign: EncodingKey,
    check: DecodingKey,
    rules: Validation,
    derive: Hmac<Sha256>,
}

impl AccessTokens {
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Self> {
        let configured = settings.token_secret.expose_secret();
        if configured.is_empty() {
            Ok(Self::with_secret(&kept_secret(&settings.data_dir.join("token.key"))?))
        } else {
            Ok(Self::with_secret(configured.as_bytes()))
        }
    }

    fn with_secret(secret: &[u8]) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = 5;
        rules.validate_nbf = true;
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Self(Arc::new(Keys {
            sign: EncodingKey::from_secret(secret),
            check: DecodingKey::from_secret(secret),
            rules,
            derive: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"),
        }))
    }

    #[must_use]
    pub fn issue(&self, user_id: Uuid, session_id: Uuid, organization_id: Uuid) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = Claims {
            exp: now + LIFETIME_S,
            nbf: now,
            iat: now,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user_id,
            sid: session_id,
            org: organization_id,
            typ: KIND.into(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0.sign)
            .expect("claims of text and numbers can be signed")
    }

    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.0.check, &self.0.rules).ok()?.claims;
        (claims.typ == KIND).then_some(claims)
    }

    /// What an authenticator app shares with this installation: made of the seed in the database and of this key.
    #[must_use]
    pub fn second_factor_secret(&self, user_id: Uuid, seed: &[u8]) -> TotpSecret {
        let mut mac = self.0.derive.clone();
        mac.update(b"second factor");
        mac.update(user_id.as_bytes());
        mac.update(seed);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut secret = [0; 20];
        secret.copy_from_slice(&digest[..20]);
        TotpSecret(secret)
    }

    /// The one refresh secret that follows `secret` in this session: asking twice gives the same, and only this key can tell it.
    #[must_use]
    pub fn successor(&self, session_id: Uuid, secret: &[u8; 32]) -> [u8; 32] {
        let mut mac = self.0.derive.clone();
        mac.update(b"refresh successor");
        mac.update(session_id.as_bytes());
        mac.update(secret);
        mac.finalize().into_bytes().into()
    }
}

/// Reads the key file, or makes it: 32 random bytes as hex, readable by nobody else.
pub(crate) fn kept_secret(path: &Path) -> anyhow::Result<Vec<u8>> {
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let secret: [u8; 32] = rand::random();
            let text: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(text.into_bytes())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let mode = std::fs::metadata(path)?.permissions().mode();
            anyhow::ensure!(
                mode & 0o077 == 0,
                "{} can be read by others: run chmod 600 on it",
                path.display()
            );
            let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            anyhow::ensure!(
                text.len() >= 32,
                "{} is too short: remove it to have a new one made",
                path.display()
            );
            Ok(text)
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn ids() -> (Uuid, Uuid, Uuid) {
        (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7())
    }

    fn signed(algorithm: Algorithm, change: impl FnOnce(&mut Claims)) -> String {
        let tokens = AccessTokens::with_secret(SECRET);
        let (user, session, organization) = ids();
        let mut claims = tokens.verify(&tokens.issue(user, session, organization)).unwrap();
        change(&mut claims);
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &tokens.0.sign).unwrap()
    }

    #[test]
    fn a_token_tells_who_it_was_issued_to() {
        let (user, session, organization) = ids();
        let tokens = AccessTokens::with_secret(SECRET);

        let claims = tokens.verify(&tokens.issue(user, session, organization)).unwrap();

        assert_eq!((claims.sub, claims.sid, claims.org), (user, session, organization));
        assert_eq!(claims.exp - claims.iat, LIFETIME_S);
    }

    #[test]
    fn a_token_that_is_old_foreign_or_of_another_kind_is_refused() {
        let tokens = AccessTokens::with_secret(SECRET);
        assert!(tokens.verify(&signed(Algorithm::HS256, |_| {})).is_some());
        let bad: [fn(&mut Claims); 5] = [
            |claims| claims.exp = claims.iat - 60,
            |claims| claims.nbf = claims.iat + 60,
            |claims| claims.iss = "another".into(),
            |claims| claims.aud = "another".into(),
            |claims| claims.typ = "refresh".into(),
        ];
        for change in bad {
            assert_eq!(tokens.verify(&signed(Algorithm::HS256, change)), None);
        }
        assert_eq!(tokens.verify(&signed(Algorithm::HS512, |_| {})), None);
        let (user, session, organization) = ids();
        let other = AccessTokens::with_secret(b"another secret of 32 characters!!");
        assert_eq!(tokens.verify(&other.issue(user, session, organization)), None);
        assert_eq!(tokens.verify("eyJhbGciOiJub25lIn0.e30."), None);
    }

    #[test]
    fn the_kept_key_is_made_once_private_and_refused_when_others_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");

        let made = kept_secret(&path).unwrap();

        assert_eq!(made, kept_secret(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(kept_secret(&path).is_err());
    }

    #[test]
    fn a_refresh_secret_has_one_successor() {
        let (tokens, session, secret) =
            (AccessTokens::with_secret(SECRET), Uuid::now_v7(), rand::random::<[u8; 32]>());
        assert_eq!(tokens.successor(session, &secret), tokens.successor(session, &secret));
        assert_ne!(tokens.successor(session, &secret), tokens.successor(Uuid::now_v7(), &secret));
    }
}
