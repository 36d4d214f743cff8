//! The state of the page: read from the address, changed through the address.

use crate::app::Go;
use crate::browser;
use crate::components::toast_error;
use crate::language::{self, Change, Matches};
use crate::pages::explore::columns::Columns;
use crate::pages::explore::layout::RowView;
use crate::session::Session;
use crate::time_range::TimeRange;
use crate::url::{Before, Exploration, Tab};
use api_types::search::{EventRow, Field, SearchRequest, TimeInput};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use std::sync::Arc;

/// One search as it is run: all parts of the page ask about the same instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub query: String,
    pub range: TimeRange,
    pub project_id: String,
    pub now_ms: i64,
}

impl Run {
    pub fn request(&self) -> SearchRequest {
        SearchRequest {
            project_id: Some(self.project_id.clone()),
            query: self.query.clone(),
            from: Some(self.range.from.as_str().into()),
            to: Some(self.range.to.as_str().into()),
            now: Some(TimeInput::Number(self.now_ms as f64)),
            ..SearchRequest::default()
        }
    }
}

#[derive(Clone, Copy)]
pub struct Explorer {
    /// Absent for a local file. Listeners of the window have no other way to it.
    session: Option<Session>,
    pub state: Memo<Exploration>,
    pub run: Memo<Run>,
    /// The query as it stands in the bar, run or not.
    pub text: RwSignal<String>,
    /// The fields of the last search, for completion.
    pub fields: RwSignal<Vec<Field>>,
    /// How many events the last search matches, once the histogram knows.
    pub total: RwSignal<Option<u64>>,
    /// The range before the first zoom.
    pub zoomed_from: RwSignal<Option<TimeRange>>,
    /// Finds what the search matched in events.
    pub matches: Signal<Option<Arc<Matches>>>,
    pub focus_query: RwSignal<u32>,
    pub time_picker_open: RwSignal<bool>,
    pub help_open: RwSignal<bool>,
    pub history_open: RwSignal<bool>,
    pub saved_open: RwSignal<bool>,
    pub export_open: RwSignal<bool>,
    pub plan_open: RwSignal<bool>,
    pub note_open: RwSignal<bool>,
    pub find_open: RwSignal<bool>,
    pub row_view: RwSignal<RowView>,
    pub columns: Columns,
    /// The event that others are compared with.
    pub compared: RwSignal<Option<Arc<EventRow>>>,
    /// Rings when the reader does not want to wait any longer.
    pub cancelled: Trigger,
    /// The page that addresses lead to.
    page: &'static str,
    fields_wanted: RwSignal<bool>,
    reruns: RwSignal<u32>,
    go: Go,
}

const FIELDS_HIDDEN: &str = "cordwood.fields-hidden";

/// A link names the project that it is about.
pub fn follow_linked_project(session: Session) {
    let linked = use_location().search.with_untracked(|search| Exploration::from_search(search).project);
    if let Some(linked) = linked {
        let known = untrack(|| session.projects()).iter().any(|project| project.id == linked);
        if known && untrack(|| session.project_id()) != linked {
            session.choose_project(linked);
        }
    }
}

pub fn explorer() -> Explorer {
    expect_context()
}

impl Explorer {
    pub fn new(project: Signal<String>, page: &'static str) -> Self {
        let search = use_location().search;
        let state = Memo::new(move |_| Exploration::from_search(&search.get()));
        let reruns = RwSignal::new(0);
        // Opening an event or choosing a column is no other search, and `now` stays the instant that it was.
        let searched = Memo::new(move |_| state.with(Exploration::without_view));
        let run = Memo::new(move |_| {
            reruns.track();
            let Exploration { query, range, now_ms, .. } = searched.get();
            let now_ms = now_ms.unwrap_or_else(browser::now_ms);
            Run { query, range, project_id: project.get(), now_ms }
        });
        let matches = RwSignal::new(None);
        Effect::new(move |_| matches.set(run.with(|run| Matches::of(&run.query)).map(Arc::new)));
        let text = RwSignal::new(state.with_untracked(|state| state.query.clone()));
        Effect::new(move |_| text.set(state.with(|state| state.query.clone())));
        let wide =
            window().inner_width().ok().and_then(|width| width.as_f64()).is_none_or(|width| width > 1000.0);
        let row_view = RwSignal::new(RowView::remembered());
        Effect::new(move |_| row_view.get().remember());
        Self {
            session: use_context(),
            state,
            run,
            text,
            fields: RwSignal::new(Vec::new()),
            total: RwSignal::new(None),
            zoomed_from: RwSignal::new(None),
            matches: matches.into(),
            focus_query: RwSignal::new(0),
            time_picker_open: RwSignal::new(false),
            help_open: RwSignal::new(false),
            history_open: RwSignal::new(false),
            saved_open: RwSignal::new(false),
            export_open: RwSignal::new(false),
            plan_open: RwSignal::new(false),
            note_open: RwSignal::new(false),
            find_open: RwSignal::new(false),
            row_view,
            columns: Columns::new(),
            compared: RwSignal::new(None),
            cancelled: Trigger::new(),
            page,
            fields_wanted: RwSignal::new(wide && browser::stored(FIELDS_HIDDEN).is_none()),
            reruns,
            go: Go::here(),
        }
    }

    pub fn event(self) -> Option<String> {
        self.state.with(|state| state.event.clone())
    }

    pub fn fields_shown(self) -> bool {
        self.fields_wanted.get()
    }

    pub fn toggle_fields(self) {
        self.fields_wanted.update(|shown| *shown = !*shown);
        let hidden = !self.fields_wanted.get_untracked();
        browser::store(FIELDS_HIDDEN, hidden.then_some("yes"));
    }

