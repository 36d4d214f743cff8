//! The C interface of libchdb, made safe: everything unsafe in Cordwood is here and in `symbols.rs`.
//!
//! A [`Connection`] runs one statement at a time and may move between threads, but is never shared. A [`Rows`]
//! or [`Insert`] borrows its connection until it ends, so nothing else can run on it meanwhile.
//! The library itself is never unloaded: its threads outlive every connection.

#![allow(unsafe_code)]

mod symbols;

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use self::symbols::{Analysis, Handle, QueryFn, Symbols};
use crate::error::EngineError;

/// libchdb, loaded for the rest of the process.
#[derive(Clone)]
pub struct Library {
    symbols: Arc<Symbols>,
    /// Connections are opened one after the other: concurrent opening races inside the library.
    opening: Arc<Mutex<()>>,
}

impl Library {
    /// Loads the library and switches its signal handlers off, so that ours stay in force.
    pub fn load(path: &Path) -> Result<Self, libloading::Error> {
        // SAFETY: the file is the pinned libchdb; its initialisers are those of ClickHouse and need no setup.
        let library = unsafe { libloading::Library::new(path)? };
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        let symbols = Symbols::load(library)?;
        // SAFETY: called before the first connection, as the header asks.
        unsafe { (symbols.set_signal_handlers_enabled)(0) };
        Ok(Self { symbols: Arc::new(symbols), opening: Arc::default() })
    }

    /// The version of the library, like `26.7.3`.
    pub fn version(&self) -> String {
        // SAFETY: returns a constant, NUL-terminated text.
        text(unsafe { (self.symbols.version)() }).unwrap_or_default()
    }

    /// Opens a connection. `--name=value` arguments are settings of this connection alone; those of the server
    /// (like `--path`) count on the first connection only. `None` means that the library refused an argument.
    pub fn connect(&self, arguments: &[String]) -> Result<Option<Connection>, EngineError> {
        let arguments: Vec<CString> = std::iter::once("cordwood-engine")
            .chain(arguments.iter().map(String::as_str))
            .map(CString::new)
            .collect::<Result<_, _>>()
            .map_err(|_| EngineError::bad_request("a setting holds a NUL character"))?;
        let pointers: Vec<*const c_char> = arguments.iter().map(|text| text.as_ptr()).collect();
        let count = c_int::try_from(pointers.len())
            .map_err(|_| EngineError::bad_request("too many settings in one request"))?;
        let _alone = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: `count` NUL-terminated texts that live until the call returns; the library copies them.
        let connection = unsafe { (self.symbols.connect)(count, pointers.as_ptr()) };
        Ok(NonNull::new(connection).map(|handle| Connection { symbols: self.symbols.clone(), handle }))
    }

    /// Stops the library's threads; only once every connection is closed.
    pub fn shutdown(&self) {
        // SAFETY: may be called at any time; does nothing while a connection is open.
        unsafe { (self.symbols.shutdown)() };
    }
}

/// Copies a C text, `None` for a null pointer.
fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not null, and every text that the library hands out is NUL-terminated and lives during this call.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// What a statement has read, written and answered so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub read_rows: u64,
    pub read_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.read_rows += other.read_rows;
        self.read_bytes += other.read_bytes;
        self.written_rows += other.written_rows;
        self.written_bytes += other.written_bytes;
        self.result_rows += other.result_rows;
        self.result_bytes += other.result_bytes;
    }
}

/// Names and values of `{name:Type}` parameters, laid out as the library wants them.
#[derive(Default)]
struct ParameterTable<'a> {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
    borrowed: std::marker::PhantomData<&'a str>,
}

impl<'a> ParameterTable<'a> {
    fn new(parameters: &'a [(String, String)]) -> Self {
        let mut table = Self::default();
        for (name, value) in parameters {
            table.names.push(name.as_ptr().cast());
            table.name_lengths.push(name.len());
            table.values.push(value.as_ptr().cast());
            table.value_lengths.push(value.len());
        }
        table
    }
}

/// A session of the engine. Dropping it closes it.
pub struct Connection {
    symbols: Arc<Symbols>,
    handle: NonNull<Handle>,
}

// SAFETY: the library allows a connection to be used from any thread, one at a time; `Connection` is not `Sync`
// and every call takes `&mut self`.
unsafe impl Send for Connection {}

impl Connection {
    fn raw(&self) -> Handle {
        // SAFETY: `handle` came from a successful connect and is freed only on drop.
        unsafe { *self.handle.as_ptr() }
    }

    fn call(&self, function: QueryFn, sql: &str, format: &str, parameters: &[(String, String)]) -> Handle {
        let table = ParameterTable::new(parameters);
        // SAFETY: all texts are given with their lengths and outlive the call; the library copies them.
        unsafe {
            function(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                table.names.as_ptr(),
                table.name_lengths.as_ptr(),
                table.values.as_ptr(),
                table.value_lengths.as_ptr(),
                parameters.len(),
            )
        }
    }

