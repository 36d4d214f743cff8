//! Why a search found nothing, and what to change. Every statement here gives up soon: the help never costs more than a search.

use super::execute::Executor;
use super::plan::{Page, Plan};
use super::respond::{rfc3339, whole};
use crate::tenant::TenantScope;
use api_types::events::{Empty, EmptyTerm, NearestRange};
use api_types::search::{Fix, Span, TextEdit};
use query_lang::ast::{Filter, FilterNode, Predicate, Query, Test};
use query_lang::sql::MOST_TERMS;
use query_lang::{Edit, Term, edit, nearest, quote};

/// Longer than anything is kept.
const FOREVER_NS: i64 = 400 * 86_400 * 1_000_000_000;
/// How far away matches of the filter are looked for.
const NEARBY_NS: i64 = 30 * 86_400 * 1_000_000_000;
const VALUES_TO_COMPARE: u64 = 1_000;
const FIXES: usize = 3;

/// The reason, as far as it can be found out cheaply.
pub(super) async fn reason(executor: &Executor, tenant: &TenantScope, plan: &Plan) -> Empty {
    let search = Detective { executor, tenant, plan };
    let Some(counts) = search.counts().await else {
        return empty("unknown", "Nothing matches. Finding out why would take too long here.");
    };
    let mut found = match counts.all {
        0 => return search.nothing_in_range().await,
        _ => Empty { events_in_range: Some(counts.all), ..search.why_filtered(&counts).await },
    };
    if found.reason == "filter" {
        found.nearest = search.nearest(&plan.over(0, 0), NEARBY_NS).await;
    }
    found
}

fn empty(reason: &str, message: &str) -> Empty {
    Empty {
        reason: reason.into(),
        message: message.into(),
        events_in_range: None,
        terms: Vec::new(),
        nearest: None,
    }
}

struct Counts {
    all: u64,
    alone: Vec<u64>,
    without: Vec<u64>,
}

struct Detective<'a> {
    executor: &'a Executor,
    tenant: &'a TenantScope,
    plan: &'a Plan,
}

impl Detective<'_> {
    async fn counts(&self) -> Option<Counts> {
        let answer = self.executor.aside(self.tenant, self.plan.term_counts().ok()?).await.ok()?;
        let row = answer.rows.first()?;
        let list = |column: usize| Some(row.get(column)?.as_array()?.iter().filter_map(whole).collect());
        Some(Counts { all: whole(row.first()?)?, alone: list(1)?, without: list(2)? })
    }

    async fn nothing_in_range(&self) -> Empty {
        let nearest = self.nearest(&self.plan.of_everything(), FOREVER_NS).await;
        let mut found = match nearest {
            None => empty("never_ingested", "This project has no events yet. Send some, and search again."),
            Some(_) => empty("no_data_in_range", "There are no events in this time range at all."),
        };
        found.events_in_range = Some(0);
        found.nearest = nearest;
        found
    }

    async fn why_filtered(&self, counts: &Counts) -> Empty {
        let terms = top_terms(&self.plan.checked().query);
        let mut found = empty("filter", "");
        for (index, (alone, without)) in counts.alone.iter().zip(&counts.without).enumerate() {
            let Some(term) = terms.get(index) else { continue };
            let fixes = if *alone == 0 { self.spellings(term).await } else { Vec::new() };
            found.terms.push(EmptyTerm {
                text: term.span.text(self.plan.source()).to_owned(),
                span: span_of(term.span),
                alone: *alone,
                without: *without,
                fixes,
            });
        }
        found.message = message(&found.terms, counts.all);
        // All terms together let events through, so a stage took them.
        let is_filtered = match (terms.len(), counts.alone.first()) {
            (0, _) => false,
            (1, Some(alone)) => *alone == 0,
            (count, _) if count > MOST_TERMS => true,
            _ => self.matches_none().await,
        };
        if !is_filtered {
            found.reason = "stages".into();
            found.message = "Events match the filter, but the stages behind it leave none.".into();
        }
        found
    }

    async fn matches_none(&self) -> bool {
        if self.plan.checked().query.stages.is_empty() {
            return true;
        }
        let Ok(newest) = self.plan.filter_only().samples(1) else { return true };
        self.executor.aside(self.tenant, newest).await.is_ok_and(|answer| answer.rows.is_empty())
    }

    /// Values of the field, or fields, that are spelled nearly as what was asked for.
    async fn spellings(&self, term: &Filter) -> Vec<Fix> {
        let Some((predicate, value)) = asked_value(term) else { return Vec::new() };
        let everything = self.plan.of_everything();
        let Ok(compiled) = everything.field_values(&predicate.field.path, "", VALUES_TO_COMPARE) else {
            return Vec::new();
        };
        let Ok(answer) = self.executor.aside(self.tenant, compiled).await else { return Vec::new() };
        let values: Vec<&str> = answer.rows.iter().filter_map(|row| row.first()?.as_str()).collect();
        if values.is_empty() {
            return self.fields_like(predicate).await;
        }
        near(value, &values)
            .into_iter()
            .map(|near| {
                let term_of = Term::Value { field: predicate.field.path.clone(), value: near.to_owned() };
                let text = edit("", &Edit::Add { term: term_of, negated: false }).unwrap_or_default();
                fix(format!("{} is spelled {near}", predicate.field.path), term.span, text)
            })
            .collect()
    }

    async fn fields_like(&self, predicate: &Predicate) -> Vec<Fix> {
        let everything = self.plan.of_everything();
        let Ok(compiled) = everything.fields() else { return Vec::new() };
        let Ok(answer) = self.executor.aside(self.tenant, compiled).await else { return Vec::new() };
        let names: Vec<&str> = answer.rows.iter().filter_map(|row| row.first()?.as_str()).collect();
        near(&predicate.field.path, &names)
            .into_iter()
            .map(|near| {
                fix(format!("the field is named {near}"), predicate.field.span, quote::filter_field(near))
            })
            .collect()
    }

    /// The event nearest to the range, first before it and then after it, and a range of the same length around it.
    async fn nearest(&self, plan: &Plan, reach_ns: i64) -> Option<NearestRange> {
        let range = self.plan.range();
        let before = plan.over(range.from_ns.saturating_sub(reach_ns).max(0), range.from_ns);
        let after = plan.over(range.to_ns, range.to_ns.saturating_add(reach_ns));
        let (length, margin) = (range.to_ns - range.from_ns, 1_000_000_000);
        if let Some(ns) = self.newest(&before).await {
            let to = ns - ns.rem_euclid(margin) + margin;
            return Some(nearest_range(to - length, to, ns));
        }
        let ns = self.newest(&after).await?;
        Some(nearest_range(ns - ns.rem_euclid(margin), ns - ns.rem_euclid(margin) + length, ns))
    }

    async fn newest(&self, plan: &Plan) -> Option<i64> {
        let compiled = plan.filter_only().rows(Page { limit: 1, ..Page::default() }).ok()?;
        let answer = self.executor.aside(self.tenant, compiled).await.ok()?;
        whole(answer.rows.first()?.first()?)
    }
}

