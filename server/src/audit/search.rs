//! Looks through the log with the filters of the query language: an entry is an event like any other.
//!
//! Its fields are `actor`, `actor_kind`, `actor_id`, `action`, `target`, `target_id`, `address`, `user_agent` and what `detail`
//! holds; words are looked for in a sentence of actor, action, target and address.

use super::store::{self, Row};
use super::{Audit, AuditError};
use crate::error::ApiError;
use crate::search::SearchError;
use crate::search::time_range::TimeRange;
use crate::tenant::TenantScope;
use crate::time::Micros;
use query_lang::eval::{Event, Matcher};
use query_lang::{Catalogue, CheckContext};
use serde_json::{Map, Value, json};

/// Rows that one statement reads.
const CHUNK: i64 = 500;
/// Rows that one page looks at; what is left is on the next one.
const MOST_LOOKED_AT: usize = 50_000;

/// What is looked for.
#[derive(Clone)]
pub struct Wanted {
    matcher: Matcher,
    range: (Micros, Micros),
}

/// Some of what was found, and where to go on.
pub struct Found {
    pub rows: Vec<Row>,
    pub next: Option<i64>,
}

impl Wanted {
    pub fn parse(query: &str, range: &TimeRange) -> Result<Self, ApiError> {
        let invalid = |diagnostic| SearchError::Query {
            source_text: query.to_owned(),
            diagnostic: Box::new(diagnostic),
        };
        let parsed = query_lang::parse(query).map_err(invalid)?;
        let context = CheckContext {
            now_ns: range.now_ns,
            from_ns: range.from_ns,
            to_ns: range.to_ns,
            time_zone: range.zone.clone(),
        };
        let checked = query_lang::check(&parsed.query, &Catalogue::default(), &context).map_err(invalid)?;
        if !checked.query.stages.is_empty() {
            return Err(AuditError::Stages.into());
        }
        let matcher = Matcher::of(checked.query.filter.as_ref()).map_err(invalid)?;
        Ok(Self { matcher, range: (checked.from_ns / 1_000, checked.to_ns.div_euclid(1_000) + 1) })
    }

    fn matches(&self, row: &Row) -> bool {
        let attributes = attributes_of(row);
        let message = format!("{} {} {} {}", row.actor, row.action, row.target, row.address);
        self.matcher.matches(&Event {
            id: "",
            timestamp_ns: row.at.saturating_mul(1_000),
            level: None,
            source: "audit",
            host: &row.address,
            message: &message,
            trace_id: "",
            span_id: "",
            attributes: &attributes,
        })
    }
}

fn attributes_of(row: &Row) -> Map<String, Value> {
    let detail = serde_json::from_str(&row.detail).unwrap_or(Value::Null);
    let mut attributes = match detail {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let own = [
        ("actor", &row.actor),
        ("actor_kind", &row.actor_kind),
        ("actor_id", &row.actor_id),
        ("action", &row.action),
        ("target", &row.target),
        ("target_id", &row.target_id),
        ("address", &row.address),
        ("user_agent", &row.user_agent),
    ];
    attributes.extend(own.map(|(name, value)| (name.to_owned(), json!(value))));
    attributes
}

impl Audit {
    /// At most `limit` entries before `before`, newest first.
    pub(super) async fn find(
        &self,
        scope: &TenantScope,
        wanted: &Wanted,
        before: i64,
        limit: usize,
    ) -> Result<Found, AuditError> {
        let (mut found, mut before, mut looked_at) = (Vec::new(), before, 0);
        loop {
            let rows = store::page(&self.db, scope, before, wanted.range, CHUNK).await?;
            let is_last = (rows.len() as i64) < CHUNK;
            looked_at += rows.len();
            for row in rows {
                before = row.sequence;
                if !wanted.matches(&row) {
                    continue;
                }
                found.push(row);
                if found.len() == limit {
                    return Ok(Found { rows: found, next: Some(before) });
                }
            }
            if is_last {
                return Ok(Found { rows: found, next: None });
            }
            if looked_at >= MOST_LOOKED_AT {
                return Ok(Found { rows: found, next: Some(before) });
            }
        }
    }
}
