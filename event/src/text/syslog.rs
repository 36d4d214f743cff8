//! Syslog messages: RFC 5424 and RFC 3164, with what real senders make of them.
//!
//! The priority gives the level, unless the message says one: forwarders of files give all lines the same. A 3164 time may be an ISO one; host, tag and even the whole header may be missing.
//! The API key that a sender puts into structured data (`[cordwood@0 key="…"]`) is handed over, and is in nothing else.

use std::borrow::Cow;

use super::Findings;
use crate::level::{self, Level, Scale};
use crate::raw::RawEvent;
use crate::time;
use crate::value::{Object, Value};

/// The structured data element that tells the tenant.
pub const KEY_ELEMENT: &str = "cordwood@0";

/// A message that began with a priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Syslog<'a> {
    pub facility: u8,
    pub severity: u8,
    pub time_ns: Option<i64>,
    pub host: Option<&'a str>,
    pub program: Option<&'a str>,
    pub pid: Option<&'a str>,
    pub message_id: Option<&'a str>,
    pub structured_data: Object<'a>,
    /// The API key of the sender.
    pub key: Option<Cow<'a, str>>,
    pub message: &'a str,
}

/// Takes off what framing leaves: trailing NULs and line feeds.
pub fn trim_frame(frame: &str) -> &str {
    frame.trim_end_matches(['\0', '\n']).trim_end_matches('\r')
}

/// Reads a frame. One without a priority is a message with no header.
pub fn parse(frame: &str, now_ns: i64) -> Option<Syslog<'_>> {
    let (priority, rest) = priority(frame)?;
    let (facility, severity) = (priority / 8, priority % 8);
    rfc5424(rest, now_ns).or_else(|| Some(rfc3164(rest, now_ns))).map(|syslog| Syslog {
        facility,
        severity,
        ..syslog
    })
}

/// An event of a frame, whatever it holds, and the sender's key.
pub fn event(index: usize, frame: &str, now_ns: i64) -> (RawEvent<'_>, Option<Cow<'_, str>>) {
    let text = trim_frame(frame);
    let Some(syslog) = parse(text, now_ns) else {
        return (RawEvent::from_line(index, strip_bom(text)), None);
    };
    let mut raw = RawEvent::from_line(index, syslog.message);
    let mut found = Findings::default();
    syslog.add_fields(&mut found);
    raw.timestamp_ns = syslog.time_ns;
    raw.level = found.level;
    raw.level_is_weak = true;
    raw.source = syslog.program.map(Cow::Borrowed);
    raw.host = syslog.host.map(Cow::Borrowed);
    raw.fields = found.attributes;
    for (name, value) in syslog.structured_data {
        raw.fields.push(name, value);
    }
    (raw, syslog.key)
}

/// A line of text that is a syslog message.
pub(super) fn findings(line: &str, now_ns: i64) -> Option<Findings<'_>> {
    let syslog = parse(line, now_ns)?;
    let mut found = Findings {
        time_ns: syslog.time_ns,
        program: syslog.program.map(Cow::Borrowed),
        host: syslog.host.map(Cow::Borrowed),
        ..Findings::default()
    };
    syslog.add_fields(&mut found);
    for (name, value) in syslog.structured_data {
        found.attributes.push(name, value);
    }
    Some(found)
}

impl<'a> Syslog<'a> {
    fn add_fields(&self, found: &mut Findings<'a>) {
        let reading = level::read_number(i64::from(self.severity), Scale::Syslog);
        found.level = reading.map(|reading| reading.level);
        if reading.is_some_and(|reading| !reading.exact) {
            found.text("severity", SEVERITIES[usize::from(self.severity)]);
        }
        found.text("facility", FACILITIES[usize::from(self.facility)]);
        match self.pid.unwrap_or_default() {
            pid if pid.parse::<i64>().is_ok() => found.number("pid", pid),
            pid => found.text("pid", pid),
        }
        found.text("msgid", self.message_id.unwrap_or_default());
    }

    pub fn level(&self) -> Level {
        level::read_number(i64::from(self.severity), Scale::Syslog)
            .map_or(Level::Unknown, |reading| reading.level)
    }
}

const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "security", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5",
    "local6", "local7",
];

/// `<34>`
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority = digits.parse().ok().filter(|priority| plain && *priority < 192)?;
    Some((priority, rest))
}

