//! What a query means, what it would read at most, and the SQL that runs for it.

use super::explorer::explorer;
use crate::api::search;
use crate::components::{CodeBlock, Dialog, Glyph, Icon, LoadError, Loading};
use crate::format;
use crate::language;
use crate::load::{Load, load};
use api_types::search::{CheckAnswer, CheckRequest, Estimate};
use leptos::prelude::*;
use std::time::Duration;

/// After the last key, before the server is asked what the text would cost.
const PATIENCE: Duration = Duration::from_millis(500);

fn request(query: String) -> CheckRequest {
    let asked = explorer().run.get_untracked().request();
    CheckRequest {
        query,
        from: asked.from,
        to: asked.to,
        now: asked.now,
        project_id: asked.project_id,
        ..CheckRequest::default()
    }
}

/// `at most 1,234 events, 5.6 MB`
fn cost(estimate: &Estimate) -> String {
    let bytes = estimate.bytes.map(|bytes| format!(", {}", format::bytes(bytes))).unwrap_or_default();
    format!("at most {} events{bytes}", format::count(estimate.rows))
}

/// Says what a text that is typed and not run yet would read.
#[component]
pub fn EstimateNote() -> impl IntoView {
    let explorer = explorer();
    let typed = RwSignal::new(None::<String>);
    let mut settle = leptos::leptos_dom::helpers::debounce(PATIENCE, move |text| {
        typed.try_set(text);
    });
    Effect::new(move |_| {
        let text = explorer.text.get();
        let is_other = explorer.run.with(|run| run.query.trim() != text.trim());
        let is_whole = language::diagnose(&text).is_none_or(|finding| !finding.is_error);
        if !is_other {
            typed.set(None);
        }
        settle((is_other && is_whole).then_some(text));
    });
    let ask = StoredValue::new(Callback::new(request));
    let checked = load(
        move || typed.get().map(|text| ask.with_value(|ask| ask.run(text))),
        |request| async move { search::check(request).await },
    );
    let note = move || {
        typed.with(Option::is_some).then_some(())?;
        checked.state.with(|state| Some(format!("Would read {}", cost(state.ready()?.estimate.as_ref()?))))
    };
    view! { <span class="estimate faint numbers truncate" data-testid="estimate">{note}</span> }
}

#[component]
pub fn PlanDialog() -> impl IntoView {
    let explorer = explorer();
    view! { <Dialog open=explorer.plan_open title="How this query runs" wide=true><Plan/></Dialog> }
}

#[component]
fn Plan() -> impl IntoView {
    let explorer = explorer();
    let wanted = StoredValue::new(request(untrack(|| explorer.text.get())));
    let checked =
        load(move || Some(wanted.get_value()), |request| async move { search::check(request).await });
    move || match checked.state.get() {
        Load::Waiting => view! { <Loading lines=6/> }.into_any(),
        Load::Failed(error) => {
            view! { <LoadError error on_retry=Callback::new(move |()| checked.refetch())/> }.into_any()
        }
        Load::Ready(answer) => view! { <Answer answer/> }.into_any(),
    }
}

#[component]
fn Answer(answer: CheckAnswer) -> impl IntoView {
    let estimate = answer.estimate.map(|estimate| {
        let indexes = estimate.indexes.iter().map(|index| {
            let icon = if index.used { Icon::Check } else { Icon::Close };
            view! { <li class="plan-index"><Glyph icon size="icon-small"/><span><b>{index.index.clone()}</b>{format!(": {}", index.note)}</span></li> }
        });
        view! {
            <section class="stack">
                <h3>"Cost"</h3>
                <p class="numbers">{format!("It reads {}.", cost(&estimate))}</p>
                <ul class="stack">{indexes.collect_view()}</ul>
            </section>
        }
    });
    let error =
        answer.error.map(|error| view! { <p class="field-error">{language::sentence(&error.message)}</p> });
    view! {
        {error}
        {answer.explanation.map(|text| view! { <p>{language::sentence(&text)}</p> })}
        {estimate}
        {answer.sql.map(|sql| view! { <CodeBlock code=sql label="SQL"/> })}
    }
}
