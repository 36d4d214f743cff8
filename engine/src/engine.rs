//! Runs statements on the embedded ClickHouse: how many at once, with which settings, and how they are stopped.
//!
//! Every statement has a connection of its own, opened with its settings and closed afterwards (0.2 ms), so
//! nothing can leak into the next one. Inserts have places of their own: slow searches cannot keep them out.
//! A statement whose [`Execution`] is dropped is killed; its place is free again only when it has really ended.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::data::{InsertData, fill};
use crate::error::EngineError;
use crate::library::{Connection, Counts, Library};
use crate::pieces;
use crate::statement::{Statement, identifier, killed_query_id, literal};

/// Pieces of an answer that may wait for a slow reader.
const PIECES_IN_FLIGHT: usize = 2;
const INSERTS_AT_ONCE: u32 = 2;
const APPEND_BYTES: usize = 1 << 20;
const RETRY_KILL_AFTER: Duration = Duration::from_millis(50);

/// The defaults are for a machine that ClickHouse has to itself: 5 GiB and more, each.
const CACHES: &[(&str, u64)] = &[
    ("mark_cache_size", 256 << 20),
    ("index_mark_cache_size", 64 << 20),
    ("primary_index_cache_size", 128 << 20),
    ("text_index_header_cache_size", 64 << 20),
    ("text_index_tokens_cache_size", 64 << 20),
    ("text_index_postings_cache_size", 128 << 20),
    ("query_condition_cache_size", 32 << 20),
];

/// What a running statement tells, in this order: pieces, then the end.
pub enum Event {
    Piece { data: Bytes, so_far: Counts },
    End(Counts),
}

pub struct Engine {
    library: Library,
    /// Keeps the engine alive between statements, and kills.
    control: Mutex<Option<Connection>>,
    path_argument: String,
    known_settings: HashSet<String>,
    statements: Arc<Semaphore>,
    inserts: Arc<Semaphore>,
    statements_at_once: u32,
    runtime: Handle,
}

/// A running statement.
pub struct Execution {
    events: mpsc::Receiver<Result<Event, EngineError>>,
    engine: Arc<Engine>,
    marker: String,
    ended: CancellationToken,
}

impl Engine {
    /// Opens the data folder; `max_memory` bounds the whole engine.
    pub fn open(
        library: Library,
        data_dir: &str,
        max_memory: Option<u64>,
        statements_at_once: u32,
    ) -> anyhow::Result<Arc<Self>> {
        let path_argument = format!("--path={data_dir}");
        let mut arguments = vec![path_argument.clone()];
        arguments.extend(CACHES.iter().map(|(name, bytes)| format!("--{name}={bytes}")));
        arguments.push(match max_memory {
            Some(bytes) => format!("--max_server_memory_usage={bytes}"),
            None => "--max_server_memory_usage_to_ram_ratio=0.5".to_owned(),
        });
        let mut control =
            library.connect(&arguments)?.ok_or_else(|| anyhow!("the data folder cannot be opened"))?;
        let known_settings = names_of_settings(&mut control).context("the engine does not answer")?;
        Ok(Arc::new(Self {
            library,
            control: Mutex::new(Some(control)),
            path_argument,
            known_settings,
            statements: Arc::new(Semaphore::new(statements_at_once as usize)),
            inserts: Arc::new(Semaphore::new(INSERTS_AT_ONCE as usize)),
            statements_at_once,
            runtime: Handle::current(),
        }))
    }

    /// Starts a statement as soon as there is a place for it.
    pub async fn start(
        self: &Arc<Self>,
        statement: Statement,
        data: Option<InsertData>,
    ) -> Result<Execution, EngineError> {
        let place = self.place_for(&statement, data.is_some()).await?;
        let (sender, events) = mpsc::channel(PIECES_IN_FLIGHT);
        let marker = format!("{}/{}", statement.query_id, Uuid::new_v4());
        let ended = CancellationToken::new();
        let work = Work { engine: self.clone(), statement, data, marker: marker.clone(), sender };
        let guard = ended.clone().drop_guard();
        self.runtime.spawn_blocking(move || {
            let _ended_and_place = (guard, place);
            work.run();
        });
        Ok(Execution { events, engine: self.clone(), marker, ended })
    }

