//! The callers that handlers take as arguments: `Member<Editor>`, `Reader`, `IngestKey`.
//!
//! Take `Result<IngestKey, AuthError>` to answer a refusal in a protocol's own words.

use super::caller::Caller;
use super::credentials::Credentials;
use super::key_budget::KeyId;
use super::key_ring::KeyFacts;
use super::project_roles::MayCall;
use super::session_check::Membership;
use super::standing::Standing;
use super::{Auth, AuthError, Identity, ProjectRoles, narrowed, store};
use crate::sight::{RowRule, Sight};
use crate::tenant::TenantScope;
use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};
use api_types::accounts::{IngestLimits, KeyScope, Role};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use uuid::Uuid;

/// The smallest role that a `Member<R>` has.
pub trait Level: 'static {
    const ROLE: Role;
}

pub struct Viewer;
pub struct Editor;
pub struct Admin;
pub struct Owner;

impl Level for Viewer {
    const ROLE: Role = Role::Viewer;
}
impl Level for Editor {
    const ROLE: Role = Role::Editor;
}
impl Level for Admin {
    const ROLE: Role = Role::Admin;
}
impl Level for Owner {
    const ROLE: Role = Role::Owner;
}

/// A signed-in user and the session in which they are; as an argument it refuses API keys.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub user_id: Uuid,
    pub session_id: Uuid,
}

impl FromRequest for Person {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request).and_then(|identity| match identity {
            Identity::Person { user_id, session_id, .. } => Ok(Self { user_id, session_id }),
            Identity::Key(_) => Err(AuthError::PersonNeeded),
        }))
    }
}

/// A member of an organization with the role `R` or a higher one, or an API key with the scope `admin`, which counts as an admin.
pub struct Member<R: Level> {
    scope: TenantScope,
    role: Role,
    project_roles: ProjectRoles,
    default_project: Uuid,
    person: Option<Person>,
    row_rule: Option<RowRule>,
    level: PhantomData<fn() -> R>,
}

impl<R: Level> Member<R> {
    #[must_use]
    pub fn scope(&self) -> &TenantScope {
        &self.scope
    }

    #[must_use]
    pub fn org_id(&self) -> Uuid {
        self.scope.organization_id()
    }

    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// What the caller may see of the organization's logs.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight::of(self.scope, self.row_rule.clone())
    }

    /// Where the caller's role is another one.
    #[must_use]
    pub fn project_roles(&self) -> &ProjectRoles {
        &self.project_roles
    }

    /// Whether the caller may do this in a project: routes that the table calls `Project` ask it of every project that they touch.
    ///
    /// # Errors
    /// `NotFound` for a project that the caller does not see, `RoleTooSmall`.
    pub fn in_project(&self, project_id: Uuid) -> Result<(), AuthError> {
        match self.project_roles.in_project(self.role, project_id) {
            None => Err(AuthError::NotFound),
            Some(held) if held < R::ROLE => Err(AuthError::RoleTooSmall { needed: R::ROLE, held }),
            Some(_) => Ok(()),
        }
    }

    /// The API key's project, or the first one that the caller sees.
    #[must_use]
    pub fn default_project(&self) -> Uuid {
        self.default_project
    }

    /// Who did it, for columns like `created_by`; absent for an API key.
    #[must_use]
    pub fn user_id(&self) -> Option<Uuid> {
        self.person.map(|person| person.user_id)
    }

    /// # Errors
    /// The caller is an API key, which has no account.
    pub fn person(&self) -> Result<Person, AuthError> {
        self.person.ok_or(AuthError::PersonNeeded)
    }

    fn of(identity: Identity, request: &HttpRequest) -> Result<Self, AuthError> {
        let member = match identity {
            Identity::Person { user_id, session_id, membership } => Self {
                scope: membership.scope,
                role: membership.role,
                project_roles: membership.project_roles,
                default_project: membership.project_id,
                person: Some(Person { user_id, session_id }),
                row_rule: membership.row_rule,
                level: PhantomData,
            },
            Identity::Key(key) if key.allows(KeyScope::Admin) => Self {
                scope: key.scope,
                role: Role::Admin,
                project_roles: ProjectRoles::default(),
                default_project: key.project_id,
                person: None,
                row_rule: key.row_rule.clone(),
                level: PhantomData,
            },
            Identity::Key(_) => return Err(AuthError::ScopeTooSmall { needed: "admin" }),
        };
        match member.project_roles.may_call(request, member.role, R::ROLE) {
            MayCall::Yes => Ok(member),
            MayCall::RoleTooSmall => Err(AuthError::RoleTooSmall { needed: R::ROLE, held: member.role }),
            MayCall::OnlyInSomeProjects => Err(AuthError::OnlyInSomeProjects),
        }
    }
}

impl<R: Level> FromRequest for Member<R> {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let member = Caller::of(request).and_then(|identity| Self::of(identity, request));
        ready(member.and_then(|member| match &member.row_rule {
            Some(_) if !narrowed::may_call(request) => Err(AuthError::RowRule),
            _ => Ok(member),
        }))
    }
}

/// Somebody who may search: a member, or an API key with the scope `query` or `admin`.
pub struct Reader {
    sight: Sight,
    default_project: Uuid,
    only_project: Option<Uuid>,
    /// Of a person.
    roles: Option<(Role, ProjectRoles)>,
    standing: Standing,
    /// The key that asks and its rows a day, if it has such a limit.
    budget: Option<(KeyId, u64)>,
    auth: web::Data<Auth>,
}

impl Reader {
    #[must_use]
    pub fn scope(&self) -> &TenantScope {
        self.sight.tenant()
    }

