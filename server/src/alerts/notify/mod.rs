//! Sends one notification, and says what became of it.

mod digest;
mod email;
mod links;
mod pagerduty;
mod payload;
mod sample;
mod slack;
pub mod template;
mod webhook;

use super::AlertError;
use super::channel_config::ChannelConfig;
use super::channels::{Channels, MemberAddress, StoredChannel};
use super::history::RecipientKind;
use super::notice::Notice;
use crate::email::{Mail, MailError, Mailer};
use crate::outbound::{Answer, Outbound, OutboundError};
use crate::sealing::Sealer;
use crate::tenant::TenantScope;
use alert_rules::Kind;
use api_types::alerts::MessagePreview;
use digest::Digest;
use reqwest::Url;
use uuid::Uuid;

pub use links::{Links, MuteLink};

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

impl From<OutboundError> for Undelivered {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Refused(reason) => Self::Permanent(reason),
            OutboundError::Unreachable(reason) => Self::Temporary(reason),
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
    channels: Channels,
    sealer: Sealer,
    mailer: Mailer,
    outbound: Outbound,
    public_url: String,
    pagerduty_url: Url,
}

impl Notifier {
    #[must_use]
    pub fn new(
        channels: Channels,
        sealer: Sealer,
        mailer: Mailer,
        outbound: Outbound,
        public_url: String,
        pagerduty_url: Url,
    ) -> Self {
        Self { channels, sealer, mailer, outbound, public_url, pagerduty_url }
    }

