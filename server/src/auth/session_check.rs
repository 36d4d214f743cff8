//! Whether a session still lives, and which role its user has, asked at most every five seconds per session.

use super::{AuthError, store};
use crate::db::Db;
use crate::sight::RowRule;
use crate::tenant::TenantScope;
use crate::time::now_us;
use api_types::accounts::Role;
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const FRESH: Duration = Duration::from_secs(5);

/// A user's place in one organization.
#[derive(Debug, Clone)]
pub struct Membership {
    pub scope: TenantScope,
    pub role: Role,
    /// What narrows the logs that they see.
    pub row_rule: Option<RowRule>,
    /// The organization's oldest project.
    pub project_id: Uuid,
    pub retention_days: u16,
}

#[derive(Clone)]
pub struct SessionCheck {
    db: Db,
    known: Cache<(Uuid, Uuid), Membership>,
}

impl SessionCheck {
    pub fn new(db: Db) -> Self {
        Self { db, known: Cache::builder().max_capacity(100_000).time_to_live(FRESH).build() }
    }

    pub async fn membership(&self, session_id: Uuid, organization_id: Uuid) -> Result<Membership, AuthError> {
        let load = async {
            let row = store::live_session(&self.db, session_id, organization_id, now_us()).await?;
            let row = row.ok_or(AuthError::Invalid)?;
            Ok(Membership {
                scope: TenantScope::authenticated(organization_id),
                role: role_of(&row.role),
                row_rule: row.row_rule.map(RowRule::stored),
                project_id: row.project_id,
                retention_days: u16::try_from(row.retention_days).unwrap_or(u16::MAX),
            })
        };
        self.known
            .try_get_with((session_id, organization_id), load)
            .await
            .map_err(|error: Arc<AuthError>| (*error).clone())
    }

    pub fn forget_all(&self) {
        self.known.invalidate_all();
    }
}

/// The role as the database keeps it.
pub fn word_of(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

/// The role that a word of the database means; a word that is not known is the smallest one.
pub fn role_of(word: &str) -> Role {
    match word {
        "owner" => Role::Owner,
        "admin" => Role::Admin,
        "editor" => Role::Editor,
        _ => Role::Viewer,
    }
}