/// `1 2026-03-10T10:15:30Z host app 123 ID47 [data a="b"] message`
fn rfc5424(text: &str, now_ns: i64) -> Option<Syslog<'_>> {
    let mut rest = text.strip_prefix("1 ")?;
    let mut word = || {
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = tail;
        word
    };
    let time = word();
    let time_ns = match time {
        "-" => None,
        _ => Some(time::parse(time, now_ns)?),
    };
    let [host, program, pid, message_id] = [word(), word(), word(), word()].map(nil);
    let (structured_data, key, message) = structured_data(rest)?;
    let message = strip_bom(message.strip_prefix(' ').unwrap_or(message));
    Some(Syslog {
        facility: 0,
        severity: 0,
        time_ns,
        host,
        program,
        pid,
        message_id,
        structured_data,
        key,
        message,
    })
}

fn nil(word: &str) -> Option<&str> {
    (!word.is_empty() && word != "-").then_some(word)
}

type StructuredData<'a> = (Object<'a>, Option<Cow<'a, str>>, &'a str);

/// `-`, or elements `[id name="value" …]` one after the other.
fn structured_data(text: &str) -> Option<StructuredData<'_>> {
    let mut elements = Object::new();
    let mut key = None;
    let mut rest = match text.strip_prefix('-') {
        Some(rest) => return Some((elements, key, rest)),
        None => text,
    };
    while let Some(element) = rest.strip_prefix('[') {
        let id_length = element.find([' ', ']'])?;
        let (id, mut tail) = element.split_at(id_length);
        let mut members = Object::new();
        loop {
            tail = tail.trim_start_matches(' ');
            if let Some(end) = tail.strip_prefix(']') {
                rest = end;
                break;
            }
            let (name, value) = tail.split_once("=\"")?;
            let (value, end) = parameter(value)?;
            tail = end;
            match (id, name) {
                (KEY_ELEMENT, "key") => key = Some(value),
                _ => members.push(name, Value::String(value)),
            }
        }
        if id != KEY_ELEMENT || !members.is_empty() {
            members.settle();
            elements.push(id, Value::Object(members));
        }
    }
    elements.settle();
    (rest.len() < text.len() || text.is_empty()).then_some((elements, key, rest))
}

/// A value up to its quote; `\"`, `\\` and `\]` are escapes.
fn parameter(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = String::from(&text[..end]);
    let mut characters = text[end..].char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        match (character, characters.peek()) {
            ('"', _) => return Some((Cow::Owned(value), &text[end + position + 1..])),
            ('\\', Some((_, escaped @ ('"' | '\\' | ']')))) => {
                value.push(*escaped);
                characters.next();
            }
            _ => value.push(character),
        }
    }
    None
}

/// `Mar 10 10:15:30 host app[123]: message`, and less than that.
fn rfc3164(text: &str, now_ns: i64) -> Syslog<'_> {
    let header = header(text, now_ns);
    let mut syslog = Syslog {
        facility: 0,
        severity: 0,
        time_ns: None,
        host: None,
        program: None,
        pid: None,
        message_id: None,
        structured_data: Object::new(),
        key: None,
        message: text,
    };
    let rest = match header {
        Some((time_ns, rest)) => {
            syslog.time_ns = Some(time_ns);
            rest
        }
        None => text,
    };
    let (host, after_host) = match (header, rest.split_once(' ')) {
        (Some(_), Some((host, tail))) if tag(rest).is_none() && !host.is_empty() => (Some(host), tail),
        _ => (None, rest),
    };
    syslog.host = host;
    syslog.message = after_host;
    if let Some((program, pid, message)) = tag(after_host) {
        (syslog.program, syslog.pid, syslog.message) = (Some(program), pid, message);
    }
    take_key_element(&mut syslog);
    syslog.message = strip_bom(syslog.message);
    syslog
}

/// Senders of the old form put the element with the key at the start of the message.
fn take_key_element(syslog: &mut Syslog<'_>) {
    if syslog.message.starts_with("[cordwood@0 ")
        && let Some((_, key @ Some(_), rest)) = structured_data(syslog.message)
    {
        syslog.key = key;
        syslog.message = rest.strip_prefix(' ').unwrap_or(rest);
    }
}

fn header(text: &str, now_ns: i64) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(['*', ' ']);
    let (time_ns, length) = time::parse_prefix(text, now_ns)?;
    let rest = text[length..].strip_prefix(':').unwrap_or(&text[length..]);
    Some((time_ns, rest.strip_prefix(' ')?))
}

