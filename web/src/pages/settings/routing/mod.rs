//! Whom alerts tell, and when they are quiet: routes, quiet hours, maintenance, and how many messages are many.
//!
//! All of it is one document; each change sends the whole.

mod maintenance;
mod quiet;
mod route;
mod words;

use super::SectionHead;
use crate::api::{ApiError, alerts};
use crate::components::{CheckField, FormError, Icon, IconButton, SelectField, show, toast};
use crate::load::{Load, Loaded, Submit, load};
use crate::session::session;
use api_types::alerts::{Channel, NotificationPolicy, Severity};
use leptos::prelude::*;

pub const SEVERITIES: [(Severity, &str); 3] =
    [(Severity::Critical, "Critical"), (Severity::Warning, "Warning"), (Severity::Info, "Info")];

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Shared {
    policy: Loaded<NotificationPolicy>,
    channels: StoredValue<Vec<Channel>>,
    may: bool,
}

impl Shared {
    /// Sends the policy with a change; the page shows it when the server has it.
    fn save(
        self,
        submit: Submit,
        change: impl FnOnce(&mut NotificationPolicy),
        done: impl FnOnce() + 'static,
    ) {
        let Some(mut policy) = self.policy.state.with_untracked(|state| state.ready().cloned()) else {
            return;
        };
        change(&mut policy);
        submit.run(alerts::save_policy(policy), move |saved| {
            self.policy.change(|policy| *policy = saved);
            toast("Saved");
            done();
        });
    }

    fn names(self, ids: &[String]) -> String {
        self.channels.with_value(|channels| words::channels(ids, channels))
    }
}

async fn both() -> Result<(NotificationPolicy, Vec<Channel>), ApiError> {
    Ok((alerts::policy().await?, alerts::channels().await?))
}

#[component]
pub fn Routing() -> impl IntoView {
    let loaded = load(|| Some(()), |()| both());
    view! {
        {show(loaded, |(policy, channels)| {
            let policy = Loaded::of(policy);
            let shared = Shared { policy, channels: StoredValue::new(channels), may: session().can_edit() };
            view! {
                <route::Routes shared/>
                <quiet::Quiet shared/>
                <maintenance::Maintenances shared/>
                <Digest shared/>
            }.into_any()
        })}
    }
}

#[component]
fn Digest(shared: Shared) -> impl IntoView {
    let after =
        shared.policy.state.with_untracked(|state| state.ready().map_or(5, |policy| policy.digest_after));
    let value = RwSignal::new(after.to_string());
    let submit = Submit::new();
    Effect::new(move |before: Option<String>| {
        let chosen = value.get();
        if before.is_some_and(|before| before != chosen) {
            let digest_after = chosen.parse().unwrap_or(5);
            shared.save(submit, |policy| policy.digest_after = digest_after, || {});
        }
        chosen
    });
    let options = words::digest_choices(after);
    view! {
        <section class="section">
            <SectionHead title="Digest" text="When many alerts come at once, one message tells of all of them: by e-mail and in Slack. PagerDuty and webhooks are told of each."/>
            <div class="card"><div class="card-body">
                <FormError message=submit.general(&[])/>
                <fieldset class="plain-fieldset" disabled=!shared.may>
                    <SelectField label="Gather what follows after" value options=Signal::stored(options)
                        hint="Messages to one address or Slack channel within a minute."/>
                </fieldset>
            </div></div>
        </section>
    }
}

/// A row of a list, with what can be done to it.
#[component]
fn Row(
    text: String,
    #[prop(into)] note: String,
    /// Names the row for those who do not see it.
    #[prop(into)]
    label: String,
    may: bool,
    edit: Callback<()>,
    remove: Callback<()>,
) -> impl IntoView {
    view! {
        <li class="timeline-item">
            <div class="row">
                <div class="grow"><strong>{text}</strong><div class="faint">{note}</div></div>
                {may.then(|| view! {
                    <span class="row row-end">
                        <IconButton icon=Icon::Edit label=format!("Edit {label}") on_click=move |_| edit.run(())/>
                        <IconButton icon=Icon::Trash label=format!("Remove {label}") on_click=move |_| remove.run(())/>
                    </span>
                })}
            </div>
        </li>
    }
}

/// A choice of several, each a box to tick.
#[component]
fn Ticks(
    legend: &'static str,
    #[prop(optional, into)] hint: String,
    /// Value and text of each.
    choices: Vec<(String, String)>,
    chosen: RwSignal<Vec<String>>,
) -> impl IntoView {
    let boxes = choices.into_iter().map(|(value, text)| {
        let value = StoredValue::new(value);
        let checked =
            Signal::derive(move || value.with_value(|value| chosen.with(|chosen| chosen.contains(value))));
        let change = Callback::new(move |on: bool| {
            let value = value.get_value();
            chosen.update(|chosen| {
                chosen.retain(|each| *each != value);
                if on {
                    chosen.push(value);
                }
            });
        });
        view! { <CheckField checked on_change=change>{text}</CheckField> }
    });
    view! {
        <fieldset class="plain-fieldset">
            <legend class="field-label">{legend}</legend>
            <div class="ticks">{boxes.collect_view()}</div>
            {(!hint.is_empty()).then(|| view! { <p class="field-hint">{hint}</p> })}
        </fieldset>
    }
}

fn channel_choices(shared: Shared) -> Vec<(String, String)> {
    shared.channels.with_value(|channels| {
        channels.iter().map(|channel| (channel.id.clone(), channel.name.clone())).collect()
    })
}

fn severity_choices() -> Vec<(String, String)> {
    SEVERITIES.map(|(severity, text)| (words::severity_name(severity).to_owned(), text.to_owned())).to_vec()
}

fn severities_of(names: &[String]) -> Vec<Severity> {
    let chosen =
        |(severity, _): &(Severity, &str)| names.iter().any(|name| name == words::severity_name(*severity));
    SEVERITIES.iter().filter(|each| chosen(each)).map(|(severity, _)| *severity).collect()
}

fn names_of(severities: &[Severity]) -> Vec<String> {
    severities.iter().map(|severity| words::severity_name(*severity).to_owned()).collect()
}

/// Replaces the entry at a place, or adds one.
fn put<T>(list: &mut Vec<T>, at: Option<usize>, entry: T) {
    match at.and_then(|at| list.get_mut(at)) {
        Some(known) => *known = entry,
        None => list.push(entry),
    }
}

/// Takes the entry at a place out.
fn remove<T>(list: &mut Vec<T>, at: usize) {
    if at < list.len() {
        list.remove(at);
    }
}

/// A list of the policy, drawn anew when it changes.
fn entries<T: Clone + PartialEq + Send + Sync + 'static>(
    shared: Shared,
    list: fn(&NotificationPolicy) -> &Vec<T>,
) -> Memo<Vec<T>> {
    Memo::new(move |_| {
        shared.policy.state.with(|state| match state {
            Load::Ready(policy) => list(policy).clone(),
            _ => Vec::new(),
        })
    })
}
