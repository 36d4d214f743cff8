//! The real programs as child processes: a server that can be killed, and an engine to look into what it left.

#![allow(dead_code)] // each test binary uses its own part

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Calls until it gives a value.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "it did not come true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Builds a program of another package if it is not up to date; says where it is. `cargo xtask test` has built them all before.
pub fn program(package: &str, name: &str) -> PathBuf {
    if std::env::var_os("CORDWOOD_TEST_PROGRAMS_BUILT").is_none() {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", package]).status();
        assert!(built.unwrap().success(), "{name} does not build");
    }
    Path::new(env!("CARGO_BIN_EXE_cordwood-server")).with_file_name(name)
}

fn engine_program() -> PathBuf {
    program("engine", "cordwood-engine")
}

fn engine_library() -> PathBuf {
    let in_repository =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../node_modules/@chdb/lib-linux-x64-gnu/libchdb.so");
    let library =
        std::env::var_os("CORDWOOD_ENGINE_LIBRARY").map_or_else(|| in_repository.into(), PathBuf::from);
    assert!(
        library.exists(),
        "{} is missing: run `npm ci`, or set CORDWOOD_ENGINE_LIBRARY",
        library.display()
    );
    library
}

/// A server on a folder of its own; it keeps its address over restarts.
pub struct Server {
    pub folder: tempfile::TempDir,
    pub url: String,
    pub http: reqwest::Client,
    arguments: Vec<String>,
    process: Child,
}

impl Server {
    /// Starts with these settings besides the folder, the address and no limits on how much may be sent.
    pub async fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut arguments: Vec<String> = [
            "--data-dir",
            &folder.path().display().to_string(),
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--engine-program",
            &engine_program().display().to_string(),
            "--engine-library",
            &engine_library().display().to_string(),
            "--signup-per-hour=0",
            "--otlp-grpc-listen=off",
            "--syslog-listen=off",
            "--ingest-bytes-per-second=0",
            "--ingest-events-per-second=0",
            "--wal-reserve-bytes=0",
            "--wal-reserve-percent=0",
        ]
        .map(str::to_owned)
        .into();
        arguments.extend(settings.iter().map(|each| (*each).to_owned()));
        let process = spawn(&arguments);
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Self { folder, url, http: reqwest::Client::new(), arguments, process };
        server.ready().await;
        server
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub async fn start_again(&mut self) {
        self.process = spawn(&self.arguments);
        self.ready().await;
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(mut self) -> tempfile::TempDir {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        eventually("the server stops", async || self.process.try_wait().unwrap()).await;
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    async fn ready(&mut self) {
        let ready = format!("{}/readyz", self.url);
        eventually("the server is ready", async || {
            assert!(self.process.try_wait().unwrap().is_none(), "the server ended by itself");
            self.http.get(&ready).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Signs up an organization and makes it a key for sending.
    pub async fn ingest_key(&self, organization: &str) -> String {
        let signup = json!({
            "email": format!("{organization}@example.org"),
            "password": "a horse that staples batteries",
            "name": "Ann",
            "organization": organization,
        });
        let session = self.post("/api/v1/auth/signup", None, &signup).await;
        let new_key =
            json!({ "name": "load", "project_id": session["projects"][0]["id"], "scopes": ["ingest"] });
        let key = self.post("/api/v1/api-keys", session["access_token"].as_str(), &new_key).await;
        key["secret"].as_str().expect("a new key shows its secret").to_owned()
    }

    async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Value {
        let mut request = self.http.post(format!("{}{path}", self.url)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn spawn(arguments: &[String]) -> Child {
    // What stands in the environment for tests is no setting of a server.
    Command::new(env!("CARGO_BIN_EXE_cordwood-server")).args(arguments).env_clear().spawn().unwrap()
}

/// The engine on the folder of a stopped server.
pub struct Engine {
    pub url: String,
    process: Child,
    _stdin: ChildStdin,
}

const SECRET: &str = "only-for-this-test";

impl Engine {
    pub fn on(data_dir: &Path) -> Self {
        let mut process = Command::new(engine_program())
            .arg("--data-dir")
            .arg(data_dir.join("engine"))
            .arg("--library")
            .arg(engine_library())
            .env("CORDWOOD_ENGINE_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("the engine tells its address");
        let stdin = process.stdin.take().unwrap();
        Self { url: format!("http://{address}/"), process, _stdin: stdin }
    }

    /// What a server is given to use this engine as its ClickHouse.
    pub fn clickhouse_url(&self) -> String {
        self.url.replace("http://", &format!("http://default:{SECRET}@")) + "default"
    }

    /// The first column of a query, as text.
    pub async fn column(&self, sql: &str) -> Vec<String> {
        let answer = self.run(format!("{sql} FORMAT TabSeparated")).await;
        answer.lines().map(str::to_owned).collect()
    }

    /// Runs a statement without an answer.
    pub async fn execute(&self, sql: &str) {
        self.run(sql.to_owned()).await;
    }

    async fn run(&self, sql: String) -> String {
        let request = reqwest::Client::new().post(&self.url).basic_auth("default", Some(SECRET));
        let answer = request.body(sql.clone()).send().await.unwrap();
        assert!(answer.status().is_success(), "{sql}: {}", answer.text().await.unwrap());
        answer.text().await.unwrap()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
