//! The events of one file, and the server's questions about them.
//!
//! Events borrow from the file's bytes, so that 200 MB of text take little more than that. One pass over them serves all questions
//! about the same query and range.

use super::client::Opened;
use super::gather::Plan;
use super::overview;
use api_types::problem::Problem;
use api_types::search::{self as wire, SearchAnswer, SearchRequest, SearchStats, TimeInput};
use event::{BodyError, Content, Event, Intake, Object, decode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use query_lang::ast::Level;
use query_lang::eval::{self, StreamRow};
use query_lang::{Catalogue, CheckContext, Diagnostic};
use serde_json::{Map, Value, json};

const MS: i64 = 1_000_000;
/// Progress is told after so many events.
const STEP: usize = 50_000;
/// Nothing is too old to be looked at.
const ANY_AGE_DAYS: u32 = 100_000;

pub struct LocalFile {
    /// Newest first.
    pub events: Vec<Event<'static>>,
    bytes: u64,
    now_ms: i64,
    last: Option<Found>,
}

/// What a query finds in a range.
pub struct Found {
    asked: (String, i64, i64),
    pub from_ms: i64,
    pub to_ms: i64,
    plan: Plan,
    /// Numbers of events.
    pub matching: Vec<u32>,
}

pub fn problem(code: &str, detail: impl Into<String>) -> Box<Problem> {
    Box::new(Problem {
        type_uri: "about:blank".into(),
        title: "This cannot be answered".into(),
        status: 422,
        detail: detail.into(),
        code: code.into(),
        request_id: String::new(),
        errors: Vec::new(),
        diagnostics: Vec::new(),
        span: None,
        hint: None,
    })
}

pub fn refused(diagnostic: Diagnostic) -> Box<Problem> {
    let span = wire::Span { start: diagnostic.span.start, end: diagnostic.span.end };
    let mut problem = problem("query_invalid", diagnostic.message.clone());
    problem.diagnostics = vec![wire::Diagnostic {
        severity: "error".into(),
        code: diagnostic.code.to_string(),
        span,
        span_utf16: None,
        message: diagnostic.message,
        hint: diagnostic.hint,
        fixes: Vec::new(),
    }];
    problem
}

impl LocalFile {
    /// Reads a whole file. `progress` hears how many events there are so far.
    pub fn read(
        bytes: Vec<u8>,
        now_ms: i64,
        mut progress: impl FnMut(f64),
    ) -> Result<(Self, Opened), Box<Problem>> {
        let size = bytes.len() as u64;
        // The worker ends with the file, and so does the memory.
        let bytes: &'static [u8] = Vec::leak(bytes);
        let intake = Intake::new(now_ms * MS, ANY_AGE_DAYS);
        let (mut events, mut opened) = match read_as(bytes, Content::Unlabelled, &intake, &mut progress) {
            Ok(read) => read,
            // It began like JSON and is something else; lines are always lines.
            Err(_) => read_as(bytes, Content::Text, &intake, &mut progress)
                .map_err(|error| problem("unreadable", error.to_string()))?,
        };
        if events.is_empty() {
            return Err(problem(
                "no_events",
                opened
                    .reason
                    .unwrap_or_else(|| "The file has no lines that could be read as log events.".into()),
            ));
        }
        events.reverse();
        events.sort_by_key(|event| std::cmp::Reverse(event.timestamp_ns));
        opened.events = events.len() as u64;
        let ms =
            |event: Option<&Event>| event.map(|event| event.timestamp_ns.div_euclid(MS)).unwrap_or_default();
        (opened.to_ms, opened.from_ms) = (ms(events.first()), ms(events.last()));
        Ok((Self { events, bytes: size, now_ms, last: None }, opened))
    }

    /// Answers what the server would, as JSON.
    pub fn ask(
        &mut self,
        what: &str,
        request: &str,
        elapsed_ms: impl Fn() -> f64,
    ) -> Result<String, Box<Problem>> {
        let text = |value: Value| value.to_string();
        if what == "event" {
            let id: String = serde_json::from_str(request).unwrap_or_default();
            let found = id.parse::<usize>().ok().filter(|number| *number < self.events.len());
            return match found {
                Some(number) => Ok(text(row(&self.events[number], number, None))),
                None => Err(problem("not_found", "There is no such event in this file.")),
            };
        }
        let request: SearchRequest =
            serde_json::from_str(request).map_err(|error| problem("request_invalid", error.to_string()))?;
        self.find(&request)?;
        let found = self.last.as_ref().expect("it was found just now");
        let events = &self.events;
        Ok(match what {
            "search" => match found.plan.gather(self, &found.matching)? {
                Some(mut whole) => {
                    whole.stats = self.stats(elapsed_ms());
                    text(json!(whole))
                }
                None => text(json!(self.page(found, &request, elapsed_ms()))),
            },
            "histogram" => text(json!(overview::histogram(events, found, request.buckets))),
            "fields" => text(json!(wire::Fields {
                fields: overview::fields(events, found),
                events: found.matching.len() as u64,
                sampled: false,
            })),
            "patterns" => text(json!(overview::patterns(events, found, &request))),
            "field-values" => text(json!(overview::values(events, found, &request))),
            _ => return Err(problem("not_local", "This needs a server; a file alone cannot answer it.")),
        })
    }

    /// Runs the query unless it was the last one.
    fn find(&mut self, request: &SearchRequest) -> Result<(), Box<Problem>> {
        let ends = |end: &Option<TimeInput>, default: i64| match end {
            Some(TimeInput::Text(text)) => crate::format::parse_ms(text).unwrap_or(default),
            Some(TimeInput::Number(ms)) => *ms as i64,
            None => default,
        };
        let (from_ms, to_ms) = (ends(&request.from, i64::MIN / MS), ends(&request.to, i64::MAX / MS));
        let asked = (request.query.clone(), from_ms, to_ms);
        if self.last.as_ref().is_some_and(|last| last.asked == asked) {
            return Ok(());
        }
        let now_ns = self.now_ms * MS;
        let context =
            CheckContext { now_ns, from_ns: from_ms * MS, to_ns: to_ms * MS, time_zone: TimeZone::UTC };
        let parsed = query_lang::parse(&request.query).map_err(refused)?;
        let checked = query_lang::check(&parsed.query, &Catalogue::default(), &context).map_err(refused)?;
        let plan = Plan::of(&checked.query, checked.from_ns, checked.to_ns)?;
        let range = checked.from_ns..checked.to_ns;
        let holds = |(number, event): (usize, &Event<'static>)| {
            let in_range = range.contains(&event.timestamp_ns);
            (in_range && looked_at(event, number, |event| plan.stream.apply(event).is_some()))
                .then_some(number as u32)
        };
        let matching = self.events.iter().enumerate().filter_map(holds).collect();
        self.last = Some(Found { asked, from_ms, to_ms, plan, matching });
        Ok(())
    }

    fn page(&self, found: &Found, request: &SearchRequest, elapsed_ms: f64) -> SearchAnswer {
        let start = request.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0_usize);
        let end = (start + request.limit.unwrap_or(100) as usize).min(found.matching.len());
        let rows = found.matching[start.min(end)..end].iter().map(|number| {
            let number = *number as usize;
            let event = &self.events[number];
            looked_at(event, number, |seen| row(event, number, found.plan.stream.apply(seen)))
        });
        SearchAnswer {
            columns: Vec::new(),
            rows: rows.collect(),
            next_cursor: (end < found.matching.len()).then(|| end.to_string()),
            stats: self.stats(elapsed_ms),
            warnings: Vec::new(),
            truncated: false,
            shape: "events".into(),
            empty: None,
        }
    }

    fn stats(&self, elapsed_ms: f64) -> SearchStats {
        SearchStats {
            elapsed_ms,
            rows_read: self.events.len() as u64,
            bytes_read: self.bytes,
            ..SearchStats::default()
        }
    }
}

