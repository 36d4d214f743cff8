//! SQL of the audit log. Whoever appends holds the head of the organization's chain until it commits.

use super::chain::{BEGINNING, hash};
use super::{Actor, AuditError, Entry};
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, rfc3339};
use api_types::audit::{AuditActor, AuditEntry};
use std::fmt::Write;
use uuid::Uuid;

crate::statements! {
    BEGIN_CHAIN = "INSERT INTO audit_heads (organization_id, sequence, hash) \
        SELECT id, 0, $2 FROM organizations WHERE id = $1 ON CONFLICT (organization_id) DO NOTHING";
    TAKE_NEXT = "UPDATE audit_heads SET sequence = sequence + 1 WHERE organization_id = $1 RETURNING sequence, hash";
    PERSON = "SELECT email FROM users WHERE id = $1";
    KEY = "SELECT name FROM api_keys WHERE id = $1";
    INSERT = "INSERT INTO audit_entries (organization_id, sequence, at, actor_kind, actor_id, actor, action, target, \
        target_id, detail, address, user_agent, previous_hash, hash) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    SET_HEAD = "UPDATE audit_heads SET hash = $2 WHERE organization_id = $1";
    PAGE = "SELECT sequence, at, actor_kind, actor_id, actor, action, target, target_id, detail, address, user_agent, \
        previous_hash, hash FROM audit_entries \
        WHERE organization_id = $1 AND sequence < $2 AND at >= $3 AND at < $4 ORDER BY sequence DESC LIMIT $5";
    UPWARDS = "SELECT sequence, at, actor_kind, actor_id, actor, action, target, target_id, detail, address, user_agent, \
        previous_hash, hash FROM audit_entries \
        WHERE organization_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
    HEAD = "SELECT sequence, hash FROM audit_heads WHERE organization_id = $1";
    REMOVE_OLD = "DELETE FROM audit_entries WHERE at < $1 AND sequence < \
        (SELECT h.sequence FROM audit_heads h WHERE h.organization_id = audit_entries.organization_id)";
}

#[derive(sqlx::FromRow)]
pub struct Head {
    pub sequence: i64,
    pub hash: Vec<u8>,
}

/// A stored row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub sequence: i64,
    pub at: Micros,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub target_id: String,
    pub detail: String,
    pub address: String,
    pub user_agent: String,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

impl Row {
    /// The hash that this row must have.
    pub fn right_hash(&self, scope: &TenantScope) -> [u8; 32] {
        let texts = [
            self.actor_kind.as_str(),
            &self.actor_id,
            &self.actor,
            &self.action,
            &format!("{}\n{}", self.target_id, self.target),
            &self.detail,
            &self.address,
            &self.user_agent,
        ];
        hash(&self.previous_hash, scope.organization_id(), self.sequence, self.at, &texts)
    }
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            sequence: row.sequence,
            at: rfc3339(row.at),
            actor: AuditActor { kind: row.actor_kind, id: row.actor_id, name: row.actor },
            action: row.action,
            target: row.target,
            target_id: row.target_id,
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
            address: row.address,
            user_agent: row.user_agent,
            previous_hash: hex(&row.previous_hash),
            hash: hex(&row.hash),
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing into a String cannot fail
        text
    })
}

/// Appends entries to the chains of their organizations, all or none. What is about an organization that is gone is left out.
pub async fn append(db: &Db, entries: &[Entry]) -> Result<(), sqlx::Error> {
    on!(db.write(), pool => {
        let mut transaction = pool.begin().await?;
        for entry in entries {
            let organization_id = entry.scope.organization_id();
            sqlx::query(BEGIN_CHAIN)
                .bind(organization_id).bind(BEGINNING.to_vec()).execute(&mut *transaction).await?;
            let head: Option<Head> = sqlx::query_as(TAKE_NEXT)
                .bind(organization_id).fetch_optional(&mut *transaction).await?;
            let Some(head) = head else { continue };
            let name: Option<String> = match entry.actor {
                Actor::Person(id) => sqlx::query_scalar(PERSON).bind(id).fetch_optional(&mut *transaction).await?,
                Actor::Key(id) => sqlx::query_scalar(KEY).bind(id).fetch_optional(&mut *transaction).await?,
                Actor::System => None,
            };
            let row = row_of(entry, head, name);
            sqlx::query(INSERT)
                .bind(organization_id).bind(row.sequence).bind(row.at).bind(row.actor_kind).bind(row.actor_id)
                .bind(row.actor).bind(row.action).bind(row.target).bind(row.target_id).bind(row.detail)
                .bind(row.address).bind(row.user_agent).bind(row.previous_hash).bind(row.hash.clone())
                .execute(&mut *transaction).await?;
            sqlx::query(SET_HEAD)
                .bind(organization_id).bind(row.hash).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    })
}

fn row_of(entry: &Entry, head: Head, name: Option<String>) -> Row {
    let (actor_kind, actor_id) = match entry.actor {
        Actor::Person(id) => ("person", id.to_string()),
        Actor::Key(id) => ("key", id.to_string()),
        Actor::System => ("system", String::new()),
    };
    let mut row = Row {
        sequence: head.sequence,
        at: entry.at,
        actor_kind: actor_kind.to_owned(),
        actor_id,
        actor: name.unwrap_or_else(|| "cordwood".to_owned()),
        action: entry.action.to_owned(),
        target: entry.target.name.clone(),
        target_id: entry.target.id.clone(),
        detail: entry.detail.to_string(),
        address: entry.address.clone(),
        user_agent: entry.user_agent.clone(),
        previous_hash: head.hash,
        hash: Vec::new(),
    };
    row.hash = row.right_hash(&entry.scope).to_vec();
    row
}

/// A page of rows before `sequence` in `[from, to)`, newest first.
pub async fn page(
    db: &Db,
    scope: &TenantScope,
    before: i64,
    (from, to): (Micros, Micros),
    rows: i64,
) -> Result<Vec<Row>, AuditError> {
    on!(db.read(), pool => sqlx::query_as(PAGE)
        .bind(scope.organization_id()).bind(before).bind(from).bind(to).bind(rows).fetch_all(pool).await)
    .map_err(failed_to("read the audit log"))
}

/// A page of rows after `sequence`, oldest first.
pub async fn upwards(db: &Db, scope: &TenantScope, after: i64, rows: i64) -> Result<Vec<Row>, AuditError> {
    on!(db.read(), pool => sqlx::query_as(UPWARDS)
        .bind(scope.organization_id()).bind(after).bind(rows).fetch_all(pool).await)
    .map_err(failed_to("read the audit log"))
}

pub async fn head(db: &Db, organization_id: Uuid) -> Result<Option<Head>, AuditError> {
    on!(db.read(), pool => sqlx::query_as(HEAD).bind(organization_id).fetch_optional(pool).await)
        .map_err(failed_to("read the audit log"))
}

/// Removes what is older, but never the newest row of a chain.
pub async fn remove_old(db: &Db, before: Micros) -> Result<u64, AuditError> {
    on!(db.write(), pool => sqlx::query(REMOVE_OLD)
        .bind(before).execute(pool).await.map(|done| done.rows_affected()))
    .map_err(failed_to("shorten the audit log"))
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> AuditError {
    move |source| AuditError::Store { action, source }
}
