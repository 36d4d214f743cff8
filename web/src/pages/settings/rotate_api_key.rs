//! A key that follows another one: both work for a while, so that programs can be changed one by one.

use crate::api::accounts;
use crate::components::{
    Button, ButtonKind, Dialog, FormError, Notice, NoticeKind, SecretText, SelectField, open_while,
};
use crate::load::Submit;
use api_types::accounts::ApiKey;
use leptos::prelude::*;

const OVERLAPS: [(&str, &str); 4] = [
    ("0", "Ends at once"),
    ("1", "Works for an hour"),
    ("24", "Works for a day"),
    ("168", "Works for a week"),
];

#[component]
pub fn Rotate(rotating: RwSignal<Option<ApiKey>>, rotated: Callback<()>) -> impl IntoView {
    let open = open_while(rotating);
    let secret = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if !open.get() {
            secret.set(None);
        }
    });
    let name = move || rotating.with(|key| key.as_ref().map(|key| key.name.clone()).unwrap_or_default());
    view! {
        <Dialog open title=Signal::derive(move || format!("Rotate {}", name()))>
            {move || match secret.get() {
                Some(secret) => view! {
                    <Notice kind=NoticeKind::Warning>"Copy the new key now: it is not shown again."</Notice>
                    <SecretText secret label="API key"/>
                    <div class="dialog-actions">
                        <Button kind=ButtonKind::Primary on_click=move |_| open.set(false)>"Done"</Button>
                    </div>
                }.into_any(),
                None => view! { <RotateForm rotating open secret rotated/> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
fn RotateForm(
    rotating: RwSignal<Option<ApiKey>>,
    open: RwSignal<bool>,
    secret: RwSignal<Option<String>>,
    rotated: Callback<()>,
) -> impl IntoView {
    let overlap = RwSignal::new("24".to_owned());
    let submit = Submit::new();
    let rotate = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(key) = rotating.get_untracked() else { return };
        let hours = overlap.get_untracked().parse().unwrap_or(24);
        submit.run(accounts::rotate_api_key(key.id, hours), move |made| {
            secret.set(Some(made.secret));
            rotated.run(());
        });
    };
    let overlaps = OVERLAPS.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    view! {
        <form class="form" on:submit=rotate>
            <p class="soft">"A new key is made that may do the same."</p>
            <FormError message=submit.general(&[])/>
            <SelectField label="The old key" value=overlap options=Signal::stored(overlaps)/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Rotate"</Button>
            </div>
        </form>
    }
}
