//! Where notifications go: the SQL of channels, and of members' addresses.
//!
//! A configuration with a secret is sealed. E-mail goes to members of the organization only, and to each of them only once the
//! address is confirmed: until then its notifications wait.

use super::AlertError;
use super::channel_config::{ChannelConfig, kind_name, kind_of_name};
use crate::db::Db;
use crate::error::InvalidFields;
use crate::on;
use crate::sealing::{Sealer, is_sealed};
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use api_types::alerts::{self as wire, ChannelKind};
use serde_json::json;
use uuid::Uuid;

const NAME_CHARACTERS: usize = 200;

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
    MAY_SEE = "SELECT COUNT(*) FROM users u JOIN memberships m ON m.user_id = u.id \
        LEFT JOIN alert_rules r ON r.organization_id = m.organization_id AND r.id = $3 \
        WHERE m.organization_id = $1 AND u.email = $2 AND (m.row_rule IS NULL OR m.row_rule = r.row_rule) \
        AND NOT EXISTS (SELECT p.role FROM project_roles p WHERE p.organization_id = m.organization_id \
        AND p.user_id = u.id AND p.project_id = r.project_id AND p.role = 'none')";
}

#[derive(Debug, Clone)]
pub struct StoredChannel {
    pub id: Uuid,
    pub name: String,
    pub kind: ChannelKind,
    /// Absent when it was sealed with a key that is lost: it must be entered again.
    pub config: Option<ChannelConfig>,
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
            Some(ChannelConfig::Email { to }) => to.clone(),
            _ => vec![String::new()],
        }
    }

    #[must_use]
    pub fn to_wire(&self) -> wire::Channel {
        wire::Channel {
            id: self.id.to_string(),
            name: self.name.clone(),
            kind: self.kind,
            config: self.config.as_ref().map_or(json!({ "unreadable": true }), ChannelConfig::shown),
            created_at: rfc3339(self.created_at),
        }
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

/// The channels of all organizations; cheap to clone.
#[derive(Clone)]
pub struct Channels {
    db: Db,
    sealer: Sealer,
}

impl Channels {
    #[must_use]
    pub fn new(db: Db, sealer: Sealer) -> Self {
        Self { db, sealer }
    }

    /// The organization's channels, newest first, beginning after the channel `before`.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(
        &self,
        scope: &TenantScope,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<StoredChannel>, AlertError> {
        let rows: Vec<ChannelRow> = on!(self.db.read(), pool => sqlx::query_as(LIST)
            .bind(scope.organization_id()).bind(before.unwrap_or(Uuid::max())).bind(limit)
            .fetch_all(pool).await)
        .map_err(AlertError::store("list notification channels"))?;
        Ok(rows.into_iter().map(|row| self.opened(scope, row)).collect())
    }

    /// # Errors
    /// `NotFound`, also for a channel of another organization.
    pub async fn get(&self, scope: &TenantScope, id: Uuid) -> Result<StoredChannel, AlertError> {
        let row: Option<ChannelRow> = on!(self.db.read(), pool => sqlx::query_as(GET)
            .bind(scope.organization_id()).bind(id).fetch_optional(pool).await)
        .map_err(AlertError::store("read a notification channel"))?;
        Ok(self.opened(scope, row.ok_or(AlertError::NotFound)?))
    }

    /// # Errors
    /// `NameTaken`, or the database does not answer.
    pub async fn insert(
        &self,
        scope: &TenantScope,
        name: String,
        config: ChannelConfig,
    ) -> Result<StoredChannel, AlertError> {
        let (id, now) = (Uuid::now_v7(), now_us());
        on!(self.db.write(), pool => sqlx::query(INSERT)
            .bind(scope.organization_id()).bind(id).bind(&name).bind(kind_name(config.kind()))
            .bind(self.stored(scope, id, &config)).bind(now)
            .execute(pool).await.map(|_| ()))
        .map_err(AlertError::of_name("create a notification channel", &name))?;
        Ok(StoredChannel { id, name, kind: config.kind(), config: Some(config), created_at: now })
    }

    /// Changes name and configuration.
    ///
    /// # Errors
    /// `NameTaken`, `NotFound`, or the database does not answer.
    pub async fn update(
        &self,
        scope: &TenantScope,
        id: Uuid,
        name: &str,
        config: &ChannelConfig,
    ) -> Result<(), AlertError> {
        let changed = on!(self.db.write(), pool => sqlx::query(UPDATE)
            .bind(scope.organization_id()).bind(id).bind(name).bind(kind_name(config.kind()))
            .bind(self.stored(scope, id, config)).bind(now_us())
            .execute(pool).await.map(|done| done.rows_affected()))
        .map_err(AlertError::of_name("change a notification channel", name))?;
        if changed == 0 { Err(AlertError::NotFound) } else { Ok(()) }
    }

    /// # Errors
    /// `ChannelInUse` with the rules that use it, `NotFound`, or the database does not answer.
    pub async fn delete(&self, scope: &TenantScope, id: Uuid) -> Result<(), AlertError> {
        let rules: Vec<String> = on!(self.db.read(), pool => sqlx::query_scalar(RULES_OF_CHANNEL)
            .bind(scope.organization_id()).bind(format!("%\"{id}\"%")).fetch_all(pool).await)
        .map_err(AlertError::store("look for rules of a channel"))?;
        if !rules.is_empty() {
            return Err(AlertError::ChannelInUse { rules });
        }
        let deleted = on!(self.db.write(), pool => sqlx::query(DELETE)
            .bind(scope.organization_id()).bind(id).execute(pool).await.map(|done| done.rows_affected()))
        .map_err(AlertError::store("delete a notification channel"))?;
        if deleted == 0 { Err(AlertError::NotFound) } else { Ok(()) }
    }

    /// Those of these channels that still exist.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of_ids(&self, scope: &TenantScope, ids: &[Uuid]) -> Result<Vec<StoredChannel>, AlertError> {
        let mut channels = Vec::new();
        for id in ids {
            match self.get(scope, *id).await {
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
        &self,
        scope: &TenantScope,
        address: &str,
    ) -> Result<Option<MemberAddress>, AlertError> {
        on!(self.db.read(), pool => sqlx::query_as(MEMBER_BY_ADDRESS)
            .bind(scope.organization_id()).bind(address).fetch_optional(pool).await)
        .map_err(AlertError::store("look up a member's address"))
    }

    /// A member's address by their id.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn member_by_id(
        &self,
        scope: &TenantScope,
        id: Uuid,
    ) -> Result<Option<MemberAddress>, AlertError> {
        on!(self.db.read(), pool => sqlx::query_as(MEMBER_BY_ID)
            .bind(scope.organization_id()).bind(id).fetch_optional(pool).await)
        .map_err(AlertError::store("look up a member's address"))
    }

    /// Whether the member with this address sees the logs that a rule looks at: its project, and no fewer rows of it. A test of a
    /// channel is of no rule.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn may_see(
        &self,
        scope: &TenantScope,
        address: &str,
        rule_id: Uuid,
    ) -> Result<bool, AlertError> {
        if rule_id.is_nil() {
            return Ok(true);
        }
        let found: i64 = on!(self.db.read(), pool => sqlx::query_scalar(MAY_SEE)
            .bind(scope.organization_id()).bind(address).bind(rule_id).fetch_one(pool).await)
        .map_err(AlertError::store("look up what a member may see"))?;
        Ok(found > 0)
    }

    /// E-mail has no secret and is kept readable, so that it goes on whatever happens to the key.
    fn stored(&self, scope: &TenantScope, id: Uuid, config: &ChannelConfig) -> String {
        let text = config.to_json().to_string();
        match config {
            ChannelConfig::Email { .. } => text,
            _ => self.sealer.seal(&place(scope, id), &text),
        }
    }

    fn opened(&self, scope: &TenantScope, row: ChannelRow) -> StoredChannel {
        let text = match is_sealed(&row.config) {
            true => self.sealer.open(&place(scope, row.id), &row.config).map_err(anyhow::Error::from),
            false => Ok(row.config),
        };
        let config = text.and_then(|text| serde_json::from_str::<ChannelConfig>(&text).map_err(Into::into));
        if let Err(error) = &config {
            tracing::warn!(channel.id = %row.id, %error, "the configuration of a channel cannot be read");
        }
        let config = config.ok();
        let kind = config.as_ref().map_or_else(|| kind_of_name(&row.kind), ChannelConfig::kind);
        StoredChannel { id: row.id, name: row.name, kind, config, created_at: row.created_at }
    }
}

fn place(scope: &TenantScope, id: Uuid) -> String {
    format!("notification channel {} {id}", scope.organization_id())
}
