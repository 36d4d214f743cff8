//! One alert: its state now, what it watches, and everything that happened.

use super::evaluations::Evaluations;
use super::history::History;
use super::list::refresh_while_here;
use super::preview::PreviewCard;
use super::words::{RuleState, StateBadge, condition, severity, value};
use crate::api::{ApiError, alerts};
use crate::app::Go;
use crate::components::{
    Age, Button, ButtonKind, Confirm, EmptyState, Glyph, Icon, LinkButton, LoadError, Loading, Menu,
    MenuItem, MenuSide, Notice, NoticeKind, Switch, toast, toast_error,
};
use crate::load::{Load, Loaded, Submit, load};
use crate::preferences::shown_time;
use crate::session::session;
use crate::time_range::TimeRange;
use crate::url::Exploration;
use crate::{browser, format};
use api_types::alerts::{AlertGroup, AlertRule, AlertRuleRequest};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use std::collections::BTreeMap;
use std::future::Future;

#[component]
pub fn AlertPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let rule = load(move || Some(id.get()), |id| async move { alerts::rule(&id).await });
    refresh_while_here(move || rule.refetch());
    let missing = Memo::new(move |_| {
        rule.state.with(|rule| matches!(rule, Load::Failed(error) if error.code() == "not_found"))
    });
    let failed = Memo::new(move |_| {
        rule.state.with(|rule| match rule {
            Load::Failed(error) => Some(error.clone()),
            _ => None,
        })
    });
    let is_there = Memo::new(move |_| rule.state.with(|rule| rule.ready().is_some()));
    view! {
        <div class="page">
            <a class="back-link" href="/alerts"><Glyph icon=Icon::Back size="icon-small"/>"Alerts"</a>
            {move || match (missing.get(), failed.get(), is_there.get()) {
                (true, ..) => view! {
                    <EmptyState icon=Icon::Help title="There is no such alert" text="It may have been deleted.">
                        <LinkButton href="/alerts">"All alerts"</LinkButton>
                    </EmptyState>
                }.into_any(),
                (_, Some(error), _) => view! { <LoadError error on_retry=Callback::new(move |()| rule.refetch())/> }.into_any(),
                (_, _, true) => view! { <RuleView rule/> }.into_any(),
                _ => view! { <Loading/> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn RuleView(rule: Loaded<AlertRule>) -> impl IntoView {
    // What is drawn anew is only what has changed: an open menu or dialog outlives a refresh.
    provide_context(rule);
    let current = Memo::new(move |_| rule.state.with(|rule| rule.ready().cloned()));
    let definition =
        Memo::new(move |_| current.with(|rule| rule.as_ref().map(|rule| rule.definition.clone())));
    let muted =
        Memo::new(move |_| current.with(|rule| rule.as_ref().is_some_and(|rule| rule.muted_until.is_some())));
    Effect::new(move |_| {
        if let Some(definition) = definition.get() {
            crate::app::set_title(&definition.name);
        }
    });
    let changed_at = Memo::new(move |_| {
        current.with(|rule| rule.as_ref().map(|rule| (rule.state.clone(), rule.state_since.clone())))
    });
    let id = StoredValue::new(
        current.with_untracked(|rule| rule.as_ref().map(|rule| rule.id.clone())).unwrap_or_default(),
    );
    let may = session().can_edit();
    view! {
        <header class="page-head">
            {move || current.get().map(|shown| view! { <Head shown/> })}
            {move || definition.get().filter(|_| may).map(|definition| view! { <Actions id definition muted/> })}
        </header>
        {move || current.get().map(|rule| view! { <Now rule/> })}
        {move || definition.get().map(|definition| view! { <PreviewCard definition=Signal::stored(definition)/> })}
        <History rule_id=id.get_value() changed=Signal::derive(move || changed_at.track())/>
        <Evaluations rule_id=id.get_value()/>
    }
}

#[component]
fn Head(shown: AlertRule) -> impl IntoView {
    let definition = &shown.definition;
    let facts = format!(
        "{} · {} · checked every {}",
        condition(definition),
        severity(definition.severity),
        definition.every
    );
    view! {
        <div class="page-head-text">
            <div class="row" data-testid="alert-state" data-state=shown.state.clone()>
                <h1>{definition.name.clone()}</h1>
                <RuleState rule=shown.clone()/>
            </div>
            <p class="numbers">{facts}</p>
            {shown.row_rule.clone().map(|rule| view! { <p>"Looks only at events that match " <code>{rule}</code></p> })}
        </div>
    }
}

#[component]
fn Actions(id: StoredValue<String>, definition: AlertRuleRequest, muted: Memo<bool>) -> impl IntoView {
    let rule: Loaded<AlertRule> = expect_context();
    let go = Go::here();
    let deleting = RwSignal::new(false);
    let submit = Submit::new();
    let (name, enabled) = (definition.name.clone(), definition.enabled);
    let definition = StoredValue::new(definition);
    let toggle = Callback::new(move |on: bool| {
        let definition = AlertRuleRequest { enabled: on, ..definition.get_value() };
        let done = if on { "The alert is on" } else { "The alert is off" };
        change(rule, alerts::change_rule(id.get_value(), definition), done);
    });
    let delete = Callback::new(move |()| {
        submit.run(alerts::delete_rule(id.get_value()), move |_| {
            toast("The alert is deleted");
            go.to("/alerts");
        });
    });
    view! {
        <div class="page-actions">
            <Switch on=enabled label="On" on_change=toggle/>
            <Mute id muted rule/>
            <LinkButton icon=Icon::Edit href=format!("/alerts/{}/edit", id.get_value())>"Edit"</LinkButton>
            <Button icon=Icon::Trash on_click=move |_| deleting.set(true)>"Delete"</Button>
        </div>
        <Confirm
            open=deleting
            title=format!("Delete {name}?")
            message="What is open is resolved first. This cannot be undone."
            action="Delete"
            submit
            on_confirm=delete
        />
    }
}

/// Sends a change and shows its result.
fn change(
    rule: Loaded<AlertRule>,
    work: impl Future<Output = Result<AlertRule, ApiError>> + 'static,
    done: &'static str,
) {
    leptos::task::spawn_local(async move {
        match work.await {
            Ok(changed) => {
                rule.change(|rule| *rule = changed);
                toast(done);
            }
            Err(error) => toast_error(error.message()),
        }
    });
}

#[component]
fn Mute(id: StoredValue<String>, muted: Memo<bool>, rule: Loaded<AlertRule>) -> impl IntoView {
    let until = |hours: i64| format::rfc3339(browser::now_ms() + hours * 3_600_000);
    let mute = move |hours: i64| {
        Callback::new(move |()| {
            change(rule, alerts::mute_rule(id.get_value(), Some(until(hours))), "The alert is muted")
        })
    };
    let unmute = Callback::new(move |()| {
        change(rule, alerts::mute_rule(id.get_value(), None), "The alert notifies again")
    });
    let trigger = ViewFn::from(|| view! { <Glyph icon=Icon::Mute/>"Mute" });
    view! {
        <Menu label="Mute" side=MenuSide::End trigger>
            <MenuItem on_choose=mute(1)>"For an hour"</MenuItem>
            <MenuItem on_choose=mute(8)>"For 8 hours"</MenuItem>
            <MenuItem on_choose=mute(24)>"For a day"</MenuItem>
            <MenuItem on_choose=mute(168)>"For a week"</MenuItem>
            <Show when=move || muted.get()>
                <div class="menu-line"></div>
                <MenuItem icon=Icon::Alert on_choose=unmute>"End the mute"</MenuItem>
            </Show>
        </Menu>
    }
}

#[component]
fn Now(rule: AlertRule) -> impl IntoView {
    let definition = rule.definition;
    let explore = Exploration {
        project: definition.project_id.clone(),
        query: definition.query.clone(),
        range: TimeRange::last("4h"),
        ..Exploration::default()
    };
    let muted = rule.muted_until.map(|until| {
        view! { <Notice kind=NoticeKind::Plain>"Muted until " {shown_time(&until, format::date_and_time)} ". It is still checked, and nobody is told."</Notice> }
    });
    let error = rule.last_error.map(|error| view! { <Notice kind=NoticeKind::Bad>{error}</Notice> });
    view! {
        {muted}
        {error}
        <div class="facts">
            <div class="fact"><span>"Value"</span><strong class="numbers">{value(rule.last_value)}</strong></div>
            <div class="fact"><span>"In this state since"</span><strong>{rule.state_since.map(|at| view! { <Age at/> })}</strong></div>
            <div class="fact">
                <span>"Last checked"</span>
                <strong>{match rule.last_evaluated_at {
                    Some(at) => view! { <Age at/> }.into_any(),
                    None => "not yet".into_any(),
                }}</strong>
            </div>
        </div>
        <div class="card card-query">
            <code class="grow">{definition.query}</code>
            <LinkButton small=true kind=ButtonKind::Quiet icon=Icon::Explore href=explore.address()>"Open in Explore"</LinkButton>
        </div>
        {(rule.groups.iter().any(|group| !group.group.is_empty())).then(|| view! { <Groups rule_id=rule.id groups=rule.groups muted=rule.muted_groups left_out=rule.groups_left_out/> })}
    }
}

#[component]
fn Groups(
    rule_id: String,
    groups: Vec<AlertGroup>,
    muted: BTreeMap<String, String>,
    left_out: usize,
) -> impl IntoView {
    let rule: Loaded<AlertRule> = expect_context();
    let may = session().can_edit();
    let mute = Callback::new(move |(group, on): (String, bool)| {
        let until = on.then(|| format::rfc3339(browser::now_ms() + 8 * 3_600_000));
        let done = if on { "The group is muted for 8 hours" } else { "The group notifies again" };
        change(rule, alerts::mute_group(rule_id.clone(), group, until), done);
    });
    let rows = groups.into_iter().map(|group| {
        let is_muted = muted.contains_key(&group.group);
        let name = StoredValue::new(group.group.clone());
        view! {
            <tr>
                <td class="state-cell"><StateBadge state=group.state/></td>
                <td class="mono">{group.group}</td>
                <td class="number">{value(group.value)}</td>
                <td class="soft"><Age at=group.since/></td>
                <td class="actions">{may.then(|| view! {
                    <Button small=true icon=Icon::Mute on_click=move |_| mute.run((name.get_value(), !is_muted))>{if is_muted { "End the mute" } else { "Mute 8 h" }}</Button>
                })}</td>
            </tr>
        }
    });
    view! {
        <section class="section">
            <h2>"Groups"</h2>
            <div class="card table-scroll" tabindex="0" role="region" aria-label="Table">
                <table class="table">
                    <thead><tr><th scope="col">"State"</th><th scope="col">"Group"</th><th scope="col" class="number">"Value"</th><th scope="col">"Since"</th><th scope="col"><span class="sr-only">"Actions"</span></th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            {(left_out > 0).then(|| view! { <p class="faint">{format!("{} more groups are beyond what a rule watches.", format::count(left_out as u64))}</p> })}
        </section>
    }
}
