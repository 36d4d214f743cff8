//! Signing in by another provider: its button, and the words for what went wrong on the way.

use crate::api::accounts;
use crate::components::{Notice, NoticeKind};
use crate::load::{Load, load};
use crate::url::escape;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// A button for each provider of this installation; nothing where there is none. `next` is the page to go to afterwards.
#[component]
pub fn ProviderButtons(#[prop(into)] next: Signal<String>) -> impl IntoView {
    let providers = load(|| Some(()), |()| accounts::sso_providers());
    let button = move |provider: api_types::accounts::SsoProvider| {
        let id = provider.id;
        let href = move || format!("/api/v1/auth/sso/{id}/start?next={}", escape(&next.get()));
        view! {
            <a class="button button-secondary button-wide" rel="external" href=href>
                {format!("Continue with {}", provider.name)}
            </a>
        }
    };
    move || match providers.state.get() {
        Load::Ready(list) if !list.is_empty() => Some(view! {
            <p class="auth-or"><span>"or"</span></p>
            <div class="auth-providers">{list.into_iter().map(button).collect_view()}</div>
        }),
        _ => None,
    }
}

/// Why a login by another provider led back here, if it did.
#[component]
pub fn ProviderFailure() -> impl IntoView {
    let code = use_query_map().with_untracked(|query| query.get("sso"));
    code.and_then(|code| words(&code)).map(|text| view! { <Notice kind=NoticeKind::Bad>{text}</Notice> })
}

/// What a code in the address means; `None` for one that we never give.
pub fn words(code: &str) -> Option<&'static str> {
    Some(match code {
        "cancelled" => "The login was cancelled at the provider.",
        "state_lost" => "The login took too long or was begun in another browser. Try again.",
        "provider_unreachable" => "The provider cannot be reached just now. Try again in a moment.",
        "provider_failed" => {
            "The provider's answer could not be accepted. Try again, or ask who runs this installation."
        }
        "email_unverified" => {
            "The provider has not confirmed your e-mail address. Confirm it there, then try again."
        }
        "account_unconfirmed" => {
            "There is an account with this address here, but the address was never confirmed. Reset its password by mail, then try again."
        }
        "identity_taken" => "That account is linked to somebody else here.",
        "signed_out" => "You are not signed in any more. Log in and try again.",
        "signup_closed" => {
            "There is no account with this address, and signing up is closed here. Ask to be invited."
        }
        "no_organization" => "You are in no organization any more. Ask to be invited.",
        "too_many_attempts" => "Too many logins have failed. Try again in a few minutes.",
        "unavailable" => "This did not work just now. Try again in a moment.",
        _ => return None,
    })
}
