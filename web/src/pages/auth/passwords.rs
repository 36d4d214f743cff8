//! Asking for a new password, and choosing it by the link from the mail.

use super::frame::AuthFrame;
use crate::api::accounts;
use crate::components::{Button, ButtonKind, FormError, LinkButton, Notice, NoticeKind, TextField};
use crate::load::Submit;
use api_types::accounts::ResetPasswordRequest;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ForgotPassword() -> impl IntoView {
    let email = RwSignal::new(String::new());
    let sent = RwSignal::new(false);
    let submit = Submit::new();
    let ask = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let address = email.get_untracked().trim().to_owned();
        submit.run(accounts::forgot_password(address), move |_| sent.set(true));
    };
    view! {
        <AuthFrame title="Reset your password" text="We send a link to your e-mail address.">
            <Show
                when=move || sent.get()
                fallback=move || view! {
                    <form class="form" on:submit=ask>
                        <FormError message=submit.general(&["email"])/>
                        <TextField
                            label="E-mail"
                            kind="email"
                            autocomplete="username"
                            autofocus=true
                            required=true
                            value=email
                            error=submit.field("email")
                        />
                        <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Send the link"</Button>
                    </form>
                }
            >
                <Notice kind=NoticeKind::Good>
                    "If there is an account with this address, a link is on its way. It works for one hour."
                </Notice>
            </Show>
            <p class="auth-foot"><a class="link" href="/login">"Back to log in"</a></p>
        </AuthFrame>
    }
}

#[component]
pub fn ResetPassword() -> impl IntoView {
    let query = use_query_map();
    let password = RwSignal::new(String::new());
    let changed = RwSignal::new(false);
    let submit = Submit::new();
    let reset = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let token = query.with_untracked(|query| query.get("token")).unwrap_or_default();
        let request = ResetPasswordRequest { token, password: password.get_untracked() };
        submit.run(accounts::reset_password(request), move |_| changed.set(true));
    };
    view! {
        <AuthFrame title="Choose a new password" text="All other devices are signed out.">
            <Show
                when=move || changed.get()
                fallback=move || view! {
                    <form class="form" on:submit=reset>
                        <FormError message=submit.general(&["password"])/>
                        <TextField
                            label="New password"
                            kind="password"
                            autocomplete="new-password"
                            autofocus=true
                            required=true
                            value=password
                            hint="At least 12 characters. A few unrelated words are good."
                            error=submit.field("password")
                        />
                        <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Set password"</Button>
                    </form>
                }
            >
                <Notice kind=NoticeKind::Good>"Your password is changed."</Notice>
                <LinkButton kind=ButtonKind::Primary href="/login">"Log in"</LinkButton>
            </Show>
        </AuthFrame>
    }
}
