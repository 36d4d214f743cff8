//! Two events side by side: what differs, and on request what does not.

use super::cells::{CORE, attributes, field_text, value_text};
use crate::components::{CheckField, Dialog, EmptyState, Icon, open_while};
use api_types::search::EventRow;
use leptos::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The pair being compared.
pub type Pair = (Arc<EventRow>, Arc<EventRow>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    field: String,
    left: Option<String>,
    right: Option<String>,
}

/// Every field of either event, those of all events first.
fn lines(left: &EventRow, right: &EventRow) -> Vec<Line> {
    let core = CORE.iter().chain(["message"].iter()).map(|field| (*field).to_owned());
    let texts = |event: &EventRow| {
        attributes(event)
            .into_iter()
            .map(|(name, value)| (name, value_text(&value)))
            .collect::<BTreeMap<_, _>>()
    };
    let (of_left, of_right) = (texts(left), texts(right));
    let mut names: Vec<String> = of_left.keys().chain(of_right.keys()).cloned().collect();
    names.sort();
    names.dedup();
    let core =
        core.map(|field| Line { left: field_text(left, &field), right: field_text(right, &field), field });
    let more = names.into_iter().map(|field| Line {
        left: of_left.get(&field).cloned(),
        right: of_right.get(&field).cloned(),
        field,
    });
    core.chain(more).filter(|line| line.left.is_some() || line.right.is_some()).collect()
}

#[component]
pub fn Compare(pair: RwSignal<Option<Pair>>) -> impl IntoView {
    let open = open_while(pair);
    view! {
        <Dialog open title="Compare two events" wide=true>
            {move || pair.get().map(|(left, right)| view! { <Table left right/> })}
        </Dialog>
    }
}

#[component]
fn Table(left: Arc<EventRow>, right: Arc<EventRow>) -> impl IntoView {
    let all = lines(&left, &right);
    let differing = all.iter().filter(|line| line.left != line.right).count();
    let everything = RwSignal::new(false);
    let summary = format!("{differing} of {} fields differ.", all.len());
    let shown = move || {
        let rows = all.iter().filter(|line| everything.get() || line.left != line.right).map(|line| {
            let side = |value: &Option<String>| match value {
                Some(text) => view! { <td class="compare-value">{text.clone()}</td> }.into_any(),
                None => view! { <td class="faint">"–"</td> }.into_any(),
            };
            view! {
                <tr class:compare-other=line.left != line.right>
                    <th scope="row">{line.field.clone()}</th>
                    {side(&line.left)}
                    {side(&line.right)}
                </tr>
            }
        });
        rows.collect_view()
    };
    view! {
        <div class="row">
            <p class="grow soft">{summary}</p>
            <CheckField checked=everything on_change=Callback::new(move |on| everything.set(on))>"Also what is the same"</CheckField>
        </div>
        {if differing == 0 {
            view! { <EmptyState icon=Icon::Compare title="No difference" text="Both events have the same fields with the same values."/> }.into_any()
        } else {
            ().into_any()
        }}
        <div class="table-scroll" tabindex="0" role="region" aria-label="Differences">
            <table class="table table-dense mono compare">
                <thead><tr><th scope="col">"Field"</th><th scope="col">"First"</th><th scope="col">"This event"</th></tr></thead>
                <tbody>{shown}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(level: &str, attributes: serde_json::Value) -> EventRow {
        let row = json!({"id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": level, "source": null, "host": null,
            "message": "m", "trace_id": null, "span_id": null, "attributes": attributes});
        serde_json::from_value(row).expect("an event")
    }

    #[test]
    fn every_field_of_either_event_has_a_line() {
        let (left, right) =
            (event("info", json!({"a": {"b": 1}, "x": 1})), event("error", json!({"a.b": 1, "y": 2})));
        let said: Vec<_> = lines(&left, &right)
            .into_iter()
            .filter(|line| line.left != line.right)
            .map(|line| (line.field, line.left, line.right))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            said,
            [
                ("level".to_owned(), text("info"), text("error")),
                ("x".to_owned(), text("1"), None),
                ("y".to_owned(), None, text("2"))
            ]
        );
    }
}
