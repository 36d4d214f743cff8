//! The application: its routes, and what every page can count on.

use crate::components::{EmptyState, Icon, LinkButton, Toasts};
use crate::later;
use crate::preferences;
use crate::shell::Shell;
use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::hooks::use_navigate;
use leptos_router::path;
use leptos_router::{Lazy, NavigateOptions};

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
                <Route path=path!("/login") view={Lazy::<later::Login>::new()}/>
                <Route path=path!("/signup") view={Lazy::<later::SignUp>::new()}/>
                <Route path=path!("/sso") view={Lazy::<later::FinishLogin>::new()}/>
                <Route path=path!("/forgot-password") view={Lazy::<later::ForgotPassword>::new()}/>
                <Route path=path!("/reset-password") view={Lazy::<later::ResetPassword>::new()}/>
                <Route path=path!("/verify-email") view={Lazy::<later::VerifyEmail>::new()}/>
                <Route path=path!("/local") view={Lazy::<later::LocalFile>::new()}/>
                <Route path=path!("/change-email") view={Lazy::<later::ChangeEmail>::new()}/>
                <Route path=path!("/invite") view={Lazy::<later::AcceptInvitation>::new()}/>
                <Route path=path!("/mute") view={Lazy::<later::MuteByLink>::new()}/>
                <Route path=path!("/dev/components") view=developer_page()/>
                <ParentRoute path=path!("/") view=Shell>
                    <Route path=path!("") view=|| view! { <Redirect path="/explore"/> }/>
                    <Route path=path!("explore") view={Lazy::<later::Explore>::new()}/>
                    <Route path=path!("send") view={Lazy::<later::SendLogs>::new()}/>
                    <Route path=path!("alerts") view={Lazy::<later::AlertList>::new()}/>
                    <Route path=path!("alerts/new") view={Lazy::<later::NewAlert>::new()}/>
                    <Route path=path!("alerts/:id") view={Lazy::<later::AlertPage>::new()}/>
                    <Route path=path!("alerts/:id/edit") view={Lazy::<later::EditAlert>::new()}/>
                    <Route path=path!("device") view={Lazy::<later::Device>::new()}/>
                    <Route path=path!("usage") view=|| view! { <Redirect path="/ingest/usage"/> }/>
                    <Route path=path!("ingest") view=|| view! { <Redirect path="/ingest/health"/> }/>
                    <Route path=path!("ingest/:section") view={Lazy::<later::Ingest>::new()}/>
                    <Route path=path!("settings") view=|| view! { <Redirect path="/settings/api-keys"/> }/>
                    <Route path=path!("settings/:section") view={Lazy::<later::Settings>::new()}/>
                </ParentRoute>
            </Routes>
        </Router>
        <Toasts/>
    }
}

/// Every component in every state; in builds for development and for the tests alone.
#[cfg(any(debug_assertions, feature = "dev-pages"))]
fn developer_page() -> Lazy<later::Components> {
    Lazy::new()
}

#[cfg(not(any(debug_assertions, feature = "dev-pages")))]
fn developer_page() -> fn() -> AnyView {
    || NotFound().into_any()
}

#[component]
fn NotFound() -> impl IntoView {
    crate::browser::end_boot();
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