    /// Waits for a place. A KILL needs none: it is wanted most when all are taken.
    async fn place_for(
        &self,
        statement: &Statement,
        is_insert: bool,
    ) -> Result<Option<OwnedSemaphorePermit>, EngineError> {
        if killed_query_id(&statement.sql).is_some() {
            return Ok(None);
        }
        let places = if is_insert { &self.inserts } else { &self.statements };
        places.clone().acquire_owned().await.map(Some).map_err(|_| EngineError::stopping())
    }

    /// Completes when the library has answered something: it is alive.
    pub async fn ping(self: &Arc<Self>) {
        let engine = self.clone();
        let asked = self.runtime.spawn_blocking(move || {
            let mut control = engine.control.lock().unwrap_or_else(PoisonError::into_inner);
            control.as_mut().map(|connection| drop(connection.query("SELECT 1", "Null", &[])))
        });
        let _ = asked.await;
    }

    /// Kills running statements that match; returns the rows that ClickHouse answers.
    fn kill(&self, condition: &str) -> Result<Bytes, EngineError> {
        let sql = format!("KILL QUERY WHERE {condition} ASYNC");
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = control.as_mut().ok_or_else(EngineError::stopping)?.query(&sql, "TabSeparated", &[]);
        answer.error().map_or_else(|| Ok(Bytes::copy_from_slice(answer.data())), Err)
    }

    async fn kill_until(self: Arc<Self>, condition: String, ended: CancellationToken) {
        // A statement that is only starting is not in the list of processes yet: ask until it has ended.
        while !ended.is_cancelled() {
            let (engine, condition) = (self.clone(), condition.clone());
            let _ = self.runtime.spawn_blocking(move || engine.kill(&condition)).await;
            let _ = tokio::time::timeout(RETRY_KILL_AFTER, ended.cancelled()).await;
        }
    }

    /// Takes no more statements, gives the running ones `grace`, kills what is left, and waits until all ended.
    pub async fn stop(self: &Arc<Self>, grace: Duration) {
        let ended = CancellationToken::new();
        let all_places = async {
            let _ = self.statements.acquire_many(self.statements_at_once).await;
            self.statements.close();
            let _ = self.inserts.acquire_many(INSERTS_AT_ONCE).await;
            self.inserts.close();
            ended.cancel();
        };
        let killer = async {
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep(grace) => {
                    self.clone().kill_until("Settings['log_comment'] != ''".to_owned(), ended.clone()).await;
                }
            }
        };
        tokio::join!(all_places, killer);
    }

    /// A connection with the settings and the database of one statement.
    fn session(&self, statement: &Statement, marker: &str) -> Result<Connection, EngineError> {
        let mut arguments = vec![self.path_argument.clone()];
        for (name, value) in &statement.settings {
            if !self.known_settings.contains(name) {
                return Err(EngineError::unknown_setting(name));
            }
            arguments.push(format!("--{name}={value}"));
        }
        arguments.push(format!("--log_comment={marker}"));
        let Some(mut connection) = self.library.connect(&arguments)? else {
            return Err(self.refused_setting(statement));
        };
        if let Some(database) = &statement.database {
            let answer = connection.query(&format!("USE {}", identifier(database)), "Null", &[]);
            answer.error().map_or(Ok(()), Err)?;
        }
        Ok(connection)
    }

    /// Finds out which setting made the connection fail: the library does not tell.
    fn refused_setting(&self, statement: &Statement) -> EngineError {
        let unknown = || EngineError::bad_request("the engine refused the settings of this request");
        let Ok(Some(mut connection)) = self.library.connect(std::slice::from_ref(&self.path_argument)) else {
            return unknown();
        };
        let mut try_setting = |(name, value): &(String, String)| {
            connection.query(&format!("SET {name} = {}", literal(value)), "Null", &[]).error()
        };
        statement.settings.iter().find_map(&mut try_setting).unwrap_or_else(unknown)
    }

    /// Closes the engine's files. Every statement must have ended.
    pub fn close(&self) {
        drop(self.control.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.library.shutdown();
    }
}

fn names_of_settings(connection: &mut Connection) -> Result<HashSet<String>, EngineError> {
    let answer = connection.query("SELECT name FROM system.settings", "TabSeparated", &[]);
    answer.error().map_or(Ok(()), Err)?;
    Ok(String::from_utf8_lossy(answer.data()).lines().map(str::to_owned).collect())
}

