//! Short messages at the corner: what has just been done, or could not be.

use super::{Glyph, Icon, IconButton};
use leptos::prelude::*;
use std::sync::OnceLock;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    id: u32,
    text: String,
    failed: bool,
}

/// Reachable from everywhere, since what is told may happen after the page that began it is gone.
static MESSAGES: OnceLock<RwSignal<Vec<Message>>> = OnceLock::new();

/// Says what has been done.
pub fn toast(text: impl Into<String>) {
    add(text.into(), false);
}

/// Says what could not be done.
pub fn toast_error(text: impl Into<String>) {
    add(text.into(), true);
}

fn add(text: String, failed: bool) {
    let Some(messages) = MESSAGES.get().copied() else { return };
    let id = messages.with_untracked(|messages| messages.last().map_or(0, |last| last.id + 1));
    messages.update(|messages| messages.push(Message { id, text, failed }));
    let stays = Duration::from_secs(if failed { 9 } else { 4 });
    set_timeout(move || remove(messages, id), stays);
}

fn remove(messages: RwSignal<Vec<Message>>, id: u32) {
    messages.try_update(|messages| messages.retain(|message| message.id != id));
}

#[component]
pub fn Toasts() -> impl IntoView {
    let messages = *MESSAGES.get_or_init(|| RwSignal::new(Vec::new()));
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || messages.get() key=|message| message.id let:message>
                <div class=if message.failed { "toast toast-bad" } else { "toast" }>
                    <Glyph icon=if message.failed { Icon::Wrong } else { Icon::Done }/>
                    <p class="grow">{message.text.clone()}</p>
                    <IconButton small=true icon=Icon::Close label="Dismiss" on_click=move |_| remove(messages, message.id)/>
                </div>
            </For>
        </div>
    }
}
