//! A notification as JSON: the body of a webhook, and what the placeholders of a template name.

use super::Links;
use crate::alerts::notice::{GroupLine, Notice};
use crate::time::rfc3339;
use serde_json::{Value, json};
use uuid::Uuid;

#[must_use]
pub fn of(id: Uuid, notice: &Notice, links: &Links) -> Value {
    let first = notice.about.first();
    json!({
        "id": id,
        "event": notice.kind.as_str(),
        "state": first.map_or("ok", |group| group.state.as_str()),
        "title": notice.subject(),
        "summary": notice.summary(),
        "organization": notice.organization,
        "rule": {
            "id": notice.rule_id,
            "name": notice.rule_name,
            "severity": notice.severity_name(),
            "labels": notice.labels,
            "query": notice.query,
            "value": notice.column,
            "condition": notice.condition,
            "window": notice.window,
        },
        "group": first.map_or("", |group| group.group.as_str()),
        "value": first.and_then(|group| group.value),
        "reason": notice.reason,
        "at": rfc3339(notice.at_us),
        "from": rfc3339(notice.from_us),
        "to": rfc3339(notice.to_us),
        "groups": notice.about.iter().map(group).collect::<Vec<_>>(),
        "other_groups": notice.others.iter().map(group).collect::<Vec<_>>(),
        "more_groups": notice.others_more,
        "samples": notice.samples,
        "message": notice.message,
        "links": { "lines": links.lines, "rule": links.rule, "runbook": links.runbook, "mute": links.mute },
    })
}

fn group(line: &GroupLine) -> Value {
    json!({
        "group": line.group,
        "state": line.state.as_str(),
        "value": line.value,
        "since": rfc3339(line.since_us),
    })
}
