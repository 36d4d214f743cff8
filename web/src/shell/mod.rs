//! The frame of every page behind the login: who is signed in, where one is, and the way to the other pages.

mod account;
mod navigation;
pub mod palette;
mod switcher;
mod zone;

use crate::api::{ApiError, accounts};
use crate::components::{Button, EmptyState, Icon, LoadError};
use crate::load::{Load, load};
use crate::session::Session;
use account::Account;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use navigation::Navigation;
use palette::{PageCommands, Palette};
use switcher::Switcher;
use zone::{ZoneChoice, ZoneDialog};

#[component]
pub fn Shell() -> impl IntoView {
    crate::browser::end_boot();
    let me = load(|| Some(()), |()| accounts::me());
    move || match me.state.get() {
        Load::Waiting => view! { <ShellSkeleton/> }.into_any(),
        Load::Failed(ApiError::SignedOut) => view! { <ShellSkeleton/> }.into_any(),
        Load::Failed(error) => {
            view! { <LoadError error on_retry=Callback::new(move |()| me.refetch())/> }.into_any()
        }
        Load::Ready(me) => {
            provide_context(Session::new(me));
            view! { <Frame/> }.into_any()
        }
    }
}

#[component]
fn Frame() -> impl IntoView {
    let session = crate::session::session();
    provide_context(PageCommands::new());
    provide_context(ZoneChoice(RwSignal::new(false)));
    view! {
        <a class="skip-link" href="#main">"Skip to content"</a>
        <div class="shell">
            <header class="sidebar">
                <Brand/>
                <Switcher/>
                <Navigation/>
                <div class="sidebar-foot"><Account/></div>
            </header>
            <main class="main" id="main" tabindex="-1">
                // A page belongs to one project: another project is another page.
                {move || {
                    let project = session.project_id();
                    if project.is_empty() {
                        view! { <NoProject/> }.into_any()
                    } else {
                        view! { <Outlet/> }.into_any()
                    }
                }}
            </main>
        </div>
        <Palette/>
        <ZoneDialog/>
    }
}

#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/explore">
            <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
                <circle cx="16" cy="9" r="6"></circle>
                <circle cx="9" cy="22" r="6"></circle>
                <circle cx="23" cy="22" r="6"></circle>
                <circle class="pith" cx="16" cy="9" r="1.6"></circle>
                <circle class="pith" cx="9" cy="22" r="1.6"></circle>
                <circle class="pith" cx="23" cy="22" r="1.6"></circle>
            </svg>
            "Cordwood"
        </a>
    }
}

#[component]
fn NoProject() -> impl IntoView {
    view! {
        <EmptyState
            icon=Icon::Project
            title="No project is open to you"
            text="This organization has no project yet, or none that you may see. An owner or admin can create one."
        >
            <Button on_click=|_| crate::browser::leave_to("/settings/projects")>"Projects"</Button>
        </EmptyState>
    }
}

#[component]
fn ShellSkeleton() -> impl IntoView {
    view! {
        <div class="shell" role="status" aria-label="Loading">
            <header class="sidebar"><Brand/></header>
            <main class="main"></main>
        </div>
    }
}
