//! The key that the commands use: made by itself for a project that has none, on request otherwise.

use crate::api::accounts;
use crate::components::{Button, FormError, Icon, LoadError, Loading, Notice, NoticeKind, SecretText};
use crate::load::{Load, Submit, load};
use crate::session::session;
use api_types::accounts::{ApiKey, KeyScope, NewApiKeyRequest};
use leptos::prelude::*;

#[component]
pub fn KeyCard(secret: RwSignal<Option<String>>) -> impl IntoView {
    let session = session();
    let submit = Submit::new();
    let create = Callback::new(move |()| {
        let request = NewApiKeyRequest {
            name: "Send logs".into(),
            project_id: untrack(|| session.project_id()),
            scopes: vec![KeyScope::Ingest],
            ..NewApiKeyRequest::default()
        };
        submit.run(accounts::create_api_key(request), move |created| secret.set(Some(created.secret)));
    });
    let keys = load(move || Some(session.project_id()), |_| accounts::api_keys());
    Effect::new(move |_| {
        let has_none = keys.state.with(|keys| {
            keys.ready().is_some_and(|keys| keys.iter().all(|key| !can_send(key, &session.project_id())))
        });
        if has_none && session.can_edit() && secret.with_untracked(Option::is_none) {
            create.run(());
        }
    });
    move || {
        if let Some(shown) = secret.get() {
            return view! { <MadeKey secret=shown/> }.into_any();
        }
        match keys.state.get() {
            Load::Waiting => view! { <Loading lines=1/> }.into_any(),
            Load::Failed(error) => {
                view! { <LoadError error on_retry=Callback::new(move |()| keys.refetch())/> }.into_any()
            }
            Load::Ready(keys) => {
                let count = keys.iter().filter(|key| can_send(key, &session.project_id())).count();
                view! { <OtherKeys count submit create/> }.into_any()
            }
        }
    }
}

fn can_send(key: &ApiKey, project_id: &str) -> bool {
    key.project_id == project_id && key.scopes.contains(&KeyScope::Ingest)
}

#[component]
fn MadeKey(secret: String) -> impl IntoView {
    view! {
        <SecretText secret label="API key"/>
        <p class="field-hint">"It is shown this once. Keep it where your secrets are; more keys are made under Settings."</p>
    }
}

#[component]
fn OtherKeys(count: usize, submit: Submit, create: Callback<()>) -> impl IntoView {
    let text = match count {
        0 => "This project has no key that can send logs yet.".to_owned(),
        1 => {
            "This project has a key that can send logs. Keys are shown only once, so it cannot be shown here."
                .to_owned()
        }
        count => format!("This project has {count} keys that can send logs. Keys are shown only once."),
    };
    let may = session().can_edit();
    view! {
        <FormError message=submit.general(&[])/>
        <Notice kind=NoticeKind::Plain>
            <div class="row">
                <span class="grow">{text}</span>
                {if may {
                    view! {
                        <Button small=true icon=Icon::Key busy=submit.busy on_click=move |_| create.run(())>"Create a new key"</Button>
                    }.into_any()
                } else {
                    view! { <span class="faint">"Ask an editor or admin for a key."</span> }.into_any()
                }}
            </div>
        </Notice>
    }
}
