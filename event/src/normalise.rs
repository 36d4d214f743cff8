//! Makes an event of what a decoder read: finds its own fields under the names that programs use, tells time and
//! level, and leaves everything else as attributes with their types.

use std::borrow::Cow;

use crate::ansi;
use crate::event::{Event, Marks};
use crate::json::Reader;
use crate::level::Level;
use crate::limits::{self, Limits};
use crate::raw::{RawEvent, Reject, RejectCode};
use crate::stated::{Said, Stated};
use crate::text::{self, Findings};
use crate::time;
use crate::value::{Object, Value};

/// How far ahead of our clock an event's time may be.
pub const AHEAD_NS: i64 = 10 * 60 * 1_000_000_000;

/// What holds for all events of a request.
#[derive(Debug, Clone)]
pub struct Intake<'a> {
    /// When the request arrived.
    pub now_ns: i64,
    /// How long the project keeps events: older ones are refused.
    pub retention_ns: i64,
    /// For events that do not say it; empty for none.
    pub default_source: &'a str,
    pub default_host: &'a str,
    /// The address that the events came from: the host of those whose text names none either; empty for none.
    pub peer: &'a str,
    /// Leave ANSI colour sequences in messages.
    pub keep_ansi: bool,
    pub limits: Limits,
}

/// Why an event is refused.
pub(crate) type Refusal = (RejectCode, String);

impl<'a> Intake<'a> {
    pub fn new(now_ns: i64, retention_days: u32) -> Self {
        Self {
            now_ns,
            retention_ns: i64::from(retention_days).saturating_mul(86_400 * 1_000_000_000),
            default_source: "",
            default_host: "",
            peer: "",
            keep_ansi: false,
            limits: Limits::default(),
        }
    }

    /// Makes an event of what came, or tells why it is none.
    pub fn normalise(&self, mut raw: RawEvent<'a>) -> Result<Event<'a>, Reject<'a>> {
        if raw.is_line {
            unwrap_json_line(&mut raw);
        }
        let said = Said::by(&raw);
        let stated = Stated::take_from(&mut raw.fields, said, self);
        let time = match self.stated_time(raw.timestamp_ns, &stated) {
            Ok(time) => time,
            Err((code, detail)) => {
                let (index, original) = (raw.index, self.original(raw, stated));
                return Err(Reject { index, code, detail, original });
            }
        };
        let default_source = self.source_or_default(raw.default_source);
        let forwarded = raw.level.filter(|level| *level != Level::Unknown);
        let level = stated.level.or(forwarded);
        let mut event = Event {
            timestamp_ns: time.unwrap_or(self.now_ns),
            level: level.unwrap_or_default(),
            source: pick(raw.source, stated.source, default_source),
            host: pick(raw.host, stated.host, Cow::Borrowed(self.default_host)),
            message: pick(raw.message, stated.message, Cow::Borrowed("")),
            trace_id: lower(pick(raw.trace_id, stated.trace_id, Cow::Borrowed(""))),
            span_id: lower(pick(raw.span_id, stated.span_id, Cow::Borrowed(""))),
            attributes: raw.fields,
            marks: Marks { repaired: raw.repaired, time_of_arrival: time.is_none(), ..Marks::default() },
        };
        flatten_containers(&mut event.attributes);
        self.strip_ansi(&mut event);
        // Before it is read, so that it is read the same when the event is sent again.
        self.cut_texts(&mut event);
        let told = if raw.level_is_weak { stated.level } else { level };
        if told.is_none() && !event.message.is_empty() {
            self.read_message(&mut event);
        }
        if let Some(forwarded) = forwarded.filter(|level| *level != event.level) {
            add_if_absent(
                &mut event.attributes,
                Cow::Borrowed("severity"),
                Value::string(forwarded.as_str()),
            );
        }
        if event.host.is_empty() {
            event.host = Cow::Borrowed(self.peer);
        }
        self.cut_texts(&mut event);
        limits::fit_attributes(&mut event.attributes, &self.limits, &mut event.marks);
        Ok(event)
    }

