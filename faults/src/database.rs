//! A database on a Postgres server, each way to it over a proxy of its own; and what the alerts left in it.

use crate::proxy::Proxy;
use anyhow::{Context, Result};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Reached past all proxies.
pub struct Database {
    pub pool: PgPool,
    server: SocketAddr,
    name: String,
}

/// What a node connects to: its own user, through its own proxy.
pub struct Way {
    pub proxy: Proxy,
    pub url: String,
}

impl Database {
    pub async fn create(server: &str) -> Result<Self> {
        let name = format!("faults_{}", uuid::Uuid::now_v7().simple());
        let options = PgConnectOptions::from_str(server)?;
        let admin = PgPool::connect_with(options.clone()).await.context("Postgres cannot be reached")?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await?;
        admin.close().await;
        let host = format!("{}:{}", options.get_host(), options.get_port());
        let server = host.to_socket_addrs()?.next().context("Postgres has no address")?;
        let pool = PgPoolOptions::new().max_connections(2).connect_with(options.database(&name)).await?;
        Ok(Self { pool, server, name })
    }

    /// A way for the node `node`, whose statements are those of a user of that name.
    pub async fn way(&self, node: &str) -> Result<Way> {
        let user = format!("{node}_{}", self.name);
        sqlx::query(AssertSqlSafe(format!("CREATE ROLE {user} LOGIN SUPERUSER"))).execute(&self.pool).await?;
        let proxy = Proxy::start(self.server).await?;
        let url = format!("postgres://{user}@{}/{}", proxy.address, self.name);
        Ok(Way { proxy, url })
    }

    pub async fn count(&self, sql: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    /// From now on the database itself notes who writes a rule's state, and who had the right to.
    pub async fn watch_writes(&self) -> Result<()> {
        for statement in WATCH {
            sqlx::query(*statement).execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Writes of an evaluation so far, and those by a node that did not hold the lease at that moment.
    pub async fn writes(&self) -> Result<(i64, i64)> {
        let all = self.count("SELECT COUNT(*) FROM state_writes").await?;
        let wrong =
            "SELECT COUNT(*) FROM state_writes WHERE split_part(who, '_', 1) <> split_part(owner, '/', 1)";
        Ok((all, self.count(wrong).await?))
    }
}

const WATCH: &[&str] = &[
    "CREATE TABLE state_writes (rule_id UUID, version BIGINT, who TEXT, owner TEXT)",
    "CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO state_writes SELECT NEW.rule_id, NEW.version, current_user, l.owner FROM alert_leases l WHERE l.shard = NEW.shard; \
        RETURN NEW; END $$",
    "CREATE TRIGGER note_write AFTER UPDATE ON alert_states FOR EACH ROW \
        WHEN (NEW.last_evaluated_at IS DISTINCT FROM OLD.last_evaluated_at) EXECUTE FUNCTION note_write()",
];
