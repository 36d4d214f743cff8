//! The mail of an alert: what, how much, where, the lines behind it, and where to look.

use super::{Job, Links};
use crate::alerts::notice::Notice;
use crate::email::Mail;
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
    links: &'a Links,
}

/// # Errors
/// The template cannot be rendered.
pub fn mail(job: &Job, to: String, links: &Links) -> Result<Mail, askama::Error> {
    let view = View { notice: &job.notice, subject: job.notice.subject(), links };
    let (text, html) = (Text { view: &view }.render()?, Html { view: &view }.render()?);
    Ok(Mail { id: job.id, to, subject: view.subject, text, html })
}

impl View<'_> {
    fn has_groups(&self) -> bool {
        self.notice.about.len() > 1 || self.notice.about.iter().any(|group| !group.group.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::evaluate::Sample;
    use crate::alerts::testing;
    use crate::sealing::Sealer;
    use alert_rules::Kind;
    use uuid::Uuid;

    fn mail_of(notice: Notice) -> Mail {
        let sealer = Sealer::with_secret(b"0123456789abcdef0123456789abcdef");
        let links = Links::of(&notice, Uuid::from_u128(1), "https://logs.example", &sealer);
        mail(&testing::job(notice), "ann@acme.example".into(), &links).unwrap()
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
        assert!(mail.text.contains("https://logs.example/mute?token=s1."));
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
}
