//! Every error answer: kind → status, RFC 9457 body and `Retry-After`. The chain is logged here, once.
//!
//! A feature's error type implements `Problem` and says its kind; handlers return `Result<_, ApiError>` and use `?`.
//! A 5xx body shows nothing but the request id.

use crate::telemetry::current_request_id;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use api_types::problem::{FieldProblem, Problem as Body};
use api_types::search::Diagnostic;
use std::fmt;

/// What an error means to the client. The text is the stable `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    BadRequest(&'static str),
    Unauthorized(&'static str),
    Forbidden(&'static str),
    NotFound,
    MethodNotAllowed,
    Conflict(&'static str),
    TooLarge(&'static str),
    UnsupportedMediaType(&'static str),
    Invalid(&'static str),
    TooManyRequests { code: &'static str, retry_after_s: u64 },
    Unavailable { code: &'static str, retry_after_s: u64 },
    Internal,
}

impl ProblemKind {
    /// The kind of a database error that no feature has a better word for.
    #[must_use]
    pub fn of_sqlx(source: &sqlx::Error) -> Self {
        match source {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            // a connection that broke in the middle of a conversation
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_) => Self::Unavailable { code: "database_unavailable", retry_after_s: 5 },
            sqlx::Error::Database(error) if is_outage(&**error) => {
                Self::Unavailable { code: "database_unavailable", retry_after_s: 5 }
            }
            _ => Self::Internal,
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::BadRequest(code)
            | Self::Unauthorized(code)
            | Self::Forbidden(code)
            | Self::Conflict(code)
            | Self::TooLarge(code)
            | Self::UnsupportedMediaType(code)
            | Self::Invalid(code)
            | Self::TooManyRequests { code, .. }
            | Self::Unavailable { code, .. } => code,
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Internal => "internal",
        }
    }

    fn retry_after_s(self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after_s, .. } | Self::Unavailable { retry_after_s, .. } => {
                Some(retry_after_s)
            }
            _ => None,
        }
    }
}

/// Whether the database refused because of its own state, not because of the statement: SQLite's primary codes for busy, locked,
/// read-only, disk trouble and full; in Postgres lost connections, resources, an operator's hand, and a lock waited for too long.
fn is_outage(error: &dyn sqlx::error::DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    match code.parse::<u32>() {
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 5 | 6 | 8 | 10 | 13 | 14),
        _ => code == "55P03" || ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)),
    }
}

/// An error that knows what it means to the client. Its `Display` is the `detail` of every answer below 500.
pub trait Problem: std::error::Error + Send + Sync + 'static {
    fn kind(&self) -> ProblemKind;

    /// Which fields of the body are wrong, for forms.
    fn fields(&self) -> Vec<FieldProblem> {
        Vec::new()
    }

    /// What is wrong with a query, first one first.
    fn diagnostics(&self) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// What handlers return: any `Problem`, behind one type.
pub struct ApiError(Box<dyn Problem>);

impl<E: Problem> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl ApiError {
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.0.kind()
    }

    /// The stable code that the answer carries.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// The body of the answer that it would have been, for one that has begun already. Logs it, too.
    #[must_use]
    pub fn late_body(&self, request_id: String) -> Body {
        self.log();
        self.body(request_id)
    }

    fn body(&self, request_id: String) -> Body {
        let (kind, status) = (self.kind(), self.kind().status());
        let diagnostics = self.0.diagnostics();
        Body {
            type_uri: format!("https://cordwood.dev/problems/{}", kind.code()),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: self.detail(status, &request_id),
            code: kind.code().to_owned(),
            errors: self.0.fields(),
            span: diagnostics.first().map(|first| first.span),
            hint: diagnostics.first().and_then(|first| first.hint.clone()),
            diagnostics,
            request_id,
        }
    }

    fn detail(&self, status: StatusCode, request_id: &str) -> String {
        match status {
            StatusCode::INTERNAL_SERVER_ERROR => {
                format!("Something went wrong on our side. If it stays, tell us the request id {request_id}.")
            }
            StatusCode::SERVICE_UNAVAILABLE if std::error::Error::source(&*self.0).is_some() => {
                "A part of the service is not available right now. Try again shortly.".to_owned()
            }
            _ => self.0.to_string(),
        }
    }

    /// The same for a protocol that has words of its own for it.
    #[must_use]
    pub fn told(&self) -> Told {
        self.log();
        let status = self.kind().status();
        Told {
            status,
            code: self.kind().code(),
            detail: self.detail(status, &current_request_id()),
            retry_after_s: self.kind().retry_after_s(),
        }
    }

    fn log(&self) {
        let mut chain = self.0.to_string();
        let mut cause = std::error::Error::source(&*self.0);
        while let Some(error) = cause {
            chain = format!("{chain}: {error}");
            cause = error.source();
        }
        match self.kind() {
            ProblemKind::Internal => tracing::error!(error = %chain, "request failed"),
            ProblemKind::Unavailable { .. } => {
                tracing::warn!(error = %chain, "request could not be served now")
            }
            kind => tracing::debug!(error = %chain, code = kind.code(), "request refused"),
        }
    }
}

/// What a client may know of an error, in no form yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: String,
    pub retry_after_s: Option<u64>,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().status()
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let mut answer = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.kind().retry_after_s() {
            answer.insert_header((RETRY_AFTER, seconds));
        }
        if let ProblemKind::Unauthorized(_) = self.kind() {
            answer.insert_header(("WWW-Authenticate", "Bearer"));
        }
        let body = serde_json::to_vec(&self.body(current_request_id())).unwrap_or_default();
        answer.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))).body(body)
    }
}

/// A request that an extractor or the router refused before any feature saw it.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    pub kind: ProblemKind,
    pub detail: String,
}

impl Problem for Refused {
    fn kind(&self) -> ProblemKind {
        self.kind
    }
}

impl Refused {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemKind::NotFound, "There is nothing here. Check the address and the id.")
    }
}

/// One or more fields of a body that are not acceptable: 422 `invalid`.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(|each| format!("{}: {}", each.field, each.detail)).collect::<Vec<_>>().join("; "))]
pub struct InvalidFields(pub Vec<FieldProblem>);

impl InvalidFields {
    #[must_use]
    pub fn one(field: &str, code: &str, detail: &str) -> Self {
        Self(vec![FieldProblem { field: field.into(), code: code.into(), detail: detail.into() }])
    }
}

impl From<FieldProblem> for InvalidFields {
    fn from(problem: FieldProblem) -> Self {
        Self(vec![problem])
    }
}

impl Problem for InvalidFields {
    fn kind(&self) -> ProblemKind {
        ProblemKind::Invalid("invalid")
    }

    fn fields(&self) -> Vec<FieldProblem> {
        self.0.clone()
    }
}
