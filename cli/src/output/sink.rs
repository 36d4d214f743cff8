//! Standard output, in one of the forms, row by row.

use super::rows::{self, EVENT_COLUMNS, event_object, write_csv_row};
use super::{Format, chart, plain, table};
use crate::terminal::Style;
use anyhow::Result;
use api_types::search::Column;
use serde_json::{Map, Value as Json};
use std::io::{BufWriter, ErrorKind, Stdout, Write};
use std::ops::ControlFlow;

pub struct Sink {
    out: BufWriter<Stdout>,
    format: Format,
    pub style: Style,
    /// Rows that may still come.
    left: u64,
    pub written: u64,
}

impl Sink {
    pub fn new(format: Format, limit: Option<u64>, style: Style) -> Self {
        let out = BufWriter::with_capacity(256 << 10, std::io::stdout());
        Self { out, format, style, left: limit.unwrap_or(u64::MAX), written: 0 }
    }

    /// Writes what comes before the first row.
    pub fn begin(&mut self, columns: &[String]) -> Result<ControlFlow<()>> {
        let mut header = Vec::new();
        if self.format == Format::Csv {
            write_csv_row(columns, &mut header);
        }
        self.put(&header)
    }

    /// Rows that were written into one buffer; `ends` says where each of them ends. They are JSON without separators,
    /// or whole lines.
    pub fn rows(&mut self, bytes: &[u8], ends: &[usize]) -> Result<ControlFlow<()>> {
        let count = ends.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(last) = count.checked_sub(1) else { return Ok(self.is_full()) };
        let before = self.written;
        self.left -= count as u64;
        self.written += count as u64;
        if self.format != Format::Json {
            let flow = self.put(&bytes[..ends[last]])?;
            return Ok(if flow.is_break() { flow } else { self.is_full() });
        }
        let mut start = 0;
        for (index, end) in ends[..count].iter().enumerate() {
            let separator: &[u8] = if before + index as u64 == 0 { b"[\n" } else { b",\n" };
            if self.put(separator)?.is_break() || self.put(&bytes[start..*end])?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            start = *end;
        }
        Ok(self.is_full())
    }

    fn is_full(&self) -> ControlFlow<()> {
        if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// A whole table.
    pub fn table(&mut self, columns: &[Column], table: &[Vec<Json>]) -> Result<()> {
        let table = &table[..table.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))];
        let mut out = Vec::new();
        match self.format {
            Format::Auto if chart::write(columns, table, self.style, &mut out) => {}
            Format::Auto | Format::Raw | Format::Table => table::write(columns, table, self.style, &mut out),
            Format::Json | Format::Ndjson | Format::Csv => return self.data(columns, table),
        }
        self.written += table.len() as u64;
        self.put(&out).map(drop)
    }

    fn data(&mut self, columns: &[Column], table: &[Vec<Json>]) -> Result<()> {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for row in table {
            write_row(self.format, &names, row, &mut bytes);
            ends.push(bytes.len());
        }
        let _ = self.begin(&names)?;
        self.rows(&bytes, &ends).map(drop)
    }

    /// What comes after the last row.
    pub fn finish(mut self) -> Result<u64> {
        let end: &[u8] = match (self.format, self.written) {
            (Format::Json, 0) => b"[]\n",
            (Format::Json, _) => b"\n]\n",
            _ => b"",
        };
        let _ = self.put(end)?;
        let _ = self.flush()?;
        Ok(self.written)
    }

    pub fn flush(&mut self) -> Result<ControlFlow<()>> {
        ended(self.out.flush())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<ControlFlow<()>> {
        let whole = ended(self.out.write_all(bytes))?;
        Ok(whole)
    }
}

/// A reader that has gone away, as behind `| head`, ends the work without an error.
fn ended(written: std::io::Result<()>) -> Result<ControlFlow<()>> {
    match written {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error).map_err(|error| anyhow::anyhow!("cannot write the answer: {error}")),
    }
}

/// A row of a table as data.
pub fn write_row(format: Format, names: &[String], row: &[Json], out: &mut Vec<u8>) {
    match format {
        Format::Csv => write_csv_row(&row.iter().map(plain).collect::<Vec<_>>(), out),
        _ => {
            out.extend_from_slice(&rows::object(names, row));
            if format != Format::Json {
                out.push(b'\n');
            }
        }
    }
}

/// An event as data.
pub fn write_event(format: Format, computed: &[String], event: &Map<String, Json>, out: &mut Vec<u8>) {
    match format {
        Format::Csv => {
            let cell = |name: &str| event.get(name).map(plain).unwrap_or_default();
            let names = event_columns(computed);
            write_csv_row(&names.iter().map(|name| cell(name)).collect::<Vec<_>>(), out);
        }
        _ => {
            out.extend_from_slice(&event_object(event));
            if format != Format::Json {
                out.push(b'\n');
            }
        }
    }
}

/// The columns of events in CSV and tables.
pub fn event_columns(computed: &[String]) -> Vec<String> {
    let computed = computed.iter().filter(|name| !EVENT_COLUMNS.contains(&name.as_str())).cloned();
    EVENT_COLUMNS
        .iter()
        .map(|name| (*name).to_owned())
        .chain(["attributes".to_owned()])
        .chain(computed)
        .collect()
}
