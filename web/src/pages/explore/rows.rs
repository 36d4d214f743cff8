//! The list of events: only the rows in view are drawn, however many are loaded, and the next page is fetched before its end is reached.

use super::cells::{beginning, field_text, marked_text, one_line};
use super::explorer::explorer;
use super::results::{More, results};
use crate::components::{Button, Icon};
use crate::format;
use crate::preferences::preferences;
use api_types::search::EventRow;
use leptos::html;
use leptos::prelude::*;
use std::sync::Arc;

/// Height of a row in pixels, as `--row` of `tokens.css`.
const ROW: f64 = 24.0;
/// Rows drawn above and below what is in view.
const MARGIN: usize = 12;
/// How near to the end the next page is asked for, in rows.
const NEAR_END: usize = 80;

#[component]
pub fn Rows() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let list = NodeRef::<html::Div>::new();
    let (top, height) = (RwSignal::new(0.0), RwSignal::new(800.0));
    let measure = move || {
        if let Some(list) = list.get_untracked() {
            top.set(f64::from(list.scroll_top()));
            height.set(f64::from(list.client_height()));
        }
    };
    Effect::new(move |_| {
        if list.get().is_some() {
            request_animation_frame(measure);
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let count = Memo::new(move |_| results.events.with(Vec::len));
    let window = Memo::new(move |_| in_view(top.get(), height.get(), count.get()));
    Effect::new(move |_| {
        if window.get().1 + NEAR_END >= count.get() && results.has_more() {
            results.load_more();
        }
    });
    keep_cursor_in_view(list, height);
    let visible = move || {
        let (first, last) = window.get();
        results.events.with(|events| {
            let last = last.min(events.len());
            events[first.min(last)..last]
                .iter()
                .cloned()
                .enumerate()
                .map(|(at, event)| (first + at, event))
                .collect::<Vec<_>>()
        })
    };
    let columns = Memo::new(move |_| explorer.state.with(|state| state.columns.clone()));
    view! {
        <div
            class="rows"
            class:has-columns=move || columns.with(|columns| !columns.is_empty())
            node_ref=list
            style=("--columns", move || columns.with(Vec::len).to_string())
            on:scroll=move |_| measure()
        >
            <div
                class="rows-grid"
                id="rows"
                role="grid"
                tabindex="0"
                aria-label="Events"
                aria-rowcount=move || count.get().to_string()
                aria-activedescendant=move || results.cursor.get().map(|at| format!("row-{at}"))
            >
                <Head columns/>
                <div class="rows-space" role="rowgroup" style:height=move || format!("{}px", count.get() as f64 * ROW)>
                    <For each=visible key=|(_, event)| event.id.clone() let:row>
                        <Row index=row.0 event=row.1 columns/>
                    </For>
                </div>
            </div>
            <End/>
        </div>
    }
}

/// The first and the last row (exclusive) that are drawn.
fn in_view(top: f64, height: f64, count: usize) -> (usize, usize) {
    let first = ((top / ROW) as usize).saturating_sub(MARGIN).min(count);
    let last = ((top + height) / ROW) as usize + MARGIN;
    (first, last.min(count))
}

fn keep_cursor_in_view(list: NodeRef<html::Div>, height: RwSignal<f64>) {
    let results = results();
    Effect::new(move |_| {
        let (Some(at), Some(list)) = (results.cursor.get(), list.get()) else { return };
        let (row, head) = (at as f64 * ROW, ROW + 4.0);
        let (top, height) = (f64::from(list.scroll_top()), height.get_untracked());
        if row < top {
            list.set_scroll_top(row as i32);
        } else if row + ROW + head > top + height {
            list.set_scroll_top((row + ROW + head - height) as i32);
        }
    });
}

#[component]
fn Head(columns: Memo<Vec<String>>) -> impl IntoView {
    let explorer = explorer();
    let extra = move || {
        columns
            .get()
            .into_iter()
            .map(|column| {
                let name = column.clone();
                view! {
                    <span role="columnheader" class="truncate">
                        <span class="truncate">{column.clone()}</span>
                        <button
                            type="button"
                            class="column-remove"
                            aria-label=format!("Remove column {column}")
                            on:click=move |_| explorer.toggle_column(&name)
                        >
                            "×"
                        </button>
                    </span>
                }
            })
            .collect_view()
    };
    view! {
        <div class="rows-head" role="rowgroup">
            <div class="line" role="row">
                <span role="columnheader">"Time"</span>
                <span role="columnheader">"Level"</span>
                <span role="columnheader">"Source"</span>
                {extra}
                <span role="columnheader">"Message"</span>
            </div>
        </div>
    }
}

#[component]
fn Row(index: usize, event: Arc<EventRow>, columns: Memo<Vec<String>>) -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let level = event.level.clone().unwrap_or_else(|| "unknown".into());
    let at_ms = format::parse_ms(&event.timestamp);
    let zone = preferences().zone;
    // In parts, because narrow screens show only the middle one.
    let time = move |write: fn(i64, i64) -> String| {
        at_ms.map(|ms| write(ms, zone.get().minutes(ms))).unwrap_or_default()
    };
    let id = StoredValue::new(event.id.clone());
    let is_open =
        Memo::new(move |_| explorer.state.with(|state| id.with_value(|id| state.event.as_ref() == Some(id))));
    let open = move |_| {
        results.cursor.set(Some(index));
        explorer.open_event((!is_open.get_untracked()).then(|| id.get_value()));
    };
    let message = {
        let event = Arc::clone(&event);
        move || {
            let text = beginning(event.message.as_deref().unwrap_or_default());
            let spans = explorer.matches.with(|matches| matches.as_ref()?.spans(&event).remove("message"));
            marked_text(text, &spans.unwrap_or_default(), one_line)
        }
    };
    let extra = {
        let event = Arc::clone(&event);
        move || {
            columns
                .get()
                .into_iter()
                .map(|column| {
                    let text = field_text(&event, &column).map(|text| one_line(&text)).unwrap_or_default();
                    view! { <span role="gridcell" class="truncate soft">{text}</span> }
                })
                .collect_view()
        }
    };
    view! {
        <div
            class=format!("line line-{level}")
            class:line-open=move || is_open.get()
            class:line-cursor=move || results.cursor.get() == Some(index)
            role="row"
            id=format!("row-{index}")
            aria-rowindex=(index + 1).to_string()
            aria-selected=move || is_open.get().to_string()
            style:transform=format!("translateY({}px)", index as f64 * ROW)
            on:click=open
        >
            <span role="gridcell" class="line-time">
                <span class="line-day">{move || time(format::row_day)}</span>
                {move || time(format::row_second)}
                <span class="line-fraction">{move || time(format::row_fraction)}</span>
            </span>
            <span role="gridcell" class=format!("level level-{level}")>{if level == "unknown" { "–".into() } else { level.clone() }}</span>
            <span role="gridcell" class="truncate soft">{event.source.clone().unwrap_or_default()}</span>
            {extra}
            <span role="gridcell" class="line-message truncate">{message}</span>
        </div>
    }
}

/// What comes after the last row.
#[component]
fn End() -> impl IntoView {
    let results = results();
    view! {
        <div class="rows-end" role="status">
            {move || match results.more.get() {
                More::Loading => view! { <span class="spinner"></span>"Loading more" }.into_any(),
                More::Failed(error) => view! {
                    <span>{error.message()}</span>
                    <Button small=true icon=Icon::Refresh on:click=move |_| results.load_more()>"Try again"</Button>
                }.into_any(),
                More::Idle if results.has_more() => ().into_any(),
                More::Idle => view! { "That is all in this range" }.into_any(),
            }}
        </div>
    }
}

#[component]
pub fn RowsSkeleton() -> impl IntoView {
    view! {
        <div class="rows rows-skeleton" role="status" aria-label="Searching">
            {(0..24).map(|_| view! {
                <div class="skeleton-row">
                    <span class="skeleton"></span>
                    <span class="skeleton"></span>
                    <span class="skeleton"></span>
                </div>
            }).collect_view()}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_view_is_drawn() {
        assert_eq!(in_view(0.0, 240.0, 100_000), (0, 10 + MARGIN));
        assert_eq!(in_view(ROW * 50_000.0, 240.0, 100_000), (50_000 - MARGIN, 50_010 + MARGIN));
        assert_eq!(in_view(1e9, 240.0, 30), (30, 30));
        assert_eq!(in_view(0.0, 240.0, 0), (0, 0));
    }
}
