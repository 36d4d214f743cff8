//! Native request bodies: one object, an array, NDJSON, objects one after the other, or lines of text.
//!
//! Every item gets an answer: an event, or a reject with its index. A line of NDJSON that is broken costs only
//! itself; an array that is broken costs the whole body, because what follows cannot be told apart.

use std::borrow::Cow;

use crate::json::{Fault, Reader};
use crate::lines::Groups;
use crate::raw::{BodyError, RawEvent, Reject, RejectCode};
use crate::value::Value;

/// What the `Content-Type` says about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Json,
    NdJson,
    Text,
    /// No label, or one that says nothing, such as the `x-www-form-urlencoded` of `curl -d`: the body itself tells.
    Unlabelled,
}

impl Content {
    /// Reads a `Content-Type`; nothing for types that no event comes in (415).
    pub fn from_mime(content_type: &str) -> Option<Self> {
        let mime = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match mime.as_str() {
            "" | "application/x-www-form-urlencoded" | "application/octet-stream" | "*/*" => {
                Some(Self::Unlabelled)
            }
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/json-lines"
            | "application/jsonlines"
            | "application/json-seq" => Some(Self::NdJson),
            "application/json" | "text/json" => Some(Self::Json),
            _ if mime.starts_with("application/") && mime.ends_with("ndjson") => Some(Self::NdJson),
            _ if mime.starts_with("application/") && mime.ends_with("+json") => Some(Self::Json),
            "text/html" | "text/xml" => None,
            _ if mime.starts_with("text/") => Some(Self::Text),
            _ => None,
        }
    }
}

/// One item of a body: an event, or why it is none.
pub type Item<'a> = Result<RawEvent<'a>, Reject<'a>>;

/// Reads a body item by item. After a `BodyError` nothing follows, and nothing before it may be kept.
pub fn decode(body: &[u8], content: Content) -> Items<'_> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let form = match content {
        Content::Text => Form::Text(Groups::of_body(body)),
        Content::Unlabelled if !looks_like_json(body) => Form::Text(Groups::of_body(body)),
        Content::Json | Content::NdJson | Content::Unlabelled => Form::Json(JsonItems {
            body,
            reader: Reader::new(body),
            in_array: false,
            by_line: content == Content::NdJson,
        }),
    };
    Items { form, index: 0 }
}

/// Reads an event that stands alone, as a line or a member of something larger.
pub fn object(index: usize, bytes: &[u8]) -> Item<'_> {
    let bytes = bytes.trim_ascii();
    let mut reader = Reader::new(bytes);
    let fault = match reader.value() {
        Ok(Value::Object(fields)) if reader.peek().is_none() => {
            let repaired = reader.take_repaired();
            return Ok(RawEvent {
                original: Cow::Borrowed(bytes),
                repaired,
                ..RawEvent::from_object(index, fields)
            });
        }
        Ok(other) if reader.peek().is_none() => {
            let detail = format!("an event is a JSON object, this is {}", kind_of(&other));
            return Err(Reject { index, code: RejectCode::NotAnObject, detail, original: bytes.into() });
        }
        Ok(_) => Fault::Expected("nothing behind the object"),
        Err(fault) => fault,
    };
    let detail = format!("byte {} of the event: {fault}", reader.position());
    Err(Reject { index, code: code_of(fault), detail, original: bytes.into() })
}

fn code_of(fault: Fault) -> RejectCode {
    match fault {
        Fault::TooDeep => RejectCode::TooDeep,
        Fault::TooMany => RejectCode::TooManyValues,
        Fault::Expected(_) | Fault::Unfinished => RejectCode::InvalidJson,
    }
}

/// The items of a body.
pub struct Items<'a> {
    form: Form<'a>,
    index: usize,
}

enum Form<'a> {
    Json(JsonItems<'a>),
    Text(Groups<'a>),
    Ended,
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, BodyError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        let item = match &mut self.form {
            Form::Ended => None,
            Form::Json(items) => items.next(index).transpose(),
            Form::Text(groups) => groups.next().map(|bytes| Ok(Ok(text_event(index, bytes)))),
        };
        if !matches!(item, Some(Ok(_))) {
            self.form = Form::Ended;
        }
        self.index += 1;
        item
    }
}

