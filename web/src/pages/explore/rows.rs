//! The list of events: only the rows in view are drawn, however many are loaded, and the next page is fetched before its end is reached.
//!
//! What the reader looks at stays where it is when rows come above it or heights change.

use super::cells::{field_text, marked_text, marked_until, one_line, shown_text};
use super::explorer::explorer;
use super::layout::{HIGHEST, Layout, ROW, RowView, lines, row_text};
use super::results::{More, Results, results};
use super::rows_head::Head;
use crate::components::{Button, ButtonKind, Icon};
use crate::format;
use crate::preferences::preferences;
use api_types::search::EventRow;
use leptos::html;
use leptos::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How near to the end the next page is asked for, in rows.
const NEAR_END: usize = 80;
/// Letters in the probe that tells how wide one is.
const PROBE: usize = 50;
/// Scrolled further than this, the reader is reading, and live events wait.
const READING: f64 = 6.0;

/// What the list knows of its own size.
#[derive(Clone, Copy)]
struct Measures {
    list: NodeRef<html::Div>,
    probe: NodeRef<html::Span>,
    top: RwSignal<f64>,
    height: RwSignal<f64>,
    /// Letters in a line of a message.
    columns: RwSignal<usize>,
    layout: Memo<Arc<Layout>>,
    /// The first row in view, and how far it is scrolled out.
    anchor: StoredValue<Option<(String, f64)>>,
    results: Results,
}

#[component]
pub fn Rows() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let columns = RwSignal::new(100);
    let layout = Memo::new(move |before: Option<&Arc<Layout>>| {
        Arc::new(match explorer.row_view.get() {
            RowView::Compact => Layout::even(results.len()),
            view => Layout::of(before.map(|before| &**before), &results.rows(), view, columns.get()),
        })
    });
    let measures = Measures {
        list: NodeRef::new(),
        probe: NodeRef::new(),
        top: RwSignal::new(0.0),
        height: RwSignal::new(800.0),
        columns,
        layout,
        anchor: StoredValue::new(None),
        results,
    };
    measures.follow();
    let window = Memo::new(move |_| {
        measures.layout.with(|layout| layout.in_view(measures.top.get(), measures.height.get()))
    });
    Effect::new(move |_| {
        let room = layout.with(|layout| layout.total() < HIGHEST);
        if window.get().1 + NEAR_END >= results.len()
            && results.has_more()
            && room
            && !explorer.state.with(|state| state.live)
        {
            results.load_more();
        }
    });
    keep_cursor_in_view(measures);
    let visible = move || {
        let (first, last) = window.get();
        let rows = (first..last).filter_map(|at| Some((at, results.get(at)?)));
        rows.collect::<Vec<_>>()
    };
    let columns = Memo::new(move |_| explorer.state.with(|state| state.columns.clone()));
    view! {
        <div
            class="rows"
            class:has-columns=move || columns.with(|columns| !columns.is_empty())
            class:rows-tall=move || explorer.row_view.get() != RowView::Compact
            node_ref=measures.list
            style=("--extra", move || columns.with(|columns| explorer.columns.template(columns)))
            style=("--columns", move || columns.with(Vec::len).to_string())
            data-testid="rows"
            on:scroll=move |_| measures.measure()
        >
            <div
                class="rows-grid"
                id="rows"
                role="grid"
                tabindex="0"
                aria-label="Events"
                aria-rowcount=move || results.len().to_string()
                aria-activedescendant=move || results.cursor.get().map(|at| format!("row-{at}"))
            >
                <Head columns/>
                <div class="rows-space" role="rowgroup" style:height=move || format!("{}px", layout.with(|layout| layout.total()))>
                    <For each=visible key=|(at, event)| (*at, event.id.clone()) let:row>
                        <Row index=row.0 event=row.1 columns measures/>
                    </For>
                </div>
            </div>
            <span class="rows-probe mono" node_ref=measures.probe aria-hidden="true">{"0".repeat(PROBE)}</span>
            <End layout/>
        </div>
    }
}

