//! Random filters, in the syntax of §4: mostly about values that are in the events.

use super::events::{PATHS, TEXTS};
use super::queries::Queries;
use query_lang::quote;
use serde_json::Value;

const REGEXES: &[&str] = &[
    r"^\d+$",
    "(?i)alice",
    r"\w+@",
    "a|b",
    "[^a-z]",
    ".",
    "^$",
    r"\s",
    r"\bpeer\b",
    r"^\S+$",
    "(?s)^.*$",
    r"\D",
    "ö",
    r"^[A-ZÖ]",
    "s{2}",
    r"\.",
    "(a)(b)?",
    r"[\d.]+$",
    "é",
    r"\W",
    "(?i)GRÖSSE",
    r"\x41",
    "$",
    "x*",
    r"[[:alpha:]]+",
];

const NETWORKS: &[&str] =
    &["10.0.0.0/8", "192.168.1.0/24", "::/0", "2001:db8::/32", "10.0.0.7", "0.0.0.0/0", "::ffff:0:0/96"];

impl Queries<'_> {
    pub fn filter(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.chance(45) {
            return self.term();
        }
        let (a, b) = (self.filter(depth - 1), self.filter(depth - 1));
        match self.dice.below(6) {
            0 => format!("{a} AND {b}"),
            1 => format!("({a} OR {b})"),
            2 => format!("({a}) {b}"),
            3 => format!("NOT ({a})"),
            4 => format!("-({a} OR {b})"),
            _ => format!("({a} {b})"),
        }
    }

    fn term(&mut self) -> String {
        match self.dice.below(20) {
            0..=3 => self.free_text(),
            4 => format!("*:{}", self.any_text()),
            5 => self.level(),
            6 => self.time(),
            7 => self.function(),
            _ => self.predicate(),
        }
    }

    /// A piece of a message.
    fn free_text(&mut self) -> String {
        let message = self.event().message.clone();
        let negated = if self.dice.chance(15) { "-" } else { "" };
        format!("{negated}{}", self.pattern(&message))
    }

    fn any_text(&mut self) -> String {
        let text = match self.dice.below(3) {
            0 => self.event().message.clone(),
            1 => self.event().source.clone(),
            _ => self.leaf().map(|(_, value)| text_of(&value)).unwrap_or_default(),
        };
        self.pattern(&text)
    }

    /// A word, a phrase or a wildcard word out of a text.
    fn pattern(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii();
        let words: Vec<&str> = text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
        let Some(word) = (!words.is_empty()).then(|| words[self.dice.below(words.len())]) else {
            return quote::string(if text.is_empty() { "=>" } else { text });
        };
        let word = self.folded(word);
        let characters: Vec<char> = word.chars().collect();
        let some = 1 + self.dice.below(characters.len());
        let start: String = characters[..some].iter().collect();
        let end: String = characters[characters.len() - some..].iter().collect();
        let is_plain = word.chars().all(|c| c.is_alphanumeric()) && !is_operator(&word);
        match self.dice.below(9) {
            0 if is_plain => word,
            1 if is_plain => format!("{start}*"),
            2 if is_plain => format!("*{end}"),
            3 if is_plain => format!("*{end}*"),
            4 if is_plain => format!("{start}*{end}"),
            5 if is_plain => {
                characters.iter().enumerate().map(|(i, c)| if i == some { '?' } else { *c }).collect()
            }
            6 => quote::string(&self.part(text)),
            7 => quote::string(&words[..1 + self.dice.below(words.len())].join(" ")),
            _ => quote::string(&word),
        }
    }

    /// A few characters out of the middle.
    pub fn part(&mut self, text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        if characters.is_empty() {
            return "x".to_owned();
        }
        let start = self.dice.below(characters.len());
        let length = 1 + self.dice.below((characters.len() - start).min(12));
        characters[start..start + length].iter().collect()
    }

    fn folded(&mut self, text: &str) -> String {
        match self.dice.below(4) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            _ => text.to_owned(),
        }
    }

    fn level(&mut self) -> String {
        let level = self.dice.pick(&["trace", "debug", "info", "WARN", "warning", "error", "fatal"]);
        match self.dice.below(6) {
            0 => format!("level in ({level}, info)"),
            1 => "-level:*".to_owned(),
            2 => format!("level:({level} OR >=error)"),
            _ => format!("level{}{level}", self.dice.pick(&[":", "=", "!=", ">=", "<", ">", "<="])),
        }
    }

    fn time(&mut self) -> String {
        let time = self.moment();
        let op = self.dice.pick(&[":", ">", ">=", "<", "<=", "="]);
        match self.dice.below(3) {
            0 => format!("timestamp{op}{time}"),
            1 => format!("(timestamp{op}{time} OR level:error)"),
            _ => format!("-timestamp{op}{time}"),
        }
    }

    /// The time of an event, as exact as somebody would write it.
    pub fn moment(&mut self) -> String {
        let ns = self.event().timestamp_ns;
        let time = jiff::Timestamp::from_nanosecond(ns.into()).expect("in range").to_string();
        match self.dice.below(3) {
            0 => time[..16].to_owned(),
            1 => format!("{}Z", &time[..19]),
            _ => time,
        }
    }

    fn function(&mut self) -> String {
        let (field, text) = self.field_and_text();
        let part = quote::string(&self.part(&text));
        match self.dice.below(7) {
            0 => format!("contains({field}, {part})"),
            1 => format!("startswith({field}, {part})"),
            2 => format!("endswith({field}, {part})"),
            3 => format!("phrase({field}, {part})"),
            4 => format!("exists({field})"),
            5 => format!("missing({field})"),
            _ => format!("cidr({field}, \"{}\")", self.dice.pick(NETWORKS)),
        }
    }

    fn predicate(&mut self) -> String {
        let (field, text) = self.field_and_text();
        let value = self.value(&text);
        match self.dice.below(22) {
            0 => format!("{field}:*"),
            1 => format!("-{field}:*"),
            2 => format!("{field}=~{}", self.regex(&text)),
            3 => format!("{field}!~{}", self.regex(&text)),
            4 => format!("{field} in ({value}, {})", self.other_value()),
            5 => format!("{field} not in ({value}, {})", self.other_value()),
            6 => format!("{field}:({value} OR {})", self.other_value()),
            7 => format!("{field}:({value} -{})", self.other_value()),
            8..=9 => self.range(&field, &text),
            10..=11 => format!("{field}:{}", self.glob(&text)),
            12..=15 => format!("{field}{}{}", self.dice.pick(&[">", ">=", "<", "<="]), self.limit(&text)),
            16 => format!("{field}!={value}"),
            17..=18 => format!("{field}={value}"),
            _ => format!("{field}:{value}"),
        }
    }

    fn field_and_text(&mut self) -> (String, String) {
        let (path, text) = self.name_and_text();
        (quote::filter_field(&path), text)
    }

    /// A field's name, and a text that it has in one of the events, or one that it may not have.
    pub fn name_and_text(&mut self) -> (String, String) {
        if let Some(name) = self.computed_name() {
            let text = self.dice.pick(TEXTS).to_owned();
            return (name, text);
        }
        match (self.dice.below(10), self.leaf()) {
            (0, _) => (self.dice.pick(PATHS).to_owned(), self.dice.pick(TEXTS).to_owned()),
            (1, _) => ("source".to_owned(), self.event().source.clone()),
            (2, _) => ("host".to_owned(), self.event().host.clone()),
            (3, _) => ("message".to_owned(), self.event().message.clone()),
            (4, _) if self.dice.chance(30) => ("trace_id".to_owned(), self.event().trace_id.to_uppercase()),
            (_, Some((path, value))) => {
                let path = if ["level", "message"].contains(&path.as_str()) {
                    format!("attributes.{path}")
                } else {
                    path
                };
                (path, text_of(&value))
            }
            _ => (self.dice.pick(PATHS).to_owned(), "500".to_owned()),
        }
    }

    /// A value as it may be typed: quoted, or bare where that says the same.
    pub fn value(&mut self, text: &str) -> String {
        let text = self.folded(text);
        let is_bare = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '+'))
            && !text.starts_with([':', '/'])
            && !is_operator(&text);
        if is_bare && self.dice.chance(75) { text } else { quote::string(&text) }
    }

    fn other_value(&mut self) -> String {
        let text = self.leaf().map_or_else(|| "500".to_owned(), |(_, value)| text_of(&value));
        self.value(&text)
    }

    fn glob(&mut self, text: &str) -> String {
        let part = self.part(text);
        let escaped: String = part
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control() && !"()|\"`[]{},'<>=~!“”‘’".contains(*c))
            .flat_map(|c| if "*?\\".contains(c) { vec!['\\', c] } else { vec![c] })
            .collect();
        match self.dice.below(5) {
            0 => format!("{escaped}*"),
            1 => format!("*{escaped}"),
            2 => format!("?{escaped}*"),
            3 => format!("*{escaped}?"),
            _ => format!("*{escaped}*"),
        }
    }

    pub fn regex(&mut self, text: &str) -> String {
        let pattern = if self.dice.chance(50) {
            self.dice.pick(REGEXES).to_owned()
        } else {
            let part: String = self.part(text).chars().filter(|c| !c.is_control()).collect();
            regex_syntax(&part)
        };
        format!("'{}'", pattern.replace('\'', "''"))
    }

    /// A number, an amount or a text to compare with.
    fn limit(&mut self, text: &str) -> String {
        match self.dice.below(6) {
            0 => quote::string(text),
            1 => self.dice.pick(&["1s", "1500ms", "2h", "1.5s", "1h30m", "10MiB", "3kb", "1MB"]).to_owned(),
            2 if text.parse::<f64>().is_ok_and(f64::is_finite)
                && text.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                text.trim_end_matches('.').to_owned()
            }
            _ => self
                .dice
                .pick(&["0", "1", "5", "404", "500", "0.5", "1e3", "20.5", "9007199254740992"])
                .to_owned(),
        }
    }

    fn range(&mut self, field: &str, text: &str) -> String {
        let (open, close) = (self.dice.pick(&["[", "{"]), self.dice.pick(&["]", "}"]));
        let (low, high) = match self.dice.below(4) {
            0 => (quote::string(text.get(..text.len() / 2).unwrap_or("")), "\"zz\"".to_owned()),
            1 => ("*".to_owned(), self.limit(text)),
            2 => (self.limit(text), "*".to_owned()),
            _ => ("1".to_owned(), self.dice.pick(&["5", "500", "1e21"]).to_owned()),
        };
        format!("{field}:{open}{low} TO {high}{close}")
    }
}

fn is_operator(word: &str) -> bool {
    ["and", "or", "not", "in", "to"].iter().any(|operator| word.eq_ignore_ascii_case(operator))
}

fn regex_syntax(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_ascii_punctuation() { vec!['\\', c] } else { vec![c] }).collect()
}

/// Text of a leaf; of an array, of one of its elements.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.last().map(text_of).unwrap_or_default(),
        other => other.to_string(),
    }
}
