//! People and organizations: signing up and in, profile, members, projects, API keys, sessions.
//!
//! Signing up makes a user, an organization, its project `default` and the owner's membership in one transaction. Whether an
//! address has an account is told only to who can sign up with it; login and password reset answer the same either way.
//! Deleting projects and organizations takes their logs along: see `erasure`.

mod api_key_store;
mod api_keys;
pub mod attempts;
mod change_email;
mod checked;
mod device_codes;
mod device_login;
mod device_login_store;
mod invitation_store;
mod invitations;
mod key_limits;
mod mail_link_store;
mod mail_links;
mod member_store;
mod members;
mod organization;
mod organization_store;
mod profile;
mod project_role_store;
mod project_roles;
mod project_store;
mod projects;
mod second_factor;
mod second_factor_store;
mod session_store;
mod sessions;
mod sign_in;
mod sso;
mod user_store;

pub(crate) use api_keys::rotate_all as rotate_all_keys;
pub use mail_links::MailLinks;
pub(crate) use second_factor::remove as remove_second_factor;

use crate::auth::{Auth, AuthError};
use crate::config::Settings;
use crate::db::Db;
use crate::error::{Problem, ProblemKind};
use crate::outbound::Outbound;
use crate::sealing::Sealer;
use actix_web::web;
use attempts::{Attempts, TooMany};
use sso::Providers;
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, &[(&str, &str)])] = &[
    ("accounts/api_key_store.rs", api_key_store::ALL),
    ("accounts/device_login_store.rs", device_login_store::ALL),
    ("accounts/invitation_store.rs", invitation_store::ALL),
    ("accounts/mail_link_store.rs", mail_link_store::ALL),
    ("accounts/member_store.rs", member_store::ALL),
    ("accounts/organization_store.rs", organization_store::ALL),
    ("accounts/project_role_store.rs", project_role_store::ALL),
    ("accounts/project_store.rs", project_store::ALL),
    ("accounts/second_factor_store.rs", second_factor_store::ALL),
    ("accounts/session_store.rs", session_store::ALL),
    ("accounts/sso/identity_store.rs", sso::ALL),
    ("accounts/user_store.rs", user_store::ALL),
];

pub fn routes(app: &mut web::ServiceConfig) {
    sign_in::routes(app);
    sso::routes(app);
    mail_links::routes(app);
    profile::routes(app);
    change_email::routes(app);
    device_login::routes(app);
    second_factor::routes(app);
    organization::routes(app);
    members::routes(app);
    project_roles::routes(app);
    invitations::routes(app);
    projects::routes(app);
    api_keys::routes(app);
    sessions::routes(app);
}

/// What the handlers of this feature share; cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    auth: Auth,
    links: MailLinks,
    settings: Arc<Settings>,
    limits: Limits,
    sealer: Sealer,
    providers: Providers,
}

#[derive(Clone)]
struct Limits {
    signups: Attempts,
    /// By account and address.
    logins: Attempts,
    logins_of_address: Attempts,
    /// Of second factors, by account.
    codes: Attempts,
    /// Logins by other providers that failed, by address.
    sso: Attempts,
    resets_of_email: Attempts,
    resets_of_address: Attempts,
    /// By organization.
    invitations: Attempts,
    /// Of command lines that ask, by address.
    device_logins: Attempts,
    /// Of wrong codes of command lines, by person.
    device_codes: Attempts,
}

