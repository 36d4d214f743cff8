//! Identity tokens: what is in them counts when signature, issuer, audience, time and nonce are right.
//!
//! Only signatures with a public key are taken: with a shared secret, everybody who has it could be anybody.

use super::ProviderError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Clocks may differ by this much.
const LEEWAY_S: u64 = 60;

/// What we read of a token, and of the provider's further answer about the same person.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    pub sub: String,
    #[serde(default)]
    aud: Value,
    azp: Option<String>,
    nonce: Option<String>,
    pub email: Option<String>,
    /// `true`, or from some providers `"true"`.
    pub email_verified: Option<Value>,
    pub name: Option<String>,
    pub preferred_username: Option<String>,
}

/// The keys of a set that we can use; others are for other purposes.
pub fn keys_of(set: &Value) -> Vec<Jwk> {
    let keys = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let usable = |key: &Jwk| {
        let signs = key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        signs && DecodingKey::from_jwk(key).is_ok()
    };
    keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).filter(usable).collect()
}

/// Whether the key that the token names is among these.
pub fn is_signed_by_one_of(token: &str, keys: &[Jwk]) -> bool {
    decode_header(token).is_ok_and(|header| key_of(header.kid.as_deref(), keys).is_some())
}

fn key_of<'a>(kid: Option<&str>, keys: &'a [Jwk]) -> Option<&'a Jwk> {
    match (kid, keys) {
        (Some(kid), keys) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

pub fn check(
    token: &str,
    keys: &[Jwk],
    issuer: &str,
    client_id: &str,
    nonce: &str,
) -> Result<Claims, ProviderError> {
    let bad = |reason: &str| ProviderError::Token(reason.to_owned());
    let of_jwt = |error: jsonwebtoken::errors::Error| ProviderError::Token(error.to_string());
    let header = decode_header(token).map_err(of_jwt)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(bad("its algorithm is not one that we take"));
    }
    let key = key_of(header.kid.as_deref(), keys).ok_or_else(|| bad("its key is not the provider's"))?;
    let mut rules = Validation::new(header.alg);
    rules.leeway = LEEWAY_S;
    rules.validate_nbf = true;
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[client_id]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_jwk(key).map_err(of_jwt)?;
    let claims = decode::<Claims>(token, &key, &rules).map_err(of_jwt)?.claims;
    let said = claims.nonce.as_deref().unwrap_or_default();
    if !bool::from(said.as_bytes().ct_eq(nonce.as_bytes())) {
        return Err(bad("it answers another login"));
    }
    let for_others_too = claims.aud.as_array().is_some_and(|all| all.len() > 1);
    let is_ours = claims.azp.as_deref().map_or(!for_others_too, |party| party == client_id);
    if !is_ours || claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(bad("it was made for somebody else"));
    }
    Ok(claims)
}

/// PKCE, S256.
pub fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use serde_json::json;

    const ISSUER: &str = "https://login.example";

    struct Signer {
        key: EncodingKey,
        public: Jwk,
    }

    impl Signer {
        fn new(kid: &str) -> Self {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
            let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
            public.common.key_id = Some(kid.into());
            Self { key, public }
        }

        fn sign(&self, claims: &Value) -> String {
            let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::ES256) };
            encode(&header, claims, &self.key).unwrap()
        }
    }

    fn claims() -> Value {
        let now = get_current_timestamp();
        json!({"iss": ISSUER, "aud": "cordwood", "sub": "7", "exp": now + 300, "iat": now, "nonce": "n1", "email": "ann@acme.example", "email_verified": true})
    }

    fn checked(token: &str, keys: &[Jwk]) -> Result<Claims, ProviderError> {
        check(token, keys, ISSUER, "cordwood", "n1")
    }

    #[test]
    fn a_token_of_the_provider_for_this_login_counts() {
        let signer = Signer::new("k1");
        let keys = [Signer::new("k0").public, signer.public.clone()];
        let found = checked(&signer.sign(&claims()), &keys).unwrap();
        assert_eq!((found.sub.as_str(), found.email.as_deref()), ("7", Some("ann@acme.example")));
        let mut shared = claims();
        shared["aud"] = json!(["cordwood", "another"]);
        shared["azp"] = json!("cordwood");
        checked(&signer.sign(&shared), &keys).unwrap();
    }

    #[test]
    fn a_token_that_is_anything_else_is_refused() {
        let signer = Signer::new("k1");
        let keys = [signer.public.clone()];
        let wrong = [
            ("iss", json!("https://evil.example")),
            ("aud", json!("another")),
            ("aud", json!(["cordwood", "another"])),
            ("azp", json!("another")),
            ("nonce", json!("n2")),
            ("nonce", Value::Null),
            ("exp", json!(get_current_timestamp() - 120)),
            ("nbf", json!(get_current_timestamp() + 120)),
            ("sub", json!("")),
        ];
        for (name, value) in wrong {
            let mut claims = claims();
            claims[name] = value;
            assert!(checked(&signer.sign(&claims), &keys).is_err(), "{name} {}", claims[name]);
        }
        for name in ["iss", "aud", "sub", "exp", "nonce"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert!(checked(&signer.sign(&claims), &keys).is_err(), "without {name}");
        }
    }

    #[test]
    fn only_the_providers_own_key_signs() {
        let (signer, other) = (Signer::new("k1"), Signer::new("k1"));
        assert!(checked(&other.sign(&claims()), std::slice::from_ref(&signer.public)).is_err());
        assert!(!is_signed_by_one_of(
            &Signer::new("k2").sign(&claims()),
            std::slice::from_ref(&signer.public)
        ));
        // With the public key as a shared secret, and with no signature at all.
        let secret = EncodingKey::from_secret(serde_json::to_string(&signer.public).unwrap().as_bytes());
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
        assert!(
            checked(&encode(&header, &claims(), &secret).unwrap(), std::slice::from_ref(&signer.public))
                .is_err()
        );
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let body = URL_SAFE_NO_PAD.encode(claims().to_string());
        assert!(checked(&format!("{none}.{body}."), &[signer.public]).is_err());
    }

    #[test]
    fn keys_for_other_purposes_are_left_out() {
        let good = serde_json::to_value(Signer::new("k1").public).unwrap();
        let mut for_encryption = good.clone();
        for_encryption["use"] = json!("enc");
        let set = json!({"keys": [{"kty": "future"}, for_encryption, good]});
        assert_eq!(keys_of(&set).len(), 1);
        assert!(keys_of(&json!({})).is_empty());
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(code_challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
