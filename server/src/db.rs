//! The metadata database: SQLite or Postgres behind one enum, with one SQL text for both.
//!
//! `on!(db.read(), pool => sqlx::query(…).fetch_all(pool))` expands to both drivers. SQLite has one writing connection, so that
//! no writer ever meets a lock, and a pool of readers; `read()` may lag nothing: both see the same file. Times are BIGINT
//! microseconds, ids are UUID (BLOB in SQLite), JSON is TEXT.

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Clone)]
pub enum Db {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres(PgPool),
}

/// One of the two pools; what `on!` matches on.
#[derive(Debug, Clone, Copy)]
pub enum Pool<'a> {
    Sqlite(&'a SqlitePool),
    Postgres(&'a PgPool),
}

/// Writes one expression for both databases: `on!(db.write(), pool => sqlx::query(SQL).execute(pool).await)`.
///
/// In a transaction: `on!(db.write(), pool => { let mut tx = db::begin…; … })`; the body is compiled once per driver.
#[macro_export]
macro_rules! on {
    ($pool:expr, $name:ident => $body:expr) => {
        match $pool {
            $crate::db::Pool::Sqlite($name) => $body,
            $crate::db::Pool::Postgres($name) => $body,
        }
    };
}

impl Db {
    /// Connects and brings the schema up to date. `url` is `sqlite://path` or `postgres://…`.
    ///
    /// # Errors
    /// The database cannot be reached, or a migration fails.
    pub async fn connect(url: &str, connections: u32) -> anyhow::Result<Self> {
        let db = if url.starts_with("sqlite:") {
            Self::connect_sqlite(url, connections).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::connect_postgres(url, connections).await
        } else {
            anyhow::bail!("database_url must begin with sqlite:// or postgres://")
        }?;
        db.migrate().await.context("cannot bring the metadata schema up to date")?;
        Ok(db)
    }

    async fn connect_sqlite(url: &str, connections: u32) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options.clone())
            .await
            .with_context(|| format!("cannot open the metadata database {url}"))?;
        let read = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(options);
        Ok(Self::Sqlite { read, write })
    }

    async fn connect_postgres(url: &str, connections: u32) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("cordwood")
            .options([("statement_timeout", "5s"), ("lock_timeout", "2s")]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await
            .context("cannot reach the Postgres of database_url")?;
        Ok(Self::Postgres(pool))
    }

    async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        match self {
            Self::Sqlite { write, .. } => sqlx::migrate!("../migrations/sqlite").run(write).await,
            Self::Postgres(pool) => sqlx::migrate!("../migrations/postgres").run(pool).await,
        }
    }

    #[must_use]
    pub fn read(&self) -> Pool<'_> {
        match self {
            Self::Sqlite { read, .. } => Pool::Sqlite(read),
            Self::Postgres(pool) => Pool::Postgres(pool),
        }
    }

    #[must_use]
    pub fn write(&self) -> Pool<'_> {
        match self {
            Self::Sqlite { write, .. } => Pool::Sqlite(write),
            Self::Postgres(pool) => Pool::Postgres(pool),
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        on!(self.read(), pool => sqlx::query("SELECT 1").execute(pool).await.map(|_| ()))
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Names the SQL texts of a store and lists them, so that a test can prepare every one on both databases.
///
/// `statements! { LIST_LIVE = "SELECT …"; }` makes `LIST_LIVE: &str`, and for the test `ALL: &[(&str, &str)]`. Name each store's
/// `ALL` in `db::tests::STORES`.
#[macro_export]
macro_rules! statements {
    ($( $(#[$meta:meta])* $name:ident = $text:expr; )+) => {
        $( $(#[$meta])* pub const $name: &str = $text; )+
        /// Every statement of this store, by name.
        #[cfg(test)]
        pub const ALL: &[(&str, &str)] = &[$( (stringify!($name), $name) ),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Table → columns of a migrations folder, read from the SQL itself: the same tables for both databases.
    fn tables_of(folder: &str) -> BTreeMap<String, Vec<String>> {
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut tables = BTreeMap::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let text: String =
                text.lines().map(|line| line.split("--").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
            for chunk in text.split("CREATE TABLE ").skip(1) {
                let (name, rest) = chunk.split_once('(').unwrap();
                let body = rest.split(";").next().unwrap();
                let columns = body
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
                    .map(|line| line.split_whitespace().next().unwrap().to_owned())
                    .collect();
                tables.insert(name.trim().to_owned(), columns);
            }
        }
        tables
    }

    /// A store's file, and its statements by name.
    type Store = (&'static str, &'static [(&'static str, &'static str)]);

    const STORES: &[&[Store]] = &[
        crate::accounts::STATEMENTS,
        crate::alerts::STATEMENTS,
        crate::audit::STATEMENTS,
        crate::erasure::STATEMENTS,
        &[
            ("admin.rs", crate::admin::ALL),
            ("auth/store.rs", crate::auth::store::ALL),
            ("ingest/dead_letters/mod.rs", crate::ingest::dead_letters::ALL),
            ("ingest/dead_letters/replay.rs", crate::ingest::dead_letters::replay::ALL),
            ("masking/store.rs", crate::masking::store::ALL),
            ("usage/notices.rs", crate::usage::notices::ALL),
            ("usage/plan.rs", crate::usage::plan::ALL),
            ("usage/store.rs", crate::usage::store::ALL),
            ("ingest/protocols/syslog/store.rs", crate::ingest::protocols::syslog::store::ALL),
            ("annotations/store.rs", crate::annotations::store::ALL),
            ("pinned_fields/store.rs", crate::pinned_fields::store::ALL),
            ("saved_searches/store.rs", crate::saved_searches::store::ALL),
        ],
    ];

    fn files_with_statements(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_with_statements(&path, found);
            } else if std::fs::read_to_string(&path).unwrap().contains("\ncrate::statements! {") {
                let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
                found.push(path.to_str().unwrap().strip_prefix(root).unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_store_is_named_here() {
        let mut found = Vec::new();
        files_with_statements(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
        found.sort();
        let mut named: Vec<_> =
            STORES.iter().copied().flatten().map(|(file, _)| (*file).to_owned()).collect();
        named.sort();
        assert_eq!(found, named);
    }

    async fn prepare_all(db: &Db) {
        use sqlx::{Executor, SqlSafeStr};
        for (file, statements) in STORES.iter().copied().flatten() {
            for (name, text) in *statements {
                let prepared = on!(db.write(), pool => pool.prepare(text.into_sql_str()).await.map(|_| ()));
                prepared.unwrap_or_else(|error| panic!("{name} of {file}: {error}"));
            }
        }
    }

    #[tokio::test]
    async fn sqlite_understands_every_statement() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("cordwood.db").display());
        prepare_all(&Db::connect(&url, 1).await.unwrap()).await;
    }

    /// Runs where a Postgres is given: `cargo xtask test` starts one.
    #[tokio::test]
    async fn postgres_understands_every_statement() {
        let Ok(server) = std::env::var("CORDWOOD_TEST_POSTGRES_URL") else {
            return;
        };
        let name = format!("statements_{}", uuid::Uuid::now_v7().simple());
        let admin = PgPool::connect(&server).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&admin).await.unwrap();
        let options = PgConnectOptions::from_str(&server).unwrap().database(&name);
        let db = Db::Postgres(PgPoolOptions::new().connect_with(options).await.unwrap());
        db.migrate().await.unwrap();
        prepare_all(&db).await;
        db.close().await;
        let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE {name}"));
        sqlx::query(drop).execute(&admin).await.unwrap();
    }

    #[test]
    fn both_databases_have_the_same_tables_and_columns() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
        let (sqlite, postgres) =
            (tables_of(&format!("{root}/sqlite")), tables_of(&format!("{root}/postgres")));
        assert!(sqlite.len() > 3, "the migrations were read");
        assert_eq!(sqlite, postgres);
    }

    #[tokio::test]
    async fn a_sqlite_database_is_made_migrated_and_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("cordwood.db").display());
        for _ in 0..2 {
            let db = Db::connect(&url, 2).await.unwrap();
            db.ping().await.unwrap();
            db.close().await;
        }
    }
}
