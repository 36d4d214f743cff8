//! Takes personal data and secrets out of events before they are stored: in messages and in all attributes.
//!
//! `source`, `host` and ids are left alone: they name what a sender is. Rules go one after the other; what one has
//! replaced, the next one sees as replaced. A match becomes `<email>`, or `<email:f3a9…>` with a keyed hash, so that
//! equal values stay equal without telling which they are, or nothing at all.

mod detect;

use std::borrow::Cow;
use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::event::Event;
use crate::value::{Object, Value};
use detect::Finder;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "detector", rename_all = "snake_case")]
pub enum Detector {
    Email,
    /// Payment card numbers of known lengths and prefixes that pass the Luhn check, also as JSON numbers.
    Card,
    /// Bearer and basic credentials, keys with well-known prefixes, JWTs, `password=…`, and whole attributes with such names.
    Token,
    Ipv4,
    Ipv6,
    /// Account numbers that pass their checksum.
    Iban,
    /// International numbers, and North American ones with separators.
    Phone,
    /// A regular expression of the project's own.
    Custom {
        name: String,
        pattern: String,
    },
}

impl Detector {
    /// The name that stands in place of what was found.
    pub fn name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::Card => "card",
            Self::Token => "token",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Iban => "iban",
            Self::Phone => "phone",
            Self::Custom { name, .. } => name,
        }
    }
}

/// What is done with what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Mask,
    Hash,
    Drop,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskRule {
    #[serde(flatten)]
    pub detector: Detector,
    pub action: Action,
}

/// A custom rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskError {
    /// The place of the rule.
    pub rule: usize,
    pub detail: String,
}

impl std::fmt::Display for MaskError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "rule {}: {}", self.rule, self.detail)
    }
}

impl std::error::Error for MaskError {}

/// The rules of a project, ready for use.
#[derive(Debug, Clone)]
pub struct Masker {
    rules: Vec<(String, Finder, Action)>,
    key: Vec<u8>,
}

