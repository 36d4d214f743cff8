//! How ClickHouse is addressed.

use secrecy::{ExposeSecret, SecretString};

use super::error::LogStoreError;

/// Where ClickHouse is, and as whom we speak to it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub url: String,
    pub user: String,
    pub password: SecretString,
    pub database: String,
}

impl Endpoint {
    /// Reads `http://user:password@host:8123/database`.
    ///
    /// # Errors
    /// It is not such an address.
    pub fn parse(text: &str) -> Result<Self, LogStoreError> {
        let refuse = |why: &str| LogStoreError::Setup(format!("clickhouse_url {why}"));
        let mut url = reqwest::Url::parse(text).map_err(|_| refuse("is not an address"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refuse("must look like http://user:password@host:8123/database"));
        }
        let decode = |part: &str| percent_decoded(part).ok_or_else(|| refuse("has a broken %-escape"));
        let user = decode(url.username())?;
        let password = decode(url.password().unwrap_or_default())?;
        let database = decode(url.path().trim_matches('/'))?;
        let _ = (url.set_username(""), url.set_password(None)); // cannot fail: the address has a host
        url.set_path("/");
        let or_default = |name: String| if name.is_empty() { "default".to_owned() } else { name };
        Ok(Self {
            url: url.to_string(),
            user: or_default(user),
            password: password.into(),
            database: or_default(database),
        })
    }

    pub(super) fn client(&self) -> clickhouse::Client {
        // Compression costs more than the network between neighbours; and the embedded engine speaks none.
        clickhouse::Client::default()
            .with_url(&self.url)
            .with_user(&self.user)
            .with_password(self.password.expose_secret())
            .with_database(&self.database)
            .with_compression(clickhouse::Compression::None)
            .with_product_info("cordwood", env!("CARGO_PKG_VERSION"))
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_user_password_and_database() {
        let endpoint = Endpoint::parse("http://log%40s:p%2Fw@ch.example:8123/cordwood").unwrap();
        assert_eq!(endpoint.url, "http://ch.example:8123/");
        assert_eq!((endpoint.user.as_str(), endpoint.database.as_str()), ("log@s", "cordwood"));
        assert_eq!(endpoint.password.expose_secret(), "p/w");
    }

    #[test]
    fn what_is_left_out_is_clickhouse_s_default() {
        let endpoint = Endpoint::parse("https://ch.example").unwrap();
        assert_eq!((endpoint.user.as_str(), endpoint.database.as_str()), ("default", "default"));
    }

    #[test]
    fn something_else_is_refused() {
        for text in ["", "ch.example:8123", "tcp://ch.example:9000", "http://"] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
