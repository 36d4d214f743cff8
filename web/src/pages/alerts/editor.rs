//! Making and changing an alert: what to look for, when it is too much, whom to tell, and what it would have done.

use super::channel::{NewChannel, channel_kind, channel_target};
use super::form::{
    BASELINES, DIRECTIONS, EVERY, HOLD, LOOK_AGAIN, NO_DATA, OPERATORS, RENOTIFY, RuleForm, SEVERITIES,
    WINDOWS, options,
};
use super::preview::PreviewCard;
use crate::api::alerts;
use crate::app::Go;
use crate::components::{
    Button, ButtonKind, CheckField, FormError, Glyph, Icon, LinkButton, Notice, NoticeKind, SelectField,
    TextArea, TextField, show, toast,
};
use crate::editor::{EditorView, QueryEditor};
use crate::language::{self, Finding};
use crate::load::{Submit, load};
use crate::session::session;
use api_types::alerts::{AlertRuleRequest, Channel};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use std::rc::Rc;
use std::time::Duration;

/// How long after the last change the preview is made anew.
const PATIENCE: Duration = Duration::from_millis(700);

#[component]
pub fn NewAlert() -> impl IntoView {
    crate::app::set_title("New alert");
    let query = use_query_map().with_untracked(|query| query.get("query")).unwrap_or_default();
    let start = serde_json::json!({
        "name": "", "query": query, "project_id": untrack(|| session().project_id()), "condition": {"op": ">", "threshold": 0.0},
    });
    let rule = serde_json::from_value(start).expect("all that has no default is given");
    view! {
        <div class="page">
            <a class="back-link" href="/alerts"><Glyph icon=Icon::Back size="icon-small"/>"Alerts"</a>
            <h1>"New alert"</h1>
            <Editor rule id=None/>
        </div>
    }
}

#[component]
pub fn EditAlert() -> impl IntoView {
    crate::app::set_title("Edit alert");
    let params = use_params_map();
    let id = params.with_untracked(|params| params.get("id").unwrap_or_default());
    let back = format!("/alerts/{id}");
    let rule = load(move || Some(id.clone()), |id| async move { alerts::rule(&id).await });
    view! {
        <div class="page">
            <a class="back-link" href=back><Glyph icon=Icon::Back size="icon-small"/>"Back to the alert"</a>
            <h1>"Edit alert"</h1>
            {show(rule, |rule| view! { <Editor rule=rule.definition id=Some(rule.id)/> }.into_any())}
        </div>
    }
}

#[component]
fn Editor(rule: AlertRuleRequest, id: Option<String>) -> impl IntoView {
    let form = RuleForm::new(rule);
    let submit = Submit::new();
    let go = Go::here();
    let is_new = id.is_none();
    let back = id.as_ref().map_or_else(|| "/alerts".to_owned(), |id| format!("/alerts/{id}"));
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if form.threshold_error().is_some() {
            return;
        }
        let (rule, id) = (untrack(|| form.rule()), id.clone());
        let work = async move {
            match id {
                None => alerts::create_rule(rule).await,
                Some(id) => alerts::change_rule(id, rule).await,
            }
        };
        submit.run(work, move |rule| {
            toast(format!("{} is saved", rule.definition.name));
            go.to(format!("/alerts/{}", rule.id));
        });
    };
    view! {
        <form class="alert-form" on:submit=save>
            <QueryPart form submit/>
            <ConditionPart form submit/>
            <PreviewCard definition=settled(form) current=Signal::derive(move || form.rule()) threshold=form.threshold/>
            <TellPart form/>
            <MorePart form submit/>
            <FormError message=submit.general(&["name", "query", "value", "condition.threshold", "window", "every", "runbook_url"])/>
            <div class="form-actions">
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>{if is_new { "Create alert" } else { "Save" }}</Button>
                <LinkButton kind=ButtonKind::Quiet href=back>"Cancel"</LinkButton>
            </div>
        </form>
    }
}

