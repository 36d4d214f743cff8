//! The mail of an alert: what, how much, where, the lines behind it, and where to look.

use super::Job;
use crate::alerts::evaluate::Sample;
use crate::alerts::notice::{GroupLine, Notice, number};
use crate::email::Mail;
use crate::time::rfc3339;
use alert_rules::Kind;
use api_types::alerts::Severity;
use askama::Template;

#[derive(Template)]
#[template(path = "mail/alert.txt")]
struct Text<'a> {
    view: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "mail/alert.html")]
struct Html<'a> {
    view: &'a View<'a>,
}

/// What both templates show.
struct View<'a> {
    notice: &'a Notice,
    subject: String,
    explore: String,
    rule: String,
}

/// # Errors
/// The template cannot be rendered.
pub fn mail(job: &Job, to: String, public_url: &str) -> Result<Mail, askama::Error> {
    let view = View::of(&job.notice, public_url);
    let (text, html) = (Text { view: &view }.render()?, Html { view: &view }.render()?);
    Ok(Mail { id: job.id, to, subject: view.subject, text, html })
}

impl<'a> View<'a> {
    fn of(notice: &'a Notice, public_url: &str) -> Self {
        let (explore, rule) = (notice.explore_link(public_url), notice.rule_link(public_url));
        Self { notice, subject: notice.subject(), explore, rule }
    }

    /// One sentence: `n is 12 (alert when > 10), over 5m until 2026-03-10T10:00:00Z`.
    fn summary(&self) -> String {
        let notice = self.notice;
        let (column, window, until) = (&notice.column, &notice.window, rfc3339(notice.to_us));
        match (notice.kind, notice.about.as_slice()) {
            (Kind::Failed | Kind::Restored, _) => notice.reason.clone(),
            (_, [GroupLine { value: Some(value), .. }]) => format!(
                "{column} is {} (the rule alerts when it is {}), over {window} until {until}",
                number(*value),
                notice.condition
            ),
            (Kind::Resolved, _) => format!("{}, over {window} until {until}", notice.reason),
            (_, [_]) => format!("No data over {window} until {until}"),
            (_, many) => format!(
                "{} groups; the rule alerts when {column} is {}, over {window} until {until}",
                many.len(),
                notice.condition
            ),
        }
    }

    /// A bar of colour at the top: state first, then severity.
    fn colour(&self) -> &'static str {
        match (self.notice.is_resolved(), self.notice.severity) {
            (true, _) => "#2f855a",
            (false, Severity::Critical) => "#c53030",
            (false, Severity::Warning) => "#b7791f",
            (false, Severity::Info) => "#2b6cb0",
        }
    }

    fn severity(&self) -> &'static str {
        match self.notice.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }

    fn has_groups(&self) -> bool {
        self.notice.about.len() > 1 || self.notice.about.iter().any(|group| !group.group.is_empty())
    }
}

impl Sample {
    /// The message in pieces, each marked or not. What is not a piece of the text is left out.
    fn pieces(&self) -> Vec<Piece<'_>> {
        let (mut pieces, mut at) = (Vec::new(), 0);
        for &(start, end) in &self.marks {
            let (Some(before), Some(marked)) = (self.message.get(at..start), self.message.get(start..end))
            else {
                continue;
            };
            pieces.push(Piece { text: before, marked: false });
            pieces.push(Piece { text: marked, marked: true });
            at = end;
        }
        pieces.push(Piece { text: self.message.get(at..).unwrap_or_default(), marked: false });
        pieces.retain(|piece| !piece.text.is_empty());
        pieces
    }

    /// `*timeout*`, as people mark words in plain text.
    fn marked_text(&self) -> String {
        let piece =
            |piece: Piece<'_>| if piece.marked { format!("*{}*", piece.text) } else { piece.text.to_owned() };
        self.pieces().into_iter().map(piece).collect()
    }

    fn head(&self) -> String {
        let parts = [Some(self.timestamp.as_str()), self.level.as_deref(), self.source.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

struct Piece<'a> {
    text: &'a str,
    marked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::testing;

    fn mail_of(notice: Notice) -> Mail {
        mail(&testing::job(notice), "ann@acme.example".into(), "https://logs.example").unwrap()
    }

    #[test]
    fn a_firing_mail_shows_value_groups_lines_and_links() {
        let mail = mail_of(testing::notice(Kind::Fired));
        assert_eq!(mail.subject, "Firing: 5xx spike (source=api)");
        for part in [&mail.text, &mail.html] {
            for expected in
                ["n is 12", "&#62; 10", "source=web", "source=api", "critical", "upstream", "and 3 more"]
            {
                let expected = if std::ptr::eq(part, &mail.text) {
                    expected.replace("&#62;", ">")
                } else {
                    expected.into()
                };
                assert!(part.contains(&expected), "{expected} in {part}");
            }
        }
        assert!(mail.text.contains("upstream *timeout* after 3s"));
        assert!(mail.html.contains(">timeout</mark>"));
        let link = "https://logs.example/explore?q=level%3Aerror+source%3Aapi&from=2023-11-14T22%3A08%3A20Z&to=2023-11-14T22%3A13%3A20Z";
        assert!(mail.text.contains(link), "{}", mail.text);
        assert!(mail.html.contains(&link.replace('&', "&#38;")), "{}", mail.html);
        assert!(mail.text.contains("https://logs.example/alerts/"));
    }

    #[test]
    fn a_resolved_mail_says_so() {
        let mail = mail_of(testing::notice(Kind::Resolved));
        assert_eq!(mail.subject, "Resolved: 5xx spike (source=api)");
        assert!(mail.html.contains("#2f855a"));
    }

    #[test]
    fn what_customers_log_is_text_and_never_markup() {
        let mut notice = testing::notice(Kind::Fired);
        notice.samples[0] = Sample { message: "<script>alert(1)</script>".into(), ..Sample::default() };
        notice.message = Some("<b>wake up</b>".into());
        notice.rule_name = "a <i> b\r\nBcc: x@y.example".into();
        let mail = mail_of(notice);
        assert!(!mail.html.contains("<script>") && !mail.html.contains("<b>") && !mail.html.contains("<i>"));
        assert!(!mail.subject.contains('\n'));
    }

    #[test]
    fn marks_outside_the_text_or_inside_a_letter_do_no_harm() {
        let sample =
            Sample { message: "größe".into(), marks: vec![(2, 3), (4, 5), (9, 12)], ..Sample::default() };
        assert_eq!(sample.pieces().iter().map(|piece| piece.text).collect::<String>(), "größe");
    }
}
