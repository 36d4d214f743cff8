//! A Postgres of our own for the tests: in a temporary folder, on a free port, gone afterwards. Not run as root.

use crate::debian;
use crate::programs::{run, say};
use anyhow::{Context, Result};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    pub fn start() -> Result<Self> {
        let server = debian::ensure(&["/usr/lib/postgresql/*/bin/pg_ctl", "pg_ctl"], "postgresql")?;
        let programs = Path::new(&server).parent().context("pg_ctl lies in a folder")?.to_owned();
        let folder = tempfile::Builder::new().prefix("cordwood-postgres-").tempdir()?;
        if debian::is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let postgres = Self { programs, folder, port };
        say(format!("starting Postgres on port {port}"));
        run(postgres
            .program("initdb")
            .args(["--auth=trust", "--username=cordwood", "--encoding=UTF8", "--no-sync"])
            .arg("--pgdata")
            .arg(postgres.data())
            .stdout(Stdio::null()))?;
        // Nothing of it outlives the tests. Vacuuming would go round hundreds of databases, one for each test.
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c max_connections=300 \
             -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 \
             -c max_wal_size=8GB -c autovacuum=off -c jit=off"
        );
        run(postgres
            .program("pg_ctl")
            .args(["start", "--wait", "--silent", "--options", &options])
            .arg("--pgdata")
            .arg(postgres.data())
            .arg("--log")
            .arg(postgres.folder.path().join("log")))?;
        Ok(postgres)
    }

    /// Address of the maintenance database; each test makes a database of its own beside it.
    pub fn url(&self) -> String {
        format!("postgres://cordwood@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Postgres refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if debian::is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = run(self
            .program("pg_ctl")
            .args(["stop", "--mode=immediate", "--silent", "--wait"])
            .arg("--pgdata")
            .arg(self.data()));
        if let Err(error) = stopped {
            say(format!("Postgres did not stop: {error:#}"));
        }
    }
}
