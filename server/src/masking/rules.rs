//! A project's rules, ready for use, and how rules look from outside.

use crate::error::InvalidFields;
use api_types::masking::MaskingRule;
use event::mask::{Action, Detector};
use event::{Event, MaskRule, Masker};
use std::borrow::Cow;

const MOST_RULES: usize = 32;
const NAME_BYTES: usize = 32;
const PATTERN_BYTES: usize = 1024;

/// What is done to the events of a project.
#[derive(Debug, Default)]
pub struct Rules {
    masker: Option<Masker>,
    names: Vec<String>,
    keeps_colours: bool,
}

/// How often each rule found something.
#[derive(Debug, Clone, Default)]
pub struct Tally(Vec<u64>);

impl Tally {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.0
    }
}

impl Rules {
    /// # Errors
    /// 422 naming the custom rule whose regular expression cannot be used.
    pub fn new(rules: &[MaskRule], secret: &[u8]) -> Result<Self, InvalidFields> {
        let masker = Masker::new(rules, secret).map_err(|error| {
            let field = format!("rules[{}].pattern", error.rule);
            InvalidFields::one(&field, "invalid_pattern", &error.detail)
        })?;
        let names = rules.iter().map(|rule| rule.detector.name().to_owned()).collect();
        Ok(Self { masker: (!masker.is_empty()).then_some(masker), names, keeps_colours: false })
    }

    /// The same, with or without the colour sequences of terminals in messages.
    #[must_use]
    pub fn with_colours(self, keeps_colours: bool) -> Self {
        Self { keeps_colours, ..self }
    }

    #[must_use]
    pub fn keeps_colours(&self) -> bool {
        self.keeps_colours
    }

    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally(vec![0; self.names.len()])
    }

    pub fn apply(&self, event: &mut Event<'_>, tally: &mut Tally) {
        if let Some(masker) = &self.masker {
            masker.apply(event, &mut tally.0);
        }
    }

    /// Masks text that is kept beside events.
    #[must_use]
    pub fn apply_to_text<'a>(&self, text: &'a str, tally: &mut Tally) -> Cow<'a, str> {
        match &self.masker {
            Some(masker) => masker.apply_to_text(text, &mut tally.0),
            None => Cow::Borrowed(text),
        }
    }

    /// Masks the bytes of an event that was refused, which may not even be text.
    #[must_use]
    pub fn apply_to_bytes<'a>(&self, bytes: Cow<'a, [u8]>, tally: &mut Tally) -> Cow<'a, [u8]> {
        if self.masker.is_none() {
            return bytes;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Cow::Owned(self.apply_to_text(&text, tally).into_owned().into_bytes())
    }

    /// Adds to the counters of this node.
    pub fn note(&self, tally: &Tally) {
        for (name, count) in self.names.iter().zip(&tally.0).filter(|(_, count)| **count > 0) {
            // Names of custom rules are the tenants' own, and there may be any number of them.
            let detector = if BUILT_IN.contains(&name.as_str()) { name.clone() } else { "custom".to_owned() };
            metrics::counter!("cordwood_masked_values_total", "detector" => detector).increment(*count);
        }
    }
}

const BUILT_IN: [&str; 7] = ["email", "card", "token", "ipv4", "ipv6", "iban", "phone"];

/// Checks rules that somebody sent.
///
/// # Errors
/// 422 naming the field at fault.
pub fn checked(rules: &[MaskingRule]) -> Result<Vec<MaskRule>, InvalidFields> {
    if rules.len() > MOST_RULES {
        return Err(InvalidFields::one("rules", "too_many", &format!("Give at most {MOST_RULES} rules.")));
    }
    let rules: Vec<MaskRule> =
        rules.iter().enumerate().map(|(place, rule)| checked_rule(place, rule)).collect::<Result<_, _>>()?;
    for (place, rule) in rules.iter().enumerate() {
        if rules[..place].iter().any(|earlier| earlier.detector.name() == rule.detector.name()) {
            let (field, name) = (format!("rules[{place}]"), rule.detector.name());
            return Err(InvalidFields::one(&field, "twice", &format!("There is a rule `{name}` already.")));
        }
    }
    Rules::new(&rules, b"")?;
    Ok(rules)
}

