//! `cargo xtask schemathesis`: asks a running server everything that its OpenAPI document allows, and much that it does not,
//! signed in as an owner. No answer may be a 5xx other than a documented 503, or have a status or a shape that the document
//! does not name.
//!
//! The tool lives in a Python environment of its own in `target/schemathesis`, in the versions of `schemathesis/requirements.txt`.

use crate::programs::{self, Running, root, say, target};
use crate::python;
use crate::web;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Each part is asked within the life of one access token.
const PARTS: [(&str, &str); 4] = [
    ("search", "^/api/v1/(logs|query|saved-searches|annotations)"),
    ("alerts", "^/api/v1/(alert-|notification|mute-links)"),
    ("ingest", "^/(api/v1/(ingest|dead-letters|syslog|validate)|api/v2/|healthz|readyz|metrics)"),
    (
        "accounts",
        "^/api/v1/(auth|me|second-factor|sessions|organization|members|invitations|audit|projects|api-keys|jobs|usage)",
    ),
];
/// A tail has no end, and who logs out is not signed in any more.
const LEFT_OUT: [&str; 2] = ["/api/v1/logs/tail", "/api/v1/auth/logout"];
const EMAIL: &str = "owner@schemathesis.example";
const PASSWORD: &str = "correct horse battery";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Requests for each call and kind of test.
    #[arg(long, default_value_t = 20)]
    examples: u32,
    /// Repeats a run.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this part: search, alerts, ingest, accounts.
    #[arg(long)]
    part: Option<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let requirements = root().join("xtask/schemathesis/requirements.txt");
    let tool =
        python::environment(&target().join("schemathesis"), &requirements)?.with_file_name("schemathesis");
    web::install_node_modules(&root())?;
    programs::build(false)?;
    let folder = tempfile::tempdir()?;
    let (mut server, address) = start(folder.path())?;
    sign_up(address)?;
    let mut failed = Vec::new();
    for (name, paths) in
        PARTS.into_iter().filter(|(name, _)| options.part.as_deref().is_none_or(|part| part == *name))
    {
        say(format!("asking about {name}"));
        if programs::run(&mut asking(&tool, address, options, &log_in(address)?, paths)).is_err() {
            failed.push(name);
        }
    }
    let status = server.stop(Duration::from_secs(40))?;
    ensure!(status.success(), "the server ended with {status}");
    ensure!(failed.is_empty(), "not as the document says: {}", failed.join(", "));
    Ok(())
}

/// On the embedded engine, without the limits that protect an installation from many requests.
fn start(folder: &Path) -> Result<(Running, SocketAddr)> {
    let mut server = Running::start(
        Command::new(target().join("debug/cordwood-server"))
            .current_dir(root())
            .args(["--listen", "127.0.0.1:0", "--log", "warn", "--data-dir"])
            .arg(folder)
            .args(["--signup-per-hour", "0", "--invitations-per-hour", "0", "--otlp-grpc-listen", "off"])
            .args(["--syslog-listen", "off", "--wal-reserve-bytes", "0", "--wal-reserve-percent", "0"]),
    )?;
    let deadline = Instant::now() + Duration::from_secs(120);
    let address = loop {
        if let Ok(text) = std::fs::read_to_string(folder.join("server.address")) {
            break text.trim().parse().context("the server writes its address")?;
        }
        ensure!(server.ended()?.is_none(), "the server ended while starting");
        ensure!(Instant::now() < deadline, "the server does not start");
        std::thread::sleep(Duration::from_millis(50));
    };
    programs::wait_until_ready(&mut server, address, "/readyz", Duration::from_secs(60))?;
    Ok((server, address))
}

fn sign_up(address: SocketAddr) -> Result<()> {
    let body = json!({"email": EMAIL, "password": PASSWORD, "name": "Olive", "organization": "Schemathesis"});
    let session = programs::post(address, "/api/v1/auth/signup", None, &body)?;
    let token = session["access_token"].as_str();
    ensure!(token.is_some(), "signing up was refused: {session}");
    // So that answers are not all empty.
    let answer = programs::post(address, "/api/v1/logs/ingest", token, &events())?;
    ensure!(answer["accepted"] == EVENTS, "events were refused: {answer}");
    Ok(())
}

const EVENTS: usize = 200;

fn events() -> Value {
    let event = |n: usize| {
        let (level, source) = (["info", "warn", "error"][n % 3], ["api", "web"][n % 2]);
        json!({"level": level, "source": source, "host": "web-1",
            "message": format!("GET /cart/{n} answered in {} ms", n * 7), "trace_id": format!("{:032x}", n / 4),
            "http": {"status": 200 + n % 5 * 75, "route": "/cart/{id}"}, "duration_ms": n * 7, "tags": ["a", n]})
    };
    (0..EVENTS).map(event).collect()
}

fn log_in(address: SocketAddr) -> Result<String> {
    let session: Value =
        programs::post(address, "/api/v1/auth/login", None, &json!({"email": EMAIL, "password": PASSWORD}))?;
    let token =
        session["access_token"].as_str().with_context(|| format!("logging in was refused: {session}"))?;
    Ok(token.to_owned())
}

fn asking(tool: &Path, address: SocketAddr, options: &Options, token: &str, paths: &str) -> Command {
    let mut command = Command::new(tool);
    command
        .current_dir(target())
        .args(["run", &format!("http://{address}/api/v1/openapi.json"), "--checks", CHECKS])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--include-path-regex", paths])
        .args(["--max-examples", &options.examples.to_string(), "--phases", "examples,coverage,fuzzing"])
        .args(["--request-timeout", "60", "--suppress-health-check", "all", "--continue-on-failure"])
        .arg("--no-color");
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command
}
