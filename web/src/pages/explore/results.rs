//! The rows of the current search: the first page when it runs, more pages as the reader goes on in either direction.
//!
//! While another query is being typed, the rows that are here are narrowed to those that it matches; the server is asked when it is run.

use super::explorer::{Explorer, Run};
use super::live::Live;
use crate::api::ApiError;
use crate::api::search::{self, SoFar};
use crate::components::toast;
use crate::language::{Change, Matches, edit};
use crate::load::{Load, Loaded, load};
use api_types::search::{EventRow, Progress, SearchAnswer};
use leptos::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The first page is small, to be there soon; a reader who goes far gets larger ones.
const FIRST_PAGE: u32 = 200;
/// A table is drawn as a whole: so many rows of it, which is all that the server gives at once.
const TABLE: u32 = 10_000;
const TABLE_STAGES: [&str; 11] = [
    "stats",
    "timechart",
    "top",
    "rare",
    "percentiles",
    "histogram",
    "facets",
    "patterns",
    "describe",
    "uniq",
    "compare",
];
const LARGER_PAGES: [(usize, u32); 3] = [(10_000, 5_000), (1_000, 2_000), (0, 500)];
/// At most so many rows are narrowed while typing, so that typing stays fast.
const NARROWED: usize = 20_000;
const TYPING_PAUSE: Duration = Duration::from_millis(80);

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
    /// The newest rows, while the search that found them still reads, and after it was cancelled.
    pub early: RwSignal<Option<Arc<SearchAnswer>>>,
    /// How far the running search is, once it has said so.
    pub progress: RwSignal<Option<Progress>>,
    pub shape: Memo<Shape>,
    pub events: RwSignal<Vec<Arc<EventRow>>>,
    /// Which of the events match what is being typed; all, when nothing else is.
    pub narrowed: RwSignal<Option<Arc<[usize]>>>,
    pub newer: RwSignal<More>,
    pub live: Live,
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
        let (early, progress) = (RwSignal::new(None), RwSignal::new(None));
        let first = load(
            move || Some(run.get()),
            move |run| {
                early.set(None);
                progress.set(None);
                first_page(run, early, progress)
            },
        );
        let shape = Memo::new(move |_| match early.get() {
            Some(_) => Shape::Events,
            None => first.state.with(shape_of),
        });
        let results = Self {
            first,
            early,
            progress,
            shape,
            events: RwSignal::new(Vec::new()),
            narrowed: RwSignal::new(None),
            newer: RwSignal::new(More::Idle),
            live: Live::new(),
            next: RwSignal::new(None),
            more: RwSignal::new(More::Idle),
            cursor: RwSignal::new(None),
            run,
        };
        Effect::new(move |before: Option<Run>| {
            let asked = run.get_untracked();
            let (mut events, next) = match early.get() {
                Some(early) => (events_of(&early), None),
                None => first.state.with(|state| match state {
                    Load::Ready(answer) if is_events(answer) => {
                        (events_of(answer), answer.next_cursor.clone())
                    }
                    _ => (Vec::new(), None),
                }),
            };
            // What the live tail has brought while the search was still reading stays on top.
            if before.as_ref() == Some(&asked) && explorer.state.with_untracked(|state| state.live) {
                events.splice(0..0, results.ahead_of(&events));
            }
            // The answer has the early rows again: who already walks among them stays there.
            let is_same = |at: &usize| {
                let id = |events: &Vec<Arc<EventRow>>| events.get(*at).map(|event| event.id.clone());
                id(&events) == results.events.with_untracked(id)
            };
            let cursor = results.cursor.get_untracked().filter(is_same);
            results.events.set(events);
            results.next.set(next);
            results.more.set(More::Idle);
            results.newer.set(More::Idle);
            results.cursor.set(cursor);
            asked
        });
        first.cancel_on(explorer.cancelled);
        narrow_while_typing(explorer, results);
        results.live.follow(explorer, results);
        results
    }

    /// The rows on top of the first that an answer has too.
    fn ahead_of(self, answer: &[Arc<EventRow>]) -> Vec<Arc<EventRow>> {
        let known: HashSet<&str> = answer.iter().map(|event| event.id.as_str()).collect();
        self.events.with_untracked(|events| {
            events.iter().take_while(|event| !known.contains(event.id.as_str())).cloned().collect()
        })
    }

    /// How many rows are shown.
    pub fn len(self) -> usize {
        self.narrowed
            .with(|narrowed| narrowed.as_ref().map(|rows| rows.len()))
            .unwrap_or_else(|| self.events.with(Vec::len))
    }

    /// The row shown at a place.
    pub fn get(self, at: usize) -> Option<Arc<EventRow>> {
        let at = self.narrowed.with(|narrowed| match narrowed {
            Some(rows) => rows.get(at).copied(),
            None => Some(at),
        })?;
        self.events.with(|events| events.get(at).cloned())
    }

    /// All rows shown.
    pub fn rows(self) -> Vec<Arc<EventRow>> {
        self.narrowed.with(|narrowed| {
            self.events.with(|events| match narrowed {
                Some(rows) => rows.iter().filter_map(|at| events.get(*at).cloned()).collect(),
                None => events.clone(),
            })
        })
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
        let loaded = self.events.with_untracked(Vec::len);
        let page = LARGER_PAGES.iter().find(|(from, _)| loaded >= *from).map(|(_, page)| *page);
        leptos::task::spawn_local(async move {
            let mut request = run.request();
            request.limit = page;
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

    /// Fetches the events that directly follow the newest one shown.
    pub fn load_newer(self) {
        if self.newer.with_untracked(|newer| *newer == More::Loading) {
            return;
        }
        let Some(newest) = self.events.with_untracked(|events| events.first().cloned()) else { return };
        let run = self.run.get_untracked();
        let Ok(query) = edit(&run.query, &Change::Stage("sort timestamp".into())) else { return };
        self.newer.set(More::Loading);
        leptos::task::spawn_local(async move {
            let mut request = run.request();
            request.query = query;
            request.from = Some(newest.timestamp.as_str().into());
            request.to = Some("now+10m".into());
            request.now = None;
            request.limit = Some(LARGER_PAGES[LARGER_PAGES.len() - 1].1);
            let answer = search::search(request).await;
            if self.run.try_get_untracked() != Some(run) {
                return;
            }
            match answer {
                Ok(answer) => {
                    let found = self.prepend(events_of(&answer));
                    self.newer.set(More::Idle);
                    if found == 0 {
                        toast("There are no newer events");
                    }
                }
                Err(error) => self.newer.set(More::Failed(error)),
            }
        });
    }

    /// Puts events, oldest first, on top of the list, unless they are there; answers how many were not.
    pub fn prepend(self, newer: Vec<Arc<EventRow>>) -> usize {
        let known: HashSet<String> = self
            .events
            .with_untracked(|events| events.iter().take(2_000).map(|event| event.id.clone()).collect());
        let mut fresh: Vec<_> = newer.into_iter().filter(|event| !known.contains(&event.id)).collect();
        let count = fresh.len();
        if count > 0 {
            fresh.reverse();
            self.cursor.update(|cursor| *cursor = cursor.map(|at| at + count));
            self.events.update(|events| {
                events.splice(0..0, fresh);
            });
        }
        count
    }

    /// Lets go of the oldest rows.
    pub fn keep_newest(self, count: usize) {
        if self.events.with_untracked(Vec::len) > count {
            self.events.update(|events| events.truncate(count));
            self.next.set(None);
        }
    }

    /// Where an event is in the list.
    pub fn position(self, id: &str) -> Option<usize> {
        self.narrowed.with(|narrowed| {
            self.events.with(|events| match narrowed {
                Some(rows) => rows.iter().position(|at| events.get(*at).is_some_and(|event| event.id == id)),
                None => events.iter().position(|event| event.id == id),
            })
        })
    }
}

async fn first_page(
    run: Run,
    early: RwSignal<Option<Arc<SearchAnswer>>>,
    progress: RwSignal<Option<Progress>>,
) -> Result<Arc<SearchAnswer>, ApiError> {
    let mut request = run.request();
    request.limit = Some(rows_at_first(&request.query));
    let answer = search::search_telling(request, move |so_far| match so_far {
        SoFar::Progress(now) => drop(progress.try_set(Some(now))),
        SoFar::Rows(rows) => drop(early.try_set(Some(Arc::new(*rows)))),
    })
    .await;
    early.try_set(None);
    answer.map(Arc::new)
}

/// A bar within quotes is taken for the beginning of a stage here, which makes at most for a larger page.
fn rows_at_first(query: &str) -> u32 {
    let name = |stage: &str| {
        let stage = stage.trim_start();
        stage.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase()
    };
    let is_table = query.split('|').skip(1).any(|stage| TABLE_STAGES.contains(&name(stage).as_str()));
    if is_table { TABLE } else { FIRST_PAGE }
}

/// Tries what is being typed on the rows that are here.
fn narrow_while_typing(explorer: Explorer, results: Results) {
    let typed = RwSignal::new(None::<String>);
    let mut settle = leptos::leptos_dom::helpers::debounce(TYPING_PAUSE, move |text| {
        typed.try_set(text);
    });
    Effect::new(move |_| {
        let text = explorer.text.get();
        let is_other = explorer.run.with(|run| run.query.trim() != text.trim());
        if !is_other {
            typed.set(None);
        }
        settle(is_other.then_some(text));
    });
    Effect::new(move |_| {
        let filter = typed.with(|text| text.as_deref().and_then(Matches::narrowing));
        let narrowed = filter.map(|filter| {
            results.events.with(|events| {
                let matching =
                    events.iter().take(NARROWED).enumerate().filter(|(_, event)| filter.matches(event));
                matching.map(|(at, _)| at).collect::<Arc<[usize]>>()
            })
        });
        if narrowed != results.narrowed.get_untracked() {
            results.cursor.set(None);
            results.narrowed.set(narrowed);
        }
    });
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
