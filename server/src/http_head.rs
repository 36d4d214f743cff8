//! What every answer has in common: request id, security headers, and problem+json for what actix itself refuses.

use crate::config::Settings;
use crate::error::{ApiError, ProblemKind, Refused};
use crate::telemetry;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, Responder, web};

/// Largest JSON body of the API; ingest reads its own.
const JSON_BYTES: usize = 1 << 20;

const A_YEAR_OF_TLS: &str = "max-age=31536000; includeSubDomains";

const SECURITY_HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Gives the request its id, and the answer that id and the headers that every answer carries.
///
/// # Errors
/// Whatever the inner service answers with.
pub async fn every_answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = telemetry::new_request_id();
    request.extensions_mut().insert(telemetry::RequestId(id.clone()));
    let is_api = request.path().starts_with("/api/");
    let is_tls = request.app_data::<web::Data<Settings>>().is_some_and(|settings| settings.serves_tls());
    // Errors of handlers and extractors are answers already; the router needs the request for itself, so no copy is kept.
    let mut answer = telemetry::with_request_id(id.clone(), next.call(request)).await?.map_into_boxed_body();
    let headers = answer.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        if !headers.contains_key(*name) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    if is_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(A_YEAR_OF_TLS));
    }
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    Ok(answer)
}

/// Makes actix's own extractors answer with problem+json.
pub fn extractors(app: &mut web::ServiceConfig) {
    app.app_data(web::JsonConfig::default().limit(JSON_BYTES).error_handler(json_refused))
        .app_data(web::QueryConfig::default().error_handler(query_refused))
        .app_data(web::PathConfig::default().error_handler(path_refused));
}

fn json_refused(error: JsonPayloadError, _: &HttpRequest) -> Error {
    let (kind, detail) = match &error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            (ProblemKind::TooLarge("body_too_large"), format!("The body is larger than {JSON_BYTES} bytes."))
        }
        JsonPayloadError::ContentType => (
            ProblemKind::UnsupportedMediaType("json_expected"),
            "Send JSON with the header Content-Type: application/json.".to_owned(),
        ),
        JsonPayloadError::Deserialize(source) if source.is_data() => {
            (ProblemKind::Invalid("invalid"), format!("The body does not have the expected shape: {source}."))
        }
        JsonPayloadError::Deserialize(source) => {
            (ProblemKind::BadRequest("invalid_json"), format!("The body is not valid JSON: {source}."))
        }
        other => (ProblemKind::BadRequest("invalid_body"), format!("The body could not be read: {other}.")),
    };
    ApiError::from(Refused::new(kind, detail)).into()
}

fn query_refused(error: QueryPayloadError, _: &HttpRequest) -> Error {
    let detail = format!("The address's query is not as expected: {error}.");
    ApiError::from(Refused::new(ProblemKind::BadRequest("invalid_parameters"), detail)).into()
}

/// An id that is not even an id belongs to nobody: it looks absent.
fn path_refused(_: PathError, _: &HttpRequest) -> Error {
    ApiError::from(Refused::not_found()).into()
}

/// 204: done, and there is nothing to say.
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// Turns the empty 404 and 405 answers that the router makes into problem+json.
///
/// # Errors
/// Whatever the inner service answers with.
pub async fn router_refusals(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = next.call(request).await?.map_into_boxed_body();
    let is_empty = matches!(
        answer.response().body().size(),
        actix_web::body::BodySize::None | actix_web::body::BodySize::Sized(0)
    );
    let refused = match answer.status() {
        StatusCode::METHOD_NOT_ALLOWED if is_empty => Refused::new(
            ProblemKind::MethodNotAllowed,
            format!("{} is not possible here.", answer.request().method()),
        ),
        StatusCode::NOT_FOUND if is_empty => Refused::not_found(),
        _ => return Ok(answer),
    };
    let body = actix_web::ResponseError::error_response(&ApiError::from(refused));
    Ok(answer.into_response(body).map_into_boxed_body())
}
