//! The links from mails about an address: confirming it, and changing to it.

use super::frame::AuthFrame;
use crate::api::{Nothing, accounts};
use crate::components::{ButtonKind, LinkButton, Loading, Notice, NoticeKind};
use crate::load::{Load, Loaded, load};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn VerifyEmail() -> impl IntoView {
    let token = token();
    let verified = load(move || Some(token.clone()), accounts::verify_email);
    view! { <Outcome followed=verified text="Alerts and invitations are sent to verified addresses." done="Your e-mail address is verified."/> }
}

#[component]
pub fn ChangeEmail() -> impl IntoView {
    let token = token();
    let changed = load(move || Some(token.clone()), accounts::confirm_new_email);
    view! { <Outcome followed=changed text="You sign in with it from now on." done="Your e-mail address is changed."/> }
}

fn token() -> String {
    use_query_map().with_untracked(|query| query.get("token")).unwrap_or_default()
}

#[component]
fn Outcome(followed: Loaded<Nothing>, text: &'static str, done: &'static str) -> impl IntoView {
    view! {
        <AuthFrame title="E-mail address" text=text>
            {move || match followed.state.get() {
                Load::Waiting => view! { <Loading lines=2/> }.into_any(),
                Load::Failed(error) => view! {
                    <Notice kind=NoticeKind::Bad>{error.message()}</Notice>
                    <LinkButton href="/explore">"Go to Cordwood"</LinkButton>
                }.into_any(),
                Load::Ready(_) => view! {
                    <Notice kind=NoticeKind::Good>{done}</Notice>
                    <LinkButton kind=ButtonKind::Primary href="/explore">"Go to Cordwood"</LinkButton>
                }.into_any(),
            }}
        </AuthFrame>
    }
}