fn checked_rule(place: usize, rule: &MaskingRule) -> Result<MaskRule, InvalidFields> {
    let refuse = |field: &str, code: &str, detail: &str| {
        InvalidFields::one(&format!("rules[{place}].{field}"), code, detail)
    };
    let action = match rule.action.as_str() {
        "mask" => Action::Mask,
        "hash" => Action::Hash,
        "drop" => Action::Drop,
        _ => return Err(refuse("action", "unknown_action", "Choose mask, hash or drop.")),
    };
    let detector = match rule.detector.as_str() {
        "email" => Detector::Email,
        "card" => Detector::Card,
        "token" => Detector::Token,
        "ipv4" => Detector::Ipv4,
        "ipv6" => Detector::Ipv6,
        "iban" => Detector::Iban,
        "phone" => Detector::Phone,
        "custom" => custom(rule, refuse)?,
        _ => {
            let detail = "Choose email, card, token, ipv4, ipv6, iban, phone or custom.";
            return Err(refuse("detector", "unknown_detector", detail));
        }
    };
    Ok(MaskRule { detector, action })
}

fn custom(
    rule: &MaskingRule,
    refuse: impl Fn(&str, &str, &str) -> InvalidFields,
) -> Result<Detector, InvalidFields> {
    let name = rule.name.clone().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(is_plain) {
        let detail =
            "Give a name of 1 to 32 small letters, digits, - and _: it stands where something was found.";
        return Err(refuse("name", "invalid_name", detail));
    }
    if BUILT_IN.contains(&name.as_str()) {
        return Err(refuse("name", "name_taken", "This is the name of a built-in detector."));
    }
    let pattern = rule.pattern.clone().unwrap_or_default();
    if pattern.is_empty() || pattern.len() > PATTERN_BYTES {
        return Err(refuse("pattern", "invalid_pattern", "Give a regular expression of 1 to 1024 bytes."));
    }
    Ok(Detector::Custom { name, pattern })
}

/// Rules as the API shows them.
#[must_use]
pub fn shown(rules: &[MaskRule]) -> Vec<MaskingRule> {
    let shown = |rule: &MaskRule| {
        let action = match rule.action {
            Action::Mask => "mask",
            Action::Hash => "hash",
            Action::Drop => "drop",
        };
        let (detector, name, pattern) = match &rule.detector {
            Detector::Custom { name, pattern } => ("custom", Some(name.clone()), Some(pattern.clone())),
            built_in => (built_in.name(), None, None),
        };
        MaskingRule { detector: detector.to_owned(), action: action.to_owned(), name, pattern }
    };
    rules.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Problem;

    fn rule(detector: &str, action: &str) -> MaskingRule {
        MaskingRule { detector: detector.into(), action: action.into(), ..MaskingRule::default() }
    }

    #[test]
    fn rules_come_back_as_they_were_sent() {
        let custom = MaskingRule {
            name: Some("order-id".into()),
            pattern: Some("ORD-[0-9]+".into()),
            ..rule("custom", "hash")
        };
        let sent: Vec<MaskingRule> = BUILT_IN.iter().map(|name| rule(name, "mask")).chain([custom]).collect();
        assert_eq!(shown(&checked(&sent).unwrap()), sent);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let custom = |name: &str, pattern: &str| MaskingRule {
            name: Some(name.into()),
            pattern: Some(pattern.into()),
            ..rule("custom", "mask")
        };
        let cases = [
            (vec![rule("email", "shred")], "rules[0].action"),
            (vec![rule("email", "mask"), rule("shoe_size", "mask")], "rules[1].detector"),
            (vec![rule("email", "mask"), rule("email", "drop")], "rules[1]"),
            (vec![custom("Has Blanks", "a")], "rules[0].name"),
            (vec![custom("email", "a")], "rules[0].name"),
            (vec![custom("order", "")], "rules[0].pattern"),
            (vec![custom("order", "(")], "rules[0].pattern"),
            (vec![custom("x", "a"); 40], "rules"),
        ];
        for (rules, field) in cases {
            assert_eq!(checked(&rules).unwrap_err().fields()[0].field, field);
        }
    }
}
