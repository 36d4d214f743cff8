//! `TestApp`: one server of one test. Waiting is `eventually`, never a bare sleep.

pub mod caller;
pub mod logs;
pub mod mail;
pub mod receiver;

pub use caller::{Answer, Caller, Org};

use serde_json::json;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub const PASSWORD: &str = "correct horse battery";

/// A running server. It is killed when the test ends.
pub struct TestApp {
    pub folder: TempDir,
    pub url: String,
    child: Child,
    arguments: Vec<String>,
}

impl TestApp {
    /// A server without ClickHouse, with the default settings but for the limits on signing up and the reserve of the disk.
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// The same with more flags.
    pub async fn spawn_with(flags: &[&str]) -> Self {
        let nowhere = ["--clickhouse-url", "http://127.0.0.1:1/none"];
        Self::start(&[&nowhere, flags].concat()).await
    }

    async fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut arguments: Vec<String> = flags.iter().map(ToString::to_string).collect();
        // Tests hold on a disk that is nearly full, too.
        for (flag, value) in [
            ("--signup-per-hour", "0"),
            ("--otlp-grpc-listen", "off"),
            ("--syslog-listen", "off"),
            ("--wal-reserve-bytes", "0"),
            ("--wal-reserve-percent", "0"),
        ] {
            if !flags.contains(&flag) {
                arguments.extend([flag.into(), value.into()]);
            }
        }
        if let Some(database) = own_postgres_database().await {
            arguments.extend(["--database-url".into(), database]);
        }
        let child = run(&folder, &arguments);
        let mut app = Self { folder, url: String::new(), child, arguments };
        app.wait_until_up().await;
        app
    }

    /// Kills the server as a crash would, and starts it again on the same data.
    pub async fn crash_and_restart(&mut self) {
        self.child.kill().await.expect("the server can be killed");
        self.start_again().await;
    }

    /// Stops the server as an operator would.
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let id = self.child.id().expect("the server runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill exists");
        assert!(told.success());
        self.child.wait().await.expect("the server can be waited for")
    }

    pub async fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.folder.path().join("server.address"));
        self.child = run(&self.folder, &self.arguments);
        self.wait_until_up().await;
    }

    async fn wait_until_up(&mut self) {
        let file = self.folder.path().join("server.address");
        let child = &mut self.child;
        let address = eventually("the server to start", async || {
            let ended = child.try_wait().expect("the server can be asked");
            assert!(ended.is_none(), "the server ended: {ended:?}");
            std::fs::read_to_string(&file).ok()
        })
        .await;
        self.url = format!("http://{address}");
        let anonymous = self.anonymous();
        eventually("the server to answer", async || anonymous.get("/healthz").await.ok()).await;
    }

    /// A caller without credentials.
    pub fn anonymous(&self) -> Caller {
        Caller::new(&self.url)
    }

    pub fn with_credential(&self, credential: &str) -> Caller {
        self.anonymous().with(credential)
    }

    /// Signs up the owner of a new organization: `owner@<name>.example`.
    pub async fn org(&self, name: &str) -> Org {
        let email = format!("owner@{name}.example");
        let answer = self
            .anonymous()
            .post(
                "/api/v1/auth/signup",
                json!({"email": email, "password": PASSWORD, "name": "Olive Owner", "organization": name}),
            )
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Org::of(self, &answer)
    }

    /// The flags by which another program finds the same metadata.
    pub fn database_flags(&self) -> Vec<String> {
        let mut flags = vec!["--data-dir".to_owned(), self.folder.path().display().to_string()];
        if let Some(at) = self.arguments.iter().position(|argument| argument == "--database-url") {
            flags.extend_from_slice(&self.arguments[at..at + 2]);
        }
        flags
    }

    /// Changes the metadata as no request can.
    pub async fn execute(&self, statement: &'static str) {
        use sqlx::Connection;
        let flags = self.database_flags();
        let done = match flags.iter().position(|flag| flag == "--database-url") {
            Some(at) => {
                let mut postgres =
                    sqlx::PgConnection::connect(&flags[at + 1]).await.expect("Postgres answers");
                sqlx::query(statement).execute(&mut postgres).await.map(|done| done.rows_affected())
            }
            None => {
                let url = format!("sqlite://{}", self.data("cordwood.db").display());
                let mut sqlite = sqlx::SqliteConnection::connect(&url).await.expect("the database opens");
                sqlx::query(statement).execute(&mut sqlite).await.map(|done| done.rows_affected())
            }
        };
        assert!(done.expect("the statement is right") > 0, "{statement} changed nothing");
    }

    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn run(folder: &TempDir, arguments: &[String]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordwood-server"));
    command.args(["--listen", "127.0.0.1:0", "--log", "warn,cordwood_server=info", "--data-dir"]);
    command.arg(folder.path()).args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let log = std::fs::File::options().create(true).append(true).open(folder.path().join("server.log"));
    command.stderr(log.expect("the log file can be made"));
    command.spawn().expect("the server program starts")
}

/// A new database, when the tests run on Postgres.
async fn own_postgres_database() -> Option<String> {
    use sqlx::Connection;
    let server = std::env::var("CORDWOOD_TEST_POSTGRES_URL").ok()?;
    let name = format!("it_{}", uuid::Uuid::now_v7().simple());
    let mut connection = sqlx::PgConnection::connect(&server).await.expect("the test Postgres answers");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.expect("a database can be made");
    let (before, _) = server.rsplit_once('/').expect("the address names a database");
    Some(format!("{before}/{name}"))
}

/// Asks again until there is an answer.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
