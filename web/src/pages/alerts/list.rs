//! All alerts of the organization, the worst first, kept up to date.

use super::words::{RuleState, condition, value};
use crate::api::alerts;
use crate::components::{Age, ButtonKind, EmptyState, Icon, LinkButton, show};
use crate::load::load;
use crate::session::session;
use api_types::alerts::AlertRule;
use leptos::prelude::*;
use std::time::Duration;

/// How often states are asked for again.
pub const REFRESH: Duration = Duration::from_secs(5);

#[component]
pub fn AlertList() -> impl IntoView {
    crate::app::set_title("Alerts");
    let session = session();
    let rules = load(|| Some(()), |()| alerts::rules());
    refresh_while_here(move || rules.refetch());
    let may = session.can_edit();
    let create = move || {
        may.then(|| view! { <LinkButton kind=ButtonKind::Primary icon=Icon::Add href="/alerts/new">"Create alert"</LinkButton> })
    };
    view! {
        <div class="page">
            <header class="page-head">
                <div class="page-head-text">
                    <h1>"Alerts"</h1>
                    <p>"A query that is run again and again, and a condition that wakes somebody."</p>
                </div>
                <div class="page-actions">{create()}</div>
            </header>
            <div class="card">
                {show(rules, move |rules| {
                    let project = session.project_id();
                    let mut rules: Vec<AlertRule> = rules
                        .into_iter()
                        .filter(|rule| rule.definition.project_id.as_ref().is_none_or(|id| *id == project))
                        .collect();
                    if rules.is_empty() {
                        return view! {
                            <EmptyState
                                icon=Icon::Alert
                                title="No alerts yet"
                                text="Find what should wake you in Explore and press “Create alert” there, or start here."
                            >
                                {create()}
                            </EmptyState>
                        }.into_any();
                    }
                    rules.sort_by_key(|rule| (rank(rule), rule.definition.name.to_lowercase()));
                    let rows = rules.into_iter().map(|rule| view! { <RuleRow rule/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Table">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"State"</th><th scope="col">"Alert"</th><th scope="col">"Condition"</th>
                                    <th scope="col" class="number">"Last value"</th><th scope="col">"Since"</th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
        </div>
    }
}

/// Calls again and again until the component is gone.
pub fn refresh_while_here(refresh: impl Fn() + 'static) {
    if let Ok(handle) = set_interval_with_handle(refresh, REFRESH) {
        on_cleanup(move || handle.clear());
    }
}

fn rank(rule: &AlertRule) -> usize {
    const WORST_FIRST: [&str; 5] = ["firing", "error", "pending", "no_data", "ok"];
    if !rule.definition.enabled {
        return WORST_FIRST.len() + 1;
    }
    WORST_FIRST.iter().position(|state| *state == rule.state).unwrap_or(WORST_FIRST.len())
}

#[component]
fn RuleRow(rule: AlertRule) -> impl IntoView {
    let definition = &rule.definition;
    view! {
        <tr data-testid="alert" data-state=rule.state.clone()>
            <td class="state-cell"><RuleState rule=rule.clone()/></td>
            <td>
                <a class="row-link" href=format!("/alerts/{}", rule.id)>{definition.name.clone()}</a>
                <div class="query-small mono truncate">{definition.query.clone()}</div>
            </td>
            <td class="soft numbers">{condition(definition)}</td>
            <td class="number">{value(rule.last_value)}</td>
            <td class="soft">{rule.state_since.map(|at| view! { <Age at/> })}</td>
        </tr>
    }
}
