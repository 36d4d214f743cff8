//! Access logs in the common and combined formats (Apache, nginx, Traefik, Caddy), and quoted HTTP requests in
//! other lines.
//!
//! The level follows the status: 5xx is an error, 4xx a warning, the rest information.

use super::Findings;
use crate::level::Level;
use crate::time;
use crate::value::Value;

/// `host ident user [time] "request" status bytes "referer" "agent"`
pub(super) fn findings(line: &str, now_ns: i64) -> Option<Findings<'_>> {
    let bracket = line.find(" [")?;
    let mut words = line[..bracket].split(' ').rev();
    let (user, _ident, client) = (words.next()?, words.next()?, words.next()?);
    let virtual_host = words.next();
    if words.next().is_some() || client.is_empty() {
        return None;
    }
    let inside = &line[bracket + 2..];
    let (time_ns, length) = time::parse_prefix(inside, now_ns)?;
    let quoted = inside[length..].strip_prefix("] \"")?;
    let (request, rest) = up_to_quote(quoted)?;
    let mut found = Findings { time_ns: Some(time_ns), ..Findings::default() };
    found.text("client.ip", client);
    found.text("user.name", user);
    virtual_host.into_iter().for_each(|host| found.text("http.host", host));
    add_request(&mut found, request);
    let rest = add_status(&mut found, rest.strip_prefix(' ')?)?;
    let mut rest = rest.trim_ascii_start();
    let bytes = rest.split(' ').next().unwrap_or_default();
    found.number("bytes", bytes);
    rest = &rest[bytes.len()..];
    for name in ["http.referer", "http.user_agent"] {
        let Some((text, tail)) = rest.strip_prefix(" \"").and_then(up_to_quote) else { break };
        found.text(name, text);
        rest = tail;
    }
    Some(found)
}

/// Fields of a request that stands in quotes somewhere in the text: `"GET /x HTTP/1.1" 200`, `… status: 200`.
pub(super) fn add_quoted_request<'a>(found: &mut Findings<'a>, text: &'a str) {
    let Some(protocol) = text.find(" HTTP/") else { return };
    let Some(start) = text[..protocol].rfind('"') else { return };
    let Some((request, rest)) = up_to_quote(&text[start + 1..]) else { return };
    if !add_request(found, request) {
        return;
    }
    let rest = rest.trim_start_matches([' ', ':', ',']);
    add_status(found, rest.strip_prefix("status: ").unwrap_or(rest));
}

/// `GET /path?query HTTP/1.1`
pub(super) fn add_request<'a>(found: &mut Findings<'a>, request: &'a str) -> bool {
    let mut words = request.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return false };
    let known = (3..=10).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !known {
        return false;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    found.text("http.method", method);
    found.text("http.path", path);
    found.text("http.query", query);
    found.text("http.version", words.next().and_then(|word| word.strip_prefix("HTTP/")).unwrap_or_default());
    true
}

fn add_status<'a>(found: &mut Findings<'a>, text: &'a str) -> Option<&'a str> {
    let (status, rest) = (text.get(..3)?, &text[3..]);
    let status: i64 = status.parse().ok().filter(|status| (100..=999).contains(status))?;
    if rest.starts_with(|next: char| next.is_alphanumeric()) {
        return None;
    }
    found.attribute("http.status", Value::Int(status));
    found.level.get_or_insert(match status {
        500.. => Level::Error,
        400.. => Level::Warn,
        _ => Level::Info,
    });
    Some(rest)
}

/// The text up to the next quote that is not escaped, and what follows it.
fn up_to_quote(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let end = from + text[from..].find('"')?;
        let escapes = bytes[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes % 2 == 0 {
            return Some((&text[..end], &text[end + 1..]));
        }
        from = end + 1;
    }
}
