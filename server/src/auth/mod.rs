//! Who is asking: passwords, access tokens, API keys, and the extractors through which every handler gets its caller.
//!
//! A handler that takes `Member<Editor>`, `Reader` or `IngestKey` is only reached by a caller who may do that, and gets the
//! `TenantScope` from it. A session that was ended, a role that was taken away and a key that was revoked stop working within
//! five seconds on every node, and at once on the node that did it; other limits of a key count as soon. While the database is away, keys that were used in the
//! last quarter of an hour go on working; everything else is answered with 503, never with 401.

pub mod access_token;
pub mod api_key;
pub mod caller;
pub mod cookies;
pub mod credentials;
pub mod extractors;
mod ingest_limits;
mod key_budget;
mod key_ring;
mod narrowed;
pub mod password;
mod project_roles;
mod session_check;
pub mod standing;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub mod totp;

pub(crate) use ingest_limits::IngestLimitsRow;
pub(crate) use key_ring::scopes_of;
pub use project_roles::ProjectRoles;
pub(crate) use session_check::{role_of, word_of};

pub use extractors::{Admin, Editor, IngestKey, Member, Owner, Reader, Viewer};

use crate::config::Settings;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::shutdown::Shutdown;
use crate::tenant::TenantScope;
use access_token::AccessTokens;
use actix_web::{HttpRequest, web};
use api_types::accounts::Role;
use cookies::Cookies;
use credentials::Credentials;
use key_ring::{KeyFacts, KeyRing};
use password::Passwords;
use session_check::{Membership, SessionCheck};
use std::sync::Arc;
use uuid::Uuid;

/// Why a caller was not let in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    #[error("Sign in, or send an API key as `Authorization: Bearer <key>`.")]
    Missing,
    #[error("The credentials are not valid: unknown, expired or revoked.")]
    Invalid,
    #[error("This API key does not have the scope `{needed}`.")]
    ScopeTooSmall { needed: &'static str },
    #[error("This needs the role {needed:?} or higher; yours is {held:?}.")]
    RoleTooSmall { needed: Role, held: Role },
    #[error("This is about a person's own account: sign in instead of using an API key.")]
    PersonNeeded,
    #[error("Your roles differ between projects, and this is about all of them. Ask an admin.")]
    OnlyInSomeProjects,
    #[error(
        "Your access is narrowed by a row rule, and this shows or does more than the rule lets through. Ask an admin."
    )]
    RowRule,
    #[error("This request came from another site and was refused.")]
    CrossSite,
    #[error("This API key is bound to networks, and the request did not come from one of them.")]
    NetworkNotAllowed,
    #[error(
        "This API key may read {rows_per_day} rows a day, and has. It goes on in {retry_after_s} seconds."
    )]
    BudgetSpent { rows_per_day: u64, retry_after_s: u64 },
    #[error("There is nothing here. Check the address and the id.")]
    NotFound,
    #[error("Too many people are signing in right now. Try again in a moment.")]
    Busy,
    #[error("failed to {action}")]
    Store { action: &'static str, source: Arc<sqlx::Error> },
    #[error("failed to {action}: {reason}")]
    Internal { action: &'static str, reason: String },
}

impl Problem for AuthError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Missing => ProblemKind::Unauthorized("credentials_missing"),
            Self::Invalid => ProblemKind::Unauthorized("credentials_invalid"),
            Self::ScopeTooSmall { .. } => ProblemKind::Forbidden("scope_too_small"),
            Self::RoleTooSmall { .. } => ProblemKind::Forbidden("role_too_small"),
            Self::PersonNeeded => ProblemKind::Forbidden("person_needed"),
            Self::OnlyInSomeProjects => ProblemKind::Forbidden("only_in_some_projects"),
            Self::RowRule => ProblemKind::Forbidden("row_rule_in_force"),
            Self::CrossSite => ProblemKind::Forbidden("cross_site_request"),
            Self::NetworkNotAllowed => ProblemKind::Forbidden("network_not_allowed"),
            Self::BudgetSpent { retry_after_s, .. } => {
                ProblemKind::TooManyRequests { code: "budget_spent", retry_after_s: *retry_after_s }
            }
            Self::NotFound => ProblemKind::NotFound,
            Self::Busy => ProblemKind::Unavailable { code: "busy", retry_after_s: 2 },
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
            Self::Internal { .. } => ProblemKind::Internal,
        }
    }
}

