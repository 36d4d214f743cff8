//! Handing the organization over to another member.

use crate::api::accounts;
use crate::browser;
use crate::components::{
    Button, ButtonKind, Dialog, EmptyState, FormError, Icon, SelectField, TextField, show,
};
use crate::load::{Submit, load};
use crate::session::session;
use api_types::accounts::{Member, TransferRequest};
use leptos::prelude::*;

#[component]
pub fn Transfer() -> impl IntoView {
    let open = RwSignal::new(false);
    let known = load(
        || Some(()),
        |()| async { Ok((accounts::members().await?, accounts::sign_in_methods().await?.has_password)) },
    );
    view! {
        <div><Button on_click=move |_| open.set(true)>"Transfer ownership"</Button></div>
        <Dialog open title="Transfer ownership">
            {show(known, move |(members, has_password)| view! { <TransferForm open members has_password/> }.into_any())}
        </Dialog>
    }
}

#[component]
fn TransferForm(open: RwSignal<bool>, members: Vec<Member>, has_password: bool) -> impl IntoView {
    let me = untrack(|| session().me().user.id);
    let others: Vec<(String, String)> = members
        .into_iter()
        .filter(|member| member.user_id != me)
        .map(|member| (member.user_id, format!("{} ({})", member.name, member.email)))
        .collect();
    let Some(first) = others.first().map(|(id, _)| id.clone()) else {
        return view! {
            <EmptyState icon=Icon::Members title="There is nobody else" text="Invite the person first, then hand the organization over."/>
        }
        .into_any();
    };
    let (to, password) = (RwSignal::new(first), RwSignal::new(String::new()));
    let submit = Submit::new();
    let transfer = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = TransferRequest {
            user_id: to.get_untracked(),
            password: has_password.then(|| password.get_untracked()),
        };
        submit.run(accounts::transfer_organization(request), |_| browser::leave_to("/settings/members"));
    };
    view! {
        <form class="form" on:submit=transfer>
            <p class="soft">"They become the owner and you an admin. Only they can give it back."</p>
            <FormError message=submit.general(&["password"])/>
            <SelectField label="New owner" value=to options=others/>
            {has_password.then(|| view! {
                <TextField
                    label="Your password"
                    kind="password"
                    autocomplete="current-password"
                    required=true
                    value=password
                    error=submit.field("password")
                />
            })}
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger submit=true busy=submit.busy>"Transfer"</Button>
            </div>
        </form>
    }
    .into_any()
}
