//! What an organization has besides its logs. Every statement names the columns that may leave: none of them is a secret.

use super::super::{Erasure, ErasureError};
use super::writer::Archive;
use crate::db::Db;
use crate::ingest::dead_letters::{DeadLetters, Filter};
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{DAY_US, Micros, rfc3339};
use serde_json::{Value, json};
use uuid::Uuid;

const LETTERS: u32 = 500;
const ENTRIES: i64 = 1_000;

crate::statements! {
    ORGANIZATION = "SELECT name, slug, created_at FROM organizations WHERE id = $1";
    MEMBERS = "SELECT u.id, u.email, u.name, m.role, m.row_rule, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 ORDER BY m.created_at";
    PROJECTS = "SELECT p.id, p.name, p.retention_days, p.created_at, m.rules FROM projects p \
        LEFT JOIN masking m ON m.organization_id = p.organization_id AND m.project_id = p.id \
        WHERE p.organization_id = $1 ORDER BY p.created_at";
    KEYS = "SELECT id, name, project_id, scopes, allowed_networks, row_rule, created_at, expires_at, revoked_at FROM api_keys \
        WHERE organization_id = $1 ORDER BY created_at";
    CHANNELS = "SELECT id, name, kind, created_at FROM notification_channels WHERE organization_id = $1 ORDER BY created_at";
    RULES = "SELECT id, name, definition, created_at FROM alert_rules WHERE organization_id = $1 ORDER BY created_at";
    SEARCHES = "SELECT id, name, definition, created_at FROM saved_searches WHERE organization_id = $1 ORDER BY created_at";
    POLICY = "SELECT policy FROM notification_policies WHERE organization_id = $1";
    USAGE = "SELECT day, project_id, key_id, events, bytes, rejected FROM usage_daily WHERE organization_id = $1 \
        ORDER BY day, project_id, key_id";
    EVENTS = "SELECT id, rule_name, group_key, kind, from_state, to_state, value, at, reason FROM alert_events \
        WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    AUDIT = "SELECT sequence, at, actor_kind, actor, action, target, target_id, detail, address, user_agent, previous_hash, hash \
        FROM audit_entries WHERE organization_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
}

/// Rows of a statement that takes the organization alone.
macro_rules! rows {
    ($db:expr, $scope:expr, $statement:expr) => {
        on!($db.read(), pool => sqlx::query_as($statement)
            .bind($scope.organization_id()).fetch_all(pool).await)
        .map_err(failed_to("export what was set up"))?
    };
}

pub async fn write(
    erasure: &Erasure,
    scope: &TenantScope,
    archive: &mut Archive,
) -> Result<(), ErasureError> {
    let set_up = set_up(&erasure.db, scope).await?;
    archive.begin_file("organization.json").await.map_err(ErasureError::Archive)?;
    archive.line(&set_up).await.map_err(ErasureError::Archive)?;
    archive.end_file().await.map_err(ErasureError::Archive)?;
    lines(archive, "usage.ndjson.gz", usage(&erasure.db, scope).await?).await?;
    alert_events(&erasure.db, scope, archive).await?;
    audit_log(&erasure.db, scope, archive).await?;
    dead_letters(&erasure.db, scope, archive).await
}

async fn lines(archive: &mut Archive, name: &str, values: Vec<Value>) -> Result<(), ErasureError> {
    archive.begin_file(name).await.map_err(ErasureError::Archive)?;
    for value in &values {
        archive.line(value).await.map_err(ErasureError::Archive)?;
    }
    archive.end_file().await.map_err(ErasureError::Archive)
}

async fn set_up(db: &Db, scope: &TenantScope) -> Result<Value, ErasureError> {
    let organization: Vec<(String, String, Micros)> = rows!(db, scope, ORGANIZATION);
    let members: Vec<(Uuid, String, String, String, Option<String>, Micros)> = rows!(db, scope, MEMBERS);
    let projects: Vec<(Uuid, String, i64, Micros, Option<String>)> = rows!(db, scope, PROJECTS);
    let keys: Vec<Key> = rows!(db, scope, KEYS);
    let channels: Vec<(Uuid, String, String, Micros)> = rows!(db, scope, CHANNELS);
    let rules: Vec<Defined> = rows!(db, scope, RULES);
    let searches: Vec<Defined> = rows!(db, scope, SEARCHES);
    let policy: Vec<(String,)> = rows!(db, scope, POLICY);
    let organization = organization.into_iter().next().ok_or(ErasureError::NotFound)?;
    Ok(json!({
        "organization": {
            "id": scope.organization_id(), "name": organization.0, "slug": organization.1,
            "created_at": rfc3339(organization.2),
        },
        "members": members.into_iter().map(|(id, email, name, role, row_rule, at)| json!({
            "user_id": id, "email": email, "name": name, "role": role, "row_rule": row_rule, "joined_at": rfc3339(at),
        })).collect::<Vec<_>>(),
        "projects": projects.into_iter().map(|(id, name, days, at, masking)| json!({
            "id": id, "name": name, "retention_days": days, "created_at": rfc3339(at),
            "masking": masking.map(|rules| parsed(&rules)),
        })).collect::<Vec<_>>(),
        "api_keys": keys.into_iter().map(Key::json).collect::<Vec<_>>(),
        "notification_channels": channels.into_iter().map(|(id, name, kind, at)| json!({
            "id": id, "name": name, "kind": kind, "created_at": rfc3339(at),
        })).collect::<Vec<_>>(),
        "alert_rules": rules.into_iter().map(Defined::json).collect::<Vec<_>>(),
        "saved_searches": searches.into_iter().map(Defined::json).collect::<Vec<_>>(),
        "notification_policy": policy.first().map(|(policy,)| parsed(policy)),
    }))
}

