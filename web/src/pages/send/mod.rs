//! Send logs: a key made on the spot, commands with it filled in, and a light that turns green when the first event is there.

mod key;
mod recipes;
mod waiting;

use crate::components::{CodeBlock, Glyph, Icon};
use crate::session::session;
use key::KeyCard;
use leptos::prelude::*;
use recipes::{RECIPES, Recipe};
use waiting::Waiting;

/// Stands in a command for a key that is not known.
const NO_KEY: &str = "YOUR_API_KEY";

#[component]
pub fn SendLogs() -> impl IntoView {
    crate::app::set_title("Send logs");
    let session = session();
    let secret = RwSignal::new(None::<String>);
    let chosen = RwSignal::new(0_usize);
    view! {
        <div class="page page-narrow">
            <header class="page-head">
                <div class="page-head-text">
                    <h1>"Send logs"</h1>
                    <p>
                        "Into project " <strong>{move || session.project_name()}</strong>
                        ". JSON, lines of text, one event or thousands: what arrives is searchable within seconds."
                    </p>
                </div>
            </header>
            <section class="section step" aria-labelledby="step-key">
                <h2 id="step-key"><span class="step-number">"1"</span>"Your API key"</h2>
                <KeyCard secret/>
            </section>
            <section class="section step" aria-labelledby="step-send">
                <h2 id="step-send"><span class="step-number">"2"</span>"Send something"</h2>
                <Sources chosen/>
                <RecipeView recipe=Signal::derive(move || &RECIPES[chosen.get()]) secret/>
            </section>
            <section class="section step" aria-labelledby="step-see">
                <h2 id="step-see"><span class="step-number">"3"</span>"See it arrive"</h2>
                <Waiting/>
            </section>
        </div>
    }
}

#[component]
fn Sources(chosen: RwSignal<usize>) -> impl IntoView {
    let tabs = RECIPES.iter().enumerate().map(|(index, recipe)| {
        view! {
            <button
                type="button"
                class="source"
                aria-pressed=move || (chosen.get() == index).to_string()
                on:click=move |_| chosen.set(index)
            >
                {recipe.name}
            </button>
        }
    });
    view! { <div class="sources" role="group" aria-label="Source">{tabs.collect_view()}</div> }
}

#[component]
fn RecipeView(recipe: Signal<&'static Recipe>, secret: RwSignal<Option<String>>) -> impl IntoView {
    let origin = crate::browser::origin();
    let code = Signal::derive(move || {
        let key = secret.get();
        recipe.get().fill(&origin, key.as_deref().unwrap_or(NO_KEY))
    });
    view! {
        <p class="soft">{move || recipe.get().text}</p>
        <CodeBlock code label="Command"/>
        <Show when=move || secret.with(Option::is_none)>
            <p class="field-hint key-hint">
                <Glyph icon=Icon::Info size="icon-small"/>
                {format!("Put your key where it says {NO_KEY}, or create a new one above to have it filled in.")}
            </p>
        </Show>
    }
}
