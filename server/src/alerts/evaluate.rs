//! What an evaluation asks of the search, and how its answer becomes an observation.
//!
//! The scheduler knows only the trait: a query is evaluated over a window, and sample lines are fetched for a message.

use crate::sight::Sight;
use alert_rules::{Condition, Observation};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A query over a window of one project.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whose logs, and which of them.
    pub sight: Sight,
    pub project_id: Uuid,
    pub query: String,
    /// The column to compare; the only number, or the count, when absent.
    pub value: Option<String>,
    /// Which groups matter when there are too many: those with small values.
    pub smaller_is_worse: bool,
    pub from_us: i64,
    pub to_us: i64,
}

/// The fields and values that make a group, in the order of the query.
pub type Labels = Vec<(String, Option<String>)>;

/// What a query gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// Whether the query has groups at all.
    pub grouped: bool,
    /// The column that was compared.
    pub column: String,
    pub groups: Vec<GroupValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupValue {
    pub labels: Labels,
    /// Absent where nothing could be computed, such as the average of no events.
    pub value: Option<f64>,
}

/// Why a query could not be evaluated.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    pub reason: String,
    /// Trying again cannot help.
    pub lasting: bool,
}

/// A line of log for a message, with the bytes of `message` that the query matched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub timestamp: String,
    pub level: Option<String>,
    pub source: Option<String>,
    pub message: String,
    #[serde(default)]
    pub marks: Vec<(usize, usize)>,
}

/// Sample lines, and the query that finds them: the rule's filter, narrowed to a group.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    pub query: String,
    pub samples: Vec<Sample>,
}

/// Answers for the scheduler; the search does it in production, a table in tests.
pub trait Evaluate: Send + Sync + 'static {
    fn evaluate<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Evaluation, Failure>>;

    /// The newest events behind a value, at most `limit`; of one group when its labels are given.
    fn lines<'a>(
        &'a self,
        ask: &'a Ask,
        group: &'a Labels,
        limit: usize,
    ) -> BoxFuture<'a, Result<Lines, Failure>>;
}

impl Evaluation {
    #[must_use]
    pub fn observation(&self) -> Observation {
        Observation::Values(self.values())
    }

    /// Of the groups that have one.
    #[must_use]
    pub fn values(&self) -> BTreeMap<String, f64> {
        let value = |group: &GroupValue| Some((group_key(&group.labels), group.value?));
        self.groups.iter().filter_map(value).collect()
    }

    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, Labels> {
        self.groups.iter().map(|group| (group_key(&group.labels), group.labels.clone())).collect()
    }

    /// The value that a list shows for the whole rule.
    #[must_use]
    pub fn worst(&self, condition: Condition) -> Option<f64> {
        self.groups.iter().filter_map(|group| group.value).reduce(|one, other| condition.worse(one, other))
    }
}

/// `source=api, host=web-1`: how a group is named everywhere. Text that would be ambiguous is quoted.
#[must_use]
pub fn group_key(labels: &Labels) -> String {
    let name = |(field, value): &(String, Option<String>)| match value {
        None => format!("{field} missing"),
        Some(value) if value.is_empty() || value.contains([',', '=', '"', '\n']) => {
            format!("{field}={value:?}")
        }
        Some(value) => format!("{field}={value}"),
    };
    labels.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub mod fake {
    //! A search that answers from a table.

    use super::{Ask, Evaluate, Evaluation, Failure, GroupValue, Labels, Lines, Sample};
    use futures::future::BoxFuture;
    use std::sync::Mutex;

    /// Answers every query with what was set last.
    pub struct Table {
        answer: Mutex<Result<Evaluation, Failure>>,
        pub asked: Mutex<Vec<Ask>>,
    }

    impl Default for Table {
        fn default() -> Self {
            Self { answer: Mutex::new(Ok(Evaluation::default())), asked: Mutex::default() }
        }
    }

    impl Table {
        /// A query without groups.
        pub fn value(&self, value: f64) {
            let groups = vec![GroupValue { labels: Vec::new(), value: Some(value) }];
            self.set(Ok(Evaluation { grouped: false, column: "count".into(), groups }));
        }

        /// A query by source.
        pub fn by_source(&self, values: &[(&str, f64)]) {
            let group = |(source, value): &(&str, f64)| GroupValue {
                labels: vec![("source".into(), Some((*source).into()))],
                value: Some(*value),
            };
            let groups = values.iter().map(group).collect();
            self.set(Ok(Evaluation { grouped: true, column: "n".into(), groups }));
        }

        pub fn answers(&self, evaluation: Evaluation) {
            self.set(Ok(evaluation));
        }

        pub fn fails(&self, reason: &str, lasting: bool) {
            self.set(Err(Failure { reason: reason.into(), lasting }));
        }

        fn set(&self, answer: Result<Evaluation, Failure>) {
            *self.answer.lock().unwrap() = answer;
        }
    }

    impl Evaluate for Table {
        fn evaluate<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Evaluation, Failure>> {
            self.asked.lock().unwrap().push(ask.clone());
            let answer = self.answer.lock().unwrap().clone();
            Box::pin(async move { answer })
        }

        fn lines<'a>(
            &'a self,
            _: &'a Ask,
            group: &'a Labels,
            limit: usize,
        ) -> BoxFuture<'a, Result<Lines, Failure>> {
            let query = format!("level:error {}", super::group_key(group).replace('=', ":"));
            let source = group.first().and_then(|(_, value)| value.clone());
            let line = Sample {
                timestamp: "2026-03-10T10:00:00Z".into(),
                level: Some("error".into()),
                source,
                message: "upstream timeout after 3s".into(),
                marks: vec![(9, 16)],
            };
            Box::pin(async move { Ok(Lines { query, samples: vec![line; limit.min(2)] }) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_names_are_told_apart() {
        let label = |field: &str, value: Option<&str>| (field.to_owned(), value.map(str::to_owned));
        assert_eq!(group_key(&vec![]), "");
        assert_eq!(
            group_key(&vec![label("source", Some("api")), label("host", None)]),
            "source=api, host missing"
        );
        assert_ne!(
            group_key(&vec![label("a", Some("1, b=2"))]),
            group_key(&vec![label("a", Some("1")), label("b", Some("2"))])
        );
    }

    #[test]
    fn a_group_without_a_value_is_not_seen() {
        let group = |value| GroupValue { labels: vec![("a".into(), Some(format!("{value:?}")))], value };
        let evaluation =
            Evaluation { grouped: true, column: "n".into(), groups: vec![group(Some(3.0)), group(None)] };
        let Observation::Values(values) = evaluation.observation() else { panic!("values") };
        assert_eq!(values.len(), 1);
    }
}
