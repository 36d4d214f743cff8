//! The organization: its name, and its end.

use super::SectionHead;
use crate::api::accounts;
use crate::components::{Button, ButtonKind, Dialog, FormError, Icon, TextField, toast};
use crate::load::Submit;
use crate::session::session;
use api_types::accounts::Role;
use leptos::prelude::*;

#[component]
pub fn OrganizationSection() -> impl IntoView {
    let session = session();
    let name = untrack(|| session.me().organization.name);
    let is_owner = untrack(|| session.me().role) == Role::Owner;
    view! {
        <section class="section">
            <SectionHead title="Organization" text="What its members see as its name."/>
            <div class="card"><div class="card-body"><NameForm name=name.clone()/></div></div>
        </section>
        {is_owner.then(|| view! {
            <section class="section">
                <SectionHead title="Take everything along" text="All logs, alerts, settings and the audit log as one file, without secrets. It is kept for a week."/>
                <ExportEverything/>
            </section>
            <section class="section">
                <SectionHead title="Delete this organization" text="Everything goes: logs, alerts, keys, members. It can be cancelled for some days, and you get a proof by mail."/>
                <DeleteOrganization name/>
            </section>
        })}
    }
}

#[component]
fn NameForm(name: String) -> impl IntoView {
    let session = session();
    let name = RwSignal::new(name);
    let submit = Submit::new();
    let may = session.is_admin();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        let work = async move {
            accounts::rename_organization(wanted).await?;
            accounts::me().await
        };
        submit.run(work, move |me| {
            session.set_me(me);
            toast("The name is saved");
        });
    };
    view! {
        <form class="form form-narrow" on:submit=save>
            <FormError message=submit.general(&["name"])/>
            <TextField label="Name" autocomplete="organization" value=name required=true disabled=!may error=submit.field("name")/>
            {may.then(|| view! { <div class="form-actions"><Button submit=true busy=submit.busy>"Save name"</Button></div> })}
        </form>
    }
}

#[component]
fn ExportEverything() -> impl IntoView {
    let submit = Submit::new();
    let ask = move |_| {
        submit.run(accounts::export_organization(), |answer| {
            toast(format!("{} rows are being gathered. See Erasure for the file.", answer.rows_expected));
        });
    };
    view! {
        <FormError message=submit.general(&[])/>
        <div><Button icon=Icon::Download busy=submit.busy on_click=ask>"Export everything"</Button></div>
    }
}

#[component]
fn DeleteOrganization(name: String) -> impl IntoView {
    let open = RwSignal::new(false);
    let known = StoredValue::new(name);
    view! {
        <div><Button kind=ButtonKind::Danger on_click=move |_| open.set(true)>"Delete organization"</Button></div>
        <Dialog open title=format!("Delete {}?", known.get_value())>
            <DeleteForm open name=known.get_value()/>
        </Dialog>
    }
}

#[component]
fn DeleteForm(open: RwSignal<bool>, name: String) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let submit = Submit::new();
    let ask = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        submit.run(accounts::delete_organization(typed.get_untracked()), move |answer| {
            let starts = answer.starts_at.unwrap_or_default();
            toast(format!(
                "{} rows and all else will be deleted from {starts} on. See Erasure to cancel it.",
                answer.rows_expected
            ));
            open.set(false);
        });
    };
    view! {
        <form class="form" on:submit=ask>
            <p class="soft">"All its logs are erased for good, once the days in which it can be cancelled are over."</p>
            <FormError message=submit.general(&["name"])/>
            <TextField label=format!("Type {name} to be sure") value=typed required=true autofocus=true error=submit.field("name")/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger submit=true busy=submit.busy>"Delete"</Button>
            </div>
        </form>
    }
}
