//! What the first rows do without: a part of its own, fetched as soon as they are there.

use super::actions::{Actions, Notes};
use super::event_panel::EventPanel;
use super::explorer::{Explorer, explorer};
use super::export::ExportDialog;
use super::fields::FieldList;
use super::find::FindBar;
use super::guide::Guide;
use super::help::Help;
use super::histogram::Counted;
use super::history::History;
use super::no_results::{NoResults, SearchError};
use super::over_histogram::OverHistogram;
use super::patterns::PatternsView;
use super::plan::PlanDialog;
use super::rows_head::ColumnHead;
use super::saved::SavedDialog;
use super::table::StatsView;
use super::time_picker::Panel;
use super::under_query::UnderQuery;
use crate::api::ApiError;
use crate::chart::Series;
use crate::components::toast_error;
use crate::language::Finding;
use crate::shell::palette::Command;
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use std::sync::{LazyLock, OnceLock};

/// What the part draws. The page calls it through these and no other way, so that nothing of it comes along.
#[derive(Clone, Copy)]
pub struct More {
    pub actions: fn() -> AnyView,
    pub column_head: fn(String, Memo<Vec<String>>) -> AnyView,
    pub commands: fn(Explorer) -> Vec<Command>,
    pub dialogs: fn() -> AnyView,
    pub event: fn() -> AnyView,
    pub failed: fn(ApiError) -> AnyView,
    pub fields: fn() -> AnyView,
    pub find: fn() -> AnyView,
    pub guide: fn() -> AnyView,
    pub nothing: fn() -> AnyView,
    pub notes: fn() -> AnyView,
    /// Is given what the histogram shows, and where to put the line of an earlier time.
    pub over_histogram: fn(Signal<Option<Counted>>, RwSignal<Option<Series>>) -> AnyView,
    pub patterns: fn() -> AnyView,
    pub table: fn() -> AnyView,
    pub time_panel: fn() -> AnyView,
    pub under_query: fn(ReadSignal<Option<Finding>>) -> AnyView,
}

static LOADED: OnceLock<More> = OnceLock::new();
static READY: LazyLock<ArcTrigger> = LazyLock::new(ArcTrigger::new);

#[leptos::wasm_split::wasm_split(explore_more, wasm_split_path = ::leptos::wasm_split, fallible)]
fn part() -> Result<More, SplitLoaderError> {
    Ok(More {
        actions: || view! { <Actions/> }.into_any(),
        column_head: |column, columns| view! { <ColumnHead column columns/> }.into_any(),
        commands: super::commands::commands,
        dialogs,
        event: || view! { <EventPanel/> }.into_any(),
        failed: |error| view! { <SearchError error/> }.into_any(),
        fields: || view! { <FieldList/> }.into_any(),
        find: || view! { <FindBar/> }.into_any(),
        guide: || view! { <Guide/> }.into_any(),
        nothing: || view! { <NoResults/> }.into_any(),
        notes: || view! { <Notes/> }.into_any(),
        over_histogram: |shown, before| view! { <OverHistogram shown before/> }.into_any(),
        patterns: || view! { <PatternsView/> }.into_any(),
        table: || view! { <StatsView/> }.into_any(),
        time_panel: || view! { <Panel/> }.into_any(),
        under_query: |finding| view! { <UnderQuery finding/> }.into_any(),
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
