//! What is told of a field beside its name: how many of the events have it, and of which types its values are.

use crate::format;
use api_types::search::{Field, Fields};

/// Which events a field's count is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Among {
    events: u64,
    /// Only the newest of more.
    sampled: bool,
}

impl Among {
    pub fn of(found: &Fields) -> Self {
        let most = found.fields.iter().map(|field| field.count).max().unwrap_or(0);
        Self { events: found.events.max(most).max(1), sampled: found.sampled }
    }

    /// `22%`
    pub fn share(self, count: u64) -> String {
        percent(count, self.events)
    }

    /// `1,234 of 5,678 events have it`
    pub fn words(self, count: u64) -> String {
        let newest = if self.sampled { "the newest " } else { "" };
        format!("{} of {newest}{} events have it", format::count(count), format::count(self.events))
    }
}

/// Never 100% of what is not all, nor 0% of what is something.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    match share.round() {
        _ if part == 0 => "0%".into(),
        rounded if rounded < 1.0 => "<1%".into(),
        rounded if rounded >= 100.0 && part < whole => ">99%".into(),
        rounded => format!("{rounded:.0}%"),
    }
}

/// `text 90%, number 10%` of a field whose values have several types, the most frequent first.
pub fn mix(field: &Field) -> Option<String> {
    let total: u64 = field.types.values().sum();
    let mut types: Vec<(&str, u64)> =
        field.types.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    types.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
    let told = types.into_iter().map(|(kind, count)| match count {
        0 => format!("{} before", kind_name(kind)),
        count => format!("{} {}", kind_name(kind), percent(count, total)),
    });
    (!field.types.is_empty()).then(|| told.collect::<Vec<_>>().join(", "))
}

/// Whether some values can be compared as numbers.
pub fn has_numbers(field: &Field) -> bool {
    field.kind == "number" || field.types.contains_key("number")
}

fn kind_name(kind: &str) -> &'static str {
    kind_mark(kind).1
}

/// A sign for the type, and its name.
pub fn kind_mark(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "number" => ("#", "number"),
        "bool" => ("?", "true or false"),
        "array" => ("[]", "list"),
        "mixed" => ("±", "several types"),
        "datetime" => ("◷", "time"),
        _ => ("Aa", "text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: &str, types: &[(&str, u64)]) -> Field {
        Field {
            name: "size".into(),
            kind: kind.into(),
            count: 10,
            distinct: None,
            types: types.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_to_nothing() {
        let among = Among { events: 10_000, sampled: false };
        let shares = [0, 1, 2_249, 9_999, 10_000].map(|count| among.share(count));
        assert_eq!(shares, ["0%", "<1%", "22%", ">99%", "100%"]);
    }

    #[test]
    fn coverage_says_which_events_were_looked_at() {
        let among = |sampled| Among { events: 10_000, sampled };
        assert_eq!(among(false).words(1_234), "1,234 of 10,000 events have it");
        assert_eq!(among(true).words(1_234), "1,234 of the newest 10,000 events have it");
    }

    #[test]
    fn without_a_number_of_events_the_most_frequent_field_stands_for_all() {
        let found = Fields { fields: vec![field("string", &[])], events: 0, sampled: false };
        assert_eq!(Among::of(&found).share(5), "50%");
    }

    #[test]
    fn a_mix_begins_with_what_is_most_frequent() {
        assert_eq!(
            mix(&field("mixed", &[("number", 1), ("string", 9)])).as_deref(),
            Some("text 90%, number 10%")
        );
        assert_eq!(mix(&field("string", &[])), None);
    }

    #[test]
    fn a_type_of_older_events_is_named() {
        assert_eq!(
            mix(&field("mixed", &[("number", 7), ("string", 0)])).as_deref(),
            Some("number 100%, text before")
        );
    }

    #[test]
    fn numbers_among_texts_can_be_asked_for_as_a_range() {
        assert!(has_numbers(&field("mixed", &[("number", 1), ("string", 9)])));
        assert!(!has_numbers(&field("mixed", &[("bool", 1), ("string", 9)])));
    }
}
