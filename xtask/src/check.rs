//! The fast half of what the tests do: formatting, lints, licences and bans.

use crate::programs::{self, cargo, is_installed, root, say};
use anyhow::Result;
use std::process::Command;

pub fn run() -> Result<()> {
    say("formatting");
    programs::run(cargo().args(["fmt", "--all", "--check"]))?;
    say("lints");
    programs::run(giving_way(cargo()).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    if is_installed("cargo-deny") {
        say("licences, bans and sources");
        programs::run(cargo().args(["deny", "check", "licenses", "bans", "sources"]))?;
    } else {
        say("cargo-deny is not installed: licences were not checked (cargo install --locked cargo-deny)");
    }
    Ok(())
}

/// The same command at the lowest priority.
fn giving_way(command: Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(command.get_program()).current_dir(root());
    nice
}
