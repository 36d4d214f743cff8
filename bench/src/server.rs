//! A server of our own: started in a temporary folder, with an account and a key, stopped at the end.

use anyhow::{Context, Result, ensure};
use api_types::accounts::{CreatedApiKey, KeyScope, NewApiKeyRequest, Session, SignupRequest};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub struct Server {
    child: Child,
    pub address: String,
    pub key: String,
    pub client: reqwest::Client,
    _folder: TempDir,
}

impl Server {
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cordwood-bench-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = std::env::current_exe()?.with_file_name("cordwood-server");
        let log = std::fs::File::create(folder.path().join("server.log"))?;
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
            .arg("--data-dir")
            .arg(folder.path().join("data"))
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
            _folder: folder,
        };
        server.wait_until_ready().await?;
        server.key = server.make_account().await?;
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
