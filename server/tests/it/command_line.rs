//! `cordwood`, the command line, against a real server: what it shows on a terminal and what it gives to other programs.

#[path = "../../../cli/tests/support/corpus.rs"]
mod cases;

use crate::harness::logs::LogApp;
use crate::harness::{Org, TestApp, eventually};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// The program, with a home of its own and a key.
struct CommandLine {
    home: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl CommandLine {
    fn new(url: &str, key: &str) -> Self {
        let environment = vec![("CORDWOOD_SERVER", url.to_owned()), ("CORDWOOD_TOKEN", key.to_owned())];
        Self { home: tempfile::tempdir().unwrap(), environment }
    }

    /// Without a server or a key.
    fn fresh() -> Self {
        Self { home: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    async fn of(app: &TestApp, org: &Org, scopes: &[&str]) -> Self {
        Self::new(&app.url, org.api_key(scopes).await["secret"].as_str().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::null()).current_dir(self.home.path());
        command
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .env("TERM", "xterm-256color")
            .env("PATH", "/usr/bin:/bin");
        command.env("USER", "olive");
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(&program().display().to_string(), arguments).output().unwrap()
    }

    /// What it says on standard output; it has to end well.
    #[track_caller]
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it complains of, and its exit status.
    fn refused(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let output = self.run(arguments);
        (String::from_utf8(output.stderr).unwrap(), output.status.code())
    }

    /// What it shows on a terminal of 80 columns.
    #[track_caller]
    fn shown(&self, arguments: &[&str]) -> String {
        let quoted = |argument: &str| format!("'{}'", argument.replace('\'', "'\\''"));
        let words: Vec<String> = std::iter::once(program().display().to_string())
            .chain(arguments.iter().map(|each| quoted(each)))
            .collect();
        let line = format!("stty cols 80 rows 24; {} 2>/dev/null", words.join(" "));
        let output = self.command("script", &["-qec", &line, "/dev/null"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(&program().display().to_string(), arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        Running { child, output, errors }
    }
}

/// One that goes on by itself. It is killed when the test ends.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    errors: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn error_line(&mut self) -> String {
        let mut line = String::new();
        self.errors.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The rest of what it says, and how it ends.
    fn end(&mut self) -> (String, Option<i32>) {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        self.errors.read_to_string(&mut text).unwrap();
        (text, self.child.wait().unwrap().code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> PathBuf {
    static FOUND: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    FOUND.get_or_init(|| crate::support::program("cordwood", "cordwood")).clone()
}

#[tokio::test]
async fn the_corpus_holds_for_a_server_as_for_a_file() {
    let logs = LogApp::spawn_with(&["--default-retention-days", "365"]).await;
    let org = logs.app.org("acme").await;
    let cli = CommandLine::of(&logs.app, &org, &["query", "ingest"]).await;
    let file = cli.path("fixture.ndjson");
    std::fs::write(&file, cases::fixture()).unwrap();
    let events = cases::fixture().lines().count();
    let sent = cli.run(&["ingest", &file]);
    assert_eq!(String::from_utf8_lossy(&sent.stderr), format!("{events} accepted, 0 rejected\n"));
    let count = ["query", "* | stats count()", "-o", "csv", "--from", "2026-03-01", "--to", "2026-04-01"];
    let wanted = format!("count\n{events}\n");
    eventually("the events to be found", async || (cli.said(&count) == wanted).then_some(())).await;

    let (mut tried, mut problems) = (0, Vec::new());
    for case in cases::cases() {
        tried += 1;
        let arguments = cases::arguments(&case);
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut ways = vec![("server", cli.run(&arguments))];
        if cases::is_for_files(&case) {
            arguments.push(&file);
            ways.push(("file", cli.run(&arguments)));
        }
        for (way, output) in ways {
            let problem = match output.status.success() {
                true => cases::problem(&case, std::str::from_utf8(&output.stdout).unwrap()),
                false => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            };
            problems.extend(
                problem.map(|problem| format!("{} {} over a {way}: {problem}", case["id"], case["query"])),
            );
        }
    }
    assert!(problems.is_empty(), "{} of {tried}:\n{}", problems.len(), problems.join("\n"));
    assert!(tried > 220, "{tried}");
}

/// Begins a login, and reads the code that it shows.
fn log_in(cli: &CommandLine, url: &str, more: &[&str]) -> (Running, String) {
    let mut running = cli.start(&[&["login", "--server", url, "--no-browser"], more].concat());
    let address = running.error_line();
    let code = address.rsplit_once("/device?code=").unwrap_or_else(|| panic!("{address}")).1.to_owned();
    assert_eq!(running.error_line(), format!("and confirm the code {code}"));
    (running, code)
}

#[tokio::test]
async fn a_person_lets_a_command_line_in_and_it_may_what_their_role_may() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let cli = CommandLine::fresh();
    let (message, status) = cli.refused(&["keys", "list"]);
    assert!(message.starts_with("error: not signed in: run `cordwood login --server URL`"), "{message}");
    assert_eq!(status, Some(2));

    let (mut login, code) = log_in(&cli, &app.url, &[]);
    let shown =
        acme.post("/api/v1/auth/device/look-up", json!({"user_code": code.to_lowercase()})).await.expect(200);
    assert!(shown.body["client_name"].as_str().unwrap().starts_with("olive@"), "{}", shown.text);
    assert_eq!(shown.body["address"], "127.0.0.1");
    assert_eq!(shown.body["scopes"], json!(["ingest", "query", "admin"]));
    let answer = json!({"user_code": code, "approve": true, "project_id": acme.project_id});
    acme.post("/api/v1/auth/device/confirm", answer.clone()).await.expect(204);
    acme.post("/api/v1/auth/device/confirm", answer).await.expect_problem(404, "not_found");
    let (said, status) = login.end();
    let config = cli.path(".config/cordwood/config.toml");
    let expected = format!(
        "signed in to acme, project default; the key may send logs, search, change settings; profile default is kept in {config}\n"
    );
    assert_eq!((said, status), (expected, Some(0)));
    assert_eq!(cli.said(&["profiles"]), format!("* default  {}\n", app.url));

    let keys: Value = serde_json::from_str(&cli.said(&["keys", "list", "-o", "json"])).unwrap();
    assert!(keys[0]["name"].as_str().unwrap().starts_with("cordwood on olive@"), "{keys}");
    assert!(keys[0]["expires_at"].is_string());
    let log = acme.get("/api/v1/audit-log").await.expect(200).text;
    assert!(log.contains("device_login.confirmed") && log.contains("login by device"), "{log}");

    assert_eq!(
        cli.said(&["logout"]),
        format!("logged out of {}; profile default is gone from {config}\n", app.url)
    );
    assert_eq!(acme.get("/api/v1/api-keys").await.expect(200).body["items"], json!([]));
}

#[tokio::test]
async fn a_login_by_device_is_nobodys_but_who_confirms_it() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let viewer = acme.member(&app, "viewer", "viewer").await;
    let nobody = app.anonymous();
    let begin =
        async || nobody.post("/api/v1/auth/device", json!({"client_name": "x"})).await.expect(200).body;
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let ask = async |codes: &Value| {
        let body = json!({"grant_type": grant, "device_code": codes["device_code"]});
        nobody.post("/api/v1/auth/device/token", body).await
    };
    let decide = async |org: &Org, codes: &Value, approve: bool| {
        let body = json!({"user_code": codes["user_code"], "approve": approve});
        org.post("/api/v1/auth/device/confirm", body).await.expect(204);
    };

    let codes = begin().await;
    assert_eq!(ask(&codes).await.expect(400).body["error"], "authorization_pending");
    assert_eq!(ask(&codes).await.expect(400).body["error"], "slow_down");
    decide(&viewer, &codes, true).await;
    let token = ask(&codes).await.expect(200).body;
    assert_eq!((&token["token_type"], &token["scope"]), (&json!("Bearer"), &json!("query")));
    assert_eq!(ask(&codes).await.expect(400).body["error"], "invalid_grant", "the key is handed out once");
    let program = app.with_credential(token["access_token"].as_str().unwrap());
    let query = json!({"query": "*"});
    program.post("/api/v1/query/check", query.clone()).await.expect(200);
    program.get("/api/v1/api-keys").await.expect_problem(403, "scope_too_small");

    // Whose it is sees it and ends it, whatever their role; nobody else does.
    let codes = begin().await;
    decide(&viewer, &codes, true).await;
    let second = app.with_credential(ask(&codes).await.expect(200).body["access_token"].as_str().unwrap());
    second.post("/api/v1/query/check", query.clone()).await.expect(200);
    let own = viewer.get("/api/v1/me/command-lines").await.expect(200).body;
    assert_eq!(own["items"].as_array().unwrap().len(), 2, "{own}");
    let newest = &own["items"][0];
    assert_eq!((&newest["name"], &newest["project"]), (&json!("cordwood on x"), &json!("default")));
    assert_eq!(acme.get("/api/v1/me/command-lines").await.expect(200).body["items"], json!([]));
    let path = format!("/api/v1/me/command-lines/{}", newest["id"].as_str().unwrap());
    acme.delete(&path).await.expect_problem(404, "not_found");
    viewer.delete(&path).await.expect(204);
    second.post("/api/v1/query/check", query.clone()).await.expect(401);
    program.post("/api/v1/query/check", query.clone()).await.expect(200);

    let denied = begin().await;
    decide(&acme, &denied, false).await;
    assert_eq!(ask(&denied).await.expect(400).body["error"], "access_denied");
    assert_eq!(
        nobody.post("/api/v1/auth/device", json!({"scope": "all"})).await.expect(400).body["error"],
        "invalid_scope"
    );

    // Another role is another key; leaving ends it.
    acme.patch(&format!("/api/v1/members/{}", viewer.user_id), json!({"role": "editor"})).await.expect(200);
    eventually("the key to end", async || {
        (program.post("/api/v1/query/check", query.clone()).await.status == 401).then_some(())
    })
    .await;

    // Guessing codes is slow.
    let mut last = 0;
    for _ in 0..12 {
        last = viewer.post("/api/v1/auth/device/look-up", json!({"user_code": "BBBB-BBBB"})).await.status;
    }
    assert_eq!(last, 429);
}

const LINES: &str = r#"{"timestamp":"2026-03-10T10:00:00Z","level":"info","source":"api","message":"GET /cart 200","duration_ms":12}
{"timestamp":"2026-03-10T10:00:01Z","level":"error","source":"api","message":"upstream timeout","http":{"status":504}}
{"timestamp":"2026-03-10T10:01:00Z","level":"warn","source":"worker","message":"retry of job 7","duration_ms":80}
{"timestamp":"2026-03-10T10:02:00Z","level":"error","source":"worker","message":"job 7 failed: \"timeout\""}
"#;

/// A command line that may everything, and whose project holds `LINES`, which also lie in a file.
async fn with_lines(logs: &LogApp, org: &Org) -> (CommandLine, String) {
    let cli = CommandLine::of(&logs.app, org, &["admin", "query", "ingest"]).await;
    let file = cli.path("app.ndjson");
    std::fs::write(&file, LINES).unwrap();
    cli.said(&["ingest", &file]);
    let count = ["query", "* | stats count()", "-o", "csv", "--from", "2026-03-10", "--to", "2026-03-11"];
    eventually("the events to be found", async || (cli.said(&count) == "count\n4\n").then_some(())).await;
    (cli, file)
}

const RANGE: [&str; 4] = ["--from", "2026-03-10T10:00:00Z", "--to", "2026-03-10T10:03:00Z"];

#[tokio::test]
async fn an_answer_looks_the_same_from_a_server_and_from_a_file() {
    let logs = LogApp::spawn_with(&["--default-retention-days", "365"]).await;
    let org = logs.app.org("acme").await;
    let (cli, file) = with_lines(&logs, &org).await;
    for query in [
        "level:error | sort timestamp",
        "timeout | sort timestamp",
        "* | stats count() as n, avg(duration_ms) as avg by source",
        "* | timechart count() by source every=1m",
        "level:error | fields source, message | sort source",
        "level:fatal",
        "* | top 2 source",
    ] {
        let of_server = [&["query", query], RANGE.as_slice()].concat();
        let of_file = [of_server.as_slice(), &[file.as_str()]].concat();
        assert_eq!(cli.shown(&of_server), cli.shown(&of_file), "{query} on a terminal");
        for form in ["auto", "table", "csv"] {
            let ways = [&of_server, &of_file].map(|way| cli.said(&[way.as_slice(), &["-o", form]].concat()));
            assert_eq!(ways[0], ways[1], "{query} as {form}");
        }
    }
    assert_eq!(
        cli.shown(&[&["query", "timeout | sort timestamp"], RANGE.as_slice()].concat()),
        "\u{1b}[2m2026-03-10 10:00:01.000\u{1b}[0m \u{1b}[1;31mERROR\u{1b}[0m \u{1b}[34mapi\u{1b}[0m upstream \
         \u{1b}[1;30;43mtimeout\u{1b}[0m \u{1b}[2mhttp.status=\u{1b}[0m504\n\
         \u{1b}[2m2026-03-10 10:02:00.000\u{1b}[0m \u{1b}[1;31mERROR\u{1b}[0m \u{1b}[34mworker\u{1b}[0m job 7 failed: \
         \"\u{1b}[1;30;43mtimeout\u{1b}[0m\"\n"
    );
    let (message, status) = cli.refused(&["query", "level:eror"]);
    assert!(
        message.starts_with("error[E023]: 'eror' is not a level\n  level:eror\n        ^^^^\n"),
        "{message}"
    );
    assert_eq!(status, Some(2));
    let found = [&["query", "level:error", "--fail-on-match", "-n", "1"], RANGE.as_slice()].concat();
    assert_eq!(cli.run(&found).status.code(), Some(1));
}

#[tokio::test]
async fn rows_are_exported_and_a_query_is_costed() {
    let logs = LogApp::spawn_with(&["--default-retention-days", "365"]).await;
    let org = logs.app.org("acme").await;
    let (cli, _) = with_lines(&logs, &org).await;
    fn export(more: &[&'static str]) -> Vec<&'static str> {
        let query = "level:error | fields timestamp, source, message | sort timestamp";
        [&["export", query], RANGE.as_slice(), more].concat()
    }
    let csv = "timestamp,source,message\n2026-03-10T10:00:01Z,api,upstream timeout\n\
               2026-03-10T10:02:00Z,worker,\"job 7 failed: \"\"timeout\"\"\"\n";
    assert_eq!(cli.said(&export(&["--format", "csv"])).replace("\r\n", "\n"), csv);
    let output = cli.run(&export(&["-o", "errors.csv"]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let written = std::fs::read_to_string(cli.path("errors.csv")).unwrap();
    assert_eq!(written.replace("\r\n", "\n"), csv);
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("2 rows, {} bytes\n", written.len()));
    assert!(!Path::new(&cli.path("errors.csv.part")).exists());
    let (message, status) = cli.refused(&export(&["-o", "errors.csv"]));
    assert_eq!(message, "error: errors.csv is there already; use --force to overwrite it\n");
    assert_eq!(status, Some(2));
    cli.said(&export(&["-o", "errors.csv", "--force", "-n", "1"]));
    assert_eq!(std::fs::read_to_string(cli.path("errors.csv")).unwrap().lines().count(), 2);
    cli.said(&export(&["-o", "errors.parquet"]));
    assert!(std::fs::read(cli.path("errors.parquet")).unwrap().starts_with(b"PAR1"));
    let line = cli.said(&[&["export", "retry"], RANGE.as_slice()].concat());
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["message"], "retry of job 7");

    let costed =
        cli.said(&[&["check", "level:error timeout", "--sql", "--estimate"], RANGE.as_slice()].concat());
    let lines: Vec<&str> = costed.lines().collect();
    assert_eq!(lines[0], "level:error timeout");
    assert!(
        costed.contains("\nReads at most ") && costed.contains(" pieces of the index are left\n"),
        "{costed}"
    );
    assert!(costed.contains("\n\nSELECT") && costed.contains("timeout"), "{costed}");
}

#[tokio::test]
async fn keys_and_rules_are_kept_by_the_command_line() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let cli = CommandLine::of(&app, &acme, &["admin"]).await;

    let secret = cli.said(&["keys", "create", "shipper", "--scope", "ingest,query"]);
    assert!(secret.starts_with("cwq_"), "{secret}");
    let listed = cli.said(&["keys", "list", "-o", "csv"]);
    let row = listed.lines().find(|line| line.starts_with("shipper,")).unwrap_or_else(|| panic!("{listed}"));
    assert!(row.starts_with(&format!("shipper,\"ingest,query\",{},", &secret[..16])), "{row}");
    let table = cli.said(&["keys", "list"]);
    assert!(table.starts_with("name     scopes        prefix            created_at "), "{table}");
    assert!(cli.shown(&["keys", "list"]).contains("\u{1b}[1mname"), "a header in bold");
    assert_eq!(cli.said(&["keys", "delete", "shipper"]), "deleted shipper\n");
    let (message, _) = cli.refused(&["keys", "delete", "shipper"]);
    assert_eq!(message, "error: there is no key shipper; see `cordwood keys list`\n");

    let rule = json!({
        "name": "5xx spike", "severity": "critical", "enabled": false, "query": "level:error | stats count() as n by source", "value": "n",
        "window": "5m", "every": "1m", "condition": {"op": ">", "threshold": 10},
    });
    std::fs::write(cli.path("spike.json"), rule.to_string()).unwrap();
    assert_eq!(cli.said(&["alerts", "apply", "spike.json", "--dry-run"]), "would be created 5xx spike\n");
    assert_eq!(cli.said(&["alerts", "list"]), "state  name  severity  value  since  muted_until  id\n");
    assert_eq!(cli.said(&["alerts", "apply", "spike.json"]), "created 5xx spike\n");
    assert_eq!(cli.said(&["alerts", "apply", "spike.json"]), "unchanged 5xx spike\n");
    assert_eq!(cli.said(&["alerts", "pull", "rules"]), "rules/5xx-spike.json\n");
    assert_eq!(cli.said(&["alerts", "apply", "rules/5xx-spike.json"]), "unchanged 5xx spike\n");
    let pulled = std::fs::read_to_string(cli.path("rules/5xx-spike.json")).unwrap();
    assert!(pulled.contains("\"threshold\": 10"), "{pulled}");
    std::fs::write(
        cli.path("rules/5xx-spike.json"),
        pulled.replace("\"threshold\": 10", "\"threshold\": 25"),
    )
    .unwrap();
    assert_eq!(
        cli.said(&["alerts", "apply", "rules/5xx-spike.json", "--dry-run"]),
        "would be changed 5xx spike\n"
    );
    assert_eq!(cli.said(&["alerts", "apply", "rules/5xx-spike.json"]), "changed 5xx spike\n");
    let rules = acme.get("/api/v1/alert-rules").await.expect(200).body;
    assert_eq!(rules["items"][0]["condition"]["threshold"].as_f64(), Some(25.0), "{rules}");

    let muted = cli.said(&["alerts", "mute", "5xx spike", "--for", "2h"]);
    assert!(muted.starts_with("5xx spike is muted until 2"), "{muted}");
    let listed = cli.said(&["alerts", "list", "-o", "csv"]);
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(row[1..3], ["5xx spike", "critical"], "{listed}");
    assert!(row[5].starts_with('2'), "{listed}");
    let (message, _) = cli.refused(&["alerts", "mute", "5xx"]);
    assert_eq!(message, "error: there is no rule 5xx; see `cordwood alerts list`\n");

    std::fs::write(cli.path("wrong.json"), rule.to_string().replace("level:error", "level:eror")).unwrap();
    let (message, status) = cli.refused(&["alerts", "apply", "wrong.json"]);
    assert!(message.contains("'eror' is not a level") && message.contains("^^^^"), "{message}");
    assert_eq!(status, Some(2));
}

/// Passes bytes on to a server, until it is told to cut every connection and take no new one.
struct Wire {
    url: String,
    is_cut: Arc<AtomicBool>,
}

impl Wire {
    fn to(url: &str) -> Self {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let is_cut = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_cut);
        std::thread::spawn(move || {
            for here in listener.incoming().flatten() {
                if shared.load(Ordering::SeqCst) {
                    continue;
                }
                let there = TcpStream::connect(&server).unwrap();
                for (from, to) in [(&here, &there), (&there, &here)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let is_cut = Arc::clone(&shared);
                    from.set_read_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
                    std::thread::spawn(move || {
                        let mut bytes = [0; 4096];
                        while !is_cut.load(Ordering::SeqCst) {
                            match from.read(&mut bytes) {
                                Ok(0) => break,
                                Ok(read) => to.write_all(&bytes[..read]).unwrap_or_default(),
                                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                                Err(_) => break,
                            }
                        }
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
        Self { url, is_cut }
    }
}

#[tokio::test]
async fn a_tail_goes_on_without_a_gap_after_its_connection_was_cut() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let wire = Wire::to(&app.url);
    let key = acme.api_key(&["query"]).await["secret"].as_str().unwrap().to_owned();
    let cli = CommandLine::new(&wire.url, &key);
    let send = async |message: &str, level: &str| {
        let event = json!([{"message": message, "level": level, "source": "api"}]);
        acme.post("/api/v1/logs/ingest", event).await.expect(202);
    };
    let mut tail = cli.start(&["tail", "level>=warn | fields message", "-o", "ndjson"]);
    // It shows what comes after it has begun: so events are sent until one is seen.
    let seen = std::thread::spawn(move || {
        let line = tail.line();
        (tail, line)
    });
    while !seen.is_finished() {
        send("hello", "error").await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (mut tail, first) = seen.join().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["message"], "hello");
    send("before the cut", "error").await;
    let mut line = tail.line();
    while line.contains("hello") {
        line = tail.line();
    }
    assert!(line.contains("before the cut"), "{line}");
    wire.is_cut.store(true, Ordering::SeqCst);
    assert_eq!(tail.error_line(), "-- connecting again");
    send("while away", "warn").await;
    send("nothing for it", "info").await;
    send("still away", "error").await;
    wire.is_cut.store(false, Ordering::SeqCst);
    let lines = [tail.line(), tail.line()];
    assert!(lines[0].contains("while away") && lines[1].contains("still away"), "{lines:?}");
    send("live again", "error").await;
    assert!(tail.line().contains("live again"));
}
