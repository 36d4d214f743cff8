//! A rule as its author wrote it, checked: what can be told without asking any database.

use super::evaluate::Ask;
use crate::error::InvalidFields;
use crate::sight::Sight;
use alert_rules::{Basis, Comparison, Micros, Rule, Schedule, Windows, comparison_of, duration, rule_of};
use api_types::alerts as wire;
use api_types::problem::FieldProblem;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use alert_rules::GROUP_CAP;

const SECOND_US: Micros = duration::SECOND_US;
const DAY_US: Micros = 86_400 * SECOND_US;
const NAME_CHARACTERS: usize = 200;
const MESSAGE_BYTES: usize = 4_096;
const LABELS: usize = 32;
const CHANNELS: usize = 50;

/// A checked rule. It keeps the wire form, which is what is stored and shown.
#[derive(Debug, Clone)]
pub struct Definition {
    pub wire: wire::AlertRuleRequest,
    pub every_us: Micros,
    pub delay_us: Micros,
    pub window_us: Micros,
    /// How much later each window is looked at once more; not at all when 0.
    pub look_again_us: Micros,
    pub comparison: Comparison,
    pub channel_ids: Vec<Uuid>,
    rule: Rule,
}

impl Definition {
    /// # Errors
    /// Every field that is not acceptable.
    pub fn parse(mut wire: wire::AlertRuleRequest) -> Result<Self, InvalidFields> {
        let mut check = Check::default();
        wire.name = wire.name.trim().to_owned();
        check.texts(&wire);
        let every_us = check.duration("every", &wire.every, 10 * SECOND_US, DAY_US);
        let window_us = check.duration("window", &wire.window, SECOND_US, 31 * DAY_US);
        let delay_us = check.duration("delay", &wire.delay, 0, 3_600 * SECOND_US);
        let look_again_us = check.duration("look_again_after", &wire.look_again_after, 0, 3_600 * SECOND_US);
        check.rule(&wire);
        let channel_ids = check.channel_ids(&wire.channel_ids);
        let (comparison, rule) = (comparison_of(&wire), rule_of(&wire, false));
        match (comparison, rule) {
            (Ok(comparison), Ok(rule)) => {
                check.recovery(&rule);
                check.finish(Self {
                    every_us,
                    delay_us,
                    window_us,
                    look_again_us,
                    comparison,
                    channel_ids,
                    rule,
                    wire,
                })
            }
            (Err(detail), _) => check.wrong_if_nothing_else("condition", &detail),
            (_, Err(detail)) => check.wrong_if_nothing_else("condition.op", &detail),
        }
    }

    /// What is stored was checked when it was saved; a limit that became narrower since makes it unreadable.
    ///
    /// # Errors
    /// The text is no definition any more.
    pub fn from_stored(text: &str) -> anyhow::Result<Self> {
        Ok(Self::parse(serde_json::from_str(text)?)?)
    }

    #[must_use]
    pub fn to_stored(&self) -> String {
        serde_json::to_string(&self.wire).expect("a definition is strings and finite numbers")
    }

    /// The state machine's part. Whether there are groups is told by the query.
    #[must_use]
    pub fn rule(&self, grouped: bool) -> Rule {
        Rule { grouped, ..self.rule.clone() }
    }

