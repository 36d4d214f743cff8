//! The line between picture and rows: how much was found and what it took, and what can be done with the search as a whole.

use super::explorer::explorer;
use super::results::results;
use super::share::ShareMenu;
use crate::components::{ButtonKind, Icon, IconButton, LinkButton, Notice, NoticeKind};
use crate::format;
use crate::language::sentence;
use crate::load::Load;
use crate::session::session;
use crate::url::escape;
use leptos::prelude::*;

#[component]
pub fn Toolbar() -> impl IntoView {
    let explorer = explorer();
    let alert = Signal::derive(move || {
        let query = explorer.run.with(|run| run.query.clone());
        format!("/alerts/new?query={}", escape(&query))
    });
    view! {
        <div class="toolbar">
            <IconButton
                icon=Icon::Fields
                label="Fields (f)"
                pressed=Signal::derive(move || explorer.fields_shown())
                on:click=move |_| explorer.toggle_fields()
            />
            <Status/>
            <Show when=move || session().can_edit()>
                <LinkButton small=true kind=ButtonKind::Quiet icon=Icon::Alert href=alert>"Create alert"</LinkButton>
            </Show>
            <ShareMenu/>
            <IconButton icon=Icon::Keyboard label="Keys (?)" on:click=move |_| explorer.help_open.set(true)/>
        </div>
        <Warnings/>
    }
}

#[component]
fn Status() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let text = move || {
        if results.first.busy.get() {
            return "Searching …".to_owned();
        }
        results.first.state.with(|state| match state {
            Load::Ready(answer) => {
                let found = match (answer.shape.as_str(), explorer.total.get()) {
                    ("table", _) => format!("{} rows", format::count(answer.rows.len() as u64)),
                    (_, Some(total)) => format!("{} events", format::count(total)),
                    (_, None) => {
                        format!("{} events loaded", format::count(results.events.with(Vec::len) as u64))
                    }
                };
                let stats = &answer.stats;
                let cached = if stats.cached { " · cached" } else { "" };
                format!(
                    "{found} · {} · {} rows, {} read{cached}",
                    format::elapsed(stats.elapsed_ms),
                    format::count(stats.rows_read),
                    format::bytes(stats.bytes_read)
                )
            }
            Load::Failed(_) => "The search failed".to_owned(),
            Load::Waiting => String::new(),
        })
    };
    view! { <p class="status grow truncate numbers" role="status" data-testid="status">{text}</p> }
}

/// What the server noticed about a query that it ran.
#[component]
fn Warnings() -> impl IntoView {
    let results = results();
    move || {
        results.first.state.with(|state| {
            let answer = state.ready()?;
            let mut texts: Vec<String> = answer
                .warnings
                .iter()
                .map(|warning| format!("{} {}", sentence(&warning.message), sentence(warning.hint.as_deref().unwrap_or_default())))
                .collect();
            if answer.truncated && answer.next_cursor.is_none() {
                texts.push("A limit has cut the rows: there are more than are shown.".into());
            }
            (!texts.is_empty()).then(|| {
                view! {
                    <div class="warnings">
                        {texts.into_iter().map(|text| view! { <Notice kind=NoticeKind::Warning>{text}</Notice> }).collect_view()}
                    </div>
                }
            })
        })
    }
}
