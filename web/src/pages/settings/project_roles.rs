//! What a member may do in single projects: a choice for each, with the role in the organization as the usual one.

use super::members::role_name;
use crate::api::accounts;
use crate::components::{Button, ButtonKind, Dialog, FormError, SelectField, open_while, show, toast};
use crate::load::{Submit, load};
use api_types::accounts::{Member, Project, ProjectRole, ProjectRoleOf};
use leptos::prelude::*;

/// Open while there is a member.
#[component]
pub fn ProjectRoles(member: RwSignal<Option<Member>>) -> impl IntoView {
    let open = open_while(member);
    let title = Signal::derive(move || {
        member.with(|member| member.as_ref().map(|it| format!("Projects of {}", it.name))).unwrap_or_default()
    });
    view! {
        <Dialog open title>
            {move || member.get().map(|member| view! { <Known member open/> })}
        </Dialog>
    }
}

#[component]
fn Known(member: Member, open: RwSignal<bool>) -> impl IntoView {
    let id = StoredValue::new(member.user_id.clone());
    let known = load(
        move || Some(id.get_value()),
        |id| async move { Ok((accounts::projects().await?, accounts::project_roles(id).await?)) },
    );
    let member = StoredValue::new(member);
    view! {
        {show(known, move |(projects, roles)| view! { <Choices member=member.get_value() projects roles open/> }.into_any())}
    }
}

const NONE: &str = "none";
const USUAL: &str = "";

fn word(role: ProjectRole) -> &'static str {
    match role {
        ProjectRole::None => NONE,
        ProjectRole::Viewer => "viewer",
        ProjectRole::Editor => "editor",
    }
}

fn role_of(word: &str) -> Option<ProjectRole> {
    [ProjectRole::None, ProjectRole::Viewer, ProjectRole::Editor]
        .into_iter()
        .find(|role| self::word(*role) == word)
}

#[component]
fn Choices(
    member: Member,
    projects: Vec<Project>,
    roles: Vec<ProjectRoleOf>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let usual = format!("As everywhere: {}", role_name(member.role).to_lowercase());
    let options = [(USUAL, usual.as_str()), (NONE, "No access"), ("viewer", "Viewer"), ("editor", "Editor")];
    let options: Vec<(String, String)> =
        options.into_iter().map(|(value, text)| (value.to_owned(), text.to_owned())).collect();
    let chosen = |project: Project| {
        let held =
            roles.iter().find(|each| each.project_id == project.id).map_or(USUAL, |each| word(each.role));
        (project, RwSignal::new(held.to_owned()))
    };
    let chosen: Vec<(Project, RwSignal<String>)> = projects.into_iter().map(chosen).collect();
    let kept = StoredValue::new(chosen.clone());
    let (submit, id, name) = (Submit::new(), StoredValue::new(member.user_id), StoredValue::new(member.name));
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let named = |(project, word): &(Project, RwSignal<String>)| {
            role_of(&word.get_untracked()).map(|role| ProjectRoleOf { project_id: project.id.clone(), role })
        };
        let items = kept.with_value(|kept| kept.iter().filter_map(named).collect());
        submit.run(accounts::set_project_roles(id.get_value(), items), move |_| {
            open.set(false);
            toast(format!("The projects of {} are saved", name.get_value()));
        });
    };
    let fields = chosen.into_iter().map(|(project, value)| {
        view! { <SelectField label=project.name value options=options.clone()/> }
    });
    view! {
        <form class="form" on:submit=save>
            <p class="soft">
                "Who has different roles in different projects sees nothing that is about all of them, such as usage and alerts."
            </p>
            <FormError message=submit.general(&[])/>
            {fields.collect_view()}
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_as_it_was_written() {
        for role in [ProjectRole::None, ProjectRole::Viewer, ProjectRole::Editor] {
            assert_eq!(role_of(word(role)), Some(role));
        }
        assert_eq!(role_of(USUAL), None);
    }
}
