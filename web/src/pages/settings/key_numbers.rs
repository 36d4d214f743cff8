//! The limits of a key that are numbers: fields of a form, empty for no limit.

use crate::components::TextField;
use crate::load::Submit;
use api_types::accounts::IngestLimits;
use leptos::prelude::*;

/// By the names of the API.
const NAMES: [&str; 5] =
    ["rows_per_day", "events_per_second", "bytes_per_second", "daily_events", "daily_bytes"];

/// What was typed, and which of it is no number. Copies are the same.
#[derive(Clone, Copy)]
pub struct Numbers {
    typed: [RwSignal<String>; 5],
    wrong: RwSignal<Vec<&'static str>>,
}

/// What the numbers say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Read {
    pub rows_per_day: Option<u64>,
    pub sending: IngestLimits,
}

impl Numbers {
    pub fn of(sending: IngestLimits) -> Self {
        let limits = [
            None,
            sending.events_per_second,
            sending.bytes_per_second,
            sending.daily_events,
            sending.daily_bytes,
        ];
        let text = |limit: Option<u64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        Self { typed: limits.map(|limit| RwSignal::new(text(limit))), wrong: RwSignal::default() }
    }

    /// What was typed; `None` when something of it is no number: then its field says so.
    pub fn read(&self) -> Option<Read> {
        let parsed = parse(&self.typed.map(|typed| typed.get_untracked()));
        self.wrong.set(parsed.as_ref().err().cloned().unwrap_or_default());
        parsed.ok()
    }

    fn typed(&self, name: &str) -> RwSignal<String> {
        self.typed[NAMES.iter().position(|known| *known == name).expect("a form asks for these only")]
    }
}

/// The numbers, or the names of what is none.
fn parse(typed: &[String; 5]) -> Result<Read, Vec<&'static str>> {
    let (mut numbers, mut wrong) = ([None; 5], Vec::new());
    for ((name, text), number) in NAMES.into_iter().zip(typed).zip(&mut numbers) {
        match text.trim() {
            "" => {}
            text => match text.parse() {
                Ok(parsed) => *number = Some(parsed),
                Err(_) => wrong.push(name),
            },
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let [rows_per_day, events_per_second, bytes_per_second, daily_events, daily_bytes] = numbers;
    let sending = IngestLimits { events_per_second, bytes_per_second, daily_events, daily_bytes };
    Ok(Read { rows_per_day, sending })
}

/// How much may be sent with the key.
#[component]
pub fn Sending(numbers: Numbers, submit: Submit) -> impl IntoView {
    view! {
        <div class="form-row">
            <Number name="events_per_second" label="Events sent in a second" hint="Empty: no limit but the organization’s." numbers submit/>
            <Number name="bytes_per_second" label="Bytes sent in a second" hint="Uncompressed." numbers submit/>
        </div>
        <div class="form-row">
            <Number name="daily_events" label="Events sent in a day" hint="A day ends at midnight UTC." numbers submit/>
            <Number name="daily_bytes" label="Bytes sent in a day" hint="Uncompressed." numbers submit/>
        </div>
    }
}

/// A whole number, or nothing for no limit.
#[component]
pub fn Number(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    numbers: Numbers,
    submit: Submit,
) -> impl IntoView {
    let refused = submit.field(name);
    let error = Signal::derive(move || {
        if numbers.wrong.with(|wrong| wrong.contains(&name)) {
            return Some("Write a whole number, or leave it empty.".to_owned());
        }
        refused.get()
    });
    view! { <TextField label kind="number" value=numbers.typed(name) hint error/> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_named_and_what_is_empty_is_no_limit() {
        let typed = |texts: [&str; 5]| texts.map(str::to_owned);
        let read = parse(&typed(["", " 5 ", "", "7", ""])).unwrap();
        let sending =
            IngestLimits { events_per_second: Some(5), daily_events: Some(7), ..IngestLimits::default() };
        assert_eq!(read, Read { rows_per_day: None, sending });
        assert_eq!(
            parse(&typed(["many", "5", "1.5", "-1", ""])),
            Err(vec!["rows_per_day", "bytes_per_second", "daily_events"])
        );
    }
}
