//! A query over files, on all cores.
//!
//! Stages that look at one event at a time are written out as the files are read; with any other stage the answer
//! comes at the end.

use super::events::{self, Found, Lens};
use super::needle::Needle;
use super::range::EVER;
use super::rows::{event_row, line, shown};
use super::scan::{Worker, scan};
use super::sieve::Sieve;
use super::{Options, refused, warn};
use crate::input::{Block, Source, sources};
use crate::output::Format;
use crate::output::event::EventStyle;
use crate::output::sink::{Sink, event_columns, write_event, write_row};
use crate::terminal::Style;
use anyhow::Result;
use api_types::search::Column;
use jiff::tz::TimeZone;
use query_lang::ast::{Kind, Query, StageNode};
use query_lang::eval::run::{Answer, AnswerEvent, Partial, Program, Range, Wanted, needs_range};
use query_lang::eval::{Matcher, Stream};
use query_lang::{Catalogue, CheckContext, Checked, check, parse};
use serde_json::{Map, Value as Json};
use std::ops::ControlFlow;

/// The query, made ready for these files.
struct Plan<'q> {
    query: &'q str,
    checked: Checked,
    program: Program,
    /// When each event can be written as it comes.
    stream: Option<Stream>,
    marks: Option<Matcher>,
    needle: Option<Needle>,
    format: Format,
    event_style: EventStyle,
    /// Columns that stages computed; of a table all of them.
    columns: Vec<String>,
    /// Only `sample` looks at ids.
    needs_id: bool,
    is_table: bool,
    color: bool,
}

/// Writes the answer. Says how many rows it has.
pub fn run(options: &Options) -> Result<u64> {
    let sources = sources(&options.files)?;
    let style = Style::of_stdout(options.shown.color);
    let now_ns = options.range.now_ns();
    let zone = options.range.zone()?;
    let ends = options.range.resolve(&zone, now_ns)?;
    let parsed = parse(&options.query).map_err(refused(&options.query))?;
    let (sources, ends) = match ends {
        (Some(_), Some(_)) => (sources, ends),
        _ if !needs_range(&parsed.query) => (sources, ends),
        _ => {
            let sources = kept(sources)?;
            let found = ends_of_files(&sources.list, now_ns)?;
            let whole = (ends.0.or(found.map(|found| found.0)), ends.1.or(found.map(|found| found.1 + 1)));
            let plan = Plan::of(options, &parsed.query, whole, zone, style)?;
            return plan.run(&sources.list, now_ns, options, style);
        }
    };
    let plan = Plan::of(options, &parsed.query, ends, zone, style)?;
    warn(&options.query, &parsed.warnings, options.shown.color);
    plan.run(&sources, now_ns, options, style)
}

/// Sources that can be read twice.
struct Kept {
    list: Vec<Source>,
    _file: Option<tempfile::NamedTempFile>,
}

/// Standard input goes to a file first.
fn kept(sources: Vec<Source>) -> Result<Kept> {
    if !sources.contains(&Source::Stdin) {
        return Ok(Kept { list: sources, _file: None });
    }
    let mut file = tempfile::NamedTempFile::new()?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
    let path = file.path().to_owned();
    let list = sources
        .into_iter()
        .map(|source| if source == Source::Stdin { Source::File(path.clone()) } else { source })
        .collect();
    Ok(Kept { list, _file: Some(file) })
}

impl<'q> Plan<'q> {
    fn of(
        options: &'q Options,
        query: &Query,
        ends: (Option<i64>, Option<i64>),
        zone: TimeZone,
        style: Style,
    ) -> Result<Self> {
        let now_ns = options.range.now_ns();
        let (from_ns, to_ns) = (ends.0.unwrap_or(EVER.0), ends.1.unwrap_or(EVER.1));
        let context = CheckContext { now_ns, from_ns, to_ns, time_zone: zone.clone() };
        let refused = refused(&options.query);
        let checked = check(query, &Catalogue::default(), &context).map_err(&refused)?;
        warn(&options.query, &checked.warnings, options.shown.color);
        let range = Range { from_ns, to_ns, zone: zone.clone() };
        let program = Program::of(&checked.query, &range).map_err(&refused)?;
        let shape = checked.query.output();
        let format = options.shown.output;
        let needs_widths = format == Format::Table;
        let stream = if needs_widths { None } else { Stream::of(&checked.query, &zone).ok() };
        let filter = checked.query.filter.as_ref();
        Ok(Self {
            query: &options.query,
            marks: if style.color { Matcher::of(filter).ok() } else { None },
            needle: Needle::of(filter),
            columns: shape.columns().iter().map(|column| column.name.clone()).collect(),
            needs_id: query.stages.iter().any(|stage| matches!(stage.node, StageNode::Sample { .. })),
            is_table: !shape.is_events(),
            event_style: EventStyle { style, zone },
            color: style.color,
            checked,
            program,
            stream,
            format,
        })
    }

