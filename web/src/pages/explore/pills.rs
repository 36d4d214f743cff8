//! The conditions of the query as pills under it: each can be edited, turned round, turned off or taken away.
//!
//! Pills and text are two views of one tree. A pill changes the text through `query_lang::edit`, never by cutting it.

use super::explorer::explorer;
use crate::components::{Glyph, Icon, IconButton, Menu, MenuItem, toast_error};
use crate::language::{self, Change, Condition};
use leptos::html;
use leptos::prelude::*;

#[component]
pub fn Pills() -> impl IntoView {
    let explorer = explorer();
    // While the text is broken, the pills stay as they were.
    let conditions = Memo::new(move |before: Option<&Vec<Condition>>| {
        let text = explorer.text.get();
        language::conditions(&text).or_else(|| before.cloned()).unwrap_or_default()
    });
    let off = Memo::new(move |_| explorer.state.with(|state| state.off.clone()));
    let some = move || conditions.with(|all| !all.is_empty()) || off.with(|off| !off.is_empty());
    let numbered = move || conditions.get().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <Show when=some>
            <ul class="pills" aria-label="Conditions">
                <For each=numbered key=|pair| (pair.0, pair.1.text.clone()) let:pair>
                    <Pill index=pair.0 condition=pair.1.clone()/>
                </For>
                <For each=move || off.get() key=Clone::clone let:condition><PillOff condition/></For>
            </ul>
        </Show>
    }
}

#[component]
fn Pill(index: usize, condition: Condition) -> impl IntoView {
    let explorer = explorer();
    let editing = RwSignal::new(false);
    let text = StoredValue::new(condition.text.clone());
    let change = move |change: Change| Callback::new(move |()| explorer.edit(change.clone()));
    let edit = Callback::new(move |()| editing.set(true));
    let off = Callback::new(move |()| explorer.turn_off(index, text.get_value()));
    let remove = change(Change::Remove(index));
    let negate = change(Change::Negate(index));
    let turn = if condition.negated { "Include instead" } else { "Exclude instead" };
    view! {
        <li class="pill" class:pill-not=condition.negated>
            {move || if editing.get() {
                view! { <PillEditor index text=text.get_value() editing/> }.into_any()
            } else {
                let trigger = ViewFn::from(move || view! { <code class="truncate">{text.get_value()}</code> });
                view! {
                    <Menu label=text.get_value() class="pill-text" trigger>
                        <MenuItem icon=Icon::Edit on_choose=edit>"Edit"</MenuItem>
                        <MenuItem icon=Icon::Turn on_choose=negate>{turn}</MenuItem>
                        <MenuItem icon=Icon::Hidden on_choose=off>"Turn off for now"</MenuItem>
                        <MenuItem icon=Icon::Close on_choose=remove>"Remove"</MenuItem>
                    </Menu>
                    <IconButton small=true icon=Icon::Close label=format!("Remove {}", text.get_value()) on_click=move |_| remove.run(())/>
                }.into_any()
            }}
        </li>
    }
}

#[component]
fn PillEditor(index: usize, text: String, editing: RwSignal<bool>) -> impl IntoView {
    let explorer = explorer();
    let element = NodeRef::<html::Input>::new();
    let value = RwSignal::new(text.clone());
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            let _focused = element.focus();
            element.select();
        }
    });
    let take = move || {
        let typed = value.get_untracked();
        if typed.trim() == text {
            return editing.set(false);
        }
        let change =
            if typed.trim().is_empty() { Change::Remove(index) } else { Change::Replace(index, typed) };
        match language::edit(&explorer.text.get_untracked(), &change) {
            Ok(query) => explorer.run_query(query),
            Err(message) => toast_error(message),
        }
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            take();
        }
        "Escape" => {
            event.stop_propagation();
            editing.set(false);
        }
        _ => {}
    };
    view! {
        <input
            node_ref=element
            class="pill-input mono"
            aria-label="Condition"
            size=move || value.with(|value| value.chars().count().clamp(8, 60)).to_string()
            prop:value=move || value.get()
            on:input=move |event| value.set(event_target_value(&event))
            on:keydown=on_key
            on:blur=move |_| { editing.try_set(false); }
        />
    }
}

/// A condition that does not count just now.
#[component]
fn PillOff(condition: String) -> impl IntoView {
    let explorer = explorer();
    let text = StoredValue::new(condition.clone());
    view! {
        <li class="pill pill-off">
            <button
                type="button"
                class="pill-text"
                title="Let it count again"
                on:click=move |_| explorer.turn_on(text.get_value())
            >
                <Glyph icon=Icon::Hidden size="icon-small"/>
                <code class="truncate">{condition.clone()}</code>
                <span class="sr-only">" is off: turn on"</span>
            </button>
            <IconButton
                small=true
                icon=Icon::Close
                label=format!("Forget {condition}")
                on_click=move |_| explorer.forget_off(&text.get_value())
            />
        </li>
    }
}
