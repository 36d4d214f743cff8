//! The line between picture and rows: how much was found and what it took, and what can be done with the search as a whole.

use super::explorer::explorer;
use super::more;
use super::results::{Shape, results};
use crate::browser;
use crate::components::{Button, Glyph, Icon, IconButton};
use crate::format;
use crate::load::Load;
use crate::url::Tab;
use api_types::search::Progress;
use leptos::prelude::*;
use std::time::Duration;

#[component]
pub fn Toolbar() -> impl IntoView {
    let explorer = explorer();
    view! {
        <div class="toolbar">
            <IconButton
                icon=Icon::Fields
                label="Fields (f)"
                pressed=Signal::derive(move || explorer.fields_shown())
                on_click=move |_| explorer.toggle_fields()
            />
            <Tabs/>
            <Status/>
            {move || more::more().map(|more| (more.actions)())}
        </div>
        {move || more::more().map(|more| (more.notes)())}
    }
}

#[component]
fn Tabs() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let tab = move || explorer.state.with(|state| state.tab);
    let is_table = move || results.shape.get() == Shape::Table;
    view! {
        <Show when=move || !is_table()>
            <div class="segmented" role="group" aria-label="View">
                <button type="button" aria-pressed=move || (tab() == Tab::Events).to_string() on:click=move |_| explorer.show_tab(Tab::Events)>
                    <Glyph icon=Icon::Rows size="icon-small"/>"Events"
                </button>
                <button type="button" aria-pressed=move || (tab() == Tab::Patterns).to_string() on:click=move |_| explorer.show_tab(Tab::Patterns)>
                    <Glyph icon=Icon::Pattern size="icon-small"/>"Patterns"
                </button>
            </div>
        </Show>
    }
}

#[component]
fn Status() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let running_ms = running_ms(results.first.busy);
    let text = move || {
        if results.first.busy.get() {
            return searching(running_ms.get(), results.progress.get());
        }
        if results.early.with(Option::is_some) {
            let loaded = format::count(results.events.with(Vec::len) as u64);
            return format!("Stopped: the newest {loaded} events, there may be more");
        }
        results.first.state.with(|state| match state {
            Load::Ready(answer) => {
                let found = match (answer.shape.as_str(), explorer.total.get()) {
                    ("table", _) => format!("{} rows", format::count(answer.rows.len() as u64)),
                    (_, Some(total)) => format!("{} events", format::count(total)),
                    (_, None) => {
                        format!("{} events loaded", format::count(results.events.with(Vec::len) as u64))
                    }
                };
                let stats = &answer.stats;
                let cached = match (stats.cached, stats.age_ms) {
                    (false, _) => String::new(),
                    (true, None) => " · cached".to_owned(),
                    (true, Some(age_ms)) => format!(" · from {} ago", format::elapsed(age_ms as f64)),
                };
                format!(
                    "{found} · {} · {} rows, {} read{cached}",
                    format::elapsed(stats.elapsed_ms),
                    format::count(stats.rows_read),
                    format::bytes(stats.bytes_read)
                )
            }
            Load::Failed(_) => "The search failed".to_owned(),
            Load::Waiting => String::new(),
        })
    };
    view! {
        <p class="status grow truncate numbers" role="status" data-testid="status">{text}</p>
        <Show when=move || results.first.busy.get()>
            {move || results.progress.get().and_then(|progress| progress.percent).map(|percent| view! {
                <progress class="status-progress" max="100" value=percent.to_string() aria-label="Search progress"></progress>
            })}
            <Button small=true icon=Icon::Stop on_click=move |_| explorer.cancelled.notify()>"Cancel"</Button>
        </Show>
    }
}

fn searching(running_ms: i64, progress: Option<Progress>) -> String {
    let elapsed = format::elapsed(running_ms as f64);
    let Some(progress) = progress else { return format!("Searching … {elapsed}") };
    let read =
        format!("{} rows, {} read", format::count(progress.rows_read), format::bytes(progress.bytes_read));
    match progress.percent {
        Some(percent) => format!("Searching … {percent:.0} % · {read} · {elapsed}"),
        None => format!("Searching … {read} · {elapsed}"),
    }
}

/// How long the search has been running, for those that take long enough to wonder.
fn running_ms(busy: RwSignal<bool>) -> ReadSignal<i64> {
    let (running, set_running) = signal(0);
    let since = StoredValue::new(0);
    Effect::new(move |_| {
        if busy.get() {
            since.set_value(browser::now_ms());
            set_running.set(0);
        }
    });
    let tick = move || {
        if busy.get_untracked() {
            set_running.set(browser::now_ms() - since.get_value());
        }
    };
    let handle = set_interval_with_handle(tick, Duration::from_millis(100)).ok();
    on_cleanup(move || {
        if let Some(handle) = handle {
            handle.clear();
        }
    });
    running
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_search_says_how_far_it_is() {
        assert_eq!(searching(1_200, None), "Searching … 1.2 s");
        let progress = Progress { rows_read: 2_000_000, bytes_read: 64_000_000, ..Progress::default() };
        assert_eq!(searching(1_200, Some(progress)), "Searching … 2,000,000 rows, 64 MB read · 1.2 s");
        let known = Progress { percent: Some(40.2), ..progress };
        assert_eq!(searching(1_200, Some(known)), "Searching … 40 % · 2,000,000 rows, 64 MB read · 1.2 s");
    }
}
