//! `name=value` options of a stage, with their types and bounds.

use std::collections::BTreeMap;

use super::Built;
use crate::ast::{Amount, Literal, LiteralClass};
use crate::{Code, Diagnostic, Span};

/// The options of one stage.
#[derive(Default)]
pub(super) struct Options {
    given: BTreeMap<String, (Span, Literal)>,
}

impl Options {
    pub(super) fn add(&mut self, name: &str, span: Span, value: Literal) -> Built<()> {
        let name = name.to_ascii_lowercase();
        if self.given.contains_key(&name) {
            return Err(Diagnostic::error(Code::E021, span, format!("{name}= is given twice")).fix(
                "remove it",
                span,
                "",
            ));
        }
        self.given.insert(name, (span, value));
        Ok(())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Literal> {
        self.given.remove(name).map(|(_, value)| value)
    }

    pub(super) fn count(&mut self, name: &str, default: u64, least: u64, most: u64) -> Built<u64> {
        let Some(value) = self.take(name) else { return Ok(default) };
        whole_number(&value, name, least, most)
    }

    pub(super) fn duration(&mut self, name: &str) -> Built<Option<Literal>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match &value.class {
            LiteralClass::Duration(amount) if is_positive(*amount) => Ok(Some(value)),
            _ => {
                let message = format!("'{}' is not a duration", value.text);
                let mut error = Diagnostic::error(Code::E024, value.span, message);
                error.hint = Some(match value.text.strip_suffix('M') {
                    Some(number) => format!("minutes are 'm': {number}m"),
                    None => format!("write {name}=5m, {name}=1h or {name}=1d"),
                });
                Err(error)
            }
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Built<Option<Literal>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match &value.class {
            LiteralClass::Number(number) if number.value > 0.0 => Ok(Some(value)),
            _ => Err(bad_value(&value, format!("{name}= is a number above 0"))),
        }
    }

    /// One of several words; the first when none is given.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Built<T> {
        let default = choices.first().map(|(_, choice)| *choice);
        let Some(value) = self.take(name) else {
            return super::expected(default, Span::default());
        };
        let found = choices.iter().find(|(text, _)| text.eq_ignore_ascii_case(&value.text));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let texts: Vec<&str> = choices.iter().map(|(text, _)| *text).collect();
            bad_value(&value, format!("{name} is one of {}", texts.join(", ")))
        })
    }

    pub(super) fn text(&mut self, name: &str) -> String {
        self.take(name).map(|value| value.text).unwrap_or_default()
    }
}

fn bad_value(value: &Literal, message: String) -> Diagnostic {
    Diagnostic::error(Code::E021, value.span, message)
}

pub(super) fn is_positive(amount: Amount) -> bool {
    amount.numerator > 0
}

/// A whole number inside its bounds; above them it is a limit (E026).
pub(super) fn whole_number(value: &Literal, name: &str, least: u64, most: u64) -> Built<u64> {
    let digits = value.text.bytes().all(|b| b.is_ascii_digit()) && !value.text.is_empty();
    if !digits {
        return Err(bad_value(value, format!("{name} needs a whole number, not '{}'", value.text)));
    }
    let number = value.text.parse().unwrap_or(u64::MAX);
    if number > most {
        return Err(Diagnostic::error(Code::E026, value.span, format!("{name} is at most {most}")).fix(
            format!("use {most}"),
            value.span,
            most.to_string(),
        ));
    }
    if number < least {
        return Err(bad_value(value, format!("{name} is at least {least}")));
    }
    Ok(number)
}
