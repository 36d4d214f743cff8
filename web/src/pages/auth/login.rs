//! Logging in: the password, and for accounts with a second factor its code.

use super::elsewhere::{ProviderButtons, ProviderFailure};
use super::frame::{AuthFrame, next_address};
use crate::api::accounts;
use crate::app::Go;
use crate::components::{Button, ButtonKind, FormError, TextField};
use crate::load::Submit;
use api_types::accounts::LoginRequest;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

#[component]
pub fn Login() -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let (email, password, code) = (text(), text(), text());
    let submit = Submit::new();
    let go = Go::here();
    let search = use_location().search;
    let asks_code = RwSignal::new(false);
    Effect::new(move |_| {
        if submit
            .error
            .with(|error| error.as_ref().is_some_and(|error| error.code() == "second_factor_required"))
        {
            asks_code.set(true);
        }
    });
    let log_in = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = LoginRequest {
            email: email.get_untracked().trim().into(),
            password: password.get_untracked(),
            code: asks_code.get_untracked().then(|| code.get_untracked().trim().to_owned()),
        };
        let next = next_address(&search.get_untracked());
        submit.run(accounts::log_in(request), move |_| go.to(next));
    };
    let message = submit.general(&["email", "password"]);
    // That a code is wanted is said by its field.
    let message = Signal::derive(move || {
        let only_asked = submit
            .error
            .with(|error| error.as_ref().is_some_and(|error| error.code() == "second_factor_required"));
        message.get().filter(|_| !only_asked)
    });
    view! {
        <AuthFrame title="Log in" text="Welcome back.">
            <ProviderFailure/>
            <form class="form" on:submit=log_in>
                <FormError message/>
                <TextField
                    label="E-mail"
                    kind="email"
                    autocomplete="username"
                    autofocus=true
                    required=true
                    value=email
                    error=submit.field("email")
                />
                <TextField
                    label="Password"
                    kind="password"
                    autocomplete="current-password"
                    required=true
                    value=password
                    error=submit.field("password")
                />
                {move || asks_code.get().then(|| view! {
                    <TextField
                        label="Code"
                        autocomplete="one-time-code"
                        autofocus=true
                        required=true
                        mono=true
                        value=code
                        hint="The six digits that your authenticator app shows, or a recovery code."
                    />
                })}
                <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Log in"</Button>
            </form>
            <ProviderButtons next=Signal::derive(move || next_address(&search.get()))/>
            <p class="auth-foot"><a class="link" href="/forgot-password">"Forgot your password?"</a></p>
            <p class="auth-foot">"New here? "<a class="link" href="/signup">"Create an account"</a></p>
            <p class="auth-foot">"Just looking? "<a class="link" href="/local">"Search a log file in your browser"</a></p>
        </AuthFrame>
    }
}
