//! Finds the credentials in a request, in each form that clients send them.
//!
//! A header wins over a cookie, so that only requests without one can be forged by another site.

use super::api_key;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// What the caller showed; not yet checked.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials {
    ApiKey(String),
    AccessToken(String),
    /// An access token that the browser sent by itself.
    Cookie(String),
    None,
}

impl Credentials {
    /// `cookie` is the value of the access token's cookie.
    pub fn find(headers: &HeaderMap, cookie: Option<String>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let bare = text("x-api-key").or_else(|| text("dd-api-key"));
        let stated = text(AUTHORIZATION.as_str()).and_then(of_authorization);
        match (stated, bare) {
            (Some(stated), _) => stated,
            (None, Some(key)) => Self::ApiKey(key.to_owned()),
            (None, None) => cookie.map_or(Self::None, Self::Cookie),
        }
    }
}

fn of_authorization(value: &str) -> Option<Credentials> {
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" if api_key::looks_like_one(rest) => Some(Credentials::ApiKey(rest.to_owned())),
        "bearer" => Some(Credentials::AccessToken(rest.to_owned())),
        "splunk" => Some(Credentials::ApiKey(rest.to_owned())),
        "apikey" if api_key::looks_like_one(rest) => Some(Credentials::ApiKey(rest.to_owned())),
        "apikey" | "basic" => key_of_pair(rest).map(Credentials::ApiKey),
        _ => None,
    }
}

/// The key of a base64 `name:key`; with an empty password the name is taken, as in `curl -u key:`.
fn key_of_pair(encoded: &str) -> Option<String> {
    let bytes = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (name, key) = pair.split_once(':')?;
    Some(if key.is_empty() { name } else { key }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn found(headers: &[(&'static str, &str)], cookie: Option<&str>) -> Credentials {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Credentials::find(&map, cookie.map(str::to_owned))
    }

    #[test]
    fn a_key_is_found_in_every_form_that_clients_send_it() {
        let key = "cwi_key";
        let pair = STANDARD.encode("id:cwi_key");
        let name_only = STANDARD.encode("cwi_key:");
        let forms = [
            ("authorization", "Bearer cwi_key".to_owned()),
            ("authorization", "bearer cwi_key".to_owned()),
            ("authorization", "Splunk cwi_key".to_owned()),
            ("authorization", "ApiKey cwi_key".to_owned()),
            ("authorization", format!("ApiKey {pair}")),
            ("authorization", format!("Basic {pair}")),
            ("authorization", format!("Basic {name_only}")),
            ("x-api-key", "cwi_key".to_owned()),
            ("dd-api-key", "cwi_key".to_owned()),
        ];
        for (header, value) in forms {
            assert_eq!(
                found(&[(header, &value)], None),
                Credentials::ApiKey(key.into()),
                "{header}: {value}"
            );
        }
    }

    #[test]
    fn a_header_wins_over_the_cookie() {
        assert_eq!(
            found(&[("authorization", "Bearer a.b.c")], Some("d.e.f")),
            Credentials::AccessToken("a.b.c".into())
        );
        assert_eq!(found(&[], Some("d.e.f")), Credentials::Cookie("d.e.f".into()));
        assert_eq!(found(&[("authorization", "Basic ???")], None), Credentials::None);
        assert_eq!(found(&[("authorization", "nonsense")], None), Credentials::None);
    }
}