impl Masker {
    /// The key is the project's secret: hashes of two projects tell nothing about each other.
    pub fn new(rules: &[MaskRule], key: &[u8]) -> Result<Self, MaskError> {
        let prepared = rules.iter().enumerate().map(|(position, rule)| {
            let finder =
                Finder::new(&rule.detector).map_err(|detail| MaskError { rule: position, detail })?;
            Ok((rule.detector.name().to_owned(), finder, rule.action))
        });
        Ok(Self { rules: prepared.collect::<Result<_, _>>()?, key: key.to_vec() })
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Masks the event. `counts` has a place for each rule, to which its matches are added.
    pub fn apply(&self, event: &mut Event<'_>, counts: &mut [u64]) {
        self.text(&mut event.message, counts);
        self.object(&mut event.attributes, counts);
    }

    /// Masks a text that is kept beside events, such as the original of one that was refused.
    pub fn apply_to_text<'a>(&self, text: &'a str, counts: &mut [u64]) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        self.text(&mut text, counts);
        text
    }

    fn object(&self, object: &mut Object<'_>, counts: &mut [u64]) {
        object.members.retain_mut(|(name, value)| {
            self.named(name, value, counts);
            self.value(value, counts);
            !value.is_null()
        });
    }

    /// Makes the value null when all of it was dropped.
    fn value(&self, value: &mut Value<'_>, counts: &mut [u64]) {
        match value {
            Value::String(text) => {
                let was_empty = text.is_empty();
                self.text(text, counts);
                if text.is_empty() && !was_empty {
                    *value = Value::Null;
                }
            }
            Value::Int(number) if *number > 0 => self.number(value, counts),
            Value::UInt(_) => self.number(value, counts),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, counts)),
            Value::Object(object) => self.object(object, counts),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Digits(_) => {}
        }
    }

    /// Card numbers also come as JSON numbers.
    fn number(&self, value: &mut Value<'_>, counts: &mut [u64]) {
        let digits = value.to_json();
        for (place, (name, finder, action)) in self.rules.iter().enumerate() {
            if matches!(finder, Finder::Card) && !finder.find(&digits).is_empty() {
                counts[place] += 1;
                *value = self.whole(name, *action, &digits);
                return;
            }
        }
    }

    /// A scalar under a name such as `password` is a secret as a whole.
    fn named(&self, name: &str, value: &mut Value<'_>, counts: &mut [u64]) {
        let rule = self.rules.iter().enumerate().find(|(_, (_, finder, _))| finder.is_secret_name(name));
        let Some((place, (mask, _, action))) = rule else { return };
        let text = value.scalar_text().filter(|text| !text.is_empty() && !text.starts_with("<token"));
        if let Some(text) = text {
            counts[place] += 1;
            *value = self.whole(mask, *action, &text);
        }
    }

    fn whole(&self, name: &str, action: Action, text: &str) -> Value<'static> {
        match action {
            Action::Drop => Value::Null,
            _ => Value::string(self.replacement(name, action, text)),
        }
    }

    fn text(&self, text: &mut Cow<'_, str>, counts: &mut [u64]) {
        for (place, (name, finder, action)) in self.rules.iter().enumerate() {
            let found = finder.find(text);
            if !found.is_empty() {
                counts[place] += found.len() as u64;
                *text = Cow::Owned(self.replace(text, &found, name, *action));
            }
        }
    }

    fn replace(&self, text: &str, found: &[Range<usize>], name: &str, action: Action) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for range in found {
            out.push_str(&text[from..range.start]);
            out.push_str(&self.replacement(name, action, &text[range.clone()]));
            from = range.end;
        }
        out.push_str(&text[from..]);
        out
    }

    fn replacement(&self, name: &str, action: Action, text: &str) -> String {
        match action {
            Action::Mask => format!("<{name}>"),
            Action::Hash => format!("<{name}:{}>", self.hash(text)),
            Action::Drop => String::new(),
        }
    }

    /// Sixteen hex digits of HMAC-SHA256, the first of them always a letter: a pattern sees them as `<hex>`, and no
    /// detector as a number.
    fn hash(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        let bytes = mac.finalize().into_bytes();
        let digits: String = bytes[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("f{}", &digits[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker(detector: Detector, action: Action) -> Masker {
        Masker::new(&[MaskRule { detector, action }], b"key").unwrap()
    }

    fn masked(detector: Detector, text: &str) -> String {
        masker(detector, Action::Mask).apply_to_text(text, &mut [0]).into_owned()
    }

    #[track_caller]
    fn masks(detector: &Detector, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(masked(detector.clone(), text), *expected, "{text}");
        }
    }

    #[test]
    fn mail_addresses() {
        masks(
            &Detector::Email,
            &[
                ("to a.b+c@acme.example.com, done", "to <email>, done"),
                ("<jürgen@müller.example>", "<<email>>"),
                ("user=x@y.io&z=1", "user=<email>&z=1"),
                ("pkg@1.2.3 and @handle and a@b", "pkg@1.2.3 and @handle and a@b"),
            ],
        );
    }

    #[test]
    fn card_numbers_that_pass_the_check() {
        masks(
            &Detector::Card,
            &[
                ("card 4111111111111111 ok", "card <card> ok"),
                ("4111 1111 1111 1111 12/27", "<card> 12/27"),
                ("378282246310005 and 5555-5555-5555-4444", "<card> and <card>"),
                ("4111111111111112", "4111111111111112"),
                (
                    "1773136800123456789 id 12345678901234567890",
                    "1773136800123456789 id 12345678901234567890",
                ),
                ("x4111111111111111", "x4111111111111111"),
            ],
        );
    }

    #[test]
    fn tokens_and_keys() {
        masks(
            &Detector::Token,
            &[
                ("Authorization: Bearer abc.DEF-123_xyz~9==", "Authorization: Bearer <token>"),
                ("key AKIAIOSFODNN7EXAMPLE used", "key <token> used"),
                ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "<token>"),
                ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF2QT4", "jwt <token>"),
                ("login?password=hunter22&x=1", "login?password=<token>&x=1"),
                (r#"{"api_key": "abcd1234"}"#, r#"{"api_key": "<token>"}"#),
                ("the bearer of this letter", "the bearer of this letter"),
                ("password: ", "password: "),
            ],
        );
    }

    #[test]
    fn addresses_of_machines() {
        masks(
            &Detector::Ipv4,
            &[
                ("from 10.0.0.1:80, 255.255.255.255.", "from <ipv4>:80, <ipv4>."),
                ("v1.2.3.4.5 256.1.1.1 1.2.3", "v1.2.3.4.5 256.1.1.1 1.2.3"),
            ],
        );
        masks(
            &Detector::Ipv6,
            &[
                ("from [2001:db8::1]:80 fe80::1%eth0", "from [<ipv6>]:80 <ipv6>%eth0"),
                (
                    "at 10:15:30 std::add a::b 2026-03-10T10:15:30",
                    "at 10:15:30 std::add a::b 2026-03-10T10:15:30",
                ),
            ],
        );
    }

    #[test]
    fn account_and_telephone_numbers() {
        masks(
            &Detector::Iban,
            &[
                ("to DE89 3704 0044 0532 0130 00 today", "to <iban> today"),
                ("GB82WEST12345698765432,", "<iban>,"),
                ("DE89 3704 0044 0532 0130 01", "DE89 3704 0044 0532 0130 01"),
            ],
        );
        masks(
            &Detector::Phone,
            &[
                ("call +49 170 1234567 or (212) 555-0123", "call <phone> or <phone>"),
                ("+1-212-555-0123", "<phone>"),
                (
                    "2026-03-10 10:15:30 +0200 took 1234567890 ns",
                    "2026-03-10 10:15:30 +0200 took 1234567890 ns",
                ),
            ],
        );
    }

    #[test]
    fn a_projects_own_expression() {
        let employee = |pattern: &str| Detector::Custom { name: "employee".into(), pattern: pattern.into() };
        assert_eq!(masked(employee("EMP-[0-9]+"), "by EMP-42"), "by <employee>");
        assert_eq!(masked(employee("x*"), "axxb"), "a<employee>b");
        let refused = Masker::new(&[MaskRule { detector: employee("("), action: Action::Mask }], b"");
        assert_eq!(refused.unwrap_err().rule, 0);
        let huge =
            Masker::new(&[MaskRule { detector: employee(r"(\w{1000}){1000}"), action: Action::Mask }], b"");
        assert!(huge.is_err());
    }

    fn event(json: &str) -> Event<'_> {
        let raw = crate::decode(json.as_bytes(), crate::Content::Json).next().unwrap().unwrap().unwrap();
        crate::Intake::new(0, 1).normalise(raw).unwrap()
    }

    #[test]
    fn attributes_are_masked_at_every_depth() {
        let rules = [
            MaskRule { detector: Detector::Email, action: Action::Mask },
            MaskRule { detector: Detector::Card, action: Action::Drop },
            MaskRule { detector: Detector::Token, action: Action::Mask },
        ];
        let json = r#"{"message":"a@b.io paid","host":"a@b.io","user":{"mail":["x@y.io"],"n":1},"card":4111111111111111,"c":"4111111111111111","Password":"p","api":{"token":77}}"#;
        let mut event = event(json);
        let mut counts = [0; 3];

        Masker::new(&rules, b"key").unwrap().apply(&mut event, &mut counts);

        assert_eq!((&*event.message, &*event.host), ("<email> paid", "a@b.io"));
        assert_eq!(
            event.attributes.to_json(),
            r#"{"user":{"mail":["<email>"],"n":1},"Password":"<token>","api":{"token":"<token>"}}"#
        );
        assert_eq!(counts, [2, 2, 2]);
    }

    #[test]
    fn a_hash_is_the_same_for_equal_values_and_another_for_another_key() {
        let hashed = |key: &[u8], text| {
            let rules = [MaskRule { detector: Detector::Email, action: Action::Hash }];
            Masker::new(&rules, key).unwrap().apply_to_text(text, &mut [0]).into_owned()
        };
        let one = hashed(b"key", "a@b.io");
        assert!(one.starts_with("<email:f") && one.len() == "<email:>".len() + 16, "{one}");
        assert_eq!(hashed(b"key", "by a@b.io"), format!("by {one}"));
        assert_ne!(hashed(b"key", "c@b.io"), one);
        assert_ne!(hashed(b"other", "a@b.io"), one);
        assert_eq!(crate::pattern::template(&one), "<email:<hex>>");
    }

    #[test]
    fn rules_are_written_as_json() {
        let json = r#"[{"detector":"email","action":"hash"},{"detector":"custom","name":"n","pattern":"p","action":"drop"}]"#;
        let rules: Vec<MaskRule> = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&rules).unwrap(), json);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_a_second_pass_finds_nothing(text in "([@.:+ ()-]|[a-z]{1,3}|[0-9]{1,19}|é|DE89|password=|Bearer |4111111111111111|::|a@b\\.io){0,20}") {
            for detector in [Detector::Email, Detector::Card, Detector::Token, Detector::Ipv4, Detector::Ipv6, Detector::Iban, Detector::Phone] {
                let once = masked(detector.clone(), &text);
                proptest::prop_assert_eq!(masked(detector, &once), once);
            }
        }
    }
}
