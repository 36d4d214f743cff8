//! Hands mails to the mail server, or to a folder.
//!
//! The library's own timeout ends with the connection, and its pool may hand out one that died: so every try has a limit of its
//! own, and a second one goes over a new connection.

use super::Mail;
use crate::config::Settings;
use anyhow::Context;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One try: connection, greeting, TLS, mail.
const TRY: Duration = Duration::from_secs(20);

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail server refuses this mail for good, or it cannot be written as a mail.
    #[error("the mail cannot be delivered: {0}")]
    Permanent(String),
    /// Another try may work.
    #[error("the mail could not be handed over: {0}")]
    Temporary(String),
}

/// Sends mails; cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    /// The right part of every Message-ID.
    host: Arc<str>,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Folder(PathBuf),
    Smtp { pooled: Box<Smtp>, builder: Box<AsyncSmtpTransportBuilder> },
}

impl Mailer {
    /// # Errors
    /// `smtp_url` or `mail_from` is not understood, or the mail folder cannot be made.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let from =
            settings.mail_from.parse().context("mail_from is not an address like `Name <a@b.example>`")?;
        let url = settings.smtp_url.expose_secret();
        let way = if url.is_empty() {
            let folder = settings.data_dir.join("mail");
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            Way::Folder(folder)
        } else {
            let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(url))
                .map_err(|error| anyhow::anyhow!("smtp_url is not understood: {error}"))?
                .timeout(Some(TRY));
            Way::Smtp { pooled: Box::new(builder.clone().build()), builder: Box::new(builder) }
        };
        let public = settings.public_url();
        let host = public.split("://").nth(1).unwrap_or("localhost").split([':', '/']).next();
        Ok(Self { from, host: host.unwrap_or("localhost").into(), way })
    }

    /// Hands the mail over. Yes means that the mail server, or the folder, has it.
    ///
    /// # Errors
    /// It does not, as far as can be told; `Temporary` is worth another try.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match &self.way {
            Way::Folder(folder) => write_file(folder, mail, &message).await,
            Way::Smtp { pooled, builder } => match try_once(pooled, message.clone()).await {
                Err(MailError::Temporary(_)) => try_once(&builder.as_ref().clone().build(), message).await,
                done => done,
            },
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let permanent = |reason: &dyn std::fmt::Display| MailError::Permanent(reason.to_string());
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, self.host)))
            .from(self.from.clone())
            .to(mail.to.parse().map_err(|error: lettre::address::AddressError| permanent(&error))?)
            .subject(&mail.subject)
            .raw_header(lettre::message::header::HeaderValue::new(
                lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(
                MultiPart::alternative()
                    .singlepart(readable(&mail.text))
                    .singlepart(SinglePart::html(mail.html.clone())),
            )
            .map_err(|error| permanent(&error))
    }
}

/// Text as it is, where mail allows it: whoever opens the file can copy the link. Otherwise encoded.
fn readable(text: &str) -> SinglePart {
    let fits = text.is_ascii() && !text.contains('\0') && text.lines().all(|line| line.len() <= 990);
    if !fits {
        return SinglePart::plain(text.to_owned());
    }
    let lines: Vec<&str> = text.lines().collect();
    let body =
        Body::dangerous_pre_encoded(lines.join("\r\n").into_bytes(), ContentTransferEncoding::SevenBit);
    SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body)
}

async fn try_once(smtp: &Smtp, message: Message) -> Result<(), MailError> {
    match tokio::time::timeout(TRY, smtp.send(message)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(MailError::Permanent(error.to_string())),
        Ok(Err(error)) => Err(MailError::Temporary(error.to_string())),
        Err(_) => Err(MailError::Temporary("the mail server did not answer in time".to_owned())),
    }
}

/// Written beside and moved into place, so that a reader of the folder never sees half a mail.
async fn write_file(folder: &std::path::Path, mail: &Mail, message: &Message) -> Result<(), MailError> {
    let path = folder.join(format!("{}.eml", mail.id));
    let half = path.with_extension("half");
    let written = async {
        tokio::fs::write(&half, message.formatted()).await?;
        tokio::fs::rename(&half, &path).await
    };
    written.await.map_err(|error| MailError::Temporary(error.to_string()))?;
    tracing::info!(path = %path.display(), "wrote a mail to {}", path.display());
    Ok(())
}

/// `smtp://` means STARTTLS: demanded when a password goes over the line, else used when offered.
fn with_tls(url: &str) -> String {
    if url.starts_with("smtps:") || url.contains("tls=") {
        return url.to_owned();
    }
    let mode = if url.contains('@') { "required" } else { "opportunistic" };
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}tls={mode}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_goes_over_a_line_without_tls() {
        assert_eq!(with_tls("smtp://u:p@mail.example:587"), "smtp://u:p@mail.example:587?tls=required");
        assert_eq!(with_tls("smtp://127.0.0.1:1025"), "smtp://127.0.0.1:1025?tls=opportunistic");
        assert_eq!(with_tls("smtps://u:p@mail.example"), "smtps://u:p@mail.example");
    }
}
