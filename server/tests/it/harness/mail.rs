//! The mails that a server wrote into its folder.

use super::{TestApp, eventually};
use mailparse::{MailHeaderMap, ParsedMail};

#[derive(Debug, Clone)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub message_id: String,
    pub text: String,
    pub html: String,
}

impl Mail {
    pub fn parse(raw: &[u8]) -> Self {
        let mail = mailparse::parse_mail(raw).expect("a mail that can be parsed");
        let header = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
        let part = |kind: &str| {
            let is_it = |part: &&ParsedMail<'_>| part.ctype.mimetype == kind;
            mail.subparts.iter().find(is_it).map(|part| part.get_body().expect("a readable part"))
        };
        Self {
            to: header("To"),
            subject: header("Subject"),
            message_id: header("Message-ID"),
            text: part("text/plain").expect("a text part"),
            html: part("text/html").expect("an HTML part"),
        }
    }

    /// The token of the link in it.
    pub fn token(&self) -> String {
        let after = self.text.split("token=").nth(1).expect("a link with a token");
        after.split_whitespace().next().expect("a token").to_owned()
    }
}

impl TestApp {
    /// All mails so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        let folder = self.data("mail");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("a folder of mails")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort_by_key(|path| {
            (std::fs::metadata(path).and_then(|data| data.modified()).expect("a time"), path.clone())
        });
        files.iter().map(|file| Mail::parse(&std::fs::read(file).expect("a mail"))).collect()
    }

    /// Waits until this many mails came to an address about a subject, and gives them.
    pub async fn mails_about(&self, to: &str, subject: &str, count: usize) -> Vec<Mail> {
        eventually(&format!("{count} mails to {to} about {subject}"), async || {
            let mut mails = self.mails();
            mails.retain(|mail| mail.to == to && mail.subject.contains(subject));
            (mails.len() >= count).then_some(mails)
        })
        .await
    }
}
