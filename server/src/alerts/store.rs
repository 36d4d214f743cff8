//! SQL of rules, their states and what an evaluation leaves behind.
//!
//! A state is written only where nothing else wrote it meanwhile (`version`), and by the scheduler only under its lease (`owner`,
//! `fence`), together with the history and the notifications that follow from it: all of it or nothing.

use super::AlertError;
use super::definition::Definition;
use super::history::{History, NewEvent, NewNotification};
use super::leases::shard_of;
use crate::db::Db;
use crate::on;
use crate::sight::{RowRule, Sight};
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us};
use alert_rules::{Mutes, RuleState, State};
use uuid::Uuid;

macro_rules! rule_columns {
    ($rest:literal) => {
        concat!(
            "SELECT r.organization_id, r.id, r.project_id, r.enabled, r.definition, r.mutes, r.created_by, r.created_at, \
            r.updated_at, o.name AS organization, s.version, s.last_slot, s.memory, s.state, s.since, s.last_value, \
            s.last_evaluated_at, s.last_error, l.fence, r.row_rule, m.user_id AS author, m.row_rule AS author_row_rule \
            FROM alert_states s \
            JOIN alert_leases l ON l.shard = s.shard \
            JOIN alert_rules r ON r.organization_id = s.organization_id AND r.id = s.rule_id \
            JOIN organizations o ON o.id = r.organization_id \
            LEFT JOIN memberships m ON m.organization_id = r.organization_id AND m.user_id = r.created_by ",
            $rest
        )
    };
}

crate::statements! {
    LIST = rule_columns!("WHERE r.organization_id = $1 AND r.id < $2 AND (r.row_rule = $4 OR $4 IS NULL) \
        ORDER BY r.id DESC LIMIT $3");
    GET = rule_columns!("WHERE r.organization_id = $1 AND r.id = $2 AND (r.row_rule = $3 OR $3 IS NULL)");
    DUE = rule_columns!("WHERE s.due_at <= $2 AND l.owner = $1 AND l.expires_at > $2 \
        ORDER BY s.due_at LIMIT $3");
    INSERT_RULE = "INSERT INTO alert_rules \
        (organization_id, id, project_id, name, enabled, definition, mutes, created_by, created_at, updated_at, row_rule) \
        VALUES ($1, $2, $3, $4, $5, $6, '{}', $7, $8, $8, $9)";
    INSERT_STATE = "INSERT INTO alert_states \
        (organization_id, rule_id, shard, due_at, version, memory, state, since) VALUES ($1, $2, $3, $4, 0, '{}', 'ok', $5)";
    UPDATE_RULE = "UPDATE alert_rules SET project_id = $3, name = $4, enabled = $5, definition = $6, updated_at = $7 \
        WHERE organization_id = $1 AND id = $2";
    SET_MUTES = "UPDATE alert_rules SET mutes = $3 WHERE organization_id = $1 AND id = $2";
    // an evaluation under way does not count any more, and the rule is looked at again at once
    RESET_STATE = "UPDATE alert_states SET version = version + 1, due_at = $4, memory = $5, state = $6, since = $7, last_error = NULL \
        WHERE organization_id = $1 AND rule_id = $2 AND version = $3";
    LOOK_AGAIN = "UPDATE alert_states SET version = version + 1, due_at = $3 \
        WHERE organization_id = $1 AND rule_id = $2 AND due_at IS NOT NULL";
    DELETE_RULE = "DELETE FROM alert_rules WHERE organization_id = $1 AND id = $2";
    DELETE_EVALUATIONS = "DELETE FROM alert_evaluations WHERE organization_id = $1 AND rule_id = $2";
    RECORD_STATE = "UPDATE alert_states SET version = version + 1, due_at = $4, last_slot = $5, memory = $6, state = $7, \
        since = $8, last_value = $9, last_evaluated_at = $10, last_error = $11 \
        WHERE rule_id = $1 AND version = $2 AND due_at IS NOT NULL \
        AND EXISTS (SELECT 1 FROM alert_leases l WHERE l.shard = alert_states.shard AND l.owner = $3 AND l.fence = $12)";
    RECORD_EVALUATION = "INSERT INTO alert_evaluations \
        (organization_id, rule_id, slot, evaluated_at, took_ms, state, value, group_count, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (rule_id, slot) DO NOTHING";
    RECORD_EVENT = "INSERT INTO alert_events \
        (organization_id, id, rule_id, rule_name, group_key, kind, from_state, to_state, value, at, episode, number, reason) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    RECORD_NOTIFICATION = "INSERT INTO alert_outbox \
        (organization_id, id, event_id, rule_id, episode, transition, recipient_kind, recipient_id, recipient_name, \
        address, payload, state, attempts, next_attempt_at, claimed_until, fence, created_at, gathers) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', 0, $12, 0, 0, $12, $13)";
    // a rule last seen in the future was seen by a clock that was set back since
    REARM = "UPDATE alert_states SET due_at = $2 WHERE last_slot > $3 AND due_at > $2 \
        AND shard IN (SELECT shard FROM alert_leases WHERE owner = $1)";
    PROJECT_EXISTS = "SELECT COUNT(*) FROM projects WHERE organization_id = $1 AND id = $2";
}