    /// Goes to a changed state; the back button undoes it.
    pub fn change(self, change: impl FnOnce(&mut Exploration)) {
        let mut next = self.state.get_untracked();
        change(&mut next);
        if next == self.state.get_untracked() {
            return;
        }
        self.go.to(next.address_at(self.page));
    }

    /// The address of a state of this page.
    pub fn address(self, state: &Exploration) -> String {
        format!("{}{}", browser::origin(), state.address_at(self.page))
    }

    /// Whether the page is about a file on the reader's machine.
    pub fn is_local(self) -> bool {
        self.page != "/explore"
    }

    /// Whether moments may be marked on the histogram.
    pub fn may_mark(self) -> bool {
        !self.is_local() && self.session.is_some_and(Session::can_edit)
    }

    /// Runs the text in the bar; the same text once more asks anew.
    pub fn run_text(self) {
        let query = self.text.get_untracked().trim().to_owned();
        super::query_history::remember(&query);
        if self.state.with_untracked(|state| state.query == query && state.now_ms.is_none()) {
            self.reruns.update(|count| *count += 1);
        } else {
            self.change(|state| {
                state.query = query;
                state.now_ms = None;
                state.event = None;
            });
        }
    }

    pub fn run_query(self, query: impl Into<String>) {
        self.text.set(query.into());
        self.run_text();
    }

    pub fn set_range(self, range: TimeRange) {
        self.zoomed_from.set(None);
        self.zoom(range);
    }

    pub fn reset_zoom(self) {
        if let Some(range) = self.zoomed_from.get_untracked() {
            self.set_range(range);
        }
    }

    /// Keeps the range for *Reset zoom*, unless one is kept.
    pub fn remember_zoom(self) {
        if !untrack(|| self.is_zoomed()) {
            self.zoomed_from.set(Some(self.state.with_untracked(|state| state.range.clone())));
        }
    }

    /// Where a zoomed range begins: the moment that it is about.
    pub fn moment(self) -> Option<String> {
        let is_zoomed = untrack(|| self.is_zoomed());
        is_zoomed.then(|| self.state.with_untracked(|state| state.range.from.clone()))
    }

    pub fn is_zoomed(self) -> bool {
        self.zoomed_from.with(|before| {
            before.as_ref().is_some_and(|before| self.state.with(|state| state.range != *before))
        })
    }

    pub fn zoom(self, range: TimeRange) {
        self.change(|state| {
            state.range = range;
            state.now_ms = None;
            state.event = None;
            state.live = false;
        });
    }

    pub fn set_live(self, live: bool) {
        self.change(|state| {
            state.live = live;
            if live {
                state.now_ms = None;
                state.tab = Tab::Events;
            }
        });
    }

    /// Opens an event, or closes the panel. Walking from event to event is one step for the back button.
    pub fn open_event(self, event: Option<String>) {
        let mut next = self.state.get_untracked();
        let walking = next.event.is_some() && event.is_some();
        next.event = event;
        let address = next.address_at(self.page);
        if walking { self.go.replace(address) } else { self.go.to(address) }
    }

    pub fn show_tab(self, tab: Tab) {
        self.change(|state| state.tab = tab);
    }

    /// Holds the histogram against an earlier time.
    pub fn compare_with(self, before: Before) {
        self.change(|state| state.before = before);
    }

    pub fn toggle_column(self, column: &str) {
        self.change_columns(|columns| match columns.iter().position(|shown| shown == column) {
            Some(index) => drop(columns.remove(index)),
            None => columns.push(column.to_owned()),
        });
    }

    /// Moves a column by one place to the left (-1) or to the right (1).
    pub fn move_column(self, column: &str, by: isize) {
        self.change_columns(|columns| {
            let Some(from) = columns.iter().position(|shown| shown == column) else { return };
            let to = from.saturating_add_signed(by).min(columns.len() - 1);
            columns.swap(from, to);
        });
    }

    fn change_columns(self, change: impl FnOnce(&mut Vec<String>)) {
        self.change(|state| change(&mut state.columns));
        self.state.with_untracked(|state| self.columns.remember(&state.columns));
    }

    /// The columns of the last visit, where the address names none.
    pub fn restore_columns(self) {
        let remembered = self.columns.remembered();
        if self.state.with_untracked(|state| state.columns.is_empty()) && !remembered.is_empty() {
            let state = Exploration { columns: remembered, ..self.state.get_untracked() };
            self.go.replace(state.address_at(self.page));
        }
    }

    /// Keeps a condition at hand without letting it count, or lets it count again.
    pub fn turn_off(self, index: usize, condition: String) {
        let Ok(query) = language::edit(&self.text.get_untracked(), &Change::Remove(index)) else { return };
        self.text.set(query.clone());
        self.change(|state| {
            state.query = query;
            state.event = None;
            if !state.off.contains(&condition) {
                state.off.push(condition);
            }
        });
    }

    pub fn turn_on(self, condition: String) {
        match language::edit(&self.text.get_untracked(), &Change::Add(condition.clone())) {
            Ok(query) => {
                self.text.set(query.clone());
                self.change(|state| {
                    state.query = query;
                    state.event = None;
                    state.off.retain(|off| *off != condition);
                });
            }
            Err(message) => toast_error(message),
        }
    }

    pub fn forget_off(self, condition: &str) {
        self.change(|state| state.off.retain(|off| off != condition));
    }

    /// Changes the query by a click on a value, and runs it.
    pub fn edit(self, change: Change) {
        match language::edit(&self.text.get_untracked(), &change) {
            Ok(query) => self.run_query(query),
            Err(message) => toast_error(message),
        }
    }
}
