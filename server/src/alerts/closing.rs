//! The end of a rule: what was open is resolved, and those who were told are told.

use super::AlertError;
use super::channels::Channels;
use super::history::{Context, History};
use super::policy::{self, Policies};
use super::store::StoredRule;
use crate::time::Micros;
use alert_rules::RuleState;
use std::collections::HashMap;

/// What the rule remembers afterwards, and what has to be written with it.
///
/// # Errors
/// The database does not answer.
pub async fn close(
    channels: &Channels,
    policies: &Policies,
    rule: &StoredRule,
    reason: &str,
    now: Micros,
) -> Result<(RuleState, History), AlertError> {
    let machine = rule.definition.rule(true);
    let policy = policies.of(&rule.scope).await?;
    let told = channels.of_ids(&rule.scope, &policy::channel_ids(&policy, &rule.definition)).await?;
    let mutes = policy::mutes(&policy, rule.id, &rule.definition, &rule.mutes, now);
    let (memory, transitions) = alert_rules::close(rule.memory.clone(), reason, now, &machine, &mutes);
    let context = Context {
        rule,
        channels: &told,
        memory: &memory,
        column: rule.definition.wire.value.as_deref().unwrap_or("the value"),
        from_us: now - rule.definition.window_us,
        to_us: now,
        lines: &HashMap::new(),
        recent: &[],
        policy: &policy,
    };
    let history = History::of(&transitions, &context);
    Ok((memory, history))
}