/// The rule once nothing has changed for a moment.
fn settled(form: RuleForm) -> Signal<AlertRuleRequest> {
    let (settled, set_settled) = signal(untrack(|| form.rule()));
    let mut take = leptos::leptos_dom::helpers::debounce(PATIENCE, move |rule: AlertRuleRequest| {
        if settled.try_with_untracked(|settled| *settled != rule).unwrap_or(false) {
            set_settled.set(rule);
        }
    });
    Effect::new(move |_| {
        // Whom to tell does not change what the rule does, nor what its message says.
        let rule = form.rule();
        let name = if rule.name.is_empty() { "this alert".into() } else { rule.name };
        take(AlertRuleRequest { name, channel_ids: Vec::new(), ..rule });
    });
    settled.into()
}

#[component]
fn QueryPart(form: RuleForm, submit: Submit) -> impl IntoView {
    let finding = Memo::new(move |_| language::diagnose(&form.query.get()));
    let editor = QueryEditor {
        text: form.query,
        on_run: Callback::new(|()| {}),
        on_past: Callback::new(|_| false),
        marks: Signal::derive(move || {
            finding.with(|finding| finding.as_ref().map(Finding::mark).unwrap_or_default())
        }),
        fields: Signal::stored(Vec::new()),
        values: Rc::new(|_, _| Box::pin(async { Vec::new() })),
        focus: RwSignal::new(0),
    };
    let error = submit.field("query");
    view! {
        <section class="card">
            <div class="card-head"><h2>"What to look for"</h2></div>
            <div class="card-body">
                <TextField label="Name" value=form.name required=true placeholder="Checkout errors" error=submit.field("name")/>
                <div class="field">
                    <span class="field-label">"Query"</span>
                    <div class="query-box"><EditorView editor label="Query" hint="level:error, or … | stats count() as n by source"/></div>
                    {move || match (error.get(), finding.get()) {
                        (Some(error), _) => view! { <p class="field-error">{error}</p> }.into_any(),
                        (None, Some(finding)) => view! {
                            <p class=if finding.is_error { "field-error" } else { "field-hint" }>{finding.sentence()}</p>
                        }.into_any(),
                        (None, None) => view! {
                            <p class="field-hint">"Without a “stats” stage, the events are counted. With “by”, each group alerts by itself."</p>
                        }.into_any(),
                    }}
                </div>
            </div>
        </section>
    }
}

/// The number columns of the query's table, to choose from.
fn value_columns(form: RuleForm) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let current = form.value.get();
        let mut names = form.query.with(|query| language::number_columns(query)).unwrap_or_default();
        let first = if names.is_empty() { "number of events" } else { "first number" };
        if !current.is_empty() && !names.contains(&current) {
            names.push(current);
        }
        let mut options = vec![(String::new(), first.to_owned())];
        options.extend(names.into_iter().map(|name| (name.clone(), name)));
        options
    })
}

fn choices(choices: super::form::Choices, value: RwSignal<String>) -> Signal<Vec<(String, String)>> {
    let current = value.get_untracked();
    Signal::stored(options(choices, &current))
}

#[component]
fn ConditionPart(form: RuleForm, submit: Submit) -> impl IntoView {
    let server_error = submit.field("condition.threshold");
    let threshold_error = Signal::derive(move || form.threshold_error().or_else(|| server_error.get()));
    view! {
        <section class="card">
            <div class="card-head"><h2>"When to alert"</h2></div>
            <div class="card-body">
                <div class="form-row">
                    <SelectField label="When the" value=form.value options=value_columns(form) error=submit.field("value")/>
                    <SelectField label="is" value=form.op options=choices(OPERATORS, form.op)/>
                    <TextField label="Threshold" kind="number" value=form.threshold required=true error=threshold_error/>
                    <SelectField label="over the" value=form.window options=choices(WINDOWS, form.window) error=submit.field("window")/>
                </div>
                <Show when=move || form.compares_with_past()>
                    <div class="form-row">
                        <SelectField label="compared with" value=form.baseline options=choices(BASELINES, form.baseline)/>
                        <Show when=move || form.has_direction()>
                            <SelectField label="Bad is" value=form.direction options=choices(DIRECTIONS, form.direction)/>
                        </Show>
                    </div>
                </Show>
                <div class="form-row">
                    <SelectField label="Checked every" value=form.every options=choices(EVERY, form.every) error=submit.field("every")/>
                    <SelectField label="Fires" value=form.hold options=choices(HOLD, form.hold) hint="How long it must hold before it fires."/>
                    <SelectField label="Severity" value=form.severity options=choices(SEVERITIES, form.severity)/>
                </div>
            </div>
        </section>
    }
}

