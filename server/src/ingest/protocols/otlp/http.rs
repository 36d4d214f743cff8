//! OTLP over HTTP.

use super::messages::{ExportResponse, Status};
use super::{Form, take};
use crate::error::{ApiError, ProblemKind, Refused, Told};
use crate::ingest::Ingest;
use crate::ingest::protocols::{Sender, arrive, known, noted, refusal};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use prost::Message;
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/v1/logs").post(export));
}

/// Takes log records: 200 with `partial_success` where some were rejected.
///
/// # Errors
/// As `google.rpc.Status` in the form of the request: 400, 401, 403, 413, 415, 429, 503.
pub async fn export(
    request: HttpRequest,
    sender: Sender,
    payload: web::Payload,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    let (form, key) = (form_of(request.headers()), known(&sender));
    let taken = match form {
        Some(form) => match arrive(&ingest, sender, &request, payload).await {
            Ok(arrival) => take(arrival, form).await,
            Err(error) => Err(error),
        },
        None => Err(sender.err().map_or_else(unknown_form, ApiError::from)),
    };
    let form = form.unwrap_or(Form::Json);
    match noted(&ingest, key, taken) {
        Ok(response) => respond(form, &response),
        Err(error) => refuse(form, &error.told()),
    }
}

fn form_of(headers: &HeaderMap) -> Option<Form> {
    let mime = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
    match mime.as_str() {
        "application/x-protobuf" | "application/protobuf" => Some(Form::Protobuf),
        "application/json" => Some(Form::Json),
        _ => None,
    }
}

fn unknown_form() -> ApiError {
    let detail = "OTLP comes as `Content-Type: application/x-protobuf` or `application/json`.";
    Refused::new(ProblemKind::UnsupportedMediaType("unknown_content_type"), detail).into()
}

fn respond(form: Form, response: &ExportResponse) -> HttpResponse {
    match form {
        Form::Protobuf => protobuf(&mut HttpResponse::Ok(), response),
        Form::Json => HttpResponse::Ok().json(match &response.partial_success {
            None => json!({}),
            Some(partial) => json!({"partialSuccess": {
                "rejectedLogRecords": partial.rejected_log_records.to_string(),
                "errorMessage": partial.error_message,
            }}),
        }),
    }
}

fn refuse(form: Form, told: &Told) -> HttpResponse {
    let mut answer = refusal(told, told.status);
    if told.status == StatusCode::UNAUTHORIZED {
        answer.insert_header(("WWW-Authenticate", "Bearer"));
    }
    let status = Status { code: code(told) as i32, message: told.detail.clone() };
    match form {
        Form::Protobuf => protobuf(&mut answer, &status),
        Form::Json => answer.json(json!({"code": status.code, "message": status.message})),
    }
}

fn protobuf(answer: &mut actix_web::HttpResponseBuilder, message: &impl Message) -> HttpResponse {
    answer.insert_header((CONTENT_TYPE, "application/x-protobuf")).body(message.encode_to_vec())
}

/// gRPC's word for a refusal.
pub(super) fn code(told: &Told) -> tonic::Code {
    match told.status {
        StatusCode::UNAUTHORIZED => tonic::Code::Unauthenticated,
        StatusCode::FORBIDDEN => tonic::Code::PermissionDenied,
        StatusCode::TOO_MANY_REQUESTS => tonic::Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => tonic::Code::Unavailable,
        status if status.is_client_error() => tonic::Code::InvalidArgument,
        _ => tonic::Code::Internal,
    }
}
