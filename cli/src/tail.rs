//! `cordwood tail`: what comes in, as it comes: from a server, or from files that grow.
//!
//! After a cut connection the server goes on behind the last event that was seen; a gap is told where there is one.

use crate::client::{Client, point_out};
use crate::input::{Source, sources};
use crate::output::Format;
use crate::output::event::EventStyle;
use crate::output::sink::write_event;
use crate::profile::Connection;
use crate::query::{Follower, RangeOptions, line_of_row};
use crate::terminal::{ColorChoice, Style};
use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::Value as Json;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood tail 'level>=error source:api'
  cordwood tail 'http.status>=500 | fields timestamp, http.route, duration_ms'
  cordwood tail '*' -o ndjson | jq .message
  cordwood tail 'level:error' app.log

Ends with Ctrl-C. The query may have the stages that look at one event at a time.")]
pub struct Options {
    /// What to show.
    #[arg(default_value = "*")]
    query: String,
    /// Files to follow instead of a server.
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Id of the project on the server. Default: the one of the key.
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Form of the events.
    #[arg(short, long, value_enum, default_value = "auto")]
    output: Format,
    #[arg(long, value_enum, default_value = "auto")]
    color: ColorChoice,
    /// Time zone of the times that are shown, such as Europe/Berlin. Default: this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The server sends a comment more often than this.
const SILENCE: Duration = Duration::from_secs(60);
/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub async fn run(options: &Options) -> Result<()> {
    if !matches!(options.output, Format::Auto | Format::Ndjson) {
        bail!("a tail has no end, so its form is auto or ndjson");
    }
    match options.files.is_empty() {
        true => remote(options).await,
        false => local(options),
    }
}

/// Shows what is added to files, also when they are rotated.
fn local(options: &Options) -> Result<()> {
    let range = RangeOptions { tz: options.tz.clone(), ..RangeOptions::default() };
    let follower = Follower::new(&options.query, &range, options.output, Style::of_stdout(options.color))?;
    let mut growing = Vec::new();
    for source in sources(&options.files)? {
        match source {
            Source::Stdin => bail!("standard input is read with `cordwood query … -`, as it comes"),
            Source::File(path) => growing.push(Growing::at_end(path)?),
        }
    }
    loop {
        for file in &mut growing {
            if let Some(lines) = file.more()? {
                let text = follower.lines(lines)?;
                if write(&text)?.is_break() {
                    return Ok(());
                }
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A file that is read as it grows.
struct Growing {
    path: std::path::PathBuf,
    file: std::fs::File,
    rest: Vec<u8>,
}

impl Growing {
    fn at_end(path: std::path::PathBuf) -> Result<Self> {
        use std::io::Seek;
        let open = std::fs::File::open(&path);
        let mut file = open.map_err(|error| anyhow::anyhow!("cannot open {}: {error}", path.display()))?;
        file.seek(std::io::SeekFrom::End(0))?;
        Ok(Self { path, file, rest: Vec::new() })
    }

    /// The whole lines that were added.
    fn more(&mut self) -> Result<Option<Vec<u8>>> {
        use std::io::{Read, Seek};
        use std::os::unix::fs::MetadataExt;
        let at = self.file.stream_position()?;
        if self.file.metadata()?.len() < at {
            self.file.rewind()?;
        }
        self.file.read_to_end(&mut self.rest)?;
        let end = memchr::memrchr(b'\n', &self.rest).map_or(0, |newline| newline + 1);
        let lines: Vec<u8> = self.rest.drain(..end).collect();
        // Read to its end first: another file may be in its place.
        let is_other = std::fs::metadata(&self.path).is_ok_and(|new| {
            self.file.metadata().is_ok_and(|old| (new.ino(), new.dev()) != (old.ino(), old.dev()))
        });
        if is_other && lines.is_empty() {
            self.file = std::fs::File::open(&self.path)?;
            self.rest.clear();
        }
        Ok((!lines.is_empty()).then_some(lines))
    }
}

async fn remote(options: &Options) -> Result<()> {
    let client = Client::new(options.connection.resolve()?)?;
    let range = RangeOptions { tz: options.tz.clone(), ..RangeOptions::default() };
    let zone = range.zone()?;
    let mut parameters = vec![("query", options.query.clone())];
    parameters.extend(zone.iana_name().map(|name| ("tz", name.to_owned())));
    parameters.extend(options.project.clone().map(|id| ("project_id", id)));
    let printer = Printer {
        format: options.output,
        style: EventStyle { style: Style::of_stdout(options.color), zone },
    };
    let mut last: Option<String> = None;
    let mut pause = SHORTEST_PAUSE;
    let mut was_connected = false;
    loop {
        let mut request = client.request(Method::GET, "/api/v1/logs/tail").query(&parameters);
        if let Some(id) = &last {
            request = request.header("Last-Event-ID", id);
        }
        match client.answer(request).await {
            Ok(mut answer) => {
                (was_connected, pause) = (true, SHORTEST_PAUSE);
                let mut frames = Frames::default();
                // A silence or a broken connection: begin again behind the last event.
                while let Ok(Ok(Some(chunk))) = tokio::time::timeout(SILENCE, answer.chunk()).await {
                    for frame in frames.push(&chunk) {
                        if printer.show(&frame)?.is_break() {
                            return Ok(());
                        }
                        last = frame.id.or(last);
                    }
                }
            }
            // What is refused at first will be refused again; later the server may just be starting.
            Err(error) if !was_connected || error.is::<crate::client::Refused>() => {
                return Err(point_out(error, &options.query));
            }
            Err(error) => note(&format!("{error:#}")),
        }
        note("connecting again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

struct Printer {
    format: Format,
    style: EventStyle,
}

impl Printer {
    fn show(&self, frame: &Frame) -> Result<ControlFlow<()>> {
        let data: Json =
            serde_json::from_str(&frame.data).unwrap_or_else(|_| Json::String(frame.data.clone()));
        match (frame.name.as_str(), data.as_object()) {
            ("log" | "message" | "", Some(row)) => {
                let mut out = Vec::new();
                match self.format {
                    Format::Ndjson => write_event(Format::Ndjson, &[], row, &mut out),
                    _ => self.style.write(&line_of_row(row), &mut out),
                }
                write(&out)
            }
            ("dropped", _) => told(&format!("events were left out because this reader is too slow: {data}")),
            ("sampled", _) => told(&format!("there are more matches than can be shown: {data}")),
            ("gap", _) => told("events may be missing here: the connection was away for too long"),
            ("end", _) => bail!("the server has ended the tail: {}", crate::output::plain(&data)),
            // What a later server may say.
            _ => Ok(ControlFlow::Continue(())),
        }
    }
}

fn told(text: &str) -> Result<ControlFlow<()>> {
    note(text);
    Ok(ControlFlow::Continue(()))
}

#[allow(clippy::print_stderr, reason = "notes are for a person; the events have standard output")]
fn note(text: &str) {
    eprintln!("-- {text}");
}

/// Breaks when nobody reads any more.
fn write(text: &[u8]) -> Result<ControlFlow<()>> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error.into()),
    }
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
struct Frame {
    id: Option<String>,
    name: String,
    data: String,
}

/// Server-sent events out of pieces of text.
#[derive(Default)]
struct Frames {
    rest: Vec<u8>,
    open: Frame,
}

impl Frames {
    fn push(&mut self, piece: &[u8]) -> Vec<Frame> {
        self.rest.extend_from_slice(piece);
        let mut frames = Vec::new();
        while let Some(end) = memchr::memchr(b'\n', &self.rest) {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let frame = std::mem::take(&mut self.open);
                if !frame.data.is_empty() || !frame.name.is_empty() {
                    frames.push(frame);
                }
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => self.open.id = Some(value.to_owned()),
                "event" => value.clone_into(&mut self.open.name),
                "data" if self.open.data.is_empty() => value.clone_into(&mut self.open.data),
                "data" => self.open.data.extend(["\n", value]),
                // Comments keep the connection alive.
                _ => {}
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_from_pieces() {
        let mut frames = Frames::default();
        assert_eq!(frames.push(b": heartbeat\n\nid: 7\nevent: lo"), []);
        let frame = Frame { id: Some("7".into()), name: "log".into(), data: "{\"a\":\n1}".into() };
        assert_eq!(frames.push(b"g\r\ndata: {\"a\":\ndata: 1}\n\nevent: gap\n"), [frame]);
        assert_eq!(frames.push(b"\n").remove(0).name, "gap");
    }
}
