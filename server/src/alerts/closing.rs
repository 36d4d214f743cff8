//! The end of a rule: what was open is resolved, and those who were told are told.

use super::history::{Context, History};
use super::store::StoredRule;
use super::{AlertError, channels};
use crate::db::Db;
use crate::time::Micros;
use alert_rules::RuleState;
use std::collections::HashMap;

/// What the rule remembers afterwards, and what has to be written with it.
///
/// # Errors
/// The database does not answer.
pub async fn close(
    db: &Db,
    rule: &StoredRule,
    reason: &str,
    now: Micros,
) -> Result<(RuleState, History), AlertError> {
    let machine = rule.definition.rule(true);
    let (memory, transitions) = alert_rules::close(rule.memory.clone(), reason, now, &machine, &rule.mutes);
    let channels = channels::of_rule(db, &rule.scope, &rule.definition.channel_ids).await?;
    let context = Context {
        rule,
        channels: &channels,
        memory: &memory,
        column: rule.definition.wire.value.as_deref().unwrap_or("the value"),
        from_us: now - rule.definition.window_us,
        to_us: now,
        lines: &HashMap::new(),
    };
    let history = History::of(&transitions, &context);
    Ok((memory, history))
}
