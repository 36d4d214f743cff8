//! What limits of sending a key may have.

use api_types::accounts::{IngestLimits, KeyScope};
use api_types::problem::FieldProblem;
use serde_json::{Map, Value};

fn by_name(limits: IngestLimits) -> [(&'static str, Option<u64>); 4] {
    [
        ("events_per_second", limits.events_per_second),
        ("bytes_per_second", limits.bytes_per_second),
        ("daily_events", limits.daily_events),
        ("daily_bytes", limits.daily_bytes),
    ]
}

/// The limits, for a key with these scopes.
///
/// # Errors
/// What is wrong, by field: a limit that lets nothing through, or one for a key that sends nothing.
pub fn checked(limits: IngestLimits, scopes: &[KeyScope]) -> Result<IngestLimits, Vec<FieldProblem>> {
    let sends = scopes.is_empty() || scopes.iter().any(|scope| *scope != KeyScope::Query);
    let problem = |(field, limit): (&str, Option<u64>)| {
        let (code, detail) = match limit? {
            _ if !sends => ("needs_ingest", "A key without the scope `ingest` sends nothing. Leave it out."),
            limit if limit == 0 || i64::try_from(limit).is_err() => {
                ("out_of_range", "Give a whole number above 0, or leave it out for no limit.")
            }
            _ => return None,
        };
        Some(FieldProblem { field: field.into(), code: code.into(), detail: detail.into() })
    };
    let problems: Vec<FieldProblem> = by_name(limits).into_iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(limits) } else { Err(problems) }
}

/// Those that are set, for the audit log.
pub fn set(limits: IngestLimits) -> Map<String, Value> {
    let set = by_name(limits).into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into())));
    set.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(limits: IngestLimits, scopes: &[KeyScope]) -> Vec<(String, String)> {
        let problems = checked(limits, scopes).err().unwrap_or_default();
        problems.into_iter().map(|problem| (problem.field, problem.code)).collect()
    }

    #[test]
    fn a_limit_is_above_nothing_and_for_a_key_that_sends() {
        let limits = IngestLimits { events_per_second: Some(5), daily_bytes: Some(0), ..Default::default() };
        let one = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(codes(limits, &[KeyScope::Ingest]), [one("daily_bytes", "out_of_range")]);
        assert_eq!(
            codes(limits, &[KeyScope::Query]),
            [one("events_per_second", "needs_ingest"), one("daily_bytes", "needs_ingest")]
        );
        let fine = IngestLimits { daily_bytes: Some(1), ..limits };
        assert_eq!(checked(fine, &[KeyScope::Admin]), Ok(fine), "who may do everything sends too");
        assert_eq!(checked(IngestLimits::default(), &[KeyScope::Query]), Ok(IngestLimits::default()));
        assert_eq!(set(fine).len(), 2);
    }
}
