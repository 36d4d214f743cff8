//! The keys by which programs send logs and ask for them.

use super::SectionHead;
use super::key_draft::sends;
use super::key_limits::LimitKey;
use super::new_api_key::NewApiKey;
use super::rotate_api_key::Rotate;
use crate::api::accounts;
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, Confirm, EmptyState, Icon, IconButton, open_while, show, toast,
};
use crate::format;
use crate::load::{Submit, load};
use crate::session::session;
use api_types::accounts::{ApiKey, KeyScope};
use leptos::prelude::*;

#[component]
pub fn ApiKeys() -> impl IntoView {
    let keys = load(|| Some(()), |()| accounts::api_keys());
    let creating = RwSignal::new(false);
    let revoking = RwSignal::new(None::<ApiKey>);
    let rotating = RwSignal::new(None::<ApiKey>);
    let limiting = RwSignal::new(None::<ApiKey>);
    let may = session().can_edit();
    let created = Callback::new(move |key: ApiKey| keys.change(|keys| keys.insert(0, key)));
    let create_button = move || {
        may.then(|| {
            view! {
                <Button kind=ButtonKind::Primary icon=Icon::Add on_click=move |_| creating.set(true)>"Create API key"</Button>
            }
        })
    };
    view! {
        <section class="section">
            <SectionHead title="API keys" text="A key belongs to one project and can do only what it was made for.">
                {create_button()}
            </SectionHead>
            <div class="card">
                {show(keys, move |keys| {
                    if keys.is_empty() {
                        return view! {
                            <EmptyState icon=Icon::Key title="No API keys yet" text="Programs need one to send logs.">{create_button()}</EmptyState>
                        }.into_any();
                    }
                    let rows = keys.into_iter().map(|key| view! { <KeyRow key_shown=key revoking rotating limiting may/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Table">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Name"</th><th scope="col">"Key"</th><th scope="col">"Project"</th>
                                    <th scope="col">"May"</th><th scope="col">"Created"</th><th scope="col">"Last used"</th>
                                    <th scope="col">"Ends"</th><th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
        </section>
        <NewApiKey open=creating created/>
        <Rotate rotating rotated=Callback::new(move |()| keys.refetch())/>
        <LimitKey limiting limited=Callback::new(move |()| keys.refetch())/>
        <Revoke revoking revoked=Callback::new(move |id: String| keys.change(|keys| keys.retain(|key| key.id != id)))/>
    }
}

#[component]
fn KeyRow(
    key_shown: ApiKey,
    revoking: RwSignal<Option<ApiKey>>,
    rotating: RwSignal<Option<ApiKey>>,
    limiting: RwSignal<Option<ApiKey>>,
    may: bool,
) -> impl IntoView {
    let key = StoredValue::new(key_shown.clone());
    let projects = untrack(|| session().projects());
    let project =
        projects.into_iter().find(|project| project.id == key_shown.project_id).map(|project| project.name);
    let limits = limits_of(&key_shown);
    let sends = sends(&key_shown.scopes);
    let can_rotate = key_shown.replaced_by.is_none();
    view! {
        <tr>
            <td>
                <strong>{key_shown.name.clone()}</strong>
                {(!limits.is_empty()).then(|| view! { <div class="faint">{limits}</div> })}
            </td>
            <td><code>{format!("{}…", key_shown.prefix)}</code></td>
            <td>{project.unwrap_or_else(|| "–".into())}</td>
            <td>
                <span class="row">
                    {key_shown.scopes.into_iter().map(|scope| view! {
                        <Badge kind=BadgeKind::Quiet plain=true>{scope_name(scope)}</Badge>
                    }).collect_view()}
                </span>
            </td>
            <td class="soft"><Age at=key_shown.created_at/></td>
            <td class="soft">{match key_shown.last_used_at {
                Some(at) => view! { <Age at/> }.into_any(),
                None => "never".into_any(),
            }}</td>
            <td class="soft">{match key_shown.expires_at {
                Some(at) => view! { <Age at/> }.into_any(),
                None => "never".into_any(),
            }}</td>
            <td class="actions">
                {may.then(|| view! {
                    <span class="row row-end">
                        {sends.then(|| view! {
                            <IconButton icon=Icon::Edit label=format!("Limits of {}", key_shown.name) on_click=move |_| limiting.set(Some(key.get_value()))/>
                        })}
                        {can_rotate.then(|| view! {
                            <IconButton icon=Icon::Refresh label=format!("Rotate {}", key_shown.name) on_click=move |_| rotating.set(Some(key.get_value()))/>
                        })}
                        <IconButton icon=Icon::Trash label=format!("Revoke {}", key_shown.name) on_click=move |_| revoking.set(Some(key.get_value()))/>
                    </span>
                })}
            </td>
        </tr>
    }
}

/// What the key is bound to besides what it may do, in a line.
fn limits_of(key: &ApiKey) -> String {
    let mut limits = Vec::new();
    if !key.allowed_networks.is_empty() {
        limits.push(format!("from {}", key.allowed_networks.join(", ")));
    }
    if let Some(rows) = key.rows_per_day {
        limits.push(format!("reads at most {} rows a day", format::count(rows)));
    }
    let sending = key.ingest_limits;
    let sent = [
        sending.events_per_second.map(|events| format!("{} events a second", format::count(events))),
        sending.bytes_per_second.map(|bytes| format!("{} a second", format::bytes(bytes))),
        sending.daily_events.map(|events| format!("{} events a day", format::count(events))),
        sending.daily_bytes.map(|bytes| format!("{} a day", format::bytes(bytes))),
    ];
    let sent: Vec<String> = sent.into_iter().flatten().collect();
    if !sent.is_empty() {
        limits.push(format!("sends at most {}", sent.join(", ")));
    }
    if let Some(rule) = &key.row_rule {
        limits.push(format!("sees only {rule}"));
    }
    if key.replaced_by.is_some() {
        limits.push("a newer key follows it".to_owned());
    }
    limits.join(" · ")
}

pub fn scope_name(scope: KeyScope) -> &'static str {
    match scope {
        KeyScope::Ingest => "send",
        KeyScope::Query => "query",
        KeyScope::Admin => "admin",
    }
}

#[component]
fn Revoke(revoking: RwSignal<Option<ApiKey>>, revoked: Callback<String>) -> impl IntoView {
    let open = open_while(revoking);
    let submit = Submit::new();
    let name = move || revoking.with(|key| key.as_ref().map(|key| key.name.clone()).unwrap_or_default());
    let confirm = Callback::new(move |()| {
        let Some(key) = revoking.get_untracked() else { return };
        let id = key.id.clone();
        submit.run(accounts::revoke_api_key(key.id), move |_| {
            open.set(false);
            revoked.run(id);
            toast(format!("{} is revoked", key.name));
        });
    });
    view! {
        <Confirm
            open
            title=Signal::derive(move || format!("Revoke {}?", name()))
            message="Programs that use it are refused from now on. This cannot be undone."
            action="Revoke"
            submit
            on_confirm=confirm
        />
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::accounts::IngestLimits;

    #[test]
    fn limits_are_told_in_a_line() {
        let key = ApiKey {
            id: "k".into(),
            name: "k".into(),
            project_id: "p".into(),
            scopes: vec![KeyScope::Ingest],
            prefix: "cwi_a".into(),
            created_at: String::new(),
            expires_at: None,
            last_used_at: None,
            allowed_networks: vec!["10.0.0.0/8".into()],
            rows_per_day: None,
            row_rule: None,
            ingest_limits: IngestLimits {
                events_per_second: Some(2000),
                daily_bytes: Some(5_000_000_000),
                ..IngestLimits::default()
            },
            replaced_by: None,
        };
        assert_eq!(limits_of(&key), "from 10.0.0.0/8 · sends at most 2,000 events a second, 5 GB a day");
    }
}