fn nearest_range(from_ns: i64, to_ns: i64, event_ns: i64) -> NearestRange {
    NearestRange { from: rfc3339(from_ns), to: rfc3339(to_ns), event_at: rfc3339(event_ns) }
}

fn message(terms: &[EmptyTerm], all: u64) -> String {
    let never: Vec<&str> =
        terms.iter().filter(|term| term.alone == 0).map(|term| term.text.as_str()).collect();
    match (never.as_slice(), terms.iter().max_by_key(|term| term.without)) {
        ([], Some(term)) if term.without > 0 => {
            format!("No event matches all terms. Without `{}` there are {}.", term.text, events(term.without))
        }
        ([], _) => format!("{} in this range, and none matches all of the filter.", events(all)),
        ([one], _) => format!("`{one}` matches none of the {} in this range.", events(all)),
        (several, _) => {
            let list = several.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
            format!("None of the {} in this range matches {list}.", events(all))
        }
    }
}

fn events(count: u64) -> String {
    if count == 1 { "1 event".into() } else { format!("{count} events") }
}

fn near<'v>(typed: &str, values: &[&'v str]) -> Vec<&'v str> {
    let mut left: Vec<&'v str> = values.to_vec();
    let mut found = Vec::new();
    while found.len() < FIXES
        && let Some(best) = nearest(typed, left.iter().copied())
    {
        left.retain(|value| *value != best);
        found.push(best);
    }
    found
}

/// The field and the value of `field:value` and `field=value`.
fn asked_value(term: &Filter) -> Option<(&Predicate, &str)> {
    match &term.node {
        FilterNode::Predicate(predicate) if !predicate.negated => match &predicate.test {
            Test::Equals { value, .. } => Some((predicate, value.text.as_str())),
            Test::Glob { text, .. } => Some((predicate, text.as_str())),
            _ => None,
        },
        _ => None,
    }
}

fn top_terms(query: &Query) -> &[Filter] {
    match query.filter.as_ref() {
        None | Some(Filter { node: FilterNode::All, .. }) => &[],
        Some(Filter { node: FilterNode::And(terms), .. }) => terms,
        Some(filter) => std::slice::from_ref(filter),
    }
}

fn span_of(span: query_lang::Span) -> Span {
    Span { start: span.start, end: span.end }
}

fn fix(title: String, span: query_lang::Span, text: String) -> Fix {
    Fix { title, edits: vec![TextEdit { span: span_of(span), text }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str, alone: u64, without: u64) -> EmptyTerm {
        EmptyTerm { text: text.into(), span: Span { start: 0, end: 0 }, alone, without, fixes: Vec::new() }
    }

    #[test]
    fn the_sentence_names_the_term_that_matters() {
        assert_eq!(
            message(&[term("env:prd", 0, 7), term("error", 9, 0)], 100),
            "`env:prd` matches none of the 100 events in this range."
        );
        assert_eq!(
            message(&[term("source:api", 5, 7), term("error", 9, 1)], 100),
            "No event matches all terms. Without `source:api` there are 7 events."
        );
        assert_eq!(message(&[], 1), "1 event in this range, and none matches all of the filter.");
    }

    #[test]
    fn the_nearest_spellings_come_first_and_far_ones_not_at_all() {
        assert_eq!(near("prd", &["staging", "prod", "dev", "prd2"]), ["prod", "prd2"]);
        assert!(near("x", &["staging"]).is_empty());
    }
}
