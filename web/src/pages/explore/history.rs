//! The queries of this browser, newest first: searched by typing, run by a click or Enter.

use super::explorer::explorer;
use super::query_history;
use crate::components::{Dialog, EmptyState, Icon, IconButton, TextField};
use leptos::prelude::*;

#[component]
pub fn History() -> impl IntoView {
    let explorer = explorer();
    view! {
        <Dialog open=explorer.history_open title="Query history" wide=true><HistoryList/></Dialog>
    }
}

#[component]
fn HistoryList() -> impl IntoView {
    let explorer = explorer();
    let past = RwSignal::new(query_history::past());
    let wanted = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let wanted = wanted.get().to_lowercase();
        past.with(|past| {
            past.iter().filter(|query| query.to_lowercase().contains(&wanted)).cloned().collect::<Vec<_>>()
        })
    });
    let run = move |query: String| {
        explorer.history_open.set(false);
        explorer.run_query(query);
    };
    let first = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(query) = found.with_untracked(|found| found.first().cloned()) {
            run(query);
        }
    };
    view! {
        <form on:submit=first>
            <TextField label="Search in the history" value=wanted mono=true autofocus=true hint="Enter runs the first one found."/>
        </form>
        {move || if found.with(Vec::is_empty) {
            let text = if past.with(Vec::is_empty) { "The queries that you run are listed here." } else { "No former query has these letters." };
            view! { <EmptyState icon=Icon::History title="Nothing here" text=text/> }.into_any()
        } else {
            view! {
                <ul class="query-list">
                    <For each=move || found.get() key=Clone::clone let:query>
                        {
                            let (text, gone) = (query.clone(), query.clone());
                            view! {
                                <li>
                                    <button type="button" class="query-list-item" on:click=move |_| run(text.clone())><code>{query.clone()}</code></button>
                                    <IconButton
                                        small=true
                                        icon=Icon::Trash
                                        label="Forget this query"
                                        on_click=move |_| past.set(query_history::forget(&gone))
                                    />
                                </li>
                            }
                        }
                    </For>
                </ul>
            }.into_any()
        }}
    }
}
