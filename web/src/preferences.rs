//! What a person has chosen on this browser: theme and time zone.

use crate::browser;
use leptos::prelude::*;
use std::sync::OnceLock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Local,
    Utc,
}

impl Zone {
    /// Minutes ahead of UTC at an instant.
    pub fn minutes(self, at_ms: i64) -> i64 {
        match self {
            Self::Local => browser::zone_offset_minutes(at_ms),
            Self::Utc => 0,
        }
    }
}

#[derive(Clone, Copy)]
pub struct Preferences {
    pub theme: RwSignal<Theme>,
    pub zone: RwSignal<Zone>,
}

const THEME: &str = "cordwood.theme";
const ZONE: &str = "cordwood.zone";

/// Reads the choices, and keeps them when they change.
pub fn provide() {
    let theme = match browser::stored(THEME).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    };
    let zone = if browser::stored(ZONE).as_deref() == Some("utc") { Zone::Utc } else { Zone::Local };
    let preferences = Preferences { theme: RwSignal::new(theme), zone: RwSignal::new(zone) };
    Effect::new(move |_| {
        let name = preferences.theme.get().name();
        browser::store(THEME, name);
        if let Some(root) = document().document_element() {
            let _shown = match name {
                Some(name) => root.set_attribute("data-theme", name),
                None => root.remove_attribute("data-theme"),
            };
        }
    });
    Effect::new(move |_| {
        browser::store(ZONE, (preferences.zone.get() == Zone::Utc).then_some("utc"));
    });
    let _first = CHOSEN.set(preferences);
}

static CHOSEN: OnceLock<Preferences> = OnceLock::new();

pub fn preferences() -> Preferences {
    *CHOSEN.get().expect("`provide` runs before the first page")
}

/// Writes a time of the server in the chosen zone; what is no time stays as it is.
pub fn shown_time(text: &str, write: fn(i64, i64) -> String) -> String {
    let zone = preferences().zone.get();
    crate::format::parse_ms(text).map_or_else(|| text.to_owned(), |ms| write(ms, zone.minutes(ms)))
}
