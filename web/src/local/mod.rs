//! A log file on the reader's machine, searched where it is: nothing of it leaves the browser.
//!
//! The same WebAssembly as the page's runs in a worker (`worker`), so that the page stays live. There `file` reads the bytes with the
//! server's decoder and answers the server's requests with the server's query language. `client` is the page's end of the wire.

pub mod client;
mod file;
mod overview;
pub mod worker;