/// Events in the order of the file; one without a time has that of the event before it.
fn read_as(
    bytes: &'static [u8],
    content: Content,
    intake: &Intake<'static>,
    progress: &mut impl FnMut(f64),
) -> Result<(Vec<Event<'static>>, Opened), BodyError> {
    let (mut events, mut opened) = (Vec::new(), Opened::default());
    let mut time_ns = None;
    for item in decode(bytes, content) {
        match item?.and_then(|raw| intake.normalise(raw)) {
            Ok(mut event) => {
                if event.marks.time_of_arrival {
                    event.timestamp_ns = time_ns.unwrap_or(event.timestamp_ns);
                } else {
                    time_ns = Some(event.timestamp_ns);
                }
                events.push(event);
                if events.len().is_multiple_of(STEP) {
                    progress(events.len() as f64);
                }
            }
            Err(reject) => {
                opened.rejected += 1;
                opened.reason.get_or_insert(reject.detail);
            }
        }
    }
    Ok((events, opened))
}

/// An event as the language's evaluator takes it.
pub fn looked_at<T>(event: &Event, number: usize, look: impl FnOnce(&eval::Event) -> T) -> T {
    let (id, attributes) = (number.to_string(), map(&event.attributes));
    look(&eval::Event {
        id: &id,
        timestamp_ns: event.timestamp_ns,
        level: event.level.name().and_then(Level::from_name),
        source: &event.source,
        host: &event.host,
        message: &event.message,
        trace_id: &event.trace_id,
        span_id: &event.span_id,
        attributes: &attributes,
    })
}

