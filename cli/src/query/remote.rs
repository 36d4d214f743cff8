//! A query over what a server keeps: page after page, without a cap.

use super::rows::line_of_row;
use super::{Options, RangeOptions};
use crate::client::{Client, point_out};
use crate::diagnostic::Finding;
use crate::output::Format;
use crate::output::event::EventStyle;
use crate::output::sink::{Sink, event_columns, write_event};
use crate::terminal::Style;
use anyhow::Result;
use api_types::search::{SearchAnswer, SearchRequest, TimeInput};
use jiff::tz::TimeZone;
use query_lang::eval::{Event, Matcher};
use query_lang::{Catalogue, CheckContext};
use serde_json::{Map, Value as Json};

/// The first page comes fast, the others are large.
const FIRST_PAGE: u64 = 500;
const PAGE: u64 = 5_000;

/// Writes the answer. Says how many rows it has.
pub async fn run(options: &Options) -> Result<u64> {
    let client = Client::new(options.connection.resolve()?)?;
    let style = Style::of_stdout(options.shown.color);
    let mut request = request(&options.query, &options.range, options.project.clone())?;
    let mut sink = Sink::new(options.shown.output, options.shown.limit, style);
    let mut progress = Progress::new(options);
    let mut table: Vec<Vec<Json>> = Vec::new();
    let printer = Printer::of(options, style)?;
    loop {
        let left = options.shown.limit.map_or(u64::MAX, |limit| limit.saturating_sub(progress.rows));
        let page = if progress.rows == 0 { FIRST_PAGE } else { PAGE };
        request.limit = u32::try_from(page.min(left).max(1)).ok();
        let answer: SearchAnswer = client
            .post("/api/v1/logs/search", &request)
            .await
            .map_err(|error| point_out(error, &options.query))?;
        let is_first = progress.rows == 0;
        if is_first {
            tell_warnings(options, &answer);
        }
        progress.tell(answer.rows.len() as u64);
        let is_events = answer.shape == "events";
        let flow = if is_events && options.shown.output != Format::Table {
            if is_first {
                let _ = sink.begin(&event_columns(&printer.computed(&answer)))?;
            }
            printer.write(&answer, &mut sink)?
        } else {
            table.extend(answer.rows.iter().map(|row| cells(&answer, row)));
            std::ops::ControlFlow::Continue(())
        };
        let is_over = flow.is_break() || progress.rows >= options.shown.limit.unwrap_or(u64::MAX);
        match answer.next_cursor.clone().filter(|_| !is_over) {
            Some(cursor) => {
                // Later pages mean the same instant by `now`: the cursor holds it.
                let _ = sink.flush()?;
                request.cursor = Some(cursor);
            }
            None => {
                progress.end(answer.truncated && options.shown.limit.is_none());
                if !is_events || options.shown.output == Format::Table {
                    sink.table(&answer.columns, &table)?;
                }
                return sink.finish();
            }
        }
    }
}

/// A request for a query and a range, with times as they were typed.
pub fn request(query: &str, range: &RangeOptions, project_id: Option<String>) -> Result<SearchRequest> {
    let zone = range.zone()?;
    let (from, to) = range.texts();
    // What is no time is told here as everywhere.
    range.resolve(&zone, range.now_ns())?;
    let (from, to) = (from.or_else(|| to.as_ref().map(|_| "1970-01-02".to_owned())), to);
    Ok(SearchRequest {
        project_id,
        query: query.to_owned(),
        from: from.as_deref().map(TimeInput::from),
        to: to.as_deref().map(TimeInput::from),
        tz: zone.iana_name().map(str::to_owned),
        now: range.now.map(|now| TimeInput::Text(now.to_string())),
        ..SearchRequest::default()
    })
}

fn cells(answer: &SearchAnswer, row: &Json) -> Vec<Json> {
    answer.columns.iter().map(|column| row.get(&column.name).cloned().unwrap_or(Json::Null)).collect()
}

