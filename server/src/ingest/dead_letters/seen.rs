//! What a row rule lets through of dead letters: those that can be read as the events they were to become.
//!
//! A rule such as `-env:prod` matches whatever has no field `env`, so a letter that cannot be read, or that was refused before its
//! protocol was read, is never shown to somebody with a rule.

use super::Kept;
use super::letter::REFUSED;
use crate::sight::{BrokenRule, Sight};
use event::{Content, Intake, RejectCode, decode};
use query_lang::ast::Level;
use query_lang::eval::{Event, Matcher};
use serde_json::{Map, Value};

/// Who looks at letters.
pub struct Seen {
    rules: Vec<Matcher>,
}

impl Seen {
    /// # Errors
    /// The row rule does not compile any more: nothing may be seen.
    pub fn by(sight: &Sight, now_ns: i64) -> Result<Self, BrokenRule> {
        Ok(Self { rules: sight.matchers(now_ns)? })
    }

    pub fn is_everything(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn shows(&self, kept: &Kept) -> bool {
        self.is_everything() || is_let_through(&self.rules, kept).unwrap_or(false)
    }
}

/// Whether the letter holds the event in our own names: it was refused for what it is, after all of it had been read.
fn is_an_event(kept: &Kept) -> bool {
    kept.code == REFUSED
        || [RejectCode::TooOld, RejectCode::InTheFuture].iter().any(|code| kept.code == code.as_str())
}

/// `None`: it is no event.
fn is_let_through(rules: &[Matcher], kept: &Kept) -> Option<bool> {
    if !is_an_event(kept) {
        return None;
    }
    // A broken object would be taken for a line of text without any fields.
    serde_json::from_slice::<Map<String, Value>>(&kept.original).ok()?;
    let mut items = decode(&kept.original, Content::Unlabelled);
    let raw = items.next()?.ok()?.ok()?;
    if items.next().is_some() {
        return None;
    }
    // The letter may be one because of its time, so every time is right here.
    let event = Intake::new(kept.received_at * 1000, u32::from(u16::MAX)).normalise(raw).ok()?;
    let mut attributes = Vec::new();
    event.attributes.write_json(&mut attributes);
    let attributes: Map<String, Value> = serde_json::from_slice(&attributes).ok()?;
    let event = Event {
        id: "",
        timestamp_ns: event.timestamp_ns,
        level: Level::ALL.into_iter().find(|known| Some(known.name()) == event.level.name()),
        source: &event.source,
        host: &event.host,
        message: &event.message,
        trace_id: &event.trace_id,
        span_id: &event.span_id,
        attributes: &attributes,
    };
    Some(rules.iter().all(|rule| rule.matches(&event)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sight::RowRule;
    use crate::tenant::TenantScope;
    use uuid::Uuid;

    fn kept(original: &str) -> Kept {
        Kept {
            id: Uuid::nil(),
            project_id: Uuid::nil(),
            received_at: 1_700_000_000_000_000,
            code: "too_old".into(),
            reason: "older than 30 days".into(),
            original: original.as_bytes().to_vec(),
            batch_log: Vec::new(),
            batch_lsn: 0,
        }
    }

    #[test]
    fn letters_are_judged_as_the_events_they_were_to_become() {
        let seen = |rule: &str, original: &str| {
            let rule = RowRule::parse(rule).unwrap();
            let sight = Sight::of(TenantScope::of_job(Uuid::nil()), Some(rule));
            Seen::by(&sight, 1).unwrap().shows(&kept(original))
        };
        let dev = r#"{"timestamp":"2020-01-01T00:00:00Z","msg":"hello","env":"dev","service":"api"}"#;
        assert!(seen("env:dev", dev) && seen("source:api hello", dev) && seen("-env:prod", dev));
        assert!(!seen("env:prod", dev) && !seen("-env:dev", dev));
        for unreadable in [r#"{"env":"prod", broken"#, r#"{"timestamp":"not a time","env":"prod"}"#] {
            assert!(!seen("-env:dev", unreadable), "{unreadable}");
        }
        let of_a_protocol = Kept { code: "unsupported".into(), ..kept(r#"{"doc":{"env":"prod"}}"#) };
        let sight = Sight::of(TenantScope::of_job(Uuid::nil()), Some(RowRule::parse("-env:prod").unwrap()));
        assert!(!Seen::by(&sight, 1).unwrap().shows(&of_a_protocol));
        assert!(!seen("-env:prod", r#"[{"env":"dev"},{"env":"prod"}]"#));
        assert!(!seen("-env:prod", r#"{"timestamp":"2999-01-01T00:00:00Z"}"#));
    }
}