impl Measures {
    /// Measures now, and whenever the list may have another size.
    fn follow(self) {
        let (explorer, results) = (explorer(), self.results);
        Effect::new(move |_| {
            let _columns = explorer.state.with(|state| state.columns.len());
            let _layout = (explorer.row_view.get(), explorer.fields_shown(), explorer.event().is_some());
            if self.list.get().is_some() {
                request_animation_frame(move || self.measure());
            }
        });
        let resized = window_event_listener(leptos::ev::resize, move |_| self.measure());
        on_cleanup(move || resized.remove());
        Effect::new(move |_| self.layout.with(|layout| self.hold(layout, results)));
        on_cleanup(move || {
            results.live.scrolled.try_set(false);
        });
    }

    fn measure(self) {
        // A frame may come after the list is gone.
        let Some(list) = self.list.try_get_untracked().flatten() else { return };
        let top = f64::from(list.scroll_top());
        self.top.set(top);
        self.height.set(f64::from(list.client_height()));
        let results = self.results;
        let reading = top > READING;
        if results.live.scrolled.get_untracked() != reading {
            results.live.scrolled.set(reading);
        }
        if let Some(columns) = self.letters_in_a_line(&list)
            && columns != self.columns.get_untracked()
        {
            self.columns.set(columns);
        }
        let anchor = self.layout.with_untracked(|layout| {
            let (first, last) = layout.in_view(top, 0.0);
            let at = (first..last).find(|at| f64::from(layout.top(at + 1)) > top)?;
            Some((untrack(|| results.get(at))?.id.clone(), top - f64::from(layout.top(at))))
        });
        self.anchor.set_value(anchor.filter(|_| reading));
    }

    fn letters_in_a_line(self, list: &web_sys::HtmlDivElement) -> Option<usize> {
        let letter = self.probe.get_untracked()?.get_bounding_client_rect().width() / PROBE as f64;
        let head = list.query_selector("[data-message]").ok()??;
        let width = head.get_bounding_client_rect().width();
        (letter > 1.0 && width > letter).then(|| (width / letter) as usize)
    }

    /// Scrolls so that the row that was first in view still is.
    fn hold(self, layout: &Layout, results: Results) {
        let Some((id, offset)) = self.anchor.get_value() else { return };
        let Some(list) = self.list.get_untracked() else { return };
        let Some(at) = untrack(|| results.position(&id)) else { return };
        let wanted = f64::from(layout.top(at)) + offset;
        if (wanted - self.top.get_untracked()).abs() > 1.0 {
            let list = list.clone();
            // The list is as high as its rows only after they are drawn.
            request_animation_frame(move || list.set_scroll_top(wanted as i32));
        }
    }
}

fn keep_cursor_in_view(measures: Measures) {
    let results = measures.results;
    Effect::new(move |_| {
        let (Some(at), Some(list)) = (results.cursor.get(), measures.list.get()) else { return };
        let layout = measures.layout.get_untracked();
        let (row, row_height) = (f64::from(layout.top(at)), f64::from(layout.height(at)));
        let head = f64::from(ROW) + 4.0;
        let (top, height) = (f64::from(list.scroll_top()), measures.height.get_untracked());
        if row < top {
            list.set_scroll_top(row as i32);
        } else if row + row_height + head > top + height {
            list.set_scroll_top((row + row_height + head - height) as i32);
        }
    });
}

type Spans = BTreeMap<String, Vec<(usize, usize)>>;

