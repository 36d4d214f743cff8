//! What a person has chosen on this browser: theme and time zone.

use crate::browser;
use leptos::prelude::*;
use std::sync::{Mutex, OnceLock};

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
    /// By its IANA name.
    Named(&'static str),
}

impl Zone {
    /// A zone by its name. The few names that a person chooses stay in memory.
    pub fn named(name: &str) -> Self {
        static KNOWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
        if name == "UTC" {
            return Self::Utc;
        }
        let Ok(mut known) = KNOWN.lock() else { return Self::Utc };
        let found = known.iter().copied().find(|kept| *kept == name);
        Self::Named(found.unwrap_or_else(|| {
            let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
            known.push(kept);
            kept
        }))
    }

    /// As it stands beside times.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Utc => "UTC",
            Self::Named(name) => name,
        }
    }

    /// Under which it is kept; nothing for the browser's own.
    fn kept(self) -> Option<&'static str> {
        match self {
            Self::Local => None,
            Self::Utc => Some("utc"),
            Self::Named(name) => Some(name),
        }
    }

    fn remembered() -> Self {
        match browser::stored(ZONE).as_deref() {
            None => Self::Local,
            Some("utc") => Self::Utc,
            // The browser may have forgotten a name that it knew.
            Some(name) if browser::zone_names().iter().any(|known| known == name) => Self::named(name),
            Some(_) => Self::Local,
        }
    }

    /// Minutes ahead of UTC at an instant.
    pub fn minutes(self, at_ms: i64) -> i64 {
        match self {
            Self::Local => browser::zone_offset_minutes(at_ms),
            Self::Utc => 0,
            Self::Named(name) => browser::named_offset_minutes(name, at_ms),
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
    let preferences = Preferences { theme: RwSignal::new(theme), zone: RwSignal::new(Zone::remembered()) };
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
        let zone = preferences.zone.get();
        browser::store(ZONE, zone.kept());
        browser::set_chart_zone(match zone {
            Zone::Named(name) => Some(name),
            Zone::Local | Zone::Utc => None,
        });
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
