//! The language beside the query: examples that run with a click, every stage, and all keys.

use super::commands::KEYS;
use super::explorer::explorer;
use crate::components::Dialog;
use leptos::prelude::*;

type Example = (&'static str, &'static str);

/// From plain to rich. Each runs on any data.
const EXAMPLES: [(&str, &[Example]); 4] = [
    (
        "Words",
        &[
            ("timeout", "a word in the message, in any case"),
            ("\"connection reset\"", "words side by side"),
            ("conn*", "the beginning of a word"),
            ("*:alice", "a word in any field"),
            ("timeout -retry", "one word without another"),
        ],
    ),
    (
        "Fields",
        &[
            ("level>=warn -source:worker", "at least warnings, but not of one source"),
            ("http.status>=500 OR duration_ms>1.5s", "a number; a duration in any unit"),
            ("http.status:[400 TO 499]", "a range, both ends included"),
            ("source in (api, web)", "one of several values"),
            ("user.id:*", "the field is present"),
            ("message=~'order \\d+'", "a regular expression"),
        ],
    ),
    (
        "Tables",
        &[
            ("level:error | stats count() by source", "a count for each source"),
            ("* | top 10 source", "the most frequent values"),
            ("* | stats p95(duration_ms) by source", "a percentile"),
            ("* | patterns", "the shapes of messages"),
        ],
    ),
    (
        "Over time",
        &[
            ("* | timechart count() by level", "a chart with a line for each level"),
            ("level>=error | timechart count() every=5m", "in steps of five minutes"),
        ],
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Examples,
    Stages,
    Keys,
}

#[component]
pub fn Help() -> impl IntoView {
    let explorer = explorer();
    let part = RwSignal::new(Part::Examples);
    let tab = move |which: Part, name: &'static str| {
        view! {
            <button
                type="button"
                class="tab"
                role="tab"
                aria-selected=move || (part.get() == which).to_string()
                on:click=move |_| part.set(which)
            >
                {name}
            </button>
        }
    };
    view! {
        <Dialog open=explorer.help_open title="Syntax and keys" wide=true>
            <div class="tabs" role="tablist" aria-label="Help">
                {tab(Part::Examples, "Examples")}
                {tab(Part::Stages, "Stages")}
                {tab(Part::Keys, "Keys")}
            </div>
            {move || match part.get() {
                Part::Examples => view! { <Examples/> }.into_any(),
                Part::Stages => view! { <Stages/> }.into_any(),
                Part::Keys => view! { <Keys/> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
fn Examples() -> impl IntoView {
    let explorer = explorer();
    let run = move |query: &'static str| {
        explorer.help_open.set(false);
        explorer.run_query(query);
    };
    let groups = EXAMPLES.map(|(name, examples)| {
        let items = examples.iter().map(|(query, what)| {
            view! {
                <li>
                    <button type="button" on:click=move |_| run(query)>
                        <code>{*query}</code>
                        <span class="faint">{*what}</span>
                    </button>
                </li>
            }
        });
        view! {
            <section class="stack">
                <h3>{name}</h3>
                <ul class="help-examples">{items.collect_view()}</ul>
            </section>
        }
    });
    view! { <div class="help">{groups.collect_view()}</div> }
}

#[component]
fn Stages() -> impl IntoView {
    let items = query_lang::STAGES.iter().map(|stage| {
        view! {
            <div>
                <dt><code>{stage.usage}</code></dt>
                <dd>{stage.doc}</dd>
            </div>
        }
    });
    view! {
        <p class="soft">"Stages follow the filter, each behind a " <code>"|"</code> ", and work on what the one before them gives."</p>
        <div class="help-scroll" tabindex="0" role="region" aria-label="Stages">
            <dl class="help-stages">{items.collect_view()}</dl>
        </div>
    }
}

#[component]
fn Keys() -> impl IntoView {
    let items = KEYS.map(|(key, what)| {
        view! {
            <dt>{key.split(' ').map(|key| view! { <kbd class="kbd">{key.to_owned()}</kbd> }).collect_view()}</dt>
            <dd>{what}</dd>
        }
    });
    view! { <dl class="help-keys">{items.collect_view()}</dl> }
}

#[cfg(test)]
mod tests {
    use super::EXAMPLES;

    #[test]
    fn every_example_can_be_run() {
        for (query, _) in EXAMPLES.iter().flat_map(|(_, examples)| examples.iter()) {
            assert_eq!(crate::language::diagnose(query).map(|finding| finding.sentence()), None, "{query}");
        }
    }
}
