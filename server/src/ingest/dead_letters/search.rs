//! Looks through dead letters with the search language: they are not in the log store, so each is asked alone.
//!
//! A letter is an event with what could be read of its original; `code` and `reason` are fields of it too.

use super::seen::Seen;
use super::{DeadLetters, Filter, Kept, LetterError};
use crate::search::one_by_one::Question;
use crate::tenant::TenantScope;
use query_lang::ast::Level;
use query_lang::eval::Event;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Letters that are read at once.
const PART: u32 = 500;
/// Letters that one answer looks at; the next page goes on from there.
const LOOKED_AT: usize = 20_000;

/// Letters that match, and where to go on.
pub struct Found {
    pub letters: Vec<Kept>,
    pub next: Option<Uuid>,
}

impl DeadLetters {
    /// Letters with an id below `before` that match and may be seen, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search(
        &self,
        scope: &TenantScope,
        filter: &Filter,
        (question, seen): (&Question, &Seen),
        mut before: Uuid,
        limit: usize,
    ) -> Result<Found, LetterError> {
        let (mut letters, mut looked_at) = (Vec::new(), 0);
        loop {
            let part = self.page(scope, filter, before, PART).await?;
            let is_last = part.len() < PART as usize;
            for kept in part {
                before = kept.id;
                looked_at += 1;
                if seen.shows(&kept) && matches(question, &kept) {
                    letters.push(kept);
                }
                if letters.len() == limit || looked_at == LOOKED_AT {
                    return Ok(Found { letters, next: Some(before) });
                }
            }
            if is_last {
                return Ok(Found { letters, next: None });
            }
        }
    }
}

fn matches(question: &Question, kept: &Kept) -> bool {
    let original = String::from_utf8_lossy(&kept.original);
    let mut attributes = match serde_json::from_str::<Value>(&original) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let mut text = |names: &[&str]| {
        let name = names.iter().find(|name| attributes.get(**name).is_some_and(Value::is_string))?;
        attributes.remove(*name).and_then(|value| value.as_str().map(str::to_owned))
    };
    let level = text(&["level", "severity"]).unwrap_or_default().to_lowercase();
    let (source, host) =
        (text(&["source", "service"]).unwrap_or_default(), text(&["host", "hostname"]).unwrap_or_default());
    let message = text(&["message", "msg", "log"]);
    if let Some(Value::Object(own)) = attributes.remove("attributes") {
        attributes.extend(own);
    }
    attributes.insert("code".into(), kept.code.as_str().into());
    attributes.insert("reason".into(), kept.reason.as_str().into());
    let event = Event {
        id: "",
        timestamp_ns: kept.received_at * 1000,
        level: Level::ALL.into_iter().find(|known| known.name() == level),
        source: &source,
        host: &host,
        // What is no JSON, or says no message, is searched as it came.
        message: message.as_deref().unwrap_or(&original),
        trace_id: "",
        span_id: "",
        attributes: &attributes,
    };
    question.ask(&event).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sight::Sight;

    fn kept(code: &str, original: &str) -> Kept {
        Kept {
            id: Uuid::nil(),
            project_id: Uuid::nil(),
            received_at: 1_700_000_000_000_000,
            code: code.into(),
            reason: "older than 30 days".into(),
            original: original.as_bytes().to_vec(),
            batch_log: Vec::new(),
            batch_lsn: 0,
        }
    }

    #[test]
    fn a_letter_is_searched_like_an_event_and_by_its_reason() {
        let event = kept(
            "too_old",
            r#"{"message":"upstream timeout","level":"ERROR","source":"api","http":{"status":504}}"#,
        );
        let line = kept("invalid_json", r#"{"message": broken timeout"#);
        let matching = |query: &str, kept: &Kept| {
            let sight = Sight::whole(TenantScope::of_job(Uuid::nil()));
            matches(&Question::parse(&sight, query, None, 0).unwrap(), kept)
        };
        for query in
            ["timeout", "level:error source:api", "http.status>=500", "code:too_old", "reason:*days*", ""]
        {
            assert!(matching(query, &event), "{query}");
        }
        assert!(matching("timeout code:invalid_json", &line));
        assert!(!matching("level:info", &event) && !matching("code:too_old", &line));
    }
}
