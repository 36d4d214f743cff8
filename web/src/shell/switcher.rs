//! Shows which organization and project one works in, and changes it.

use crate::api::accounts;
use crate::browser;
use crate::components::{Glyph, Icon, Menu, MenuItem, toast_error};
use crate::session::session;
use leptos::prelude::*;

#[component]
pub fn Switcher() -> impl IntoView {
    let session = session();
    let organization = move || session.me().organization.name;
    let trigger = ViewFn::from(move || {
        view! {
            <span class="switcher-names">
                <span class="truncate">{organization}</span>
                <small class="truncate">{move || session.project_name()}</small>
            </span>
            <span class="sr-only">": switch organization or project"</span>
            <Glyph icon=Icon::ChevronsUpDown size="icon-small"/>
        }
    });
    view! {
        <div class="switcher">
            <Menu label="Organization and project" class="switcher-button" trigger>
                <Projects/>
                <Organizations/>
            </Menu>
        </div>
    }
}

#[component]
fn Projects() -> impl IntoView {
    let session = session();
    let items = untrack(|| session.projects()).into_iter().map(|project| {
        let id = StoredValue::new(project.id);
        let checked = Signal::derive(move || id.with_value(|id| session.project_id() == *id));
        let choose = Callback::new(move |()| session.choose_project(id.get_value()));
        view! { <MenuItem checked on_choose=choose>{project.name}</MenuItem> }
    });
    view! {
        <div class="menu-label">"Project"</div>
        {items.collect_view()}
    }
}

#[component]
fn Organizations() -> impl IntoView {
    let me = untrack(|| session().me());
    if me.organizations.len() < 2 {
        return ().into_any();
    }
    let current = me.organization.id;
    let items = me.organizations.into_iter().map(|organization| {
        let is_current = organization.id == current;
        let id = organization.id;
        let choose = Callback::new(move |()| {
            let id = id.clone();
            leptos::task::spawn_local(async move {
                match accounts::switch_organization(id).await {
                    Ok(_) => browser::leave_to("/explore"),
                    Err(error) => toast_error(error.message()),
                }
            });
        });
        view! { <MenuItem checked=Signal::stored(is_current) on_choose=choose>{organization.name}</MenuItem> }
    });
    view! {
        <div class="menu-line"></div>
        <div class="menu-label">"Organization"</div>
        {items.collect_view()}
    }
    .into_any()
}