/// When a rule is due that was just made or changed, whatever the clock of this machine says: rules live by that of the database.
const AT_ONCE: Micros = 0;

/// A rule as it is stored, with what it remembers.
#[derive(Debug, Clone)]
pub struct StoredRule {
    pub scope: TenantScope,
    pub organization: String,
    pub id: Uuid,
    pub project_id: Uuid,
    pub definition: Definition,
    pub mutes: Mutes,
    pub created_by: Option<Uuid>,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub version: i64,
    pub last_slot: Option<Micros>,
    pub memory: RuleState,
    pub state: String,
    pub since: Micros,
    pub last_value: Option<f64>,
    pub last_evaluated_at: Option<Micros>,
    pub last_error: Option<String>,
    /// Of the lease under which the rule was read.
    pub fence: i64,
    /// Under which it looks at logs: that of its author when they made it.
    pub row_rule: Option<RowRule>,
    author: Author,
}

/// What the author may see now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Author {
    /// A key, or somebody who has left.
    None,
    Member(Option<RowRule>),
}

impl StoredRule {
    /// The logs that the rule looks at.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight::of(self.scope, self.row_rule.clone())
    }

    /// Why it must not look at logs any more: it would look through another row rule than its author does.
    #[must_use]
    pub fn unbound(&self) -> Option<&'static str> {
        match &self.author {
            Author::Member(now) if *now != self.row_rule => Some(
                "The row rule of its author is another one now than when it was made. Make the alert anew.",
            ),
            Author::None if self.row_rule.is_some() => {
                Some("Its author, through whose row rule it looked at logs, has left. Make the alert anew.")
            }
            _ => None,
        }
    }
}

#[derive(sqlx::FromRow)]
struct RuleRow {
    organization_id: Uuid,
    id: Uuid,
    project_id: Uuid,
    enabled: bool,
    definition: String,
    mutes: String,
    created_by: Option<Uuid>,
    created_at: Micros,
    updated_at: Micros,
    organization: String,
    version: i64,
    last_slot: Option<Micros>,
    memory: String,
    state: String,
    since: Micros,
    last_value: Option<f64>,
    last_evaluated_at: Option<Micros>,
    last_error: Option<String>,
    fence: i64,
    row_rule: Option<String>,
    author: Option<Uuid>,
    author_row_rule: Option<String>,
}

impl TryFrom<RuleRow> for StoredRule {
    type Error = AlertError;

