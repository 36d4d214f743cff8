//! Slack messages by incoming webhook: blocks under a bar of colour, and one line for the notification on a phone.

use super::{Links, Undelivered, target, verdict};
use crate::alerts::evaluate::Sample;
use crate::alerts::notice::{GroupLine, Notice};
use crate::outbound::Outbound;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

/// Slack's own limits for a header and a text.
const HEADER_CHARACTERS: usize = 150;
const TEXT_CHARACTERS: usize = 3_000;
const LINE_CHARACTERS: usize = 500;

pub async fn send(
    outbound: &Outbound,
    url: &str,
    notice: &Notice,
    links: &Links,
) -> Result<String, Undelivered> {
    post(outbound, url, &message(notice, links)).await
}

/// Posts a message to an incoming webhook.
pub async fn post(outbound: &Outbound, url: &str, message: &Value) -> Result<String, Undelivered> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    let answer = outbound.post(&target(url)?, headers, message.to_string().into_bytes()).await?;
    verdict(&answer, reason(&answer.body))
}

/// Slack says what is wrong in one word; anything else may come from anywhere and is not repeated.
fn reason(body: &[u8]) -> &str {
    let word = std::str::from_utf8(body).unwrap_or_default().trim();
    let is_word = word.len() <= 60 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { word } else { "" }
}

#[must_use]
pub fn message(notice: &Notice, links: &Links) -> Value {
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&notice.subject(), HEADER_CHARACTERS)}}),
        text(&escaped(&notice.summary())),
    ];
    blocks.extend(notice.message.as_deref().map(|message| text(&escaped(message))));
    blocks.extend(groups(notice).map(|groups| text(&groups)));
    if !notice.samples.is_empty() {
        let lines: Vec<_> = notice.samples.iter().map(line).collect();
        blocks.push(text(&format!("*The newest lines*\n{}", lines.join("\n"))));
    }
    blocks.push(json!({"type": "actions", "elements": buttons(links)}));
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": cut(&facts(notice), TEXT_CHARACTERS)}]}));
    json!({
        "text": escaped(&notice.subject()),
        "attachments": [{"color": notice.colour(), "fallback": escaped(&notice.subject()), "blocks": blocks}],
    })
}

fn text(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(text, TEXT_CHARACTERS)}})
}

fn buttons(links: &Links) -> Vec<Value> {
    let named = [
        ("See the lines", Some(&links.lines)),
        ("Rule and history", Some(&links.rule)),
        ("Runbook", links.runbook.as_ref()),
        ("Mute", links.mute.as_ref()),
    ];
    let button = |(name, url): (&str, Option<&String>)| {
        // Slack refuses a whole message for one link that is too long
        let url = url.filter(|url| url.len() <= TEXT_CHARACTERS)?;
        Some(json!({"type": "button", "text": {"type": "plain_text", "text": name}, "url": url}))
    };
    named.into_iter().filter_map(button).collect()
}

fn groups(notice: &Notice) -> Option<String> {
    let line =
        |group: &GroupLine, also: &str| format!("{also}{}: *{}*", escaped(&group.group), group.value_text());
    let about = notice.about.iter().filter(|group| !group.group.is_empty()).map(|group| line(group, ""));
    let others = notice.others.iter().map(|group| line(group, "also "));
    let more = (notice.others_more > 0).then(|| format!("and {} more", notice.others_more));
    let lines: Vec<_> = about.chain(others).chain(more).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn line(sample: &Sample) -> String {
    let pieces = sample.pieces().into_iter().map(|piece| match piece.marked {
        true => format!("*{}*", escaped(piece.text)),
        false => escaped(piece.text),
    });
    let message: String = pieces.collect::<String>().replace(['\n', '\r'], " ");
    format!("`{}` {}", escaped(&sample.head()).replace('`', "'"), cut(&message, LINE_CHARACTERS))
}

fn facts(notice: &Notice) -> String {
    let labels = notice.labels.iter().map(|(name, value)| format!(" · {}={}", escaped(name), escaped(value)));
    let (severity, organization) = (notice.severity_name(), escaped(&notice.organization));
    let query = escaped(&notice.query).replace('`', "'");
    format!("{severity} · {organization}{} · `{query}`", labels.collect::<String>())
}

/// What Slack reads as markup, as text: <https://docs.slack.dev/messaging/formatting-message-text>.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters.saturating_sub(1)) {
        Some((end, _)) if text[end..].chars().nth(1).is_some() => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::testing;
    use alert_rules::Kind;

    fn links() -> Links {
        Links {
            lines: "https://logs.example/explore?q=a".into(),
            rule: "https://logs.example/alerts/1".into(),
            runbook: None,
            mute: Some("https://logs.example/mute?token=x".into()),
        }
    }

    #[test]
    fn a_message_shows_value_groups_marked_lines_and_buttons() {
        let message = message(&testing::notice(Kind::Fired), &links());
        let text = message.to_string();
        for expected in [
            "Firing: 5xx spike (source=api)",
            "n is 12",
            "also source=web: *11*",
            "and 3 more",
            "upstream *timeout* after 3s",
            "https://logs.example/mute?token=x",
            "critical · Acme · team=shop",
            "#c53030",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert_eq!(message["attachments"][0]["blocks"][0]["type"], "header");
    }

    #[test]
    fn what_customers_log_is_text_and_mentions_nobody() {
        let mut notice = testing::notice(Kind::Fired);
        notice.samples[0] =
            Sample { message: "<!channel> & <https://evil.example|x>\nnext".into(), ..Sample::default() };
        let text = message(&notice, &links()).to_string();
        assert!(!text.contains("<!channel>") && text.contains("&lt;!channel&gt; &amp; "), "{text}");
    }

    #[test]
    fn what_is_too_long_for_slack_is_cut() {
        let mut notice = testing::notice(Kind::Fired);
        notice.rule_name = "ä".repeat(400);
        notice.message = Some("m".repeat(4_000));
        let mut links = links();
        links.lines = format!("https://logs.example/{}", "q".repeat(4_000));
        let message = message(&notice, &links);
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        assert_eq!(blocks[0]["text"]["text"].as_str().unwrap().chars().count(), HEADER_CHARACTERS);
        assert!(blocks.iter().all(
            |block| block["text"]["text"].as_str().unwrap_or_default().chars().count() <= TEXT_CHARACTERS
        ));
        assert!(!message.to_string().contains("qqqq"));
        assert_eq!((cut("abc", 3), cut("abcd", 3)), ("abc".to_owned(), "ab…".to_owned()));
    }

    #[test]
    fn only_slacks_own_words_are_repeated() {
        assert_eq!(reason(b"invalid_payload\n"), "invalid_payload");
        assert_eq!(reason(b"<html>internal</html>"), "");
        assert_eq!(reason(&[0xff]), "");
    }
}
