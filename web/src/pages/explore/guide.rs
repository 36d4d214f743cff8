//! First steps for somebody who has not searched here before: from a word to a table and an alert, on the data that is there.
//!
//! A step is done when it was done, by its button or by hand; what is done stays ticked on this browser.

use super::explorer::explorer;
use super::results::{Shape, results};
use crate::browser;
use crate::components::{Button, ButtonKind, Glyph, Icon, IconButton, LinkButton};
use crate::language::{self, Change};
use leptos::prelude::*;

const DONE: &str = "cordwood.guide-done";
const STEPS: &str = "cordwood.guide-steps";

/// A step: its name, what its button makes of the query, and how it is seen that the query does it.
struct Step {
    name: &'static str,
    query: fn(&str) -> String,
    is_done: fn(&str) -> bool,
}

const STEPS_OF_SEARCH: [Step; 3] = [
    Step { name: "Find the errors", query: |_| "level>=error".to_owned(), is_done: asks_for_errors },
    Step {
        name: "Look for a word in them",
        query: with_a_word,
        is_done: |query| asks_for_errors(query) && words(query) > 0,
    },
    Step { name: "Count them by source", query: counted, is_done: |query| query.contains("| stats") },
];

fn asks_for_errors(query: &str) -> bool {
    query.contains("level>=error") || query.contains("level:error")
}

/// Conditions that are about no field.
fn words(query: &str) -> usize {
    let conditions = language::conditions(query).unwrap_or_default();
    conditions.iter().filter(|condition| !condition.text.contains([':', '=', '<', '>'])).count()
}

fn with_a_word(query: &str) -> String {
    let errors = if asks_for_errors(query) { query } else { "level>=error" };
    language::edit(errors, &Change::Add("timeout".into())).unwrap_or_else(|_| "level>=error timeout".into())
}

fn counted(query: &str) -> String {
    let errors = if asks_for_errors(query) { query } else { "level>=error" };
    language::edit(errors, &Change::Stage("stats count() by source".into()))
        .unwrap_or_else(|_| "level>=error | stats count() by source".into())
}

/// Which steps are done: those that were, and those that the query does.
fn done_now(before: &str, query: &str) -> String {
    let steps = STEPS_OF_SEARCH.iter().enumerate();
    let done = steps.filter(|(at, step)| before.contains(&at.to_string()) || (step.is_done)(query));
    done.map(|(at, _)| at.to_string()).collect()
}

#[component]
pub fn Guide() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let wanted = RwSignal::new(!explorer.is_local() && browser::stored(DONE).is_none());
    let has_data = Memo::new(move |before: Option<&bool>| {
        before.copied().unwrap_or_default() || matches!(results.shape.get(), Shape::Events | Shape::Table)
    });
    let done = Memo::new(move |before: Option<&String>| {
        let before = before.cloned().or_else(|| browser::stored(STEPS)).unwrap_or_default();
        explorer.run.with(|run| done_now(&before, &run.query))
    });
    Effect::new(move |_| {
        if wanted.get() {
            done.with(|done| browser::store(STEPS, Some(done)));
        }
    });
    let close = move |_| {
        browser::store(DONE, Some("yes"));
        browser::store(STEPS, None);
        wanted.set(false);
    };
    let steps = move || {
        let steps = STEPS_OF_SEARCH.iter().enumerate().map(|(at, step)| {
            let is_done = Memo::new(move |_| done.with(|done| done.contains(&at.to_string())));
            let go = move |_| explorer.run_query((step.query)(&explorer.text.get_untracked()));
            view! {
                <Button small=true on_click=go>
                    {move || if is_done.get() {
                        view! { <Glyph icon=Icon::Check size="icon-small"/><span class="sr-only">"Done: "</span> }.into_any()
                    } else {
                        view! { <span class="numbers faint">{at + 1}</span> }.into_any()
                    }}
                    {step.name}
                </Button>
            }
        });
        steps.collect_view()
    };
    view! {
        <Show when=move || wanted.get() && has_data.get()>
            <section class="guide" aria-label="First steps">
                <strong>"First steps"</strong>
                {steps}
                <LinkButton small=true href="/alerts/new?query=level%3E%3Derror"><span class="numbers faint">"4"</span>"Be woken by them"</LinkButton>
                <Button small=true kind=ButtonKind::Quiet icon=Icon::Book on_click=move |_| explorer.help_open.set(true)>"More examples"</Button>
                <span class="grow"></span>
                <IconButton small=true icon=Icon::Close label="Do not show the first steps again" on_click=close/>
            </section>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_does_what_it_is_ticked_for_and_keeps_what_was_found() {
        let mut query = String::new();
        let mut done = String::new();
        for (at, step) in STEPS_OF_SEARCH.iter().enumerate() {
            query = (step.query)(&query);
            done = done_now(&done, &query);
            assert!(done.contains(&at.to_string()), "{}: {query}", step.name);
        }
        assert_eq!(query, "level>=error timeout | stats count() by source");
        assert_eq!(done_now(&done, ""), "012", "what was done stays done");
        assert_eq!(done_now("", "timeout"), "");
    }
}
