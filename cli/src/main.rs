//! `cordwood`: the command line for people and scripts.

mod agent;
mod alerts;
mod check;
mod client;
mod demo;
mod device;
mod diagnostic;
mod export;
mod generate;
mod ingest;
mod input;
mod keys;
mod login;
mod output;
mod profile;
mod query;
mod reference;
mod send;
mod tail;
mod terminal;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cordwood", version, about = "Cordwood from the command line")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search log files, or what a server keeps, with the query language.
    Query(query::Options),
    /// Show events as they come in, from a server or from files that grow.
    Tail(tail::Options),
    /// Write all rows of a query to a file: NDJSON, CSV or Parquet.
    Export(export::Options),
    /// Say what a query means, what is wrong with it, and what it would cost.
    Check(check::Options),
    /// Send files or standard input to a server, once.
    Ingest(ingest::Options),
    /// Follow files, the journal or standard input, and send every event once.
    Agent(agent::Options),
    /// Sign in through the browser, or with an API key, for the other commands.
    Login(login::Options),
    /// End what `login` began.
    Logout(login::LogoutOptions),
    /// Show the servers that are signed in to, and choose between them.
    Profiles(login::ProfilesOptions),
    /// Show, make and delete API keys.
    Keys(keys::Options),
    /// Show, mute, pull and apply alert rules.
    Alerts(alerts::Options),
    /// Write realistic logs of a made-up shop: to standard output, a file, or a server.
    Generate(generate::Options),
    /// Make an account, fill it with two hours of realistic logs, and keep them coming.
    Demo(demo::Options),
    /// Write completions for a shell.
    Completions(reference::Completions),
    /// Write man pages.
    Man(reference::Man),
    /// Write docs/cli.md to standard output.
    #[command(hide = true)]
    Reference,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Query(options) => query::run(&options),
        Command::Tail(options) => later(tail::run(&options)),
        Command::Check(options) => check::run(&options),
        Command::Ingest(options) => block_on(ingest::run(&options)),
        Command::Agent(options) => block_on(agent::run(&options)),
        Command::Export(options) => later(export::run(&options)),
        Command::Login(options) => later(login::run(&options)),
        Command::Logout(options) => later(login::log_out(&options)),
        Command::Profiles(options) => login::profiles(&options).map(|()| ExitCode::SUCCESS),
        Command::Keys(options) => later(keys::run(&options)),
        Command::Alerts(options) => later(alerts::run(&options)),
        Command::Completions(options) => {
            reference::completions(&options, Arguments::command());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man(options) => reference::man(&options, Arguments::command()).map(|()| ExitCode::SUCCESS),
        Command::Reference => {
            say(reference::markdown(&Arguments::command()).trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(options) => later(demo::run(&options)),
        Command::Generate(options) => later(generate::run(&options)),
    }
}

/// Runs what talks to a server.
fn later(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    block_on(work).map(|()| ExitCode::SUCCESS)
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// A line on standard output, for a person or for `$(…)`.
#[allow(clippy::print_stdout, reason = "this is the answer")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "errors are for a person")]
fn tell(error: &anyhow::Error) {
    let style = terminal::Style::of_stderr(terminal::ColorChoice::Auto);
    match error.downcast_ref::<diagnostic::QueryError>() {
        Some(query) => eprintln!("{}", query.finding.shown(&query.source, style)),
        None => eprintln!("{}: {error:#}", style.paint("1;31", "error")),
    }
}