    /// Rules that ask the same have the same slots, so that one search answers all of them; others are spread over the interval.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let wire = &self.wire;
        let asked = format!("{:?}\n{}\n{:?}\n{}", wire.project_id, wire.query, wire.value, wire.window);
        let digest: [u8; 32] = Sha256::digest(asked).into();
        let seed = digest[..16].iter().fold(0u128, |seed, byte| seed << 8 | u128::from(*byte));
        Schedule::new(self.every_us, self.delay_us, seed)
    }

    /// What is asked of the search for a window.
    #[must_use]
    pub fn ask(&self, sight: &Sight, project_id: Uuid, from_us: Micros, to_us: Micros) -> Ask {
        let smaller_is_worse = self.rule.condition.op.larger_is_worse() == Some(false);
        let (query, value) = (self.wire.query.clone(), self.wire.value.clone());
        Ask { sight: sight.clone(), project_id, query, value, smaller_is_worse, from_us, to_us }
    }

    /// `> 10`, `> 50 % above the window before`
    #[must_use]
    pub fn condition(&self) -> String {
        let threshold = self.wire.condition.threshold;
        let distance = duration::format(self.comparison.distance_us);
        match self.comparison.basis {
            Basis::Itself => format!("{} {threshold}", self.wire.condition.op),
            Basis::Change => format!("> {threshold} % against {distance} before"),
            Basis::Anomaly => format!("an anomaly (score > {threshold})"),
            Basis::New => format!("> {threshold} and had none for {distance}"),
        }
    }

    /// What the numbers of this rule are, given the compared column.
    #[must_use]
    pub fn measure(&self, column: &str) -> String {
        match self.comparison.basis {
            Basis::Itself | Basis::New => column.to_owned(),
            Basis::Change => format!("the change of {column} in percent"),
            Basis::Anomaly => format!("the anomaly score of {column}"),
        }
    }
}

/// Collects what is wrong, so that a form shows all of it at once.
#[derive(Default)]
struct Check(Vec<FieldProblem>);

impl Check {
    fn wrong(&mut self, field: &str, code: &str, detail: impl Into<String>) {
        self.0.push(FieldProblem { field: field.into(), code: code.into(), detail: detail.into() });
    }

    fn texts(&mut self, wire: &wire::AlertRuleRequest) {
        if wire.name.is_empty() {
            self.wrong("name", "required", "Give the rule a name.");
        } else if wire.name.chars().count() > NAME_CHARACTERS {
            self.wrong("name", "too_long", format!("At most {NAME_CHARACTERS} characters."));
        }
        if wire.message.as_ref().is_some_and(|message| message.len() > MESSAGE_BYTES) {
            self.wrong("message", "too_long", format!("At most {MESSAGE_BYTES} bytes."));
        }
        let link_ok = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if wire.runbook_url.as_ref().is_some_and(|url| !url.is_empty() && !link_ok(url)) {
            self.wrong("runbook_url", "invalid", "Must begin with https:// or http://.");
        }
        if wire.labels.len() > LABELS {
            self.wrong("labels", "too_many", format!("At most {LABELS} labels."));
        }
    }

    fn duration(&mut self, field: &str, text: &str, least: Micros, most: Micros) -> Micros {
        match duration::parse(text) {
            Err(detail) => self.wrong(field, "invalid", detail),
            Ok(us) if us < least || us > most => {
                let (least, most) = (duration::format(least), duration::format(most));
                self.wrong(field, "out_of_range", format!("Must be between {least} and {most}."));
            }
            Ok(us) => return us,
        }
        least
    }

    fn rule(&mut self, wire: &wire::AlertRuleRequest) {
        let wire::Windows { needed, of } = wire.windows;
        if needed == 0 || needed > of || of > Windows::MOST {
            let most = Windows::MOST;
            self.wrong("windows", "invalid", format!("`needed` is 1 to `of`, and `of` at most {most}."));
        }
        self.duration("renotify", &wire.renotify, 0, 30 * DAY_US);
        self.duration("for", &wire.for_, 0, 7 * DAY_US);
        self.duration("keep_firing_for", &wire.keep_firing_for, 0, 7 * DAY_US);
        if wire.each_match_per_hour.is_some_and(|most| !(1..=3_600).contains(&most)) {
            self.wrong("each_match_per_hour", "out_of_range", "Must be between 1 and 3600.");
        }
        if !wire.condition.threshold.is_finite() {
            self.wrong("condition.threshold", "invalid", "Must be a number.");
        }
        let derived = ["change_pct", "anomaly", "new"];
        let op = wire.condition.op.as_str();
        if !derived.contains(&op)
            && let Err(detail) = op.parse::<alert_rules::Op>()
        {
            self.wrong("condition.op", "invalid", format!("{detail}, {}", derived.join(", ")));
        }
    }

