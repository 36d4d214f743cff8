//! What a channel needs to know to reach people or programs: checked, and shown without its secrets.

use super::notify::template;
use crate::error::InvalidFields;
use api_types::alerts::ChannelKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const ADDRESSES: usize = 20;
const TEXT_BYTES: usize = 2_048;
const BODY_BYTES: usize = 16_384;

/// How a channel reaches people or programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ChannelConfig {
    Email {
        to: Vec<String>,
    },
    /// The address of an incoming webhook is the secret.
    Slack {
        url: String,
    },
    Pagerduty {
        routing_key: String,
    },
    Webhook {
        url: String,
        /// Made for the author when absent, and shown once.
        #[serde(default)]
        secret: String,
        /// JSON with `{{placeholders}}` in its texts; our own form when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
}

impl ChannelConfig {
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Email { .. } => ChannelKind::Email,
            Self::Slack { .. } => ChannelKind::Slack,
            Self::Pagerduty { .. } => ChannelKind::Pagerduty,
            Self::Webhook { .. } => ChannelKind::Webhook,
        }
    }

    /// Reads a configuration; what is left out is taken from `before`, so that a secret need not be typed again.
    ///
    /// # Errors
    /// What is not acceptable about `config`.
    pub fn parse(kind: ChannelKind, config: Value, before: Option<&Self>) -> Result<Self, InvalidFields> {
        let Value::Object(given) = config else {
            return Err(InvalidFields::one("config", "invalid", "Must be an object."));
        };
        let mut members = match before.filter(|before| before.kind() == kind).map(Self::to_json) {
            Some(Value::Object(before)) => before,
            _ => serde_json::Map::new(),
        };
        members.extend(given.into_iter().filter(|(name, _)| !SHOWN_ONLY.contains(&name.as_str())));
        members.insert("kind".into(), kind_name(kind).into());
        let config: Self = serde_json::from_value(Value::Object(members)).map_err(|error| {
            InvalidFields::one("config", "invalid", &format!("{error}. {}", expected(kind)))
        })?;
        config.checked()
    }

    fn checked(self) -> Result<Self, InvalidFields> {
        match self {
            Self::Email { to } => checked_addresses(to),
            Self::Slack { url } => Ok(Self::Slack { url: checked_url(url)? }),
            Self::Pagerduty { routing_key }
                if routing_key.trim().is_empty() || routing_key.len() > TEXT_BYTES =>
            {
                Err(InvalidFields::one(
                    "config.routing_key",
                    "invalid",
                    "Give the integration key of the PagerDuty service.",
                ))
            }
            Self::Pagerduty { routing_key } => {
                Ok(Self::Pagerduty { routing_key: routing_key.trim().to_owned() })
            }
            Self::Webhook { url, secret, body } if secret.is_empty() => {
                Self::Webhook { url, secret: new_secret(), body }.checked()
            }
            Self::Webhook { secret, .. } if secret.len() < 16 || secret.len() > TEXT_BYTES => Err(
                InvalidFields::one("config.secret", "invalid", "At least 16 characters, or leave it out."),
            ),
            Self::Webhook { url, secret, body } => {
                let body = checked_body(body)?;
                Ok(Self::Webhook { url: checked_url(url)?, secret, body })
            }
        }
    }

    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a configuration is strings and JSON")
    }

    /// What the API shows: no secret.
    #[must_use]
    pub fn shown(&self) -> Value {
        match self {
            Self::Email { to } => json!({ "to": to }),
            Self::Slack { url } => json!({ "host": host_of(url), "url_set": true }),
            Self::Pagerduty { .. } => json!({ "routing_key_set": true }),
            Self::Webhook { url, body, .. } => json!({ "url": url, "secret_set": true, "body": body }),
        }
    }
}

/// Members that `shown` adds; an editor may send them back.
const SHOWN_ONLY: [&str; 6] =
    ["host", "url_set", "routing_key_set", "secret_set", "unverified", "unreadable"];

fn expected(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => r#"E-mail takes {"to": ["ann@example.com"]}."#,
        ChannelKind::Slack => r#"Slack takes {"url": "https://hooks.slack.com/services/…"}."#,
        ChannelKind::Pagerduty => r#"PagerDuty takes {"routing_key": "…"}."#,
        ChannelKind::Webhook => {
            r#"A webhook takes {"url": "https://…", "secret": "…", "body": {…}}; secret and body may be left out."#
        }
    }
}

fn checked_addresses(to: Vec<String>) -> Result<ChannelConfig, InvalidFields> {
    let wrong = |code, detail: &str| Err(InvalidFields::one("config.to", code, detail));
    let mut to: Vec<_> = to.iter().map(|address| address.trim().to_lowercase()).collect();
    to.sort();
    to.dedup();
    if to.is_empty() {
        return wrong("required", "Give at least one address.");
    }
    if to.len() > ADDRESSES {
        return wrong("too_many", &format!("At most {ADDRESSES} addresses."));
    }
    match to.iter().find(|address| address.parse::<lettre::Address>().is_err()) {
        Some(bad) => wrong("invalid", &format!("`{bad}` is not an e-mail address.")),
        None => Ok(ChannelConfig::Email { to }),
    }
}