    /// The source of events that name none: the decoder's, or the request's.
    fn source_or_default(&self, of_decoder: Cow<'a, str>) -> Cow<'a, str> {
        if of_decoder.is_empty() { Cow::Borrowed(self.default_source) } else { of_decoder }
    }

    /// The event's bytes; where these do not say everything, what was read, as an event that can be sent again.
    fn original(&self, raw: RawEvent<'a>, stated: Stated<'a>) -> Cow<'a, [u8]> {
        if !raw.original.is_empty() && self.default_source.is_empty() && self.default_host.is_empty() {
            return raw.original;
        }
        let default_source = self.source_or_default(raw.default_source);
        let mut out = b"{\"timestamp\":".to_vec();
        match (raw.timestamp_ns.or(stated.time), stated.bad_time) {
            (Some(time), _) => Value::String(time::format_rfc3339(time).into()).write_json(&mut out),
            (None, bad) => out.extend_from_slice(bad.as_deref().unwrap_or("null").as_bytes()),
        }
        let level = stated.level.or(raw.level).and_then(Level::name).map(Cow::Borrowed);
        for (name, said, stated) in [
            ("level", level, None),
            ("source", raw.source, stated.source.or(Some(default_source))),
            ("host", raw.host, stated.host.or(Some(Cow::Borrowed(self.default_host)))),
            ("message", raw.message, stated.message),
            ("trace_id", raw.trace_id, stated.trace_id),
            ("span_id", raw.span_id, stated.span_id),
        ] {
            let text = pick(said, stated, Cow::Borrowed(""));
            if !text.is_empty() {
                out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                Value::String(text).write_json(&mut out);
            }
        }
        out.extend_from_slice(b",\"attributes\":");
        raw.fields.write_json(&mut out);
        out.push(b'}');
        Cow::Owned(out)
    }

    fn stated_time(&self, of_protocol: Option<i64>, stated: &Stated) -> Result<Option<i64>, Refusal> {
        if let Some(time) = of_protocol.or(stated.time) {
            return self.check_time(time).map(Some);
        }
        match &stated.bad_time {
            None => Ok(None),
            Some(shown) => Err((
                RejectCode::InvalidTimestamp,
                format!("{shown} is no time that is understood: send RFC 3339 or a number since the epoch"),
            )),
        }
    }

    /// Whether the time lies between the project's retention and a little ahead of now.
    pub(crate) fn check_time(&self, time_ns: i64) -> Result<i64, Refusal> {
        let shown = || time::format_rfc3339(time_ns);
        if time_ns < self.now_ns.saturating_sub(self.retention_ns) {
            let days = self.retention_ns / (86_400 * 1_000_000_000);
            return Err((
                RejectCode::TooOld,
                format!("{} is older than the {days} days the project keeps", shown()),
            ));
        }
        if time_ns > self.now_ns.saturating_add(AHEAD_NS) {
            return Err((
                RejectCode::InTheFuture,
                format!("{} is more than 10 minutes ahead of {}", shown(), time::format_rfc3339(self.now_ns)),
            ));
        }
        Ok(time_ns)
    }

    fn strip_ansi(&self, event: &mut Event<'a>) {
        if self.keep_ansi {
            return;
        }
        let before = event.message.len();
        event.message = ansi::strip(std::mem::take(&mut event.message));
        event.marks.ansi_removed = event.message.len() < before;
    }

    /// Fills what the fields do not say with what the message's text says.
    fn read_message(&self, event: &mut Event<'a>) {
        let found = match &event.message {
            Cow::Borrowed(text) => text::recognise(text, self.now_ns),
            Cow::Owned(text) => text::recognise(text, self.now_ns).into_owned(),
        };
        let Findings { time_ns, level, program, host, trace_id, span_id, attributes } = found;
        event.level = level.unwrap_or(event.level);
        // A time found in text is a guess: one that would be refused is not taken, and stays readable.
        if let Some(time) =
            time_ns.filter(|time| self.check_time(*time).is_ok() && event.marks.time_of_arrival)
        {
            event.timestamp_ns = time;
            event.marks.time_of_arrival = false;
        }
        let own = &mut event.attributes;
        // An event that overflowed before has them there already.
        if own.len() <= text::MOST_FIELDS && own.get(limits::OVERFLOW).is_none() {
            for (name, value) in attributes {
                add_if_absent(own, name, value);
            }
        }
        for (name, value, field) in [
            ("program", program, &mut event.source),
            ("hostname", host, &mut event.host),
            ("trace_id", trace_id, &mut event.trace_id),
            ("span_id", span_id, &mut event.span_id),
        ] {
            match value {
                Some(value) if field.is_empty() => *field = value,
                Some(value) if *field != value => {
                    add_if_absent(own, Cow::Borrowed(name), Value::String(value))
                }
                _ => {}
            }
        }
    }