    fn try_from(row: RuleRow) -> Result<Self, AlertError> {
        let unreadable = |source: anyhow::Error| AlertError::Unreadable { id: row.id, source };
        let mut definition = Definition::from_stored(&row.definition).map_err(unreadable)?;
        definition.wire.enabled = row.enabled;
        Ok(Self {
            scope: TenantScope::of_job(row.organization_id),
            organization: row.organization,
            id: row.id,
            project_id: row.project_id,
            mutes: serde_json::from_str(&row.mutes).map_err(|error| unreadable(error.into()))?,
            memory: serde_json::from_str(&row.memory).map_err(|error| unreadable(error.into()))?,
            definition,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            last_slot: row.last_slot,
            state: row.state,
            since: row.since,
            last_value: row.last_value,
            last_evaluated_at: row.last_evaluated_at,
            last_error: row.last_error,
            fence: row.fence,
            row_rule: row.row_rule.map(RowRule::stored),
            author: match row.author {
                Some(_) => Author::Member(row.author_row_rule.map(RowRule::stored)),
                None => Author::None,
            },
        })
    }
}

/// What an evaluation leaves behind.
#[derive(Debug)]
pub struct Outcome {
    pub slot: Micros,
    pub next_due: Micros,
    pub evaluated_at: Micros,
    pub took_ms: i64,
    pub memory: RuleState,
    pub state: State,
    pub since: Micros,
    pub value: Option<f64>,
    pub group_count: i64,
    pub error: Option<String>,
    pub history: History,
}

/// Writes the history of a transition inside a transaction that is open as `$transaction`.
macro_rules! write_history {
    ($transaction:ident, $scope:expr, $history:expr) => {
        for event in &$history.events {
            let NewEvent { id, rule_id, rule_name, transition: t } = event;
            sqlx::query(RECORD_EVENT)
                .bind($scope.organization_id())
                .bind(id)
                .bind(rule_id)
                .bind(rule_name)
                .bind(&t.group)
                .bind(t.kind.as_str())
                .bind(t.from.as_str())
                .bind(t.to.as_str())
                .bind(t.value)
                .bind(t.at_us)
                .bind(i64::try_from(t.episode).unwrap_or(i64::MAX))
                .bind(i64::from(t.number))
                .bind(&t.reason)
                .execute(&mut *$transaction)
                .await?;
        }
        for notification in &$history.notifications {
            let NewNotification {
                id,
                event_id,
                rule_id,
                episode,
                transition,
                recipient,
                payload,
                at,
                gathers,
            } = notification;
            sqlx::query(RECORD_NOTIFICATION)
                .bind($scope.organization_id())
                .bind(id)
                .bind(event_id)
                .bind(rule_id)
                .bind(i64::try_from(*episode).unwrap_or(i64::MAX))
                .bind(transition)
                .bind(recipient.kind.as_str())
                .bind(recipient.id)
                .bind(&recipient.name)
                .bind(&recipient.address)
                .bind(payload)
                .bind(at)
                .bind(gathers)
                .execute(&mut *$transaction)
                .await?;
        }
    };
}

#[derive(Clone)]
pub struct AlertStore {
    db: Db,
}

impl AlertStore {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The organization's rules, newest first, beginning after the rule `before`; for who has a row rule, those that look through the same.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(
        &self,
        sight: &Sight,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<StoredRule>, AlertError> {
        let rows: Vec<RuleRow> = on!(self.db.read(), pool => sqlx::query_as(LIST)
            .bind(sight.tenant().organization_id()).bind(before.unwrap_or(Uuid::max())).bind(limit).bind(text_of(sight))
            .fetch_all(pool).await)
        .map_err(AlertError::store("list alert rules"))?;
        rows.into_iter().map(StoredRule::try_from).collect()
    }

    /// # Errors
    /// `NotFound`, also for a rule of another organization, or that looks through another row rule.
    pub async fn get(&self, sight: &Sight, id: Uuid) -> Result<StoredRule, AlertError> {
        let row: Option<RuleRow> = on!(self.db.read(), pool => sqlx::query_as(GET)
            .bind(sight.tenant().organization_id()).bind(id).bind(text_of(sight)).fetch_optional(pool).await)
        .map_err(AlertError::store("read an alert rule"))?;
        row.ok_or(AlertError::NotFound)?.try_into()
    }

