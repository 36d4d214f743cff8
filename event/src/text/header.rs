//! Lines that begin with a header: time, level, process, thread, logger, in the orders that loggers write them.
//!
//! Covers log4j, logback, Spring, Hadoop, ZooKeeper, Python's logging, gunicorn, loguru, Celery, Rails, Rust and Go
//! loggers, klog, syslog files, Apache and nginx error logs, Postgres and MySQL. The header is read piece by piece;
//! the first piece that is none of these ends it.

use std::borrow::Cow;

use super::{Findings, access, syslog};
use crate::level::{Level, Scale, read_text};
use crate::time;
use crate::value::Value;

/// Pieces of a header, at most.
const PIECES: usize = 12;

pub(super) fn findings(line: &str, now_ns: i64) -> Findings<'_> {
    if let Some(found) = klog(line, now_ns) {
        return found;
    }
    let mut header = Header::new(line);
    header.read_time(now_ns);
    if header.found.time_ns.is_some() && header.read_syslog_tag() {
        return header.found;
    }
    for _ in 0..PIECES {
        if !header.read_piece() {
            break;
        }
    }
    let Header { mut found, rest, .. } = header;
    if found.time_ns.is_none() && found.level.is_none() {
        return Findings::default();
    }
    access::add_quoted_request(&mut found, rest);
    nginx_details(&mut found, rest);
    found
}

/// Whether a line begins with a time or a level, as the first line of an event does.
pub(crate) fn begins_event(line: &str) -> bool {
    let found = findings(line.trim_ascii_start(), i64::MAX / 2);
    found.time_ns.is_some() || found.level.is_some()
}

#[derive(Clone)]
struct Header<'a> {
    found: Findings<'a>,
    rest: &'a str,
    /// A ` - ` stands before `rest`, as Python puts it between all pieces.
    after_dash: bool,
}

impl<'a> Header<'a> {
    fn new(rest: &'a str) -> Self {
        Self { found: Findings::default(), rest, after_dash: false }
    }

    fn read_time(&mut self, now_ns: i64) {
        if self.take_time(self.rest, now_ns) || self.skip_time_of_day() {
            return;
        }
        // Rails puts a letter in front, Compose and file collectors a name; then a level has to follow.
        let Some((name, rest)) = self.rest.split_once(' ').filter(|(name, _)| name.len() <= 64) else {
            return;
        };
        let rest = rest.trim_start_matches([' ', '|']);
        let bare = !name.ends_with(|last: char| last.is_ascii_punctuation() && last != ',');
        let mut shifted = Header::new(rest);
        if bare && shifted.take_time(rest, now_ns) {
            let mut ahead = shifted.clone();
            let has_level = (0..3).any(|_| ahead.read_piece() && ahead.found.level.is_some());
            if has_level {
                *self = shifted;
            }
        }
    }

    fn take_time(&mut self, text: &'a str, now_ns: i64) -> bool {
        let open = text.strip_prefix(['[', '(']).unwrap_or(text);
        let Some((time_ns, length)) = time::parse_prefix(open, now_ns) else { return false };
        self.found.time_ns = Some(time_ns);
        self.rest = open[length..].trim_start_matches([']', ')', ':', ',']);
        if let Some((pid, rest)) = self.rest.strip_prefix(" #").and_then(|rest| rest.split_once(']')) {
            self.found.number("pid", pid);
            self.rest = rest;
        }
        true
    }

