//! Text that was checked: e-mail addresses, names, new passwords.

use crate::error::InvalidFields;
use crate::sight::RowRule;
use api_types::problem::FieldProblem;
use lettre::Address;
use secrecy::{ExposeSecret, SecretString};
use std::str::FromStr;

pub const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 12..=1024;
/// Guesses within which a password is refused: what the lists of common passwords hold, and repetitions of that.
const COMMON_GUESSES: u64 = 10_000;
/// A rule is part of every query that its holder asks.
const ROW_RULE_BYTES: usize = 2_000;
const PRODUCT: &str = "cordwood";

/// An e-mail address, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A name as people write it: 1 to 100 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// A password that may be set. It is not trimmed or changed in any way.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

fn problem(field: &str, code: &str, detail: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.into(), code: code.into(), detail: detail.into() }
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let text = text.trim().to_lowercase();
        if text.len() <= 254 && Address::from_str(&text).is_ok() {
            Ok(Self(text))
        } else {
            Err(problem("email", "not_an_email", "Give an e-mail address such as ann@example.com."))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Name {
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldProblem> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > 100 || text.chars().any(char::is_control) {
            return Err(problem(field, "not_a_name", "Give 1 to 100 characters on one line."));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Lower-case letters, digits and dashes, for addresses.
    #[must_use]
    pub fn slug(&self) -> String {
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
        let text: String = self.0.to_lowercase().chars().map(plain).collect();
        let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
        let slug: String = words.join("-").chars().take(40).collect();
        if slug.is_empty() { "organization".to_owned() } else { slug.trim_end_matches('-').to_owned() }
    }
}

impl NewPassword {
    /// `email` is whose password it is: a password made of it is refused.
    pub fn parse(field: &str, text: String, email: &str) -> Result<Self, FieldProblem> {
        let characters = text.chars().count();
        if characters < *PASSWORD_CHARACTERS.start() {
            let detail =
                "Use at least 12 characters; a few words that only you connect make a good password.";
            return Err(problem(field, "password_too_short", detail));
        }
        if characters > *PASSWORD_CHARACTERS.end() {
            return Err(problem(field, "password_too_long", "Use at most 1024 characters."));
        }
        let known = [email, email.split('@').next().unwrap_or_default(), PRODUCT];
        if zxcvbn::zxcvbn(&text, &known).guesses() <= COMMON_GUESSES {
            let detail = "This password is among the first that attackers try. Use one that is not common and not your address.";
            return Err(problem(field, "password_too_common", detail));
        }
        Ok(Self(SecretString::from(text)))
    }

    #[must_use]
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl PartialEq for NewPassword {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// A row rule as it is stored. A blank one is none.
pub fn row_rule(text: Option<&str>) -> Result<Option<RowRule>, FieldProblem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.len() > ROW_RULE_BYTES {
        return Err(problem("row_rule", "too_long", format!("Use at most {ROW_RULE_BYTES} bytes.")));
    }
    RowRule::parse(text).map(Some).map_err(|error| problem("row_rule", "query_invalid", error.to_string()))
}

/// All problems at once, so that a form can show each beside its field.
pub fn refuse_any(problems: &[Option<&FieldProblem>]) -> Result<(), InvalidFields> {
    let problems: Vec<FieldProblem> = problems.iter().flatten().copied().cloned().collect();
    if problems.is_empty() { Ok(()) } else { Err(InvalidFields(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_without_case_and_blanks() {
        assert_eq!(Email::parse(" Ann@Acme.Example ").unwrap().as_str(), "ann@acme.example");
        for bad in [
            "",
            "ann",
            "ann@",
            "@acme.example",
            "ann@acme example",
            "a@b@c",
            "ann@acme.example\r\nBcc: x@y.z",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Email::parse(&format!("{}@acme.example", "a".repeat(250))).is_err());
    }

    #[test]
    fn a_password_is_long_and_not_among_the_first_guesses() {
        let code = |text: &str| {
            NewPassword::parse("password", text.into(), "annabelle.jones@acme.example")
                .err()
                .map(|problem| problem.code)
        };
        for good in ["correct horse battery", "  spaces count  ", "пароль на русском", "Tr0ub4dor&3 is 7"]
        {
            assert_eq!(code(good), None, "{good}");
        }
        assert_eq!(code("eleven char").unwrap(), "password_too_short");
        assert_eq!(code(&"x7".repeat(600)).unwrap(), "password_too_long");
        for common in
            ["passwordpassword", "aaaaaaaaaaaaaaa", "annabelle.jones@acme.example", "cordwoodcordwood"]
        {
            assert_eq!(code(common).as_deref(), Some("password_too_common"), "{common}");
        }
    }

    #[test]
    fn a_slug_is_made_of_any_name() {
        let slug = |name: &str| Name::parse("organization", name).unwrap().slug();
        assert_eq!(slug("Acme & Sons, Ltd."), "acme-sons-ltd");
        assert_eq!(slug("株式会社"), "organization");
        assert!(Name::parse("name", "two\nlines").is_err());
        assert!(Name::parse("name", "  ").is_err());
    }
}
