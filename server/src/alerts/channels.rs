//! Where notifications go: checked configuration, and the SQL of channels.
//!
//! Secrets go in and never come out by the API. E-mail goes to members of the organization only, and to each of them only once
//! the address is confirmed: until then its notifications wait.

use super::AlertError;
use crate::db::Db;
use crate::error::InvalidFields;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::alerts::{self as wire, ChannelKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

const NAME_CHARACTERS: usize = 200;
const ADDRESSES: usize = 20;
const TEXT_BYTES: usize = 2_048;

crate::statements! {
    LIST = "SELECT id, name, kind, config, created_at FROM notification_channels \
        WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    GET = "SELECT id, name, kind, config, created_at FROM notification_channels WHERE organization_id = $1 AND id = $2";
    INSERT = "INSERT INTO notification_channels (organization_id, id, name, kind, config, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $6)";
    UPDATE = "UPDATE notification_channels SET name = $3, kind = $4, config = $5, updated_at = $6 \
        WHERE organization_id = $1 AND id = $2";
    DELETE = "DELETE FROM notification_channels WHERE organization_id = $1 AND id = $2";
    RULES_OF_CHANNEL = "SELECT name FROM alert_rules WHERE organization_id = $1 AND definition LIKE $2 ORDER BY name LIMIT 20";
    MEMBER_BY_ADDRESS = "SELECT u.email, u.email_verified_at FROM users u JOIN memberships m ON m.user_id = u.id \
        WHERE m.organization_id = $1 AND u.email = $2";
    MEMBER_BY_ID = "SELECT u.email, u.email_verified_at FROM users u JOIN memberships m ON m.user_id = u.id \
        WHERE m.organization_id = $1 AND u.id = $2";
}

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
    },
}

#[derive(Debug, Clone)]
pub struct StoredChannel {
    pub id: Uuid,
    pub name: String,
    pub kind: ChannelKind,
    pub config: ChannelConfig,
    pub created_at: Micros,
}

/// A member's address, and whether it is known to be theirs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MemberAddress {
    pub email: String,
    pub email_verified_at: Option<Micros>,
}

#[derive(sqlx::FromRow)]
struct ChannelRow {
    id: Uuid,
    name: String,
    kind: String,
    config: String,
    created_at: Micros,
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
        let mut members = match before.filter(|before| before.kind() == kind).map(json_of) {
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
            Self::Webhook { url, secret } if secret.is_empty() => {
                Ok(Self::Webhook { url: checked_url(url)?, secret: new_secret() })
            }
            Self::Webhook { secret, .. } if secret.len() < 16 || secret.len() > TEXT_BYTES => Err(
                InvalidFields::one("config.secret", "invalid", "At least 16 characters, or leave it out."),
            ),
            Self::Webhook { url, secret } => Ok(Self::Webhook { url: checked_url(url)?, secret }),
        }
    }

    /// What the API shows: no secret.
    #[must_use]
    pub fn shown(&self) -> Value {
        match self {
            Self::Email { to } => json!({ "to": to }),
            Self::Slack { url } => json!({ "host": host_of(url), "url_set": true }),
            Self::Pagerduty { .. } => json!({ "routing_key_set": true }),
            Self::Webhook { url, .. } => json!({ "url": url, "secret_set": true }),
        }
    }
}

/// Members that `shown` adds; an editor may send them back.
const SHOWN_ONLY: [&str; 5] = ["host", "url_set", "routing_key_set", "secret_set", "unverified"];

fn json_of(config: &ChannelConfig) -> Value {
    serde_json::to_value(config).expect("a configuration is strings")
}