    /// `10:15:30.123`, without a date: nothing to learn, but the header goes on behind it.
    fn skip_time_of_day(&mut self) -> bool {
        let bytes = self.rest.as_bytes();
        let shape = bytes.len() > 8 && bytes[2] == b':' && bytes[5] == b':';
        let digits = [0, 1, 3, 4, 6, 7].iter().all(|place| bytes.get(*place).is_some_and(u8::is_ascii_digit));
        if shape && digits {
            let length = 8 + bytes[8..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
                .count();
            self.rest = &self.rest[length..];
        }
        shape && digits
    }

    /// `host app[123]: message` behind the time, as in files that syslog writes.
    fn read_syslog_tag(&mut self) -> bool {
        let Some((host, rest)) = self.rest.strip_prefix(' ').and_then(|rest| rest.split_once(' ')) else {
            return false;
        };
        let Some((program, pid, message)) = syslog::tag(rest) else { return false };
        let plain_host = host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':'));
        let is_level = level_of(host).is_some() || host.ends_with(':');
        if !plain_host
            || is_level
            || host.bytes().all(|byte| byte.is_ascii_digit())
            || (pid.is_none() && program.contains('.'))
        {
            return false;
        }
        self.found.host = Some(Cow::Borrowed(host));
        self.found.program = Some(Cow::Borrowed(program));
        self.found.number("pid", pid.unwrap_or_default());
        self.found.level = level_at_start(message).map(|(level, _)| level);
        true
    }

    /// Reads one piece; says whether there was one.
    fn read_piece(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.after_dash &= self.rest.len() < before;
        if let Some(rest) = separator(self.rest) {
            self.after_dash = true;
            self.rest = rest;
            return true;
        }
        let read = self.read_level() || self.read_bracket() || self.read_number() || self.read_logger();
        self.after_dash &= !read;
        read
    }

    fn read_level(&mut self) -> bool {
        if self.found.level.is_some() {
            return false;
        }
        let (level, rest) = match level_at_start(self.rest) {
            Some(found) => found,
            None if self.found.time_ns.is_none() => return false,
            None => match database_level(self.rest) {
                Some(found) => found,
                None => return false,
            },
        };
        self.found.level = Some(level);
        self.rest = rest;
        // Celery: `INFO/MainProcess]`
        if let Some((thread, rest)) = rest.strip_prefix('/').and_then(|rest| rest.split_once(']')) {
            self.found.text("thread", thread);
            self.rest = rest;
        }
        true
    }

    /// `[main]`, `[core:error]`, `[pid 12:tid 34]`, `[client 10.0.0.1:5]`, `{file.py:12}`
    fn read_bracket(&mut self) -> bool {
        let close = match self.rest.as_bytes().first() {
            Some(b'[') => ']',
            Some(b'{') => '}',
            _ => return false,
        };
        let Some(content) = bracketed(self.rest, close) else { return false };
        self.rest = &self.rest[content.len() + 2..];
        self.read_bracket_content(content.trim());
        true
    }

    fn read_bracket_content(&mut self, content: &'a str) {
        if self.found.level.is_none()
            && let Some(level) = level_of(content).or_else(|| level_of(content.rsplit(':').next()?))
        {
            self.found.level = Some(level);
        } else if let Some(process) = content.strip_prefix("pid ") {
            let (pid, thread) = process.split_once(":tid ").unwrap_or((process, ""));
            self.found.number("pid", pid);
            self.found.text("thread", thread);
        } else if let Some(client) = content.strip_prefix("client ") {
            self.found.text("client.ip", without_port(client));
        } else if content.starts_with("req-") {
            self.found.text("request_id", content.split(' ').next().unwrap_or_default());
        } else if content.bytes().all(|byte| byte.is_ascii_digit()) {
            self.add_pid(content);
        } else if let Some((place, line)) = content.rsplit_once('@').filter(|(_, line)| is_number(line)) {
            self.read_class_and_line(place, line);
        } else if let Some((file, line)) =
            content.rsplit_once(':').filter(|(file, line)| file.contains('.') && is_number(line))
        {
            self.found.text("file", file);
            self.found.number("line", line);
        } else if self.found.attributes.get("thread").is_none() && is_plain(content) {
            self.found.text("thread", content);
        }
    }

    /// ZooKeeper: `[thread:Class@line]`
    fn read_class_and_line(&mut self, place: &'a str, line: &'a str) {
        let (thread, class) = place.rsplit_once(':').unwrap_or(("", place));
        self.found.text("thread", thread);
        self.found.program.get_or_insert(Cow::Borrowed(class));
        self.found.number("line", line);
    }

    /// A process or thread id before the level, nginx's `12#34:`.
    fn read_number(&mut self) -> bool {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(length);
        if number.is_empty() || length > 10 || self.found.time_ns.is_none() {
            return false;
        }
        if let Some((thread, rest)) = rest.strip_prefix('#').and_then(|rest| rest.split_once(": ")) {
            self.add_pid(number);
            self.found.number("thread", thread);
            self.rest = rest;
            return true;
        }
        let before_level = self.found.level.is_none() && rest.starts_with(' ');
        let before_dashes = rest.starts_with(" ---");
        if before_level || before_dashes {
            self.add_pid(number);
            self.rest = rest;
        }
        before_level || before_dashes
    }

    fn add_pid(&mut self, number: &'a str) {
        if self.found.attributes.get("pid").is_none() {
            self.found.number("pid", number);
        }
    }

    /// `org.example.Class:`, `my.logger - `, `module::path:`, or any word between Python's dashes.
    fn read_logger(&mut self) -> bool {
        if self.found.program.is_some() || (self.found.level.is_none() && !self.after_dash) {
            return false;
        }
        let named = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'.' | b'_' | b'$' | b'-' | b'/' | b'<' | b'>' | b':')
        };
        let length = self.rest.bytes().take_while(|byte| named(*byte)).count();
        let (word, rest) = self.rest.split_at(length);
        let name = word.trim_end_matches(':');
        let ends = name.len() < word.len()
            || [" - ", " : ", " | ", "\t", " [", "]"].iter().any(|end| rest.starts_with(end))
            || is_padded_colon(rest);
        let qualified = name.contains(['.', '$']) || name.contains("::");
        let between_dashes = rest.starts_with(" - ") && self.after_dash;
        let valid = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && !name.contains("//")
            && name.len() <= 200;
        if !valid || !((qualified && ends) || between_dashes) {
            return false;
        }
        // loguru: `module:function:12`
        self.found.program = Some(Cow::Borrowed(name));
        self.rest = rest;
        true
    }
}