    fn run(&self, sources: &[Source], now_ns: i64, options: &Options, style: Style) -> Result<u64> {
        let mut sink = Sink::new(self.format, options.shown.limit, style);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.stream.is_some() {
            let columns = if self.is_table { self.columns.clone() } else { event_columns(&self.columns) };
            let _ = sink.begin(&columns)?;
            let workers = (0..cores).map(|_| Streaming { plan: self }).collect();
            let is_live = sources.contains(&Source::Stdin);
            scan(sources, now_ns, workers, &mut |made: Rows| {
                let flow = sink.rows(&made.bytes, &made.ends)?;
                if is_live && flow.is_continue() { sink.flush() } else { Ok(flow) }
            })?;
            return sink.finish();
        }
        let workers = (0..cores).map(|_| Gathering { plan: self, partial: self.program.start() }).collect();
        let refused = refused(&options.query);
        let gathered = scan(sources, now_ns, workers, &mut |result| {
            let () = result;
            Ok(ControlFlow::Continue(()))
        })?;
        let mut whole = self.program.start();
        for worker in gathered {
            self.program.merge(&mut whole, worker.partial).map_err(&refused)?;
        }
        let answer = self.program.finish(whole).map_err(&refused)?;
        self.show(answer, &mut sink)?;
        sink.finish()
    }

    fn show(&self, answer: Answer, sink: &mut Sink) -> Result<()> {
        match answer {
            Answer::Table { columns, rows } => {
                let columns: Vec<Column> = columns.iter().map(column).collect();
                let rows: Vec<Vec<Json>> = rows
                    .iter()
                    .map(|row| row.iter().map(query_lang::eval::Value::to_json).collect())
                    .collect();
                sink.table(&columns, &rows)
            }
            Answer::Events(found) if self.format == Format::Table => {
                let names = event_columns(&self.columns);
                let column = |name: &String| Column { name: name.clone(), kind: "string".into() };
                let columns: Vec<Column> = names.iter().map(column).collect();
                let row = |found: &AnswerEvent| -> Vec<Json> {
                    let row = event_row(&found.event.as_event(), &found.row);
                    names.iter().map(|name| row.get(name).cloned().unwrap_or(Json::Null)).collect()
                };
                sink.table(&columns, &found.iter().map(row).collect::<Vec<_>>())
            }
            Answer::Events(found) => {
                let _ = sink.begin(&event_columns(&self.columns))?;
                let (mut bytes, mut ends) = (Vec::new(), Vec::new());
                for found in &found {
                    self.write_answer(found, &mut bytes);
                    ends.push(bytes.len());
                }
                sink.rows(&bytes, &ends).map(drop)
            }
        }
    }

    fn write_answer(&self, found: &AnswerEvent, out: &mut Vec<u8>) {
        let event = found.event.as_event();
        let row = event_row(&event, &found.row);
        match self.format {
            Format::Auto | Format::Raw | Format::Table => {
                let mut line = super::rows::line_of_row(&row);
                line.marks = self.marks_of(&event);
                self.event_style.write(&line, out);
            }
            format => write_event(format, &self.columns, &row, out),
        }
    }

    /// The stretches of the message that matched.
    fn marks_of(&self, event: &query_lang::eval::Event) -> Vec<(usize, usize)> {
        let marks = self.marks.as_ref().map(|matcher| matcher.marks(event)).unwrap_or_default();
        marks.into_iter().find(|mark| mark.field == "message").map(|mark| mark.spans).unwrap_or_default()
    }

    fn id_of(&self, found: &Found, block: u64, number: u32) -> String {
        if self.needs_id { id_of(found, block, number) } else { String::new() }
    }

    fn lens(&self) -> Lens<'_> {
        let sieve = Sieve::of(&self.program, self.checked.query.filter.as_ref());
        Lens { needle: self.needle.as_ref(), sieve }
    }

    fn is_in_range(&self, time_ns: i64) -> bool {
        (self.checked.from_ns..self.checked.to_ns).contains(&time_ns)
    }

    /// The attributes for `feed` or `apply`, or nothing when the event does not pass the filter anyway.
    fn attributes_of(&self, found: &Found, id: &str) -> Option<Map<String, Json>> {
        let (first, all) = (self.program.filter_wanted(), self.program.wanted());
        if *all == Wanted::All && *first != Wanted::All {
            let few = events::attributes(&found.event.attributes, first);
            if !self.program.matches(&events::view(&found.event, id, &few)) {
                return None;
            }
        }
        Some(events::attributes(&found.event.attributes, all))
    }
}

