//! Routes, quiet hours and maintenance as people read them.

use crate::format;
use api_types::alerts::{Channel, Maintenance, QuietHours, Route, Severity};
use std::collections::BTreeMap;

pub const DAYS: [(&str, &str); 7] = [
    ("mon", "Mon"),
    ("tue", "Tue"),
    ("wed", "Wed"),
    ("thu", "Thu"),
    ("fri", "Fri"),
    ("sat", "Sat"),
    ("sun", "Sun"),
];

pub fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Names of channels; one that is gone is told as such.
pub fn channels(ids: &[String], known: &[Channel]) -> String {
    let name = |id: &String| {
        let channel = known.iter().find(|channel| channel.id == *id);
        channel.map_or_else(|| "a deleted channel".to_owned(), |channel| channel.name.clone())
    };
    ids.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn labels(labels: &BTreeMap<String, String>) -> Vec<String> {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn severities(list: &[Severity]) -> String {
    list.iter().map(|severity| severity_name(*severity)).collect::<Vec<_>>().join(" or ")
}

/// `critical, team=shop`
pub fn route(route: &Route) -> String {
    let mut parts = Vec::new();
    if !route.severities.is_empty() {
        parts.push(severities(&route.severities));
    }
    parts.extend(labels(&route.labels));
    let text = if parts.is_empty() { "every alert".to_owned() } else { parts.join(", ") };
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// `22:00 – 07:00, Mon to Fri`
pub fn quiet(quiet: &QuietHours) -> String {
    let name = |day: &String| DAYS.iter().find(|(each, _)| each == day).map(|(_, name)| *name);
    let days: Vec<_> = quiet.days.iter().filter_map(name).collect();
    let days = if days.is_empty() { "every day".to_owned() } else { days.join(", ") };
    format!("{} – {}, {days}", quiet.from, quiet.to)
}

pub fn quiet_note(quiet: &QuietHours, channels: &str) -> String {
    let places = if quiet.channel_ids.is_empty() { "all channels" } else { channels };
    let except = match quiet.except.as_slice() {
        [] => "everything waits".to_owned(),
        some => format!("{} does not wait", severities(some)),
    };
    format!("{} · {places} · {except}", quiet.time_zone)
}

pub fn maintenance_note(window: &Maintenance, now_ms: i64, shown: impl Fn(&str) -> String) -> String {
    let state = match (format::parse_ms(&window.from), format::parse_ms(&window.to)) {
        (_, Some(to)) if to <= now_ms => "over",
        (Some(from), _) if from > now_ms => "to come",
        _ => "now",
    };
    let rules = match (window.labels.is_empty(), window.rule_ids.len()) {
        (true, 0) => "all alerts".to_owned(),
        (false, 0) => labels(&window.labels).join(", "),
        (_, 1) => "one alert".to_owned(),
        (_, count) => format!("{count} alerts"),
    };
    format!("{} – {} · {rules} · {state}", shown(&window.from), shown(&window.to))
}

/// How many messages are many; what is set by other means is among them.
pub fn digest_choices(current: u32) -> Vec<(String, String)> {
    let mut counts = vec![3, 5, 10, 20, 50];
    if current > 0 && !counts.contains(&current) {
        counts.push(current);
        counts.sort_unstable();
    }
    let counted = counts.into_iter().map(|count| (count.to_string(), format!("{count} messages")));
    counted.chain([("0".to_owned(), "Never: each alert is a message".to_owned())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reads_as_what_it_takes() {
        let team = [("team".to_owned(), "shop".to_owned())].into();
        let severities = vec![Severity::Critical, Severity::Warning];
        let some = Route { severities, labels: team, channel_ids: vec!["1".into()] };
        assert_eq!(route(&some), "Critical or warning, team=shop");
        let all = Route { severities: Vec::new(), labels: BTreeMap::new(), channel_ids: Vec::new() };
        assert_eq!(route(&all), "Every alert");
        assert_eq!(channels(&["1".to_owned()], &[]), "a deleted channel");
    }

    #[test]
    fn quiet_hours_and_maintenance_read_as_when_and_for_what() {
        let night = QuietHours {
            channel_ids: Vec::new(),
            days: vec!["mon".into(), "sun".into()],
            from: "22:00".into(),
            to: "07:00".into(),
            time_zone: "UTC".into(),
            except: vec![Severity::Critical],
        };
        assert_eq!(quiet(&night), "22:00 – 07:00, Mon, Sun");
        assert_eq!(quiet_note(&night, ""), "UTC · all channels · critical does not wait");
        let window = Maintenance {
            name: "move".into(),
            from: "2026-03-10T18:00:00Z".into(),
            to: "2026-03-10T20:00:00Z".into(),
            labels: BTreeMap::new(),
            rule_ids: Vec::new(),
        };
        let at = |text: &str| format::parse_ms(text).expect("a time");
        for (now, state) in [
            ("2026-03-10T17:00:00Z", "to come"),
            ("2026-03-10T19:00:00Z", "now"),
            ("2026-03-10T20:00:00Z", "over"),
        ] {
            let note = maintenance_note(&window, at(now), |text| text[11..16].to_owned());
            assert_eq!(note, format!("18:00 – 20:00 · all alerts · {state}"));
        }
    }

    #[test]
    fn a_number_that_is_no_choice_is_offered_all_the_same() {
        assert_eq!(digest_choices(5).len(), 6);
        assert_eq!(digest_choices(7)[2], ("7".to_owned(), "7 messages".to_owned()));
    }
}
