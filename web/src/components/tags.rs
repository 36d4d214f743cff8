//! Small marks: levels, states, ages.

use crate::browser;
use crate::format;
use leptos::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadgeKind {
    Quiet,
    Accent,
    Good,
    Warning,
    Bad,
}

/// A state in a word.
#[component]
pub fn Badge(kind: BadgeKind, #[prop(optional)] plain: bool, children: Children) -> impl IntoView {
    let kind = match kind {
        BadgeKind::Quiet => "",
        BadgeKind::Accent => " badge-accent",
        BadgeKind::Good => " badge-good",
        BadgeKind::Warning => " badge-warning",
        BadgeKind::Bad => " badge-bad",
    };
    let plain = if plain { " badge-plain" } else { "" };
    view! { <span class=format!("badge{kind}{plain}")>{children()}</span> }
}

#[component]
pub fn LevelTag(#[prop(into)] level: Option<String>) -> impl IntoView {
    let level = level.unwrap_or_else(|| "unknown".into());
    let shown = if level == "unknown" { "–".to_owned() } else { level.clone() };
    view! { <span class=format!("level level-{level}")>{shown}</span> }
}

/// How long ago something was; the exact time is its tip.
#[component]
pub fn Age(#[prop(into)] at: String) -> impl IntoView {
    let text = format::parse_ms(&at).map_or_else(|| at.clone(), |ms| format::ago(ms, browser::now_ms()));
    let exact = at.clone();
    let title = move || crate::preferences::shown_time(&exact, format::date_and_time);
    view! { <time datetime=at title=title>{text}</time> }
}