impl From<AuthError> for actix_web::Error {
    fn from(error: AuthError) -> Self {
        crate::error::ApiError::from(error).into()
    }
}

fn store_error(action: &'static str) -> impl FnOnce(sqlx::Error) -> AuthError {
    move |source| AuthError::Store { action, source: Arc::new(source) }
}

/// Everything that checks credentials; cheap to clone.
#[derive(Clone)]
pub struct Auth {
    pub passwords: Passwords,
    pub tokens: AccessTokens,
    pub cookies: Cookies,
    keys: KeyRing,
    sessions: SessionCheck,
    db: Db,
}

/// A caller whose credentials are good; what they may do is told by the extractors.
#[derive(Clone)]
enum Identity {
    Person { user_id: Uuid, session_id: Uuid, membership: Membership },
    Key(Arc<KeyFacts>),
}

impl Auth {
    /// # Errors
    /// The key that signs tokens cannot be read or made.
    pub fn new(settings: &Settings, db: Db) -> anyhow::Result<Self> {
        Ok(Self {
            passwords: Passwords::new(),
            tokens: AccessTokens::of(settings)?,
            cookies: Cookies::of(settings),
            keys: KeyRing::new(db.clone()),
            sessions: SessionCheck::new(db.clone()),
            db,
        })
    }

    /// Learns of keys that other nodes revoked, and writes down when keys were last used, until the shutdown.
    pub fn start(&self, shutdown: &Shutdown) {
        shutdown.spawn(self.keys.clone().keep_fresh(shutdown.token()));
    }

    /// Forgets what is remembered of a session, so that its end or its new role counts at once on this node.
    pub fn forget_sessions(&self) {
        self.sessions.forget_all();
    }

    /// Forgets a key, so that its end counts at once on this node.
    pub async fn forget_key(&self, lookup: &str) {
        self.keys.forget(lookup).await;
    }

    /// What a member may do in single projects.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn project_roles(
        &self,
        scope: &TenantScope,
        user_id: Uuid,
        role: Role,
    ) -> Result<ProjectRoles, AuthError> {
        ProjectRoles::load(&self.db, scope.organization_id(), user_id, role).await
    }

    /// Whether the organization has this project.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn project_exists(&self, scope: &TenantScope, project_id: Uuid) -> Result<bool, AuthError> {
        store::project_exists(&self.db, scope.organization_id(), project_id).await
    }

    /// The one that `app::routes` registered.
    #[must_use]
    pub fn of(request: &HttpRequest) -> web::Data<Self> {
        request.app_data::<web::Data<Self>>().expect("app::routes registers it").clone()
    }

    /// `address` is where the request comes from; a key that is bound to networks is refused without one.
    async fn identify(&self, credentials: Credentials, address: &str) -> Result<Identity, AuthError> {
        match credentials {
            Credentials::ApiKey(text) => {
                let key = api_key::Parsed::parse(&text).ok_or(AuthError::Invalid)?;
                Ok(Identity::Key(self.keys.check(&key, address).await?))
            }
            Credentials::AccessToken(token) | Credentials::Cookie(token) => {
                let claims = self.tokens.verify(&token).ok_or(AuthError::Invalid)?;
                let membership = self.sessions.membership(claims.sid, claims.org).await?;
                Ok(Identity::Person { user_id: claims.sub, session_id: claims.sid, membership })
            }
            Credentials::None => Err(AuthError::Missing),
        }
    }
}