fn map(object: &Object) -> Map<String, Value> {
    if object.is_empty() {
        return Map::new();
    }
    match serde_json::to_value(object) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// An event as the server would answer it; what stages computed counts as attributes.
pub fn row(event: &Event, number: usize, computed: Option<StreamRow>) -> Value {
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let time = Timestamp::from_nanosecond(event.timestamp_ns.into())
        .map(|time| time.to_string())
        .unwrap_or_default();
    let mut attributes = map(&event.attributes);
    let mut is_closed = false;
    if let Some(computed) = computed {
        is_closed = computed.closed;
        if is_closed {
            attributes.clear();
        }
        attributes.extend(computed.unpacked.into_iter().flatten());
        for path in &computed.dropped {
            attributes.remove(path);
        }
        attributes.extend(computed.columns.into_iter().map(|(name, value)| (name, value.to_json())));
    }
    let core = |value: &str| if is_closed { Value::Null } else { text(value) };
    json!({
        "id": number.to_string(), "timestamp": time,
        "level": if is_closed { Value::Null } else { event.level.name().map_or(Value::Null, Into::into) },
        "source": core(&event.source), "host": core(&event.host), "message": core(&event.message),
        "trace_id": core(&event.trace_id), "span_id": core(&event.span_id),
        "attributes": attributes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> LocalFile {
        LocalFile::read(text.as_bytes().to_vec(), 1_773_146_096_000, |_| {}).expect("a readable file").0
    }

    fn ask(file: &mut LocalFile, what: &str, request: Value) -> Value {
        let answer = file.ask(what, &request.to_string(), || 1.0).expect("an answer");
        serde_json::from_str(&answer).expect("JSON")
    }

    const LINES: &str = "\
2026-03-10T10:00:00Z ERROR upstream timeout after 5000 ms
a line without a time
2026-03-10T10:01:00Z INFO all is well
{\"timestamp\": \"2026-03-10T10:02:00Z\", \"level\": \"error\", \"message\": \"timeout again\", \"http\": {\"status\": 504}}
";

    #[test]
    fn a_file_is_searched_as_the_server_would() {
        let mut file = file(LINES);
        let answer = ask(&mut file, "search", json!({"query": "timeout level:error"}));
        let messages: Vec<_> =
            answer["rows"].as_array().expect("rows").iter().map(|row| &row["message"]).collect();
        assert_eq!(messages.len(), 2, "{answer}");
        assert_eq!(answer["rows"][0]["attributes"]["http"]["status"], 504);
        let answer = ask(&mut file, "search", json!({"query": "http.status>=500"}));
        assert_eq!(answer["rows"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn pages_follow_each_other_without_gap() {
        let mut file = file(LINES);
        let first = ask(&mut file, "search", json!({"query": "", "limit": 3}));
        let second =
            ask(&mut file, "search", json!({"query": "", "limit": 3, "cursor": first["next_cursor"]}));
        assert_eq!(
            (first["rows"].as_array().map(Vec::len), second["rows"].as_array().map(Vec::len)),
            (Some(3), Some(1))
        );
        assert_eq!(second["next_cursor"], Value::Null);
    }

    #[test]
    fn a_line_without_a_time_stays_beside_its_neighbour() {
        let mut file = file(LINES);
        let answer = ask(&mut file, "search", json!({"query": "without"}));
        assert_eq!(answer["rows"][0]["timestamp"], "2026-03-10T10:00:00Z");
    }

    #[test]
    fn events_are_counted_and_sorted_as_the_server_would() {
        let mut file = file(LINES);
        let table = ask(&mut file, "search", json!({"query": "* | stats count() as n by level | sort -n"}));
        assert_eq!(table["shape"], "table");
        assert_eq!(table["columns"][1], json!({"name": "n", "type": "number"}));
        assert_eq!(table["rows"][0], json!({"level": "error", "n": 2}), "{table}");
        let sorted = ask(&mut file, "search", json!({"query": "timeout | sort timestamp"}));
        assert_eq!(sorted["rows"][1]["message"], "timeout again", "{sorted}");
        let counted = ask(&mut file, "histogram", json!({"query": "timeout | stats count()"}));
        assert_eq!(counted["buckets"].as_array().map(Vec::len), Some(2), "{counted}");
    }

    #[test]
    fn what_cannot_be_done_says_so() {
        let mut file = file(LINES);
        let refused = file
            .ask("search", &json!({"query": "* | context 1"}).to_string(), || 1.0)
            .expect_err("needs other events");
        assert_eq!(refused.code, "query_invalid");
        let refused =
            file.ask("search", &json!({"query": "level:("}).to_string(), || 1.0).expect_err("broken");
        assert!(!refused.diagnostics.is_empty());
        assert!(LocalFile::read(b"\n\n".to_vec(), 0, |_| {}).is_err());
    }

    #[test]
    fn a_mixed_field_tells_how_often_it_is_what() {
        let mut file = file("{\"size\": 1}\n{\"size\": 2}\n{\"size\": \"big\"}\n");
        let fields = ask(&mut file, "fields", json!({"query": ""}));
        let all = fields["fields"].as_array().expect("fields");
        let size = all.iter().find(|field| field["name"] == "size").expect("a size");
        assert_eq!((&size["type"], &size["count"]), (&json!("mixed"), &json!(3)));
        assert_eq!(size["types"], json!({"number": 2, "string": 1}));
    }

    #[test]
    fn overviews_count_what_the_query_finds() {
        let mut file = file(LINES);
        let range = json!({"query": "timeout", "from": "2026-03-10T10:00:00Z", "to": "2026-03-10T10:03:00Z", "buckets": 3});
        let histogram = ask(&mut file, "histogram", range.clone());
        let totals: Vec<_> = histogram["buckets"]
            .as_array()
            .expect("buckets")
            .iter()
            .map(|bucket| bucket["total"].as_u64())
            .collect();
        assert_eq!(totals.iter().flatten().sum::<u64>(), 2, "{histogram}");
        let fields = ask(&mut file, "fields", range.clone());
        let names: Vec<_> = fields["fields"]
            .as_array()
            .expect("fields")
            .iter()
            .filter_map(|field| field["name"].as_str())
            .collect();
        assert!(names.contains(&"http.status") && names.contains(&"level"), "{names:?}");
        assert_eq!(fields["events"], 2);
        let patterns = ask(&mut file, "patterns", range.clone());
        let said: Vec<_> = patterns["patterns"]
            .as_array()
            .expect("patterns")
            .iter()
            .map(|each| (&each["pattern"], &each["count"]))
            .collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(patterns["events"], 2);
        let mut values = range;
        values["field"] = "level".into();
        let values = ask(&mut file, "field-values", values);
        assert_eq!(values["values"][0], json!({"value": "error", "count": 2}));
    }
}
