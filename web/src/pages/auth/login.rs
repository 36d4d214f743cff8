//! Logging in.

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
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let submit = Submit::new();
    let go = Go::here();
    let search = use_location().search;
    let log_in = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request =
            LoginRequest { email: email.get_untracked().trim().into(), password: password.get_untracked() };
        let next = next_address(&search.get_untracked());
        submit.run(accounts::log_in(request), move |_| go.to(next));
    };
    view! {
        <AuthFrame title="Log in" text="Welcome back.">
            <form class="form" on:submit=log_in>
                <FormError message=submit.general(&["email", "password"])/>
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
                <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Log in"</Button>
            </form>
            <p class="auth-foot"><a class="link" href="/forgot-password">"Forgot your password?"</a></p>
            <p class="auth-foot">"New here? "<a class="link" href="/signup">"Create an account"</a></p>
            <p class="auth-foot">"Just looking? "<a class="link" href="/local">"Search a log file in your browser"</a></p>
        </AuthFrame>
    }
}
