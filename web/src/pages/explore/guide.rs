//! First steps for somebody who has not searched here before: three things that can be tried on the data that is there.

use super::explorer::explorer;
use super::results::{Shape, results};
use crate::browser;
use crate::components::{Button, ButtonKind, Glyph, Icon, IconButton, LinkButton};
use leptos::prelude::*;

const DONE: &str = "cordwood.guide-done";
const ERRORS: &str = "level>=error";
const BY_SOURCE: &str = "level>=error | stats count() by source";

#[component]
pub fn Guide() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let wanted = RwSignal::new(!explorer.is_local() && browser::stored(DONE).is_none());
    let has_data = Memo::new(move |before: Option<&bool>| {
        before.copied().unwrap_or_default() || matches!(results.shape.get(), Shape::Events | Shape::Table)
    });
    let asked = Memo::new(move |_| explorer.run.with(|run| run.query.clone()));
    let close = move |_| {
        browser::store(DONE, Some("yes"));
        wanted.set(false);
    };
    let step = move |query: &'static str, text: &'static str| {
        let is_done = move || asked.with(|asked| asked == query);
        view! {
            <Button small=true on_click=move |_| explorer.run_query(query)>
                {move || is_done().then(|| view! { <Glyph icon=Icon::Check size="icon-small"/> })}
                {text}
            </Button>
        }
    };
    view! {
        <Show when=move || wanted.get() && has_data.get()>
            <section class="guide" aria-label="First steps">
                <strong>"First steps"</strong>
                {step(ERRORS, "Find the errors")}
                {step(BY_SOURCE, "Count them by source")}
                <LinkButton small=true href="/alerts/new?query=level%3E%3Derror">"Be woken by them"</LinkButton>
                <Button small=true kind=ButtonKind::Quiet icon=Icon::Book on_click=move |_| explorer.help_open.set(true)>"More examples"</Button>
                <span class="grow"></span>
                <IconButton small=true icon=Icon::Close label="Do not show the first steps again" on_click=close/>
            </section>
        </Show>
    }
}