fn expected(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => r#"E-mail takes {"to": ["ann@example.com"]}."#,
        ChannelKind::Slack => r#"Slack takes {"url": "https://hooks.slack.com/services/…"}."#,
        ChannelKind::Pagerduty => r#"PagerDuty takes {"routing_key": "…"}."#,
        ChannelKind::Webhook => {
            r#"A webhook takes {"url": "https://…", "secret": "…"}; the secret may be left out."#
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

/// `whsec_` and 192 bits.
fn new_secret() -> String {
    let bytes: [u8; 24] = rand::random();
    bytes.iter().fold("whsec_".to_owned(), |text, byte| format!("{text}{byte:02x}"))
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

impl StoredChannel {
    /// Whether it is told of a resolution during a mute: an open incident makes no noise when it is closed, and must be.
    #[must_use]
    pub fn hears_muted(&self) -> bool {
        self.kind == ChannelKind::Pagerduty
    }

    /// The addresses that get a mail each; one empty one for other kinds.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        match &self.config {
            ChannelConfig::Email { to } => to.clone(),
            _ => vec![String::new()],
        }
    }

    #[must_use]
    pub fn to_wire(&self) -> wire::Channel {
        wire::Channel {
            id: self.id.to_string(),
            name: self.name.clone(),
            kind: self.kind,
            config: self.config.shown(),
            created_at: rfc3339(self.created_at),
        }
    }
}

impl TryFrom<ChannelRow> for StoredChannel {
    type Error = AlertError;

    fn try_from(row: ChannelRow) -> Result<Self, AlertError> {
        let config: ChannelConfig = serde_json::from_str(&row.config)
            .map_err(|error| AlertError::Unreadable { id: row.id, source: error.into() })?;
        debug_assert_eq!(row.kind, kind_name(config.kind()));
        Ok(Self { id: row.id, name: row.name, kind: config.kind(), config, created_at: row.created_at })
    }
}

/// # Errors
/// What is not acceptable about the name.
pub fn checked_name(name: &str) -> Result<String, InvalidFields> {
    match name.trim() {
        "" => Err(InvalidFields::one("name", "required", "Give the channel a name.")),
        long if long.chars().count() > NAME_CHARACTERS => {
            Err(InvalidFields::one("name", "too_long", &format!("At most {NAME_CHARACTERS} characters.")))
        }
        name => Ok(name.to_owned()),
    }
}

/// The organization's channels, newest first, beginning after the channel `before`.
///
/// # Errors
/// The database does not answer.
pub async fn list(
    db: &Db,
    scope: &TenantScope,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<StoredChannel>, AlertError> {
    let rows: Vec<ChannelRow> = on!(db.read(), pool => sqlx::query_as(LIST)
        .bind(scope.organization_id()).bind(before.unwrap_or(Uuid::max())).bind(limit)
        .fetch_all(pool).await)
    .map_err(AlertError::store("list notification channels"))?;
    rows.into_iter().map(StoredChannel::try_from).collect()
}

/// # Errors
/// `NotFound`, also for a channel of another organization.
pub async fn get(db: &Db, scope: &TenantScope, id: Uuid) -> Result<StoredChannel, AlertError> {
    let row: Option<ChannelRow> = on!(db.read(), pool => sqlx::query_as(GET)
        .bind(scope.organization_id()).bind(id).fetch_optional(pool).await)
    .map_err(AlertError::store("read a notification channel"))?;
    row.ok_or(AlertError::NotFound)?.try_into()
}

/// # Errors
/// `NameTaken`, or the database does not answer.
pub async fn insert(
    db: &Db,
    scope: &TenantScope,
    name: String,
    config: ChannelConfig,
) -> Result<StoredChannel, AlertError> {
    let (id, now) = (Uuid::now_v7(), now_us());
    on!(db.write(), pool => sqlx::query(INSERT)
        .bind(scope.organization_id()).bind(id).bind(&name).bind(kind_name(config.kind()))
        .bind(json_of(&config).to_string()).bind(now)
        .execute(pool).await.map(|_| ()))
    .map_err(AlertError::of_name("create a notification channel", &name))?;
    Ok(StoredChannel { id, name, kind: config.kind(), config, created_at: now })
}

/// # Errors
/// `NameTaken`, `NotFound`, or the database does not answer.
pub async fn update(db: &Db, scope: &TenantScope, channel: &StoredChannel) -> Result<(), AlertError> {
    let changed = on!(db.write(), pool => sqlx::query(UPDATE)
        .bind(scope.organization_id()).bind(channel.id).bind(&channel.name).bind(kind_name(channel.kind))
        .bind(json_of(&channel.config).to_string()).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected()))
    .map_err(AlertError::of_name("change a notification channel", &channel.name))?;
    if changed == 0 { Err(AlertError::NotFound) } else { Ok(()) }
}

/// # Errors
/// `ChannelInUse` with the rules that use it, `NotFound`, or the database does not answer.
pub async fn delete(db: &Db, scope: &TenantScope, id: Uuid) -> Result<(), AlertError> {
    let rules: Vec<String> = on!(db.read(), pool => sqlx::query_scalar(RULES_OF_CHANNEL)
        .bind(scope.organization_id()).bind(format!("%\"{id}\"%")).fetch_all(pool).await)
    .map_err(AlertError::store("look for rules of a channel"))?;
    if !rules.is_empty() {
        return Err(AlertError::ChannelInUse { rules });
    }
    let deleted = on!(db.write(), pool => sqlx::query(DELETE)
        .bind(scope.organization_id()).bind(id).execute(pool).await.map(|done| done.rows_affected()))
    .map_err(AlertError::store("delete a notification channel"))?;
    if deleted == 0 { Err(AlertError::NotFound) } else { Ok(()) }
}

/// The channels of a rule that still exist.
///
/// # Errors
/// The database does not answer.
pub async fn of_rule(db: &Db, scope: &TenantScope, ids: &[Uuid]) -> Result<Vec<StoredChannel>, AlertError> {
    let mut channels = Vec::new();
    for id in ids {
        match get(db, scope, *id).await {
            Ok(channel) => channels.push(channel),
            Err(AlertError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(channels)
}

/// The organization's member with this address.
///
/// # Errors
/// The database does not answer.
pub async fn member_by_address(
    db: &Db,
    scope: &TenantScope,
    address: &str,
) -> Result<Option<MemberAddress>, AlertError> {
    on!(db.read(), pool => sqlx::query_as(MEMBER_BY_ADDRESS)
        .bind(scope.organization_id()).bind(address).fetch_optional(pool).await)
    .map_err(AlertError::store("look up a member's address"))
}

/// A member's address by their id.
///
/// # Errors
/// The database does not answer.
pub async fn member_by_id(
    db: &Db,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<MemberAddress>, AlertError> {
    on!(db.read(), pool => sqlx::query_as(MEMBER_BY_ID)
        .bind(scope.organization_id()).bind(id).fetch_optional(pool).await)
    .map_err(AlertError::store("look up a member's address"))
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
            ChannelConfig::Webhook { url: "https://b.example/".into(), secret: secret.into() }
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