impl Execution {
    /// The next thing that happened. After an error or the end there is nothing more.
    pub async fn next(&mut self) -> Result<Event, EngineError> {
        self.events
            .recv()
            .await
            .unwrap_or_else(|| Err(EngineError::from_message("the statement's thread died".into())))
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        if !self.ended.is_cancelled() {
            let condition = format!("Settings['log_comment'] = {}", literal(&self.marker));
            self.engine.runtime.spawn(self.engine.clone().kill_until(condition, self.ended.clone()));
        }
    }
}

/// A statement on its own thread.
struct Work {
    engine: Arc<Engine>,
    statement: Statement,
    data: Option<InsertData>,
    marker: String,
    sender: mpsc::Sender<Result<Event, EngineError>>,
}

impl Work {
    fn run(mut self) {
        let outcome = self.execute().map(Event::End);
        // Nobody may be listening any more; then nobody needs the outcome.
        let _ = self.sender.blocking_send(outcome);
    }

    fn execute(&mut self) -> Result<Counts, EngineError> {
        if let Some(query_id) = killed_query_id(&self.statement.sql) {
            let prefix = literal(&format!("{query_id}/"));
            let data = self.engine.kill(&format!("startsWith(Settings['log_comment'], {prefix})"))?;
            self.send(data, Counts::default());
            return Ok(Counts::default());
        }
        let mut connection = self.engine.session(&self.statement, &self.marker)?;
        match self.data.take() {
            Some(data) => self.insert(&mut connection, data),
            None if self.statement.wait_end_of_query => self.answer_at_once(&mut connection),
            None => match self.stream(&mut connection)? {
                Some(counts) => Ok(counts),
                None => self.answer_at_once(&mut connection),
            },
        }
    }

    /// `None`: only SELECTs can be streamed, and not in every format.
    fn stream(&self, connection: &mut Connection) -> Result<Option<Counts>, EngineError> {
        let Some(header) = pieces::header(&self.statement) else { return Ok(None) };
        let Statement { sql, format, parameters, .. } = &self.statement;
        let mut rows = match connection.stream(sql, format, parameters) {
            Ok(rows) => rows,
            Err(error) if error.is_not_streamable() => return Ok(None),
            Err(error) => return Err(error),
        };
        let (mut so_far, mut is_first) = (Counts::default(), true);
        while let Some(piece) = rows.next()? {
            so_far += piece.counts();
            let data = if std::mem::take(&mut is_first) { piece.data() } else { header.cut(piece.data()) };
            if !self.send(Bytes::copy_from_slice(data), so_far) {
                break;
            }
        }
        Ok(Some(so_far))
    }

    fn answer_at_once(&self, connection: &mut Connection) -> Result<Counts, EngineError> {
        let Statement { sql, format, parameters, .. } = &self.statement;
        if connection.count_statements(sql) > 1 {
            return Err(EngineError::bad_request(
                "Multi-statements are not allowed: send one statement at a time",
            ));
        }
        let answer = connection.query(sql, format, parameters);
        answer.error().map_or(Ok(()), Err)?;
        if !answer.data().is_empty() {
            self.send(Bytes::copy_from_slice(answer.data()), answer.counts());
        }
        Ok(answer.counts())
    }

    fn insert(&self, connection: &mut Connection, data: InsertData) -> Result<Counts, EngineError> {
        let (sql, format) = self.statement.split_format().unwrap_or((&self.statement.sql, "Values"));
        let mut insert = connection.insert(sql, format, &self.statement.parameters)?;
        let broken = |error| EngineError::broken_body(&error);
        let mut data = data.into_reader().map_err(broken)?;
        let mut buffer = vec![0; APPEND_BYTES];
        loop {
            let length = fill(&mut *data, &mut buffer).map_err(broken)?;
            if length == 0 || !insert.append(&buffer[..length]) {
                return insert.finish();
            }
        }
    }

    /// `false` when the client has gone.
    fn send(&self, data: Bytes, so_far: Counts) -> bool {
        self.sender.blocking_send(Ok(Event::Piece { data, so_far })).is_ok()
    }
}
