//! The rows of the current search: the first page when it runs, more pages as the reader goes on.

use super::explorer::{Explorer, Run};
use crate::api::{ApiError, search};
use crate::load::{Load, Loaded, load};
use api_types::search::{EventRow, SearchAnswer};
use leptos::prelude::*;
use std::sync::Arc;

const PAGE: u32 = 200;

/// Which picture the answer asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Waiting,
    Failed(ApiError),
    Nothing,
    Events,
    Table,
}

#[derive(Clone, Copy)]
pub struct Results {
    pub first: Loaded<Arc<SearchAnswer>>,
    pub shape: Memo<Shape>,
    pub events: RwSignal<Vec<Arc<EventRow>>>,
    /// Where the next page begins; nothing when all rows are here.
    next: RwSignal<Option<String>>,
    pub more: RwSignal<More>,
    /// The row that the keyboard is at.
    pub cursor: RwSignal<Option<usize>>,
    run: Memo<Run>,
}

/// What the end of the list is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum More {
    Idle,
    Loading,
    Failed(ApiError),
}

pub fn results() -> Results {
    expect_context()
}

impl Results {
    pub fn new(explorer: Explorer) -> Self {
        let run = explorer.run;
        let first = load(
            move || Some(run.get()),
            |run| async move {
                let mut request = run.request();
                request.limit = Some(PAGE);
                search::search(request).await.map(Arc::new)
            },
        );
        let shape = Memo::new(move |_| first.state.with(shape_of));
        let results = Self {
            first,
            shape,
            events: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            more: RwSignal::new(More::Idle),
            cursor: RwSignal::new(None),
            run,
        };
        Effect::new(move |_| {
            let (events, next) = first.state.with(|state| match state {
                Load::Ready(answer) if is_events(answer) => (events_of(answer), answer.next_cursor.clone()),
                _ => (Vec::new(), None),
            });
            results.events.set(events);
            results.next.set(next);
            results.more.set(More::Idle);
            results.cursor.set(None);
        });
        results
    }

    pub fn has_more(self) -> bool {
        self.next.with(Option::is_some)
    }

    /// Fetches the next page unless one is on its way.
    pub fn load_more(self) {
        if self.more.with_untracked(|more| *more == More::Loading) {
            return;
        }
        let Some(cursor) = self.next.get_untracked() else { return };
        let run = self.run.get_untracked();
        self.more.set(More::Loading);
        leptos::task::spawn_local(async move {
            let mut request = run.request();
            request.limit = Some(PAGE);
            request.cursor = Some(cursor);
            let answer = search::search(request).await;
            if self.run.try_get_untracked() != Some(run) {
                return; // another search has begun meanwhile
            }
            match answer {
                Ok(answer) => {
                    self.events.update(|events| events.extend(events_of(&answer)));
                    self.next.set(answer.next_cursor);
                    self.more.set(More::Idle);
                }
                Err(error) => self.more.set(More::Failed(error)),
            }
        });
    }

    /// Where an event is in the list.
    pub fn position(self, id: &str) -> Option<usize> {
        self.events.with(|events| events.iter().position(|event| event.id == id))
    }
}

fn shape_of(state: &Load<Arc<SearchAnswer>>) -> Shape {
    match state {
        Load::Waiting => Shape::Waiting,
        Load::Failed(error) => Shape::Failed(error.clone()),
        Load::Ready(answer) if answer.rows.is_empty() => Shape::Nothing,
        Load::Ready(answer) if is_events(answer) => Shape::Events,
        Load::Ready(_) => Shape::Table,
    }
}

fn is_events(answer: &SearchAnswer) -> bool {
    answer.shape != "table"
}

fn events_of(answer: &SearchAnswer) -> Vec<Arc<EventRow>> {
    answer.rows.iter().filter_map(|row| serde_json::from_value(row.clone()).ok()).map(Arc::new).collect()
}
