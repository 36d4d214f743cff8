//! What the first rows do without: a part of its own, fetched as soon as they are there.

use super::difference::DifferenceDialog;
use super::event_panel::EventPanel;
use super::explorer::explorer;
use super::export::ExportDialog;
use super::fields::FieldList;
use super::guide::Guide;
use super::help::Help;
use super::history::History;
use super::live_bar::LiveBar;
use super::marks::Marks;
use super::no_results::{NoResults, SearchError};
use super::patterns::PatternsView;
use super::plan::PlanDialog;
use super::saved::SavedDialog;
use super::share::ShareMenu;
use super::table::StatsView;
use super::time_picker::Panel;
use crate::api::ApiError;
use crate::components::toast_error;
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use std::sync::{LazyLock, OnceLock};

/// What the part draws. The page calls it through these and no other way, so that nothing of it comes along.
#[derive(Clone, Copy)]
pub struct More {
    pub dialogs: fn() -> AnyView,
    pub difference: fn(RwSignal<bool>) -> AnyView,
    pub event: fn() -> AnyView,
    pub patterns: fn() -> AnyView,
    pub table: fn() -> AnyView,
    pub nothing: fn() -> AnyView,
    pub failed: fn(ApiError) -> AnyView,
    pub fields: fn() -> AnyView,
    pub guide: fn() -> AnyView,
    pub live_bar: fn() -> AnyView,
    pub marks: fn(Signal<Option<(i64, i64)>>) -> AnyView,
    pub share: fn() -> AnyView,
    pub time_panel: fn() -> AnyView,
}

static LOADED: OnceLock<More> = OnceLock::new();
static READY: LazyLock<ArcTrigger> = LazyLock::new(ArcTrigger::new);

#[leptos::wasm_split::wasm_split(explore_more, wasm_split_path = ::leptos::wasm_split, fallible)]
fn part() -> Result<More, SplitLoaderError> {
    Ok(More {
        dialogs,
        difference: |open| view! { <DifferenceDialog open/> }.into_any(),
        event: || view! { <EventPanel/> }.into_any(),
        patterns: || view! { <PatternsView/> }.into_any(),
        table: || view! { <StatsView/> }.into_any(),
        nothing: || view! { <NoResults/> }.into_any(),
        failed: |error| view! { <SearchError error/> }.into_any(),
        fields: || view! { <FieldList/> }.into_any(),
        guide: || view! { <Guide/> }.into_any(),
        live_bar: || view! { <LiveBar/> }.into_any(),
        marks: |ends| view! { <Marks ends/> }.into_any(),
        share: || view! { <ShareMenu/> }.into_any(),
        time_panel: || view! { <Panel/> }.into_any(),
    })
}

fn dialogs() -> AnyView {
    let explorer = explorer();
    view! {
        <Help/>
        <History/>
        <Show when=move || !explorer.is_local()>
            <SavedDialog/>
            <ExportDialog/>
            <PlanDialog/>
        </Show>
    }
    .into_any()
}

/// Fetches the part unless it is there.
pub fn load() {
    if LOADED.get().is_some() {
        return;
    }
    leptos::task::spawn_local(async {
        match part().await {
            Ok(more) if LOADED.set(more).is_ok() => READY.notify(),
            Ok(_) => {}
            Err(_) => toast_error("A part of the page could not be loaded. Load the page again."),
        }
    });
}

/// The part, once it is there; what asks before is told when it is.
pub fn more() -> Option<&'static More> {
    READY.track();
    LOADED.get()
}
