//! Finding in what is loaded, beyond what is drawn: Ctrl-F, then Enter for the next place and Shift-Enter for the one before.

use super::explorer::explorer;
use super::results::{Results, results};
use crate::browser;
use crate::components::{Glyph, Icon, IconButton};
use api_types::search::EventRow;
use leptos::html;
use leptos::prelude::*;
use std::sync::Arc;

/// The rows that have the text, in the order of the list.
fn places(results: Results, text: &str) -> Arc<[usize]> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Arc::from([]);
    }
    let rows = results.rows();
    let holding = rows.iter().enumerate().filter(|(_, row)| holds(row, &text));
    holding.map(|(at, _)| at).collect()
}

fn holds(row: &EventRow, text: &str) -> bool {
    let has =
        |field: &Option<String>| field.as_ref().is_some_and(|field| field.to_lowercase().contains(text));
    let core = [&row.message, &row.source, &row.host, &row.level, &row.trace_id, &row.span_id];
    core.into_iter().any(has) || row.attributes.values().any(|value| value_holds(value, text))
}

fn value_holds(value: &serde_json::Value, text: &str) -> bool {
    use serde_json::Value;
    match value {
        Value::String(found) => found.to_lowercase().contains(text),
        Value::Array(items) => items.iter().any(|item| value_holds(item, text)),
        Value::Object(members) => members.values().any(|member| value_holds(member, text)),
        Value::Null => false,
        other => other.to_string().contains(text),
    }
}

/// The place after (or before) the row `from`, going round at the ends.
fn next(places: &[usize], from: Option<usize>, forward: bool) -> Option<usize> {
    let first = places.first().copied()?;
    let last = places.last().copied()?;
    let Some(from) = from else { return Some(if forward { first } else { last }) };
    if forward {
        Some(places.iter().copied().find(|at| *at > from).unwrap_or(first))
    } else {
        Some(places.iter().rev().copied().find(|at| *at < from).unwrap_or(last))
    }
}

#[component]
pub fn FindBar() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let input = NodeRef::<html::Input>::new();
    let text = RwSignal::new(String::new());
    let found = Memo::new(move |_| places(results, &text.get()));
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _focused = input.focus();
        }
    });
    let go = move |forward: bool| {
        let to = found.with_untracked(|found| next(found, results.cursor.get_untracked(), forward));
        if to.is_some() {
            results.cursor.set(to);
        }
    };
    let close = move || {
        explorer.find_open.set(false);
        browser::focus("#rows");
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        match event.key().as_str() {
            "Enter" => go(!event.shift_key()),
            "Escape" => close(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let said = move || {
        found.with(|found| {
            let at = results.cursor.get().and_then(|cursor| found.iter().position(|place| *place == cursor));
            match (text.with(|text| text.trim().is_empty()), at) {
                (true, _) => format!("in {} loaded rows", results.len()),
                (false, Some(at)) => format!("{} of {}", at + 1, found.len()),
                (false, None) => format!("{} rows", found.len()),
            }
        })
    };
    view! {
        <div class="find-bar" role="search" aria-label="Find in loaded rows">
            <Glyph icon=Icon::Explore size="icon-small"/>
            <input
                node_ref=input
                type="search"
                aria-label="Find in loaded rows"
                placeholder="Find in loaded rows"
                prop:value=move || text.get()
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=on_key
            />
            <span class="soft numbers" role="status" data-testid="find-count">{said}</span>
            <IconButton small=true icon=Icon::ChevronUp label="Previous place (Shift Enter)" on_click=move |_| go(false)/>
            <IconButton small=true icon=Icon::ChevronDown label="Next place (Enter)" on_click=move |_| go(true)/>
            <IconButton small=true icon=Icon::Close label="Close (Esc)" on_click=move |_| close()/>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_found_wherever_a_row_has_it() {
        let row: EventRow = serde_json::from_value(json!({
            "id": "1", "timestamp": "2026-03-10T10:00:00Z", "level": "error", "source": "api", "host": null,
            "message": "Upstream timeout", "trace_id": null, "span_id": null,
            "attributes": {"http": {"status": 504, "tags": ["Slow"]}}
        }))
        .expect("an event");
        for text in ["upstream", "api", "504", "slow"] {
            assert!(holds(&row, text), "{text}");
        }
        assert!(!holds(&row, "null"));
    }

    #[test]
    fn places_are_gone_through_in_a_circle() {
        let places = [3, 7, 9];
        assert_eq!((next(&places, None, true), next(&places, None, false)), (Some(3), Some(9)));
        assert_eq!((next(&places, Some(7), true), next(&places, Some(7), false)), (Some(9), Some(3)));
        assert_eq!((next(&places, Some(9), true), next(&places, Some(0), false)), (Some(3), Some(9)));
        assert_eq!(next(&[], Some(1), true), None);
    }
}
