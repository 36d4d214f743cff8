//! Putting a pseudonym in the place of one person, in all stored logs.

use crate::api::accounts;
use crate::components::{
    Button, ButtonKind, Dialog, FormError, Notice, NoticeKind, SelectField, TextField, toast,
};
use crate::load::{Loaded, Submit};
use crate::session::session;
use api_types::erasure::{Job, PseudonymiseRequest};
use leptos::prelude::*;

#[component]
pub fn Pseudonymise(open: RwSignal<bool>, jobs: Loaded<Vec<Job>>) -> impl IntoView {
    view! { <Dialog open title="Pseudonymise somebody"><AskForm open jobs/></Dialog> }
}

/// Whom and why; then in how many events they are, before anything happens.
#[component]
fn AskForm(open: RwSignal<bool>, jobs: Loaded<Vec<Job>>) -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let (subject, reason, project) = (text(), text(), text());
    let counted = RwSignal::new(None::<u64>);
    let submit = Submit::new();
    let request = move |preview| PseudonymiseRequest {
        subject: subject.get_untracked().trim().to_owned(),
        project_id: Some(project.get_untracked()).filter(|id| !id.is_empty()),
        pseudonym: None,
        reason: reason.get_untracked().trim().to_owned(),
        preview,
    };
    // What was counted is no longer true when something else is asked for.
    Effect::new(move |_| {
        subject.track();
        project.track();
        counted.set(None);
    });
    let projects = Signal::derive(move || {
        let all = std::iter::once((String::new(), "All projects".to_owned()));
        all.chain(session().projects().into_iter().map(|project| (project.id, project.name)))
            .collect::<Vec<_>>()
    });
    let go = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let preview = counted.get_untracked().is_none();
        submit.run(accounts::pseudonymise(request(preview)), move |answer| {
            if preview {
                return counted.set(Some(answer.rows_expected));
            }
            let pseudonym = answer.pseudonym.unwrap_or_default();
            toast(format!("They will be {pseudonym}. It can be cancelled until it starts."));
            open.set(false);
            jobs.refetch();
        });
    };
    view! {
        <form class="form" on:submit=go>
            <FormError message=submit.general(&["subject", "reason"])/>
            <TextField label="Subject" value=subject mono=true autofocus=true required=true placeholder="ann@example.com" hint="An address or an id. It is found as a whole, in any case, in messages and in the values of all fields." error=submit.field("subject")/>
            <SelectField label="Project" value=project options=projects/>
            <TextField label="Reason" value=reason required=true hint="It stands in the certificate and in the audit log." error=submit.field("reason")/>
            {move || counted.get().map(|rows| view! {
                <Notice kind=NoticeKind::Warning>{format!("{rows} events will have a pseudonym in its place. Nothing tells afterwards who it was.")}</Notice>
            })}
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                {move || if counted.get().is_some() {
                    view! { <Button kind=ButtonKind::Danger submit=true busy=submit.busy>"Pseudonymise"</Button> }.into_any()
                } else {
                    view! { <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Count the events"</Button> }.into_any()
                }}
            </div>
        </form>
    }
}
