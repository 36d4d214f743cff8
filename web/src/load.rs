//! Fetching what a page shows, again whenever what it depends on changes.
//!
//! A newer fetch ends the older one, also at the server: dropping a request of `api` aborts it. What was there stays visible
//! (and `busy` is set) until the newer answer is there.

use crate::api::ApiError;
use futures::future::{AbortHandle, Abortable};
use leptos::prelude::*;
use std::future::Future;

/// What is known of something fetched.
#[derive(Debug, Clone)]
pub enum Load<T> {
    Waiting,
    Failed(ApiError),
    Ready(T),
}

impl<T> Load<T> {
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Waiting | Self::Failed(_) => None,
        }
    }
}

/// A handle to something fetched; copies are the same thing.
pub struct Loaded<T: Send + Sync + 'static> {
    pub state: RwSignal<Load<T>>,
    pub busy: RwSignal<bool>,
    again: Trigger,
    running: StoredValue<Option<AbortHandle>>,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

impl<T: Send + Sync + 'static> Loaded<T> {
    /// Something that is there already.
    pub fn of(value: T) -> Self {
        Self {
            state: RwSignal::new(Load::Ready(value)),
            busy: RwSignal::new(false),
            again: Trigger::new(),
            running: StoredValue::new(None),
        }
    }

    pub fn refetch(&self) {
        self.again.notify();
    }

    /// Ends a fetch that is on its way, also at the server; what was there before stays.
    pub fn cancel(&self) {
        self.running.try_update_value(|running| running.take().map(|running| running.abort()));
        if self.busy.get_untracked() {
            self.busy.set(false);
            self.state.update(|state| {
                if matches!(state, Load::Waiting) {
                    *state = Load::Failed(ApiError::Cancelled);
                }
            });
        }
    }

    /// Cancels whenever the bell rings.
    pub fn cancel_on(self, bell: Trigger) {
        Effect::new(move |before: Option<()>| {
            bell.track();
            if before.is_some() {
                self.cancel();
            }
        });
    }

    /// Changes what is there, if it is; for showing the result of an action at once.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        self.state.update(|state| {
            if let Load::Ready(value) = state {
                change(value);
            }
        });
    }
}

/// Fetches now and on each change of `input`; nothing is fetched while it is `None`.
pub fn load<I, T, F>(input: impl Fn() -> Option<I> + 'static, fetch: impl Fn(I) -> F + 'static) -> Loaded<T>
where
    I: 'static,
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let running = StoredValue::new(None::<AbortHandle>);
    let loaded = Loaded {
        state: RwSignal::new(Load::Waiting),
        busy: RwSignal::new(false),
        again: Trigger::new(),
        running,
    };
    let stop = move || {
        running.try_update_value(|running| running.take().map(|running| running.abort()));
    };
    Effect::new(move |_| {
        loaded.again.track();
        let Some(input) = input() else { return };
        stop();
        loaded.busy.set(true);
        let (handle, registration) = AbortHandle::new_pair();
        running.set_value(Some(handle));
        let answer = Abortable::new(untrack(|| fetch(input)), registration);
        leptos::task::spawn_local(async move {
            if let Ok(answer) = answer.await {
                loaded.busy.try_set(false);
                loaded.state.try_set(answer.map_or_else(Load::Failed, Load::Ready));
            }
        });
    });
    on_cleanup(stop);
    loaded
}

/// Something that happens when a button is pressed: at most once at a time, with its error kept for showing.
pub struct Submit {
    pub busy: RwSignal<bool>,
    pub error: RwSignal<Option<ApiError>>,
}

impl Clone for Submit {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Submit {}

impl Submit {
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), error: RwSignal::new(None) }
    }

    /// Runs `work` unless it is already running; `done` gets the answer.
    pub fn run<T: 'static>(
        self,
        work: impl Future<Output = Result<T, ApiError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.error.set(None);
        leptos::task::spawn_local(async move {
            let answer = work.await;
            self.busy.try_set(false);
            match answer {
                Ok(value) => done(value),
                Err(error) => {
                    self.error.try_set(Some(error));
                }
            }
        });
    }

    /// What the server said about one field of the form.
    pub fn field(self, name: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error.with(|error| error.as_ref()?.field(name)))
    }

    /// The error as a whole, unless a field shows it.
    pub fn general(self, fields: &'static [&'static str]) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.error.with(|error| {
                let error = error.as_ref()?;
                let shown = fields.iter().any(|field| error.field(field).is_some());
                (!shown).then(|| error.message())
            })
        })
    }
}
