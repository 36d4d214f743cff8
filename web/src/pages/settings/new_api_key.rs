//! Making a key: its name, project, rights and end; then the secret, once.

use super::api_keys::scope_name;
use crate::api::accounts;
use crate::browser;
use crate::components::{
    Button, ButtonKind, CheckField, Dialog, FormError, Notice, NoticeKind, SecretText, SelectField, TextField,
};
use crate::format;
use crate::load::Submit;
use crate::session::session;
use api_types::accounts::{ApiKey, KeyScope, NewApiKeyRequest};
use leptos::prelude::*;

const DAY_MS: i64 = 86_400_000;

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
    let name = RwSignal::new(String::new());
    let project = RwSignal::new(untrack(|| session.project_id()));
    let scopes = RwSignal::new(vec![KeyScope::Ingest]);
    let days = RwSignal::new(String::new());
    let (networks, rows_per_day) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let row_rule = RwSignal::new(String::new());
    let not_a_number = RwSignal::new(None::<String>);
    let submit = Submit::new();
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let expires_at = days
            .get_untracked()
            .parse::<i64>()
            .ok()
            .map(|days| format::rfc3339(browser::now_ms() + days * DAY_MS));
        let limit = rows_per_day.get_untracked();
        let Ok(rows) = Some(limit.trim()).filter(|text| !text.is_empty()).map(str::parse).transpose() else {
            return not_a_number.set(Some("Write a whole number of rows, or leave it empty.".into()));
        };
        not_a_number.set(None);
        let request = NewApiKeyRequest {
            name: name.get_untracked().trim().into(),
            project_id: project.get_untracked(),
            scopes: scopes.get_untracked(),
            expires_at,
            allowed_networks: networks
                .get_untracked()
                .split([',', ' '])
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect(),
            rows_per_day: rows,
            row_rule: Some(row_rule.get_untracked().trim().to_owned()).filter(|rule| !rule.is_empty()),
        };
        submit.run(accounts::create_api_key(request), move |made| {
            created.run(made.key);
            secret.set(Some(made.secret));
        });
    };
    let rows_error = submit.field("rows_per_day");
    let projects = Signal::derive(move || {
        session.projects().into_iter().map(|project| (project.id, project.name)).collect::<Vec<_>>()
    });
    let ends = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")];
    let ends = ends.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    view! {
        <form class="form" on:submit=create>
            <FormError message=submit.general(&["name", "project_id", "expires_at", "scopes", "allowed_networks", "rows_per_day", "row_rule"])/>
            <TextField label="Name" value=name required=true autofocus=true hint="Where it is used: “production web servers”." error=submit.field("name")/>
            <div class="form-row">
                <SelectField label="Project" value=project options=projects error=submit.field("project_id")/>
                <SelectField label="Ends" value=days options=Signal::stored(ends) error=submit.field("expires_at")/>
            </div>
            <Scopes scopes/>
            <details>
                <summary>"Limits"</summary>
                <div class="stack">
                    <TextField
                        label="Works from"
                        value=networks
                        mono=true
                        placeholder="10.0.0.0/8, 2001:db8::/32"
                        hint="Networks or addresses. Empty: from everywhere."
                        error=submit.field("allowed_networks")
                    />
                    <TextField
                        label="Rows that searches may read in a day"
                        kind="number"
                        value=rows_per_day
                        hint="Empty: no limit. A day ends at midnight UTC."
                        error=Signal::derive(move || not_a_number.get().or_else(|| rows_error.get()))
                    />
                    <TextField
                        label="Only events that match"
                        value=row_rule
                        mono=true
                        placeholder="env:dev"
                        hint="What searches with the key see. Empty: everything in the project."
                        error=submit.field("row_rule")
                    />
                </div>
            </details>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button
                    kind=ButtonKind::Primary
                    submit=true
                    busy=submit.busy
                    disabled=Signal::derive(move || scopes.with(Vec::is_empty))
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
