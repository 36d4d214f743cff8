//! Reads an answer that comes in pieces, as server-sent events.

use super::{Answer, ApiError};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamDefaultReader;

/// One event: its name and its data.
pub type Told = (String, String);

/// Hands on each event as it arrives, until `hear` has an end for it.
pub async fn events<T>(
    answer: Answer,
    mut hear: impl FnMut(Told) -> Option<Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let body = answer.response.body().ok_or(ApiError::Unreachable)?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut unread = Vec::new();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(|_| ApiError::Unreachable)?;
        let of = |name: &str| Reflect::get(&piece, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
        if of("done").is_truthy() {
            return Err(ApiError::Unreachable);
        }
        unread.extend(Uint8Array::new(&of("value")).to_vec());
        for told in whole_events(&mut unread) {
            if let Some(end) = hear(told) {
                return end;
            }
        }
    }
}

/// Takes the events that have arrived whole.
fn whole_events(unread: &mut Vec<u8>) -> Vec<Told> {
    let mut found = Vec::new();
    while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
        let rest = unread.split_off(end + 2);
        let event = std::mem::replace(unread, rest);
        let text = String::from_utf8_lossy(&event);
        let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        found.push((of("event: ").to_owned(), of("data: ").to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_when_all_of_it_has_arrived() {
        let mut unread = b"event: rows\ndata: {\"m\":\"a".to_vec();
        assert_eq!(whole_events(&mut unread), []);
        unread.extend("ñ\"}\n\nevent: result\ndata: {}\n\n: ".as_bytes());
        let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
        assert_eq!(whole_events(&mut unread), [pair("rows", "{\"m\":\"añ\"}"), pair("result", "{}")]);
        assert_eq!(unread, b": ");
    }
}
