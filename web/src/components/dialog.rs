//! Dialogs on the browser's own `<dialog>`: it keeps the focus inside, closes on Escape and gives the focus back.

use super::{Button, ButtonKind, FormError, Icon, IconButton};
use crate::load::Submit;
use leptos::html;
use leptos::prelude::*;

#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    #[prop(optional)] wide: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        match (open.get(), element.open()) {
            (true, false) => drop(element.show_modal()),
            (false, true) => element.close(),
            _ => {}
        }
    });
    let close_on_scrim = move |event: leptos::ev::MouseEvent| {
        let hit: web_sys::Element = event_target(&event);
        if element.get_untracked().is_some_and(|element| hit.is_same_node(Some(&element))) {
            open.set(false);
        }
    };
    let children = StoredValue::new(children);
    view! {
        <dialog
            class=if wide { "dialog dialog-wide" } else { "dialog" }
            node_ref=element
            aria-label=move || title.get()
            on:close=move |_| open.set(false)
            on:mousedown=close_on_scrim
        >
            <Show when=move || open.get()>
                <div class="dialog-head">
                    <h2 class="grow">{move || title.get()}</h2>
                    <IconButton icon=Icon::Close label="Close" on_click=move |_| open.set(false)/>
                </div>
                <div class="dialog-body">{children.with_value(|children| children())}</div>
            </Show>
        </dialog>
    }
}

/// Whether a dialog about `subject` is open: it opens when there is one, and closing it lets go of it.
pub fn open_while<T: Send + Sync + 'static>(subject: RwSignal<Option<T>>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    // Each sets the other, so each only when there is something to change.
    Effect::new(move |_| {
        let wanted = subject.with(Option::is_some);
        if open.get_untracked() != wanted {
            open.set(wanted);
        }
    });
    Effect::new(move |_| {
        if !open.get() && subject.with_untracked(Option::is_some) {
            subject.set(None);
        }
    });
    open
}

/// Asks before something that cannot be undone.
#[component]
pub fn Confirm(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// What will happen.
    #[prop(into)]
    message: Signal<String>,
    /// The verb on the button.
    action: &'static str,
    submit: Submit,
    on_confirm: Callback<()>,
) -> impl IntoView {
    view! {
        <Dialog open title>
            <p class="soft">{move || message.get()}</p>
            <FormError message=submit.general(&[])/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger busy=submit.busy on_click=move |_| on_confirm.run(())>{action}</Button>
            </div>
        </Dialog>
    }
}
