//! The head of the list: names of columns, and for those a person has added a menu to move and remove them and an edge to resize them.

use super::explorer::explorer;
use super::more;
use crate::components::{Icon, Menu, MenuItem};
use crate::preferences::{Zone, preferences};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Pixels that an arrow key moves an edge by.
const STEP: i64 = 10;

#[component]
pub fn Head(columns: Memo<Vec<String>>) -> impl IntoView {
    let zone = preferences().zone;
    let zone_name = move || zone.get().name();
    let switch = move |_| {
        zone.update(|zone| *zone = if *zone == Zone::Utc { Zone::Local } else { Zone::Utc });
    };
    view! {
        <div class="rows-head" role="rowgroup">
            <div class="line" role="row">
                <span role="columnheader">
                    "Time"
                    <button type="button" class="head-button" title="Switch between UTC and local time" on:click=switch>{zone_name}</button>
                </span>
                <span role="columnheader">"Level"</span>
                <span role="columnheader">"Source"</span>
                {move || columns.get().into_iter().map(|column| head_of(column, columns)).collect_view()}
                <span role="columnheader" data-message="">"Message"</span>
            </div>
        </div>
    }
}

/// Until its menu is there, a column has a name alone.
fn head_of(column: String, columns: Memo<Vec<String>>) -> AnyView {
    match more::more() {
        Some(more) => (more.column_head)(column, columns),
        None => view! { <span role="columnheader" class="column-head"><span class="head-button truncate">{column}</span></span> }.into_any(),
    }
}

#[component]
pub fn ColumnHead(column: String, columns: Memo<Vec<String>>) -> impl IntoView {
    let explorer = explorer();
    let name = StoredValue::new(column.clone());
    let place = Memo::new(move |_| {
        columns.with(|columns| name.with_value(|name| columns.iter().position(|column| column == name)))
    });
    let count = move || columns.with(Vec::len);
    let shift = move |by: isize| Callback::new(move |()| explorer.move_column(&name.get_value(), by));
    let remove = Callback::new(move |()| explorer.toggle_column(&name.get_value()));
    let trigger = ViewFn::from(move || view! { <span class="truncate">{name.get_value()}</span> });
    view! {
        <span role="columnheader" class="column-head">
            <Menu label=format!("Column {column}") class="head-button truncate" trigger>
                <Show when=move || place.get() != Some(0)>
                    <MenuItem icon=Icon::Back on_choose=shift(-1)>"Move left"</MenuItem>
                </Show>
                <Show when=move || place.get().is_some_and(|at| at + 1 < count())>
                    <MenuItem icon=Icon::Right on_choose=shift(1)>"Move right"</MenuItem>
                </Show>
                <MenuItem icon=Icon::Close on_choose=remove>"Remove column"</MenuItem>
            </Menu>
            <Edge column/>
        </span>
    }
}

/// The right edge of a column: dragged, or moved with the arrow keys.
#[component]
fn Edge(column: String) -> impl IntoView {
    let columns = explorer().columns;
    let name = StoredValue::new(column.clone());
    let width = Memo::new(move |_| name.with_value(|name| columns.width(name)));
    let start = StoredValue::new(None::<(i32, i64)>);
    let resize = move |to: i64| name.with_value(|name| columns.resize(name, to));
    let down = move |event: leptos::ev::PointerEvent| {
        event.prevent_default();
        start.set_value(Some((event.client_x(), i64::from(width.get_untracked()))));
        if let Some(edge) =
            event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        {
            let _captured = edge.set_pointer_capture(event.pointer_id());
        }
    };
    let moved = move |event: leptos::ev::PointerEvent| {
        if let Some((x, before)) = start.get_value() {
            resize(before + i64::from(event.client_x() - x));
        }
    };
    let key = move |event: leptos::ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowLeft" => -STEP,
            "ArrowRight" => STEP,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        resize(i64::from(width.get_untracked()) + by);
    };
    view! {
        <span
            class="column-edge"
            role="separator"
            aria-orientation="vertical"
            tabindex="0"
            aria-label=format!("Width of {column}")
            aria-valuenow=move || width.get().to_string()
            aria-valuemin="60"
            aria-valuemax="900"
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=move |_| start.set_value(None)
            on:keydown=key
        ></span>
    }
}
