//! Whether ingest is well: what arrived in the last day, what was turned away and why, and who sent last.

use super::bars::{Bar, Bars};
use super::reason_text;
use crate::api::{ingest, search};
use crate::components::{Age, Badge, BadgeKind, EmptyState, Icon, LinkButton, Notice, NoticeKind, show};
use crate::format;
use crate::load::load;
use crate::session::session;
use api_types::search::{Histogram, SearchRequest};
use api_types::usage::{Delivery, IngestHealth, IngestRefusal, UsageKey, UsageSource};
use leptos::prelude::*;

#[component]
pub fn Health() -> impl IntoView {
    let project_id = untrack(|| session().project_id());
    let health = load(|| Some(()), |()| ingest::health());
    let request = SearchRequest {
        project_id: Some(project_id.clone()),
        from: Some("now-24h".into()),
        to: Some("now".into()),
        buckets: Some(48),
        ..SearchRequest::default()
    };
    let volume = load(move || Some(request.clone()), search::histogram);
    view! {
        <section class="section">
            <div class="card">
                <div class="card-head"><h2>"Events of the last 24 hours"</h2></div>
                <div class="card-body">{show(volume, |volume| view! { <Volume volume/> }.into_any())}</div>
            </div>
            {show(health, move |health| view! { <Details health project_id=project_id.clone()/> }.into_any())}
        </section>
    }
}

#[component]
fn Volume(volume: Histogram) -> impl IntoView {
    let bars = volume.buckets.iter().map(|bucket| Bar {
        name: untrack(|| crate::preferences::shown_time(&bucket.start, format::day_and_time)),
        amount: bucket.total as f64,
        text: format!("{} events", format::count(bucket.total)),
    });
    let bars: Vec<Bar> = bars.collect();
    view! { <Bars label="Events by half hour" bars/> }
}

#[component]
fn Details(health: IngestHealth, project_id: String) -> impl IntoView {
    let IngestHealth { refusals, sources, keys, dead_letters, delivery } = health;
    let own = |other: &String| *other == project_id;
    let refusals: Vec<IngestRefusal> = refusals.into_iter().filter(|each| own(&each.project_id)).collect();
    let sources: Vec<UsageSource> = sources.into_iter().filter(|each| own(&each.project_id)).collect();
    let keys: Vec<UsageKey> = keys.into_iter().filter(|each| own(&each.project_id)).collect();
    if sources.is_empty() && refusals.is_empty() && keys.is_empty() {
        return view! {
            <div class="card">
                <EmptyState icon=Icon::Send title="Nothing has arrived in the last seven days" text="Send a first event, and its source and key appear here.">
                    <LinkButton href="/send">"Send logs"</LinkButton>
                </EmptyState>
            </div>
        }.into_any();
    }
    view! {
        <DeliveryNotice delivery/>
        {(dead_letters > 0).then(|| view! {
            <Notice kind=NoticeKind::Warning>
                {if dead_letters == 1 { "1 dead letter waits for somebody. ".to_owned() } else { format!("{} dead letters wait for somebody. ", format::count(dead_letters)) }}
                <a href="/ingest/dead-letters">"Look at them"</a>
            </Notice>
        })}
        <div class="card">
            <div class="card-head"><h2>"Turned away in the last seven days"</h2></div>
            <Refusals refusals/>
        </div>
        <div class="card">
            <div class="card-head"><h2>"Sources"</h2></div>
            <Sources sources/>
        </div>
        <div class="card">
            <div class="card-head"><h2>"API keys"</h2></div>
            <Keys keys/>
        </div>
    }
    .into_any()
}

#[component]
fn DeliveryNotice(delivery: Delivery) -> impl IntoView {
    let age = format::elapsed(delivery.oldest_waiting_s * 1000.0);
    match delivery.state.as_str() {
        "up_to_date" => view! {
            <Notice kind=NoticeKind::Good>"What was acknowledged can be searched within seconds."</Notice>
        }.into_any(),
        "catching_up" => view! {
            <Notice kind=NoticeKind::Warning>{format!("Delivery is catching up: the oldest waiting events arrived {age} ago. Nothing is lost.")}</Notice>
        }.into_any(),
        _ => view! {
            <Notice kind=NoticeKind::Warning>{format!("The log store does not take events right now. They wait on disk, the oldest for {age}; nothing is lost.")}</Notice>
        }.into_any(),
    }
}

#[component]
fn Refusals(refusals: Vec<IngestRefusal>) -> impl IntoView {
    if refusals.is_empty() {
        return view! { <p class="card-body soft">"Nothing. Everything that was sent was taken."</p> }
            .into_any();
    }
    let rows = refusals.into_iter().map(|refusal| {
        let (kind, what) =
            if refusal.kind == "event" { (BadgeKind::Warning, "events") } else { (BadgeKind::Bad, "requests") };
        view! {
            <tr>
                <td>{reason_text(&refusal.kind, &refusal.code)}<br/><code class="soft">{refusal.code}</code></td>
                <td><Badge kind plain=true>{what}</Badge></td>
                <td class="number">{format::count(refusal.count)}</td>
                <td class="soft"><Age at=refusal.last_at/></td>
            </tr>
        }
    });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Turned away">
            <table class="table">
                <thead><tr>
                    <th scope="col">"Reason"</th><th scope="col">"What"</th><th scope="col" class="number">"Count"</th><th scope="col">"Last"</th>
                </tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }.into_any()
}

#[component]
pub fn Sources(sources: Vec<UsageSource>) -> impl IntoView {
    let rows = sources.into_iter().map(|source| {
        let name = if source.source.is_empty() { "(no source)".to_owned() } else { source.source };
        view! {
            <tr>
                <td><strong>{name}</strong></td>
                <td class="number">{format::count(source.events)}</td>
                <td class="number">{format::bytes(source.bytes)}</td>
                <td class="soft"><Age at=source.last_at/></td>
            </tr>
        }
    });
    view! { <Amounts name="Source" rows=rows.collect_view().into_any()/> }
}

#[component]
pub fn Keys(keys: Vec<UsageKey>) -> impl IntoView {
    let rows = keys.into_iter().map(|key| {
        let name = match (&key.key_id, key.name) {
            (None, _) => "Signed-in members".to_owned(),
            (Some(_), Some(name)) => name,
            (Some(_), None) => "A key that is gone".to_owned(),
        };
        view! {
            <tr>
                <td>
                    <strong>{name}</strong>
                    {key.revoked.then(|| view! { " " <Badge kind=BadgeKind::Quiet plain=true>"revoked"</Badge> })}
                </td>
                <td class="number">{format::count(key.events)}</td>
                <td class="number">{format::bytes(key.bytes)}</td>
                <td class="soft"><Age at=key.last_at/></td>
            </tr>
        }
    });
    view! { <Amounts name="Key" rows=rows.collect_view().into_any()/> }
}

#[component]
fn Amounts(name: &'static str, rows: AnyView) -> impl IntoView {
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=name>
            <table class="table">
                <thead><tr>
                    <th scope="col">{name}</th><th scope="col" class="number">"Events"</th><th scope="col" class="number">"Size"</th><th scope="col">"Last seen"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
