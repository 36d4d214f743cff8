//! Where the application is cut: each page below is fetched when it is first shown, so that the first page does not wait for all.
//!
//! `cargo xtask web` cuts at the functions marked `wasm_split`. What several parts share, and the rest does not need, is fetched once.
//! A part that cannot be fetched is most often one of an older release, so the page is loaded anew, once; then it says what happened.

use crate::browser;
use crate::components::{Button, EmptyState, Icon};
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use leptos_router::LazyRoute;

/// Names a page, its part, and what it draws. Few parts, because whatever two of them share becomes a file of its own.
macro_rules! pages {
    ($($page:ident, $part:ident, $load:ident: $view:expr;)*) => {$(
        #[leptos::wasm_split::wasm_split($part, wasm_split_path = ::leptos::wasm_split, fallible)]
        fn $load() -> Result<AnyView, SplitLoaderError> {
            Ok($view.into_any())
        }

        pub struct $page;

        impl LazyRoute for $page {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                shown($load().await)
            }
        }
    )*};
}

pages! {
    Login, auth, login: view! { <crate::pages::auth::Login/> };
    SignUp, auth, sign_up: view! { <crate::pages::auth::SignUp/> };
    FinishLogin, auth, finish_login: view! { <crate::pages::auth::FinishLogin/> };
    ForgotPassword, auth, forgot_password: view! { <crate::pages::auth::ForgotPassword/> };
    ResetPassword, auth, reset_password: view! { <crate::pages::auth::ResetPassword/> };
    VerifyEmail, auth, verify_email: view! { <crate::pages::auth::VerifyEmail/> };
    ChangeEmail, auth, change_email: view! { <crate::pages::auth::ChangeEmail/> };
    AcceptInvitation, auth, accept_invitation: view! { <crate::pages::auth::AcceptInvitation/> };
    MuteByLink, rest, mute_by_link: view! { <crate::pages::alerts::MuteByLink/> };
    LocalFile, explore, local_file: view! { <crate::pages::local::LocalFile/> };
    Explore, explore, explore: view! { <crate::pages::explore::Explore/> };
    SendLogs, rest, send_logs: view! { <crate::pages::send::SendLogs/> };
    AlertList, rest, alert_list: view! { <crate::pages::alerts::AlertList/> };
    NewAlert, rest, new_alert: view! { <crate::pages::alerts::NewAlert/> };
    AlertPage, rest, alert_page: view! { <crate::pages::alerts::AlertPage/> };
    EditAlert, rest, edit_alert: view! { <crate::pages::alerts::EditAlert/> };
    Device, rest, device: view! { <crate::pages::device::Device/> };
    Ingest, rest, ingest: view! { <crate::pages::ingest::Ingest/> };
    Settings, rest, settings: view! { <crate::pages::settings::Settings/> };
}

#[cfg(any(debug_assertions, feature = "dev-pages"))]
pages! {
    Components, rest, components: view! { <crate::pages::components::Components/> };
}

/// What the worker behind `/local` runs.
#[leptos::wasm_split::wasm_split(local_worker, wasm_split_path = ::leptos::wasm_split, fallible)]
fn local_worker() -> Result<(), SplitLoaderError> {
    if let Some(scope) = crate::local::scope() {
        crate::local::worker::run(scope);
    }
    Ok(())
}

pub async fn run_local_worker() {
    // The page waits for the worker's first word; without it, opening a file fails there.
    let _ran = local_worker().await;
}

const RELOADED: &str = "cordwood.reloaded";

fn shown(loaded: Result<AnyView, SplitLoaderError>) -> AnyView {
    browser::end_boot();
    match loaded {
        Ok(view) => {
            browser::store(RELOADED, None);
            view
        }
        Err(_) if browser::stored(RELOADED).is_none() => {
            browser::store(RELOADED, Some("yes"));
            browser::reload();
            ().into_any()
        }
        Err(_) => view! { <NotLoaded/> }.into_any(),
    }
}

#[component]
fn NotLoaded() -> impl IntoView {
    view! {
        <main>
            <h1 class="sr-only">"The page could not be loaded"</h1>
            <EmptyState icon=Icon::Refresh title="The page could not be loaded" text="A part of Cordwood did not arrive. Check the connection and try again.">
                <Button icon=Icon::Refresh on_click=|_| browser::reload()>"Try again"</Button>
            </EmptyState>
        </main>
    }
}
