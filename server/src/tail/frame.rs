//! Frames of `text/event-stream`.

use actix_web::web::Bytes;
use std::io::Write;

/// Said first: how soon a browser comes back after a cut.
pub const HELLO: &[u8] = b"retry: 2000\n\n: connected\n\n";
/// Keeps proxies from closing a quiet connection.
pub const HEARTBEAT: &[u8] = b": heartbeat\n\n";

/// One event; its id is what a reader who comes back names.
pub fn log(id: &str, event: &serde_json::Value) -> Bytes {
    let mut frame = Vec::with_capacity(1024);
    frame.extend_from_slice(b"id: ");
    frame.extend_from_slice(id.as_bytes());
    frame.extend_from_slice(b"\nevent: log\ndata: ");
    serde_json::to_writer(&mut frame, event).expect("JSON can be written to memory");
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// So many events are missing here: they came faster than this reader took them.
pub fn dropped(count: u64) -> Bytes {
    let mut frame = Vec::with_capacity(48);
    write!(frame, "event: dropped\ndata: {count}\n\n").expect("memory takes every write");
    frame.into()
}

/// From here on one of so many matches is shown.
pub fn sampled(one_of: u64) -> Bytes {
    format!("event: sampled\ndata: {{\"kept\":1,\"of\":{one_of}}}\n\n").into()
}

/// What came between the event that was named and now is not known here any more; a search finds it.
pub fn gap(since: &str) -> Bytes {
    format!("event: gap\ndata: {{\"since\":\"{since}\"}}\n\n").into()
}

/// The tail ends, and connecting again will be refused.
pub const ENDED: &[u8] = b"event: end\ndata: {\"code\":\"access_ended\"}\n\n";
