//! Fakes of identity providers: one that speaks OpenID Connect and signs its tokens, and GitHub, on one port.
//!
//! Who is "logged in" there is set by the test; a code is given for each visit to the login page, and works once, with its PKCE
//! verifier.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone)]
pub struct Provider {
    pub url: String,
    state: Arc<Mutex<State>>,
    key: Arc<(EncodingKey, Jwk)>,
}

#[derive(Default)]
struct State {
    /// Claims of who is logged in there, over those that every token has.
    person: Value,
    /// What GitHub's API says of the addresses.
    addresses: Value,
    /// By code: the query of the visit that got it.
    visits: HashMap<String, HashMap<String, String>>,
}

type Pairs = HashMap<String, String>;

fn pairs(query: &str) -> Pairs {
    let address = Url::parse(&format!("http://x/?{query}")).unwrap();
    address.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some("k1".into());
        let provider = Self { url, state: Arc::default(), key: Arc::new((key, public)) };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        provider
    }

    /// The flags of a server that offers this provider as OpenID Connect and as GitHub.
    pub fn flags(&self) -> Vec<String> {
        let api = format!("{}/api", self.url);
        [
            ("--oidc-issuer", self.url.as_str()),
            ("--oidc-client-id", "cordwood"),
            ("--oidc-client-secret", "s3cret"),
            ("--oidc-name", "Acme"),
            ("--github-client-id", "gh"),
            ("--github-client-secret", "s3cret"),
            ("--github-url", self.url.as_str()),
            ("--github-api-url", &api),
            ("--outbound-allow-networks", "127.0.0.1"),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value.to_owned()])
        .collect()
    }

    /// Somebody logs in there; `claims` may overwrite anything that a token says.
    pub fn log_in(&self, claims: Value) {
        self.state.lock().unwrap().person = claims;
    }

    /// Somebody logs in at GitHub.
    pub fn log_in_to_github(&self, user: Value, addresses: Value) {
        let mut state = self.state.lock().unwrap();
        (state.person, state.addresses) = (user, addresses);
    }

    /// Does what a browser does at the login page: tells the code and the state to come back with.
    pub fn visit(&self, address: &str) -> (String, String) {
        let visit = pairs(Url::parse(address).expect("a login page").query().unwrap_or_default());
        let code = uuid::Uuid::now_v7().to_string();
        let state = visit["state"].clone();
        self.state.lock().unwrap().visits.insert(code.clone(), visit);
        (code, state)
    }

    async fn serve(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await.ok()? == 0 {
                    return None;
                }
            }
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
            let mut body = vec![0; length.and_then(|text| text.trim().parse().ok()).unwrap_or(0)];
            stream.read_exact(&mut body).await.ok()?;
            let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
            let answer = self.answer(&path, &head, &String::from_utf8(body).ok()?);
            let (status, text) = match answer {
                Some(answer) => (200, answer.to_string()),
                None => (400, "{}".to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            );
            stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
        }
    }

    fn answer(&self, path: &str, head: &str, body: &str) -> Option<Value> {
        let is_known = head.to_lowercase().contains("authorization: bearer at-1");
        match path {
            "/.well-known/openid-configuration" => Some(json!({
                "issuer": self.url,
                "authorization_endpoint": format!("{}/authorize", self.url),
                "token_endpoint": format!("{}/token", self.url),
                "jwks_uri": format!("{}/keys", self.url),
            })),
            "/keys" => Some(json!({"keys": [self.key.1]})),
            "/token" => {
                let basic = base64::engine::general_purpose::STANDARD.encode("cordwood:s3cret");
                if !head.contains(&format!("Basic {basic}")) {
                    return None;
                }
                let visit = self.exchanged(body)?;
                Some(json!({"access_token": "at-1", "token_type": "Bearer", "id_token": self.token(&visit)}))
            }
            "/login/oauth/access_token" => {
                let sent = pairs(body);
                if sent["client_id"] != "gh" || sent["client_secret"] != "s3cret" {
                    return None;
                }
                self.exchanged(body)?;
                Some(json!({"access_token": "at-1", "token_type": "bearer"}))
            }
            "/api/user" if is_known => Some(self.state.lock().unwrap().person.clone()),
            "/api/user/emails" if is_known => Some(self.state.lock().unwrap().addresses.clone()),
            _ => None,
        }
    }

    /// The visit that got this code, if everything about it is right.
    fn exchanged(&self, body: &str) -> Option<Pairs> {
        let sent = pairs(body);
        let visit = self.state.lock().unwrap().visits.remove(sent.get("code")?)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(sent.get("code_verifier")?.as_bytes()));
        let fits = visit["code_challenge"] == challenge
            && visit["code_challenge_method"] == "S256"
            && visit["redirect_uri"] == *sent.get("redirect_uri")?;
        fits.then_some(visit)
    }

    fn token(&self, visit: &Pairs) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let mut claims = json!({
            "iss": self.url, "aud": visit["client_id"], "nonce": visit["nonce"], "iat": now, "exp": now + 300,
        });
        let person = self.state.lock().unwrap().person.clone();
        for (name, value) in person.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key.0).unwrap()
    }
}
