//! Which logs a member may see: all of them, or what a row rule lets through.

use crate::api::accounts;
use crate::components::{Button, ButtonKind, Dialog, FormError, TextField, open_while, toast};
use crate::load::Submit;
use api_types::accounts::{Member, Role};
use leptos::prelude::*;

pub const HINT: &str = "A filter such as env:dev. Empty: they see everything.";

/// What a member sees, in a cell.
pub fn seen(member: &Member) -> impl IntoView + use<> {
    match &member.row_rule {
        Some(rule) => view! { "only "<code>{rule.clone()}</code> }.into_any(),
        None => "everything".into_any(),
    }
}

/// Owners and admins see everything, whatever is set.
pub fn may_be_narrowed(member: &Member) -> bool {
    member.role < Role::Admin
}

#[component]
pub fn ChangeRowRule(of: RwSignal<Option<Member>>, changed: Callback<()>) -> impl IntoView {
    let open = open_while(of);
    let name =
        move || of.with(|member| member.as_ref().map(|member| member.name.clone()).unwrap_or_default());
    view! {
        <Dialog open title=Signal::derive(move || format!("What {} sees", name()))>
            {move || of.get().map(|member| view! { <RuleForm member open changed/> })}
        </Dialog>
    }
}

#[component]
fn RuleForm(member: Member, open: RwSignal<bool>, changed: Callback<()>) -> impl IntoView {
    let rule = RwSignal::new(member.row_rule.clone().unwrap_or_default());
    let submit = Submit::new();
    let member = StoredValue::new(member);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let given = rule.get_untracked().trim().to_owned();
        let given = Some(given).filter(|text| !text.is_empty());
        let id = member.with_value(|member| member.user_id.clone());
        submit.run(accounts::set_row_rule(id, given), move |member| {
            toast(match member.row_rule {
                Some(rule) => format!("{} sees only {rule}", member.name),
                None => format!("{} sees everything", member.name),
            });
            open.set(false);
            changed.run(());
        });
    };
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&["row_rule"])/>
            <TextField label="Only events that match" value=rule mono=true autofocus=true placeholder="env:dev" hint=HINT error=submit.field("row_rule")/>
            <p class="field-hint">"It holds in every search, export and live tail, within five seconds. Alerts, usage by source and keys that read are closed to them."</p>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}