impl Accounts {
    /// # Errors
    /// The key that seals cannot be read or made, or a provider's address is none.
    pub fn new(
        settings: Arc<Settings>,
        db: Db,
        auth: Auth,
        links: MailLinks,
        outbound: &Outbound,
    ) -> anyhow::Result<Self> {
        const QUARTER: Duration = Duration::from_secs(15 * 60);
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let limits = Limits {
            signups: Attempts::new(settings.signup_per_hour, HOUR),
            logins: Attempts::new(settings.login_failures, QUARTER),
            logins_of_address: Attempts::new(settings.login_failures.saturating_mul(10), QUARTER),
            codes: Attempts::new(settings.login_failures, QUARTER),
            sso: Attempts::new(settings.login_failures.saturating_mul(10), QUARTER),
            resets_of_email: Attempts::new(3, HOUR),
            resets_of_address: Attempts::new(10, HOUR),
            invitations: Attempts::new(settings.invitations_per_hour, HOUR),
            device_logins: Attempts::new(30, QUARTER),
            device_codes: Attempts::new(10, QUARTER),
        };
        let (sealer, providers) = (Sealer::of(&settings)?, Providers::of(&settings, outbound)?);
        Ok(Self { db, auth, links, settings, limits, sealer, providers })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("An account with this e-mail address exists already. Log in, or reset the password.")]
    EmailTaken,
    #[error("Signing up is closed on this installation. Ask to be invited.")]
    SignupClosed,
    #[error("The e-mail address or the password is wrong.")]
    WrongCredentials,
    #[error("This login is over. Begin again on the login page.")]
    SsoOver,
    #[error("Confirm your e-mail address first: open the link that was mailed to you.")]
    EmailUnconfirmed,
    #[error("The provider cannot be reached just now. Try again in a moment.")]
    ProviderUnreachable,
    #[error("This is the only way into your account. Choose a password first.")]
    LastWayIn,
    #[error("The invitation is for another address than the one of this account.")]
    InvitedAnother,
    #[error("The session is over. Log in again.")]
    SessionOver,
    #[error("You are in no organization any more. Ask to be invited.")]
    NoOrganization,
    #[error("Too many attempts. Try again in {retry_after_s} seconds.")]
    TooManyAttempts { retry_after_s: u64 },
    #[error(
        "This link does not work any more: it was used, replaced by a newer one, or is too old. Ask for a new one."
    )]
    LinkInvalid,
    #[error("Somebody with this address is a member already.")]
    AlreadyMember,
    #[error("This address was invited already. Send the invitation again, or withdraw it first.")]
    AlreadyInvited,
    #[error(
        "Your plan has room for {most} members, and invitations count. Remove a member or an invitation, or ask the operator of this installation for more."
    )]
    NoRoomToInvite { most: u64 },
    #[error(
        "The organization has {most} members, as many as its plan allows. Ask who invited you to make room; the invitation stays."
    )]
    NoRoomToJoin { most: u64 },
    #[error("There is an account with the invited address. Log in with it, then open the link again.")]
    LoginNeeded,
    #[error("Give the code of your authenticator app, or a recovery code.")]
    SecondFactorRequired,
    #[error("The code is wrong, or was used already. Wait for the next one.")]
    SecondFactorWrong,
    #[error("A second factor is on already. Switch it off first.")]
    SecondFactorOn,
    #[error("There is no second factor to do this with.")]
    SecondFactorOff,
    #[error(
        "This person is a member of other organizations too, so only the operator of this installation can do this."
    )]
    MemberElsewhere,
    #[error("A project with this name exists already.")]
    ProjectNameTaken,
    #[error("An organization keeps at least one owner. Make somebody else an owner first.")]
    LastOwner,
    #[error("You are the owner already. Choose another member.")]
    AlreadyOwner,
    #[error("Only an owner can do this to an owner, or make one.")]
    OwnersOnly,
    #[error("Admins and owners have their role in every project.")]
    RoleIsEverywhere,
    #[error("failed to find out who may see which project")]
    Auth(#[from] AuthError),
    #[error("Only an admin can make or revoke a key with the scope `admin`.")]
    AdminsOnly,
    #[error("Owners and admins see everything: a row rule goes with a smaller role.")]
    RowRuleOnAdmin,
    #[error(
        "Your access is narrowed by a row rule, so you can only make keys that send. Ask an admin for one that reads."
    )]
    NarrowedKey,
    #[error("This key was rotated already: its follower is in the list of keys.")]
    KeyRotated,
    #[error("There is nothing here. Check the address and the id.")]
    NotFound,
    #[error("failed to {action}")]
    Store {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl Problem for AccountError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::EmailTaken => ProblemKind::Conflict("email_taken"),
            Self::SignupClosed => ProblemKind::Forbidden("signup_closed"),
            Self::WrongCredentials => ProblemKind::Unauthorized("wrong_credentials"),
            Self::SsoOver => ProblemKind::Unauthorized("sso_over"),
            Self::EmailUnconfirmed => ProblemKind::Conflict("email_unconfirmed"),
            Self::ProviderUnreachable => {
                ProblemKind::Unavailable { code: "provider_unreachable", retry_after_s: 10 }
            }
            Self::LastWayIn => ProblemKind::Conflict("last_way_in"),
            Self::InvitedAnother => ProblemKind::Conflict("invited_another"),
            Self::SessionOver => ProblemKind::Unauthorized("session_over"),
            Self::NoOrganization => ProblemKind::Forbidden("no_organization"),
            Self::TooManyAttempts { retry_after_s } => {
                ProblemKind::TooManyRequests { code: "too_many_attempts", retry_after_s: *retry_after_s }
            }
            Self::LinkInvalid => ProblemKind::Invalid("link_invalid"),
            Self::AlreadyMember => ProblemKind::Conflict("already_member"),
            Self::AlreadyInvited => ProblemKind::Conflict("already_invited"),
            Self::NoRoomToInvite { .. } | Self::NoRoomToJoin { .. } => {
                ProblemKind::Conflict("members_limit_reached")
            }
            Self::LoginNeeded => ProblemKind::Unauthorized("login_needed"),
            Self::SecondFactorRequired => ProblemKind::Unauthorized("second_factor_required"),
            Self::SecondFactorWrong => ProblemKind::Unauthorized("second_factor_wrong"),
            Self::SecondFactorOn => ProblemKind::Conflict("second_factor_on"),
            Self::SecondFactorOff => ProblemKind::Conflict("second_factor_off"),
            Self::MemberElsewhere => ProblemKind::Conflict("member_elsewhere"),
            Self::ProjectNameTaken => ProblemKind::Conflict("project_name_taken"),
            Self::KeyRotated => ProblemKind::Conflict("key_rotated"),
            Self::AlreadyOwner => ProblemKind::Conflict("already_owner"),
            Self::RowRuleOnAdmin => ProblemKind::Conflict("row_rule_on_admin"),
            Self::NarrowedKey => ProblemKind::Forbidden("row_rule_in_force"),
            Self::LastOwner => ProblemKind::Conflict("last_owner"),
            Self::OwnersOnly | Self::AdminsOnly => ProblemKind::Forbidden("role_too_small"),
            Self::RoleIsEverywhere => ProblemKind::Conflict("role_is_everywhere"),
            Self::Auth(error) => error.kind(),
            Self::NotFound => ProblemKind::NotFound,
            Self::Store { source, .. } => ProblemKind::of_sqlx(source),
        }
    }
}

impl From<TooMany> for AccountError {
    fn from(TooMany(retry_after_s): TooMany) -> Self {
        Self::TooManyAttempts { retry_after_s }
    }
}

fn failed_to(action: &'static str) -> impl FnOnce(sqlx::Error) -> AccountError {
    move |source| AccountError::Store { action, source }
}

/// An id in a path or body; what is none belongs to nobody.
fn id(text: &str) -> Result<uuid::Uuid, AccountError> {
    uuid::Uuid::parse_str(text).map_err(|_| AccountError::NotFound)
}
