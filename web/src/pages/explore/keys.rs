//! The keys that work anywhere on the page while nothing is being typed.

use super::explorer::Explorer;
use super::results::Results;
use crate::browser;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

pub const KEYS: [(&str, &str); 10] = [
    ("/", "Edit the query"),
    ("Enter", "Run the query, or open the row"),
    ("↑ ↓", "In the query: former queries"),
    ("t", "Choose the time range"),
    ("j", "Next row, older"),
    ("k", "Previous row, newer"),
    ("Esc", "Close the event, leave the query"),
    ("f", "Show or hide fields"),
    ("r", "Run again"),
    ("?", "These keys"),
];

pub fn listen(explorer: Explorer, results: Results) {
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        let with_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
        if !with_modifier
            && !event.default_prevented()
            && !browser::is_typing()
            && handle(&event, explorer, results)
        {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());
}

/// Whether the key meant something.
fn handle(event: &KeyboardEvent, explorer: Explorer, results: Results) -> bool {
    if explorer.help_open.get_untracked() {
        return false; // the dialog has the keyboard
    }
    match event.key().as_str() {
        "/" => explorer.focus_query.update(|count| *count += 1),
        "t" => explorer.time_picker_open.set(true),
        "f" => explorer.toggle_fields(),
        "r" => explorer.run_text(),
        "?" => explorer.help_open.set(true),
        "j" => step(explorer, results, 1),
        "k" => step(explorer, results, -1),
        "ArrowDown" if in_rows() => step(explorer, results, 1),
        "ArrowUp" if in_rows() => step(explorer, results, -1),
        "Home" if in_rows() => results.cursor.set(Some(0)),
        "Enter" if in_rows() => return open_at_cursor(explorer, results),
        "Escape" if explorer.event().is_some() => explorer.open_event(None),
        _ => return false,
    }
    true
}

/// Moves to the next row; an open panel follows.
fn step(explorer: Explorer, results: Results, by: isize) {
    let count = results.events.with_untracked(Vec::len);
    if count == 0 {
        return;
    }
    let open = explorer.state.with_untracked(|state| state.event.clone());
    let from = results.cursor.get_untracked().or_else(|| results.position(open.as_deref()?));
    let next = from.map_or(0, |at| at.saturating_add_signed(by).min(count - 1));
    results.cursor.set(Some(next));
    browser::focus("#rows");
    if open.is_some() {
        let id = results.events.with_untracked(|events| events.get(next).map(|event| event.id.clone()));
        explorer.open_event(id);
    }
}

fn open_at_cursor(explorer: Explorer, results: Results) -> bool {
    let Some(at) = results.cursor.get_untracked() else { return false };
    let id = results.events.with_untracked(|events| events.get(at).map(|event| event.id.clone()));
    explorer.open_event(id);
    true
}

/// Whether the list has the focus, so that arrows and Enter belong to it.
fn in_rows() -> bool {
    document().active_element().is_some_and(|element| element.id() == "rows")
}
