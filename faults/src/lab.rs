//! The programs of a check: a server, its engine, and the proxy between them, each in a temporary folder.

use crate::database::Database;
use crate::proxy::Proxy;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SECRET: &str = "only-for-this-check";
pub const PASSWORD: &str = "a horse that staples batteries";
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Lab {
    programs: PathBuf,
    library: PathBuf,
    /// Address of a Postgres server, for checks that need one.
    postgres: Option<String>,
    pub long: bool,
    pub http: reqwest::Client,
}

impl Lab {
    pub fn new(programs: PathBuf, library: PathBuf, postgres: Option<String>, long: bool) -> Result<Self> {
        for needed in [programs.join("cordwood-server"), programs.join("cordwood-engine"), library.clone()] {
            ensure!(needed.is_file(), "{} is missing: start this by `cargo xtask faults`", needed.display());
        }
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { programs, library, postgres, long, http })
    }

    /// A new database on the Postgres server.
    pub async fn database(&self) -> Result<Database> {
        let server = self.postgres.as_deref().context("this check needs Postgres: --postgres")?;
        Database::create(server).await
    }

    /// So many in a run for a change, and so many in one for a release.
    pub fn rounds(&self, change: u64, release: u64) -> u64 {
        if self.long { release } else { change }
    }

    /// A server with its engine behind a proxy.
    pub async fn stack(&self, settings: &[&str]) -> Result<Stack> {
        self.stack_with(settings, &[]).await
    }

    /// The same with variables in the server's environment.
    pub async fn stack_with(&self, settings: &[&str], environment: &[(&str, String)]) -> Result<Stack> {
        let folder = tempfile::Builder::new().prefix("cordwood-faults-").tempdir()?;
        self.stack_in(folder, settings, environment).await
    }

    pub async fn stack_in(
        &self,
        folder: TempDir,
        settings: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Stack> {
        let engine = Engine::start(self, &folder.path().join("engine"))?;
        let proxy = Proxy::start(engine.address).await?;
        let server = self.server(folder.path(), proxy.address, settings, environment).await?;
        Ok(Stack { server, proxy, engine, _folder: folder })
    }

    /// A server whose data lie in `folder` and whose ClickHouse is at `clickhouse`.
    pub async fn server(
        &self,
        folder: &Path,
        clickhouse: SocketAddr,
        settings: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Server> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = folder.join("data").display().to_string();
        let mut arguments: Vec<String> = [
            "--data-dir",
            &data,
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--clickhouse-url",
            &format!("http://default:{SECRET}@{clickhouse}/default"),
            "--log=warn",
            "--signup-per-hour=0",
            "--wal-reserve-percent=0",
        ]
        .map(str::to_owned)
        .into();
        arguments.extend(settings.iter().map(|each| (*each).to_owned()));
        for limit in ["--ingest-bytes-per-second", "--ingest-events-per-second", "--wal-reserve-bytes"] {
            if !settings.iter().any(|each| each.starts_with(limit)) {
                arguments.push(format!("{limit}=0"));
            }
        }
        let mut command = Command::new(self.programs.join("cordwood-server"));
        command.args(arguments).stdin(Stdio::null());
        command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        let log = std::fs::File::options().create(true).append(true).open(folder.join("server.log"))?;
        command.stderr(log).stdout(Stdio::null());
        let process = Arc::new(Mutex::new(command.spawn().context("the server does not start")?));
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Server { url, http: self.http.clone(), command, process };
        server.ready().await?;
        Ok(server)
    }
}

/// Everything that runs for one check.
pub struct Stack {
    pub server: Server,
    pub proxy: Proxy,
    pub engine: Engine,
    _folder: TempDir,
}

impl Stack {
    /// The first column of a query, as text, past the server and the proxy.
    pub async fn column(&self, sql: &str) -> Result<Vec<String>> {
        self.engine.column(&self.server.http, sql).await
    }
}

pub struct Server {
    pub url: String,
    pub http: reqwest::Client,
    command: Command,
    process: Arc<Mutex<Child>>,
}

impl Server {
    /// SIGKILL: nothing is flushed, nobody is told.
    pub fn kill(&mut self) -> Result<()> {
        end(&self.process)?;
        Ok(())
    }