fn column(column: &query_lang::ast::Column) -> Column {
    let kind = match column.kind {
        Kind::Time => "datetime",
        Kind::Number => "number",
        Kind::Bool => "bool",
        Kind::Array => "array",
        _ => "string",
    };
    Column { name: column.name.clone(), kind: kind.into() }
}

/// Rows in one buffer, and where each of them ends.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Writes events as they come.
struct Streaming<'p> {
    plan: &'p Plan<'p>,
}

impl Worker for Streaming<'_> {
    type Made = Rows;

    fn work(&mut self, block: &Block) -> Result<Rows> {
        let mut rows = Rows::default();
        let mut number = 0;
        events::each(block, self.plan.lens(), &mut |found| {
            number += 1;
            self.write(&found, &self.plan.id_of(&found, block.index, number), &mut rows);
            Ok(())
        })?;
        Ok(rows)
    }
}

impl Streaming<'_> {
    fn write(&self, found: &Found, id: &str, rows: &mut Rows) {
        let plan = self.plan;
        if !plan.is_in_range(found.event.timestamp_ns) {
            return;
        }
        let Some(attributes) = plan.attributes_of(found, id) else { return };
        let event = events::view(&found.event, id, &attributes);
        let stream = plan.stream.as_ref().expect("it is there when rows are streamed");
        let Some(row) = stream.apply(&event) else { return };
        match plan.format {
            Format::Raw => {
                rows.bytes.extend_from_slice(found.original);
                rows.bytes.push(b'\n');
            }
            Format::Auto | Format::Table if row.closed => {
                let cells: Vec<String> = row.columns.iter().map(|(_, value)| shown(value)).collect();
                rows.bytes.extend_from_slice(cells.join("\t").as_bytes());
                rows.bytes.push(b'\n');
            }
            Format::Auto | Format::Table => {
                let mut line = line(&found.event, found.is_text, &row);
                line.marks = if plan.color { plan.marks_of(&event) } else { Vec::new() };
                plan.event_style.write(&line, &mut rows.bytes);
            }
            format if row.closed => {
                let cells: Vec<Json> = row.columns.iter().map(|(_, value)| value.to_json()).collect();
                write_row(format, &plan.columns, &cells, &mut rows.bytes);
            }
            format => write_event(format, &plan.columns, &event_row(&event, &row), &mut rows.bytes),
        }
        rows.ends.push(rows.bytes.len());
    }
}

/// Gathers what the answer is made of.
struct Gathering<'p> {
    plan: &'p Plan<'p>,
    partial: Partial,
}

impl Worker for Gathering<'_> {
    type Made = ();

    fn work(&mut self, block: &Block) -> Result<()> {
        let (plan, partial) = (self.plan, &mut self.partial);
        let mut number = 0;
        events::each(block, plan.lens(), &mut |found| {
            number += 1;
            if !plan.is_in_range(found.event.timestamp_ns) {
                return Ok(());
            }
            let id = plan.id_of(&found, block.index, number);
            let Some(attributes) = plan.attributes_of(&found, &id) else { return Ok(()) };
            let event = events::view(&found.event, &id, &attributes);
            let sequence = block.index << 32 | u64::from(number);
            plan.program.feed(partial, &event, sequence).map_err(refused(plan.query))
        })
    }
}

/// An id like those that stored events have, for `sample`: by time and place.
pub(super) fn id_of(found: &Found, block: u64, number: u32) -> String {
    let key = query_lang::sql::EventKey {
        timestamp_ns: found.event.timestamp_ns,
        batch_id: block,
        batch_row: number,
    };
    key.id()
}

/// The first and the last time in the files; nothing when there is no event.
fn ends_of_files(sources: &[Source], now_ns: i64) -> Result<Option<(i64, i64)>> {
    struct Ends;
    impl Worker for Ends {
        type Made = Option<(i64, i64)>;

        fn work(&mut self, block: &Block) -> Result<Self::Made> {
            let mut ends = None;
            events::each(block, Lens::default(), &mut |found| {
                ends = joined(ends, Some((found.event.timestamp_ns, found.event.timestamp_ns)));
                Ok(())
            })?;
            Ok(ends)
        }
    }
    fn joined(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
        match (a, b) {
            (Some((low, high)), Some((l, h))) => Some((low.min(l), high.max(h))),
            (known, None) | (None, known) => known,
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut ends = None;
    scan(sources, now_ns, (0..cores).map(|_| Ends).collect(), &mut |found| {
        ends = joined(ends, found);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ends)
}
