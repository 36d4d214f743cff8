//! Routes: which alerts go to which channels besides those that they name.

use super::{
    Row, Shared, Ticks, channel_choices, entries, names_of, put, remove, severities_of, severity_choices,
    words,
};
use crate::components::{
    Button, ButtonKind, Dialog, EmptyState, FormError, Icon, LinkButton, TextField, open_while,
};
use crate::load::Submit;
use crate::pages::alerts::{read_labels, written_labels};
use crate::pages::settings::SectionHead;
use api_types::alerts::Route;
use leptos::prelude::*;

/// A route that is being edited, and its place; none for a new one.
type Editing = Option<(Option<usize>, Route)>;

#[component]
pub fn Routes(shared: Shared) -> impl IntoView {
    let editing = RwSignal::new(Editing::None);
    let open = open_while(editing);
    let removing = Submit::new();
    let routes = entries(shared, |policy| &policy.routes);
    let is_ready = shared.channels.with_value(|channels| !channels.is_empty());
    let new = || Route { severities: Vec::new(), labels: Default::default(), channel_ids: Vec::new() };
    let add =
        move || {
            (shared.may && is_ready).then(|| view! {
            <Button icon=Icon::Add on_click=move |_| editing.set(Some((None, new())))>"Add route"</Button>
        })
        };
    view! {
        <section class="section">
            <SectionHead title="Routes" text="Send alerts of a severity, or with a label, to more channels than those that they name.">{add()}</SectionHead>
            <FormError message=removing.general(&[])/>
            <div class="card">
                {move || {
                    let list = routes.get();
                    if !is_ready {
                        return view! {
                            <EmptyState icon=Icon::Mail title="No channels yet" text="A route leads to a notification channel: create one first.">
                                <LinkButton href="/settings/channels">"Notification channels"</LinkButton>
                            </EmptyState>
                        }.into_any();
                    }
                    if list.is_empty() {
                        return view! { <EmptyState icon=Icon::Share title="No routes" text="Each alert goes to the channels that it names, and nowhere else."/> }.into_any();
                    }
                    let rows = list.into_iter().enumerate().map(|(at, route)| {
                        let (text, note) = (words::route(&route), format!("to {}", shared.names(&route.channel_ids)));
                        let edit = Callback::new(move |()| editing.set(Some((Some(at), route.clone()))));
                        let take = Callback::new(move |()| shared.save(removing, |policy| remove(&mut policy.routes, at), || {}));
                        view! { <Row label=format!("the route for {text}") text note may=shared.may edit remove=take/> }
                    });
                    view! { <ol class="timeline" data-testid="routes">{rows.collect_view()}</ol> }.into_any()
                }}
            </div>
        </section>
        <Dialog open title="Route">
            {move || editing.get().map(|(at, route)| view! { <RouteForm shared at route open/> })}
        </Dialog>
    }
}

#[component]
fn RouteForm(shared: Shared, at: Option<usize>, route: Route, open: RwSignal<bool>) -> impl IntoView {
    let severities = RwSignal::new(names_of(&route.severities));
    let labels = RwSignal::new(written_labels(&route.labels));
    let channels = RwSignal::new(route.channel_ids);
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let route = Route {
            severities: severities_of(&severities.get_untracked()),
            labels: read_labels(&labels.get_untracked()),
            channel_ids: channels.get_untracked(),
        };
        shared.save(submit, |policy| put(&mut policy.routes, at, route), move || open.set(false));
    };
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&[])/>
            <Ticks legend="Alerts of severity" hint="Any when none is ticked." choices=severity_choices() chosen=severities/>
            <TextField label="With labels" value=labels placeholder="team=shop, env=prod" hint="All of them; an alert has its labels under “More”."/>
            <Ticks legend="Go to" choices=channel_choices(shared) chosen=channels/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}
