//! Signing up: one form, and one is in.

use super::elsewhere::ProviderButtons;
use super::frame::AuthFrame;
use crate::api::accounts;
use crate::app::Go;
use crate::components::{Button, ButtonKind, FormError, TextField};
use crate::load::Submit;
use api_types::accounts::SignupRequest;
use leptos::prelude::*;

#[component]
pub fn SignUp() -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let (name, organization, email, password) = (text(), text(), text(), text());
    let submit = Submit::new();
    let go = Go::here();
    let sign_up = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = SignupRequest {
            email: email.get_untracked().trim().into(),
            password: password.get_untracked(),
            name: name.get_untracked().trim().into(),
            organization: organization.get_untracked().trim().into(),
        };
        submit.run(accounts::sign_up(request), move |_| go.to("/send"));
    };
    view! {
        <AuthFrame title="Create your account" text="Your first logs are searchable in a few minutes.">
            <form class="form" on:submit=sign_up>
                <FormError message=submit.general(&["name", "organization", "email", "password"])/>
                <TextField
                    label="Your name"
                    autocomplete="name"
                    autofocus=true
                    required=true
                    value=name
                    error=submit.field("name")
                />
                <TextField
                    label="Organization"
                    autocomplete="organization"
                    required=true
                    value=organization
                    hint="Your company or team. Others can be invited later."
                    error=submit.field("organization")
                />
                <TextField
                    label="E-mail"
                    kind="email"
                    autocomplete="username"
                    required=true
                    value=email
                    error=submit.field("email")
                />
                <TextField
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    required=true
                    value=password
                    hint="At least 12 characters. A few unrelated words are good."
                    error=submit.field("password")
                />
                <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Create account"</Button>
            </form>
            <ProviderButtons next="/send"/>
            <p class="auth-foot">"Already have an account? "<a class="link" href="/login">"Log in"</a></p>
        </AuthFrame>
    }
}