fn text_event(index: usize, bytes: &[u8]) -> RawEvent<'_> {
    let text = String::from_utf8_lossy(bytes);
    let repaired = matches!(text, Cow::Owned(_));
    RawEvent { original: Cow::Borrowed(bytes), repaired, ..RawEvent::from_line(index, text) }
}

/// An unlabelled body is JSON if it begins like an object or like an array of them; `[error] …` is a line.
fn looks_like_json(body: &[u8]) -> bool {
    let mut visible = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match visible.next() {
        Some(b'{') => true,
        Some(b'[') => matches!(visible.next(), Some(b'{' | b']' | b'[')),
        _ => false,
    }
}

struct JsonItems<'a> {
    body: &'a [u8],
    reader: Reader<'a>,
    in_array: bool,
    /// Items are known to be lines, so that a broken one ends with its line.
    by_line: bool,
}

impl<'a> JsonItems<'a> {
    fn next(&mut self, index: usize) -> Result<Option<Item<'a>>, BodyError> {
        loop {
            self.skip_separators();
            match self.reader.peek() {
                None if self.in_array => return Err(self.broken(Fault::Unfinished)),
                None => return Ok(None),
                Some(b']') if self.in_array => {
                    self.reader.advance();
                    self.in_array = false;
                }
                Some(b'[') if !self.in_array => {
                    self.reader.advance();
                    self.in_array = true;
                    continue;
                }
                Some(_) => return self.item(index).map(Some),
            }
        }
    }

    /// Blanks, and the record separators of `application/json-seq`.
    fn skip_separators(&mut self) {
        self.reader.skip_blanks();
        while self.reader.peek() == Some(0x1E) {
            self.reader.advance();
            self.reader.skip_blanks();
        }
    }

    fn item(&mut self, index: usize) -> Result<Item<'a>, BodyError> {
        let start = self.reader.position();
        let value = match self.reader.value() {
            Ok(value) => value,
            Err(fault) => return self.recover(index, start, fault),
        };
        let repaired = self.reader.take_repaired();
        let original = Cow::Borrowed(&self.body[start..self.reader.position()]);
        if self.in_array {
            self.array_separator()?;
        } else {
            self.by_line |= index == 0 && self.ends_its_line(start);
        }
        Ok(match value {
            Value::Object(fields) => {
                Ok(RawEvent { original, repaired, ..RawEvent::from_object(index, fields) })
            }
            other => Err(Reject {
                index,
                code: RejectCode::NotAnObject,
                detail: format!("an event is a JSON object, this is {}", kind_of(&other)),
                original,
            }),
        })
    }

    fn array_separator(&mut self) -> Result<(), BodyError> {
        self.reader.skip_blanks();
        match self.reader.peek() {
            Some(b',') => self.reader.advance(),
            Some(b']') => return Ok(()),
            Some(_) => return Err(self.broken(Fault::Expected("`,` or `]` between events"))),
            None => return Err(self.broken(Fault::Unfinished)),
        }
        self.reader.skip_blanks();
        match self.reader.peek() {
            Some(b']') => Err(self.broken(Fault::Expected("an event after `,`"))),
            _ => Ok(()),
        }
    }

    fn ends_its_line(&self, start: usize) -> bool {
        let item = &self.body[start..self.reader.position()];
        !item.contains(&b'\n') && matches!(self.reader.peek(), Some(b'\n' | b'\r'))
    }

    /// Finds where the next item begins behind a broken one.
    fn recover(&mut self, index: usize, start: usize, fault: Fault) -> Result<Item<'a>, BodyError> {
        self.reader.take_repaired();
        let failed_at = self.reader.position();
        let code = code_of(fault);
        let end = match code {
            RejectCode::InvalidJson => self.end_of_broken_line(index, start),
            _ => self.end_of_whole_value(start).or_else(|| self.end_of_broken_line(index, start)),
        };
        let Some(end) = end else {
            self.reader.set_position(failed_at);
            return Err(self.broken(fault));
        };
        self.reader.set_position(end);
        if self.in_array {
            self.array_separator()?;
        }
        let detail = format!("byte {} of the event: {fault}", failed_at - start);
        let original = Cow::Borrowed(self.body[start..end].trim_ascii_end());
        Ok(Err(Reject { index, code, detail, original }))
    }

    fn end_of_whole_value(&mut self, start: usize) -> Option<usize> {
        self.reader.set_position(start);
        self.reader.skip_value().then(|| self.reader.position())
    }

    /// The end of the line, if items are lines here. The second line tells when the first is broken.
    fn end_of_broken_line(&self, index: usize, start: usize) -> Option<usize> {
        if self.in_array {
            return None;
        }
        let line_length = self.body[start..].iter().position(|byte| *byte == b'\n');
        let end = line_length.map_or(self.body.len(), |length| start + length);
        let next_line = self.body[end..].trim_ascii_start();
        let by_line = self.by_line || index > 0 || next_line.starts_with(b"{");
        by_line.then_some(end)
    }

    fn broken(&self, fault: Fault) -> BodyError {
        BodyError { offset: self.reader.position(), detail: fault.to_string() }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Digits(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ok:<fields>`, `<code>@<index>` for each item, and `broken` for the body.
    fn outcome(body: &str, content: Content) -> Vec<String> {
        decode(body.as_bytes(), content)
            .map(|item| match item {
                Ok(Ok(raw)) => format!("ok:{}{}", raw.message.unwrap_or_default(), raw.fields.to_json()),
                Ok(Err(reject)) => format!("{}@{}", reject.code.as_str(), reject.index),
                Err(_) => "broken".to_owned(),
            })
            .collect()
    }

    #[test]
    fn one_object_an_array_lines_and_objects_in_a_row_give_the_same_events() {
        let expected = ["ok:{\"a\":1}", "ok:{\"a\":2}"];
        for body in [
            r#"[{"a":1},{"a":2}]"#,
            "{\"a\":1}\n{\"a\":2}\n",
            r#"{"a":1}{"a":2}"#,
            " \n[ {\"a\":1} , {\"a\":2} ]\r\n",
            "{\n\"a\": 1}\n{\n\"a\":2\n}",
        ] {
            for content in [Content::Json, Content::NdJson, Content::Unlabelled] {
                assert_eq!(outcome(body, content), expected, "{body}");
            }
        }
        assert_eq!(outcome(r#"{"a":1}"#, Content::Json), ["ok:{\"a\":1}"]);
        assert_eq!(outcome("\u{feff}{\"a\":1}", Content::Json), ["ok:{\"a\":1}"]);
    }

    #[test]
    fn a_broken_line_costs_only_itself() {
        let body = "{\"a\":1}\n{\"a\":\nnot json\n\n{\"a\":2}\n{\"a\":3";
        let expected = ["ok:{\"a\":1}", "invalid_json@1", "invalid_json@2", "ok:{\"a\":2}", "invalid_json@4"];
        assert_eq!(outcome(body, Content::NdJson), expected);
        assert_eq!(outcome(body, Content::Json), expected);
        assert_eq!(outcome("{\"a\":\n{\"a\":2}", Content::Json), ["invalid_json@0", "ok:{\"a\":2}"]);
        assert_eq!(outcome("nonsense\n{\"a\":2}", Content::NdJson), ["invalid_json@0", "ok:{\"a\":2}"]);
    }

    #[test]
    fn a_body_that_is_broken_as_a_whole_says_so() {
        for body in [
            r#"{"a":1"#,
            "{\n\"a\": oops\n}",
            "hello",
            "[{\"a\":1},",
            "[{\"a\":1}",
            "[{\"a\":1} {\"a\":2}]",
            "[{\"a\":1},]",
        ] {
            assert_eq!(outcome(body, Content::Json).last().unwrap(), "broken", "{body}");
        }
    }

    #[test]
    fn items_that_are_no_objects_are_rejected_by_index() {
        assert_eq!(
            outcome(r#"[{"a":1},7,"x",null]"#, Content::Json),
            ["ok:{\"a\":1}", "not_an_object@1", "not_an_object@2", "not_an_object@3"]
        );
    }

    #[test]
    fn an_object_that_stands_alone_is_an_event_and_nothing_else_is() {
        let outcome = |text: &'static str| match object(3, text.as_bytes()) {
            Ok(raw) => format!("{}:{}", raw.index, raw.fields.to_json()),
            Err(reject) => format!("{}@{}", reject.code.as_str(), reject.index),
        };
        assert_eq!(outcome(" {\"a\":1}\r"), "3:{\"a\":1}");
        assert_eq!(outcome("{\"a\":1}{\"b\":2}"), "invalid_json@3");
        assert_eq!(outcome("[1]"), "not_an_object@3");
        assert_eq!(outcome("{\"a\""), "invalid_json@3");
        assert_eq!(outcome(""), "invalid_json@3");
    }

    #[test]
    fn a_bomb_in_an_array_costs_only_itself() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let body = format!(r#"[{{"a":1}},{{"b":{deep}}},{{"a":2}}]"#);
        assert_eq!(outcome(&body, Content::Json), ["ok:{\"a\":1}", "too_deep@1", "ok:{\"a\":2}"]);
    }

    #[test]
    fn a_bomb_that_does_not_end_costs_only_its_line() {
        let body = format!("{{\"a\":1}}\n{}\n{{\"a\":2}}", "{\"b\":".repeat(100_000));
        assert_eq!(outcome(&body, Content::NdJson), ["ok:{\"a\":1}", "too_deep@1", "ok:{\"a\":2}"]);
    }

    #[test]
    fn unlabelled_bodies_are_read_as_what_they_are() {
        assert_eq!(outcome("hello\nworld", Content::Unlabelled), ["ok:hello{}", "ok:world{}"]);
        assert_eq!(outcome("[error] disk full", Content::Unlabelled), ["ok:[error] disk full{}"]);
        assert_eq!(outcome("{\"a\":1}", Content::Unlabelled), ["ok:{\"a\":1}"]);
    }

    #[test]
    fn the_content_type_tells_the_form() {
        for (mime, expected) in [
            ("application/json; charset=utf-8", Some(Content::Json)),
            ("application/x-ndjson", Some(Content::NdJson)),
            ("Text/Plain", Some(Content::Text)),
            ("application/x-www-form-urlencoded", Some(Content::Unlabelled)),
            ("", Some(Content::Unlabelled)),
            ("application/vnd.api+json", Some(Content::Json)),
            ("application/xml", None),
            ("multipart/form-data", None),
        ] {
            assert_eq!(Content::from_mime(mime), expected, "{mime}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_run_forever(body: Vec<u8>, content in 0..4_usize) {
            let content = [Content::Json, Content::NdJson, Content::Text, Content::Unlabelled][content];
            proptest::prop_assert!(decode(&body, content).count() <= body.len() + 1);
        }

        #[test]
        fn every_line_of_ndjson_gets_one_answer(lines in proptest::collection::vec("[a-z{}\":, 0-9]{1,20}", 0..20)) {
            let visible = lines.iter().filter(|line| !line.trim().is_empty()).count();
            let body = lines.iter().map(|line| format!("{{\"m\":\"{}\"}}\n", line.replace('"', ""))).collect::<String>();
            let items: Vec<_> = decode(body.as_bytes(), Content::NdJson).collect();
            proptest::prop_assert!(items.len() == lines.len() && visible <= lines.len());
            for (position, item) in items.iter().enumerate() {
                let index = match item { Ok(Ok(raw)) => raw.index, Ok(Err(reject)) => reject.index, Err(_) => usize::MAX };
                proptest::prop_assert_eq!(index, position);
            }
        }
    }
}
