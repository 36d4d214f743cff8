//! The names under which programs send what an event's own fields hold.
//!
//! A lower rank wins when several are there; the others stay attributes. Names are read in any letter case,
//! because `Message` of .NET and `MESSAGE` of journald mean the same.

use crate::level::Scale;

/// A field of the event that an alias stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Time(TimeKind),
    Level(LevelKind),
    Source,
    Host,
    Message,
    TraceId,
    SpanId,
}

/// How much a name promises about being a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// `timestamp`: what is no time there is an error.
    Strict,
    /// `time`, `ts`: what is no time there is an attribute (`time: "12ms"`).
    Usual,
    /// Microseconds, whatever the size.
    Micros,
    /// `date`: only a time if it is one that would be accepted.
    Weak,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelKind {
    Scale(Scale),
    /// `status`: only when it is a level's word.
    Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    pub slot: Slot,
    pub rank: u8,
}

const LONGEST: usize = 24;

/// Objects in which nested aliases are looked for, as `host` in `{"host": {"name": …}}`.
pub fn may_nest(name: &str) -> bool {
    matches!(name, "log" | "host" | "service" | "trace" | "span" | "dd" | "fields")
}

/// What a name stands for, if it is an alias.
pub fn of(name: &str) -> Option<Alias> {
    nested(&[name])
}

/// The same for a name inside an object.
pub fn of_nested(outer: &str, inner: &str) -> Option<Alias> {
    nested(&[outer, ".", inner])
}

fn nested(parts: &[&str]) -> Option<Alias> {
    let mut buffer = [0_u8; LONGEST];
    let mut length = 0;
    for part in parts {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part.as_bytes());
        length += part.len();
    }
    let name = &mut buffer[..length];
    if name == b"PRIORITY" {
        // journald's; `priority` in lower case is anybody's.
        return Some(Alias { slot: Slot::Level(LevelKind::Scale(Scale::Syslog)), rank: 7 });
    }
    name.make_ascii_lowercase();
    look_up(name)
}

fn look_up(name: &[u8]) -> Option<Alias> {
    use LevelKind::{Scale as On, Word};
    use Slot::{Host, Level, Message, Source, SpanId, Time, TraceId};
    let (slot, rank) = match name {
        b"timestamp" => (Time(TimeKind::Strict), 0),
        b"@timestamp" => (Time(TimeKind::Strict), 1),
        b"time" | b"_time" => (Time(TimeKind::Usual), 2),
        b"ts" | b"@t" => (Time(TimeKind::Usual), 3),
        b"time_unix_nano" | b"timeunixnano" | b"timemillis" | b"eventtime" => (Time(TimeKind::Usual), 4),
        b"__realtime_timestamp" => (Time(TimeKind::Micros), 5),
        b"datetime" | b"date" | b"asctime" | b"time_local" | b"time_iso8601" => (Time(TimeKind::Weak), 6),
        b"observed_timestamp" | b"observedtimeunixnano" => (Time(TimeKind::Weak), 7),

        b"level" => (Level(On(Scale::Any)), 0),
        b"log.level" | b"log_level" | b"loglevel" => (Level(On(Scale::Any)), 1),
        b"severity" | b"severity_text" | b"severitytext" => (Level(On(Scale::Any)), 2),
        b"lvl" | b"@l" => (Level(On(Scale::Any)), 3),
        b"levelname" | b"level_name" => (Level(On(Scale::Any)), 4),
        b"severity_number" | b"severitynumber" => (Level(On(Scale::Otel)), 6),
        b"levelno" => (Level(On(Scale::Python)), 8),
        b"status" => (Level(Word), 9),

        b"source" => (Source, 0),
        b"service" => (Source, 1),
        b"service.name" | b"service_name" | b"servicename" | b"dd.service" => (Source, 2),
        b"name" => (Source, 3),
        b"logger" | b"logger_name" | b"loggername" | b"log.logger" => (Source, 4),
        b"syslog_identifier" => (Source, 5),

        b"host" => (Host, 0),
        b"hostname" => (Host, 1),
        b"host.name" | b"host_name" | b"host.hostname" => (Host, 2),
        b"_hostname" => (Host, 3),

        b"message" => (Message, 0),
        b"msg" | b"_msg" | b"@message" => (Message, 1),
        b"log" => (Message, 2),
        b"@m" | b"short_message" => (Message, 3),
        b"body" | b"@mt" | b"textpayload" => (Message, 4),
        // structlog; and tracing of Rust, whose other `fields` are attributes.
        b"event" | b"fields.message" => (Message, 5),

        b"trace_id" => (TraceId, 0),
        b"traceid" | b"trace.id" | b"dd.trace_id" | b"oteltraceid" | b"@tr" => (TraceId, 1),
        b"span_id" => (SpanId, 0),
        b"spanid" | b"span.id" | b"dd.span_id" | b"otelspanid" | b"@sp" => (SpanId, 1),
        _ => return None,
    };
    Some(Alias { slot, rank })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_dotted_or_nested() {
        assert_eq!(of("MESSAGE").unwrap().slot, Slot::Message);
        assert_eq!(of("log.level"), of_nested("log", "level"));
        assert_eq!(of("Service.Name").unwrap().slot, Slot::Source);
        assert_eq!(of("__REALTIME_TIMESTAMP").unwrap().slot, Slot::Time(TimeKind::Micros));
        assert_eq!(of("_HOSTNAME").unwrap().slot, Slot::Host);
    }

    #[test]
    fn other_names_are_attributes() {
        for name in ["priority", "http.status", "", "a name that is longer than any alias", "levels"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
