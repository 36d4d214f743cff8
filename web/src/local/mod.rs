//! A log file on the reader's machine, searched where it is: nothing of it leaves the browser.
//!
//! The same WebAssembly as the page's runs in a worker (`worker`), so that the page stays live. There `file` reads the bytes with the
//! server's decoder and answers the server's requests with the server's query language. `client` is the page's end of the wire.

pub mod client;
mod file;
mod gather;
mod overview;
pub mod worker;

use wasm_bindgen::JsCast;
use web_sys::DedicatedWorkerGlobalScope;

/// The worker that this program runs in; none on a page.
pub fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}
