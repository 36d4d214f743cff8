//! A button that opens a list of choices; arrow keys move, Escape and a click elsewhere close.

use super::{Glyph, Icon};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MenuSide {
    #[default]
    Start,
    End,
    Up,
}

/// Lets an item close the menu it is in.
#[derive(Clone, Copy)]
struct MenuOpen(RwSignal<bool>);

#[component]
pub fn Menu(
    /// What the list offers; the button's name is what it shows.
    #[prop(into)]
    label: Signal<String>,
    #[prop(default = "button button-secondary")] class: &'static str,
    #[prop(optional)] side: MenuSide,
    trigger: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    provide_context(MenuOpen(open));
    let outside = window_event_listener(leptos::ev::mousedown, move |event| {
        let inside = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if open.get_untracked() && root.get_untracked().is_some_and(|root| !root.contains(inside.as_ref())) {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    Effect::new(move |_| {
        if open.get()
            && let Some(root) = root.get()
        {
            request_animation_frame(move || focus_item(&root, 0));
        }
    });
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if !open.get_untracked() {
            return;
        }
        match event.key().as_str() {
            "Escape" => {
                open.set(false);
                if let Some(button) = button.get_untracked() {
                    let _focused = button.focus();
                }
            }
            "ArrowDown" => move_focus(root, 1),
            "ArrowUp" => move_focus(root, -1),
            "Tab" => return open.set(false),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let panel = match side {
        MenuSide::Start => "menu-panel",
        MenuSide::End => "menu-panel menu-panel-end",
        MenuSide::Up => "menu-panel menu-panel-up",
    };
    let children = StoredValue::new(children);
    view! {
        <div class="menu" node_ref=root on:keydown=on_key>
            <button
                type="button"
                class=class
                node_ref=button
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {trigger.run()}
            </button>
            <Show when=move || open.get()>
                <div class=panel role="menu" aria-label=move || label.get()>
                    {children.with_value(|children| children())}
                </div>
            </Show>
        </div>
    }
}

fn items(root: &web_sys::Element) -> Vec<web_sys::HtmlElement> {
    let Ok(found) = root.query_selector_all("[role^=menuitem]") else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

fn focus_item(root: &web_sys::Element, index: usize) {
    if let Some(item) = items(root).get(index) {
        let _focused = item.focus();
    }
}

fn move_focus(root: NodeRef<html::Div>, step: i32) {
    let Some(root) = root.get_untracked() else { return };
    let items = items(&root);
    let focused = document().active_element();
    let current = items
        .iter()
        .position(|item| focused.as_ref().is_some_and(|focused| item.is_same_node(Some(focused))));
    let next =
        current.map_or(0, |current| (current as i32 + step).rem_euclid(items.len().max(1) as i32) as usize);
    focus_item(&root, next);
}

#[component]
pub fn MenuItem(
    #[prop(optional, into)] icon: Option<Icon>,
    /// Whether it is the chosen one, for items of which one is.
    #[prop(optional, into)]
    checked: Option<Signal<bool>>,
    on_choose: Callback<()>,
    children: Children,
) -> impl IntoView {
    let MenuOpen(open) = expect_context();
    let choose = move |_| {
        open.set(false);
        on_choose.run(());
    };
    view! {
        <button
            type="button"
            class="menu-item"
            role=if checked.is_some() { "menuitemradio" } else { "menuitem" }
            tabindex="-1"
            aria-checked=move || checked.map(|checked| checked.get().to_string())
            on:click=choose
        >
            {icon.map(|icon| view! { <Glyph icon/> })}
            <span class="grow truncate">{children()}</span>
            {move || checked.is_some_and(|checked| checked.get()).then(|| view! { <Glyph icon=Icon::Check/> })}
        </button>
    }
}
