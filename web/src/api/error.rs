//! Why a call failed, in words for the person at the screen.

use api_types::problem::Problem;
use api_types::search::Diagnostic;

#[derive(Debug, Clone, PartialEq)]
pub enum ApiError {
    /// The server said what is wrong.
    Problem(Box<Problem>),
    /// An error that is not in the form of our errors, such as a proxy's.
    Unexpected(u16),
    Unreachable,
    Unreadable(String),
    /// The session is over; the browser is on its way to the login page.
    SignedOut,
    /// The reader did not want to wait for it.
    Cancelled,
}

impl ApiError {
    pub fn message(&self) -> String {
        match self {
            Self::Problem(problem) if problem.status >= 500 && !problem.request_id.is_empty() => {
                format!("{} (request {})", problem.detail, problem.request_id)
            }
            Self::Problem(problem) if problem.detail.is_empty() => problem.title.clone(),
            Self::Problem(problem) => problem.detail.clone(),
            Self::Unexpected(status) => format!("The server answered {status} without saying why."),
            Self::Unreachable => "The server cannot be reached. Check the connection and try again.".into(),
            Self::Unreadable(detail) => format!("The answer could not be read: {detail}"),
            Self::Cancelled => "It was cancelled before it was done.".into(),
            Self::SignedOut => "Your session has ended. Log in again.".into(),
        }
    }

    pub fn code(&self) -> &str {
        match self {
            Self::Problem(problem) => &problem.code,
            _ => "",
        }
    }

    /// What is wrong with one field of the form that was sent.
    pub fn field(&self, name: &str) -> Option<String> {
        let Self::Problem(problem) = self else { return None };
        problem.errors.iter().find(|error| error.field == name).map(|error| error.detail.clone())
    }

    /// What is wrong with the query, when that is the reason.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            Self::Problem(problem) => problem.diagnostics.first(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, detail: &str) -> ApiError {
        let json = format!(
            r#"{{"type":"about:blank","title":"Bad","status":{status},"detail":"{detail}","code":"bad","request_id":"r1",
                 "errors":[{{"field":"email","code":"email_invalid","detail":"This is no e-mail address."}}]}}"#
        );
        ApiError::Problem(Box::new(serde_json::from_str(&json).expect("a problem")))
    }

    #[test]
    fn a_fault_of_the_server_names_the_request() {
        assert_eq!(problem(500, "It broke.").message(), "It broke. (request r1)");
        assert_eq!(problem(422, "Mistyped.").message(), "Mistyped.");
        assert_eq!(problem(422, "").message(), "Bad");
    }

    #[test]
    fn a_field_finds_its_own_error() {
        assert_eq!(problem(422, "").field("email").as_deref(), Some("This is no e-mail address."));
        assert_eq!(problem(422, "").field("name"), None);
    }
}
