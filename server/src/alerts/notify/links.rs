//! The links of a message: the lines, the rule, the runbook, and one that silences without signing in.

use crate::alerts::notice::Notice;
use crate::sealing::{NotOurs, Sealer};
use crate::time::{DAY_US, Micros};
use alert_rules::Kind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a link that silences works.
const MUTE_LINK_US: Micros = 7 * DAY_US;
const PLACE: &str = "mute link";

#[derive(Debug, Clone)]
pub struct Links {
    pub lines: String,
    pub rule: String,
    pub runbook: Option<String>,
    /// Opens a page that asks before it does anything; absent where there is nothing to silence.
    pub mute: Option<String>,
}

/// What a link that silences is good for: one rule, or one group of it, until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteLink {
    pub organization_id: Uuid,
    pub rule_id: Uuid,
    pub group: String,
    pub expires_at: Micros,
}

impl Links {
    #[must_use]
    pub fn of(notice: &Notice, organization_id: Uuid, public_url: &str, sealer: &Sealer) -> Self {
        let goes_on = matches!(notice.kind, Kind::Fired | Kind::NoData | Kind::Renotified);
        let group = match notice.about.as_slice() {
            [one] => one.group.clone(),
            _ => String::new(),
        };
        let mute = MuteLink {
            organization_id,
            rule_id: notice.rule_id,
            group,
            expires_at: notice.at_us.saturating_add(MUTE_LINK_US),
        };
        Self {
            lines: notice.explore_link(public_url),
            rule: notice.rule_link(public_url),
            runbook: notice.runbook_url.clone(),
            mute: (goes_on && !notice.rule_id.is_nil())
                .then(|| format!("{public_url}/mute?token={}", mute.token(sealer))),
        }
    }
}

impl MuteLink {
    fn token(&self, sealer: &Sealer) -> String {
        let text = serde_json::to_string(self).expect("ids and text are JSON");
        sealer.seal(PLACE, &text)
    }

    /// # Errors
    /// It is none of our links, or too old.
    pub fn parse(token: &str, sealer: &Sealer, now: Micros) -> Result<Self, NotOurs> {
        let link: Self = serde_json::from_str(&sealer.open(PLACE, token)?).map_err(|_| NotOurs)?;
        if now < link.expires_at { Ok(link) } else { Err(NotOurs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::testing;

    #[test]
    fn a_mute_link_names_its_group_and_expires() {
        let sealer = Sealer::with_secret(b"0123456789abcdef0123456789abcdef");
        let notice = testing::notice(Kind::Fired);
        let links = Links::of(&notice, Uuid::from_u128(1), "https://logs.example", &sealer);
        let address = links.mute.unwrap();
        let token = address.strip_prefix("https://logs.example/mute?token=").unwrap();

        let link = MuteLink::parse(token, &sealer, notice.at_us + DAY_US).unwrap();
        assert_eq!((link.rule_id, link.group.as_str()), (notice.rule_id, "source=api"));
        assert!(MuteLink::parse(token, &sealer, notice.at_us + 8 * DAY_US).is_err());
        assert!(MuteLink::parse(&token.replace('.', ""), &sealer, notice.at_us).is_err());

        let resolved = Links::of(&testing::notice(Kind::Resolved), Uuid::from_u128(1), "", &sealer);
        assert_eq!(resolved.mute, None, "nothing is left to silence");
    }
}
