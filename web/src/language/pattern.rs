//! A message's pattern, such as `user <num> logged in`, as a condition of the query.

/// What stands in a pattern for what varies, and the regular expression of it.
const MASKS: [&str; 5] = ["<uuid>", "<time>", "<ip>", "<hex>", "<num>"];
/// The language takes regular expressions up to this many bytes.
const LONGEST: usize = 500;

/// The pattern cut into pieces, and whether each varies.
pub fn pattern_pieces(pattern: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    loop {
        let next = MASKS.iter().filter_map(|mask| Some((rest.find(mask)?, *mask))).min();
        let Some((at, mask)) = next else { break };
        if at > 0 {
            pieces.push((&rest[..at], false));
        }
        pieces.push((&rest[at..at + mask.len()], true));
        rest = &rest[at + mask.len()..];
    }
    if !rest.is_empty() {
        pieces.push((rest, false));
    }
    pieces
}

fn expression(mask: &str) -> &'static str {
    match mask {
        "<uuid>" => "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "<time>" => r"\d{4}-\d{2}-\d{2}[T ][0-9:.,]+(Z|[+-]\d{2}:?\d{2})?",
        "<ip>" => r"\d{1,3}(\.\d{1,3}){3}",
        "<hex>" => "(0x)?[0-9a-fA-F]+",
        _ => r"\d+(\.\d+)?[a-zA-Z]{0,3}",
    }
}

/// `message=~'^user \d+ logged in'`, which a pattern's own events fit; a very long one is asked for by its beginning.
pub fn pattern_condition(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut whole = true;
    for (text, varies) in pattern_pieces(pattern) {
        let piece = if varies { expression(text).to_owned() } else { escaped(text) };
        if regex.len() + piece.len() > LONGEST {
            whole = false;
            break;
        }
        regex.push_str(&piece);
    }
    if whole {
        regex.push_str(r"(\n|$)");
    }
    format!("message=~{}", query_lang::quote::string(&regex))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Matches;
    use api_types::search::EventRow;
    use serde_json::json;

    fn matches(condition: &str, message: &str) -> bool {
        let event: EventRow = serde_json::from_value(json!({
            "id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": null, "source": null, "host": null,
            "message": message, "trace_id": null, "span_id": null, "attributes": {}
        }))
        .expect("an event");
        Matches::narrowing(condition).expect(condition).matches(&event)
    }

    #[test]
    fn a_pattern_finds_its_own_messages_and_no_others() {
        for message in [
            "GET /api/v1/cart 504 in 6.4ms",
            "it's (a) [test] of $1.50 + \"quotes\" \\ 7",
            "id 4f1c2d3e-0000-4000-8000-123456789abc from 10.0.0.1 at 2026-03-10T10:00:00Z",
            "first line 5\nsecond line",
        ] {
            let condition = pattern_condition(&event::pattern::template(message));
            assert!(matches(&condition, message), "{condition} and {message}");
            assert!(!matches(&condition, "something else"), "{condition}");
        }
    }

    #[test]
    fn what_varies_is_cut_out() {
        assert_eq!(
            pattern_pieces("user <num> from <ip>"),
            [("user ", false), ("<num>", true), (" from ", false), ("<ip>", true)]
        );
    }
}
