//! A server of our own: started in a temporary folder, with an account and a key, stopped at the end.

use anyhow::{Context, Result, ensure};
use api_types::accounts::{CreatedApiKey, KeyScope, NewApiKeyRequest, Session, SignupRequest};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

const LIBRARY: &str = "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";
const SECRET: &str = "only-for-this-bench";

pub struct Server {
    child: Child,
    pub address: String,
    pub key: String,
    pub client: reqwest::Client,
    pub engine: Engine,
    /// Gone with the server, unless somebody wants to keep the data.
    _folder: TempDir,
}

/// The embedded engine as a process of the bench's own, so that it can be asked where its time goes.
pub struct Engine {
    child: Child,
    address: String,
    _stdin: ChildStdin,
}

impl Engine {
    async fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let program = std::env::current_exe()?.with_file_name("cordwood-engine");
        let mut child = Command::new(&program)
            .arg("--data-dir")
            .arg(folder)
            .args(["--library", LIBRARY])
            .env("CORDWOOD_ENGINE_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        let stdin = child.stdin.take().context("the engine has an input")?;
        let mut line = String::new();
        let output = child.stdout.take().context("the engine has an output")?;
        BufReader::new(output).read_line(&mut line).await?;
        let address =
            line.trim().strip_prefix("listening on ").context("the engine does not tell its address")?;
        Ok(Self { child, address: address.to_owned(), _stdin: stdin })
    }

    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the engine has ended")
    }

    /// The answer to a query as lines of words.
    pub async fn query(&self, client: &reqwest::Client, sql: &str) -> Result<Vec<Vec<String>>> {
        let request = client.post(format!("http://{}/", self.address)).basic_auth("default", Some(SECRET));
        let answer = request.body(format!("{sql} FORMAT TabSeparated")).send().await?.error_for_status()?;
        let text = answer.text().await?;
        Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }
}

impl Server {
    pub async fn start() -> Result<Self> {
        Self::start_with(None, &[]).await
    }

    /// The same with its data in a folder that stays, and more arguments. A folder that has an account keeps it.
    pub async fn start_with(data: Option<&Path>, arguments: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cordwood-bench-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = std::env::current_exe()?.with_file_name("cordwood-server");
        let data_dir = data.map_or_else(|| folder.path().join("data"), Path::to_owned);
        let has_account = data_dir.join("loaded.json").exists();
        let log = std::fs::File::create(folder.path().join("server.log"))?;
        let engine = Engine::start(&data_dir.join("engine")).await?;
        let child = Command::new(&program)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--log", "warn"])
            .args([
                "--ingest-bytes-per-second",
                "0",
                "--ingest-events-per-second",
                "0",
                "--wal-reserve-percent",
                "0",
            ])
            .args(arguments)
            .arg("--data-dir")
            .arg(&data_dir)
            .args(["--clickhouse-url", &format!("http://default:{SECRET}@{}/default", engine.address)])
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut server = Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
            key: String::new(),
            client,
            engine,
            _folder: folder,
        };
        server.wait_until_ready().await?;
        if !has_account {
            server.key = server.make_account().await?;
        }
        Ok(server)
    }

    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        for _ in 0..600 {
            ensure!(self.child.try_wait()?.is_none(), "the server ended while starting");
            let answer = self.client.get(format!("{}/readyz", self.address)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the server did not become ready within 30 s")
    }

    async fn make_account(&self) -> Result<String> {
        let signup = SignupRequest {
            email: "bench@cordwood.example".into(),
            password: "a long enough passphrase for a bench".into(),
            name: "Bench".into(),
            organization: "Bench".into(),
        };
        let session: Session = self.post("/api/v1/auth/signup", "", &signup).await?;
        let key = NewApiKeyRequest {
            name: "bench".into(),
            project_id: session.projects.first().context("a first project")?.id.clone(),
            scopes: vec![KeyScope::Admin],
            ..NewApiKeyRequest::default()
        };
        let created: CreatedApiKey = self.post("/api/v1/api-keys", &session.access_token, &key).await?;
        Ok(created.secret)
    }

    pub async fn post<B: serde::Serialize, T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
        body: &B,
    ) -> Result<T> {
        let mut request = self.client.post(format!("{}{path}", self.address)).json(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// The sum of a metric, over its labels, in the server's own words.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let text = self.client.get(format!("{}/metrics", self.address)).send().await?.text().await?;
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            (rest.starts_with(' ') || rest.starts_with('{'))
                .then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        });
        Ok(values.sum())
    }

    /// Asks the server to stop, and waits for it.
    pub async fn stop(mut self) -> Result<()> {
        let pid = self.pid()?.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        let status = tokio::time::timeout(Duration::from_secs(60), self.child.wait())
            .await
            .context("the server did not stop")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}