    fn cut_texts(&self, event: &mut Event<'a>) {
        let (core, whole) = (self.limits.core_bytes, self.limits.event_bytes);
        for (name, text, limit) in [
            ("message", &mut event.message, whole),
            ("source", &mut event.source, core),
            ("host", &mut event.host, core),
            ("trace_id", &mut event.trace_id, core),
            ("span_id", &mut event.span_id, core),
        ] {
            if limits::cut(text, limit) {
                event.marks.cut += 1;
                limits::mark_truncated(&mut event.attributes, name);
            }
        }
    }
}

fn pick<'a>(
    first: Option<Cow<'a, str>>,
    second: Option<Cow<'a, str>>,
    default: Cow<'a, str>,
) -> Cow<'a, str> {
    first.filter(|text| !text.is_empty()).or(second).unwrap_or(default)
}

/// Ids of traces and spans are stored in lower case, as queries compare them.
fn lower(id: Cow<'_, str>) -> Cow<'_, str> {
    match id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(id.to_ascii_lowercase()),
        false => id,
    }
}

fn add_if_absent<'a>(attributes: &mut Object<'a>, name: Cow<'a, str>, value: Value<'a>) {
    if attributes.get_path(&name).is_none() {
        attributes.push(name, value);
    }
}

/// A line that is a JSON object is that object; any other stays the message.
fn unwrap_json_line(raw: &mut RawEvent<'_>) {
    let object = match &raw.message {
        Some(Cow::Borrowed(line)) => json_object(line),
        Some(Cow::Owned(line)) => json_object(line).map(Object::into_owned),
        None => None,
    };
    let Some(object) = object else { return };
    raw.message = None;
    let known = raw.fields.absorb(object);
    if !known.is_empty() {
        raw.fields.push("line", Value::Object(known));
    }
}

/// The object that the text is as a whole.
pub(crate) fn json_object(text: &str) -> Option<Object<'_>> {
    let trimmed = text.trim_ascii();
    if !trimmed.starts_with('{') || !trimmed.ends_with('}') {
        return None;
    }
    let mut reader = Reader::new(trimmed.as_bytes());
    match reader.value() {
        Ok(Value::Object(object)) if reader.peek().is_none() => Some(object),
        _ => None,
    }
}

