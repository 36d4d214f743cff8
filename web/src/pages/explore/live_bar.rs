//! What live tail is doing: connected or not, how late, paused, what waits and what is missing.

use super::explorer::explorer;
use super::live::Connection;
use super::results::results;
use crate::components::{Badge, BadgeKind, Button, ButtonKind, Icon};
use crate::format;
use leptos::prelude::*;

#[component]
pub fn LiveBar() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let live = results.live;
    let is_held = move || live.paused.get() || live.scrolled.get();
    let state = move || match live.connection.get() {
        Connection::Open if is_held() => view! { <Badge kind=BadgeKind::Warning>"Paused"</Badge> }.into_any(),
        Connection::Open => view! { <Badge kind=BadgeKind::Good>"Live"</Badge> }.into_any(),
        Connection::Off | Connection::Opening => {
            view! { <Badge kind=BadgeKind::Quiet>"Connecting"</Badge> }.into_any()
        }
        Connection::Lost => {
            view! { <Badge kind=BadgeKind::Bad>"Connection lost, trying again"</Badge> }.into_any()
        }
        Connection::Refused(_) => view! { <Badge kind=BadgeKind::Bad>"Not live"</Badge> }.into_any(),
    };
    let said = move || {
        let mut said = Vec::new();
        if let Connection::Refused(reason) = live.connection.get() {
            said.push(reason);
        }
        if live.paused.get() {
            said.push("Paused by you.".into());
        } else if live.scrolled.get() {
            said.push("Paused while you read: scroll to the top to go on.".into());
        } else if let Some(lag) = live.lag_ms.get() {
            said.push(format!("{} behind", format::elapsed(lag as f64)));
        }
        if let Some(of) = live.one_of.get() {
            said.push(format!("Too many to show: 1 of {of} events, sampled evenly."));
        }
        match live.dropped.get() {
            0 => {}
            count => {
                said.push(format!("{} events are not shown here; a search finds them.", format::count(count)))
            }
        }
        said.join(" · ")
    };
    let resume = move |_| {
        live.resume();
        if let Ok(Some(list)) = document().query_selector(".rows") {
            list.set_scroll_top(0);
        }
    };
    view! {
        <div class="live-bar" role="status" data-testid="live">
            {state}
            <span class="grow truncate faint numbers">{said}</span>
            <Show when=move || is_held() && live.waiting() != 0>
                <Button small=true kind=ButtonKind::Primary icon=Icon::Newer on_click=resume>
                    {move || format!("{} new", format::count(live.waiting() as u64))}
                </Button>
            </Show>
            {move || if live.paused.get() {
                view! { <Button small=true icon=Icon::Play on_click=resume>"Resume"</Button> }.into_any()
            } else {
                view! { <Button small=true icon=Icon::Pause on_click=move |_| live.paused.set(true)>"Pause"</Button> }.into_any()
            }}
            <Button small=true kind=ButtonKind::Quiet icon=Icon::Stop on_click=move |_| explorer.set_live(false)>"Stop"</Button>
        </div>
    }
}
