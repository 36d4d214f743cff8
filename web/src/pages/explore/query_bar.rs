//! The query, the time, and running both. What is wrong with the text stands under it, with a button that mends it.

use super::explorer::explorer;
use super::more;
use super::query_history;
use super::results::results;
use super::time_picker::TimePicker;
use crate::api::search;
use crate::components::{Button, ButtonKind, Glyph, Icon, IconButton};
use crate::editor::{EditorView, QueryEditor};
use crate::language::{self, Finding};
use leptos::prelude::*;
use std::rc::Rc;
use std::time::Duration;

/// How long after the last key a half-typed query counts as mistaken.
const PATIENCE: Duration = Duration::from_millis(600);

#[component]
pub fn QueryBar() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let finding = finding_after_a_while(explorer.text);
    let marks = Signal::derive(move || {
        finding.with(|finding| finding.as_ref().map(Finding::mark).unwrap_or_default())
    });
    let back = StoredValue::new(0_usize);
    let on_past = Callback::new(move |step: i32| {
        let past = query_history::past();
        let next = (back.get_value() as i32 - step).clamp(0, past.len() as i32) as usize;
        if next == back.get_value() {
            return false;
        }
        back.set_value(next);
        explorer.text.set(if next == 0 { String::new() } else { past[next - 1].clone() });
        true
    });
    let on_run = Callback::new(move |()| {
        back.set_value(0);
        explorer.run_text();
    });
    let editor = QueryEditor {
        text: explorer.text,
        on_run,
        on_past,
        marks,
        fields: Signal::derive(move || explorer.fields.get()),
        values: Rc::new(move |field, prefix| {
            let mut request = explorer.run.get_untracked().request();
            request.query = String::new();
            request.field = Some(field);
            request.prefix = (!prefix.is_empty()).then_some(prefix);
            request.limit = Some(20);
            Box::pin(async move {
                let values =
                    search::field_values(request).await.map(|found| found.values).unwrap_or_default();
                values.into_iter().map(|value| (value.value, value.count)).collect()
            })
        }),
        focus: explorer.focus_query,
    };
    view! {
        <div class="query-bar">
            <form class="query-row" role="search" on:submit=move |event| { event.prevent_default(); on_run.run(()); }>
                <div class="query-box" class:query-box-bad=move || finding.with(|finding| finding.as_ref().is_some_and(|f| f.is_error))>
                    <Glyph icon=Icon::Explore/>
                    <EditorView editor label="Query" hint="Search words, level:error, or … | stats count() by source"/>
                </div>
                <Show when=move || !explorer.is_local()>
                    <IconButton icon=Icon::Save label="Saved searches (s)" on_click=move |_| explorer.saved_open.set(true)/>
                </Show>
                <IconButton icon=Icon::History label="Query history (h)" on_click=move |_| explorer.history_open.set(true)/>
                <TimePicker/>
                <Button kind=ButtonKind::Primary submit=true icon=Icon::Play busy=results.first.busy>"Run"</Button>
            </form>
            {move || more::more().map(|more| (more.under_query)(finding))}
        </div>
    }
}

/// What is wrong with the text, once the person has stopped typing.
fn finding_after_a_while(text: RwSignal<String>) -> ReadSignal<Option<Finding>> {
    let (finding, set_finding) = signal(None);
    let mut look = leptos::leptos_dom::helpers::debounce(PATIENCE, move |text: String| {
        set_finding.try_set(language::diagnose(&text));
    });
    Effect::new(move |_| {
        let text = text.get();
        // A fault that is mended disappears at once.
        let is_right = language::diagnose(&text).is_none();
        if finding.with_untracked(Option::is_some) && is_right {
            set_finding.set(None);
        }
        look(text);
    });
    finding
}
