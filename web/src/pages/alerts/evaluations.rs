//! Each time that a rule was checked, and the answer to "why did it not fire then?".

use super::words::{StateBadge, shown_to_rfc3339, value};
use crate::api::alerts;
use crate::components::{Age, Button, EmptyState, FormError, Icon, Notice, NoticeKind, TextField, show};
use crate::format;
use crate::load::{Submit, load};
use crate::preferences::shown_time;
use api_types::alerts::{AlertEvaluation, WhyAnswer};
use leptos::prelude::*;

#[component]
pub fn Evaluations(#[prop(into)] rule_id: String) -> impl IntoView {
    let rule_id = StoredValue::new(rule_id);
    let found = load(move || Some(rule_id.get_value()), |id| alerts::evaluations(id, None));
    let more = Submit::new();
    let load_more = move |cursor: String| {
        more.run(alerts::evaluations(rule_id.get_value(), Some(cursor)), move |page| {
            found.change(|shown| {
                shown.items.extend(page.items);
                shown.next_cursor = page.next_cursor;
            });
        });
    };
    view! {
        <section class="section">
            <h2>"Evaluations"</h2>
            <Why rule_id/>
            <div class="card">
                {show(found, move |found| {
                    if found.items.is_empty() {
                        return view! { <EmptyState icon=Icon::Clock title="Not checked yet" text="Each check will be listed here for seven days."/> }.into_any();
                    }
                    let next = found.next_cursor.clone();
                    let rows = found.items.into_iter().map(|evaluation| view! { <EvaluationRow evaluation/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Evaluations">
                            <table class="table" data-testid="evaluations">
                                <thead><tr>
                                    <th scope="col">"State"</th><th scope="col" class="number">"Value"</th><th scope="col" class="number">"Groups"</th>
                                    <th scope="col">"Reason"</th><th scope="col" class="number">"Took"</th><th scope="col">"When"</th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                        {next.map(|cursor| view! {
                            <div class="card-foot"><Button busy=more.busy on_click=move |_| load_more(cursor.clone())>"Show older"</Button></div>
                        })}
                    }.into_any()
                })}
            </div>
        </section>
    }
}

#[component]
fn EvaluationRow(evaluation: AlertEvaluation) -> impl IntoView {
    view! {
        <tr>
            <td class="state-cell"><StateBadge state=evaluation.state/></td>
            <td class="number">{value(evaluation.value)}</td>
            <td class="number">{format::count(evaluation.groups)}</td>
            <td class="soft">{evaluation.detail}</td>
            <td class="number">{evaluation.took_ms}" ms"</td>
            <td class="soft"><Age at=evaluation.slot/></td>
        </tr>
    }
}

#[component]
fn Why(rule_id: StoredValue<String>) -> impl IntoView {
    let at = RwSignal::new(String::new());
    let answer = RwSignal::new(None::<WhyAnswer>);
    let submit = Submit::new();
    let ask = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let text = at.get_untracked();
        let time = shown_to_rfc3339(&text).unwrap_or(text);
        let work = async move { alerts::why(&rule_id.get_value(), &time).await };
        submit.run(work, move |found| answer.set(Some(found)));
    };
    view! {
        <form class="form-row" on:submit=ask>
            <TextField label="Why did it not fire at" kind="datetime-local" value=at required=true error=submit.field("until")/>
            <div class="field field-end"><Button submit=true icon=Icon::Help busy=submit.busy>"Explain"</Button></div>
        </form>
        <FormError message=submit.general(&["until"])/>
        {move || answer.get().map(|answer| view! {
            <Notice kind=NoticeKind::Plain>
                <div data-testid="why">
                    <strong>{shown_time(&answer.from, format::date_and_time)}" – "{shown_time(&answer.to, format::date_and_time)}</strong>
                    <ul class="reasons">{answer.reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view()}</ul>
                </div>
            </Notice>
        })}
    }
}
