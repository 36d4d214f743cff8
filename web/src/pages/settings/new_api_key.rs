//! Making a key: its name, project, rights and end; then the secret, once.

use super::api_keys::scope_name;
use super::key_draft::KeyDraft;
use super::key_limits::KeyLimits;
use crate::api::accounts;
use crate::components::{
    Button, ButtonKind, CheckField, Dialog, FormError, Notice, NoticeKind, SecretText, SelectField, TextField,
};
use crate::load::Submit;
use crate::session::session;
use api_types::accounts::{ApiKey, KeyScope};
use leptos::prelude::*;

/// Fields that show their errors themselves.
const SHOWN: &[&str] = &[
    "name",
    "project_id",
    "expires_at",
    "scopes",
    "allowed_networks",
    "rows_per_day",
    "row_rule",
    "events_per_second",
    "bytes_per_second",
    "daily_events",
    "daily_bytes",
];

#[component]
pub fn NewApiKey(open: RwSignal<bool>, created: Callback<ApiKey>) -> impl IntoView {
    let secret = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if !open.get() {
            secret.set(None);
        }
    });
    let title = Signal::derive(move || {
        if secret.with(Option::is_some) { "Your new API key" } else { "Create API key" }.to_owned()
    });
    view! {
        <Dialog open title>
            {move || match secret.get() {
                Some(secret) => view! {
                    <Notice kind=NoticeKind::Warning>"Copy it now: it is not shown again."</Notice>
                    <SecretText secret label="API key"/>
                    <div class="dialog-actions">
                        <Button kind=ButtonKind::Primary on_click=move |_| open.set(false)>"Done"</Button>
                    </div>
                }.into_any(),
                None => view! { <KeyForm open secret created/> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
fn KeyForm(
    open: RwSignal<bool>,
    secret: RwSignal<Option<String>>,
    created: Callback<ApiKey>,
) -> impl IntoView {
    let session = session();
    let draft = KeyDraft::new();
    let submit = Submit::new();
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(request) = draft.request() else { return };
        submit.run(accounts::create_api_key(request), move |made| {
            created.run(made.key);
            secret.set(Some(made.secret));
        });
    };
    let projects = Signal::derive(move || {
        session.projects().into_iter().map(|project| (project.id, project.name)).collect::<Vec<_>>()
    });
    let ends = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")];
    let ends = ends.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    view! {
        <form class="form" on:submit=create>
            <FormError message=submit.general(SHOWN)/>
            <TextField label="Name" value=draft.name required=true autofocus=true hint="Where it is used: “production web servers”." error=submit.field("name")/>
            <div class="form-row">
                <SelectField label="Project" value=draft.project options=projects error=submit.field("project_id")/>
                <SelectField label="Ends" value=draft.days options=Signal::stored(ends) error=submit.field("expires_at")/>
            </div>
            <Scopes scopes=draft.scopes/>
            <KeyLimits draft submit/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button
                    kind=ButtonKind::Primary
                    submit=true
                    busy=submit.busy
                    disabled=Signal::derive(move || draft.scopes.with(Vec::is_empty))
                >
                    "Create"
                </Button>
            </div>
        </form>
    }
}

#[component]
fn Scopes(scopes: RwSignal<Vec<KeyScope>>) -> impl IntoView {
    let choices = [
        (KeyScope::Ingest, "Send logs into the project"),
        (KeyScope::Query, "Search the project’s logs"),
        (KeyScope::Admin, "Change settings, as an admin can"),
    ];
    let is_admin = session().is_admin();
    let shown = choices.into_iter().filter(|(scope, _)| is_admin || *scope != KeyScope::Admin).map(|(scope, text)| {
        let checked = Signal::derive(move || scopes.with(|scopes| scopes.contains(&scope)));
        let change = Callback::new(move |on: bool| {
            scopes.update(|scopes| {
                scopes.retain(|known| *known != scope);
                if on {
                    scopes.push(scope);
                }
            });
        });
        view! { <CheckField checked on_change=change><strong>{scope_name(scope)}</strong>" – "{text}</CheckField> }
    });
    view! {
        <fieldset class="stack">
            <legend class="field-label">"May"</legend>
            {shown.collect_view()}
        </fieldset>
    }
}
