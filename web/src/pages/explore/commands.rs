//! What the page adds to the command palette, and the list of its keys.

use super::explorer::Explorer;
use super::layout::RowView;
use crate::components::Icon;
use crate::shell::palette::Command;
use crate::url::{Before, Tab};
use leptos::prelude::*;

pub const KEYS: [(&str, &str); 22] = [
    ("/", "Edit the query"),
    ("Enter", "Run the query, or open the row"),
    ("↑ ↓", "In the query: former queries"),
    ("h", "Search in former queries"),
    ("t", "Choose the time range"),
    ("l", "Live tail on or off"),
    ("j", "Next row, older"),
    ("k", "Previous row, newer"),
    ("Home", "First row"),
    ("y", "Copy the open event"),
    ("Esc", "Close the event, leave the query"),
    ("c", "Lines around the open event"),
    ("f", "Show or hide fields"),
    ("p", "Patterns, and back"),
    ("s", "Saved searches"),
    ("b", "Compare the histogram with an earlier time, and back"),
    ("m", "Mark a moment on the histogram"),
    ("v", "Rows compact, wrapped, JSON"),
    ("r", "Run again"),
    ("Ctrl F", "Find in all loaded rows"),
    ("Ctrl K", "Commands"),
    ("?", "Syntax and these keys"),
];

/// What the page adds to the command palette.
pub fn commands(explorer: Explorer) -> Vec<Command> {
    let mut commands = vec![
        Command::new(Icon::Edit, "Edit the query", "/", move || {
            explorer.focus_query.update(|count| *count += 1)
        }),
        Command::new(Icon::Clock, "Choose the time range", "t", move || explorer.time_picker_open.set(true)),
        Command::new(Icon::History, "Search in former queries", "h", move || explorer.history_open.set(true)),
        Command::new(Icon::Live, "Live tail on or off", "l", move || {
            explorer.set_live(!explorer.state.with_untracked(|state| state.live))
        }),
        Command::new(Icon::Fields, "Show or hide fields", "f", move || explorer.toggle_fields()),
        Command::new(Icon::Save, "Saved searches", "s", move || explorer.saved_open.set(true)),
        Command::new(Icon::Download, "Export", "", move || explorer.export_open.set(true)),
        Command::new(Icon::Note, "Mark a moment", "m", move || explorer.note_open.set(explorer.may_mark())),
        Command::new(Icon::Info, "Cost and SQL", "", move || explorer.plan_open.set(true)),
        Command::new(Icon::Explore, "Find in loaded rows", "Ctrl F", move || explorer.find_open.set(true)),
        Command::new(Icon::Rows, "Show events", "p", move || explorer.show_tab(Tab::Events)),
        Command::new(Icon::Pattern, "Show patterns", "p", move || explorer.show_tab(Tab::Patterns)),
        Command::new(Icon::ResetZoom, "Undo the zoom", "", move || explorer.reset_zoom()),
        Command::new(Icon::Refresh, "Run again", "r", move || explorer.run_text()),
        Command::new(Icon::Book, "Syntax and keys", "?", move || explorer.help_open.set(true)),
        Command::new(Icon::Trash, "Clear the query", "", move || explorer.run_query("")),
    ];
    if !explorer.is_local() {
        commands.extend(Before::ALL.map(|before| {
            Command::new(Icon::Compare, compare_name(before), "b", move || explorer.compare_with(before))
        }));
    }
    commands.extend(RowView::ALL.map(|view| {
        Command::new(Icon::Columns, format!("Rows: {}", view.name()), "v", move || {
            explorer.row_view.set(view)
        })
    }));
    commands
}

fn compare_name(before: Before) -> String {
    match before {
        Before::Nothing => "Histogram: compare with nothing".to_owned(),
        other => format!("Histogram: compare with the {}", super::earlier::name(other).to_lowercase()),
    }
}
