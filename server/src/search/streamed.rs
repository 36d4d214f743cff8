//! An answer whose body is written while it goes out, by a task on the main runtime. The task ends when the client goes.

use actix_web::body::BoxBody;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use std::future::Future;
use std::io;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Pieces that may wait for a slow client.
const PIECES_IN_FLIGHT: usize = 4;

/// Where the task puts the pieces of the body. An error breaks the answer off, so that nobody takes it for complete.
pub(super) type Pieces = mpsc::Sender<io::Result<Bytes>>;

pub(super) struct Streamed {
    headers: Vec<(HeaderName, HeaderValue)>,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    task: AbortOnDrop,
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Streamed {
    /// Begins to write. Called on the main runtime.
    pub fn begin<F>(content_type: &'static str, write: impl FnOnce(Pieces) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, pieces) = mpsc::channel(PIECES_IN_FLIGHT);
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            // Proxies must pass the pieces on as they come.
            (CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        Self { headers, pieces, task: AbortOnDrop(tokio::spawn(write(sender))) }
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }
}

impl Responder for Streamed {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut answer = HttpResponse::Ok();
        for (name, value) in self.headers {
            answer.insert_header((name, value));
        }
        let body = futures::stream::unfold((self.pieces, self.task), |(mut pieces, task)| async move {
            let piece = pieces.recv().await?;
            Some((piece, (pieces, task)))
        });
        answer.streaming(body)
    }
}
