//! `cargo xtask test`: every test there is, each runner with its own summary line.

use crate::postgres::Postgres;
use crate::programs::{self, cargo, is_installed, root, say, target};
use crate::{check, clients, debian, python, web};
use anyhow::Result;
use std::process::Command;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Leave out the browser journeys.
    #[arg(long)]
    no_browser: bool,
    /// Leave out formatting and lints.
    #[arg(long)]
    no_check: bool,
    /// Only real clients of other products against the real server: Elasticsearch, OpenTelemetry, Loki, syslog and others.
    #[arg(long)]
    clients: bool,
}

pub fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    if options.clients {
        return step("clients of other products", clients::run);
    }
    web::install_node_modules(&root())?;
    step("building", build)?;
    step("unit, engine and integration tests on SQLite", || programs::run(runner().arg("--workspace")))?;
    step("server and integration tests on Postgres", on_postgres)?;
    // Browser journeys wait more than they compute: lints take what they leave.
    std::thread::scope(|scope| {
        let lints = (!options.no_check).then(|| scope.spawn(|| step("formatting and lints", check::run)));
        let journeys = if options.no_browser { Ok(()) } else { step("browser journeys", in_browser) };
        let lints = lints.map_or(Ok(()), |lints| lints.join().expect("the lints answer"));
        journeys.and(lints)
    })?;
    say(format!("all tests passed in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// The web application beside the tests: the last and long part of its build keeps one core busy. The browser journeys look at the
/// pages for developers too.
fn build() -> Result<()> {
    let with_all_pages = web::Options { dev_pages: true, ..web::Options::default() };
    std::thread::scope(|scope| {
        let web = scope.spawn(|| web::build(&with_all_pages));
        programs::run(cargo().args(["test", "--workspace", "--no-run"]))?;
        web.join().expect("the build answers").map(drop)
    })
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    say(format!("==> {name}"));
    work()?;
    say(format!("<== {name}: {} s", started.elapsed().as_secs()));
    Ok(())
}

/// nextest where it is installed, else cargo's own.
fn runner() -> Command {
    let mut command = cargo();
    // Tests that start programs of other packages need not build them: the whole workspace is built first.
    command.env("CORDWOOD_TEST_PROGRAMS_BUILT", "yes");
    if is_installed("cargo-nextest") {
        command.args(["nextest", "run", "--no-fail-fast", "--status-level=fail"]);
    } else {
        command.arg("test");
    }
    command
}

fn on_postgres() -> Result<()> {
    let postgres = Postgres::start()?;
    // The programs of the step before are used again: another choice of packages would compile all dependencies anew.
    let mut tests = runner();
    if is_installed("cargo-nextest") {
        tests.args(["--workspace", "--lib", "--test=it", "--filterset=package(cordwood-server)"]);
    } else {
        tests.args(["--package=cordwood-server", "--lib", "--test=it"]);
    }
    programs::run(tests.env("CORDWOOD_TEST_POSTGRES_URL", postgres.url()))
}

/// With the programs that the integration tests have built.
fn in_browser() -> Result<()> {
    let chromium = debian::ensure(&["/usr/bin/chromium", "/usr/bin/google-chrome"], "chromium")?;
    let python = python::environment(&target().join("e2e"), &root().join("e2e/requirements.txt"))?;
    programs::run(
        Command::new("node")
            .current_dir(root())
            .args(["--test", "--test-reporter=spec", "e2e/"])
            .env("CORDWOOD_PYTHON", python)
            .env("CORDWOOD_CHROMIUM", chromium)
            .env("CORDWOOD_PROGRAMS", target().join("debug")),
    )
}
