//! Quiet hours: messages wait for their end and leave then, in order.

use super::{
    Row, Shared, Ticks, channel_choices, entries, names_of, put, remove, severities_of, severity_choices,
    words,
};
use crate::browser;
use crate::components::{Button, ButtonKind, Dialog, EmptyState, FormError, Icon, TextField, open_while};
use crate::load::Submit;
use crate::pages::settings::SectionHead;
use api_types::alerts::{QuietHours, Severity};
use leptos::prelude::*;

type Editing = Option<(Option<usize>, QuietHours)>;

fn night() -> QuietHours {
    QuietHours {
        channel_ids: Vec::new(),
        days: Vec::new(),
        from: "22:00".into(),
        to: "07:00".into(),
        time_zone: browser::time_zone(),
        except: vec![Severity::Critical],
    }
}

#[component]
pub fn Quiet(shared: Shared) -> impl IntoView {
    let editing = RwSignal::new(Editing::None);
    let open = open_while(editing);
    let removing = Submit::new();
    let hours = entries(shared, |policy| &policy.quiet_hours);
    let add = move || {
        shared.may.then(|| view! {
            <Button icon=Icon::Add on_click=move |_| editing.set(Some((None, night())))>"Add quiet hours"</Button>
        })
    };
    view! {
        <section class="section">
            <SectionHead title="Quiet hours" text="Messages wait until the morning and leave then, in order. Alerts are still checked.">{add()}</SectionHead>
            <FormError message=removing.general(&[])/>
            <div class="card">
                {move || {
                    let list = hours.get();
                    if list.is_empty() {
                        return view! { <EmptyState icon=Icon::Dark title="No quiet hours" text="Messages leave at any time of day."/> }.into_any();
                    }
                    let rows = list.into_iter().enumerate().map(|(at, quiet)| {
                        let text = words::quiet(&quiet);
                        let note = words::quiet_note(&quiet, &shared.names(&quiet.channel_ids));
                        let edit = Callback::new(move |()| editing.set(Some((Some(at), quiet.clone()))));
                        let take = Callback::new(move |()| shared.save(removing, |policy| remove(&mut policy.quiet_hours, at), || {}));
                        view! { <Row label=format!("the quiet hours {text}") text note may=shared.may edit remove=take/> }
                    });
                    view! { <ol class="timeline" data-testid="quiet-hours">{rows.collect_view()}</ol> }.into_any()
                }}
            </div>
        </section>
        <Dialog open title="Quiet hours">
            {move || editing.get().map(|(at, quiet)| view! { <QuietForm shared at quiet open/> })}
        </Dialog>
    }
}

#[component]
fn QuietForm(shared: Shared, at: Option<usize>, quiet: QuietHours, open: RwSignal<bool>) -> impl IntoView {
    let (from, to) = (RwSignal::new(quiet.from), RwSignal::new(quiet.to));
    let time_zone = RwSignal::new(quiet.time_zone);
    let (days, channels) = (RwSignal::new(quiet.days), RwSignal::new(quiet.channel_ids));
    let except = RwSignal::new(names_of(&quiet.except));
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let quiet = QuietHours {
            channel_ids: channels.get_untracked(),
            days: days.get_untracked(),
            from: from.get_untracked(),
            to: to.get_untracked(),
            time_zone: time_zone.get_untracked().trim().to_owned(),
            except: severities_of(&except.get_untracked()),
        };
        shared.save(submit, |policy| put(&mut policy.quiet_hours, at, quiet), move || open.set(false));
    };
    let day_choices = words::DAYS.map(|(day, name)| (day.to_owned(), name.to_owned())).to_vec();
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&["quiet_hours"])/>
            <div class="form-row">
                <TextField label="From" kind="time" value=from required=true error=submit.field("quiet_hours")/>
                <TextField label="Until" kind="time" value=to required=true/>
            </div>
            <TextField label="Time zone" value=time_zone required=true placeholder="Europe/Berlin"/>
            <Ticks legend="On the evenings of" hint="Every day when none is ticked." choices=day_choices chosen=days/>
            <Ticks legend="Does not wait" choices=severity_choices() chosen=except/>
            <Ticks legend="In these channels" hint="All when none is ticked." choices=channel_choices(shared) chosen=channels/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}
