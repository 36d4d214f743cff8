//! An exception of the engine: its code, its text, and the HTTP status it travels with.
//!
//! ClickHouse's texts begin with `Code: 60. DB::Exception: …`; clients read the code from the text or from the
//! `X-ClickHouse-Exception-Code` header, so both always agree.

use axum::http::StatusCode;

#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    pub code: u32,
    pub message: String,
}

const BAD_ARGUMENTS: u32 = 36;
const UNKNOWN_SETTING: u32 = 115;
const AUTHENTICATION_FAILED: u32 = 516;
const ABORTED: u32 = 236;
/// What ClickHouse itself answers when an exception has no code of its own.
const UNKNOWN_EXCEPTION: u32 = 1002;

impl EngineError {
    /// Reads the code out of an exception text of the library.
    pub fn from_message(message: String) -> Self {
        let code = message
            .split_once("Code: ")
            .and_then(|(_, rest)| rest.split_once('.'))
            .and_then(|(digits, _)| digits.parse().ok())
            .unwrap_or(UNKNOWN_EXCEPTION);
        Self { code, message }
    }

    fn new(code: u32, name: &str, text: &str) -> Self {
        Self { code, message: format!("Code: {code}. DB::Exception: {text}. ({name})") }
    }

    pub fn bad_request(text: &str) -> Self {
        Self::new(BAD_ARGUMENTS, "BAD_ARGUMENTS", text)
    }

    pub fn unknown_setting(name: &str) -> Self {
        Self::new(UNKNOWN_SETTING, "UNKNOWN_SETTING", &format!("Unknown setting '{name}'"))
    }

    pub fn wrong_secret() -> Self {
        Self::new(
            AUTHENTICATION_FAILED,
            "AUTHENTICATION_FAILED",
            "Authentication failed: the password is not the secret that this engine was started with",
        )
    }

    /// The request body broke off or could not be decoded. The insert is cancelled; a block of up to a million rows is
    /// stored whole or not at all.
    pub fn broken_body(cause: &dyn std::fmt::Display) -> Self {
        Self::new(ABORTED, "ABORTED", &format!("The request body could not be read: {cause}"))
    }

    pub fn stopping() -> Self {
        Self::new(ABORTED, "ABORTED", "The engine is stopping")
    }

    /// Whether the library refused to stream this kind of statement; it must then be run in one go.
    pub fn is_not_streamable(&self) -> bool {
        self.code == BAD_ARGUMENTS && self.message.contains("Streaming query is not supported")
    }

    /// The status that a ClickHouse server answers with for this code.
    pub fn status(&self) -> StatusCode {
        match self.code {
            AUTHENTICATION_FAILED => StatusCode::UNAUTHORIZED,
            497 | 164 => StatusCode::FORBIDDEN, // ACCESS_DENIED, READONLY
            60 | 81 | 46 | 47 | UNKNOWN_SETTING => StatusCode::NOT_FOUND, // unknown table, database, function, …
            6 | 26 | 27 | 38 | 41 | 43 | 53 | 62 | 70 | 72 | 117 | 130 | 349 | 456 | 457 | BAD_ARGUMENTS => {
                StatusCode::BAD_REQUEST
            }
            159 => StatusCode::REQUEST_TIMEOUT, // TIMEOUT_EXCEEDED
            202 | 242 | ABORTED => StatusCode::SERVICE_UNAVAILABLE, // TOO_MANY_SIMULTANEOUS_QUERIES, read-only table
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_from_the_text() {
        let error =
            EngineError::from_message("Code: 60. DB::Exception: Unknown table 't'. (UNKNOWN_TABLE)".into());
        assert_eq!((error.code, error.status()), (60, StatusCode::NOT_FOUND));
    }

    #[test]
    fn a_text_without_code_is_an_unknown_exception() {
        assert_eq!(EngineError::from_message("std::bad_alloc".into()).code, UNKNOWN_EXCEPTION);
    }

    #[test]
    fn our_own_errors_carry_their_code_in_the_text() {
        let error = EngineError::unknown_setting("nope");
        assert_eq!(EngineError::from_message(error.message.clone()).code, error.code);
    }
}
