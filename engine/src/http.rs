//! ClickHouse's HTTP interface, as far as its Rust client and `curl` need it.
//!
//! `POST /` runs one statement. An answer that fails half-way ends with ClickHouse's exception trailer and then
//! breaks off, so no client can take it for complete.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use bytes::Bytes;
use futures::{Stream, stream};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::data::InsertData;
use crate::engine::{Engine, Event, Execution};
use crate::error::EngineError;
use crate::library::Counts;
use crate::statement::Statement;

/// Statements (not the data of inserts) larger than this are refused.
const MAX_STATEMENT_BYTES: usize = 64 << 20;

#[derive(Clone)]
pub struct Service {
    pub engine: Arc<Engine>,
    pub secret: Arc<str>,
}

pub fn router(service: Service) -> Router {
    Router::new()
        .route("/", post(run_statement).get(ping))
        .route("/ping", get(ping))
        .layer(DefaultBodyLimit::max(MAX_STATEMENT_BYTES))
        .with_state(service)
}

async fn ping(State(service): State<Service>) -> &'static str {
    service.engine.ping().await;
    "Ok.\n"
}

async fn run_statement(
    State(service): State<Service>,
    Query(pairs): Query<Vec<(String, String)>>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let outcome = async {
        authenticate(&service.secret, request.headers(), &pairs)?;
        let (statement, data) = read_request(pairs, request).await?;
        let query_id = statement.query_id.clone();
        let mut execution = service.engine.start(statement, data).await?;
        let first = execution.next().await?;
        Ok::<_, EngineError>(answer(execution, first, &query_id, started))
    };
    outcome.await.unwrap_or_else(IntoResponse::into_response)
}

/// Compares the password, wherever the client put it, with the secret, in constant time.
fn authenticate(secret: &str, headers: &HeaderMap, pairs: &[(String, String)]) -> Result<(), EngineError> {
    let key = headers.get("x-clickhouse-key").map(|value| value.as_bytes().to_vec());
    let given = key
        .or_else(|| basic_password(headers))
        .or_else(|| {
            pairs.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone().into_bytes())
        })
        .unwrap_or_default();
    if bool::from(given.ct_eq(secret.as_bytes())) { Ok(()) } else { Err(EngineError::wrong_secret()) }
}

fn basic_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

/// Finds the statement in the URL, the body or a multipart form, and the data of an INSERT in the body.
async fn read_request(
    mut pairs: Vec<(String, String)>,
    request: Request,
) -> Result<(Statement, Option<InsertData>), EngineError> {
    if is_multipart(request.headers()) {
        read_multipart(&mut pairs, request).await?;
        return Ok((Statement::from_pairs(pairs)?, None));
    }
    let mut statement = Statement::from_pairs(pairs)?;
    let has_data = !request.body().is_end_stream() || statement.split_format().is_some();
    if statement.is_insert() && has_data {
        return Ok((statement, Some(InsertData::from_body(request)?)));
    }
    append_body(&mut statement.sql, request).await?;
    if statement.sql.trim().is_empty() {
        return Err(EngineError::bad_request(
            "the request holds no statement: send it as the body of the POST",
        ));
    }
    Ok((statement, None))
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("multipart/form-data"))
}

async fn read_multipart(pairs: &mut Vec<(String, String)>, request: Request) -> Result<(), EngineError> {
    let broken = |error: &dyn std::fmt::Display| EngineError::broken_body(error);
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error.body_text()))? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await.map_err(|error| broken(&error.body_text()))?;
        let value = String::from_utf8(value.into())
            .map_err(|_| EngineError::bad_request(&format!("the field '{name}' is not UTF-8")))?;
        pairs.push((name, value));
    }
    Ok(())
}

async fn append_body(sql: &mut String, request: Request) -> Result<(), EngineError> {
    let encoding = request.headers().get(header::CONTENT_ENCODING).cloned();
    if encoding.is_some_and(|value| value != "identity") {
        return Err(EngineError::bad_request(
            "'Content-Encoding' is understood for the data of an INSERT only",
        ));
    }
    let body = axum::body::to_bytes(request.into_body(), MAX_STATEMENT_BYTES).await;
    let body = body.map_err(|error| EngineError::broken_body(&error))?;
    let text =
        std::str::from_utf8(&body).map_err(|_| EngineError::bad_request("the statement is not UTF-8"))?;
    if !sql.is_empty() && !text.is_empty() {
        sql.push('\n');
    }
    sql.push_str(text);
    Ok(())
}

fn answer(execution: Execution, first: Event, query_id: &str, started: Instant) -> Response {
    let tag = Uuid::new_v4().simple().to_string()[..16].to_owned();
    let (Event::Piece { so_far: counts, .. } | Event::End(counts)) = &first;
    let headers = [
        ("x-clickhouse-summary", summary(counts, started)),
        ("x-clickhouse-exception-tag", tag.clone()),
        ("x-clickhouse-query-id", query_id.to_owned()),
    ];
    let body = match first {
        Event::End(_) => Body::empty(),
        Event::Piece { data, .. } => Body::from_stream(rest_of_answer(execution, data, tag)),
    };
    let mut response = body.into_response();
    for (name, value) in headers {
        // A query id may hold what no header may; the answer goes on without it.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// ClickHouse writes every count as a JSON string.
fn summary(counts: &Counts, started: Instant) -> String {
    serde_json::json!({
        "read_rows": counts.read_rows.to_string(),
        "read_bytes": counts.read_bytes.to_string(),
        "written_rows": counts.written_rows.to_string(),
        "written_bytes": counts.written_bytes.to_string(),
        "result_rows": counts.result_rows.to_string(),
        "result_bytes": counts.result_bytes.to_string(),
        "elapsed_ns": started.elapsed().as_nanos().to_string(),
    })
    .to_string()
}

enum Rest {
    Piece(Execution, Bytes),
    Running(Execution),
    BreakOff,
    Done,
}

fn rest_of_answer(
    execution: Execution,
    first: Bytes,
    tag: String,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::unfold(Rest::Piece(execution, first), move |rest| {
        let tag = tag.clone();
        async move {
            match rest {
                Rest::Piece(execution, data) => Some((Ok(data), Rest::Running(execution))),
                Rest::Running(mut execution) => match execution.next().await {
                    Ok(Event::Piece { data, .. }) => Some((Ok(data), Rest::Running(execution))),
                    Ok(Event::End(_)) => None,
                    Err(error) => Some((Ok(exception_trailer(&error, &tag)), Rest::BreakOff)),
                },
                Rest::BreakOff => {
                    // Lets the trailer reach the socket before the connection is closed on it.
                    tokio::task::yield_now().await;
                    Some((Err(std::io::Error::other("the statement failed half-way")), Rest::Done))
                }
                Rest::Done => None,
            }
        }
    })
}

/// The last bytes of an answer that failed half-way, in the form of ClickHouse 25.11 and later.
fn exception_trailer(error: &EngineError, tag: &str) -> Bytes {
    let message = format!("{}\n", error.message);
    let length = message.len();
    Bytes::from(format!("\r\n__exception__\r\n{tag}\r\n{message}{length} {tag}\r\n__exception__\r\n"))
}

impl IntoResponse for EngineError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{}\n", self.message)).into_response();
        response.headers_mut().insert("x-clickhouse-exception-code", self.code.into());
        if self.status() == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"ClickHouse\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}