    /// Kills it at the moment when it is called.
    pub fn killer(&self) -> impl Fn() + Send + Sync + 'static + use<> {
        let process = Arc::clone(&self.process);
        move || {
            end(&process).ok();
        }
    }

    /// Starts again on the same folder and address; says how long it took to be ready.
    pub async fn start_again(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.process = Arc::new(Mutex::new(self.command.spawn()?));
        self.ready().await?;
        Ok(begun.elapsed())
    }

    /// SIGTERM; says how long it took to end.
    pub async fn terminate(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        let told = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        ensure!(told.success(), "the server cannot be told to stop");
        while self.is_running()? {
            ensure!(begun.elapsed() < PATIENCE, "the server does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(begun.elapsed())
    }

    /// SIGSTOP: as if the machine slept, its connections stay open.
    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// SIGCONT: it goes on where it was and knows of nothing.
    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let told = Command::new("kill").args([signal, &self.id().to_string()]).status()?;
        ensure!(told.success(), "the server cannot be sent {signal}");
        Ok(())
    }

    pub fn is_running(&self) -> Result<bool> {
        Ok(self.child().try_wait()?.is_none())
    }

    fn id(&self) -> u32 {
        self.child().id()
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of memory that are the process's own.
    pub fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory figure")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib * 1024)
    }

    async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            ensure!(self.is_running()?, "the server ended by itself");
            let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "the server does not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every metric, as text.
    pub async fn metrics(&self) -> Result<String> {
        Ok(self.http.get(format!("{}/metrics", self.url)).send().await?.text().await?)
    }

    /// The sum of a metric over its labels.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let text = self.metrics().await?;
        let of_it = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ') || rest.starts_with('{'))
        });
        let values: Vec<f64> = of_it.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        ensure!(!values.is_empty(), "there is no metric {name}");
        Ok(values.iter().sum())
    }

    /// Signs up an organization.
    pub async fn organization(&self, name: &str) -> Result<Organization> {
        let signup = json!({
            "email": format!("{name}@example.org"), "password": PASSWORD,
            "name": "Ann", "organization": name,
        });
        let session = self.post("/api/v1/auth/signup", None, &signup).await?;
        let token = session["access_token"].as_str().context("no access token")?.to_owned();
        let project_id = session["projects"][0]["id"].as_str().context("a first project")?.to_owned();
        let key = json!({"name": "load", "project_id": project_id, "scopes": ["admin"]});
        let key = self.post("/api/v1/api-keys", Some(&token), &key).await?;
        let key = key["secret"].as_str().context("a new key shows its secret")?.to_owned();
        let email = format!("{name}@example.org");
        Ok(Organization { key, email, token, project_id })
    }

    pub async fn post(&self, path: &str, credential: Option<&str>, body: &Value) -> Result<Value> {
        let mut request = self.http.post(format!("{}{path}", self.url)).json(body);
        if let Some(credential) = credential {
            request = request.bearer_auth(credential);
        }
        answered(path, request).await
    }

    pub async fn put(&self, path: &str, credential: &str, body: &Value) -> Result<Value> {
        answered(path, self.http.put(format!("{}{path}", self.url)).bearer_auth(credential).json(body)).await
    }

    pub async fn get(&self, path: &str, credential: &str) -> Result<Value> {
        answered(path, self.http.get(format!("{}{path}", self.url)).bearer_auth(credential)).await
    }
}

async fn answered(path: &str, request: reqwest::RequestBuilder) -> Result<Value> {
    let answer = request.send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status.is_success(), "{path}: {status} {text}");
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn end(process: &Mutex<Child>) -> std::io::Result<()> {
    let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
    process.kill()?;
    process.wait()?;
    Ok(())
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&self.process).ok();
    }
}

/// An organization by a key that may do everything.
pub struct Organization {
    pub key: String,
    /// Of its owner, whose password is `PASSWORD`.
    pub email: String,
    /// The owner's access token, for its ten minutes.
    pub token: String,
    pub project_id: String,
}

pub struct Engine {
    pub address: SocketAddr,
    command: Command,
    process: Child,
    _stdin: ChildStdin,
}

impl Engine {
    fn start(lab: &Lab, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new(lab.programs.join("cordwood-engine"));
        command.arg("--data-dir").arg(folder).arg("--library").arg(&lab.library);
        command.env("CORDWOOD_ENGINE_SECRET", SECRET).stdin(Stdio::piped()).stdout(Stdio::piped());
        let (process, stdin, address) = run(&mut command)?;
        Ok(Self { address, command, process, _stdin: stdin })
    }

    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Starts again on the same folder, at another address.
    pub fn start_again(&mut self) -> Result<()> {
        (self.process, self._stdin, self.address) = run(&mut self.command)?;
        Ok(())
    }

    pub async fn column(&self, http: &reqwest::Client, sql: &str) -> Result<Vec<String>> {
        let request = http.post(format!("http://{}/", self.address)).basic_auth("default", Some(SECRET));
        let answer = request.body(format!("{sql} FORMAT TabSeparated")).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{sql}: {text}");
        Ok(text.lines().map(str::to_owned).collect())
    }

    pub async fn execute(&self, http: &reqwest::Client, sql: &str) -> Result<()> {
        let request = http.post(format!("http://{}/", self.address)).basic_auth("default", Some(SECRET));
        let answer = request.body(sql.to_owned()).send().await?;
        if !answer.status().is_success() {
            bail!("{sql}: {}", answer.text().await?);
        }
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<(Child, ChildStdin, SocketAddr)> {
    let mut process = command.spawn().context("the engine does not start")?;
    let stdin = process.stdin.take().context("the engine has an input")?;
    let mut line = String::new();
    BufReader::new(process.stdout.take().context("the engine has an output")?).read_line(&mut line)?;
    let address =
        line.trim().strip_prefix("listening on ").context("the engine does not tell its address")?;
    Ok((process, stdin, address.parse()?))
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
