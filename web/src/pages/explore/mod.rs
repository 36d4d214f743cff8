//! Explore: find lines, see when they were, what is in them, and turn what was found into a table or an alert.
//!
//! The address holds the whole state (`url`); `explorer` reads it and is the only one to change it. Each part of the page loads by
//! itself, so that an error in one leaves the others.

mod actions;
mod cells;
mod columns;
mod commands;
mod compare;
mod context;
mod coverage;
mod difference;
mod digest;
mod earlier;
mod event_panel;
mod explorer;
mod export;
mod field_values;
mod fields;
mod find;
mod guide;
mod help;
mod histogram;
mod history;
mod keys;
mod layout;
mod live;
mod live_bar;
mod marks;
mod more;
mod no_results;
mod over_histogram;
mod paint;
mod patterns;
mod pills;
mod pins;
mod plan;
mod query_bar;
mod query_history;
mod results;
mod rows;
mod rows_head;
mod saved;
mod share;
mod status;
mod table;
mod time_picker;
mod under_query;

#[cfg(test)]
pub use cells::field_text;

use crate::session::session;
use crate::shell::palette::PageCommands;
use crate::url::Tab;
use explorer::Explorer;
use histogram::HistogramView;
use leptos::prelude::*;
use query_bar::QueryBar;
use results::{Results, Shape};
use status::Toolbar;

#[component]
pub fn Explore() -> impl IntoView {
    crate::app::set_title("Explore");
    let session = session();
    explorer::follow_linked_project(session);
    view! { <Workbench project=Signal::derive(move || session.project_id()) page="/explore"/> }
}

/// Query, picture, fields and rows: of a project, or of a file.
#[component]
pub fn Workbench(project: Signal<String>, page: &'static str) -> impl IntoView {
    let explorer = Explorer::new(project, page);
    explorer.restore_columns();
    provide_context(explorer);
    let results = Results::new(explorer);
    provide_context(results);
    keys::listen(explorer, results);
    // As soon as there is something to see.
    Effect::new(move |_| {
        if results.shape.get() != Shape::Waiting {
            more::load();
        }
    });
    if let Some(palette) = use_context::<PageCommands>() {
        Effect::new(move |_| {
            if let Some(more) = more::more() {
                palette.offer((more.commands)(explorer));
            }
        });
    }
    view! {
        <h1 class="sr-only">"Explore"</h1>
        <div class="explore" class:with-fields=move || explorer.fields_shown() class:with-event=move || explorer.event().is_some()>
            <QueryBar/>
            {move || more::more().map(|more| (more.guide)())}
            <HistogramView/>
            <Toolbar/>
            <div class="explore-body">
                <Show when=move || explorer.fields_shown()>
                    // Its place is kept, so that nothing moves when it comes.
                    {move || more::more().map_or_else(|| view! { <div class="fields" aria-hidden="true"></div> }.into_any(), |more| (more.fields)())}
                </Show>
                <Found/>
                <Show when=move || explorer.event().is_some()>{move || more::more().map(|more| (more.event)())}</Show>
            </div>
        </div>
        {move || more::more().map(|more| (more.dialogs)())}
    }
}

/// What the query gave: lines, a table, nothing, or why not.
#[component]
fn Found() -> impl IntoView {
    let results = results::results();
    let explorer = explorer::explorer();
    let patterns_wanted = Memo::new(move |_| explorer.state.with(|state| state.tab == Tab::Patterns));
    view! {
        <section class="found" aria-label="Results" aria-busy=move || results.first.busy.get().to_string()>
            {move || match results.shape.get() {
                Shape::Events if !patterns_wanted.get() => view! { <Find/><rows::Rows/> }.into_any(),
                Shape::Events => later(|more| (more.patterns)()),
                Shape::Failed(error) => later(move |more| (more.failed)(error)),
                Shape::Nothing => later(|more| (more.nothing)()),
                Shape::Table => later(|more| (more.table)()),
                Shape::Waiting => view! { <rows::RowsSkeleton/> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Find() -> impl IntoView {
    let explorer = explorer::explorer();
    view! { <Show when=move || explorer.find_open.get()>{move || more::more().map(|more| (more.find)())}</Show> }
}

/// What the later part draws; until it is there, what stands for something to come.
fn later(draw: impl FnOnce(&more::More) -> AnyView) -> AnyView {
    more::more().map_or_else(|| view! { <rows::RowsSkeleton/> }.into_any(), draw)
}
