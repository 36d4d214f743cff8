//! The list of events: only the rows in view are drawn (`paint`), however many are loaded, and the next page is fetched before its end is
//! reached.
//!
//! What the reader looks at stays where it is when rows come above it or heights change.

use super::explorer::{Explorer, explorer};
use super::layout::{HIGHEST, Layout, ROW, RowView};
use super::paint::{Look, Marked, Painter};
use super::results::{More, Results, results};
use super::rows_head::Head;
use crate::components::{Button, ButtonKind, Icon};
use crate::preferences::preferences;
use leptos::html;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;

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
    let measures = Measures::new(explorer, results);
    let layout = measures.layout;
    measures.follow();
    let window =
        Memo::new(move |_| layout.with(|layout| layout.in_view(measures.top.get(), measures.height.get())));
    load_near_end(explorer, measures, window);
    keep_cursor_in_view(measures);
    let columns = Memo::new(move |_| explorer.state.with(|state| state.columns.clone()));
    let space = NodeRef::<html::Div>::new();
    draw(explorer, measures, space, window, columns);
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
                <div
                    class="rows-space"
                    role="rowgroup"
                    node_ref=space
                    style:height=move || format!("{}px", layout.with(|layout| layout.total()))
                    on:click=move |event| open_clicked(explorer, results, &event)
                ></div>
            </div>
            <span class="rows-probe mono" node_ref=measures.probe aria-hidden="true">{"0".repeat(PROBE)}</span>
            <End layout/>
        </div>
    }
}

/// Asks for the next page before the reader is at the end of this one.
fn load_near_end(explorer: Explorer, measures: Measures, window: Memo<(usize, usize)>) {
    let results = measures.results;
    Effect::new(move |_| {
        let room = measures.layout.with(|layout| layout.total() < HIGHEST);
        let is_near = window.get().1 + NEAR_END >= results.len();
        if is_near && results.has_more() && room && !explorer.state.with(|state| state.live) {
            results.load_more();
        }
    });
}

/// Opens the row that was clicked; a second click closes it.
fn open_clicked(explorer: Explorer, results: Results, event: &leptos::ev::MouseEvent) {
    let Some(at) = row_of(event) else { return };
    let Some(row) = untrack(|| results.get(at)) else { return };
    results.cursor.set(Some(at));
    let is_open = explorer.state.with_untracked(|state| state.event.as_ref() == Some(&row.id));
    explorer.open_event((!is_open).then(|| row.id.clone()));
}

/// Draws the rows of `window` whenever they, or what is shown of them, change.
fn draw(
    explorer: Explorer,
    measures: Measures,
    space: NodeRef<html::Div>,
    window: Memo<(usize, usize)>,
    columns: Memo<Vec<String>>,
) {
    let results = measures.results;
    let painter = StoredValue::new_local(Painter::default());
    let open = Memo::new(move |_| explorer.event());
    let zone = preferences().zone;
    Effect::new(move |_| {
        let Some(space) = space.get() else { return };
        let (first, last) = window.get();
        let rows: Vec<_> = (first..last).filter_map(|at| Some((at, results.get(at)?))).collect();
        let look = Look {
            view: explorer.row_view.get(),
            columns: columns.get(),
            zone: zone.get(),
            letters: measures.columns.get(),
            matches: explorer.matches.get(),
        };
        let (open, cursor) = (open.get(), results.cursor.get());
        let marked = Marked { open: open.as_deref(), cursor };
        let layout = measures.layout.get();
        painter.update_value(|painter| painter.paint(&space, &rows, &layout, look, &marked));
    });
}

/// The place in the list of the row that was clicked.
fn row_of(event: &leptos::ev::MouseEvent) -> Option<usize> {
    let clicked: web_sys::Element = event.target()?.dyn_into().ok()?;
    clicked.closest(".line").ok()??.id().strip_prefix("row-")?.parse().ok()
}

impl Measures {
    fn new(explorer: Explorer, results: Results) -> Self {
        let columns = RwSignal::new(100);
        let layout = Memo::new(move |before: Option<&Arc<Layout>>| {
            Arc::new(match explorer.row_view.get() {
                RowView::Compact => Layout::even(results.len()),
                view => Layout::of(before.map(|before| &**before), &results.rows(), view, columns.get()),
            })
        });
        Self {
            list: NodeRef::new(),
            probe: NodeRef::new(),
            top: RwSignal::new(0.0),
            height: RwSignal::new(800.0),
            columns,
            layout,
            anchor: StoredValue::new(None),
            results,
        }
    }

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
        // Letters are measured only where they count: it makes the browser lay out the page.
        let is_compact = matches!(&*self.layout.get_untracked(), Layout::Even { .. });
        if !is_compact
            && let Some(columns) = self.letters_in_a_line(&list)
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
