//! The keys that work anywhere on the page while nothing is being typed.

use super::explorer::Explorer;
use super::results::{Results, Shape};
use crate::browser;
use crate::url::Tab;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

pub fn listen(explorer: Explorer, results: Results) {
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        let finds = (event.ctrl_key() || event.meta_key()) && event.key() == "f";
        if finds && may_find(results) {
            explorer.find_open.set(true);
            browser::focus(".find-bar input");
            event.prevent_default();
            return;
        }
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

/// The browser's own search would only see the rows that are drawn.
fn may_find(results: Results) -> bool {
    let has_dialog = document().query_selector("dialog[open]").ok().flatten().is_some();
    !has_dialog && untrack(|| results.shape.get()) == Shape::Events
}

/// Whether the key meant something.
fn handle(event: &KeyboardEvent, explorer: Explorer, results: Results) -> bool {
    if document().query_selector("dialog[open]").ok().flatten().is_some() {
        return false; // the dialog has the keyboard
    }
    match event.key().as_str() {
        "/" => explorer.focus_query.update(|count| *count += 1),
        "t" => explorer.time_picker_open.set(true),
        "f" => explorer.toggle_fields(),
        "r" => explorer.run_text(),
        "h" => explorer.history_open.set(true),
        "v" => explorer.row_view.update(|view| *view = view.next()),
        "l" if !explorer.is_local() => explorer.set_live(!explorer.state.with_untracked(|state| state.live)),
        "m" if explorer.may_mark() => explorer.note_open.set(true),
        "b" if !explorer.is_local() => {
            explorer.compare_with(explorer.state.with_untracked(|state| state.before.next()));
        }
        "s" if !explorer.is_local() => explorer.saved_open.set(true),
        "p" => explorer.show_tab(match explorer.state.with_untracked(|state| state.tab) {
            Tab::Events => Tab::Patterns,
            Tab::Patterns => Tab::Events,
        }),
        "c" => return press(".event [data-key=context] button"),
        "y" => return press(".event [data-key=copy] button"),
        "?" => explorer.help_open.set(true),
        "j" => step(explorer, results, 1),
        "k" => step(explorer, results, -1),
        "ArrowDown" if in_rows() => step(explorer, results, 1),
        "ArrowUp" if in_rows() => step(explorer, results, -1),
        "Home" if in_rows() => results.cursor.set(Some(0)),
        "Enter" if in_rows() => return open_at_cursor(explorer, results),
        "Escape" if explorer.state.with_untracked(|state| state.event.is_some()) => explorer.open_event(None),
        _ => return false,
    }
    true
}

/// Moves to the next row; an open panel follows.
fn step(explorer: Explorer, results: Results, by: isize) {
    let count = untrack(|| results.len());
    if count == 0 {
        return;
    }
    let open = explorer.state.with_untracked(|state| state.event.clone());
    let from = results.cursor.get_untracked().or_else(|| untrack(|| results.position(open.as_deref()?)));
    let next = from.map_or(0, |at| at.saturating_add_signed(by).min(count - 1));
    results.cursor.set(Some(next));
    browser::focus("#rows");
    if open.is_some() {
        explorer.open_event(untrack(|| results.get(next)).map(|event| event.id.clone()));
    }
}

fn open_at_cursor(explorer: Explorer, results: Results) -> bool {
    let Some(at) = results.cursor.get_untracked() else { return false };
    explorer.open_event(untrack(|| results.get(at)).map(|event| event.id.clone()));
    true
}

/// Presses a button of the page, when it is there.
fn press(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let Some(button) = found.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return false;
    };
    button.click();
    true
}

/// Whether the list has the focus, so that arrows and Enter belong to it.
fn in_rows() -> bool {
    document().active_element().is_some_and(|element| element.id() == "rows")
}
