//! A bulk body told into its items, and the answer that has one result for each.

use super::super::Unreadable;
use super::{NO_INDEX, new_id};
use api_types::ingest::IngestError as EventError;
use event::json::Reader;
use event::{Object, Value, write_json_string};
use std::borrow::Cow;
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Index,
    Create,
    Update,
    Delete,
}

impl Action {
    fn named(name: &str) -> Option<Self> {
        [Self::Index, Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|action| action.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One item of a bulk body.
#[derive(Debug, PartialEq)]
pub struct Operation<'a> {
    pub action: Action,
    pub index: Cow<'a, str>,
    pub id: Option<Cow<'a, str>>,
    /// The line behind the action's; absent for `delete`, and at the end of a body that was cut.
    pub document: Option<&'a [u8]>,
}

impl<'a> Operation<'a> {
    /// The index as a source: without the date that Logstash and others put behind it, and nothing when none was named.
    pub fn source(&self) -> Cow<'a, str> {
        match &self.index {
            index if index == NO_INDEX => Cow::Borrowed(""),
            Cow::Borrowed(index) => Cow::Borrowed(without_date(index)),
            Cow::Owned(index) => Cow::Owned(without_date(index).to_owned()),
        }
    }
}

/// `app-2026.03.10` and `app-2026.03` are `app`.
fn without_date(index: &str) -> &str {
    for shape in ["-0000.00.00", "-0000-00-00", "-0000.00"] {
        let Some(end) = index.len().checked_sub(shape.len()).filter(|end| *end > 0) else { continue };
        let fits = |(byte, wanted): (u8, u8)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == wanted,
        };
        if index.bytes().skip(end).zip(shape.bytes()).all(fits) {
            return &index[..end];
        }
    }
    index
}

/// Tells a body into its items.
///
/// # Errors
/// When a line that has to say what to do does not: what follows cannot be told apart then.
pub fn operations<'a>(body: &'a [u8], index: &'a str) -> Result<Vec<Operation<'a>>, Unreadable> {
    let mut lines = body.split(|byte| *byte == b'\n').enumerate();
    let mut operations = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut operation = operation(line, index).ok_or_else(|| malformed(number + 1))?;
        if operation.action != Action::Delete {
            operation.document = lines.next().map(|(_, document)| document);
        }
        operations.push(operation);
    }
    match operations.is_empty() {
        true => Err(Unreadable("Validation Failed: 1: no requests added;".into())),
        false => Ok(operations),
    }
}

fn malformed(number: usize) -> Unreadable {
    Unreadable(format!(
        "Malformed action/metadata line [{number}], expected an object with one of index, create, update, delete"
    ))
}

/// `{"create": {"_index": "logs", "_id": "1"}}`
fn operation<'a>(line: &'a [u8], index: &'a str) -> Option<Operation<'a>> {
    let mut reader = Reader::new(line.trim_ascii());
    let Ok(Value::Object(outer)) = reader.value() else { return None };
    if reader.peek().is_some() || outer.len() != 1 {
        return None;
    }
    let (name, metadata) = outer.into_iter().next()?;
    let action = Action::named(&name)?;
    let Value::Object(metadata) = metadata else { return None };
    let (named, id) = (text(&metadata, "_index"), text(&metadata, "_id"));
    Some(Operation { action, index: named.unwrap_or(Cow::Borrowed(index)), id, document: None })
}

fn text<'a>(metadata: &Object<'a>, name: &str) -> Option<Cow<'a, str>> {
    match metadata.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        number @ (Value::Int(_) | Value::UInt(_)) => Some(Cow::Owned(number.to_json())),
        _ => None,
    }
}

/// The answer, written item by item.
pub struct Answered {
    items: Vec<u8>,
    has_errors: bool,
    /// Clients that only look for errors say so, and get no names and ids back.
    brief: bool,
}

impl Answered {
    pub fn new(query: &str, count: usize) -> Self {
        let filter = query.split('&').find_map(|each| each.strip_prefix("filter_path="));
        let whole = |path: &str| matches!(path, "items" | "items.*" | "items.**" | "*" | "**");
        let brief = filter.is_some_and(|filter| {
            !filter.contains("_id")
                && !filter.contains("_index")
                && !filter.replace("%2C", ",").split(',').any(whole)
        });
        Self { items: Vec::with_capacity(count * if brief { 28 } else { 220 }), has_errors: false, brief }
    }

