//! The link from the verification mail.

use super::frame::AuthFrame;
use crate::api::accounts;
use crate::components::{ButtonKind, LinkButton, Loading, Notice, NoticeKind};
use crate::load::{Load, load};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn VerifyEmail() -> impl IntoView {
    let query = use_query_map();
    let token = query.with_untracked(|query| query.get("token")).unwrap_or_default();
    let verified = load(move || Some(token.clone()), accounts::verify_email);
    view! {
        <AuthFrame title="E-mail address" text="Alerts and invitations are sent to verified addresses.">
            {move || match verified.state.get() {
                Load::Waiting => view! { <Loading lines=2/> }.into_any(),
                Load::Failed(error) => view! {
                    <Notice kind=NoticeKind::Bad>{error.message()}</Notice>
                    <LinkButton href="/explore">"Go to Cordwood"</LinkButton>
                }.into_any(),
                Load::Ready(_) => view! {
                    <Notice kind=NoticeKind::Good>"Your e-mail address is verified."</Notice>
                    <LinkButton kind=ButtonKind::Primary href="/explore">"Go to Cordwood"</LinkButton>
                }.into_any(),
            }}
        </AuthFrame>
    }
}
