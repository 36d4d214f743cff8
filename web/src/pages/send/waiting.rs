//! Looks every two seconds for the newest event of the project, and leads to it.

use crate::api::{ApiError, search};
use crate::components::{Age, ButtonKind, Glyph, Icon, LevelTag, LinkButton};
use crate::session::session;
use crate::time_range::TimeRange;
use crate::url::Exploration;
use crate::{browser, format};
use api_types::search::{EventRow, SearchRequest};
use leptos::prelude::*;
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(2);

/// What is known of the project's newest event.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Nothing,
    Event(Box<EventRow>),
    Failed(String),
}

#[component]
pub fn Waiting() -> impl IntoView {
    let session = session();
    let seen = RwSignal::new(Seen::Nothing);
    let alive = StoredValue::new(());
    let project_id = untrack(|| session.project_id());
    let retention = untrack(|| session.projects()).into_iter().find(|project| project.id == project_id);
    let retention_days = retention.map_or(30, |project| project.retention_days);
    leptos::task::spawn_local(async move {
        while alive.try_get_value().is_some() {
            let answer = newest(&project_id, retention_days).await;
            seen.try_set(match answer {
                Ok(Some(event)) => Seen::Event(Box::new(event)),
                Ok(None) => Seen::Nothing,
                Err(error) => Seen::Failed(error.message()),
            });
            pause().await;
        }
    });
    view! {
        <div class="arrival" role="status" aria-live="polite" data-testid="arrival"
            data-state=move || if matches!(seen.get(), Seen::Event(_)) { "received" } else { "waiting" }>
            {move || match seen.get() {
                Seen::Nothing => view! { <Nothing/> }.into_any(),
                Seen::Event(event) => view! { <Arrived event=*event/> }.into_any(),
                Seen::Failed(message) => view! { <Failed message/> }.into_any(),
            }}
        </div>
    }
}

async fn newest(project_id: &str, retention_days: u16) -> Result<Option<EventRow>, ApiError> {
    let request = SearchRequest {
        project_id: Some(project_id.to_owned()),
        from: Some(format!("now-{retention_days}d").as_str().into()),
        to: Some("now+10m".into()),
        limit: Some(1),
        ..SearchRequest::default()
    };
    let answer = search::search(request).await?;
    let row = answer.rows.into_iter().next();
    Ok(row.and_then(|row| serde_json::from_value(row).ok()))
}

async fn pause() {
    let (sender, receiver) = futures::channel::oneshot::channel();
    set_timeout(move || sender.send(()).unwrap_or_default(), PAUSE);
    let _over = receiver.await;
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <span class="pulse" aria-hidden="true"></span>
        <div class="grow">
            <strong>"Waiting for the first event"</strong>
            <p class="soft">"This turns green by itself when it arrives."</p>
        </div>
    }
}

#[component]
fn Failed(message: String) -> impl IntoView {
    view! {
        <span class="arrival-mark arrival-mark-bad"><Glyph icon=Icon::Warning/></span>
        <div class="grow">
            <strong>"Could not look for events just now"</strong>
            <p class="soft">{message}" Trying again."</p>
        </div>
    }
}

#[component]
fn Arrived(event: EventRow) -> impl IntoView {
    let explore = Exploration { range: range_with(&event.timestamp), ..Exploration::default() }.address();
    view! {
        <span class="arrival-mark"><Glyph icon=Icon::Check/></span>
        <div class="grow">
            <strong>"Logs are arriving"</strong>
            <p class="arrival-event mono">
                <LevelTag level=event.level/>
                <span class="truncate">{event.message.unwrap_or_default()}</span>
            </p>
            <p class="faint">"Newest event: " <Age at=event.timestamp/></p>
        </div>
        <LinkButton kind=ButtonKind::Primary href=explore icon=Icon::Explore>"Open in Explore"</LinkButton>
    }
}

/// The shortest usual range that shows an event of this time.
fn range_with(timestamp: &str) -> TimeRange {
    let age_minutes = format::parse_ms(timestamp).map_or(0, |ms| (browser::now_ms() - ms) / 60_000);
    TimeRange::last(match age_minutes {
        ..14 => "15m",
        14..230 => "4h",
        230..1_430 => "1d",
        1_430..10_000 => "7d",
        10_000..43_000 => "30d",
        _ => "90d",
    })
}
