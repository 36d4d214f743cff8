//! `cordwood check`: what a query means and what is wrong with it, without running it; from a server also what would run and
//! what that would cost.

use crate::client::{Client, point_out};
use crate::diagnostic::Finding;
use crate::profile::Connection;
use crate::query::{RangeOptions, refused, request};
use crate::say;
use crate::terminal::{ColorChoice, Style};
use anyhow::{Context, Result};
use api_types::search::{CheckAnswer, CheckRequest, Estimate, TimeInput};
use query_lang::{Catalogue, CheckContext, check, explain, format, parse};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood check 'level:error | stats count() by source'
  cordwood check \"$(cat query.txt)\" --quiet || exit 1
  cordwood check 'level:error timeout' --sql --last 1d
  cordwood check '*:timeout' --estimate --last 7d

Needs a server only for --sql and --estimate, which are about a range: by default the last 15 minutes.
Exit status: 0 it is a query, 2 it is none.")]
pub struct Options {
    /// The query.
    query: String,
    /// Show the SQL that a server would run.
    #[arg(long, conflicts_with = "quiet")]
    sql: bool,
    /// Show what a server would read at most, and which indexes narrow it.
    #[arg(long, conflicts_with = "quiet")]
    estimate: bool,
    /// Id of the project on the server. Default: the one of the key.
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    #[command(flatten)]
    range: RangeOptions,
    /// Say nothing when it is a query.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    connection: Connection,
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
    if options.sql || options.estimate {
        crate::block_on(cost(options))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What only a server knows.
async fn cost(options: &Options) -> Result<()> {
    let client = Client::new(options.connection.resolve()?)?;
    let search = request(&options.query, &options.range, options.project.clone())?;
    let asked = CheckRequest {
        query: search.query,
        from: search.from.or_else(|| Some(TimeInput::Text("now-15m".to_owned()))),
        to: search.to.or_else(|| Some(TimeInput::Text("now".to_owned()))),
        tz: search.tz,
        now: search.now,
        project_id: search.project_id,
    };
    let answer: CheckAnswer =
        client.post("/api/v1/query/check", &asked).await.map_err(|error| point_out(error, &options.query))?;
    if let Some(error) = &answer.error {
        let source = options.query.clone();
        let finding = Finding::of_answer(&source, error);
        return Err(crate::diagnostic::QueryError { source, finding }.into());
    }
    if options.estimate {
        let estimate = answer.estimate.context("the server gives no estimate of this query")?;
        estimated(&estimate).iter().for_each(|line| say(line));
    }
    if options.sql {
        say("");
        say(answer.sql.context("the server shows no SQL of this query")?.trim_end());
    }
    Ok(())
}

/// What it would cost, in lines for people.
fn estimated(estimate: &Estimate) -> Vec<String> {
    let bytes = estimate.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
    let mut lines = vec![format!(
        "Reads at most {} rows{bytes}; {} of {} pieces of the index are left",
        estimate.rows, estimate.marks, estimate.marks_in_range
    )];
    lines.extend(
        estimate
            .indexes
            .iter()
            .map(|index| format!("{} {}: {}", if index.used { "+" } else { "-" }, index.index, index.note)),
    );
    lines
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    let unit = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)].into_iter().find(|(_, size)| bytes >= *size);
    unit.map_or_else(|| format!("{bytes} B"), |(name, size)| format!("{:.1} {name}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::search::IndexUse;

    #[test]
    fn an_estimate_is_told_with_the_indexes_that_narrow_it() {
        let index = |name: &str, used| IndexUse {
            index: name.into(),
            used,
            note: "A note.".into(),
            marks_before: None,
            marks_after: None,
        };
        let estimate = Estimate {
            rows: 81_920,
            bytes: Some(12_345_678),
            marks: 10,
            marks_in_range: 400,
            parts: 2,
            indexes: vec![index("time", true), index("message words", false)],
        };
        assert_eq!(
            estimated(&estimate),
            [
                "Reads at most 81920 rows, 12.3 MB; 10 of 400 pieces of the index are left",
                "+ time: A note.",
                "- message words: A note.",
            ]
        );
    }
}
