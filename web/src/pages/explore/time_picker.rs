//! Choosing the stretch of time: by name, by two ends, or typed.

use super::explorer::explorer;
use crate::browser;
use crate::components::{Button, ButtonKind, Glyph, Icon, TextField};
use crate::format;
use crate::preferences::{Zone, preferences};
use crate::time_range::{PRESETS, TimeRange};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

fn zone_minutes() -> i64 {
    preferences().zone.get_untracked().minutes(browser::now_ms())
}

#[component]
pub fn TimePicker() -> impl IntoView {
    let explorer = explorer();
    let open = explorer.time_picker_open;
    let root = NodeRef::<html::Div>::new();
    let outside = window_event_listener(leptos::ev::mousedown, move |event| {
        let hit = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if open.get_untracked() && root.get_untracked().is_some_and(|root| !root.contains(hit.as_ref())) {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    let label = move || {
        if explorer.state.with(|state| state.live) {
            return "Live".to_owned();
        }
        let zone = preferences().zone.get().minutes(browser::now_ms());
        explorer.state.with(|state| state.range.label(zone))
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            open.set(false);
            browser::focus("#time-button");
        }
    };
    view! {
        <div class="time-picker" node_ref=root on:keydown=on_key>
            <button
                type="button"
                id="time-button"
                class="button button-secondary time-button"
                aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string()
                title="Time range (t)"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon=Icon::Clock/>
                <span class="truncate">{label}</span>
                <Glyph icon=Icon::ChevronDown size="icon-small"/>
            </button>
            <Show when=move || open.get()>{move || super::more::more().map(|more| (more.time_panel)())}</Show>
        </div>
    }
}

#[component]
pub fn Panel() -> impl IntoView {
    let explorer = explorer();
    let choose = move |range: TimeRange| {
        explorer.time_picker_open.set(false);
        explorer.set_range(range);
    };
    let typed = RwSignal::new(String::new());
    let wrong = RwSignal::new(None::<String>);
    let take_typed = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        match TimeRange::parse(&typed.get_untracked(), zone_minutes(), browser::now_ms()) {
            Ok(range) => choose(range),
            Err(message) => wrong.set(Some(message)),
        }
    };
    let presets = PRESETS.map(|(length, name)| {
        let range = TimeRange::last(length);
        let current = { let range = range.clone(); move || explorer.state.with(|state| state.range == range).then_some("true") };
        view! {
            <li><button type="button" class="menu-item" aria-current=current on:click=move |_| choose(range.clone())>{name}</button></li>
        }
    });
    view! {
        <div class="time-panel" role="dialog" aria-label="Time range">
            <ul class="time-presets">
                <Show when=move || !explorer.is_local()>
                    <li>
                        <button
                            type="button"
                            class="menu-item"
                            aria-current=move || explorer.state.with(|state| state.live).then_some("true")
                            on:click=move |_| {
                                explorer.time_picker_open.set(false);
                                explorer.set_live(true);
                            }
                        >
                            <Glyph icon=Icon::Live size="icon-small"/>"Live"
                        </button>
                    </li>
                </Show>
                {presets.collect_view()}
            </ul>
            <div class="time-exact">
                <form class="stack" on:submit=take_typed>
                    <TextField
                        label="Type a range"
                        value=typed
                        mono=true
                        autofocus=true
                        placeholder="45m, yesterday, now-1d/d"
                        hint="Enter takes it. Two ends: 2026-03-10 10:00 to 2026-03-10 12:00"
                        error=wrong
                    />
                </form>
                <Ends choose=Callback::new(choose)/>
            </div>
        </div>
    }
}

/// Two points in time, in the zone that times are shown in.
#[component]
fn Ends(choose: Callback<TimeRange>) -> impl IntoView {
    let explorer = explorer();
    let now_ms = browser::now_ms();
    let zone = zone_minutes();
    let range = explorer.state.with_untracked(|state| state.range.clone());
    let (from, to) = range.resolve(now_ms, zone).unwrap_or((now_ms - 900_000, now_ms));
    let (from, to) =
        (RwSignal::new(format::for_input(from, zone)), RwSignal::new(format::for_input(to, zone)));
    let wrong = RwSignal::new(None::<String>);
    let apply = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let text = format!("{} to {}", from.get_untracked(), to.get_untracked());
        match TimeRange::parse(&text, zone_minutes(), browser::now_ms()) {
            Ok(range) => choose.run(range),
            Err(message) => wrong.set(Some(message)),
        }
    };
    let zone_name = move || match preferences().zone.get() {
        Zone::Local => "Times are in your local zone.".to_owned(),
        zone => format!("Times are in {}.", zone.name()),
    };
    view! {
        <form class="stack" on:submit=apply>
            <TextField label="From" kind="datetime-local" value=from error=wrong/>
            <TextField label="To" kind="datetime-local" value=to/>
            <div class="row">
                <span class="field-hint grow">{zone_name}</span>
                <Button submit=true kind=ButtonKind::Primary>"Apply"</Button>
            </div>
        </form>
    }
}
