//! What was sent of late and what could not be: each notification with its attempts, and one more try for those given up.

use crate::api::alerts;
use crate::components::{
    Age, Badge, BadgeKind, Button, EmptyState, Icon, SelectField, show, toast, toast_error,
};
use crate::load::load;
use crate::session::session;
use api_types::alerts::{Delivery, LoggedNotification};
use leptos::prelude::*;

#[component]
pub fn DeliveryLog() -> impl IntoView {
    let state = RwSignal::new(String::new());
    let log = load(move || Some(state.get()), |state| async move { alerts::notifications(&state).await });
    let may = session().can_edit();
    let again = Callback::new(move |id: String| {
        leptos::task::spawn_local(async move {
            match alerts::retry_notification(id).await {
                Ok(_) => {
                    toast("It is being sent once more");
                    log.refetch();
                }
                Err(error) => toast_error(error.message()),
            }
        });
    });
    let states = [("", "All"), ("failed", "Given up"), ("queued", "On their way"), ("sent", "Sent")];
    let states: Vec<_> = states.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec();
    view! {
        <section class="section">
            <div class="page-head">
                <div class="page-head-text"><h2>"Delivery log"</h2><p>"The last notifications, and how the other side answered."</p></div>
                <div class="page-actions"><SelectField label="Show" value=state options=Signal::stored(states)/></div>
            </div>
            <div class="card">
                {show(log, move |log| {
                    if log.is_empty() {
                        return view! { <EmptyState icon=Icon::Send title="Nothing here" text="Notifications are listed when alerts send them."/> }.into_any();
                    }
                    let rows = log.into_iter().map(|logged| view! { <LogRow logged again may/> });
                    view! { <ol class="timeline" data-testid="delivery-log">{rows.collect_view()}</ol> }.into_any()
                })}
            </div>
        </section>
    }
}

#[component]
fn LogRow(logged: LoggedNotification, again: Callback<String>, may: bool) -> impl IntoView {
    let sent = logged.notification;
    let (kind, word) = match sent.state.as_str() {
        "sent" => (BadgeKind::Good, "Sent"),
        "failed" => (BadgeKind::Bad, "Given up"),
        _ if sent.last_error.is_some() => (BadgeKind::Warning, "Waits"),
        _ => (BadgeKind::Warning, "On its way"),
    };
    // What was tried tells it itself.
    let why = sent.last_error.filter(|_| sent.deliveries.is_empty());
    let failed = sent.state == "failed";
    let id = StoredValue::new(sent.id);
    view! {
        <li class="timeline-item">
            <div class="row delivery-head">
                <Badge kind plain=true>{word}</Badge>
                <a class="row-link" href=format!("/alerts/{}", logged.rule_id)>{logged.title}</a>
                <span class="faint delivery-to">{sent.channel_name}" "{sent.address}</span>
                {(failed && may).then(|| view! {
                    <Button small=true icon=Icon::Refresh on_click=move |_| again.run(id.get_value())>"Try again"</Button>
                })}
                <span class="faint timeline-age"><Age at=logged.created_at/></span>
            </div>
            {why.map(|why| view! { <p class="delivery-error">{why}</p> })}
            <Attempts deliveries=sent.deliveries/>
        </li>
    }
}

#[component]
fn Attempts(deliveries: Vec<Delivery>) -> impl IntoView {
    let rows = deliveries.into_iter().map(|attempt| {
        let class = if attempt.outcome == "sent" { "soft" } else { "delivery-error" };
        view! { <li class="row"><span class=class>{attempt.detail}</span><span class="faint numbers">{attempt.took_ms}" ms"</span><span class="faint"><Age at=attempt.at/></span></li> }
    });
    view! { <ul class="deliveries">{rows.collect_view()}</ul> }
}
