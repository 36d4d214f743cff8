//! The last step of a login by another provider, when something is missing: the code of the second factor, or for somebody new the
//! name of their organization. Who comes by an invitation joins with one press.

use super::frame::AuthFrame;
use crate::api::accounts;
use crate::browser;
use crate::components::{Button, ButtonKind, FormError, LinkButton, Loading, Notice, NoticeKind, TextField};
use crate::load::{Load, Submit, load};
use api_types::accounts::{SsoFinish, SsoNeeds, SsoPending};
use leptos::prelude::*;

#[component]
pub fn FinishLogin() -> impl IntoView {
    let pending = load(|| Some(()), |()| accounts::sso_pending());
    view! {
        <AuthFrame title="Almost there" text="One more step and you are in.">
            {move || match pending.state.get() {
                Load::Waiting => view! { <Loading lines=3/> }.into_any(),
                Load::Failed(error) => view! {
                    <Notice kind=NoticeKind::Bad>{error.message()}</Notice>
                    <LinkButton href="/login">"Log in"</LinkButton>
                }.into_any(),
                Load::Ready(pending) => match (pending.needs, invitation_of(&pending.next)) {
                    (SsoNeeds::Code, _) => view! { <Code pending/> }.into_any(),
                    (SsoNeeds::Account, Some(token)) => view! { <Join pending token/> }.into_any(),
                    (SsoNeeds::Account, None) => view! { <NewOrganization pending/> }.into_any(),
                },
            }}
        </AuthFrame>
    }
}

/// The token of the invitation from whose page the login began.
fn invitation_of(next: &str) -> Option<String> {
    next.strip_prefix("/invite?token=").map(str::to_owned)
}

fn finish(submit: Submit, request: SsoFinish, next: String) {
    submit.run(accounts::sso_finish(request), move |_| browser::leave_to(&next));
}

#[component]
fn Code(pending: SsoPending) -> impl IntoView {
    let code = RwSignal::new(String::new());
    let submit = Submit::new();
    let next = StoredValue::new(pending.next);
    let log_in = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = SsoFinish { code: Some(code.get_untracked().trim().into()), ..SsoFinish::default() };
        finish(submit, request, next.get_value());
    };
    view! {
        <form class="form" on:submit=log_in>
            <FormError message=submit.general(&[])/>
            <TextField
                label="Code"
                autocomplete="one-time-code"
                autofocus=true
                required=true
                mono=true
                value=code
                hint="The six digits that your authenticator app shows, or a recovery code."
            />
            <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Log in"</Button>
        </form>
    }
}

#[component]
fn Join(pending: SsoPending, token: String) -> impl IntoView {
    let submit = Submit::new();
    let token = StoredValue::new(token);
    let join = move |_| {
        let request = SsoFinish { invitation: Some(token.get_value()), ..SsoFinish::default() };
        finish(submit, request, "/explore".into());
    };
    view! {
        <p>{format!("{} knows you as ", pending.provider)}<strong>{pending.email}</strong>"."</p>
        <FormError message=submit.general(&[])/>
        <Button kind=ButtonKind::Primary wide=true busy=submit.busy on_click=join>"Join"</Button>
    }
}

#[component]
fn NewOrganization(pending: SsoPending) -> impl IntoView {
    let (name, organization) = (RwSignal::new(pending.name), RwSignal::new(String::new()));
    let email = RwSignal::new(pending.email);
    let submit = Submit::new();
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = SsoFinish {
            name: Some(name.get_untracked().trim().into()),
            organization: Some(organization.get_untracked().trim().into()),
            ..SsoFinish::default()
        };
        finish(submit, request, "/send".into());
    };
    view! {
        <form class="form" on:submit=create>
            <FormError message=submit.general(&["name", "organization"])/>
            <TextField label="E-mail" kind="email" autocomplete="username" value=email disabled=true/>
            <TextField label="Your name" autocomplete="name" required=true value=name error=submit.field("name")/>
            <TextField
                label="Organization"
                autocomplete="organization"
                autofocus=true
                required=true
                value=organization
                hint="Your company or team. Others can be invited later."
                error=submit.field("organization")
            />
            <Button kind=ButtonKind::Primary wide=true submit=true busy=submit.busy>"Create account"</Button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::invitation_of;

    #[test]
    fn an_invitation_is_remembered_on_the_way() {
        assert_eq!(invitation_of("/invite?token=abc").as_deref(), Some("abc"));
        assert_eq!(invitation_of("/explore"), None);
    }
}
