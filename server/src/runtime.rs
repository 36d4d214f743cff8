//! Keeps database, ClickHouse, HTTP and SMTP futures on the main tokio runtime.
//!
//! Each actix worker is a single-threaded runtime of its own. A connection opened there keeps its I/O driver there, and stalls
//! or breaks with that worker. So handlers are registered as `web::get().to(on_main(handler))`: arguments are extracted on the
//! worker, and the handler itself runs on the main runtime. When the client goes away, the handler is aborted.

use actix_web::{FromRequest, Handler};
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::Instrument;

static MAIN: OnceLock<Handle> = OnceLock::new();

/// Remembers the current runtime as the main one. Called once, at the start of the process.
pub fn remember_main() {
    let _ = MAIN.set(Handle::current());
}

/// The main runtime. Each unit test has one of its own, which is the main one as long as it runs.
fn main_runtime() -> Handle {
    if cfg!(test) {
        return Handle::current();
    }
    MAIN.get().expect("remember_main runs before the first request").clone()
}

/// Runs a future on the main runtime and aborts it when the returned one is dropped.
pub async fn run_on_main<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    struct AbortOnDrop<T>(JoinHandle<T>);
    impl<T> Drop for AbortOnDrop<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut task = AbortOnDrop(main_runtime().spawn(future.in_current_span()));
    match (&mut task.0).await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => std::future::pending().await, // the runtime is going away, and this future with it
    }
}

/// A handler whose future runs on the main runtime.
#[derive(Clone)]
pub struct OnMain<F>(F);

pub fn on_main<F>(handler: F) -> OnMain<F> {
    OnMain(handler)
}

impl<F, Args> Handler<Args> for OnMain<F>
where
    F: Handler<Args>,
    F::Future: Send + 'static,
    F::Output: Send + 'static,
    Args: FromRequest + 'static,
{
    type Output = F::Output;
    type Future = Pin<Box<dyn Future<Output = F::Output>>>;

    fn call(&self, arguments: Args) -> Self::Future {
        Box::pin(run_on_main(self.0.call(arguments)))
    }
}