/// `- `, `| `, `--- `, `: ` between pieces.
fn separator(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(['-', '|', ':']);
    let length = text.len() - rest.len();
    ((1..=3).contains(&length) && rest.starts_with([' ', '\t'])).then_some(rest)
}

/// Spring pads the logger before its ` : `.
fn is_padded_colon(rest: &str) -> bool {
    rest.starts_with("  ") && rest.trim_start_matches(' ').starts_with(": ")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && !text.contains(['"', '='])
}

fn without_port(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port)) if is_number(port) && !host.contains(':') => host,
        _ => address,
    }
}

/// The text between a bracket and its partner; brackets inside are counted.
fn bracketed(text: &str, close: char) -> Option<&str> {
    let open = text.chars().next()?;
    let mut depth = 0;
    for (position, character) in text.char_indices().take(256) {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return Some(&text[1..position]);
            }
        }
    }
    None
}

fn level_of(word: &str) -> Option<Level> {
    let word = word.trim();
    if word.len() < 3 {
        return None;
    }
    if word.eq_ignore_ascii_case("note") {
        return Some(Level::Info);
    }
    read_text(word, Scale::Any)
        .filter(|_| word.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .map(|reading| reading.level)
}

/// Postgres writes `LOG:` where others write INFO.
fn database_level(text: &str) -> Option<(Level, &str)> {
    let rest = text.strip_prefix("LOG:").or_else(|| text.strip_prefix("STATEMENT:"));
    rest.map(|rest| (Level::Info, rest))
}

/// A level's word that stands as one: in upper case, in brackets, or followed by a colon. Gives what follows.
fn level_at_start(text: &str) -> Option<(Level, &str)> {
    let open = text.strip_prefix(['[', '<', '(']);
    let inside = open.unwrap_or(text);
    let length = inside.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = inside.split_at(length);
    let level = level_of(word)?;
    match open {
        Some(_) => rest.trim_start().strip_prefix([']', '>', ')']).map(|rest| (level, rest)),
        None if rest
            .starts_with(|next: char| next.is_alphanumeric() || matches!(next, '_' | '-' | '=' | '.')) =>
        {
            None
        }
        None if word.bytes().all(|byte| byte.is_ascii_uppercase())
            || rest.starts_with(": ")
            || rest == ":" =>
        {
            Some((level, rest))
        }
        None => None,
    }
}

/// `E0310 10:15:30.123456   123 file.go:12] message`
fn klog(line: &str, now_ns: i64) -> Option<Findings<'_>> {
    let level = match line.as_bytes().first()? {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' => Level::Fatal,
        _ => return None,
    };
    let (time_ns, length) = time::parse_klog(&line[1..], now_ns)?;
    let (place, _) = line[1 + length..].split_once("] ").or_else(|| line[1 + length..].split_once(']'))?;
    let (thread, place) = place.trim_ascii().split_once(' ')?;
    let (file, number) = place.rsplit_once(':')?;
    let mut found = Findings { time_ns: Some(time_ns), level: Some(level), ..Findings::default() };
    found.number("thread", thread);
    found.text("file", file.trim());
    found.number("line", number);
    Some(found)
}

/// nginx ends its error lines with `, client: 10.0.0.1, server: x, request: "…", upstream: "…", host: "…"`.
fn nginx_details<'a>(found: &mut Findings<'a>, text: &'a str) {
    let Some(client) = text.find(", client: ") else { return };
    for detail in text[client..].split(", ") {
        let Some((name, value)) = detail.split_once(": ") else { continue };
        match name {
            "client" => found.text("client.ip", value),
            "server" => found.text("server", value),
            "host" => found.attribute("http.host", Value::string(value.trim_matches('"'))),
            "upstream" => found.attribute("upstream", Value::string(value.trim_matches('"'))),
            "request" if found.attributes.get("http.method").is_none() => {
                access::add_request(found, value.trim_matches('"'));
            }
            _ => {}
        }
    }
}
