//! Mails: text and HTML from templates, sent by SMTP or written as files into `<data_dir>/mail`.
//!
//! Whoever sends keeps a row until `send` said yes, and tries again after a no; a repeat carries the same Message-ID.

mod transport;

pub use transport::{MailError, Mailer};

use crate::time::{HOUR_US, MINUTE_US, Micros, SECOND_US};
use askama::Template;

/// A mail ready to be sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Tells repeats of the same mail: the left part of its Message-ID.
    pub id: uuid::Uuid,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// How long to wait after this many failed tries, with up to a tenth more so that not all come back at once; `None`: give up.
#[must_use]
pub fn wait_after(tries: i64) -> Option<Micros> {
    const WAITS_US: [Micros; 10] = [
        10 * SECOND_US,
        30 * SECOND_US,
        2 * MINUTE_US,
        5 * MINUTE_US,
        15 * MINUTE_US,
        HOUR_US,
        3 * HOUR_US,
        6 * HOUR_US,
        12 * HOUR_US,
        12 * HOUR_US,
    ];
    let wait = *WAITS_US.get(usize::try_from(tries.max(1)).ok()? - 1)?;
    Some(wait + rand::random_range(0..=wait / 10))
}

/// A link that somebody is to follow.
pub struct LinkMail<'a> {
    pub id: uuid::Uuid,
    pub to: &'a str,
    pub name: &'a str,
    pub link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/verify_email.txt")]
struct VerifyText<'a> {
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/verify_email.html")]
struct VerifyHtml<'a> {
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/reset_password.txt")]
struct ResetText<'a> {
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/reset_password.html")]
struct ResetHtml<'a> {
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/change_email.txt")]
struct ChangeText<'a> {
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/change_email.html")]
struct ChangeHtml<'a> {
    name: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/invitation.txt")]
struct InvitationText<'a> {
    organization: &'a str,
    by: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/invitation.html")]
struct InvitationHtml<'a> {
    organization: &'a str,
    by: &'a str,
    link: &'a str,
}

/// # Errors
/// The template cannot be rendered.
pub fn verify_email(mail: &LinkMail<'_>) -> Result<Mail, askama::Error> {
    let LinkMail { name, link, .. } = *mail;
    Ok(Mail {
        id: mail.id,
        to: mail.to.to_owned(),
        subject: "Confirm your e-mail address".to_owned(),
        text: VerifyText { name, link }.render()?,
        html: VerifyHtml { name, link }.render()?,
    })
}

/// # Errors
/// The template cannot be rendered.
pub fn reset_password(mail: &LinkMail<'_>) -> Result<Mail, askama::Error> {
    let LinkMail { name, link, .. } = *mail;
    Ok(Mail {
        id: mail.id,
        to: mail.to.to_owned(),
        subject: "Reset your password".to_owned(),
        text: ResetText { name, link }.render()?,
        html: ResetHtml { name, link }.render()?,
    })
}

/// A warning that an organization's daily quota is nearly or wholly used.
pub struct QuotaMail<'a> {
    pub id: uuid::Uuid,
    pub to: &'a str,
    pub name: &'a str,
    pub organization: &'a str,
    pub percent: i64,
    pub day: &'a str,
    /// 0 is no limit.
    pub daily_events: u64,
    pub daily_bytes: u64,
    pub link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/quota_warning.txt")]
struct QuotaText<'a> {
    name: &'a str,
    organization: &'a str,
    percent: i64,
    day: &'a str,
    daily_events: u64,
    daily_bytes: u64,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/quota_warning.html")]
struct QuotaHtml<'a> {
    name: &'a str,
    organization: &'a str,
    percent: i64,
    day: &'a str,
    daily_events: u64,
    daily_bytes: u64,
    link: &'a str,
}

/// # Errors
/// The template cannot be rendered.
pub fn quota_warning(mail: &QuotaMail<'_>) -> Result<Mail, askama::Error> {
    let QuotaMail { name, organization, percent, day, daily_events, daily_bytes, link, .. } = *mail;
    let subject = if percent >= 100 {
        format!("{organization} has used all of today's log quota")
    } else {
        format!("{organization} has used {percent} % of today's log quota")
    };
    Ok(Mail {
        id: mail.id,
        to: mail.to.to_owned(),
        subject,
        text: QuotaText { name, organization, percent, day, daily_events, daily_bytes, link }.render()?,
        html: QuotaHtml { name, organization, percent, day, daily_events, daily_bytes, link }.render()?,
    })
}

/// Tells of a change in somebody's account.
pub struct NoticeMail<'a> {
    pub id: uuid::Uuid,
    pub to: &'a str,
    pub subject: &'a str,
    pub name: &'a str,
    /// What happened, as a sentence that the time ends.
    pub what: &'a str,
    pub at: &'a str,
    /// What to do when it was somebody else.
    pub otherwise: &'a str,
    pub link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/account_notice.txt")]
struct NoticeText<'a> {
    mail: &'a NoticeMail<'a>,
}

#[derive(Template)]
#[template(path = "mail/account_notice.html")]
struct NoticeHtml<'a> {
    mail: &'a NoticeMail<'a>,
}

/// # Errors
/// The template cannot be rendered.
pub fn account_notice(mail: &NoticeMail<'_>) -> Result<Mail, askama::Error> {
    Ok(Mail {
        id: mail.id,
        to: mail.to.to_owned(),
        subject: mail.subject.to_owned(),
        text: NoticeText { mail }.render()?,
        html: NoticeHtml { mail }.render()?,
    })
}

/// # Errors
/// The template cannot be rendered.
pub fn change_email(mail: &LinkMail<'_>) -> Result<Mail, askama::Error> {
    let LinkMail { name, link, .. } = *mail;
    Ok(Mail {
        id: mail.id,
        to: mail.to.to_owned(),
        subject: "Confirm your new e-mail address".to_owned(),
        text: ChangeText { name, link }.render()?,
        html: ChangeHtml { name, link }.render()?,
    })
}

/// `mail.name` is the organization's; `by` is absent when a program invites.
///
/// # Errors
/// The template cannot be rendered.
pub fn invitation(mail: &LinkMail<'_>, by: Option<&str>) -> Result<Mail, askama::Error> {
    let LinkMail { name: organization, link, .. } = *mail;
    let by = by.unwrap_or("An administrator");
    Ok(Mail {
        id: mail.id,
        to: mail.to.to_owned(),
        subject: format!("{by} invited you to {organization}"),
        text: InvitationText { organization, by, link }.render()?,
        html: InvitationHtml { organization, by, link }.render()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_and_never_markup() {
        let mail = reset_password(&LinkMail {
            id: uuid::Uuid::nil(),
            to: "ann@acme.example",
            name: "<img src=x>",
            link: "https://logs.example/reset-password?token=abc",
        })
        .unwrap();

        assert!(!mail.html.contains("<img"));
        assert!(mail.text.contains("<img src=x>"));
        assert!(mail.text.contains("https://logs.example/reset-password?token=abc"));
        assert!(mail.html.contains("https://logs.example/reset-password?token=abc"));
    }
}
