//! Settings: one page with a section for each thing that is set.

mod api_keys;
mod audit;
mod channels;
mod command_lines;
mod delivery_log;
mod email;
mod erasure;
mod invitations;
mod key_draft;
mod key_limits;
mod key_numbers;
mod masking;
mod members;
mod new_api_key;
mod organization;
mod profile;
mod project_roles;
mod projects;
mod pseudonymise;
mod rotate_api_key;
mod routing;
mod row_rule;
mod second_factor;
mod sessions;
mod sign_in;
mod transfer;

use crate::components::{EmptyState, Icon, LinkButton};
use crate::session::session;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

const SECTIONS: [(&str, &str); 10] = [
    ("api-keys", "API keys"),
    ("projects", "Projects"),
    ("masking", "Masking"),
    ("members", "Members"),
    ("channels", "Notification channels"),
    ("routing", "Routes and quiet hours"),
    ("organization", "Organization"),
    ("audit-log", "Audit log"),
    ("erasure", "Erasure"),
    ("profile", "Profile"),
];

#[component]
pub fn Settings() -> impl IntoView {
    let params = use_params_map();
    let section = Memo::new(move |_| params.with(|params| params.get("section").unwrap_or_default()));
    Effect::new(move |_| {
        let section = section.get();
        let name = SECTIONS.iter().find(|(path, _)| *path == section).map_or("Settings", |(_, name)| name);
        crate::app::set_title(name);
    });
    let is_admin = session().is_admin();
    let offered =
        SECTIONS.into_iter().filter(move |(path, _)| is_admin || !["audit-log", "erasure"].contains(path));
    let tabs = offered.map(|(path, name)| {
        let current = move || section.with(|section| section == path).then_some("page");
        view! { <a class="tab" href=format!("/settings/{path}") aria-current=current>{name}</a> }
    });
    // Where they do not all fit, the current one is in the middle.
    let strip = NodeRef::<html::Nav>::new();
    Effect::new(move |_| {
        section.track();
        let Some(strip) = strip.get() else { return };
        request_animation_frame(move || {
            let current = strip.query_selector("[aria-current=page]").ok().flatten();
            if let Some(tab) = current.and_then(|tab| tab.dyn_into::<HtmlElement>().ok()) {
                let middle = tab.offset_left() - strip.offset_left() + tab.offset_width() / 2;
                strip.set_scroll_left(middle - strip.client_width() / 2);
            }
        });
    });
    view! {
        <div class="page">
            <header class="page-head"><div class="page-head-text"><h1>"Settings"</h1></div></header>
            <nav class="tabs" aria-label="Settings" node_ref=strip>{tabs.collect_view()}</nav>
            {move || section.with(|section| match section.as_str() {
                "api-keys" => view! { <api_keys::ApiKeys/> }.into_any(),
                "projects" => view! { <projects::Projects/> }.into_any(),
                "masking" => view! { <masking::Masking/> }.into_any(),
                "members" => view! { <members::Members/> }.into_any(),
                "channels" => view! { <channels::Channels/> }.into_any(),
                "routing" => view! { <routing::Routing/> }.into_any(),
                "organization" => view! { <organization::OrganizationSection/> }.into_any(),
                "erasure" => view! { <erasure::Erasure/> }.into_any(),
                "audit-log" => view! { <audit::AuditLog/> }.into_any(),
                "profile" => view! { <profile::Profile/> }.into_any(),
                _ => view! {
                    <EmptyState icon=Icon::Help title="There is no such section" text="The address may be mistyped.">
                        <LinkButton href="/settings/api-keys">"API keys"</LinkButton>
                    </EmptyState>
                }.into_any(),
            })}
        </div>
    }
}

/// What a section is about, and what can be done in it.
#[component]
fn SectionHead(
    title: &'static str,
    text: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="page-head">
            <div class="page-head-text">
                <h2>{title}</h2>
                <p>{text}</p>
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </div>
    }
}
