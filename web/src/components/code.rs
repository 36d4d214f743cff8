//! Text to take away: commands, keys, ids.

use super::{Glyph, Icon, toast_error};
use crate::browser;
use leptos::prelude::*;
use std::time::Duration;

/// Copies a text, and says so for a moment.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Signal<String>,
    /// What is copied: `Copy key`.
    #[prop(into)]
    label: String,
    #[prop(optional)] small: bool,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            if browser::copy(&text.get_untracked()).await {
                copied.set(true);
                set_timeout(
                    move || {
                        copied.try_set(false);
                    },
                    Duration::from_millis(1600),
                );
            } else {
                toast_error("The browser did not allow copying. Select the text and copy it.");
            }
        });
    };
    let name = move || if copied.get() { "Copied".to_owned() } else { label.clone() };
    view! {
        <button
            type="button"
            class=if small { "icon-button icon-button-small" } else { "icon-button" }
            aria-label=name.clone()
            title=name
            on:click=copy
        >
            {move || {
                let icon = if copied.get() { Icon::Check } else { Icon::Copy };
                view! { <Glyph icon size=if small { "icon-small" } else { "" }/> }
            }}
        </button>
    }
}

/// A command or file to copy whole.
#[component]
pub fn CodeBlock(#[prop(into)] code: Signal<String>, #[prop(into)] label: String) -> impl IntoView {
    view! {
        <div class="code">
            <pre tabindex="0" role="region" aria-label=label.clone()>{move || code.get()}</pre>
            <div class="code-copy"><CopyButton text=code label=format!("Copy {}", label.to_lowercase())/></div>
        </div>
    }
}

/// A secret that is shown this once.
#[component]
pub fn SecretText(#[prop(into)] secret: Signal<String>, #[prop(into)] label: String) -> impl IntoView {
    view! {
        <div class="secret">
            <Glyph icon=Icon::Key/>
            <code data-testid="secret" aria-label=label.clone() role="textbox" aria-readonly="true" tabindex="0">
                {move || secret.get()}
            </code>
            <CopyButton text=secret label=format!("Copy {}", label.to_lowercase())/>
        </div>
    }
}
