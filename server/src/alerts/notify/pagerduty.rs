//! PagerDuty by Events API v2: one incident for each group of a rule, opened, repeated and resolved under one `dedup_key`.

use super::{Links, Undelivered, verdict};
use crate::alerts::notice::Notice;
use crate::outbound::Outbound;
use crate::time::rfc3339;
use api_types::alerts::Severity;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

const SUMMARY_CHARACTERS: usize = 1_024;

pub async fn send(outbound: &Outbound, url: &Url, event: &Value) -> Result<String, Undelivered> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answer = outbound.post(url, headers, event.to_string().into_bytes()).await?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let errors = said["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let detail: Vec<_> = said["message"].as_str().into_iter().chain(errors).collect();
    verdict(&answer, &detail.join("; "))
}

#[must_use]
pub fn event(routing_key: &str, incident: &str, notice: &Notice, links: &Links) -> Value {
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": if notice.is_resolved() { "resolve" } else { "trigger" },
        "dedup_key": incident,
    });
    if !notice.is_resolved() {
        event["payload"] = payload(notice);
        event["links"] = shown(links);
        event["client"] = "Cordwood".into();
        event["client_url"] = links.rule.clone().into();
    }
    event
}

fn payload(notice: &Notice) -> Value {
    let first = notice.about.first();
    let summary: String = format!("{}: {}", notice.subject(), notice.summary());
    json!({
        "summary": summary.chars().take(SUMMARY_CHARACTERS).collect::<String>(),
        "source": first.map(|group| group.group.as_str()).filter(|group| !group.is_empty()).unwrap_or(&notice.rule_name),
        "severity": severity(notice.severity),
        "timestamp": rfc3339(notice.at_us),
        "group": first.map(|group| group.group.as_str()),
        "class": notice.kind.as_str(),
        "component": notice.rule_name,
        "custom_details": {
            "value": first.and_then(|group| group.value),
            "condition": format!("{} {}", notice.column, notice.condition),
            "window": notice.window,
            "query": notice.query,
            "organization": notice.organization,
            "labels": notice.labels,
            "message": notice.message,
            "lines": notice.samples.iter().map(|sample| format!("{} {}", sample.head(), sample.message)).collect::<Vec<_>>(),
        },
    })
}

/// The words that PagerDuty knows.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn shown(links: &Links) -> Value {
    let named = [
        ("See the lines", Some(&links.lines)),
        ("Rule and history", Some(&links.rule)),
        ("Runbook", links.runbook.as_ref()),
        ("Mute", links.mute.as_ref()),
    ];
    let link = |(text, url): (&str, Option<&String>)| Some(json!({"href": url?, "text": text}));
    named.into_iter().filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::testing;
    use alert_rules::Kind;

    fn of(kind: Kind) -> Value {
        let links =
            Links { lines: "https://l/".into(), rule: "https://r/".into(), runbook: None, mute: None };
        event("key", "incident", &testing::notice(kind), &links)
    }

    #[test]
    fn an_incident_is_opened_and_resolved_under_one_key() {
        let fired = of(Kind::Fired);
        assert_eq!((&fired["event_action"], &fired["dedup_key"]), (&json!("trigger"), &json!("incident")));
        assert_eq!(fired["payload"]["severity"], "critical");
        assert_eq!(fired["payload"]["source"], "source=api");
        assert_eq!(fired["payload"]["custom_details"]["value"], 12.0);
        assert!(fired["payload"]["custom_details"]["lines"][0].as_str().unwrap().contains("timeout"));
        assert_eq!(of(Kind::Renotified)["event_action"], "trigger");
        assert_eq!(
            of(Kind::Resolved),
            json!({"routing_key": "key", "event_action": "resolve", "dedup_key": "incident"})
        );
    }
}
