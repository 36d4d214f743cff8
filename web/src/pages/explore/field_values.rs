//! The most frequent values of one field, and three things to do with each: include, exclude, only.

use super::explorer::explorer;
use crate::api::search;
use crate::components::{Button, Icon, IconButton};
use crate::format;
use crate::language::Change;
use crate::load::{Load, load};
use api_types::search::FieldValue;
use leptos::prelude::*;

const SHOWN: u32 = 10;

#[component]
pub fn FieldValuesView(field: String) -> impl IntoView {
    let explorer = explorer();
    let field = StoredValue::new(field);
    let values = load(
        move || Some(explorer.run.get()),
        move |run| async move {
            let mut request = run.request();
            request.field = Some(field.get_value());
            request.limit = Some(SHOWN);
            search::field_values(request).await
        },
    );
    move || match values.state.get() {
        Load::Waiting => {
            view! { <div class="values"><span class="skeleton"></span><span class="skeleton"></span></div> }
                .into_any()
        }
        Load::Failed(error) => view! {
            <div class="values values-note">
                <span>{error.message()}</span>
                <button type="button" class="link" on:click=move |_| values.refetch()>"Try again"</button>
            </div>
        }
        .into_any(),
        Load::Ready(found) if found.values.is_empty() => {
            view! { <div class="values values-note faint">"No values in this range."</div> }.into_any()
        }
        Load::Ready(found) => {
            let most = found.values.iter().map(|value| value.count).max().unwrap_or(1).max(1);
            let rows = found.values.into_iter().map(|value| view! { <ValueRow field value most/> });
            view! { <ul class="values">{rows.collect_view()}</ul> }.into_any()
        }
    }
}

/// Two ends for a field of numbers; an empty one is open.
#[component]
pub fn NumberRange(field: String) -> impl IntoView {
    let explorer = explorer();
    let (low, high) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let name = StoredValue::new(field.clone());
    let apply = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let number = |text: RwSignal<String>| text.with_untracked(|text| text.trim().parse::<f64>().ok());
        let (low, high) = (number(low), number(high));
        if low.is_some() || high.is_some() {
            explorer.edit(Change::Between { field: name.get_value(), low, high });
        }
    };
    let end = |value: RwSignal<String>, placeholder: &'static str, label: String| {
        view! {
            <input
                class="input"
                type="number"
                step="any"
                placeholder=placeholder
                aria-label=label
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
        }
    };
    view! {
        <form class="number-range" on:submit=apply>
            {end(low, "from", format!("{field} at least"))}
            {end(high, "to", format!("{field} at most"))}
            <Button small=true submit=true>"Apply"</Button>
        </form>
    }
}

#[component]
fn ValueRow(field: StoredValue<String>, value: FieldValue, most: u64) -> impl IntoView {
    let explorer = explorer();
    let text = StoredValue::new(value.value.clone());
    let change =
        move |make: fn(String, String) -> Change| explorer.edit(make(field.get_value(), text.get_value()));
    let shown = if value.value.is_empty() { "(empty)".to_owned() } else { value.value.clone() };
    let share = value.count as f64 / most as f64;
    let level_class = if field.with_value(|field| field == "level") {
        format!("value-bar fill-{}", value.value)
    } else {
        "value-bar".into()
    };
    view! {
        <li class="value">
            <button
                type="button"
                class="value-main"
                title=format!("Only {shown}")
                on:click=move |_| change(Change::only)
            >
                <i class=level_class style:width=format!("{:.1}%", share * 100.0)></i>
                <span class="truncate grow">{shown.clone()}</span>
                <span class="numbers value-count">{format::short_count(value.count)}</span>
                <span class="sr-only">"events: only these"</span>
            </button>
            <span class="value-actions">
                <IconButton small=true icon=Icon::Include label=format!("Include {shown}") on_click=move |_| change(Change::include)/>
                <IconButton small=true icon=Icon::Exclude label=format!("Exclude {shown}") on_click=move |_| change(Change::exclude)/>
            </span>
        </li>
    }
}
