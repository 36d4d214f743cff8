//! The state of the page: read from the address, changed through the address.

use crate::app::Go;
use crate::browser;
use crate::components::toast_error;
use crate::language::{self, Change, Matches};
use crate::session::Session;
use crate::time_range::TimeRange;
use crate::url::Exploration;
use api_types::search::{Field, SearchRequest, TimeInput};
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
    fields_wanted: RwSignal<bool>,
    reruns: RwSignal<u32>,
    go: Go,
}

const FIELDS_HIDDEN: &str = "cordwood.fields-hidden";

pub fn explorer() -> Explorer {
    expect_context()
}

impl Explorer {
    pub fn new(session: Session) -> Self {
        let search = use_location().search;
        let state = Memo::new(move |_| Exploration::from_search(&search.get()));
        if let Some(linked) = state.with_untracked(|state| state.project.clone()) {
            let known = untrack(|| session.projects()).iter().any(|project| project.id == linked);
            if known && untrack(|| session.project_id()) != linked {
                session.choose_project(linked);
            }
        }
        let reruns = RwSignal::new(0);
        let run = Memo::new(move |_| {
            reruns.track();
            let Exploration { query, range, now_ms, .. } = state.get().without_view();
            let now_ms = now_ms.unwrap_or_else(browser::now_ms);
            Run { query, range, project_id: session.project_id(), now_ms }
        });
        let matches = RwSignal::new(None);
        Effect::new(move |_| matches.set(run.with(|run| Matches::of(&run.query)).map(Arc::new)));
        let text = RwSignal::new(state.with_untracked(|state| state.query.clone()));
        Effect::new(move |_| text.set(state.with(|state| state.query.clone())));
        let wide =
            window().inner_width().ok().and_then(|width| width.as_f64()).is_none_or(|width| width > 1000.0);
        Self {
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
        self.go.to(next.address());
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
        });
    }

    /// Opens an event, or closes the panel. Walking from event to event is one step for the back button.
    pub fn open_event(self, event: Option<String>) {
        let mut next = self.state.get_untracked();
        let walking = next.event.is_some() && event.is_some();
        next.event = event;
        if walking { self.go.replace(next.address()) } else { self.go.to(next.address()) }
    }

    pub fn toggle_column(self, column: &str) {
        self.change(|state| match state.columns.iter().position(|shown| shown == column) {
            Some(index) => drop(state.columns.remove(index)),
            None => state.columns.push(column.to_owned()),
        });
    }

    /// Changes the query by a click on a value, and runs it.
    pub fn edit(self, change: Change) {
        match language::edit(&self.text.get_untracked(), &change) {
            Ok(query) => self.run_query(query),
            Err(message) => toast_error(message),
        }
    }
}
