//! Sends one notification, and says what became of it.

mod email;

use super::AlertError;
use super::channels::{self, ChannelConfig, MemberAddress, StoredChannel};
use super::history::RecipientKind;
use super::notice::Notice;
use crate::db::Db;
use crate::email::{MailError, Mailer};
use crate::tenant::TenantScope;
use uuid::Uuid;

/// A notification, and to whom it goes.
#[derive(Debug, Clone)]
pub struct Job {
    pub scope: TenantScope,
    pub id: Uuid,
    pub recipient_kind: RecipientKind,
    pub recipient_id: Uuid,
    pub address: String,
    pub notice: Notice,
}

impl Job {
    #[must_use]
    pub fn to_channel(
        scope: TenantScope,
        id: Uuid,
        channel: &StoredChannel,
        address: String,
        notice: Notice,
    ) -> Self {
        Self { scope, id, recipient_kind: RecipientKind::Channel, recipient_id: channel.id, address, notice }
    }
}

/// Why it was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Something must happen first that is no fault of anybody: an address must be confirmed.
    #[error("{0}")]
    Waiting(String),
    /// Another try may work.
    #[error("{0}")]
    Temporary(String),
    /// It never will.
    #[error("{0}")]
    Permanent(String),
}

impl From<MailError> for Undelivered {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Permanent(reason) => Self::Permanent(reason),
            MailError::Temporary(reason) => Self::Temporary(reason),
        }
    }
}

impl From<AlertError> for Undelivered {
    fn from(error: AlertError) -> Self {
        tracing::warn!(%error, "cannot look up the recipient of a notification");
        Self::Temporary("the recipient could not be looked up".into())
    }
}

/// Everything that carries notifications; cheap to clone.
#[derive(Clone)]
pub struct Notifier {
    db: Db,
    mailer: Mailer,
    public_url: String,
}

impl Notifier {
    #[must_use]
    pub fn new(db: Db, mailer: Mailer, public_url: String) -> Self {
        Self { db, mailer, public_url }
    }

    /// Delivers once. Yes means that the other side has it; the text says how it answered.
    ///
    /// # Errors
    /// It has not, as far as can be told.
    pub async fn send(&self, job: &Job) -> Result<String, Undelivered> {
        match job.recipient_kind {
            RecipientKind::Member => {
                let member = channels::member_by_id(&self.db, &job.scope, job.recipient_id).await?;
                self.email(job, member, "the rule's author").await
            }
            RecipientKind::Channel => match channels::get(&self.db, &job.scope, job.recipient_id).await {
                Ok(channel) => self.to_channel(job, &channel.config).await,
                Err(AlertError::NotFound) => Err(Undelivered::Permanent("the channel was deleted".into())),
                Err(error) => Err(error.into()),
            },
        }
    }

    async fn to_channel(&self, job: &Job, config: &ChannelConfig) -> Result<String, Undelivered> {
        match config {
            ChannelConfig::Email { .. } => {
                let member = channels::member_by_address(&self.db, &job.scope, &job.address).await?;
                self.email(job, member, &job.address).await
            }
            ChannelConfig::Slack { .. } | ChannelConfig::Pagerduty { .. } | ChannelConfig::Webhook { .. } => {
                Err(Undelivered::Permanent("this kind of channel is not available yet".into()))
            }
        }
    }

    /// To members whose address is confirmed, and to nobody else.
    async fn email(
        &self,
        job: &Job,
        member: Option<MemberAddress>,
        who: &str,
    ) -> Result<String, Undelivered> {
        match member {
            None => {
                Err(Undelivered::Permanent(format!("{who} is not a member of the organization any more")))
            }
            Some(MemberAddress { email, email_verified_at: None }) => Err(Undelivered::Waiting(format!(
                "{email} is not confirmed yet: follow the link in the first mail"
            ))),
            Some(MemberAddress { email, .. }) => {
                let mail = email::mail(job, email, &self.public_url)
                    .map_err(|error| Undelivered::Permanent(error.to_string()))?;
                self.mailer.send(&mail).await?;
                Ok(format!("handed over for {}", mail.to))
            }
        }
    }
}