    fn recovery(&mut self, rule: &Rule) {
        let (condition, Some(recovery)) = (rule.condition, rule.recovery_threshold) else { return };
        let beyond = match condition.op.larger_is_worse() {
            Some(true) => recovery <= condition.threshold,
            Some(false) => recovery >= condition.threshold,
            None => {
                self.wrong("recovery_threshold", "invalid", "Not with == and !=.");
                return;
            }
        };
        if !beyond {
            self.wrong("recovery_threshold", "invalid", "Must lie on the good side of the threshold.");
        }
    }

    /// For what was found in other words already.
    fn wrong_if_nothing_else<T>(mut self, field: &str, detail: &str) -> Result<T, InvalidFields> {
        if self.0.is_empty() {
            self.wrong(field, "invalid", format!("{detail}."));
        }
        Err(InvalidFields(self.0))
    }

    fn channel_ids(&mut self, texts: &[String]) -> Vec<Uuid> {
        if texts.len() > CHANNELS {
            self.wrong("channel_ids", "too_many", format!("At most {CHANNELS} channels."));
        }
        let ids: Result<Vec<_>, _> = texts.iter().map(|text| Uuid::parse_str(text)).collect();
        ids.unwrap_or_else(|_| {
            self.wrong("channel_ids", "invalid", "Each must be the id of a notification channel.");
            Vec::new()
        })
    }

    fn finish(self, definition: Definition) -> Result<Definition, InvalidFields> {
        if self.0.is_empty() { Ok(definition) } else { Err(InvalidFields(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(changes: Value) -> Result<Definition, InvalidFields> {
        let mut body =
            json!({"name": "5xx", "query": "level:error", "condition": {"op": ">", "threshold": 10}});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Definition::parse(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn the_smallest_rule_has_the_defaults_of_the_contract() {
        let definition = parse(json!({})).unwrap();
        assert_eq!(definition.window_us, 300 * SECOND_US);
        assert_eq!(definition.every_us, 60 * SECOND_US);
        assert_eq!(definition.delay_us, 15 * SECOND_US);
        assert_eq!(definition.rule(false).renotify_us, Some(4 * 3_600 * SECOND_US));
        assert_eq!(definition.condition(), "> 10");
        assert_eq!(definition.comparison, Comparison::NONE);
        let again = Definition::from_stored(&definition.to_stored()).unwrap();
        assert_eq!(again.wire, definition.wire);
    }

    #[test]
    fn each_unacceptable_field_is_named() {
        for (changes, field) in [
            (json!({"name": "  "}), "name"),
            (json!({"every": "5s"}), "every"),
            (json!({"every": "often"}), "every"),
            (json!({"window": "0s"}), "window"),
            (json!({"delay": "2h"}), "delay"),
            (json!({"for": "x"}), "for"),
            (json!({"condition": {"op": "=>", "threshold": 1}}), "condition.op"),
            (json!({"condition": {"op": ">", "threshold": 1, "baseline": "1d"}}), "condition"),
            (json!({"each_match_per_hour": 0}), "each_match_per_hour"),
            (json!({"look_again_after": "2h"}), "look_again_after"),
            (json!({"windows": {"needed": 3, "of": 2}}), "windows"),
            (json!({"windows": {"needed": 0, "of": 0}}), "windows"),
            (json!({"recovery_threshold": 11}), "recovery_threshold"),
            (json!({"channel_ids": ["nope"]}), "channel_ids"),
            (json!({"runbook_url": "javascript:alert(1)"}), "runbook_url"),
            (json!({"renotify": "-1s"}), "renotify"),
        ] {
            let problems = parse(changes.clone()).unwrap_err().0;
            assert_eq!(
                problems.iter().map(|each| each.field.as_str()).collect::<Vec<_>>(),
                [field],
                "{changes}"
            );
        }
        assert_eq!(parse(json!({"name": "", "every": "1s"})).unwrap_err().0.len(), 2);
    }
}