    #[must_use]
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Delivers once. Yes means that the other side has it; the text says how it answered.
    ///
    /// # Errors
    /// It has not, as far as can be told.
    pub async fn send(&self, job: &Job) -> Result<String, Undelivered> {
        match job.recipient_kind {
            RecipientKind::Member => {
                let member = self.channels.member_by_id(&job.scope, job.recipient_id).await?;
                self.email_of(job, member, "the rule's author").await
            }
            RecipientKind::Channel => match self.channels.get(&job.scope, job.recipient_id).await {
                Ok(StoredChannel { config: Some(config), .. }) => self.to_channel(job, &config).await,
                Ok(_) => Err(Undelivered::Permanent(
                    "the channel's settings cannot be read with this server's key: enter them again".into(),
                )),
                Err(AlertError::NotFound) => Err(Undelivered::Permanent("the channel was deleted".into())),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Delivers notifications for one recipient as one message, which has the id of the first.
    ///
    /// # Errors
    /// As `send`.
    pub async fn send_digest(&self, jobs: &[Job]) -> Result<String, Undelivered> {
        let Some(first) = jobs.first() else { return Ok(String::new()) };
        let digest = Digest::of(jobs, |job| self.links(job), &self.public_url);
        let sent = match (first.recipient_kind, first.address.as_str()) {
            (RecipientKind::Member, _) => {
                let member = self.channels.member_by_id(&first.scope, first.recipient_id).await?;
                self.digest_mail(jobs, member, "the rule's author").await
            }
            (RecipientKind::Channel, "") => match self.channels.get(&first.scope, first.recipient_id).await {
                Ok(StoredChannel { config: Some(ChannelConfig::Slack { url }), .. }) => {
                    slack::post(&self.outbound, &url, &digest.slack()).await
                }
                Ok(_) => Err(Undelivered::Permanent("the channel is of another kind now".into())),
                Err(AlertError::NotFound) => Err(Undelivered::Permanent("the channel was deleted".into())),
                Err(error) => Err(error.into()),
            },
            (RecipientKind::Channel, address) => {
                let member = self.channels.member_by_address(&first.scope, address).await?;
                self.digest_mail(jobs, member, address).await
            }
        };
        sent.map(|detail| format!("{detail}, together with {} others ({})", jobs.len() - 1, first.id))
    }

    async fn to_channel(&self, job: &Job, config: &ChannelConfig) -> Result<String, Undelivered> {
        let links = self.links(job);
        match config {
            ChannelConfig::Email { .. } => {
                let member = self.channels.member_by_address(&job.scope, &job.address).await?;
                self.email_of(job, member, &job.address).await
            }
            ChannelConfig::Slack { url } => slack::send(&self.outbound, url, &job.notice, &links).await,
            ChannelConfig::Pagerduty { routing_key } => {
                let organization = job.scope.organization_id();
                let incident = self.sealer.name_of(&format!("{organization}/{}", job.notice.incident_key()));
                let event = pagerduty::event(routing_key, &incident, &job.notice, &links);
                pagerduty::send(&self.outbound, &self.pagerduty_url, &event).await
            }
            ChannelConfig::Webhook { url, secret, body } => {
                let payload = payload::of(job.id, &job.notice, &links);
                let body =
                    body.as_ref().map_or_else(|| payload.clone(), |body| template::fill(body, &payload));
                webhook::send(&self.outbound, url, secret, job.id, &body).await
            }
        }
    }

    /// A notification as the text of a mail, for people who look at it before they save a rule.
    #[must_use]
    pub fn text_of(&self, scope: TenantScope, notice: &Notice) -> Option<MessagePreview> {
        let links = Links::of(notice, scope.organization_id(), &self.public_url, &self.sealer);
        let (id, kind, address) = (Uuid::nil(), RecipientKind::Member, String::new());
        let job = Job { scope, id, recipient_kind: kind, recipient_id: id, address, notice: notice.clone() };
        let mail = email::mail(&job, String::new(), &links).ok()?;
        Some(MessagePreview { subject: mail.subject, text: mail.text })
    }

    fn links(&self, job: &Job) -> Links {
        Links::of(&job.notice, job.scope.organization_id(), &self.public_url, &self.sealer)
    }

    async fn email_of(
        &self,
        job: &Job,
        member: Option<MemberAddress>,
        who: &str,
    ) -> Result<String, Undelivered> {
        if self.seen_by(member.as_ref(), std::slice::from_ref(job)).await?.is_empty() {
            return Err(unseen(who));
        }
        self.email(member, who, |to| email::mail(job, to, &self.links(job))).await
    }

    async fn digest_mail(
        &self,
        jobs: &[Job],
        member: Option<MemberAddress>,
        who: &str,
    ) -> Result<String, Undelivered> {
        let seen = self.seen_by(member.as_ref(), jobs).await?;
        if seen.is_empty() {
            return Err(unseen(who));
        }
        let digest = Digest::of(&seen, |job| self.links(job), &self.public_url);
        self.email(member, who, |to| digest.mail(to)).await
    }

    /// Those about logs that the member sees now; who is no member is found out elsewhere. That a rule does not work any more is for
    /// its author to know, and tells nothing of logs.
    async fn seen_by(&self, member: Option<&MemberAddress>, jobs: &[Job]) -> Result<Vec<Job>, Undelivered> {
        let mut seen = Vec::new();
        for job in jobs {
            let is_for_author =
                job.recipient_kind == RecipientKind::Member && job.notice.kind == Kind::Failed;
            let sees = match member {
                Some(_) if is_for_author => true,
                Some(member) => self.channels.may_see(&job.scope, &member.email, job.notice.rule_id).await?,
                None => true,
            };
            seen.extend(sees.then(|| job.clone()));
        }
        Ok(seen)
    }

    /// To members whose address is confirmed, and to nobody else.
    async fn email(
        &self,
        member: Option<MemberAddress>,
        who: &str,
        mail: impl FnOnce(String) -> Result<Mail, askama::Error>,
    ) -> Result<String, Undelivered> {
        match member {
            None => {
                Err(Undelivered::Permanent(format!("{who} is not a member of the organization any more")))
            }
            Some(MemberAddress { email, email_verified_at: None }) => Err(Undelivered::Waiting(format!(
                "{email} is not confirmed yet: follow the link in the first mail"
            ))),
            Some(MemberAddress { email, .. }) => {
                let mail = mail(email).map_err(|error| Undelivered::Permanent(error.to_string()))?;
                self.mailer.send(&mail).await?;
                Ok(format!("handed over for {}", mail.to))
            }
        }
    }
}

fn unseen(who: &str) -> Undelivered {
    Undelivered::Permanent(format!("{who} may not see the logs of this rule any more"))
}

/// What an answer means: only its status counts, and `detail` where the other side is known to explain itself.
fn verdict(answer: &Answer, detail: &str) -> Result<String, Undelivered> {
    let status = answer.status;
    let reason = match detail {
        "" => format!("answered {status}"),
        detail => format!("answered {status}: {detail}"),
    };
    match status.as_u16() {
        200..=299 => Ok(reason),
        300..=399 => Err(Undelivered::Permanent(format!("{reason}; redirects are not followed"))),
        408 | 425 | 429 | 500..=599 => Err(Undelivered::Temporary(reason)),
        _ => Err(Undelivered::Permanent(reason)),
    }
}

fn target(url: &str) -> Result<Url, Undelivered> {
    Url::parse(url).map_err(|_| Undelivered::Permanent("the address of the channel is not valid".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    #[test]
    fn an_answer_is_a_success_worth_another_try_or_final() {
        let verdict = |status: u16| {
            let answer = Answer { status: StatusCode::from_u16(status).unwrap(), body: Vec::new() };
            match verdict(&answer, "") {
                Ok(_) => "sent",
                Err(Undelivered::Temporary(_)) => "again",
                Err(_) => "never",
            }
        };
        for (statuses, expected) in
            [([200, 202, 204], "sent"), ([429, 500, 503], "again"), ([302, 400, 410], "never")]
        {
            assert_eq!(statuses.map(verdict), [expected; 3], "{statuses:?}");
        }
    }
}
