//! The application: its routes, and what every page can count on.

use crate::components::{EmptyState, Icon, LinkButton, Toasts};
use crate::pages::{alerts, auth, explore, ingest, local, send, settings};
use crate::preferences;
use crate::shell::Shell;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::hooks::use_navigate;
use leptos_router::path;

/// Goes to another page without loading it anew. Take it while a component is made, use it whenever.
#[derive(Clone, Copy)]
pub struct Go(Callback<(String, bool)>);

impl Go {
    pub fn here() -> Self {
        let navigate = use_navigate();
        Self(Callback::new(move |(address, replace): (String, bool)| {
            navigate(&address, NavigateOptions { replace, scroll: false, ..NavigateOptions::default() });
        }))
    }

    pub fn to(self, address: impl Into<String>) {
        self.0.run((address.into(), false));
    }

    /// Without a step that the back button would undo.
    pub fn replace(self, address: impl Into<String>) {
        self.0.run((address.into(), true));
    }
}

#[component]
pub fn App() -> impl IntoView {
    preferences::provide();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=auth::Login/>
                <Route path=path!("/signup") view=auth::SignUp/>
                <Route path=path!("/sso") view=auth::FinishLogin/>
                <Route path=path!("/forgot-password") view=auth::ForgotPassword/>
                <Route path=path!("/reset-password") view=auth::ResetPassword/>
                <Route path=path!("/verify-email") view=auth::VerifyEmail/>
                <Route path=path!("/local") view=local::LocalFile/>
                <Route path=path!("/change-email") view=auth::ChangeEmail/>
                <Route path=path!("/invite") view=auth::AcceptInvitation/>
                <Route path=path!("/mute") view=alerts::MuteByLink/>
                <Route path=path!("/dev/components") view=Components/>
                <ParentRoute path=path!("/") view=Shell>
                    <Route path=path!("") view=|| view! { <Redirect path="/explore"/> }/>
                    <Route path=path!("explore") view=explore::Explore/>
                    <Route path=path!("send") view=send::SendLogs/>
                    <Route path=path!("alerts") view=alerts::AlertList/>
                    <Route path=path!("alerts/new") view=alerts::NewAlert/>
                    <Route path=path!("alerts/:id") view=alerts::AlertPage/>
                    <Route path=path!("alerts/:id/edit") view=alerts::EditAlert/>
                    <Route path=path!("usage") view=|| view! { <Redirect path="/ingest/usage"/> }/>
                    <Route path=path!("ingest") view=|| view! { <Redirect path="/ingest/health"/> }/>
                    <Route path=path!("ingest/:section") view=ingest::Ingest/>
                    <Route path=path!("settings") view=|| view! { <Redirect path="/settings/api-keys"/> }/>
                    <Route path=path!("settings/:section") view=settings::Settings/>
                </ParentRoute>
            </Routes>
        </Router>
        <Toasts/>
    }
}

/// Only debug builds have the page.
#[component]
fn Components() -> impl IntoView {
    #[cfg(debug_assertions)]
    return view! { <crate::pages::components::Components/> };
    #[cfg(not(debug_assertions))]
    return view! { <NotFound/> };
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <main>
            <h1 class="sr-only">"No such page"</h1>
            <EmptyState icon=Icon::Help title="There is no such page" text="The address may be mistyped, or what it led to is gone.">
                <LinkButton href="/explore">"Go to Explore"</LinkButton>
            </EmptyState>
        </main>
    }
}

/// The title of the browser's tab.
pub fn set_title(title: &str) {
    document().set_title(&format!("{title} · Cordwood"));
}
