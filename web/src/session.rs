//! Who is signed in, and in which project they are working.

use crate::api::{ApiError, accounts};
use crate::browser;
use api_types::accounts::{Me, Project, Role};
use leptos::prelude::*;

const PROJECT: &str = "cordwood.project";

/// The signed-in person; there is one on every page behind the login.
#[derive(Clone, Copy)]
pub struct Session {
    me: RwSignal<Me>,
    project: RwSignal<String>,
}

impl Session {
    pub fn new(me: Me) -> Self {
        let chosen =
            browser::stored(PROJECT).filter(|id| me.projects.iter().any(|project| project.id == *id));
        let project =
            chosen.or_else(|| me.projects.first().map(|project| project.id.clone())).unwrap_or_default();
        Self { me: RwSignal::new(me), project: RwSignal::new(project) }
    }

    pub fn me(self) -> Me {
        self.me.get()
    }

    pub fn set_me(self, me: Me) {
        self.me.set(me);
    }

    pub fn projects(self) -> Vec<Project> {
        self.me.with(|me| me.projects.clone())
    }

    pub fn set_projects(self, projects: Vec<Project>) {
        self.me.update(|me| me.projects = projects);
    }

    /// The id of the project that pages show.
    pub fn project_id(self) -> String {
        self.project.get()
    }

    pub fn project_name(self) -> String {
        let id = self.project.get();
        self.me
            .with(|me| {
                me.projects.iter().find(|project| project.id == id).map(|project| project.name.clone())
            })
            .unwrap_or_default()
    }

    pub fn choose_project(self, id: String) {
        browser::store(PROJECT, Some(&id));
        self.project.set(id);
    }

    /// Whether the person may change what belongs to the whole organization.
    pub fn is_admin(self) -> bool {
        self.me.with_untracked(|me| me.role >= Role::Admin)
    }

    /// Whether the person may create and change rules, channels and keys, in the project that pages show.
    pub fn can_edit(self) -> bool {
        let id = self.project.get_untracked();
        self.me.with_untracked(|me| {
            let here = me.projects.iter().find(|project| project.id == id).and_then(|project| project.role);
            here.unwrap_or(me.role) >= Role::Editor
        })
    }
}

pub fn session() -> Session {
    expect_context()
}

pub async fn sign_out() -> Result<(), ApiError> {
    accounts::log_out().await?;
    browser::leave_to("/login");
    Ok(())
}
