//! The functions of libchdb that we call, with the signatures of the public header of the pinned version.

use std::ffi::{c_char, c_int, c_void};

/// A connection, a result or an insert: all are pointers that only the library looks behind.
pub type Handle = *mut c_void;

/// `(connection, sql, format, names, name lengths, values, value lengths, count)`, texts with their lengths.
pub type QueryFn = unsafe extern "C" fn(
    Handle,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> Handle;

/// `(connection, sql, database, where to write)`, texts with their lengths.
type ClassifyFn =
    unsafe extern "C" fn(Handle, *const c_char, usize, *const c_char, usize, *mut Analysis) -> c_int;

type CountFn = unsafe extern "C" fn(Handle) -> u64;
type TextFn = unsafe extern "C" fn(Handle) -> *const c_char;

/// What the library says about a statement without running it.
#[repr(C)]
pub struct Analysis {
    pub struct_size: u32,
    pub statement_count: u32,
    pub flags: u32,
    pub query_class: u32,
}

macro_rules! symbols {
    ($($field:ident: $signature:ty = $name:literal;)+) => {
        pub struct Symbols { $(pub $field: $signature,)+ }

        impl Symbols {
            pub fn load(library: &'static libloading::Library) -> Result<Self, libloading::Error> {
                // SAFETY: each type is the signature in the header, and a `'static` library is never unloaded.
                unsafe { Ok(Self { $($field: *library.get($name)?,)+ }) }
            }
        }
    };
}

symbols! {
    version: unsafe extern "C" fn() -> *const c_char = b"chdb_version";
    set_signal_handlers_enabled: unsafe extern "C" fn(c_int) = b"chdb_set_signal_handlers_enabled";
    shutdown: unsafe extern "C" fn() -> c_int = b"chdb_shutdown";
    connect: unsafe extern "C" fn(c_int, *const *const c_char) -> *mut Handle = b"chdb_connect";
    close: unsafe extern "C" fn(*mut Handle) = b"chdb_close_conn";
    classify: ClassifyFn = b"chdb_classify_query_n";
    query: QueryFn = b"chdb_query_with_params_n";
    stream_query: QueryFn = b"chdb_stream_query_with_params_n";
    stream_fetch: unsafe extern "C" fn(Handle, Handle) -> Handle = b"chdb_stream_fetch_result";
    stream_cancel: unsafe extern "C" fn(Handle, Handle) = b"chdb_stream_cancel_query";
    insert: QueryFn = b"chdb_stream_insert_with_params_n";
    insert_append: unsafe extern "C" fn(Handle, *const c_void, usize) -> c_int = b"chdb_stream_append";
    insert_done: unsafe extern "C" fn(Handle) -> Handle = b"chdb_stream_done";
    insert_error: TextFn = b"chdb_stream_insert_error";
    insert_destroy: unsafe extern "C" fn(Handle) = b"chdb_destroy_insert_stream";
    result_buffer: unsafe extern "C" fn(Handle) -> *const u8 = b"chdb_result_buffer";
    result_length: unsafe extern "C" fn(Handle) -> usize = b"chdb_result_length";
    result_error: TextFn = b"chdb_result_error";
    result_rows: CountFn = b"chdb_result_rows_read";
    result_bytes: CountFn = b"chdb_result_bytes_read";
    result_rows_read: CountFn = b"chdb_result_storage_rows_read";
    result_bytes_read: CountFn = b"chdb_result_storage_bytes_read";
    result_rows_written: CountFn = b"chdb_result_rows_written";
    result_bytes_written: CountFn = b"chdb_result_bytes_written";
    result_destroy: unsafe extern "C" fn(Handle) = b"chdb_destroy_query_result";
}