#[derive(sqlx::FromRow)]
struct Key {
    id: Uuid,
    name: String,
    project_id: Uuid,
    scopes: String,
    allowed_networks: String,
    row_rule: Option<String>,
    created_at: Micros,
    expires_at: Option<Micros>,
    revoked_at: Option<Micros>,
}

impl Key {
    fn json(self) -> Value {
        json!({
            "id": self.id, "name": self.name, "project_id": self.project_id, "scopes": self.scopes,
            "allowed_networks": self.allowed_networks, "row_rule": self.row_rule, "created_at": rfc3339(self.created_at),
            "expires_at": self.expires_at.map(rfc3339), "revoked_at": self.revoked_at.map(rfc3339),
        })
    }
}

/// Something whose definition is JSON.
#[derive(sqlx::FromRow)]
struct Defined {
    id: Uuid,
    name: String,
    definition: String,
    created_at: Micros,
}

impl Defined {
    fn json(self) -> Value {
        json!({
            "id": self.id, "name": self.name, "definition": parsed(&self.definition),
            "created_at": rfc3339(self.created_at),
        })
    }
}

async fn usage(db: &Db, scope: &TenantScope) -> Result<Vec<Value>, ErasureError> {
    let rows: Vec<(i64, Uuid, Uuid, i64, i64, i64)> = rows!(db, scope, USAGE);
    let line = |(day, project, key, events, bytes, rejected): (i64, Uuid, Uuid, i64, i64, i64)| {
        json!({"day": rfc3339(day * DAY_US)[..10], "project_id": project, "key_id": key, "events": events,
            "bytes": bytes, "rejected": rejected})
    };
    Ok(rows.into_iter().map(line).collect())
}

#[derive(sqlx::FromRow)]
struct AlertEvent {
    id: Uuid,
    rule_name: String,
    group_key: String,
    kind: String,
    from_state: String,
    to_state: String,
    value: Option<f64>,
    at: Micros,
    reason: String,
}

async fn alert_events(db: &Db, scope: &TenantScope, archive: &mut Archive) -> Result<(), ErasureError> {
    archive.begin_file("alert-events.ndjson.gz").await.map_err(ErasureError::Archive)?;
    let mut after = Uuid::nil();
    loop {
        let rows: Vec<AlertEvent> = on!(db.read(), pool => sqlx::query_as(EVENTS)
            .bind(scope.organization_id()).bind(after).bind(ENTRIES).fetch_all(pool).await)
        .map_err(failed_to("export alert events"))?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in rows {
            let line = json!({"id": row.id, "rule": row.rule_name, "group": row.group_key, "kind": row.kind,
                "from_state": row.from_state, "to_state": row.to_state, "value": row.value, "at": rfc3339(row.at),
                "reason": row.reason});
            archive.line(&line).await.map_err(ErasureError::Archive)?;
        }
    }
    archive.end_file().await.map_err(ErasureError::Archive)
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    sequence: i64,
    at: Micros,
    actor_kind: String,
    actor: String,
    action: String,
    target: String,
    target_id: String,
    detail: String,
    address: String,
    user_agent: String,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

async fn audit_log(db: &Db, scope: &TenantScope, archive: &mut Archive) -> Result<(), ErasureError> {
    archive.begin_file("audit-log.ndjson.gz").await.map_err(ErasureError::Archive)?;
    let (mut after, hex) = (0, |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes));
    loop {
        let rows: Vec<AuditRow> = on!(db.read(), pool => sqlx::query_as(AUDIT)
            .bind(scope.organization_id()).bind(after).bind(ENTRIES).fetch_all(pool).await)
        .map_err(failed_to("export the audit log"))?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        for row in rows {
            let line = json!({"sequence": row.sequence, "at": rfc3339(row.at), "actor_kind": row.actor_kind,
                "actor": row.actor, "action": row.action, "target": row.target, "target_id": row.target_id,
                "detail": parsed(&row.detail), "address": row.address, "user_agent": row.user_agent,
                "previous_hash": hex(&row.previous_hash), "hash": hex(&row.hash)});
            archive.line(&line).await.map_err(ErasureError::Archive)?;
        }
    }
    archive.end_file().await.map_err(ErasureError::Archive)
}

async fn dead_letters(db: &Db, scope: &TenantScope, archive: &mut Archive) -> Result<(), ErasureError> {
    archive.begin_file("dead-letters.ndjson.gz").await.map_err(ErasureError::Archive)?;
    let (letters, mut before) = (DeadLetters::new(db.clone()), Uuid::max());
    loop {
        let part =
            letters.page(scope, &Filter::default(), before, LETTERS).await.map_err(ErasureError::Letters)?;
        let Some(last) = part.last() else { break };
        before = last.id;
        for kept in part {
            let line = json!({"id": kept.id, "project_id": kept.project_id, "received_at": rfc3339(kept.received_at),
                "code": kept.code, "reason": kept.reason, "original": String::from_utf8_lossy(&kept.original)});
            archive.line(&line).await.map_err(ErasureError::Archive)?;
        }
    }
    archive.end_file().await.map_err(ErasureError::Archive)
}

/// JSON as the database keeps it.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> ErasureError {
    move |source| ErasureError::Store { action, source }
}
