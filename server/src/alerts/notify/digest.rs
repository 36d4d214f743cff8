//! Many notifications as one message: a line for each, with how it stands and where to look.

use super::{Job, Links};
use crate::alerts::notice::Notice;
use crate::email::Mail;
use alert_rules::{Kind, State};
use askama::Template;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Slack shows at most so much of a text, and so many blocks.
const SLACK_CHARACTERS: usize = 2_900;
const SLACK_BLOCKS: usize = 45;

#[derive(Template)]
#[template(path = "mail/digest.txt")]
struct Text<'a> {
    digest: &'a Digest<'a>,
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct Html<'a> {
    digest: &'a Digest<'a>,
}

pub struct Digest<'a> {
    /// Of the first notification; the message has it too.
    id: Uuid,
    lines: Vec<Line<'a>>,
    organization: &'a str,
    /// All alerts.
    link: String,
}

struct Line<'a> {
    notice: &'a Notice,
    links: Links,
}

/// How a notification stands, as one word; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Firing,
    NoData,
    Failing,
    Resolved,
}

impl Word {
    fn of(notice: &Notice) -> Self {
        let is_silent = notice.about.iter().all(|group| group.state == State::NoData);
        match notice.kind {
            Kind::Resolved | Kind::Cleared | Kind::Restored => Self::Resolved,
            Kind::Failed => Self::Failing,
            Kind::NoData => Self::NoData,
            Kind::Renotified if is_silent => Self::NoData,
            Kind::Fired | Kind::Renotified | Kind::Pending => Self::Firing,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::NoData => "without data",
            Self::Failing => "cannot be evaluated",
            Self::Resolved => "resolved",
        }
    }
}

impl<'a> Digest<'a> {
    /// `jobs` are the notifications in the order in which they happened, with the links of each.
    #[must_use]
    pub fn of(jobs: &'a [Job], links: impl Fn(&Job) -> Links, public_url: &str) -> Self {
        let lines = jobs.iter().map(|job| Line { notice: &job.notice, links: links(job) }).collect();
        let first = &jobs[0];
        Self {
            id: first.id,
            lines,
            organization: &first.notice.organization,
            link: format!("{public_url}/alerts"),
        }
    }

    /// `12 alerts: 9 firing, 3 resolved`
    #[must_use]
    pub fn subject(&self) -> String {
        let mut counts: BTreeMap<Word, usize> = BTreeMap::new();
        for line in &self.lines {
            *counts.entry(Word::of(line.notice)).or_default() += 1;
        }
        let parts: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {}", word.as_str())).collect();
        format!("{} alerts: {}", self.lines.len(), parts.join(", "))
    }

    /// # Errors
    /// The template cannot be rendered.
    pub fn mail(&self, to: String) -> Result<Mail, askama::Error> {
        let (text, html) = (Text { digest: self }.render()?, Html { digest: self }.render()?);
        Ok(Mail { id: self.id, to, subject: self.subject(), text, html })
    }

    /// As many lines as a message of Slack may have; the others are counted.
    #[must_use]
    pub fn slack(&self) -> Value {
        let subject = self.subject();
        let header =
            json!({"type": "header", "text": {"type": "plain_text", "text": subject, "emoji": false}});
        let (mut blocks, mut part, mut shown) = (vec![header], String::new(), 0);
        for line in &self.lines {
            let text = line.slack();
            if part.len() + text.len() > SLACK_CHARACTERS && !part.is_empty() {
                blocks.push(section(&std::mem::take(&mut part)));
            }
            if blocks.len() >= SLACK_BLOCKS {
                break;
            }
            part.push_str(&text);
            shown += 1;
        }
        if !part.is_empty() {
            blocks.push(section(&part));
        }
        let more = match self.lines.len() - shown {
            0 => "All alerts".to_owned(),
            more => format!("All alerts, and {more} more"),
        };
        blocks.push(json!({"type": "actions", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": more}, "url": self.link}
        ]}));
        let worst = self.lines.iter().min_by_key(|line| (Word::of(line.notice), line.notice.severity_rank()));
        let colour = worst.map_or("#2f855a", |line| line.notice.colour());
        json!({
            "text": subject,
            "attachments": [{"color": colour, "fallback": subject, "blocks": blocks}],
        })
    }
}

impl Line<'_> {
    fn slack(&self) -> String {
        let escaped = super::slack::escaped;
        let (subject, summary) = (escaped(&self.notice.subject()), escaped(&self.notice.summary()));
        let text = format!("*<{}|{subject}>*\n{summary}\n", self.links.rule);
        if text.len() <= SLACK_CHARACTERS { text } else { super::slack::cut(&text, SLACK_CHARACTERS / 4) }
    }
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text.trim_end()}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::testing;
    use crate::sealing::Sealer;

    fn jobs(kinds: &[Kind]) -> Vec<Job> {
        kinds.iter().map(|kind| testing::job(testing::notice(*kind))).collect()
    }

    fn links(job: &Job) -> Links {
        let sealer = Sealer::with_secret(b"0123456789abcdef0123456789abcdef");
        Links::of(&job.notice, Uuid::from_u128(1), "https://logs.example", &sealer)
    }

    #[test]
    fn the_subject_counts_and_every_notification_has_its_line() {
        let mut jobs = jobs(&[Kind::Fired, Kind::Resolved, Kind::Fired, Kind::Failed]);
        jobs[2].notice.rule_name = "<b>slow</b>".into();
        let digest = Digest::of(&jobs, links, "https://logs.example");
        let mail = digest.mail("ann@acme.example".into()).unwrap();
        assert_eq!(mail.subject, "4 alerts: 2 firing, 1 cannot be evaluated, 1 resolved");
        assert_eq!(mail.text.matches("5xx spike (source=api)").count(), 3);
        assert!(mail.text.contains("Firing: <b>slow</b>") && mail.text.contains("n is 12"));
        assert!(mail.html.contains("slow") && !mail.html.contains("<b>slow"));
        assert!(mail.html.contains("https://logs.example/alerts/"));
    }

    #[test]
    fn slack_gets_as_many_lines_as_it_takes() {
        let jobs = jobs(&[Kind::Fired; 200]);
        let message = Digest::of(&jobs, links, "https://logs.example").slack();
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50 && message.to_string().contains("200 alerts: 200 firing"));
        assert!(blocks.iter().all(|block| block["text"]["text"].as_str().unwrap_or_default().len() <= 3_000));
        assert_eq!(message.to_string().matches("|Firing: 5xx spike").count(), 200);
    }
}
