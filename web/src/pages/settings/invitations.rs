//! Inviting people, and those who have not answered yet.

use super::members::{ROLES, role_name};
use super::row_rule::HINT;
use crate::api::accounts;
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, Dialog, FormError, Icon, IconButton, Notice, NoticeKind,
    SelectField, TextField, show, toast, toast_error,
};
use crate::load::{Loaded, Submit};
use crate::session::session;
use api_types::accounts::{Invitation, InvitationRequest, Role};
use leptos::prelude::*;

/// Who was invited and has not joined; nothing is drawn when there is nobody.
#[component]
pub fn Pending(invitations: Loaded<Vec<Invitation>>) -> impl IntoView {
    let some = move || invitations.state.with(|state| state.ready().is_none_or(|list| !list.is_empty()));
    view! {
        <Show when=some>
            <div class="card">
                <h3 class="card-title">"Invited"</h3>
                {show(invitations, move |list| {
                    let rows = list.into_iter().map(|invitation| view! { <InvitationRow invitation invitations/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Invitations">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"E-mail"</th><th scope="col">"Role"</th><th scope="col">"Invited by"</th>
                                    <th scope="col">"Sent"</th><th scope="col">"State"</th>
                                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
        </Show>
    }
}

#[component]
fn InvitationRow(invitation: Invitation, invitations: Loaded<Vec<Invitation>>) -> impl IntoView {
    let id = StoredValue::new(invitation.id);
    let email = StoredValue::new(invitation.email.clone());
    let resend = move |_| {
        leptos::task::spawn_local(async move {
            match accounts::resend_invitation(id.get_value()).await {
                Ok(_) => toast(format!("A new link is on its way to {}", email.get_value())),
                Err(error) => toast_error(error.message()),
            }
            invitations.refetch();
        });
    };
    let withdraw = move |_| {
        leptos::task::spawn_local(async move {
            match accounts::withdraw_invitation(id.get_value()).await {
                Ok(_) => toast(format!("The invitation of {} is withdrawn", email.get_value())),
                Err(error) => toast_error(error.message()),
            }
            invitations.refetch();
        });
    };
    view! {
        <tr>
            <td><strong>{invitation.email.clone()}</strong></td>
            <td>
                {role_name(invitation.role)}
                {invitation.row_rule.clone().map(|rule| view! { <div class="faint">"only "<code>{rule}</code></div> })}
            </td>
            <td class="soft">{invitation.invited_by.unwrap_or_else(|| "–".into())}</td>
            <td class="soft"><Age at=invitation.created_at/></td>
            <td>{if invitation.expired {
                view! { <Badge kind=BadgeKind::Warning>"expired"</Badge> }.into_any()
            } else {
                view! { <Badge kind=BadgeKind::Quiet>"pending"</Badge> }.into_any()
            }}</td>
            <td class="actions">
                <span class="row row-end">
                    <Button small=true icon=Icon::Mail on_click=resend>"Send again"</Button>
                    <IconButton icon=Icon::Trash label=format!("Withdraw the invitation of {}", invitation.email) on_click=withdraw/>
                </span>
            </td>
        </tr>
    }
}

#[component]
pub fn Invite(open: RwSignal<bool>, invited: Callback<()>) -> impl IntoView {
    view! { <Dialog open title="Invite somebody"><InviteForm open invited/></Dialog> }
}

#[component]
fn InviteForm(open: RwSignal<bool>, invited: Callback<()>) -> impl IntoView {
    let (email, role) = (RwSignal::new(String::new()), RwSignal::new(role_name(Role::Editor).to_owned()));
    let row_rule = RwSignal::new(String::new());
    let submit = Submit::new();
    let is_owner = untrack(|| session().me().role) == Role::Owner;
    let offered: Vec<(String, String)> = ROLES
        .into_iter()
        .filter(|role| is_owner || *role != Role::Owner)
        .map(|role| (role_name(role).to_owned(), role_name(role).to_owned()))
        .collect();
    let invite = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let wanted = role.get_untracked();
        let Some(role) = ROLES.into_iter().find(|role| role_name(*role) == wanted) else { return };
        let rule = row_rule.get_untracked().trim().to_owned();
        let request = InvitationRequest {
            email: email.get_untracked().trim().into(),
            role,
            row_rule: Some(rule).filter(|rule| !rule.is_empty()),
        };
        submit.run(accounts::invite(request), move |made| {
            toast(format!("An invitation is on its way to {}", made.email));
            open.set(false);
            invited.run(());
        });
    };
    view! {
        <form class="form" on:submit=invite>
            <FormError message=submit.general(&["email", "row_rule"])/>
            <TextField label="E-mail" kind="email" value=email required=true autofocus=true error=submit.field("email")/>
            <SelectField label="Role" value=role options=Signal::stored(offered)/>
            <details>
                <summary>"Limits"</summary>
                <TextField label="Only events that match" value=row_rule mono=true placeholder="env:dev" hint=HINT error=submit.field("row_rule")/>
            </details>
            <Notice kind=NoticeKind::Plain>"They get a link by mail that works once, for seven days."</Notice>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Send invitation"</Button>
            </div>
        </form>
    }
}