    /// Stores a new rule of somebody who looks through `sight`, due at once when it is enabled.
    ///
    /// # Errors
    /// `NameTaken`, or the database does not answer.
    pub async fn insert(
        &self,
        sight: &Sight,
        project_id: Uuid,
        definition: &Definition,
        created_by: Option<Uuid>,
    ) -> Result<Uuid, AlertError> {
        let (id, now, scope) = (Uuid::now_v7(), now_us(), sight.tenant());
        let insert = async {
            on!(self.db.write(), pool => {
                let mut transaction = pool.begin().await?;
                sqlx::query(INSERT_RULE)
                    .bind(scope.organization_id()).bind(id).bind(project_id).bind(&definition.wire.name)
                    .bind(definition.wire.enabled).bind(definition.to_stored()).bind(created_by).bind(now)
                    .bind(text_of(sight))
                    .execute(&mut *transaction).await?;
                sqlx::query(INSERT_STATE)
                    .bind(scope.organization_id()).bind(id).bind(shard_of(id))
                    .bind(definition.wire.enabled.then_some(AT_ONCE)).bind(now)
                    .execute(&mut *transaction).await?;
                transaction.commit().await
            })
        };
        insert.await.map_err(AlertError::of_name("create an alert rule", &definition.wire.name))?;
        Ok(id)
    }

    /// Replaces a rule's definition. `closed` is its state afterwards, and what must be told, when it is switched off with this.
    /// Tells whether it could: an evaluation may have come between, then read the rule again.
    ///
    /// # Errors
    /// `NameTaken`, or the database does not answer.
    pub async fn update(
        &self,
        rule: &StoredRule,
        project_id: Uuid,
        definition: &Definition,
        memory: &RuleState,
        history: &History,
    ) -> Result<bool, AlertError> {
        let (now, scope) = (now_us(), &rule.scope);
        let since = if memory.overall().as_str() == rule.state { rule.since } else { now };
        let update = async {
            on!(self.db.write(), pool => {
                let mut transaction = pool.begin().await?;
                let reset = sqlx::query(RESET_STATE)
                    .bind(scope.organization_id()).bind(rule.id).bind(rule.version)
                    .bind(definition.wire.enabled.then_some(AT_ONCE)).bind(json(memory))
                    .bind(memory.overall().as_str()).bind(since)
                    .execute(&mut *transaction).await?;
                if reset.rows_affected() == 0 {
                    return Ok(false);
                }
                sqlx::query(UPDATE_RULE)
                    .bind(scope.organization_id()).bind(rule.id).bind(project_id).bind(&definition.wire.name)
                    .bind(definition.wire.enabled).bind(definition.to_stored()).bind(now)
                    .execute(&mut *transaction).await?;
                write_history!(transaction, scope, history);
                transaction.commit().await.map(|()| true)
            })
        };
        update.await.map_err(AlertError::of_name("change an alert rule", &definition.wire.name))
    }

