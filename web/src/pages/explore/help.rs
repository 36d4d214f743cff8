//! All keys, and the language in a few lines that can be run.

use super::explorer::explorer;
use super::keys::KEYS;
use crate::components::Dialog;
use leptos::prelude::*;

/// Examples of the language, from plain to rich. Each runs on any data.
const EXAMPLES: [(&str, &str); 8] = [
    ("timeout", "a word in the message"),
    ("\"connection reset\"", "a phrase"),
    ("level>=warn -source:worker", "at least warnings, but not of one source"),
    ("http.status>=500 OR duration_ms>1.5s", "a number; a duration in any unit"),
    ("user.id:* message:conn*", "a field that is present; a beginning of a word"),
    ("level:error | stats count() by source", "a table"),
    ("* | timechart count() by level", "a chart"),
    ("* | top 10 source", "the most frequent values"),
];

#[component]
pub fn KeyHelp() -> impl IntoView {
    let explorer = explorer();
    view! {
        <Dialog open=explorer.help_open title="Keys and queries" wide=true>
            <div class="help">
                <section class="stack">
                    <h3>"Keys"</h3>
                    <dl class="help-keys">
                        {KEYS.map(|(key, what)| view! {
                            <dt>{key.split(' ').map(|key| view! { <kbd class="kbd">{key.to_owned()}</kbd> }).collect_view()}</dt>
                            <dd>{what}</dd>
                        }).collect_view()}
                    </dl>
                </section>
                <section class="stack">
                    <h3>"Queries"</h3>
                    <ul class="help-examples">
                        {EXAMPLES.map(|(query, what)| view! {
                            <li>
                                <button
                                    type="button"
                                    on:click=move |_| {
                                        explorer.help_open.set(false);
                                        explorer.run_query(query);
                                    }
                                >
                                    <code>{query}</code>
                                    <span class="faint">{what}</span>
                                </button>
                            </li>
                        }).collect_view()}
                    </ul>
                </section>
            </div>
        </Dialog>
    }
}