#[allow(clippy::print_stderr, reason = "warnings are for a person; the answer has standard output")]
fn tell_warnings(options: &Options, answer: &SearchAnswer) {
    let style = Style::of_stderr(options.shown.color);
    for warning in &answer.warnings {
        eprintln!("{}", Finding::of_answer(&options.query, warning).shown(&options.query, style));
    }
}

struct Printer {
    format: Format,
    style: EventStyle,
    matcher: Option<Matcher>,
}

impl Printer {
    fn of(options: &Options, style: Style) -> Result<Self> {
        let zone = options.range.zone()?;
        let matcher = if style.color { matcher(&options.query, options.range.now_ns(), &zone) } else { None };
        Ok(Self { format: options.shown.output, style: EventStyle { style, zone }, matcher })
    }

    /// Columns that stages computed on the events.
    fn computed(&self, answer: &SearchAnswer) -> Vec<String> {
        let known = event_columns(&[]);
        let names = answer.columns.iter().map(|column| column.name.clone());
        names.filter(|name| !known.contains(name) && name != "id").collect()
    }

    fn write(&self, answer: &SearchAnswer, sink: &mut Sink) -> Result<std::ops::ControlFlow<()>> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let computed = self.computed(answer);
        for row in answer.rows.iter().filter_map(Json::as_object) {
            match self.format {
                Format::Auto | Format::Raw | Format::Table => {
                    let mut line = line_of_row(row);
                    line.marks = self.marks(row);
                    self.style.write(&line, &mut bytes);
                }
                format => write_event(format, &computed, row, &mut bytes),
            }
            ends.push(bytes.len());
        }
        sink.rows(&bytes, &ends)
    }

    fn marks(&self, row: &Map<String, Json>) -> Vec<(usize, usize)> {
        let Some(matcher) = &self.matcher else { return Vec::new() };
        let text = |name: &str| row.get(name).and_then(Json::as_str).unwrap_or_default();
        let nothing = Map::new();
        let event = Event {
            id: text("id"),
            timestamp_ns: 0,
            level: None,
            source: text("source"),
            host: text("host"),
            message: text("message"),
            trace_id: text("trace_id"),
            span_id: text("span_id"),
            attributes: row.get("attributes").and_then(Json::as_object).unwrap_or(&nothing),
        };
        let marks = matcher.marks(&event).into_iter();
        marks.filter(|mark| mark.field == "message").flat_map(|mark| mark.spans).collect()
    }
}

/// For the marks alone: the server has checked the query, with more than is known here.
fn matcher(query: &str, now_ns: i64, zone: &TimeZone) -> Option<Matcher> {
    let (from_ns, to_ns) = super::range::EVER;
    let context = CheckContext { now_ns, from_ns, to_ns, time_zone: zone.clone() };
    let checked =
        query_lang::check(&query_lang::parse(query).ok()?.query, &Catalogue::default(), &context).ok()?;
    Matcher::of(checked.query.filter.as_ref()).ok()
}

/// How far it is, on standard error when that is a terminal and the answer goes elsewhere.
struct Progress {
    rows: u64,
    is_shown: bool,
}

impl Progress {
    fn new(options: &Options) -> Self {
        use std::io::IsTerminal;
        let is_elsewhere = !std::io::stdout().is_terminal() || options.shown.output == Format::Table;
        Self { rows: 0, is_shown: std::io::stderr().is_terminal() && is_elsewhere }
    }

    #[allow(clippy::print_stderr, reason = "progress is for a person")]
    fn tell(&mut self, more: u64) {
        self.rows += more;
        if self.is_shown {
            eprint!("\r{} rows", self.rows);
        }
    }

    #[allow(clippy::print_stderr, reason = "progress is for a person")]
    fn end(&self, truncated: bool) {
        if self.is_shown {
            eprintln!();
        }
        if truncated {
            eprintln!("a limit of the query or the server has cut the rows; narrow the query or the range");
        }
    }
}
