//! OpenTelemetry: `POST /v1/logs` in protobuf and JSON, and the same over gRPC on its own port.
//!
//! All three go the same way: `messages` or `json` read the body, `records` makes events, and what is rejected is told as
//! `partial_success`. 400 is for what can never be read, 429 and 503 ask to be sent again.

pub mod grpc;
pub mod http;
mod json;
mod messages;
mod records;

use super::Unreadable;
use crate::error::ApiError;
use crate::ingest::arrival::Arrival;
use crate::ingest::intake::Gathered;
use messages::{ExportResponse, PartialSuccess};
use records::Bundle;

/// How a request is written, and its answer with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Protobuf,
    Json,
}

/// Takes the records of a request; the answer says what was rejected.
async fn take(arrival: Arrival, form: Form) -> Result<ExportResponse, ApiError> {
    let gathered = gather(&arrival, form)?;
    let response = ExportResponse { partial_success: partial_success(&gathered) };
    arrival.keep(gathered).await?;
    Ok(response)
}

fn gather(arrival: &Arrival, form: Form) -> Result<Gathered, ApiError> {
    let bundles = match form {
        Form::Protobuf => messages::read(arrival.body()),
        Form::Json => json::read(arrival.body()),
    };
    let mut gathering = arrival.gathering(arrival.intake());
    let mut index = 0;
    for Bundle { mut origin, records } in bundles.map_err(Unreadable)? {
        let columns = origin.columns();
        for record in records {
            gathering.take(Ok(records::event(index, &origin, &columns, record)))?;
            index += 1;
        }
    }
    Ok(gathering.finish())
}

fn partial_success(gathered: &Gathered) -> Option<PartialSuccess> {
    let first = gathered.errors.first()?;
    let error_message = format!("record {}: {} ({})", first.index, first.detail, first.code);
    let rejected_log_records = i64::try_from(gathered.rejected).unwrap_or(i64::MAX);
    Some(PartialSuccess { rejected_log_records, error_message })
}

#[cfg(test)]
mod tests;
