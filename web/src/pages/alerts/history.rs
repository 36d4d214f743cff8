//! What happened to an alert: every transition, and what became of its notifications.

use super::words::{StateBadge, value};
use crate::api::alerts;
use crate::components::{Age, Badge, BadgeKind, Button, EmptyState, Icon, show};
use crate::load::{Submit, load};
use api_types::alerts::{AlertEvent, Notification};
use leptos::prelude::*;

#[component]
pub fn History(#[prop(into)] rule_id: String, changed: Signal<()>) -> impl IntoView {
    let rule_id = StoredValue::new(rule_id);
    let history = load(
        move || {
            changed.track();
            Some(rule_id.get_value())
        },
        |id| alerts::history(id, None),
    );
    // A notification is sent a moment after the transition that it tells of.
    super::list::refresh_while_here(move || {
        let unfinished = history.state.with_untracked(|history| {
            history.ready().is_some_and(|history| {
                history.items.iter().flat_map(|event| &event.notifications).any(|sent| sent.state == "queued")
            })
        });
        if unfinished {
            history.refetch();
        }
    });
    let more = Submit::new();
    let load_more = move |cursor: String| {
        more.run(alerts::history(rule_id.get_value(), Some(cursor)), move |page| {
            history.change(|shown| {
                shown.items.extend(page.items);
                shown.next_cursor = page.next_cursor;
            });
        });
    };
    view! {
        <section class="section">
            <h2>"History"</h2>
            <div class="card">
                {show(history, move |history| {
                    if history.items.is_empty() {
                        return view! {
                            <EmptyState icon=Icon::History title="Nothing has happened yet" text="Each change of state will be listed here, with who was told."/>
                        }.into_any();
                    }
                    let next = history.next_cursor.clone();
                    let rows = history.items.into_iter().map(|event| view! { <EventRow event/> });
                    view! {
                        <ol class="timeline">{rows.collect_view()}</ol>
                        {next.map(|cursor| view! {
                            <div class="card-foot">
                                <Button busy=more.busy on_click=move |_| load_more(cursor.clone())>"Show older"</Button>
                            </div>
                        })}
                    }.into_any()
                })}
            </div>
        </section>
    }
}

#[component]
fn EventRow(event: AlertEvent) -> impl IntoView {
    let group = event.group;
    view! {
        <li class="timeline-item">
            <div class="row">
                <StateBadge state=event.to_state/>
                {(!group.is_empty()).then(|| view! { <code>{group}</code> })}
                <span class="grow">{event.reason}</span>
                <span class="numbers soft">{value(event.value)}</span>
                <span class="faint timeline-age"><Age at=event.at/></span>
            </div>
            {(!event.notifications.is_empty()).then(|| view! {
                <ul class="deliveries">{event.notifications.into_iter().map(|sent| view! { <DeliveryRow sent/> }).collect_view()}</ul>
            })}
        </li>
    }
}

#[component]
fn DeliveryRow(sent: Notification) -> impl IntoView {
    let (kind, word) = match sent.state.as_str() {
        "sent" => (BadgeKind::Good, "Sent"),
        "failed" => (BadgeKind::Bad, "Failed"),
        _ => (BadgeKind::Warning, "Queued"),
    };
    let tries = match (sent.attempts, sent.state.as_str()) {
        (0 | 1, "sent") | (0, _) => String::new(),
        (1, _) => "after 1 attempt".to_owned(),
        (attempts, _) => format!("after {attempts} attempts"),
    };
    view! {
        <li class="row">
            <Badge kind plain=true>{word}</Badge>
            <span>{sent.channel_name}</span>
            <span class="faint">{tries}</span>
            {sent.sent_at.map(|at| view! { <span class="faint"><Age at/></span> })}
            {sent.last_error.filter(|_| sent.state != "sent").map(|error| view! { <span class="delivery-error">{error}</span> })}
        </li>
    }
}