/// The members of an object named `attributes` or `fields` are attributes themselves. Where the event has one of
/// that name already, the member stays in its object, so that neither is lost.
fn flatten_containers(attributes: &mut Object<'_>) {
    attributes.members.retain(|(_, value)| !value.is_null());
    // Both are taken out first: an object named `fields` inside `attributes` is an attribute.
    let containers = ["attributes", "fields"].map(|name| match attributes.get(name) {
        Some(Value::Object(_)) => attributes.remove(name),
        _ => None,
    });
    for (name, container) in ["attributes", "fields"].into_iter().zip(containers) {
        let Some(Value::Object(inner)) = container else { continue };
        let known = attributes.absorb(inner);
        if !known.is_empty() {
            let mut free_name = name.to_owned();
            while attributes.get(&free_name).is_some() {
                free_name.push('_');
            }
            attributes.push(free_name, Value::Object(known));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Content, decode};

    const NOW: i64 = 1_773_136_800_000_000_000; // 2026-03-10T10:00:00Z

    fn intake() -> Intake<'static> {
        Intake::new(NOW, 30)
    }

    fn all<'a>(body: &'a str, content: Content, intake: &Intake<'a>) -> Vec<Result<Event<'a>, Reject<'a>>> {
        decode(body.as_bytes(), content)
            .map(|item| item.expect("the body is whole").and_then(|raw| intake.normalise(raw)))
            .collect()
    }

    fn one(json: &str) -> Result<Event<'_>, Reject<'_>> {
        all(json, Content::Json, &intake()).remove(0)
    }

    /// The event without its time, as JSON.
    fn shown(json: &str) -> String {
        let shown = one(json).expect("accepted").to_json();
        shown[shown.find("\"level\"").unwrap()..shown.len() - 1]
            .replace(",\"trace_id\":\"\",\"span_id\":\"\"", "")
    }

    #[test]
    fn an_event_in_our_own_names_is_taken_as_it_is() {
        let json = r#"{"timestamp":"2026-03-10T09:59:59.123456789Z","level":"error","source":"api","host":"web-1","message":"boom","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","attributes":{"http":{"status":500}}}"#;
        assert_eq!(one(json).unwrap().to_json(), json);
    }

    #[test]
    fn what_the_protocol_says_wins_and_the_event_keeps_what_it_says_otherwise() {
        let mut raw =
            RawEvent::from_line(0, r#"{"service":"inner","level":"warn","msg":"m","time":1773133200}"#);
        (raw.source, raw.level) = (Some("outer".into()), Some(Level::Error));
        raw.timestamp_ns = Some(NOW);
        let event = intake().normalise(raw).unwrap();
        assert_eq!((&*event.source, event.level, event.timestamp_ns), ("outer", Level::Error, NOW));
        assert_eq!(event.attributes.to_json(), r#"{"service":"inner","level":"warn","time":1773133200}"#);
    }

    #[test]
    fn a_forwarders_level_gives_way_to_the_events_own() {
        let forwarded = |line: &'static str| {
            let raw =
                RawEvent { level: Some(Level::Info), level_is_weak: true, ..RawEvent::from_line(0, line) };
            let event = intake().normalise(raw).unwrap();
            format!("{} {}", event.level, event.attributes.to_json())
        };
        assert_eq!(forwarded(r#"{"msg":"m","level":"error"}"#), r#"error {"severity":"info"}"#);
        assert_eq!(forwarded("[ERROR] disk full"), r#"error {"severity":"info"}"#);
        assert_eq!(forwarded("disk full"), "info {}");
    }

    #[test]
    fn the_peer_is_the_host_of_what_names_none() {
        let intake = Intake { peer: "10.0.0.1", ..intake() };
        let host = |line: &'static str| intake.normalise(RawEvent::from_line(0, line)).unwrap().host;
        assert_eq!(host("words"), "10.0.0.1");
        assert_eq!(host("Mar 10 09:15:30 web-1 app[7]: words"), "web-1");
    }

    #[test]
    fn a_reject_of_a_decoder_without_bytes_can_be_sent_again() {
        let mut raw = RawEvent::from_line(4, "text");
        (raw.timestamp_ns, raw.host) = (Some(1_000_000_000), Some("h".into()));
        raw.default_source = "s".into();
        raw.fields.push("n", Value::Int(1));
        let reject = intake().normalise(raw).unwrap_err();
        assert_eq!((reject.index, reject.code), (4, RejectCode::TooOld));
        assert_eq!(
            String::from_utf8_lossy(&reject.original),
            r#"{"timestamp":"1970-01-01T00:00:01Z","source":"s","host":"h","message":"text","attributes":{"n":1}}"#
        );
    }

    #[test]
    fn the_usual_aliases_are_understood() {
        for (json, expected) in [
            (
                r#"{"@timestamp":"2026-03-10T09:00:00Z","log.level":"WARN","msg":"m","service.name":"s","host.name":"h"}"#,
                "",
            ),
            (
                r#"{"time":1773133200,"severity":"warning","log":"m","service":{"name":"s"},"host":{"name":"h"}}"#,
                "",
            ),
            (r#"{"ts":1773133200.0,"lvl":"W","MESSAGE":"m","service_name":"s","hostname":"h"}"#, ""),
            (r#"{"ts":"1773133200000","level":40,"msg":"m","name":"s","hostname":"h"}"#, ""),
            (
                r#"{"__REALTIME_TIMESTAMP":"1773133200000000","PRIORITY":"4","MESSAGE":"m","SYSLOG_IDENTIFIER":"s","_HOSTNAME":"h"}"#,
                "",
            ),
            (
                r#"{"Timestamp":"2026-03-10T09:00:00+00:00","Level":"Warning","Message":"m","logger":"s","Host":"h"}"#,
                "",
            ),
            (
                r#"{"timestamp":"2026-03-10T09:00:00Z","log":{"level":"warn"},"levelname":"WARNING","message":"m","source":"s","host":"h"}"#,
                r#""levelname":"WARNING""#,
            ),
            (
                r#"{"time":"2026-03-10T09:00:00Z","status":"warn","message":"m","service":"s","host":"h","name":"n"}"#,
                r#""name":"n""#,
            ),
        ] {
            let event = one(json).unwrap();
            assert_eq!(event.timestamp_ns, 1_773_133_200_000_000_000, "{json}");
            assert_eq!(
                (event.level, &*event.message, &*event.source, &*event.host),
                (Level::Warn, "m", "s", "h"),
                "{json}"
            );
            assert_eq!(event.attributes.to_json(), format!("{{{expected}}}"), "{json}");
        }
    }

    #[test]
    fn what_well_known_loggers_write_is_understood() {
        for (logger, json) in [
            ("pino", r#"{"level":40,"time":1773133200000,"pid":7,"hostname":"h","name":"s","msg":"m"}"#),
            (
                "bunyan",
                r#"{"name":"s","hostname":"h","pid":7,"level":40,"msg":"m","time":"2026-03-10T09:00:00.000Z","v":0}"#,
            ),
            ("zap", r#"{"level":"warn","ts":1773133200,"logger":"s","hostname":"h","msg":"m"}"#),
            (
                "logback",
                r#"{"@timestamp":"2026-03-10T09:00:00.000+00:00","@version":"1","message":"m","logger_name":"s","level":"WARN","level_value":30000,"HOSTNAME":"h"}"#,
            ),
            (
                "serilog",
                r#"{"@t":"2026-03-10T09:00:00.0000000Z","@mt":"m","@l":"Warning","service":"s","host":"h"}"#,
            ),
            (
                "structlog",
                r#"{"event":"m","level":"warning","timestamp":"2026-03-10T09:00:00Z","logger":"s","host":"h"}"#,
            ),
            (
                "python-json-logger",
                r#"{"asctime":"2026-03-10 09:00:00,000","levelname":"WARNING","name":"s","message":"m","host":"h"}"#,
            ),
            (
                "tracing",
                r#"{"timestamp":"2026-03-10T09:00:00.000000Z","level":"WARN","fields":{"message":"m","n":1},"service":"s","host":"h"}"#,
            ),
            (
                "monolog",
                r#"{"message":"m","context":{},"level":300,"level_name":"WARNING","datetime":"2026-03-10T09:00:00.000000+00:00","service":"s","host":"h"}"#,
            ),
            (
                "gelf",
                r#"{"version":"1.1","host":"h","short_message":"m","timestamp":1773133200.0,"level":4,"service":"s"}"#,
            ),
            (
                "journald",
                r#"{"__REALTIME_TIMESTAMP":"1773133200000000","MESSAGE":"m","PRIORITY":"4","SYSLOG_IDENTIFIER":"s","_HOSTNAME":"h","_PID":"7"}"#,
            ),
            (
                "cloud logging",
                r#"{"severity":"WARNING","textPayload":"m","timestamp":"2026-03-10T09:00:00Z","service":"s","host":"h"}"#,
            ),
            (
                "ecs",
                r#"{"@timestamp":"2026-03-10T09:00:00Z","log":{"level":"warn","logger":"l"},"message":"m","service":{"name":"s"},"host":{"name":"h"}}"#,
            ),
            ("fluent bit", r#"{"date":1773133200.0,"log":"m","level":"warn","service":"s","host":"h"}"#),
        ] {
            let event = one(json).unwrap();
            let found = (event.timestamp_ns, event.level, &*event.message, &*event.source, &*event.host);
            assert_eq!(found, (1_773_133_200_000_000_000, Level::Warn, "m", "s", "h"), "{logger}");
        }
    }

    #[test]
    fn what_is_no_known_field_is_an_attribute_with_its_type() {
        assert_eq!(
            shown(
                r#"{"message":"m","tags":{"env":"prod","a.b":[1,"x"]},"n":9007199254740993,"f":1.0,"ok":true,"zip":"007","none":null}"#
            ),
            r#""level":null,"source":"","host":"","message":"m","attributes":{"tags":{"env":"prod","a.b":[1,"x"]},"n":9007199254740993,"f":1.0,"ok":true,"zip":"007"}"#
        );
    }

    #[test]
    fn members_of_attributes_and_fields_become_attributes_and_none_is_lost() {
        assert_eq!(
            shown(r#"{"message":"m","a":1,"attributes":{"a":2,"level":"x","b":{"c":3}},"fields":{"d":4}}"#),
            r#""level":null,"source":"","host":"","message":"m","attributes":{"a":1,"level":"x","b":{"c":3},"attributes":{"a":2},"d":4}"#
        );
    }

    #[test]
    fn only_the_outermost_containers_are_opened() {
        assert_eq!(
            one(r#"{"a":1,"attributes":{"a":2,"fields":{"x":1},"attributes":{"y":1}},"fields":{"a":3}}"#)
                .unwrap()
                .attributes
                .to_json(),
            r#"{"a":1,"fields":{"x":1},"attributes":{"y":1},"attributes_":{"a":2},"fields_":{"a":3}}"#
        );
    }

    #[test]
    fn an_object_under_an_alias_is_not_the_alias() {
        assert_eq!(
            shown(r#"{"message":{"a":1},"source":{"ip":"x"},"level":{"l":1},"timestamp":{"t":1}}"#),
            r#""level":null,"source":"","host":"","message":"","attributes":{"message":{"a":1},"source":{"ip":"x"},"level":{"l":1},"timestamp":{"t":1}}"#
        );
    }

    #[test]
    fn a_level_that_cannot_be_told_or_says_more_is_kept() {
        for (json, level, kept) in [
            (r#"{"level":"banana","message":"m"}"#, Level::Unknown, r#"{"level":"banana"}"#),
            (r#"{"level":"NOTICE","message":"m"}"#, Level::Info, r#"{"level":"NOTICE"}"#),
            (r#"{"severity_number":18,"message":"m"}"#, Level::Error, r#"{"severity_number":18}"#),
            (r#"{"severity_number":17,"message":"m"}"#, Level::Error, "{}"),
            (r#"{"level":"\u001b[32minfo\u001b[39m","message":"m"}"#, Level::Info, "{}"),
            (r#"{"status":200,"message":"m"}"#, Level::Unknown, r#"{"status":200}"#),
            (r#"{"status":"done","message":"m"}"#, Level::Unknown, r#"{"status":"done"}"#),
            (r#"{"level":"banana","message":"ERROR: m"}"#, Level::Error, r#"{"level":"banana"}"#),
            (r#"{"level":"","message":"ERROR: m"}"#, Level::Error, "{}"),
        ] {
            let event = one(json).unwrap();
            assert_eq!((event.level, event.attributes.to_json().as_str()), (level, kept), "{json}");
        }
    }

    #[test]
    fn times_outside_the_projects_range_are_rejected_with_the_reason() {
        for (time, code) in [
            ("\"2026-02-08T09:59:59Z\"", "too_old"),
            ("\"2026-02-08T10:00:00Z\"", "ok"),
            ("\"2026-03-10T10:10:00Z\"", "ok"),
            ("\"2026-03-10T10:10:01Z\"", "in_the_future"),
            ("0", "too_old"),
            ("\"9999-12-31T00:00:00Z\"", "in_the_future"),
            ("\"1600-01-01T00:00:00Z\"", "too_old"),
            ("\"soon\"", "invalid_timestamp"),
            ("true", "invalid_timestamp"),
            ("[1]", "invalid_timestamp"),
            ("null", "ok"),
            ("\"\"", "ok"),
        ] {
            let json = format!(r#"{{"timestamp":{time},"message":"m"}}"#);
            let outcome = one(&json);
            let found = outcome.as_ref().map_or_else(|reject| reject.code.as_str(), |_| "ok");
            assert_eq!(found, code, "{time}");
            if let Err(reject) = outcome {
                assert_eq!(&*reject.original, json.as_bytes());
            }
        }
    }

    #[test]
    fn names_that_are_not_only_for_times_may_hold_something_else() {
        assert_eq!(
            one(r#"{"time":"12ms","ts":5,"date":"1999-01-01"}"#).unwrap().attributes.to_json(),
            r#"{"time":"12ms","ts":5,"date":"1999-01-01"}"#
        );
        assert_eq!(one(r#"{"date":1773136800.5}"#).unwrap().timestamp_ns, NOW + 500_000_000);
        assert_eq!(one(r#"{"time":"1999-01-01T00:00:00Z"}"#).unwrap_err().code, RejectCode::TooOld);
    }

    #[test]
    fn an_event_without_a_time_gets_that_of_its_arrival() {
        let event = one(r#"{"message":"m"}"#).unwrap();
        assert!(event.timestamp_ns == NOW && event.marks.time_of_arrival);
    }

    #[test]
    fn defaults_fill_what_is_missing() {
        let intake = Intake { default_source: "web", default_host: "h1", ..intake() };
        let events =
            all(r#"[{"message":"a"},{"message":"b","source":"own","host":""}]"#, Content::Json, &intake);
        let sources: Vec<_> = events.iter().flatten().map(|event| (&*event.source, &*event.host)).collect();
        assert_eq!(sources, [("web", "h1"), ("own", "h1")]);
    }

    #[test]
    fn text_is_kept_to_the_byte_but_for_colours() {
        let json = r#"{"message":"  \u0000\t\u001b[31mred\u001b[0m \r\u2028 "}"#;
        let event = one(json).unwrap();
        assert_eq!(event.message, "  \0\tred \r\u{2028} ");
        assert!(event.marks.ansi_removed);
        let kept = Intake { keep_ansi: true, ..intake() };
        assert_eq!(
            all(json, Content::Json, &kept)[0].as_ref().unwrap().message,
            "  \0\t\u{1b}[31mred\u{1b}[0m \r\u{2028} "
        );
    }

    #[test]
    fn a_line_that_is_json_is_that_event_and_any_other_is_a_message() {
        let events = all(
            "{\"level\":\"error\",\"msg\":\"boom\",\"n\":1}\n{\"level\": broken\n plain \n",
            Content::Text,
            &intake(),
        );
        let shown: Vec<_> = events
            .iter()
            .flatten()
            .map(|event| (event.level.as_str(), &*event.message, event.attributes.to_json()))
            .collect();
        assert_eq!(
            shown,
            [
                ("error", "boom", r#"{"n":1}"#.to_owned()),
                ("unknown", "{\"level\": broken", "{}".to_owned()),
                ("unknown", " plain ", "{}".to_owned())
            ]
        );
    }

    #[test]
    fn too_long_a_message_is_cut_and_marked() {
        let json = format!(r#"{{"message":"{}","source":"{}"}}"#, "x".repeat(300 * 1024), "s".repeat(300));
        let event = one(&json).unwrap();
        assert!(event.message.len() <= 256 * 1024 && event.message.ends_with(" bytes]"));
        assert_eq!(event.attributes.to_json(), r#"{"_truncated":["message","source"]}"#);
        assert_eq!(event.marks.cut, 2);
    }

    fn any_json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "\\PC{0,30}".prop_map(Into::into),
            "(2026-03-10 09:0[0-9]:00 )?(\\[?(INFO|WARN|error)\\]? )?[a-z=\"{}:. 0-9]{0,30}"
                .prop_map(Into::into),
            "[\u{0}-\u{20}\u{1b}\\[m0;]{0,9}".prop_map(Into::into),
            (1_773_000_000_i64..1_773_136_800).prop_map(Into::into),
        ];
        let name = prop_oneof![
            "[a-c.]{0,3}",
            proptest::sample::select(vec![
                "level",
                "timestamp",
                "time",
                "message",
                "msg",
                "log",
                "source",
                "service",
                "name",
                "host",
                "trace_id",
                "status",
                "attributes",
                "fields",
                "severity",
                "PRIORITY",
                "logger",
                "_truncated",
                "_overflow_fields",
            ])
            .prop_map(str::to_owned),
        ];
        leaf.prop_recursive(4, 30, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::vec((name.clone(), inner), 0..8)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        #[test]
        fn an_accepted_event_sent_again_is_the_same(json in any_json(), small: bool) {
            let json = json.to_string();
            let mut intake = intake();
            if small {
                intake.limits = Limits { event_bytes: 400, attributes: 3, key_bytes: 4, depth: 2, core_bytes: 64 };
            }
            for item in decode(json.as_bytes(), Content::Json) {
                let Ok(Ok(raw)) = item else { continue };
                let Ok(event) = intake.normalise(raw) else { continue };
                let sent = event.to_json();
                let again = decode(sent.as_bytes(), Content::Json).next().unwrap().unwrap().unwrap();
                let again = intake.normalise(again).expect("an accepted event is accepted again");
                proptest::prop_assert_eq!(again.to_json(), sent);
            }
        }

        #[test]
        fn every_item_is_accepted_or_rejected(body: Vec<u8>, content in 0..4_usize) {
            let content = [Content::Json, Content::NdJson, Content::Text, Content::Unlabelled][content];
            let intake = intake();
            for (position, item) in decode(&body, content).enumerate() {
                let Ok(item) = item else { break };
                let index = match item.and_then(|raw| { let index = raw.index; intake.normalise(raw).map(|_| index) }) {
                    Ok(index) => index,
                    Err(reject) => reject.index,
                };
                proptest::prop_assert_eq!(index, position);
            }
        }
    }
}
