//! `cordwood check`: what a query means and what is wrong with it, without running it.

use crate::diagnostic::Finding;
use crate::query::{RangeOptions, refused};
use crate::say;
use crate::terminal::{ColorChoice, Style};
use anyhow::Result;
use query_lang::{Catalogue, CheckContext, check, explain, format, parse};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood check 'level:error | stats count() by source'
  cordwood check \"$(cat query.txt)\" --quiet || exit 1

Needs no server. Exit status: 0 it is a query, 2 it is none.")]
pub struct Options {
    /// The query.
    query: String,
    #[command(flatten)]
    range: RangeOptions,
    /// Say nothing when it is a query.
    #[arg(short, long)]
    quiet: bool,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let refused = refused(&options.query);
    let parsed = parse(&options.query).map_err(&refused)?;
    let (zone, now_ns) = (options.range.zone()?, options.range.now_ns());
    let (from, to) = options.range.resolve(&zone, now_ns)?;
    let hour = 3_600_000_000_000;
    let context = CheckContext {
        now_ns,
        from_ns: from.unwrap_or(now_ns - hour),
        to_ns: to.unwrap_or(now_ns),
        time_zone: zone,
    };
    let checked = check(&parsed.query, &Catalogue::default(), &context).map_err(&refused)?;
    if options.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    say(&format(&parsed.query));
    say(&explain(&checked.query));
    let style = Style::of_stdout(ColorChoice::Auto);
    for warning in parsed.warnings.iter().chain(&checked.warnings) {
        say(&Finding::of(&options.query, warning).shown(&options.query, style));
    }
    Ok(ExitCode::SUCCESS)
}
