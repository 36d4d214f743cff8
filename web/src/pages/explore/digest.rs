//! What some attributes mean to people: a request and its answer in one line, durations and sizes in words, the frames of a stack.

use super::cells::field_text;
use crate::components::{Badge, BadgeKind};
use crate::format;
use api_types::search::EventRow;
use leptos::prelude::*;

const METHODS: [&str; 4] = ["http.method", "http.request.method", "http_method", "method"];
const PATHS: [&str; 7] =
    ["http.route", "http.path", "http.target", "url.path", "http.url", "url.full", "path"];
const STATUSES: [&str; 5] =
    ["http.status", "http.status_code", "http.response.status_code", "status_code", "status"];
const DURATIONS: [&str; 4] = ["duration_ms", "http.duration_ms", "latency_ms", "took_ms"];

/// One request, as far as the event tells of it.
#[derive(Debug, PartialEq)]
struct Request {
    method: Option<String>,
    path: String,
    status: Option<u16>,
    duration_ms: Option<f64>,
}

fn request(event: &EventRow) -> Option<Request> {
    let first = |names: &[&str]| names.iter().find_map(|name| field_text(event, name));
    let status =
        first(&STATUSES).and_then(|status| status.parse().ok()).filter(|status| (100..600).contains(status));
    let method = first(&METHODS);
    // A path alone is no request, and a status alone may be anything's.
    if method.is_none() && status.is_none() {
        return None;
    }
    Some(Request {
        method,
        path: first(&PATHS)?,
        status,
        duration_ms: first(&DURATIONS).and_then(|duration| duration.parse().ok()),
    })
}

#[component]
pub fn RequestLine(event: std::sync::Arc<EventRow>) -> impl IntoView {
    request(&event).map(|request| {
        let Request { method, path, status, duration_ms } = request;
        view! {
            <p class="event-request">
                {method.map(|method| view! { <strong>{method}</strong> })}
                <code class="truncate" title=path.clone()>{path.clone()}</code>
                {status.map(|status| view! { <Badge kind=status_kind(status) plain=true>{status.to_string()}</Badge> })}
                {duration_ms.map(|ms| view! { <span class="numbers soft">{format::elapsed(ms)}</span> })}
            </p>
        }
    })
}

fn status_kind(status: u16) -> BadgeKind {
    match status {
        500.. => BadgeKind::Bad,
        400.. => BadgeKind::Warning,
        200..300 => BadgeKind::Good,
        _ => BadgeKind::Quiet,
    }
}

/// A number in words, where its name tells the unit and words say more.
pub fn in_words(name: &str, value: &str) -> Option<String> {
    let number: f64 = value.parse().ok().filter(|number: &f64| *number >= 0.0)?;
    let name = name.to_lowercase();
    if name.ends_with("_ms") || name.ends_with("millis") {
        return (number >= 1_000.0).then(|| length(number));
    }
    if name.ends_with("_us") || name.ends_with("micros") {
        return (number >= 1_000.0).then(|| length(number / 1e3));
    }
    if name.ends_with("_ns") || name.ends_with("nanos") {
        return (number >= 1_000_000.0).then(|| length(number / 1e6));
    }
    let is_size = name.ends_with("bytes") || name.ends_with("_size");
    (is_size && number >= 1_000.0).then(|| format::bytes(number as u64))
}

fn length(ms: f64) -> String {
    match ms {
        ms if ms < 60_000.0 => format::elapsed(ms),
        ms if ms < 3_600_000.0 => format!("{:.1} min", ms / 60_000.0),
        ms => format!("{:.1} h", ms / 3_600_000.0),
    }
}

/// A line of a stack trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// What happened, or a cause of it.
    Said,
    /// Code of the program itself.
    Own,
    /// Code of a library or the runtime.
    Library,
}

const LIBRARIES: [&str; 19] = [
    "at java.",
    "java.base/",
    "at javax.",
    "at jdk.",
    "at sun.",
    "at com.sun.",
    "at org.springframework.",
    "at org.apache.",
    "at io.netty.",
    "at kotlin.",
    "at scala.",
    "at System.",
    "at Microsoft.",
    "node:internal",
    "node_modules/",
    "site-packages/",
    "/usr/lib/",
    "/rustc/",
    "/.cargo/registry/",
];

