//! Buttons, and links that look like them.
//!
//! What a press does is a property and not `on:click` on the component: a listener put on from outside stays when a list is drawn
//! again and the button comes to belong to another row.

use super::{Glyph, Icon};
use leptos::ev::MouseEvent;
use leptos::prelude::*;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one thing to do on a page.
    Primary,
    #[default]
    Secondary,
    /// Without a frame, beside others.
    Quiet,
    Danger,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button-primary",
            Self::Secondary => "button-secondary",
            Self::Quiet => "button-quiet",
            Self::Danger => "button-danger",
        }
    }
}

fn classes(kind: ButtonKind, small: bool, wide: bool) -> String {
    let small = if small { " button-small" } else { "" };
    let wide = if wide { " button-wide" } else { "" };
    format!("button {}{small}{wide}", kind.class())
}

fn pressed_by(on_click: Option<Callback<MouseEvent>>, event: MouseEvent) {
    if let Some(on_click) = on_click {
        on_click.run(event);
    }
}

#[component]
pub fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional)] small: bool,
    #[prop(optional)] wide: bool,
    /// Submits the form around it.
    #[prop(optional)]
    submit: bool,
    #[prop(optional, into)] icon: Option<Icon>,
    /// Shows that it is being done, and takes no second press.
    #[prop(optional, into)]
    busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] on_click: Option<Callback<MouseEvent>>,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            on:click=move |event| pressed_by(on_click, event)
            class=classes(kind, small, wide)
            disabled=move || disabled.get() || busy.get()
            aria-busy=move || busy.get().then_some("true")
        >
            {move || {
                if busy.get() {
                    Some(view! { <span class="spinner"></span> }.into_any())
                } else {
                    icon.map(|icon| view! { <Glyph icon/> }.into_any())
                }
            }}
            {children()}
        </button>
    }
}

/// A button of an icon alone; `label` is its name for everybody who does not see it, and its tip.
#[component]
pub fn IconButton(
    icon: Icon,
    #[prop(into)] label: Signal<String>,
    #[prop(optional)] small: bool,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// Whether what it switches is on, for buttons that switch.
    #[prop(optional, into)]
    pressed: Option<Signal<bool>>,
    #[prop(optional, into)] on_click: Option<Callback<MouseEvent>>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            on:click=move |event| pressed_by(on_click, event)
            class=if small { "icon-button icon-button-small" } else { "icon-button" }
            disabled=move || disabled.get()
            aria-label=move || label.get()
            title=move || label.get()
            aria-pressed=move || pressed.map(|pressed| pressed.get().to_string())
        >
            <Glyph icon size=if small { "icon-small" } else { "" }/>
        </button>
    }
}

/// Goes to another page.
#[component]
pub fn LinkButton(
    #[prop(into)] href: Signal<String>,
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional)] small: bool,
    #[prop(optional, into)] icon: Option<Icon>,
    children: Children,
) -> impl IntoView {
    view! {
        <a class=classes(kind, small, false) href=move || href.get()>
            {icon.map(|icon| view! { <Glyph icon/> })}
            {children()}
        </a>
    }
}