    /// Deletes a rule; its history stays. Tells whether it could, as `update` does.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn delete(&self, rule: &StoredRule, history: &History) -> Result<bool, AlertError> {
        let (scope, nothing) = (&rule.scope, RuleState::default());
        let delete = async {
            on!(self.db.write(), pool => {
                let mut transaction = pool.begin().await?;
                let reset = sqlx::query(RESET_STATE)
                    .bind(scope.organization_id()).bind(rule.id).bind(rule.version)
                    .bind(None::<Micros>).bind(json(&nothing)).bind(nothing.overall().as_str()).bind(now_us())
                    .execute(&mut *transaction).await?;
                if reset.rows_affected() == 0 {
                    return Ok(false);
                }
                write_history!(transaction, scope, history);
                sqlx::query(DELETE_EVALUATIONS)
                    .bind(scope.organization_id()).bind(rule.id).execute(&mut *transaction).await?;
                sqlx::query(DELETE_RULE)
                    .bind(scope.organization_id()).bind(rule.id).execute(&mut *transaction).await?;
                transaction.commit().await.map(|()| true)
            })
        };
        delete.await.map_err(AlertError::store("delete an alert rule"))
    }

    /// Replaces a rule's mutes; the rule is looked at again at once, so that the end of a mute is told at once.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn set_mutes(&self, scope: &TenantScope, id: Uuid, mutes: &Mutes) -> Result<(), AlertError> {
        let mutes = json(mutes);
        let set = async {
            on!(self.db.write(), pool => {
                let mut transaction = pool.begin().await?;
                sqlx::query(SET_MUTES)
                    .bind(scope.organization_id()).bind(id).bind(mutes.as_str()).execute(&mut *transaction).await?;
                sqlx::query(LOOK_AGAIN)
                    .bind(scope.organization_id()).bind(id).bind(AT_ONCE).execute(&mut *transaction).await?;
                transaction.commit().await
            })
        };
        set.await.map_err(AlertError::store("mute an alert rule"))
    }

    /// # Errors
    /// The database does not answer.
    pub async fn project_exists(&self, scope: &TenantScope, id: Uuid) -> Result<bool, AlertError> {
        let count: i64 = on!(self.db.read(), pool => sqlx::query_scalar(PROJECT_EXISTS)
            .bind(scope.organization_id()).bind(id).fetch_one(pool).await)
        .map_err(AlertError::store("look up a project"))?;
        Ok(count > 0)
    }

    /// Rules whose time has come, of the shards that `owner` leases, the longest waiting first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn due(&self, owner: &str, now: Micros, limit: i64) -> Result<Vec<StoredRule>, AlertError> {
        let rows: Vec<RuleRow> = on!(self.db.read(), pool => sqlx::query_as(DUE)
            .bind(owner).bind(now).bind(limit).fetch_all(pool).await)
        .map_err(AlertError::store("look for due alert rules"))?;
        let readable = |row: RuleRow| {
            StoredRule::try_from(row)
                .map_err(|error| tracing::error!(%error, "an alert rule cannot be read"))
                .ok()
        };
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    /// Writes evaluations, with their histories and notifications, in one transaction. Tells of each whether it counted: not when the
    /// lease is lost, or when the rule was changed meanwhile.
    ///
    /// # Errors
    /// The database does not answer; nothing was written.
    pub async fn record(
        &self,
        owner: &str,
        evaluations: &[(&StoredRule, &Outcome)],
    ) -> Result<Vec<bool>, AlertError> {
        let record = async {
            on!(self.db.write(), pool => {
                let mut counted = Vec::with_capacity(evaluations.len());
                let mut transaction = pool.begin().await?;
                for (rule, outcome) in evaluations {
                    let scope = &rule.scope;
                    let state = sqlx::query(RECORD_STATE)
                        .bind(rule.id).bind(rule.version).bind(owner).bind(outcome.next_due).bind(outcome.slot)
                        .bind(json(&outcome.memory)).bind(outcome.state.as_str()).bind(outcome.since).bind(outcome.value)
                        .bind(outcome.evaluated_at).bind(&outcome.error).bind(rule.fence)
                        .execute(&mut *transaction).await?;
                    counted.push(state.rows_affected() > 0);
                    if state.rows_affected() == 0 {
                        continue;
                    }
                    sqlx::query(RECORD_EVALUATION)
                        .bind(scope.organization_id()).bind(rule.id).bind(outcome.slot).bind(outcome.evaluated_at)
                        .bind(outcome.took_ms).bind(outcome.state.as_str()).bind(outcome.value).bind(outcome.group_count)
                        .bind(&outcome.error)
                        .execute(&mut *transaction).await?;
                    write_history!(transaction, scope, outcome.history);
                }
                transaction.commit().await.map(|()| counted)
            })
        };
        record.await.map_err(AlertError::store("record evaluations"))
    }

    /// Makes rules due again whose last slot lies in the future.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rearm(&self, owner: &str, now: Micros) -> Result<(), AlertError> {
        on!(self.db.write(), pool => sqlx::query(REARM)
            .bind(owner).bind(now).bind(now + crate::time::MINUTE_US).execute(pool).await.map(|_| ()))
        .map_err(AlertError::store("make alert rules due again"))
    }
}

fn text_of(sight: &Sight) -> Option<&str> {
    sight.rule().map(RowRule::as_str)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("states and mutes are plain data")
}