#[component]
fn Row(index: usize, event: Arc<EventRow>, columns: Memo<Vec<String>>, measures: Measures) -> impl IntoView {
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
    let spans: Memo<Spans> = {
        let event = Arc::clone(&event);
        Memo::new(move |_| {
            explorer
                .matches
                .with(|matches| matches.as_ref().map(|matches| matches.spans(&event)))
                .unwrap_or_default()
        })
    };
    let marked = move |field: &str, text: &str| {
        spans.with(|spans| {
            marked_text(text, spans.get(field).map(Vec::as_slice).unwrap_or_default(), one_line)
        })
    };
    let message = {
        let event = Arc::clone(&event);
        move || spans.with(|spans| message_view(&event, spans, explorer.row_view.get(), measures.columns))
    };
    let extra = {
        let event = Arc::clone(&event);
        move || {
            let cells = columns.get().into_iter().map(|column| {
                let text = field_text(&event, &column).unwrap_or_default();
                view! { <span role="gridcell" class="truncate soft">{marked(&column, &text)}</span> }
            });
            cells.collect_view()
        }
    };
    let source = event.source.clone().unwrap_or_default();
    let top = move || measures.layout.with(|layout| layout.top(index));
    let height = move || measures.layout.with(|layout| layout.height(index));
    view! {
        <div
            class=format!("line line-{level}")
            class:line-open=move || is_open.get()
            class:line-cursor=move || results.cursor.get() == Some(index)
            role="row"
            id=format!("row-{index}")
            aria-rowindex=(index + 1).to_string()
            aria-selected=move || is_open.get().to_string()
            style:transform=move || format!("translateY({}px)", top())
            style:height=move || format!("{}px", height())
            on:click=open
        >
            <span role="gridcell" class="line-time">
                <span class="line-day">{move || time(format::row_day)}</span>
                {move || time(format::row_second)}
                <span class="line-fraction">{move || time(format::row_fraction)}</span>
            </span>
            <span role="gridcell" class=format!("level level-{level}")>{if level == "unknown" { "–".into() } else { level.clone() }}</span>
            <span role="gridcell" class="truncate soft">{move || marked("source", &source)}</span>
            {extra}
            <span role="gridcell" class="line-message truncate">{message}</span>
        </div>
    }
}

fn message_view(event: &EventRow, spans: &Spans, view: RowView, columns: RwSignal<usize>) -> AnyView {
    let message = event.message.as_deref().unwrap_or_default();
    let spans = spans.get("message").map(Vec::as_slice).unwrap_or_default();
    match view {
        RowView::Compact => marked_text(super::cells::beginning(message), spans, one_line),
        RowView::Wrapped => {
            let (_, end) = lines(&row_text(event, view), columns.get());
            marked_until(message, spans, shown_text, end)
        }
        RowView::Json => {
            let text = row_text(event, view);
            let (_, end) = lines(&text, columns.get());
            end.map_or_else(|| text.clone(), |end| format!("{}…", &text[..end])).into_any()
        }
    }
}

/// What comes after the last row.
#[component]
fn End(layout: Memo<Arc<Layout>>) -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let is_live = move || explorer.state.with(|state| state.live);
    let is_full = move || layout.with(|layout| layout.total() >= HIGHEST);
    view! {
        <div class="rows-end" role="status">
            {move || match results.more.get() {
                _ if results.narrowed.with(Option::is_some) => ().into_any(),
                More::Loading => view! { <span class="spinner"></span>"Loading more" }.into_any(),
                More::Failed(error) => view! {
                    <span>{error.message()}</span>
                    <Button small=true icon=Icon::Refresh on_click=move |_| results.load_more()>"Try again"</Button>
                }.into_any(),
                More::Idle if results.has_more() && is_full() => {
                    view! { "The list is as long as a browser can draw. Choose the compact rows or a shorter time range." }.into_any()
                }
                More::Idle if results.has_more() && is_live() => view! {
                    <Button small=true kind=ButtonKind::Quiet icon=Icon::ChevronDown on_click=move |_| results.load_more()>"Load older"</Button>
                }.into_any(),
                More::Idle if results.has_more() => ().into_any(),
                More::Idle if is_live() => view! { "Live shows the newest events" }.into_any(),
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
