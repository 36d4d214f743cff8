//! Lines as they are added to files, through a query that looks at one event at a time.

use super::local::id_of;
use super::range::EVER;
use super::rows::{event_row, line, shown};
use super::{events, refused};
use crate::input::{Block, Origin};
use crate::output::Format;
use crate::output::event::EventStyle;
use crate::output::sink::write_event;
use crate::terminal::Style;
use anyhow::Result;
use query_lang::eval::run::Wanted;
use query_lang::eval::{Matcher, Stream};
use query_lang::{Catalogue, CheckContext, check, parse};
use std::sync::Arc;

/// Shows lines as they are added to files.
pub struct Follower {
    query: String,
    stream: Stream,
    marks: Option<Matcher>,
    format: Format,
    style: EventStyle,
}

impl Follower {
    /// # Errors
    /// A query that is none, or that has a stage that needs more than one event.
    pub fn new(query: &str, range: &super::RangeOptions, format: Format, style: Style) -> Result<Self> {
        let zone = range.zone()?;
        let refused = refused(query);
        let parsed = parse(query).map_err(&refused)?;
        let context =
            CheckContext { now_ns: range.now_ns(), from_ns: EVER.0, to_ns: EVER.1, time_zone: zone.clone() };
        let checked = check(&parsed.query, &Catalogue::default(), &context).map_err(&refused)?;
        Ok(Self {
            query: query.to_owned(),
            stream: Stream::of(&checked.query, &zone).map_err(&refused)?,
            marks: if style.color { Matcher::of(checked.query.filter.as_ref()).ok() } else { None },
            format,
            style: EventStyle { style, zone },
        })
    }

    /// The text for those of the lines that pass.
    pub fn lines(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let now_ns = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        let origin = Origin { name: self.query.clone(), time_ns: now_ns };
        let block = Block { index: 0, bytes, is_document: false, origin: Arc::new(origin) };
        let mut out = Vec::new();
        let mut number = 0;
        events::each(&block, events::Lens::default(), &mut |found| {
            number += 1;
            let id = id_of(&found, 0, number);
            let attributes = events::attributes(&found.event.attributes, &Wanted::All);
            let event = events::view(&found.event, &id, &attributes);
            let Some(row) = self.stream.apply(&event) else { return Ok(()) };
            if self.format == Format::Ndjson {
                write_event(Format::Ndjson, &[], &event_row(&event, &row), &mut out);
                return Ok(());
            }
            if row.closed {
                let cells: Vec<String> = row.columns.iter().map(|(_, value)| shown(value)).collect();
                out.extend_from_slice(cells.join("\t").as_bytes());
                out.push(b'\n');
                return Ok(());
            }
            let mut line = line(&found.event, found.is_text, &row);
            let marks = self.marks.as_ref().map(|matcher| matcher.marks(&event)).unwrap_or_default();
            line.marks = marks
                .into_iter()
                .find(|mark| mark.field == "message")
                .map(|mark| mark.spans)
                .unwrap_or_default();
            self.style.write(&line, &mut out);
            Ok(())
        })?;
        Ok(out)
    }
}