#[component]
fn TellPart(form: RuleForm) -> impl IntoView {
    let channels = load(|| Some(()), |()| alerts::channels());
    let creating = RwSignal::new(false);
    let created = Callback::new(move |channel: Channel| {
        form.channels.update(|chosen| chosen.push(channel.id.clone()));
        channels.change(|channels| channels.push(channel));
    });
    view! {
        <section class="card">
            <div class="card-head">
                <h2 class="grow">"Whom to tell"</h2>
                <Button small=true icon=Icon::Mail on_click=move |_| creating.set(true)>"New channel"</Button>
            </div>
            <div class="card-body">
                {show(channels, move |channels| {
                    if channels.is_empty() {
                        return view! { <Notice kind=NoticeKind::Plain>"There is no channel yet. Create one to be told by e-mail, Slack, PagerDuty or a webhook."</Notice> }.into_any();
                    }
                    channels.into_iter().map(|channel| view! { <ChannelCheck channel form/> }).collect_view().into_any()
                })}
                <SelectField label="While it goes on, tell again" value=form.renotify options=choices(RENOTIFY, form.renotify)/>
            </div>
        </section>
        <NewChannel open=creating created/>
    }
}

#[component]
fn ChannelCheck(channel: Channel, form: RuleForm) -> impl IntoView {
    let id = StoredValue::new(channel.id.clone());
    let checked =
        Signal::derive(move || id.with_value(|id| form.channels.with(|chosen| chosen.contains(id))));
    let change = Callback::new(move |on: bool| {
        let id = id.get_value();
        form.channels.update(|chosen| {
            chosen.retain(|known| *known != id);
            if on {
                chosen.push(id);
            }
        });
    });
    view! {
        <CheckField checked on_change=change>
            <strong>{channel.name.clone()}</strong>" "
            <span class="faint">{format!("{} · {}", channel_kind(channel.kind), channel_target(&channel))}</span>
        </CheckField>
    }
}

#[component]
fn MorePart(form: RuleForm, submit: Submit) -> impl IntoView {
    view! {
        <details class="card more">
            <summary class="card-head"><Glyph icon=Icon::ChevronRight size="icon-small"/><h2>"More"</h2></summary>
            <div class="card-body">
                <div class="form-row">
                    <TextField label="Windows that must be bad" kind="number" value=form.needed hint="of the last windows, told beside." error=submit.field("windows")/>
                    <TextField label="of the last" kind="number" value=form.of/>
                    <TextField label="Well again beyond" kind="number" value=form.recovery placeholder="the threshold" error=submit.field("recovery_threshold")/>
                </div>
                <div class="form-row">
                    <SelectField label="Resolved after being well" value=form.keep options=choices(HOLD, form.keep)/>
                    <SelectField label="Look again for late events" value=form.look_again options=choices(LOOK_AGAIN, form.look_again) error=submit.field("look_again_after")/>
                    <TextField label="Tell of each match, at most an hour" kind="number" value=form.each_match placeholder="off" error=submit.field("each_match_per_hour")/>
                </div>
                <TextField label="Labels" value=form.labels placeholder="team=shop, env=prod" hint="Shown in messages, and for routing."/>
                <SelectField label="When nothing arrives" value=form.no_data options=choices(NO_DATA, form.no_data)/>
                <TextArea label="Message" value=form.message hint="Replaces the first line of the notification."/>
                <TextField label="Runbook" value=form.runbook placeholder="https://…" hint="What to do about it; linked in the notification." error=submit.field("runbook_url")/>
            </div>
        </details>
    }
}
