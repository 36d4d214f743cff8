//! The fast half of what the tests do: formatting, lints, licences and bans.

use crate::programs::{self, cargo, is_installed, say};
use anyhow::Result;

pub fn run() -> Result<()> {
    say("formatting");
    programs::run(cargo().args(["fmt", "--all", "--check"]))?;
    say("lints");
    programs::run(cargo().args([
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
