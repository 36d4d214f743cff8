//! The fields of what was found: how many events have each and of which types, and their values when opened.

use super::cells::CORE;
use super::coverage::{Among, has_numbers, kind_mark, mix};
use super::explorer::explorer;
use super::field_values::{FieldValuesView, NumberRange};
use super::pins::Pins;
use super::results::{Shape, results};
use crate::api::search;
use crate::components::{Glyph, Icon, IconButton, LoadError, Loading};
use crate::load::{Load, load};
use api_types::search::{Field, Fields};
use leptos::prelude::*;
use std::collections::HashSet;

#[component]
pub fn FieldList() -> impl IntoView {
    let explorer = explorer();
    let fields =
        load(move || Some(explorer.run.get()), |run| async move { search::fields(run.request()).await });
    fields.cancel_on(explorer.cancelled);
    Effect::new(move |_| {
        if let Load::Ready(fields) = fields.state.get() {
            explorer.fields.set(fields.fields);
        }
    });
    let pins = Pins::new(explorer);
    let wanted = RwSignal::new(String::new());
    let open = RwSignal::new(HashSet::from(["level".to_owned(), "source".to_owned()]));
    view! {
        <aside class="fields" aria-label="Fields" aria-busy=move || fields.busy.get().to_string()>
            <div class="fields-search">
                <Glyph icon=Icon::Fields size="icon-small"/>
                <input
                    id="field-search"
                    type="search"
                    placeholder="Fields"
                    aria-label="Search in fields"
                    prop:value=move || wanted.get()
                    on:input=move |event| wanted.set(event_target_value(&event))
                />
                <IconButton small=true icon=Icon::Close label="Hide fields (f)" on_click=move |_| explorer.toggle_fields()/>
            </div>
            {move || match fields.state.get() {
                Load::Waiting => view! { <Loading lines=8/> }.into_any(),
                Load::Failed(error) => {
                    view! { <LoadError error on_retry=Callback::new(move |()| fields.refetch())/> }.into_any()
                }
                Load::Ready(found) if found.fields.is_empty() => {
                    view! { <p class="fields-empty faint">"No fields in this range."</p> }.into_any()
                }
                Load::Ready(found) => view! { <Groups found wanted open pins/> }.into_any(),
            }}
        </aside>
    }
}

#[component]
fn Groups(
    found: Fields,
    wanted: RwSignal<String>,
    open: RwSignal<HashSet<String>>,
    pins: Pins,
) -> impl IntoView {
    let among = Among::of(&found);
    let is_listed = |field: &Field| field.name != "timestamp" && field.name != "message";
    let (mut core, others): (Vec<Field>, Vec<Field>) =
        found.fields.into_iter().filter(is_listed).partition(|field| CORE.contains(&field.name.as_str()));
    core.sort_by_key(|field| CORE.iter().position(|name| *name == field.name));
    let (core, others) = (StoredValue::new(core), StoredValue::new(others));
    let matching = move |fields: StoredValue<Vec<Field>>| {
        let wanted = wanted.get().to_lowercase();
        fields.with_value(|fields| {
            fields
                .iter()
                .filter(|field| field.name.to_lowercase().contains(&wanted))
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let pinned = move || {
        let mut fields = matching(core);
        fields.extend(matching(others));
        fields.retain(|field| pins.has(&field.name));
        fields
    };
    let unpinned = move |fields| {
        let mut fields = matching(fields);
        fields.retain(|field| !pins.has(&field.name));
        fields
    };
    let nothing = move || matching(core).is_empty() && matching(others).is_empty();
    view! {
        <div class="fields-list" tabindex="-1">
            <Show when=move || !pinned().is_empty()><h2 class="fields-group">"Pinned"</h2></Show>
            <For each=pinned key=|field| field.name.clone() let:field><FieldRow field among open pins/></For>
            <For each=move || unpinned(core) key=|field| field.name.clone() let:field><FieldRow field among open pins/></For>
            <Show when=move || !unpinned(others).is_empty()><h2 class="fields-group">"Attributes"</h2></Show>
            <For each=move || unpinned(others) key=|field| field.name.clone() let:field><FieldRow field among open pins/></For>
            <Show when=nothing><p class="fields-empty faint">"No field of this name."</p></Show>
        </div>
    }
}

#[component]
fn FieldRow(field: Field, among: Among, open: RwSignal<HashSet<String>>, pins: Pins) -> impl IntoView {
    let name = StoredValue::new(field.name.clone());
    let is_open = Memo::new(move |_| name.with_value(|name| open.with(|open| open.contains(name))));
    let toggle = move |_| {
        let name = name.get_value();
        open.update(|open| {
            if !open.remove(&name) {
                open.insert(name);
            }
        });
    };
    let (mark, kind) = kind_mark(&field.kind);
    let is_number = has_numbers(&field);
    let mix = mix(&field);
    view! {
        <div class="field-row">
            <button type="button" class="field-name" aria-expanded=move || is_open.get().to_string() on:click=toggle>
                <span class="field-kind" title=kind aria-label=kind role="img">{mark}</span>
                <span class="truncate grow">{field.name.clone()}</span>
                <span class="field-share numbers" title=among.words(field.count)>{among.share(field.count)}</span>
            </button>
            <FieldActions name pins/>
        </div>
        {mix.map(|mix| view! { <p class="field-mix numbers" title="Types of the newest values">{mix}</p> })}
        <Show when=move || is_open.get()>
            {is_number.then(|| view! { <NumberRange field=name.get_value()/> })}
            <FieldValuesView field=name.get_value()/>
        </Show>
    }
}

/// Keeping a field at the top, and showing it as a column.
#[component]
fn FieldActions(name: StoredValue<String>, pins: Pins) -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let is_column = Signal::derive(move || {
        name.with_value(|name| explorer.state.with(|state| state.columns.contains(name)))
    });
    let may_be_column = !name.with_value(|name| matches!(name.as_str(), "level" | "source"));
    view! {
        <span class="field-actions">
            <IconButton
                small=true
                icon=Icon::Pin
                label=format!("Keep {} at the top", name.get_value())
                pressed=Signal::derive(move || name.with_value(|name| pins.is_mine(name)))
                on_click=move |_| name.with_value(|name| pins.toggle(name))
            />
            {pins.may_share.then(|| view! {
                <IconButton
                    small=true
                    icon=Icon::Members
                    label=format!("Keep {} at the top for everybody", name.get_value())
                    pressed=Signal::derive(move || name.with_value(|name| pins.is_teams(name)))
                    on_click=move |_| pins.toggle_for_all(explorer.run.with_untracked(|run| run.project_id.clone()), name.get_value())
                />
            })}
            {may_be_column.then(|| view! {
                <Show when=move || results.shape.get() == Shape::Events>
                    <IconButton
                        small=true
                        icon=Icon::Columns
                        label=format!("Show {} as column", name.get_value())
                        pressed=is_column
                        on_click=move |_| explorer.toggle_column(&name.get_value())
                    />
                </Show>
            })}
        </span>
    }
}
