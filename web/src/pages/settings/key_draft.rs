//! A key that is being made: what its form holds, and the request that comes of it.

use super::key_numbers::{Numbers, Read};
use crate::browser;
use crate::format;
use crate::session::session;
use api_types::accounts::{IngestLimits, KeyScope, NewApiKeyRequest};
use leptos::prelude::*;

const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy)]
pub struct KeyDraft {
    pub name: RwSignal<String>,
    pub project: RwSignal<String>,
    pub scopes: RwSignal<Vec<KeyScope>>,
    /// Until it ends; empty for never.
    pub days: RwSignal<String>,
    pub networks: RwSignal<String>,
    pub row_rule: RwSignal<String>,
    pub numbers: Numbers,
}

impl KeyDraft {
    pub fn new() -> Self {
        Self {
            name: RwSignal::default(),
            project: RwSignal::new(untrack(|| session().project_id())),
            scopes: RwSignal::new(vec![KeyScope::Ingest]),
            days: RwSignal::default(),
            networks: RwSignal::default(),
            row_rule: RwSignal::default(),
            numbers: Numbers::of(IngestLimits::default()),
        }
    }

    /// Whether logs may be sent with it.
    pub fn sends(&self) -> bool {
        self.scopes.with(|scopes| sends(scopes))
    }

    /// What to ask for; `None` when something that should be a number is none.
    pub fn request(&self) -> Option<NewApiKeyRequest> {
        let Read { rows_per_day, sending } = self.numbers.read()?;
        let sending = if untrack(|| self.sends()) { sending } else { IngestLimits::default() };
        let days = self.days.get_untracked().parse::<i64>().ok();
        Some(NewApiKeyRequest {
            name: self.name.get_untracked().trim().into(),
            project_id: self.project.get_untracked(),
            scopes: self.scopes.get_untracked(),
            expires_at: days.map(|days| format::rfc3339(browser::now_ms() + days * DAY_MS)),
            allowed_networks: words(&self.networks.get_untracked()),
            rows_per_day,
            row_rule: Some(self.row_rule.get_untracked().trim().to_owned()).filter(|rule| !rule.is_empty()),
            events_per_second: sending.events_per_second,
            bytes_per_second: sending.bytes_per_second,
            daily_events: sending.daily_events,
            daily_bytes: sending.daily_bytes,
        })
    }
}

/// Whether logs may be sent with a key of these scopes.
pub fn sends(scopes: &[KeyScope]) -> bool {
    scopes.contains(&KeyScope::Ingest) || scopes.contains(&KeyScope::Admin)
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_come_with_commas_or_blanks_between() {
        assert_eq!(words("10.0.0.0/8, ::1  10.1.0.0/16"), ["10.0.0.0/8", "::1", "10.1.0.0/16"]);
    }
}
