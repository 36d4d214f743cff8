//! What arrives: whether it is well, how much it is, and what could not be stored.

mod bars;
mod dead_letters;
mod health;
mod usage;

use crate::components::{EmptyState, Icon, LinkButton};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

const SECTIONS: [(&str, &str); 3] =
    [("health", "Health"), ("usage", "Usage"), ("dead-letters", "Dead letters")];

#[component]
pub fn Ingest() -> impl IntoView {
    let params = use_params_map();
    let section = Memo::new(move |_| params.with(|params| params.get("section").unwrap_or_default()));
    Effect::new(move |_| {
        let section = section.get();
        let name = SECTIONS.iter().find(|(path, _)| *path == section).map_or("Ingest", |(_, name)| name);
        crate::app::set_title(name);
    });
    let tabs = SECTIONS.map(|(path, name)| {
        let current = move || section.with(|section| section == path).then_some("page");
        view! { <a class="tab" href=format!("/ingest/{path}") aria-current=current>{name}</a> }
    });
    view! {
        <div class="page">
            <header class="page-head"><div class="page-head-text"><h1>"Ingest"</h1></div></header>
            <nav class="tabs" aria-label="Ingest">{tabs.collect_view()}</nav>
            {move || section.with(|section| match section.as_str() {
                "health" => view! { <health::Health/> }.into_any(),
                "usage" => view! { <usage::UsagePage/> }.into_any(),
                "dead-letters" => view! { <dead_letters::DeadLetters/> }.into_any(),
                _ => view! {
                    <EmptyState icon=Icon::Help title="There is no such section" text="The address may be mistyped.">
                        <LinkButton href="/ingest/health">"Health"</LinkButton>
                    </EmptyState>
                }.into_any(),
            })}
        </div>
    }
}

/// What became of a code, in words.
fn reason_text(kind: &str, code: &str) -> String {
    let text = match (kind, code) {
        ("event", "too_old") => "The event is older than the project keeps logs",
        ("event", "in_the_future") => "The event’s time is more than ten minutes ahead",
        ("event", "invalid_json") => "A line is not valid JSON",
        ("event", "refused_by_store") => "The log store cannot keep the event",
        ("event", "unreadable") => "The event could not be read at all",
        (_, "rate_limited") => "Too much in one second",
        (_, "key_rate_limited") => "More in one second than the API key may send",
        (_, "daily_quota_reached") => "The day’s quota is used",
        (_, "key_daily_quota_reached") => "What the API key may send in a day is used",
        (_, "all_events_rejected") => "Every event of a body was rejected",
        (_, "body_too_large") => "A body is too large",
        (_, "empty_body") => "A body is empty",
        (_, "broken_encoding") => "A body is not what its encoding says",
        (_, "buffer_full" | "disk_full" | "busy" | "storage_unavailable") => {
            "This node had no room for the moment"
        }
        _ => return code.replace('_', " "),
    };
    text.to_owned()
}
