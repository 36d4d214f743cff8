//! What is different in the stretch that was chosen on the histogram, against the rest of the range before: fields and values that are
//! over- or under-represented, the most telling first.

use super::explorer::explorer;
use crate::api::search;
use crate::components::{Dialog, EmptyState, Icon, IconButton, LoadError, Loading, Notice, NoticeKind};
use crate::format;
use crate::language::Change;
use crate::load::{Load, load};
use api_types::events::{BaselineRequest, DifferenceRequest, Differences, DifferentValue};
use leptos::prelude::*;

const SHOWN: u32 = 30;

#[component]
pub fn DifferenceDialog(open: RwSignal<bool>) -> impl IntoView {
    view! { <Dialog open title="What is different here" wide=true><Difference open/></Dialog> }
}

#[component]
fn Difference(open: RwSignal<bool>) -> impl IntoView {
    let explorer = explorer();
    let found = load(
        move || Some((explorer.run.get(), explorer.zoomed_from.get()?)),
        |(run, before)| async move {
            let request = run.request();
            search::difference(DifferenceRequest {
                project_id: request.project_id,
                query: request.query,
                from: request.from,
                to: request.to,
                now: request.now,
                baseline: BaselineRequest {
                    query: None,
                    from: Some(before.from.as_str().into()),
                    to: Some(before.to.as_str().into()),
                },
                limit: Some(SHOWN),
                ..DifferenceRequest::default()
            })
            .await
        },
    );
    move || {
        match found.state.get() {
        Load::Waiting => view! { <Loading lines=8/> }.into_any(),
        Load::Failed(error) => {
            view! { <LoadError error on_retry=Callback::new(move |()| found.refetch())/> }.into_any()
        }
        Load::Ready(found) if found.values.is_empty() => view! {
            <EmptyState icon=Icon::Compare title="Nothing stands out" text="No value is clearly more or less frequent here than in the rest of the range."/>
        }
        .into_any(),
        Load::Ready(found) => view! { <Ranking found open/> }.into_any(),
    }
    }
}

#[component]
fn Ranking(found: Differences, open: RwSignal<bool>) -> impl IntoView {
    let summary = format!(
        "{} events here, compared with {} others of the range before the zoom.",
        format::count(found.target.events),
        format::count(found.baseline.events)
    );
    let sampled = (found.sampled_percent < 100.0).then(|| {
        view! { <Notice kind=NoticeKind::Plain>{format!("Estimated from {:.1} % of the events.", found.sampled_percent)}</Notice> }
    });
    let rows = found.values.into_iter().map(|value| view! { <Row value open/> });
    view! {
        <p class="soft">{summary}</p>
        {sampled}
        <div class="table-scroll" tabindex="0" role="region" aria-label="Differences">
            <table class="table table-dense difference">
                <thead>
                    <tr>
                        <th scope="col">"Field"</th>
                        <th scope="col">"Value"</th>
                        <th scope="col">"Here"</th>
                        <th scope="col">"Elsewhere"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(value: DifferentValue, open: RwSignal<bool>) -> impl IntoView {
    let explorer = explorer();
    let is_pattern = value.field == "pattern";
    let pair = StoredValue::new((value.field.clone(), value.value.clone()));
    let change = move |make: fn(String, String) -> Change| {
        let (field, text) = pair.get_value();
        open.set(false);
        explorer.edit(make(field, text));
    };
    let share = |percent: f64, class: &'static str| {
        view! {
            <td class="difference-share">
                <span class="numbers">{format!("{percent:.1}%")}</span>
                <i class=class style:width=format!("{:.1}%", percent.clamp(0.0, 100.0))></i>
            </td>
        }
    };
    view! {
        <tr>
            <th scope="row">{value.field.clone()}</th>
            <td class="mono difference-value">{value.value.clone()}</td>
            {share(value.target_percent, "difference-here")}
            {share(value.baseline_percent, "difference-there")}
            <td class="actions">
                {(!is_pattern).then(|| view! {
                    <IconButton small=true icon=Icon::Include label=format!("Include {}", value.value) on_click=move |_| change(Change::include)/>
                    <IconButton small=true icon=Icon::Exclude label=format!("Exclude {}", value.value) on_click=move |_| change(Change::exclude)/>
                })}
            </td>
        </tr>
    }
}
