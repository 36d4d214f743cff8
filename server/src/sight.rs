//! What somebody may see of their organization's logs: everything, or what their row rule lets through.
//!
//! Nothing compiles to a search without one, so that forgetting the rule does not compile. A rule is kept as text and checked
//! again each time, because what compiles may change with the language; one that does not compile any more shows nothing.

use crate::error::{Problem, ProblemKind};
use crate::tenant::TenantScope;
use jiff::tz::TimeZone;
use query_lang::ast::Filter;
use query_lang::eval::Matcher;
use query_lang::{CheckContext, Diagnostic};
use std::sync::Arc;

/// Times in a rule may be anything between these.
const ANY_TIME_NS: (i64, i64) = (0, 4_102_444_800_000_000_000);

/// The text of a row rule; what it says is told by `filter`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowRule(Arc<str>);

/// A rule that was accepted once and does not compile now.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "The row rule on your access does not compile any more, so it shows nothing. Ask an admin to set it anew."
)]
pub struct BrokenRule;

impl Problem for BrokenRule {
    fn kind(&self) -> ProblemKind {
        ProblemKind::Forbidden("row_rule_broken")
    }
}

impl RowRule {
    /// A rule as the database has it.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text.into())
    }

    /// A rule that somebody wants to set, in its canonical form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        query_lang::row_rule(text, &context(crate::time::now_us() * 1000))?;
        let canonical = query_lang::format(&query_lang::parse(text)?.query);
        Ok(Self(canonical.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn filter(&self, now_ns: i64) -> Result<Filter, BrokenRule> {
        query_lang::row_rule(&self.0, &context(now_ns)).map_err(|error| {
            tracing::error!(%error, "a row rule does not compile any more and hides everything");
            BrokenRule
        })
    }
}

fn context(now_ns: i64) -> CheckContext {
    let (from_ns, to_ns) = ANY_TIME_NS;
    CheckContext { now_ns, from_ns, to_ns, time_zone: TimeZone::UTC }
}

/// An organization, and the rule through which it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sight {
    tenant: TenantScope,
    rule: Option<RowRule>,
}

impl Sight {
    /// For who has no rule, and for jobs of the organization itself.
    #[must_use]
    pub fn whole(tenant: TenantScope) -> Self {
        Self { tenant, rule: None }
    }

    /// For who may have a rule.
    #[must_use]
    pub fn of(tenant: TenantScope, rule: Option<RowRule>) -> Self {
        Self { tenant, rule }
    }

    #[must_use]
    pub fn tenant(&self) -> &TenantScope {
        &self.tenant
    }

    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.rule.is_some()
    }

    /// The rule as it was set.
    #[must_use]
    pub fn rule(&self) -> Option<&RowRule> {
        self.rule.as_ref()
    }

    /// The same for events that are looked at one after the other.
    ///
    /// # Errors
    /// As `filters`.
    pub fn matchers(&self, now_ns: i64) -> Result<Vec<Matcher>, BrokenRule> {
        let filters = self.filters(now_ns)?;
        filters.iter().map(|rule| Matcher::of(Some(rule)).map_err(|_| BrokenRule)).collect()
    }

    /// The filters that every event must pass; none means that everything may be seen.
    ///
    /// # Errors
    /// The rule does not compile: nothing may be seen.
    pub fn filters(&self, now_ns: i64) -> Result<Vec<Filter>, BrokenRule> {
        self.rule.iter().map(|rule| rule.filter(now_ns)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_rule_is_kept_in_its_canonical_form() {
        assert_eq!(RowRule::parse("  env:dev   source:api ").unwrap().as_str(), "env:dev source:api");
        for wrong in ["", "env:", "* | limit 5", "a in { * | fields b }"] {
            assert!(RowRule::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rule_that_does_not_compile_any_more_closes() {
        let tenant = TenantScope::of_job(Uuid::nil());
        for broken in ["env:", "env:dev | stats count()", "env:dev )", ""] {
            let sight = Sight::of(tenant, Some(RowRule::stored(broken.into())));
            assert!(sight.filters(1).is_err(), "{broken}");
        }
        assert_eq!(Sight::whole(tenant).filters(1).unwrap(), Vec::new());
        assert_eq!(Sight::of(tenant, Some(RowRule::stored("env:dev".into()))).filters(1).unwrap().len(), 1);
    }
}
