//! The people of the organization and what they may do.

use super::SectionHead;
use super::invitations::{Invite, Pending};
use super::project_roles::ProjectRoles;
use super::row_rule::{ChangeRowRule, may_be_narrowed, seen};
use crate::api::{accounts, ingest};
use crate::browser;
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, Confirm, EmptyState, Icon, IconButton, open_while, show,
    toast, toast_error,
};
use crate::format;
use crate::load::{Submit, load};
use crate::session::session;
use api_types::accounts::{Member, Role};
use api_types::usage::Quota;
use leptos::prelude::*;

pub const ROLES: [Role; 4] = [Role::Owner, Role::Admin, Role::Editor, Role::Viewer];

#[component]
pub fn Members() -> impl IntoView {
    let members = load(|| Some(()), |()| accounts::members());
    let removing = RwSignal::new(None::<Member>);
    let placing = RwSignal::new(None::<Member>);
    let narrowing = RwSignal::new(None::<Member>);
    let may = session().is_admin();
    let invitations = load(move || may.then_some(()), |()| accounts::invitations());
    let inviting = RwSignal::new(false);
    let quota = load(
        || Some(()),
        |()| async { ingest::usage(format::date(browser::now_ms())).await.map(|usage| usage.quota) },
    );
    let changed = Callback::new(move |()| {
        members.refetch();
        quota.refetch();
    });
    view! {
        <section class="section">
            <SectionHead
                title="Members"
                text="Viewers search. Editors also make alerts and keys. Admins also manage projects and people. Owners can do everything."
            >
                {may.then(|| view! {
                    <Button kind=ButtonKind::Primary icon=Icon::Mail on_click=move |_| inviting.set(true)>"Invite"</Button>
                })}
            </SectionHead>
            {move || quota.state.with(|state| state.ready().and_then(room)).map(|room| view! { <p class="soft">{room}</p> })}
            <div class="card">
                {show(members, move |members| {
                    if members.is_empty() {
                        return view! { <EmptyState icon=Icon::Members title="No members" text="Nobody is in this organization."/> }.into_any();
                    }
                    let rows = members.into_iter().map(|member| view! { <MemberRow member removing placing narrowing changed/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Table">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Name"</th><th scope="col">"E-mail"</th><th scope="col">"Role"</th>
                                    <th scope="col">"Sees"</th><th scope="col">"Joined"</th><th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
            {may.then(|| view! { <Pending invitations/> })}
        </section>
        <Remove removing changed/>
        <ProjectRoles member=placing/>
        <ChangeRowRule of=narrowing changed/>
        <Invite open=inviting invited=Callback::new(move |()| invitations.refetch())/>
    }
}

/// How many members there are of how many, when there is a limit.
fn room(quota: &Quota) -> Option<String> {
    let most = quota.members?;
    Some(format!("{} of {} members. Invitations count too.", quota.members_used, most))
}

#[component]
fn MemberRow(
    member: Member,
    removing: RwSignal<Option<Member>>,
    placing: RwSignal<Option<Member>>,
    narrowing: RwSignal<Option<Member>>,
    changed: Callback<()>,
) -> impl IntoView {
    let session = session();
    let is_me = untrack(|| session.me().user.id) == member.user_id;
    let may = session.is_admin() && !is_me;
    let known = StoredValue::new(member.clone());
    let reset = move |_| {
        leptos::task::spawn_local(async move {
            match accounts::reset_second_factor(known.with_value(|member| member.user_id.clone())).await {
                Ok(_) => toast(
                    "Their second factor is off: they sign in with the password and can set up a new one",
                ),
                Err(error) => toast_error(error.message()),
            }
            changed.run(());
        });
    };
    view! {
        <tr>
            <td>
                <span class="row">
                    <strong>{member.name.clone()}</strong>
                    {is_me.then(|| view! { <Badge kind=BadgeKind::Accent plain=true>"you"</Badge> })}
                </span>
            </td>
            <td class="soft">{member.email.clone()}</td>
            <td>{if may { view! { <RoleSelect member=member.clone() changed/> }.into_any() } else { role_name(member.role).into_any() }}</td>
            <td class="soft">{seen(&member)}</td>
            <td class="soft"><Age at=member.joined_at.clone()/></td>
            <td class="actions">
                {may.then(|| view! {
                    <span class="row row-end">
                        {member.second_factor.then(|| view! { <Button small=true on_click=reset>"Reset second factor"</Button> })}
                        {(member.role < Role::Admin).then(|| view! {
                            <Button small=true on_click=move |_| placing.set(Some(known.get_value()))>"Projects"</Button>
                        })}
                        {may_be_narrowed(&member).then(|| view! {
                            <IconButton icon=Icon::Hidden label=format!("What {} sees", member.name) on_click=move |_| narrowing.set(Some(known.get_value()))/>
                        })}
                        <IconButton icon=Icon::Trash label=format!("Remove {}", member.name) on_click=move |_| removing.set(Some(known.get_value()))/>
                    </span>
                })}
            </td>
        </tr>
    }
}

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Editor => "Editor",
        Role::Viewer => "Viewer",
    }
}

#[component]
fn RoleSelect(member: Member, changed: Callback<()>) -> impl IntoView {
    let is_owner = untrack(|| session().me().role) == Role::Owner;
    let offered =
        ROLES.into_iter().filter(move |role| is_owner || *role != Role::Owner || member.role == Role::Owner);
    let id = StoredValue::new(member.user_id);
    let choose = move |event| {
        let wanted = event_target_value(&event);
        let Some(role) = ROLES.into_iter().find(|role| role_name(*role) == wanted) else { return };
        leptos::task::spawn_local(async move {
            match accounts::change_member(id.get_value(), role).await {
                Ok(member) => {
                    toast(format!("{} is {} now", member.name, role_name(member.role).to_lowercase()))
                }
                Err(error) => toast_error(error.message()),
            }
            changed.run(());
        });
    };
    view! {
        <select class="select select-inline" aria-label=format!("Role of {}", member.name) on:change=choose>
            {offered.map(|role| view! {
                <option value=role_name(role) selected=role == member.role>{role_name(role)}</option>
            }).collect_view()}
        </select>
    }
}

#[component]
fn Remove(removing: RwSignal<Option<Member>>, changed: Callback<()>) -> impl IntoView {
    let open = open_while(removing);
    let submit = Submit::new();
    let name =
        move || removing.with(|member| member.as_ref().map(|member| member.name.clone()).unwrap_or_default());
    let confirm = Callback::new(move |()| {
        let Some(member) = removing.get_untracked() else { return };
        submit.run(accounts::remove_member(member.user_id), move |_| {
            open.set(false);
            toast(format!("{} is removed", member.name));
            changed.run(());
        });
    });
    view! {
        <Confirm
            open
            title=Signal::derive(move || format!("Remove {}?", name()))
            message="They lose access to this organization at once. Alerts and keys that they made stay."
            action="Remove"
            submit
            on_confirm=confirm
        />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_for_members_is_told_when_there_is_a_limit() {
        let quota = |members| Quota {
            daily_events: None,
            daily_bytes: None,
            events_today: 0,
            bytes_today: 0,
            resets_at: String::new(),
            retention_days: None,
            members,
            members_used: 3,
        };
        assert_eq!(room(&quota(Some(5))).as_deref(), Some("3 of 5 members. Invitations count too."));
        assert_eq!(room(&quota(None)), None);
    }
}
