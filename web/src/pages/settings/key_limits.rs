//! What a key is bound to besides what it may do: the group of a new one, and how much is sent with one that there is.

use super::key_draft::KeyDraft;
use super::key_numbers::{Number, Numbers, Sending};
use crate::api::accounts;
use crate::components::{Button, ButtonKind, Dialog, FormError, TextField, open_while, toast};
use crate::load::Submit;
use api_types::accounts::ApiKey;
use leptos::prelude::*;

/// A group that is closed until somebody wants it.
#[component]
pub fn KeyLimits(draft: KeyDraft, submit: Submit) -> impl IntoView {
    let numbers = draft.numbers;
    view! {
        <details>
            <summary>"Limits"</summary>
            <div class="stack">
                <TextField
                    label="Works from"
                    value=draft.networks
                    mono=true
                    placeholder="10.0.0.0/8, 2001:db8::/32"
                    hint="Networks or addresses. Empty: from everywhere."
                    error=submit.field("allowed_networks")
                />
                <Show when=move || draft.sends()><Sending numbers submit/></Show>
                <Number
                    name="rows_per_day"
                    label="Rows that searches may read in a day"
                    hint="Empty: no limit. A day ends at midnight UTC."
                    numbers
                    submit
                />
                <TextField
                    label="Only events that match"
                    value=draft.row_rule
                    mono=true
                    placeholder="env:dev"
                    hint="What searches with the key see. Empty: everything in the project."
                    error=submit.field("row_rule")
                />
            </div>
        </details>
    }
}

/// Changes how much may be sent with a key.
#[component]
pub fn LimitKey(limiting: RwSignal<Option<ApiKey>>, limited: Callback<()>) -> impl IntoView {
    let open = open_while(limiting);
    let name = move || limiting.with(|key| key.as_ref().map(|key| key.name.clone()).unwrap_or_default());
    view! {
        <Dialog open title=Signal::derive(move || format!("Limits of {}", name()))>
            {move || limiting.get().map(|subject| view! { <LimitForm subject open limited/> })}
        </Dialog>
    }
}

#[component]
fn LimitForm(subject: ApiKey, open: RwSignal<bool>, limited: Callback<()>) -> impl IntoView {
    let numbers = Numbers::of(subject.ingest_limits);
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(read) = numbers.read() else { return };
        submit.run(accounts::limit_api_key(subject.id.clone(), read.sending), move |key| {
            toast(format!("The limits of {} are saved", key.name));
            open.set(false);
            limited.run(());
        });
    };
    view! {
        <form class="form" on:submit=save>
            <p class="soft">"They hold besides those of the organization, within seconds."</p>
            <FormError message=submit.general(&["events_per_second", "bytes_per_second", "daily_events", "daily_bytes"])/>
            <Sending numbers submit/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}