fn checked_url(url: String) -> Result<String, InvalidFields> {
    let wrong = |detail| Err(InvalidFields::one("config.url", "invalid", detail));
    if url.len() > TEXT_BYTES {
        return wrong("The address is too long.");
    }
    match reqwest::Url::parse(url.trim()) {
        Ok(parsed) if !["https", "http"].contains(&parsed.scheme()) => wrong("Must begin with https://."),
        Ok(parsed) if parsed.host_str().is_none() => wrong("Must name a host."),
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            wrong("Leave user and password out of the address.")
        }
        Ok(parsed) => Ok(parsed.into()),
        Err(_) => wrong("Must be an address like https://example.com/hook."),
    }
}

fn host_of(url: &str) -> String {
    reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn checked_body(body: Option<Value>) -> Result<Option<Value>, InvalidFields> {
    let wrong = |detail: &str| Err(InvalidFields::one("config.body", "invalid", detail));
    match body {
        None | Some(Value::Null) => Ok(None),
        Some(body) if body.to_string().len() > BODY_BYTES => wrong("The body is too long."),
        Some(body @ (Value::Object(_) | Value::Array(_))) => match template::unknown_placeholder(&body) {
            Some(name) => wrong(&format!(
                "There is no placeholder {{{{{name}}}}}. The body of a test notification shows all there are."
            )),
            None => Ok(Some(body)),
        },
        Some(_) => wrong("Must be an object or a list."),
    }
}

/// `whsec_` and 192 bits.
fn new_secret() -> String {
    let bytes: [u8; 24] = rand::random();
    bytes.iter().fold("whsec_".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The opposite of `kind_name`; the database holds no other names.
#[must_use]
pub fn kind_of_name(name: &str) -> ChannelKind {
    [ChannelKind::Email, ChannelKind::Slack, ChannelKind::Pagerduty]
        .into_iter()
        .find(|kind| kind_name(*kind) == name)
        .unwrap_or(ChannelKind::Webhook)
}

#[must_use]
pub fn kind_name(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "email",
        ChannelKind::Slack => "slack",
        ChannelKind::Pagerduty => "pagerduty",
        ChannelKind::Webhook => "webhook",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: ChannelKind, config: Value) -> Result<ChannelConfig, InvalidFields> {
        ChannelConfig::parse(kind, config, None)
    }

    #[test]
    fn secrets_are_never_shown_and_need_not_be_sent_again() {
        let secret = "0123456789abcdef0123";
        let first =
            parse(ChannelKind::Webhook, json!({"url": "https://a.example/", "secret": secret})).unwrap();
        assert!(!first.shown().to_string().contains(secret));

        let shown_back = json!({"url": "https://b.example/", "secret_set": true});
        let second = ChannelConfig::parse(ChannelKind::Webhook, shown_back, Some(&first)).unwrap();
        assert_eq!(
            second,
            ChannelConfig::Webhook { url: "https://b.example/".into(), secret: secret.into(), body: None }
        );
        for (kind, config) in [
            (ChannelKind::Slack, json!({"url": "https://hooks.slack.com/services/T0/B0/secret"})),
            (ChannelKind::Pagerduty, json!({"routing_key": "secret"})),
        ] {
            assert!(!parse(kind, config).unwrap().shown().to_string().contains("secret"));
        }
    }

    #[test]
    fn a_webhook_without_a_secret_gets_one() {
        let ChannelConfig::Webhook { secret, .. } =
            parse(ChannelKind::Webhook, json!({"url": "https://a.example/"})).unwrap()
        else {
            panic!("a webhook")
        };
        assert!(secret.starts_with("whsec_") && secret.len() == 54);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        for (kind, config, field) in [
            (ChannelKind::Email, json!({"to": []}), "config.to"),
            (ChannelKind::Email, json!({"to": ["no address"]}), "config.to"),
            (ChannelKind::Email, json!({"to": "a@b.example"}), "config"),
            (ChannelKind::Email, json!({"cc": ["a@b.example"]}), "config"),
            (ChannelKind::Slack, json!({"url": "ftp://x.example"}), "config.url"),
            (ChannelKind::Webhook, json!({"url": "https://u:p@x.example"}), "config.url"),
            (ChannelKind::Webhook, json!({"url": "https://x.example", "secret": "short"}), "config.secret"),
            (ChannelKind::Webhook, json!({"url": "https://x.example", "body": "text"}), "config.body"),
            (
                ChannelKind::Webhook,
                json!({"url": "https://x.example", "body": {"a": "{{nothing}}"}}),
                "config.body",
            ),
            (ChannelKind::Pagerduty, json!({"routing_key": " "}), "config.routing_key"),
            (ChannelKind::Pagerduty, json!([]), "config"),
        ] {
            let problems = parse(kind, config.clone()).unwrap_err().0;
            assert_eq!(problems[0].field, field, "{config}");
        }
    }

    #[test]
    fn addresses_are_compared_as_accounts_keep_them() {
        let config =
            parse(ChannelKind::Email, json!({"to": [" Ann@Example.com ", "ann@example.com"]})).unwrap();
        assert_eq!(config, ChannelConfig::Email { to: vec!["ann@example.com".into()] });
    }
}
