//! The state of Explore as an address, and back: the one place where either is written.
//!
//! `decode(encode(state)) == state` for every state, so that a link, the back button and a reload show the same thing.

use crate::time_range::TimeRange;

/// Everything about a search that is worth sharing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exploration {
    /// The reader's current project when absent.
    pub project: Option<String>,
    pub query: String,
    pub range: TimeRange,
    /// The instant that relative times mean, in milliseconds; the moment of the search when absent.
    pub now_ms: Option<i64>,
    /// The open event.
    pub event: Option<String>,
    /// Attribute columns shown between time and message.
    pub columns: Vec<String>,
    /// Conditions that are kept at hand but do not count.
    pub off: Vec<String>,
    pub tab: Tab,
    /// New events are shown as they come.
    pub live: bool,
    /// Which earlier time the histogram is held against.
    pub before: Before,
}

/// Which view of what was found is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Events,
    Patterns,
}

/// An earlier time that the range is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Before {
    #[default]
    Nothing,
    /// As long as the range, and right before it.
    Period,
    /// The same hours a day earlier.
    Day,
    Week,
}

impl Before {
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Period, Self::Day, Self::Week];

    /// As the address has it.
    fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Period => "period",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|before| before.word() == word).unwrap_or_default()
    }

    pub fn next(self) -> Self {
        match self {
            Self::Nothing => Self::Period,
            Self::Period => Self::Day,
            Self::Day => Self::Week,
            Self::Week => Self::Nothing,
        }
    }
}

impl Exploration {
    /// `/explore?…`
    pub fn address(&self) -> String {
        self.address_at("/explore")
    }

    pub fn address_at(&self, page: &str) -> String {
        let mut pairs = Vec::new();
        let mut push = |name: &str, value: &str| pairs.push(format!("{name}={}", escape(value)));
        if let Some(project) = &self.project {
            push("project", project);
        }
        if !self.query.is_empty() {
            push("q", &self.query);
        }
        if self.range != TimeRange::default() {
            push("from", &self.range.from);
            push("to", &self.range.to);
        }
        if let Some(now_ms) = self.now_ms {
            push("now", &now_ms.to_string());
        }
        if !self.columns.is_empty() {
            push("columns", &joined(&self.columns));
        }
        if !self.off.is_empty() {
            push("off", &joined(&self.off));
        }
        if self.tab == Tab::Patterns {
            push("tab", "patterns");
        }
        if self.live {
            push("live", "1");
        }
        if self.before != Before::Nothing {
            push("before", self.before.word());
        }
        if let Some(event) = &self.event {
            push("event", event);
        }
        if pairs.is_empty() { page.to_owned() } else { format!("{page}?{}", pairs.join("&")) }
    }

    /// Reads the part after `?`; unknown names and broken values are passed over.
    pub fn from_search(search: &str) -> Self {
        let mut state = Self::default();
        for pair in search.trim_start_matches('?').split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescape(&value.replace('+', "%20"));
            match name {
                "project" => state.project = some(value),
                "q" => state.query = value,
                "from" if !value.is_empty() => state.range.from = value,
                "to" if !value.is_empty() => state.range.to = value,
                "now" => state.now_ms = value.parse().ok(),
                "columns" => state.columns = parts(&value),
                "off" => state.off = parts(&value),
                "tab" if value == "patterns" => state.tab = Tab::Patterns,
                "live" => state.live = value == "1",
                "before" => state.before = Before::of_word(&value),
                "event" => state.event = some(value),
                _ => {}
            }
        }
        state
    }

    /// The same search, as far as rows and numbers go.
    pub fn without_view(&self) -> Self {
        let (tab, before) = (Tab::Events, Before::Nothing);
        Self { event: None, columns: Vec::new(), off: Vec::new(), tab, before, ..self.clone() }
    }
}

fn joined(texts: &[String]) -> String {
    texts.iter().map(|text| escape(text)).collect::<Vec<_>>().join(",")
}

fn parts(text: &str) -> Vec<String> {
    text.split(',').filter(|part| !part.is_empty()).map(unescape).collect()
}

fn some(value: String) -> Option<String> {
    (!value.is_empty()).then_some(value)
}

/// Percent-encodes all but what is unreserved, and what reads well and is harmless in a query string.
pub fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'@' => {
                result.push(char::from(byte));
            }
            _ => result.push_str(&format!("%{byte:02X}")),
        }
    }
    result
}

pub fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let decoded = (bytes[index] == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        match decoded.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                result.push(byte);
                index += 3;
            }
            None => {
                result.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> impl Strategy<Value = Exploration> {
        let text = "\\PC{1,20}";
        let optional = proptest::option::of(text);
        (
            optional.clone(),
            "\\PC{0,40}",
            (text, text),
            proptest::option::of(any::<i64>()),
            optional,
            (prop::collection::vec(text, 0..4), prop::collection::vec(text, 0..4)),
            (any::<bool>(), any::<bool>(), prop::sample::select(&Before::ALL)),
        )
            .prop_map(
                |(project, query, (from, to), now_ms, event, (columns, off), (patterns, live, before))| {
                    Exploration {
                        project,
                        query,
                        range: TimeRange { from, to },
                        now_ms,
                        event,
                        columns,
                        off,
                        tab: if patterns { Tab::Patterns } else { Tab::Events },
                        live,
                        before,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn an_address_gives_back_the_state_it_was_made_of(state in state()) {
            let address = state.address();
            let search = address.split_once('?').map_or("", |(_, search)| search);
            prop_assert_eq!(Exploration::from_search(search), state);
        }

        #[test]
        fn any_text_after_the_question_mark_is_survived(search in "\\PC{0,60}") {
            Exploration::from_search(&search);
        }
    }

    #[test]
    fn the_plain_page_has_a_plain_address() {
        assert_eq!(Exploration::default().address(), "/explore");
    }

    #[test]
    fn an_address_typed_by_a_person_is_understood() {
        let state = Exploration::from_search("?q=level%3Aerror+timeout&from=now-1h&unknown=1");
        assert_eq!(state.query, "level:error timeout");
        assert_eq!(state.range, TimeRange::last("1h"));
    }
}