    pub fn add(&mut self, operation: &Operation<'_>, error: Option<EventError>) {
        if !self.items.is_empty() {
            self.items.push(b',');
        }
        self.write("{\"");
        self.write(operation.action.name());
        self.write("\":{");
        if !self.brief {
            self.write("\"_index\":");
            write_json_string(&operation.index, &mut self.items);
            self.write(",\"_id\":");
            match &operation.id {
                Some(id) => write_json_string(id, &mut self.items),
                None => write_json_string(&new_id(), &mut self.items),
            }
            self.write(",");
        }
        match error {
            Some(error) => self.add_error(&error),
            None if self.brief => self.write("\"status\":201}}"),
            None => self.write(
                "\"_version\":1,\"result\":\"created\",\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\
                 \"_seq_no\":0,\"_primary_term\":1,\"status\":201}}",
            ),
        }
    }

    /// 400 tells clients not to send the item again.
    fn add_error(&mut self, error: &EventError) {
        self.has_errors = true;
        self.write("\"status\":400,\"error\":{\"type\":\"document_parsing_exception\",\"reason\":");
        write_json_string(&format!("[{}] {}", error.code, error.detail), &mut self.items);
        self.write("}}}");
    }

    fn write(&mut self, text: &str) {
        self.items.extend_from_slice(text.as_bytes());
    }

    pub fn finish(self, begin: Instant) -> String {
        let items = String::from_utf8(self.items).expect("it is written from text");
        let (errors, took) = (self.has_errors, begin.elapsed().as_millis());
        format!("{{\"errors\":{errors},\"took\":{took},\"items\":[{items}]}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_told_into_its_items() {
        let body = "{\"index\":{\"_index\":\"a\",\"_id\":7,\"_type\":\"_doc\"}}\n{\"x\":1}\r\n\n{\"create\":{}}\n{\"x\":2}\n{\"delete\":{\"_id\":\"z\"}}\n{ \"update\" : {} }";
        let shown: Vec<_> = operations(body.as_bytes(), "of-path")
            .unwrap()
            .iter()
            .map(|each| {
                let document = each.document.map(|document| String::from_utf8_lossy(document).into_owned());
                format!("{} {} {:?} {document:?}", each.action.name(), each.index, each.id)
            })
            .collect();
        assert_eq!(
            shown,
            [
                r#"index a Some("7") Some("{\"x\":1}\r")"#,
                r#"create of-path None Some("{\"x\":2}")"#,
                r#"delete of-path Some("z") None"#,
                "update of-path None None",
            ]
        );
    }

    #[test]
    fn a_line_that_is_no_action_is_named() {
        for (body, line) in [
            ("{\"message\":\"x\"}\n", 1),
            ("{\"index\":{}}\n{}\nnonsense\n", 3),
            ("{\"index\":{},\"create\":{}}\n{}\n", 1),
            ("[]", 1),
            ("{\"index\":1}\n{}", 1),
        ] {
            let told = operations(body.as_bytes(), "i").unwrap_err().to_string();
            assert!(told.contains(&format!("line [{line}]")), "{body}: {told}");
        }
        assert!(operations(b"\n \n", "i").unwrap_err().to_string().contains("no requests added"));
    }

    #[test]
    fn an_index_is_a_source_without_its_date() {
        let source = |index: &'static str| {
            Operation { action: Action::Index, index: index.into(), id: None, document: None }.source()
        };
        assert_eq!(source("logstash-2026.03.10"), "logstash");
        assert_eq!(source("app-2026.03"), "app");
        assert_eq!(source("app-1"), "app-1");
        assert_eq!(source("filebeat-8.15.10"), "filebeat-8.15.10");
        assert_eq!(source("logs"), "");
        assert_eq!(source("é-2026-03-10"), "é");
    }

    #[test]
    fn clients_that_only_look_for_errors_get_short_answers() {
        let answer = |query: &str| {
            let mut answered = Answered::new(query, 1);
            let body = b"{\"create\":{\"_id\":\"1\"}}\n{}";
            answered.add(&operations(body, "i").unwrap()[0], None);
            answered.finish(Instant::now())
        };
        assert!(
            answer("filter_path=errors,items.*.error,items.*.status")
                .contains(r#"[{"create":{"status":201}}]"#)
        );
        assert!(answer("pipeline=x").contains(r#"{"_index":"i","_id":"1","_version":1"#));
        assert!(answer("filter_path=items.*._id").contains("\"_id\":\"1\""));
    }

    proptest::proptest! {
        #[test]
        fn every_line_of_any_body_is_an_action_a_document_or_named(body in "(\\{\"(index|create|delete|x)\":\\{\\}\\}|[a-z{}\" ]{0,9}|\n){0,20}") {
            if let Ok(operations) = operations(body.as_bytes(), "i") {
                let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
                let documents = operations.iter().filter_map(|operation| operation.document);
                let visible = documents.filter(|document| !document.trim_ascii().is_empty()).count();
                proptest::prop_assert_eq!(operations.len() + visible, lines);
            }
        }
    }
}
