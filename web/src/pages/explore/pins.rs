//! Fields that stand at the top of the list: the reader's own, kept by this browser, and those of everybody in the project.

use super::explorer::Explorer;
use crate::api::annotations;
use crate::browser;
use crate::components::toast_error;
use crate::load::{Loaded, load};
use crate::session::session;
use leptos::prelude::*;

const PINNED: &str = "cordwood.pins";

#[derive(Clone, Copy)]
pub struct Pins {
    mine: RwSignal<Vec<String>>,
    team: Loaded<Vec<String>>,
    /// Whether the reader may pin for everybody.
    pub may_share: bool,
}

impl Pins {
    pub fn new(explorer: Explorer) -> Self {
        let mine = browser::stored(PINNED).and_then(|json| serde_json::from_str(&json).ok());
        let project = move || (!explorer.is_local()).then(|| explorer.run.with(|run| run.project_id.clone()));
        let project = Memo::new(move |_| project());
        let team = load(move || project.get(), annotations::pinned);
        let may_share = !explorer.is_local() && session().can_edit();
        Self { mine: RwSignal::new(mine.unwrap_or_default()), team, may_share }
    }

    pub fn is_mine(self, field: &str) -> bool {
        self.mine.with(|pinned| pinned.iter().any(|name| name == field))
    }

    pub fn is_teams(self, field: &str) -> bool {
        self.team
            .state
            .with(|state| state.ready().is_some_and(|pinned| pinned.iter().any(|name| name == field)))
    }

    pub fn has(self, field: &str) -> bool {
        self.is_teams(field) || self.is_mine(field)
    }

    pub fn toggle(self, field: &str) {
        self.mine.update(|pinned| toggle(pinned, field));
        if let Ok(json) = self.mine.with_untracked(serde_json::to_string) {
            browser::store(PINNED, Some(&json));
        }
    }

    /// For everybody in the project. What others pinned meanwhile stays.
    pub fn toggle_for_all(self, project: String, field: String) {
        leptos::task::spawn_local(async move {
            let kept = async {
                let mut fields = annotations::pinned(project.clone()).await?;
                toggle(&mut fields, &field);
                annotations::pin(project, fields).await
            };
            match kept.await {
                Ok(fields) => self.team.change(|known| *known = fields),
                Err(error) => toast_error(error.message()),
            }
        });
    }
}

fn toggle(pinned: &mut Vec<String>, field: &str) {
    match pinned.iter().position(|name| name == field) {
        Some(at) => drop(pinned.remove(at)),
        None => pinned.push(field.to_owned()),
    }
}