/// `app[123]: message`: the program, its process id, and the rest.
pub(super) fn tag(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let length = text.find([':', '[', ' '])?;
    let (name, rest) = text.split_at(length);
    // `sshd(pam_unix)` is sshd; `2026-…` and `10.0.0.1` are none.
    let program = name.split('(').next().unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'@');
    let named = (1..=128).contains(&program.len())
        && program.bytes().all(plain)
        && program.bytes().any(|byte| byte.is_ascii_alphabetic());
    if !named {
        return None;
    }
    if let Some(rest) = rest.strip_prefix('[') {
        let (pid, rest) = rest.split_once(']').filter(|(pid, _)| pid.len() <= 32 && !pid.contains(' '))?;
        let message = rest.strip_prefix(':')?;
        return Some((program, Some(pid), message.strip_prefix(' ').unwrap_or(message)));
    }
    let message = rest.strip_prefix(':')?;
    (message.is_empty() || message.starts_with(' '))
        .then(|| (program, None, message.strip_prefix(' ').unwrap_or(message)))
}

fn strip_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_773_136_800_000_000_000; // 2026-03-10T10:00:00Z

    fn shown(frame: &str) -> String {
        let (raw, key) = event(0, frame, NOW);
        let time = raw.timestamp_ns.map_or("-".to_owned(), time::format_rfc3339);
        let text = |text: Option<Cow<str>>| text.map_or("-".to_owned(), Cow::into_owned);
        let level = raw.level.unwrap_or_default();
        format!(
            "{time} {level} {} {} {} {}|{}|",
            text(raw.host),
            text(raw.source),
            text(key),
            raw.fields.to_json(),
            raw.message.unwrap_or_default()
        )
    }

    #[test]
    fn both_forms_and_what_senders_make_of_them_are_read() {
        for (frame, expected) in [
            (
                "<165>1 2026-03-10T09:14:15.003Z mymachine evntslog 77 ID47 [ex@32473 iut=\"3\" q=\"a\\\"b\\]\"][cordwood@0 key=\"cwi_1\"] \u{feff}An event\n",
                r#"2026-03-10T09:14:15.003Z info mymachine evntslog cwi_1 {"severity":"notice","facility":"local4","pid":77,"msgid":"ID47","ex@32473":{"iut":"3","q":"a\"b]"}}|An event|"#,
            ),
            ("<34>1 - - - - - - ", r#"- fatal - - - {"severity":"crit","facility":"auth"}||"#),
            ("<34>1 - h - - - -", r#"- fatal h - - {"severity":"crit","facility":"auth"}||"#),
            (
                "<11>Mar 10 09:15:30 web-1 nginx[123]: upstream timed out\0",
                r#"2026-03-10T09:15:30Z error web-1 nginx - {"facility":"user","pid":123}|upstream timed out|"#,
            ),
            (
                "<14>2026-03-10T09:15:30.5+00:00 web-1 app: ready",
                r#"2026-03-10T09:15:30.5Z info web-1 app - {"facility":"user"}|ready|"#,
            ),
            (
                "<14>Mar 10 09:15:30 app: no host",
                r#"2026-03-10T09:15:30Z info - app - {"facility":"user"}|no host|"#,
            ),
            (
                "<14>Mar 10 09:15:30 host some words",
                r#"2026-03-10T09:15:30Z info host - - {"facility":"user"}|some words|"#,
            ),
            ("<14>just words", r#"- info - - - {"facility":"user"}|just words|"#),
            ("<14>app: words", r#"- info - app - {"facility":"user"}|words|"#),
            (
                "<14>Mar 10 09:15:30 h app: [cordwood@0 key=\"k\"] words",
                r#"2026-03-10T09:15:30Z info h app k {"facility":"user"}|words|"#,
            ),
            ("no header at all", "- unknown - - - {}|no header at all|"),
            ("<999>odd", "- unknown - - - {}|<999>odd|"),
        ] {
            assert_eq!(shown(frame), expected, "{frame}");
        }
    }

    #[test]
    fn the_key_is_in_nothing_that_is_stored() {
        let (raw, key) = event(0, "<165>1 - h a - - [cordwood@0 key=\"secret\" env=\"prod\"] text", NOW);
        assert_eq!(key.as_deref(), Some("secret"));
        assert_eq!(raw.fields.get_path("cordwood@0.env"), Some(&Value::string("prod")));
        assert!(!format!("{raw:?}").contains("secret"));
    }

    proptest::proptest! {
        #[test]
        fn no_frame_makes_it_panic(frame in "(<[0-9]{1,3}>)?(1 )?[ -~\u{feff}é]{0,60}") {
            event(0, &frame, NOW);
        }
    }
}
