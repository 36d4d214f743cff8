//! Maintenance: rules are checked and tell nobody; what still fires at the end is told then.

use super::{Row, Shared, entries, put, remove, words};
use crate::browser;
use crate::components::{Button, ButtonKind, Dialog, EmptyState, FormError, Icon, TextField, open_while};
use crate::format;
use crate::load::Submit;
use crate::pages::alerts::{read_labels, shown_to_rfc3339, written_labels};
use crate::pages::settings::SectionHead;
use crate::preferences::shown_time;
use api_types::alerts::Maintenance;
use leptos::prelude::*;

type Editing = Option<(Option<usize>, Maintenance)>;

const HOUR_MS: i64 = 3_600_000;

/// Two hours from now on.
fn next() -> Maintenance {
    let now = browser::now_ms() / 60_000 * 60_000;
    Maintenance {
        name: String::new(),
        from: format::rfc3339(now),
        to: format::rfc3339(now + 2 * HOUR_MS),
        labels: Default::default(),
        rule_ids: Vec::new(),
    }
}

#[component]
pub fn Maintenances(shared: Shared) -> impl IntoView {
    let editing = RwSignal::new(Editing::None);
    let open = open_while(editing);
    let removing = Submit::new();
    let windows = entries(shared, |policy| &policy.maintenance);
    let add = move || {
        shared.may.then(|| view! {
            <Button icon=Icon::Add on_click=move |_| editing.set(Some((None, next())))>"Add maintenance"</Button>
        })
    };
    view! {
        <section class="section">
            <SectionHead title="Maintenance" text="For a while alerts are checked and tell nobody; what still fires at the end is told then.">{add()}</SectionHead>
            <FormError message=removing.general(&[])/>
            <div class="card">
                {move || {
                    let list = windows.get();
                    if list.is_empty() {
                        return view! { <EmptyState icon=Icon::Calendar title="No maintenance planned" text="Add a window before you take something down."/> }.into_any();
                    }
                    let rows = list.into_iter().enumerate().map(|(at, window)| {
                        let shown = |text: &str| shown_time(text, format::date_and_time);
                        let note = words::maintenance_note(&window, browser::now_ms(), shown);
                        let text = window.name.clone();
                        let edit = Callback::new(move |()| editing.set(Some((Some(at), window.clone()))));
                        let take = Callback::new(move |()| shared.save(removing, |policy| remove(&mut policy.maintenance, at), || {}));
                        view! { <Row label=text.clone() text note may=shared.may edit remove=take/> }
                    });
                    view! { <ol class="timeline" data-testid="maintenance">{rows.collect_view()}</ol> }.into_any()
                }}
            </div>
        </section>
        <Dialog open title="Maintenance">
            {move || editing.get().map(|(at, window)| view! { <MaintenanceForm shared at window open/> })}
        </Dialog>
    }
}

/// A stored time as its field holds it.
fn for_field(text: &str) -> String {
    shown_time(text, format::for_input)
}

#[component]
fn MaintenanceForm(
    shared: Shared,
    at: Option<usize>,
    window: Maintenance,
    open: RwSignal<bool>,
) -> impl IntoView {
    let name = RwSignal::new(window.name);
    let (from, to) = (RwSignal::new(for_field(&window.from)), RwSignal::new(for_field(&window.to)));
    let labels = RwSignal::new(written_labels(&window.labels));
    let rule_ids = StoredValue::new(window.rule_ids);
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let time = |field: RwSignal<String>| {
            let text = field.get_untracked();
            shown_to_rfc3339(&text).unwrap_or(text)
        };
        let window = Maintenance {
            name: name.get_untracked().trim().to_owned(),
            from: time(from),
            to: time(to),
            labels: read_labels(&labels.get_untracked()),
            rule_ids: rule_ids.get_value(),
        };
        shared.save(submit, |policy| put(&mut policy.maintenance, at, window), move || open.set(false));
    };
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&["maintenance"])/>
            <TextField label="Name" value=name required=true autofocus=true placeholder="Database move"/>
            <div class="form-row">
                <TextField label="From" kind="datetime-local" value=from required=true error=submit.field("maintenance")/>
                <TextField label="Until" kind="datetime-local" value=to required=true/>
            </div>
            <TextField label="Alerts with labels" value=labels placeholder="team=shop" hint="All alerts when empty."/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}
