//! The lines around an event, whatever the query filters: of the same source and host, or of all.

use super::cells::one_line;
use super::explorer::explorer;
use crate::api::{ApiError, search};
use crate::components::{
    Button, ButtonKind, CheckField, Dialog, Icon, LevelTag, LoadError, Loading, toast_error,
};
use crate::format;
use crate::load::{Load, load};
use crate::preferences::shown_time;
use api_types::events::Context;
use api_types::search::EventRow;
use leptos::prelude::*;
use std::sync::Arc;

const AROUND: u32 = 20;
const MORE: u32 = 50;

#[component]
pub fn ContextDialog(open: RwSignal<bool>, event: Arc<EventRow>) -> impl IntoView {
    let event = StoredValue::new(event);
    view! {
        <Dialog open title="Lines around this event" wide=true><Around event=event.get_value() open/></Dialog>
    }
}

#[component]
fn Around(event: Arc<EventRow>, open: RwSignal<bool>) -> impl IntoView {
    let (of_source, of_host) = (RwSignal::new(event.source.is_some()), RwSignal::new(event.host.is_some()));
    let id = StoredValue::new(event.id.clone());
    let project = StoredValue::new(explorer().run.with_untracked(|run| run.project_id.clone()));
    let same = move || {
        let chosen = [("source", of_source.get()), ("host", of_host.get())];
        let names = chosen.into_iter().filter(|(_, on)| *on).map(|(name, _)| name);
        names.collect::<Vec<_>>().join(",")
    };
    let context = load(
        move || Some((id.get_value(), same())),
        move |(id, same)| async move { search::context(&project.get_value(), &id, AROUND, AROUND, &same).await },
    );
    let toggle = move |name: &'static str, value: Option<String>, on: RwSignal<bool>| {
        value.map(|value| {
            view! {
                <CheckField checked=on on_change=Callback::new(move |checked| on.set(checked))>
                    {format!("Same {name}: ")}<code>{value}</code>
                </CheckField>
            }
        })
    };
    view! {
        <div class="row">
            {toggle("source", event.source.clone(), of_source)}
            {toggle("host", event.host.clone(), of_host)}
        </div>
        {move || match context.state.get() {
            Load::Waiting => view! { <Loading lines=10/> }.into_any(),
            Load::Failed(error) => {
                view! { <LoadError error on_retry=Callback::new(move |()| context.refetch())/> }.into_any()
            }
            Load::Ready(context) => view! { <Lines context same=same() open/> }.into_any(),
        }}
    }
}

/// Newest first, as in the list; more on both sides by a button.
#[component]
fn Lines(context: Context, same: String, open: RwSignal<bool>) -> impl IntoView {
    let project = StoredValue::new(explorer().run.with_untracked(|run| run.project_id.clone()));
    let origin = context.event.id.clone();
    let (more_newer, more_older) = (RwSignal::new(context.more_after), RwSignal::new(context.more_before));
    let newer = context.after.into_iter().rev();
    let older = context.before.into_iter().rev();
    let lines = RwSignal::new(newer.chain([context.event]).chain(older).map(Arc::new).collect::<Vec<_>>());
    let same = StoredValue::new(same);
    request_animation_frame(show_origin);
    let fetch = move |newer: bool| {
        let edge =
            lines.with_untracked(|lines| if newer { lines.first().cloned() } else { lines.last().cloned() });
        let Some(edge) = edge else { return };
        leptos::task::spawn_local(async move {
            let (before, after) = if newer { (0, MORE) } else { (MORE, 0) };
            match search::context(&project.get_value(), &edge.id, before, after, &same.get_value()).await {
                Ok(more) if newer => {
                    more_newer.try_set(more.more_after);
                    lines.try_update(|lines| {
                        lines.splice(0..0, more.after.into_iter().rev().map(Arc::new)).for_each(drop)
                    });
                }
                Ok(more) => {
                    more_older.try_set(more.more_before);
                    lines.try_update(|lines| lines.extend(more.before.into_iter().rev().map(Arc::new)));
                }
                Err(error) => toast_error(ApiError::message(&error)),
            }
        });
    };
    let button = move |newer: bool| {
        let (icon, text) =
            if newer { (Icon::ChevronUp, "50 newer") } else { (Icon::ChevronDown, "50 older") };
        view! { <Button small=true kind=ButtonKind::Quiet icon=icon on_click=move |_| fetch(newer)>{text}</Button> }
    };
    view! {
        <div class="context" tabindex="0" role="region" aria-label="Lines around">
            <Show when=move || more_newer.get()>{button(true)}</Show>
            <ul>
                <For each=move || lines.get() key=|line| line.id.clone() let:line>
                    <Line is_origin=line.id == origin line open/>
                </For>
            </ul>
            <Show when=move || more_older.get()>{button(false)}</Show>
        </div>
    }
}

fn show_origin() {
    if let Ok(Some(line)) = document().query_selector(".context-origin") {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Center);
        line.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

#[component]
fn Line(line: Arc<EventRow>, is_origin: bool, open: RwSignal<bool>) -> impl IntoView {
    let explorer = explorer();
    let id = line.id.clone();
    let show = move |_| {
        open.set(false);
        explorer.open_event(Some(id.clone()));
    };
    let time = line.timestamp.clone();
    view! {
        <li class="context-line" class:context-origin=is_origin aria-current=is_origin.then_some("true")>
            <button type="button" on:click=show>
                <time>{move || shown_time(&time, format::row_time)}</time>
                <LevelTag level=line.level.clone()/>
                <span class="truncate soft">{line.source.clone().unwrap_or_default()}</span>
                <span class="context-message">{one_line(line.message.as_deref().unwrap_or_default())}</span>
            </button>
        </li>
    }
}
