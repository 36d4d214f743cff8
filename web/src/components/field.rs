//! Form fields: each with its label, a hint, and the error that belongs to it.

use super::{Glyph, Icon};
use leptos::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// A name that no other element of the page has.
fn fresh_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("field-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Label above, hint or error below. `control` gets its id and the id of what describes it.
#[component]
pub fn Field(
    label: String,
    hint: Option<String>,
    error: Signal<Option<String>>,
    id: String,
    children: Children,
) -> impl IntoView {
    let described = format!("{id}-note");
    let has_hint = hint.is_some();
    view! {
        <div class="field">
            <label class="field-label" for=id>{label}</label>
            {children()}
            <div id=described hidden=move || !has_hint && error.with(Option::is_none)>
                {move || match error.get() {
                    Some(error) => view! {
                        <p class="field-error"><Glyph icon=Icon::Wrong size="icon-small"/>{error}</p>
                    }.into_any(),
                    None => view! { <p class="field-hint">{hint.clone()}</p> }.into_any(),
                }}
            </div>
        </div>
    }
}

#[component]
pub fn TextField(
    #[prop(into)] label: String,
    value: RwSignal<String>,
    /// `text`, `email`, `password`, `number`, `datetime-local`
    #[prop(default = "text")]
    kind: &'static str,
    /// What browsers fill in: `username`, `current-password`, …
    #[prop(default = "off")]
    autocomplete: &'static str,
    #[prop(optional, into)] placeholder: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] mono: bool,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    let id = fresh_id();
    let described = format!("{id}-note");
    let element = NodeRef::<leptos::html::Input>::new();
    if autofocus {
        Effect::new(move |_| {
            if let Some(element) = element.get() {
                let _focused = element.focus();
            }
        });
    }
    view! {
        <Field label hint error id=id.clone()>
            <input
                id=id
                node_ref=element
                class=if mono { "input input-mono" } else { "input" }
                type=kind
                autocomplete=autocomplete
                placeholder=placeholder
                required=required
                disabled=move || disabled.get()
                step=(kind == "number").then_some("any")
                aria-describedby=described
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
        </Field>
    }
}

#[component]
pub fn TextArea(
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(optional, into)] placeholder: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let id = fresh_id();
    let described = format!("{id}-note");
    view! {
        <Field label hint error id=id.clone()>
            <textarea
                id=id
                class="textarea"
                rows="3"
                placeholder=placeholder
                aria-describedby=described
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
        </Field>
    }
}

/// A choice out of a few: pairs of value and text.
#[component]
pub fn SelectField(
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let id = fresh_id();
    view! {
        <Field label hint error id=id.clone()>
            <select class="select" id=id on:change=move |event| value.set(event_target_value(&event))>
                {move || options.get().into_iter().map(|(option, text)| {
                    let chosen = { let option = option.clone(); move || value.with(|value| *value == option) };
                    view! { <option value=option prop:selected=chosen>{text}</option> }
                }).collect_view()}
            </select>
        </Field>
    }
}

#[component]
pub fn CheckField(
    #[prop(into)] checked: Signal<bool>,
    on_change: Callback<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || checked.get()
                on:change=move |event| on_change.run(event_target_checked(&event))
            />
            <span>{children()}</span>
        </label>
    }
}

/// On or off, at once.
#[component]
pub fn Switch(
    #[prop(into)] on: Signal<bool>,
    #[prop(into)] label: String,
    on_change: Callback<bool>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="switch"
            role="switch"
            aria-checked=move || on.get().to_string()
            aria-label=label
            on:click=move |_| on_change.run(!on.get_untracked())
        ></button>
    }
}
