//! Projects: separate spaces of logs, each with its own time to live.

use super::SectionHead;
use crate::api::accounts;
use crate::components::{
    Button, ButtonKind, Dialog, EmptyState, FormError, Icon, IconButton, TextField, open_while, show, toast,
};
use crate::load::{Loaded, Submit, load};
use crate::session::session;
use api_types::accounts::{Project, ProjectRequest};
use leptos::prelude::*;

/// What the form is about.
#[derive(Debug, Clone, PartialEq)]
enum Editing {
    New,
    Known(Project),
}

#[component]
pub fn Projects() -> impl IntoView {
    let session = session();
    let projects = load(|| Some(()), |()| accounts::projects());
    Effect::new(move |_| {
        if let Some(projects) = projects.state.with(|state| state.ready().cloned()) {
            session.set_projects(projects);
        }
    });
    let editing = RwSignal::new(None::<Editing>);
    let deleting = RwSignal::new(None::<Project>);
    let may = session.is_admin();
    view! {
        <section class="section">
            <SectionHead title="Projects" text="An environment or a product: its logs, keys and alerts are apart from those of the others.">
                {may.then(|| view! {
                    <Button kind=ButtonKind::Primary icon=Icon::Add on_click=move |_| editing.set(Some(Editing::New))>"Create project"</Button>
                })}
            </SectionHead>
            <div class="card">
                {show(projects, move |projects| {
                    if projects.is_empty() {
                        return view! { <EmptyState icon=Icon::Project title="No projects" text="An admin can create the first one."/> }.into_any();
                    }
                    let rows = projects.into_iter().map(|project| view! { <ProjectRow project editing deleting may/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Table">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Name"</th><th scope="col">"Keeps logs for"</th>
                                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
        </section>
        <ProjectDialog editing projects/>
        <DeleteProject deleting/>
    }
}

#[component]
fn ProjectRow(
    project: Project,
    editing: RwSignal<Option<Editing>>,
    deleting: RwSignal<Option<Project>>,
    may: bool,
) -> impl IntoView {
    let known = StoredValue::new(project.clone());
    view! {
        <tr>
            <td><strong>{project.name.clone()}</strong></td>
            <td class="numbers">{days(project.retention_days)}</td>
            <td class="actions">
                {may.then(|| view! {
                    <span class="row row-end">
                        <IconButton icon=Icon::Edit label=format!("Edit {}", project.name) on_click=move |_| editing.set(Some(Editing::Known(known.get_value())))/>
                        <IconButton icon=Icon::Trash label=format!("Delete {}", project.name) on_click=move |_| deleting.set(Some(known.get_value()))/>
                    </span>
                })}
            </td>
        </tr>
    }
}

fn days(count: u16) -> String {
    if count == 1 { "1 day".into() } else { format!("{count} days") }
}

#[component]
fn ProjectDialog(editing: RwSignal<Option<Editing>>, projects: Loaded<Vec<Project>>) -> impl IntoView {
    let open = open_while(editing);
    let title = Signal::derive(move || match editing.get() {
        Some(Editing::Known(project)) => format!("Edit {}", project.name),
        _ => "Create project".into(),
    });
    view! {
        <Dialog open title>
            {move || editing.get().map(|editing| view! { <ProjectForm editing open projects/> })}
        </Dialog>
    }
}

#[component]
fn ProjectForm(editing: Editing, open: RwSignal<bool>, projects: Loaded<Vec<Project>>) -> impl IntoView {
    let (id, project_name, retention) = match editing {
        Editing::New => (None, String::new(), 30),
        Editing::Known(project) => (Some(project.id), project.name, project.retention_days),
    };
    let is_new = id.is_none();
    let (name, retention_days) = (RwSignal::new(project_name), RwSignal::new(retention.to_string()));
    let not_a_number = RwSignal::new(None::<String>);
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Ok(days) = retention_days.get_untracked().trim().parse::<u16>() else {
            return not_a_number.set(Some("Write a whole number of days.".into()));
        };
        not_a_number.set(None);
        let request = ProjectRequest { name: name.get_untracked().trim().into(), retention_days: Some(days) };
        let id = id.clone();
        let work = async move {
            match id {
                None => accounts::create_project(request).await,
                Some(id) => accounts::change_project(id, request).await,
            }
        };
        submit.run(work, move |project| {
            toast(format!("{} is saved", project.name));
            open.set(false);
            projects.refetch();
        });
    };
    let retention_error = submit.field("retention_days");
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&["name", "retention_days"])/>
            <TextField label="Name" value=name required=true autofocus=true error=submit.field("name")/>
            <TextField
                label="Keep logs for (days)"
                kind="number"
                value=retention_days
                required=true
                hint="Older events are deleted within the hour, and refused when they arrive. A longer time counts for those that are there too."
                error=Signal::derive(move || not_a_number.get().or_else(|| retention_error.get()))
            />
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>{if is_new { "Create" } else { "Save" }}</Button>
            </div>
        </form>
    }
}

#[component]
fn DeleteProject(deleting: RwSignal<Option<Project>>) -> impl IntoView {
    let open = open_while(deleting);
    let name = move || {
        deleting.with(|project| project.as_ref().map(|project| project.name.clone()).unwrap_or_default())
    };
    view! {
        <Dialog open title=Signal::derive(move || format!("Delete {}?", name()))>
            {move || deleting.get().map(|project| view! { <DeleteForm project open/> })}
        </Dialog>
    }
}

#[component]
fn DeleteForm(project: Project, open: RwSignal<bool>) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let submit = Submit::new();
    let label = format!("Type {} to be sure", project.name);
    let id = StoredValue::new(project.id);
    let ask = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let work = accounts::delete_project(id.get_value(), typed.get_untracked());
        submit.run(work, move |answer| {
            toast(format!("{} rows will be erased. See Erasure to cancel it.", answer.rows_expected));
            open.set(false);
        });
    };
    view! {
        <form class="form" on:submit=ask>
            <p class="soft">"Its logs, keys and alerts go with it. For some minutes it can be cancelled under Erasure."</p>
            <FormError message=submit.general(&["name"])/>
            <TextField label=label value=typed required=true autofocus=true error=submit.field("name")/>
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Danger submit=true busy=submit.busy>"Delete"</Button>
            </div>
        </form>
    }
}
