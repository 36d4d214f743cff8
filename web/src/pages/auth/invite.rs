//! The link from an invitation: joining with a new account, with the one that is signed in, or after logging in.

use super::elsewhere::ProviderButtons;
use super::frame::AuthFrame;
use crate::api::{ApiError, accounts};
use crate::browser;
use crate::components::{Button, ButtonKind, FormError, LinkButton, Loading, Notice, NoticeKind, TextField};
use crate::load::{Load, Submit, load};
use api_types::accounts::{AcceptRequest, InvitedTo, Role, User};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn AcceptInvitation() -> impl IntoView {
    let query = use_query_map();
    let token = query.with_untracked(|query| query.get("token")).unwrap_or_default();
    let known = StoredValue::new(token.clone());
    let found = load(
        move || Some(token.clone()),
        |token| async move {
            let invited = accounts::look_up_invitation(token).await?;
            // Nobody needs to be signed in here.
            Ok::<_, ApiError>((invited, accounts::who_is_signed_in().await))
        },
    );
    view! {
        <AuthFrame title="You are invited" text="Join your team on Cordwood.">
            {move || match found.state.get() {
                Load::Waiting => view! { <Loading lines=3/> }.into_any(),
                Load::Failed(error) => view! {
                    <Notice kind=NoticeKind::Bad>{error.message()}</Notice>
                    <LinkButton href="/login">"Log in"</LinkButton>
                }.into_any(),
                Load::Ready((invited, signed_in)) => view! { <Join token=known.get_value() invited signed_in/> }.into_any(),
            }}
        </AuthFrame>
    }
}

#[component]
fn Join(token: String, invited: InvitedTo, signed_in: Option<User>) -> impl IntoView {
    let by = invited.invited_by.clone().map_or_else(|| "You were".to_owned(), |name| format!("{name} has"));
    let role = match invited.role {
        Role::Owner => "an owner",
        Role::Admin => "an admin",
        Role::Editor => "an editor",
        Role::Viewer => "a viewer",
    };
    let verb = if invited.invited_by.is_some() { " invited you to " } else { " invited to " };
    let is_me = signed_in.as_ref().is_some_and(|user| user.email == invited.email);
    let email = invited.email.clone();
    view! {
        <p>{by}{verb}<strong>{invited.organization.clone()}</strong>" as "{role}"."</p>
        {if is_me {
            view! { <JoinAsMe token organization=invited.organization/> }.into_any()
        } else if invited.has_account {
            view! { <LogInFirst token email other=signed_in.map(|user| user.email)/> }.into_any()
        } else {
            view! { <NewAccount token email/> }.into_any()
        }}
    }
}

#[component]
fn JoinAsMe(token: String, organization: String) -> impl IntoView {
    let submit = Submit::new();
    let token = StoredValue::new(token);
    let join = move |_| {
        let request = AcceptRequest { token: token.get_value(), name: None, password: None };
        submit.run(accounts::accept_invitation(request), |_| browser::leave_to("/explore"));
    };
    view! {
        <FormError message=submit.general(&[])/>
        <Button kind=ButtonKind::Primary wide=true busy=submit.busy on_click=join>{format!("Join {organization}")}</Button>
    }
}

#[component]
fn LogInFirst(token: String, email: String, other: Option<String>) -> impl IntoView {
    let next = crate::url::escape(&format!("/invite?token={token}"));
    let text = match other {
        Some(other) => {
            format!("You are signed in as {other}. The invitation is for {email}: log in with that account.")
        }
        None => format!("There is an account for {email}. Log in with it to join."),
    };
    view! {
        <Notice kind=NoticeKind::Plain>{text}</Notice>
        <LinkButton kind=ButtonKind::Primary href=format!("/login?next={next}")>"Log in"</LinkButton>
    }
}

#[component]
fn NewAccount(token: String, email: String) -> impl IntoView {
    let (name, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let address = RwSignal::new(email);
    let submit = Submit::new();
    let here = format!("/invite?token={token}");
    let token = StoredValue::new(token);
    let join = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = AcceptRequest {
            token: token.get_value(),
            name: Some(name.get_untracked().trim().into()),
            password: Some(password.get_untracked()),
        };
        submit.run(accounts::accept_invitation(request), |_| browser::leave_to("/explore"));
    };
    view! {
        <form class="form" on:submit=join>
            <FormError message=submit.general(&["name", "password"])/>
            <TextField label="E-mail" kind="email" autocomplete="username" value=address disabled=true/>
            <TextField label="Your name" autocomplete="name" autofocus=true required=true value=name error=submit.field("name")/>
            <TextField
                label="Password"
                kind="password"
                autocomplete="new-password"
                required=true
                value=password
                hint="At least 12 characters. A few unrelated words are good."
                error=submit.field("password")
            />
            <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Join"</Button>
        </form>
        <ProviderButtons next=here/>
    }
}