/// The lines of a text that is a stack trace; nothing when it is none.
pub fn stack(text: &str) -> Option<Vec<(Frame, &str)>> {
    let lines: Vec<(Frame, &str)> = text.lines().map(|line| (frame(line), line)).collect();
    let frames = lines.iter().filter(|(frame, _)| *frame != Frame::Said).count();
    (frames >= 2).then_some(lines)
}

fn frame(line: &str) -> Frame {
    let text = line.trim_start();
    let numbered = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(": ");
    let is_frame = text.starts_with("at ")
        || text.starts_with("File \"")
        || (line.starts_with([' ', '\t'])
            && text.starts_with(|c: char| c.is_ascii_digit())
            && numbered(text))
        || (line.starts_with('\t') && text.contains(".go:"));
    if !is_frame {
        return Frame::Said;
    }
    if LIBRARIES.iter().any(|library| text.contains(library)) { Frame::Library } else { Frame::Own }
}

#[component]
pub fn StackTrace(text: String) -> impl IntoView {
    let lines = stack(&text).unwrap_or_default();
    let library = lines.iter().filter(|(frame, _)| *frame == Frame::Library).count();
    let hidden = RwSignal::new(false);
    let rows = lines.into_iter().map(|(frame, line)| {
        let class = match frame {
            Frame::Said => "frame-said",
            Frame::Own => "frame-own",
            Frame::Library => "frame-library",
        };
        view! { <span class=class>{format!("{line}\n")}</span> }
    });
    view! {
        {(library > 0).then(|| view! {
            <button
                type="button"
                class="link"
                aria-pressed=move || hidden.get().to_string()
                on:click=move |_| hidden.update(|hidden| *hidden = !*hidden)
            >
                {move || if hidden.get() { format!("Show {library} lines of libraries") } else { format!("Hide {library} lines of libraries") }}
            </button>
        })}
        <pre class="event-stack" tabindex="0" role="region" aria-label="Stack trace" class:own-only=move || hidden.get()>{rows.collect_view()}</pre>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(attributes: Value) -> EventRow {
        serde_json::from_value(json!({"id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": "error", "source": null, "host": null,
            "message": "m", "trace_id": null, "span_id": null, "attributes": attributes}))
        .expect("an event")
    }

    #[test]
    fn a_request_is_told_in_one_line() {
        let told = request(&event(
            json!({"http": {"method": "GET", "route": "/cart", "status": 504}, "duration_ms": 3120}),
        ));
        let expected = Request {
            method: Some("GET".into()),
            path: "/cart".into(),
            status: Some(504),
            duration_ms: Some(3120.0),
        };
        assert_eq!(told, Some(expected));
        assert_eq!(request(&event(json!({"path": "/tmp/x"}))), None);
        assert_eq!(request(&event(json!({"status": "stored"}))), None);
    }

    #[test]
    fn numbers_are_told_in_words_where_their_name_has_the_unit() {
        for (name, value, words) in [
            ("duration_ms", "3120", Some("3.1 s")),
            ("duration_ms", "35", None),
            ("wait_us", "2500000", Some("2.5 s")),
            ("job_ms", "7200000", Some("2.0 h")),
            ("body_bytes", "1500000", Some("1.5 MB")),
            ("status", "504", None),
            ("duration_ms", "long", None),
        ] {
            assert_eq!(in_words(name, value).as_deref(), words, "{name}={value}");
        }
    }

    #[test]
    fn frames_are_told_from_what_was_said() {
        let java = "java.lang.IllegalStateException: no stock\n\tat shop.Cart.take(Cart.java:42)\n\tat java.base/java.lang.Thread.run(Thread.java:1)\n\tat java.util.X.y(X.java:1)\nCaused by: x";
        let kinds: Vec<Frame> = stack(java).expect("a stack").iter().map(|(frame, _)| *frame).collect();
        assert_eq!(kinds, [Frame::Said, Frame::Own, Frame::Library, Frame::Library, Frame::Said]);
        let python = "Traceback (most recent call last):\n  File \"/app/cart.py\", line 3, in take\n    stock()\n  File \"/venv/site-packages/x.py\", line 9, in stock\nKeyError: 'a'";
        let kinds: Vec<Frame> = stack(python).expect("a stack").iter().map(|(frame, _)| *frame).collect();
        assert_eq!(kinds, [Frame::Said, Frame::Own, Frame::Said, Frame::Library, Frame::Said]);
        assert_eq!(stack("two\nlines"), None);
        assert_eq!(stack("we are at home"), None);
    }
}
