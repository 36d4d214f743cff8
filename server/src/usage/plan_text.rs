//! A plan as the operator writes and reads it: `daily-events=1000000 members=none`.

use super::plan::Plan;
use anyhow::{Context, ensure};

const DEFAULT: &str = "default";
const NONE: &str = "none";

impl Plan {
    /// This plan with what pairs say instead.
    ///
    /// # Errors
    /// A pair names no limit, or no number.
    pub fn changed<'a>(mut self, pairs: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        for pair in pairs {
            let (name, value) = pair.split_once('=').with_context(|| {
                format!("`{pair}` is no limit: write daily-events=1000000, or none, or default")
            })?;
            let limit = match name {
                "daily-events" => &mut self.daily_events,
                "daily-bytes" => &mut self.daily_bytes,
                "retention-days" => &mut self.retention_days,
                "members" => &mut self.members,
                _ => anyhow::bail!(
                    "there is no limit `{name}`; there are daily-events, daily-bytes, retention-days and members"
                ),
            };
            *limit = parse(name, value)?;
        }
        Ok(self)
    }

    /// Its limits by name, in words that `changed` understands.
    #[must_use]
    pub fn words(&self) -> [(&'static str, String); 4] {
        [
            ("daily-events", word(self.daily_events)),
            ("daily-bytes", word(self.daily_bytes)),
            ("retention-days", word(self.retention_days)),
            ("members", word(self.members)),
        ]
    }
}

fn parse(name: &str, value: &str) -> anyhow::Result<Option<u64>> {
    match value {
        DEFAULT => return Ok(None),
        NONE => return Ok(Some(0)),
        _ => {}
    }
    let number: i64 = value.parse().with_context(|| {
        format!("{name}: `{value}` is no whole number; or write none for no limit, default for the setting's")
    })?;
    ensure!(number > 0, "{name}: give a number above 0; or write none for no limit");
    Ok(Some(number.unsigned_abs()))
}

fn word(limit: Option<u64>) -> String {
    match limit {
        None => DEFAULT.to_owned(),
        Some(0) => NONE.to_owned(),
        Some(limit) => limit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_and_what_is_printed_can_be_given_back() {
        let before = Plan { members: Some(3), daily_bytes: Some(9), ..Plan::default() };

        let plan =
            before.changed(["daily-events=1000", "daily-bytes=default", "retention-days=none"]).unwrap();

        let expected =
            Plan { daily_events: Some(1000), retention_days: Some(0), members: Some(3), ..Plan::default() };
        assert_eq!(plan, expected);
        let printed = plan.words().map(|(name, value)| format!("{name}={value}"));
        assert_eq!(Plan::default().changed(printed.iter().map(String::as_str)).unwrap(), plan);
    }

    #[test]
    fn what_is_no_limit_is_refused_with_what_to_write() {
        for (pair, says) in [
            ("daily-events", "write daily-events=1000000"),
            ("events=5", "there are daily-events, daily-bytes"),
            ("members=many", "no whole number"),
            ("members=0", "none for no limit"),
            ("members=-1", "none for no limit"),
        ] {
            let error = Plan::default().changed([pair]).unwrap_err().to_string();
            assert!(error.contains(says), "{pair}: {error}");
        }
    }
}
