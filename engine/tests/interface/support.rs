//! A real engine on a folder of its own, for one test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use clickhouse::{Client, Compression};

pub const SECRET: &str = "a secret of the test";

pub struct TestEngine {
    pub process: Child,
    /// Closing it tells the engine that its parent is gone.
    pub stdin: Option<ChildStdin>,
    pub url: String,
    pub data_dir: tempfile::TempDir,
}

pub fn library() -> PathBuf {
    let default = || {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        root.join("node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
    };
    let path = std::env::var_os("CORDWOOD_ENGINE_LIBRARY").map_or_else(default, PathBuf::from);
    assert!(
        path.exists(),
        "the engine library is not at {}: run `npm ci` in the repository, or set CORDWOOD_ENGINE_LIBRARY",
        path.display()
    );
    path
}

impl TestEngine {
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[])
    }

    pub fn start_in(data_dir: tempfile::TempDir, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cordwood-engine"))
            .arg("--data-dir")
            .arg(data_dir.path())
            .arg("--library")
            .arg(library())
            .args(arguments)
            .env("CORDWOOD_ENGINE_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("the engine did not start");
        let (stdin, url) = (process.stdin.take(), format!("http://{address}"));
        Self { process, stdin, url, data_dir }
    }

    pub fn client(&self) -> Client {
        Client::default()
            .with_url(&self.url)
            .with_user("default")
            .with_password(SECRET)
            .with_compression(Compression::None)
    }

    /// Runs a statement and returns its answer as text.
    pub async fn ask(&self, sql: &str) -> String {
        let mut cursor = self.client().query_raw(sql).fetch_bytes("TabSeparated").unwrap();
        let answer = cursor.collect().await.unwrap();
        String::from_utf8(answer.to_vec()).unwrap().trim_end().to_owned()
    }

    pub async fn run(&self, sql: &str) {
        self.client().query_raw(sql).execute().await.unwrap();
    }

    /// What `ask` answers, once it is `expected`.
    pub async fn eventually(&self, sql: &str, expected: &str) {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.ask(sql).await;
            if answer == expected {
                return;
            }
            assert!(Instant::now() < patience, "`{sql}` still answers `{answer}` and not `{expected}`");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the process as `end` does it and waits; the folder stays.
    pub fn end(mut self, end: impl FnOnce(&mut Self)) -> (std::process::ExitStatus, tempfile::TempDir) {
        end(&mut self);
        let status = self.process.wait().unwrap();
        let data_dir = std::mem::replace(&mut self.data_dir, tempfile::tempdir().unwrap());
        (status, data_dir)
    }
}

impl Drop for TestEngine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
