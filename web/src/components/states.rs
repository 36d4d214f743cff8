//! The states that every list can be in besides full: loading, empty, failed; and notices in forms.

use super::{Button, Glyph, Icon};
use crate::api::ApiError;
use crate::load::{Load, Loaded};
use leptos::prelude::*;

#[component]
pub fn Loading(#[prop(default = 5)] lines: usize) -> impl IntoView {
    view! {
        <div class="skeleton-list" role="status" aria-label="Loading">
            {(0..lines).map(|_| view! { <span class="skeleton"></span> }).collect_view()}
        </div>
    }
}

/// Nothing is there, and what to do about it.
#[component]
pub fn EmptyState(
    icon: Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-icon"><Glyph icon size="icon-large"/></span>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
}

/// Something could not be fetched, why, and a way to try again.
#[component]
pub fn LoadError(error: ApiError, on_retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="empty" role="alert">
            <span class="empty-icon empty-icon-bad"><Glyph icon=Icon::Warning size="icon-large"/></span>
            <h2>"This could not be loaded"</h2>
            <p>{error.message()}</p>
            <div class="empty-actions">
                <Button icon=Icon::Refresh on_click=move |_| on_retry.run(())>"Try again"</Button>
            </div>
        </div>
    }
}

/// Draws the state that something fetched is in; `full` also decides what empty looks like.
pub fn show<T: Clone + Send + Sync + 'static>(
    loaded: Loaded<T>,
    full: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> impl IntoView {
    move || match loaded.state.get() {
        Load::Waiting => view! { <Loading/> }.into_any(),
        Load::Failed(error) => {
            view! { <LoadError error on_retry=Callback::new(move |()| loaded.refetch())/> }.into_any()
        }
        Load::Ready(value) => full(value),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    Plain,
    Good,
    Warning,
    Bad,
}

#[component]
pub fn Notice(kind: NoticeKind, children: Children) -> impl IntoView {
    let (class, icon) = match kind {
        NoticeKind::Plain => ("notice", Icon::Info),
        NoticeKind::Good => ("notice notice-good", Icon::Done),
        NoticeKind::Warning => ("notice notice-warning", Icon::Warning),
        NoticeKind::Bad => ("notice notice-bad", Icon::Wrong),
    };
    view! {
        <div class=class role=if kind == NoticeKind::Bad { "alert" } else { "status" }>
            <Glyph icon/>
            <div class="grow">{children()}</div>
        </div>
    }
}

/// The error of a form as a whole, when there is one.
#[component]
pub fn FormError(#[prop(into)] message: Signal<Option<String>>) -> impl IntoView {
    move || message.get().map(|message| view! { <Notice kind=NoticeKind::Bad>{message}</Notice> })
}
