//! The server's process: reads the settings and runs.

use cordwood_server::{admin, config, startup};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("admin") {
        return match admin::run(arguments).await {
            Ok(answer) => say(&answer),
            Err(error) => fail(&error),
        };
    }
    let settings = match config::load() {
        Ok(settings) => settings,
        Err(config::ConfigError::Usage(usage)) => usage.exit(),
        Err(error) => return fail(&error.into()),
    };
    match startup::run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stdout, reason = "it is the answer to a command")]
fn say(answer: &str) -> ExitCode {
    println!("{answer}");
    ExitCode::SUCCESS
}

#[allow(clippy::print_stderr, reason = "logging may not have started")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("cordwood-server cannot run: {error:#}");
    ExitCode::FAILURE
}
