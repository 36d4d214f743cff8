//! The address with which one signs in, and changing it.

use crate::api::accounts;
use crate::components::{
    Badge, BadgeKind, Button, ButtonKind, Dialog, FormError, Notice, NoticeKind, TextField,
};
use crate::load::Submit;
use api_types::accounts::User;
use leptos::prelude::*;

#[component]
pub fn EmailAddress(user: User) -> impl IntoView {
    let changing = RwSignal::new(false);
    view! {
        <dl class="details-list">
            <dt>"E-mail"</dt>
            <dd class="row">
                {user.email}
                {if user.email_verified {
                    view! { <Badge kind=BadgeKind::Good>"verified"</Badge> }
                } else {
                    view! { <Badge kind=BadgeKind::Warning>"not verified: see the mail we sent"</Badge> }
                }}
                <Button small=true on_click=move |_| changing.set(true)>"Change"</Button>
            </dd>
        </dl>
        <Dialog open=changing title="Change your e-mail address"><ChangeForm open=changing/></Dialog>
    }
}

#[component]
fn ChangeForm(open: RwSignal<bool>) -> impl IntoView {
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let sent = RwSignal::new(false);
    let submit = Submit::new();
    let ask = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let address = email.get_untracked().trim().to_owned();
        submit.run(accounts::change_email(address, password.get_untracked()), move |_| sent.set(true));
    };
    view! {
        {move || if sent.get() {
            view! {
                <Notice kind=NoticeKind::Good>
                    {format!("A link is on its way to {}. The address changes when it is followed.", email.get_untracked())}
                </Notice>
                <div class="dialog-actions">
                    <Button kind=ButtonKind::Primary on_click=move |_| open.set(false)>"Done"</Button>
                </div>
            }.into_any()
        } else {
            view! {
                <form class="form" on:submit=ask>
                    <FormError message=submit.general(&["email", "password"])/>
                    <TextField label="New e-mail address" kind="email" required=true autofocus=true value=email error=submit.field("email")/>
                    <TextField
                        label="Your password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                        value=password
                        error=submit.field("password")
                    />
                    <div class="dialog-actions">
                        <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                        <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Send the link"</Button>
                    </div>
                </form>
            }.into_any()
        }}
    }
}
