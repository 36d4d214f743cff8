//! The server's process: reads the settings and runs.

use cordwood_server::{config, startup};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
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

#[allow(clippy::print_stderr, reason = "logging may not have started")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("cordwood-server cannot run: {error:#}");
    ExitCode::FAILURE
}