    /// What the caller may see of the organization's logs.
    #[must_use]
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Whether the caller may search now at all.
    ///
    /// # Errors
    /// `BudgetSpent` when the API key has read its rows of the day.
    pub async fn check_budget(&self) -> Result<(), AuthError> {
        match self.budget {
            Some((key, rows_per_day)) => self.auth.keys.budgets.check(key, rows_per_day).await,
            None => Ok(()),
        }
    }

    /// Counts what a search of the caller has read.
    pub fn spend(&self, rows_read: u64) {
        if let Some((key, _)) = self.budget {
            self.auth.keys.budgets.spend(key, rows_read);
        }
    }

    /// The project that is meant: the one asked for, or the API key's, or the organization's first one.
    ///
    /// # Errors
    /// `NotFound` when the project is not one of the organization, or not the one that the API key is for.
    pub async fn project(&self, asked: Option<&str>) -> Result<Uuid, AuthError> {
        let asked = match asked {
            Some(asked) => Uuid::parse_str(asked).map_err(|_| AuthError::NotFound)?,
            None => self.default_project,
        };
        if self.roles.as_ref().is_some_and(|(role, roles)| roles.in_project(*role, asked).is_none()) {
            return Err(AuthError::NotFound);
        }
        if asked == self.default_project {
            return Ok(asked);
        }
        let reachable = self.only_project.is_none()
            && store::project_exists(&self.auth.db, self.scope().organization_id(), asked).await?;
        if reachable { Ok(asked) } else { Err(AuthError::NotFound) }
    }

    /// What gave the right to read, to be checked again later.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    fn of(identity: Identity, auth: web::Data<Auth>) -> Result<Self, AuthError> {
        let standing = Standing::of(&identity);
        let budget = match &identity {
            Identity::Key(key) => key.rows_per_day.map(|rows| ((key.scope.organization_id(), key.id), rows)),
            Identity::Person { .. } => None,
        };
        let roles = match &identity {
            Identity::Person { membership, .. } => Some((membership.role, membership.project_roles.clone())),
            Identity::Key(_) => None,
        };
        let of_key = |key: &KeyFacts| Sight::of(key.scope, key.row_rule.clone());
        let (sight, default_project, only_project) = match identity {
            Identity::Person { membership, .. } => {
                (Sight::of(membership.scope, membership.row_rule), membership.project_id, None)
            }
            Identity::Key(key) if key.allows(KeyScope::Admin) => (of_key(&key), key.project_id, None),
            Identity::Key(key) if key.allows(KeyScope::Query) => {
                (of_key(&key), key.project_id, Some(key.project_id))
            }
            Identity::Key(_) => return Err(AuthError::ScopeTooSmall { needed: "query" }),
        };
        Ok(Self { sight, default_project, only_project, roles, budget, standing, auth })
    }
}

impl FromRequest for Reader {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request).and_then(|identity| Self::of(identity, Auth::of(request))))
    }
}

/// Somebody who may send logs, and where they go: an API key with the scope `ingest` or `admin`, or an editor by access token.
#[derive(Debug, Clone, Copy)]
pub struct IngestKey {
    pub scope: TenantScope,
    pub project_id: Uuid,
    pub retention_days: u16,
    /// Absent for a person.
    pub key_id: Option<Uuid>,
    /// The key's own.
    pub limits: IngestLimits,
}

impl IngestKey {
    fn of(identity: Identity) -> Result<Self, AuthError> {
        match identity {
            Identity::Key(key) if key.allows(KeyScope::Ingest) => Ok(Self {
                scope: key.scope,
                project_id: key.project_id,
                retention_days: key.retention_days,
                key_id: Some(key.id),
                limits: key.ingest_limits,
            }),
            Identity::Key(_) => Err(AuthError::ScopeTooSmall { needed: "ingest" }),
            Identity::Person { membership, .. } => {
                let Membership { role, project_id, project_roles, .. } = membership;
                match project_roles.in_project(role, project_id) {
                    None => Err(AuthError::NotFound),
                    Some(held) if held < Role::Editor => {
                        Err(AuthError::RoleTooSmall { needed: Role::Editor, held })
                    }
                    Some(_) => Ok(Self {
                        scope: membership.scope,
                        project_id,
                        retention_days: membership.retention_days,
                        key_id: None,
                        limits: IngestLimits::default(),
                    }),
                }
            }
        }
    }

    /// Somebody who sends to a place that is the project's own, and shows no key.
    #[must_use]
    pub fn of_project(scope: TenantScope, project_id: Uuid, retention_days: u16) -> Self {
        Self { scope, project_id, retention_days, key_id: None, limits: IngestLimits::default() }
    }

    /// Checks the text of a key that came some other way than in a header, in a syslog message for instance. A key that is
    /// bound to networks is refused: use `of_text_from`.
    ///
    /// # Errors
    /// The key is not good, or not for ingest, or nobody can tell because the database is away.
    pub async fn of_text(auth: &Auth, key: &str) -> Result<Self, AuthError> {
        Self::of_text_from(auth, key, "").await
    }

    /// As `of_text`, for a key that came from this address.
    ///
    /// # Errors
    /// As `of_text`; also when the key is not for this address.
    pub async fn of_text_from(auth: &Auth, key: &str, address: &str) -> Result<Self, AuthError> {
        Self::of(auth.identify(Credentials::ApiKey(key.to_owned()), address).await?)
    }
}

impl IngestKey {
    /// Checks what a protocol with headers but without actix was sent.
    ///
    /// # Errors
    /// As `of_text_from`; and when nothing was sent.
    pub async fn of_headers(auth: &Auth, headers: &HeaderMap, address: &str) -> Result<Self, AuthError> {
        Self::of(auth.identify(Credentials::find(headers, None), address).await?)
    }
}

impl FromRequest for IngestKey {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of_header(request).and_then(Self::of))
    }
}
