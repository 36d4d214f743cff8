//! Queries over a file that need several events at once: `stats`, `timechart`, `sort` and the like.
//!
//! The language's own program for files (`query_lang::eval::run`) is fed the events that the filter leaves.

use super::file::{LocalFile, looked_at, refused, row};
use api_types::problem::Problem;
use api_types::search::{Column, SearchAnswer, SearchStats};
use jiff::tz::TimeZone;
use query_lang::ast::{self, Kind, Query};
use query_lang::eval::run::{Answer, AnswerEvent, Program, Range};
use query_lang::eval::{Stream, Value};
use serde_json::{Map, Value as Json};

/// The beginning of a query that looks at one event at a time, and how to run the whole when that is not all of it.
pub struct Plan {
    pub stream: Stream,
    gathering: Option<Program>,
}

impl Plan {
    pub fn of(query: &Query, from_ns: i64, to_ns: i64) -> Result<Self, Box<Problem>> {
        let mut beginning = query.clone();
        let stream = loop {
            match Stream::of(&beginning, &TimeZone::UTC) {
                Ok(stream) => break stream,
                Err(mistake) if beginning.stages.pop().is_none() => return Err(refused(mistake)),
                Err(_) => {}
            }
        };
        let is_whole = beginning.stages.len() == query.stages.len();
        let range = Range { from_ns, to_ns, zone: TimeZone::UTC };
        let gathering = if is_whole { None } else { Some(Program::of(query, &range).map_err(refused)?) };
        Ok(Self { stream, gathering })
    }

    /// The answer as a whole; nothing for a query whose rows are the matching events themselves.
    pub fn gather(&self, file: &LocalFile, matching: &[u32]) -> Result<Option<SearchAnswer>, Box<Problem>> {
        let Some(program) = &self.gathering else { return Ok(None) };
        let mut partial = program.start();
        for number in matching.iter().rev() {
            let number = *number as usize;
            // Events are newest first; the later of two at the same time counts as larger.
            let sequence = (file.events.len() - number) as u64;
            looked_at(&file.events[number], number, |event| program.feed(&mut partial, event, sequence))
                .map_err(refused)?;
        }
        Ok(Some(answer(file, program.finish(partial).map_err(refused)?)))
    }
}

fn answer(file: &LocalFile, answer: Answer) -> SearchAnswer {
    let (columns, rows, shape) = match answer {
        Answer::Events(events) => {
            (Vec::new(), events.into_iter().filter_map(|event| event_row(file, event)).collect(), "events")
        }
        Answer::Table { columns, rows } => {
            let named = |row: Vec<Value>| -> Json {
                let cells =
                    columns.iter().zip(row).map(|(column, cell)| (column.name.clone(), cell.to_json()));
                Json::Object(cells.collect::<Map<_, _>>())
            };
            let rows = rows.into_iter().map(named).collect();
            (columns.iter().map(column).collect(), rows, "table")
        }
    };
    SearchAnswer {
        columns,
        rows,
        next_cursor: None,
        stats: SearchStats::default(),
        warnings: Vec::new(),
        truncated: false,
        shape: shape.into(),
        empty: None,
    }
}

/// Events of the answer are known by their numbers.
fn event_row(file: &LocalFile, found: AnswerEvent) -> Option<Json> {
    let number: usize = found.event.id.parse().ok()?;
    Some(row(file.events.get(number)?, number, Some(found.row)))
}

fn column(column: &ast::Column) -> Column {
    let kind = match column.kind {
        Kind::Time => "datetime",
        Kind::Number => "number",
        Kind::Bool => "bool",
        Kind::Array => "array",
        _ => "string",
    };
    Column { name: column.name.clone(), kind: kind.into() }
}