    /// How many statements the text holds; 0 when it does not parse.
    pub fn count_statements(&mut self, sql: &str) -> u32 {
        let struct_size = size_of::<Analysis>() as u32;
        let mut analysis = Analysis { struct_size, statement_count: 0, flags: 0, query_class: 0 };
        // SAFETY: the text is given with its length, a null database is allowed, and `analysis` is as large as it says.
        unsafe {
            (self.symbols.classify)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                std::ptr::null(),
                0,
                &raw mut analysis,
            );
        }
        analysis.statement_count
    }

    /// Runs a statement of any kind and returns its whole answer.
    pub fn query(&mut self, sql: &str, format: &str, parameters: &[(String, String)]) -> Answer {
        Answer {
            handle: self.call(self.symbols.query, sql, format, parameters),
            symbols: self.symbols.clone(),
        }
    }

    /// Starts a SELECT whose answer is fetched piece by piece; statements of other kinds are refused.
    pub fn stream(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<Rows<'_>, EngineError> {
        let handle = self.call(self.symbols.stream_query, sql, format, parameters);
        let answer = Answer { handle, symbols: self.symbols.clone() };
        match answer.error() {
            Some(error) => Err(error),
            None => Ok(Rows { answer, connection: self }),
        }
    }

    /// Starts an INSERT whose rows are appended in `format`; `sql` comes without its FORMAT clause.
    pub fn insert(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<Insert<'_>, EngineError> {
        let handle = self.call(self.symbols.insert, sql, format, parameters);
        let insert = Insert { handle, connection: self };
        match insert.error() {
            Some(error) => Err(error),
            None => Ok(insert),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: closed once; no statement can be open, since each borrows the connection.
        unsafe { (self.symbols.close)(self.handle.as_ptr()) };
    }
}

/// A finished answer, or one piece of it.
pub struct Answer {
    symbols: Arc<Symbols>,
    handle: Handle,
}

impl Answer {
    pub fn error(&self) -> Option<EngineError> {
        // SAFETY: the handle is a result of this library; a null handle is answered with null.
        text(unsafe { (self.symbols.result_error)(self.handle) }).map(EngineError::from_message)
    }

    pub fn data(&self) -> &[u8] {
        // SAFETY: buffer and length belong together and live as long as the result, which `self` keeps.
        unsafe {
            let (buffer, length) =
                ((self.symbols.result_buffer)(self.handle), (self.symbols.result_length)(self.handle));
            if buffer.is_null() || length == 0 { &[] } else { std::slice::from_raw_parts(buffer, length) }
        }
    }

    pub fn counts(&self) -> Counts {
        let (symbols, handle) = (&self.symbols, self.handle);
        // SAFETY: plain readers of a result handle that `self` keeps alive.
        unsafe {
            Counts {
                read_rows: (symbols.result_rows_read)(handle),
                read_bytes: (symbols.result_bytes_read)(handle),
                written_rows: (symbols.result_rows_written)(handle),
                written_bytes: (symbols.result_bytes_written)(handle),
                result_rows: (symbols.result_rows)(handle),
                result_bytes: (symbols.result_bytes)(handle),
            }
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: destroyed once; null is allowed.
        unsafe { (self.symbols.result_destroy)(self.handle) };
    }
}

/// A running SELECT. Dropping it cancels what is left.
pub struct Rows<'a> {
    answer: Answer,
    connection: &'a mut Connection,
}

impl Rows<'_> {
    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Answer>, EngineError> {
        let symbols = self.connection.symbols.clone();
        // SAFETY: both handles are alive, and this thread alone uses them.
        let handle = unsafe { (symbols.stream_fetch)(self.connection.raw(), self.answer.handle) };
        let piece = Answer { handle, symbols };
        match piece.error() {
            Some(error) => Err(error),
            None if piece.data().is_empty() => Ok(None),
            None => Ok(Some(piece)),
        }
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        // SAFETY: allowed at any time, also after the end; `answer` is destroyed afterwards.
        unsafe { (self.connection.symbols.stream_cancel)(self.connection.raw(), self.answer.handle) };
    }
}

/// A running INSERT. Dropping it before [`Insert::finish`] cancels it.
pub struct Insert<'a> {
    handle: Handle,
    connection: &'a mut Connection,
}

impl Insert<'_> {
    fn error(&self) -> Option<EngineError> {
        // SAFETY: the handle is never null, and is destroyed only on drop.
        text(unsafe { (self.connection.symbols.insert_error)(self.handle) }).map(EngineError::from_message)
    }

    /// Hands over a piece of data; waits while the engine is behind. `false`: it failed, `finish` tells why.
    pub fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the library copies `length` bytes before it returns.
        let state =
            unsafe { (self.connection.symbols.insert_append)(self.handle, data.as_ptr().cast(), data.len()) };
        state == 0
    }

    /// Ends the data and waits until the rows are stored.
    pub fn finish(self) -> Result<Counts, EngineError> {
        let symbols = self.connection.symbols.clone();
        // SAFETY: called once; the stream handle stays alive until `self` is dropped.
        let handle = unsafe { (symbols.insert_done)(self.handle) };
        let answer = Answer { handle, symbols };
        answer.error().map_or_else(|| Ok(answer.counts()), Err)
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        // SAFETY: needed once for every handle; cancels the insert when it was not finished.
        unsafe { (self.connection.symbols.insert_destroy)(self.handle) };
    }
}
