//! `cordwood query`: the search language over files, or over what a server keeps.

mod events;
mod follow;
mod local;
mod needle;
mod range;
mod remote;
mod rows;
mod scan;
mod sieve;

use crate::diagnostic::{Finding, QueryError};
use crate::output::Format;
use crate::profile::Connection;
use crate::terminal::{ColorChoice, Style};
use anyhow::Result;
pub use events::view;
pub use follow::Follower;
pub use range::RangeOptions;
pub use remote::request;
pub use rows::line_of_row;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood query 'level:error timeout' app.log
  cordwood query 'level:error | stats count() by source' 'logs/*.log' old.log.gz
  kubectl logs web-0 | cordwood query 'http.status>=500 | top 10 http.route' -
  cordwood query '* | timechart p95(duration_ms) by source every=5m' app.ndjson
  cordwood query 'panic' app.log --fail-on-match
  cordwood query 'level>=error source:api' --last 2h

Files may be JSON, logfmt, syslog, access logs or any text, also compressed with gzip or zstd; stack traces are one
event. Events of files come in the order of the files; with a stage such as sort or limit, newest first.

Without files the server is asked (see `cordwood login`), by default for the last 15 minutes, newest first, page by page
without a cap.

Exit status: 0 done, 1 with --fail-on-match and a match, 2 an error.")]
pub struct Options {
    /// What to look for, such as 'level:error timeout | stats count() by source'.
    query: String,
    /// Files, patterns such as 'logs/*.log', or - for standard input. Without any, the server is asked.
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Id of the project on the server. Default: the one of the key.
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    range: RangeOptions,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Shown {
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value = "auto")]
    output: Format,
    /// End after this many rows.
    #[arg(short = 'n', long, value_name = "ROWS")]
    limit: Option<u64>,
    /// Exit with 1 when something is found.
    #[arg(long)]
    fail_on_match: bool,
    #[arg(long, value_enum, default_value = "auto")]
    color: ColorChoice,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let found = match options.files.is_empty() {
        true => crate::block_on(remote::run(options))?,
        false => local::run(options)?,
    };
    Ok(if options.shown.fail_on_match && found > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// All attributes of an event, as the evaluator sees them.
pub fn attributes(object: &event::Object) -> serde_json::Map<String, serde_json::Value> {
    events::attributes(object, &query_lang::eval::run::Wanted::All)
}

/// Tells what is doubtful about a query, on standard error.
#[allow(clippy::print_stderr, reason = "warnings are for a person; the answer has standard output")]
fn warn(source: &str, warnings: &[query_lang::Diagnostic], color: ColorChoice) {
    let style = Style::of_stderr(color);
    for warning in warnings {
        eprintln!("{}", Finding::of(source, warning).shown(source, style));
    }
}

/// A query that cannot be, as an error that shows where.
pub fn refused(source: &str) -> impl Fn(query_lang::Diagnostic) -> anyhow::Error {
    let source = source.to_owned();
    move |diagnostic| QueryError::of(&source, &diagnostic).into()
}
