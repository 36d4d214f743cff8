//! Erasing logs for good, and the jobs that do it.

use super::SectionHead;
use super::pseudonymise::Pseudonymise;
use crate::api::accounts;
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, CodeBlock, Dialog, EmptyState, FormError, Icon, Notice,
    NoticeKind, TextField, open_while, show, toast, toast_error,
};
use crate::load::{Loaded, Submit, load};
use crate::session::session;
use api_types::erasure::{EraseRequest, Job, JobKind, JobState};
use api_types::search::TimeInput;
use leptos::prelude::*;
use std::time::Duration;

/// How often running jobs are looked at.
const LOOK: Duration = Duration::from_secs(3);

#[component]
pub fn Erasure() -> impl IntoView {
    let jobs = load(|| Some(()), |()| accounts::jobs());
    let (asking, naming) = (RwSignal::new(false), RwSignal::new(false));
    let shown = RwSignal::new(None::<Job>);
    follow(jobs);
    let ask_button = move || {
        view! { <Button kind=ButtonKind::Primary icon=Icon::Trash on_click=move |_| asking.set(true)>"Erase logs"</Button> }
    };
    view! {
        <section class="section">
            <SectionHead title="Erasure" text="Logs that a query finds, projects and the organization itself, taken out for good; and people, by a pseudonym.">
                <Button icon=Icon::Hidden on_click=move |_| naming.set(true)>"Pseudonymise"</Button>
                {ask_button()}
            </SectionHead>
            <div class="card">
                {show(jobs, move |list| {
                    if list.is_empty() {
                        return view! {
                            <EmptyState icon=Icon::Trash title="Nothing was erased" text="Whoever asks that their data be removed is served here.">{ask_button()}</EmptyState>
                        }.into_any();
                    }
                    let rows = list.into_iter().map(|job| view! { <JobRow job jobs shown/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Erasures">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"What"</th><th scope="col">"State"</th><th scope="col">"Rows"</th>
                                    <th scope="col">"Asked by"</th><th scope="col">"Asked"</th>
                                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
        </section>
        <Pseudonymise open=naming jobs/>
        <Dialog open=asking title="Erase logs"><EraseForm open=asking jobs/></Dialog>
        <Dialog open=open_while(shown) title="Certificate">
            {move || shown.get().and_then(|job| job.certificate).map(|certificate| view! {
                <CodeBlock code=Signal::stored(serde_json::to_string_pretty(&certificate).unwrap_or_default()) label="Certificate"/>
            })}
        </Dialog>
    }
}

/// Looks again while something is under way.
fn follow(jobs: Loaded<Vec<Job>>) {
    let handle = set_interval_with_handle(
        move || {
            let under_way = jobs.state.with_untracked(|state| {
                state.ready().is_some_and(|jobs| {
                    jobs.iter().any(|job| matches!(job.state, JobState::Waiting | JobState::Running))
                })
            });
            if under_way {
                jobs.refetch();
            }
        },
        LOOK,
    );
    on_cleanup(move || {
        if let Ok(handle) = handle {
            handle.clear();
        }
    });
}

#[component]
fn JobRow(job: Job, jobs: Loaded<Vec<Job>>, shown: RwSignal<Option<Job>>) -> impl IntoView {
    let known = StoredValue::new(job.clone());
    let cancel = move |_| {
        leptos::task::spawn_local(async move {
            match accounts::cancel_job(known.with_value(|job| job.id.clone())).await {
                Ok(_) => toast("It is cancelled: nothing was erased"),
                Err(error) => toast_error(error.message()),
            }
            jobs.refetch();
        });
    };
    let (kind, state) = match job.state {
        JobState::Waiting => (BadgeKind::Warning, "waiting"),
        JobState::Running => (BadgeKind::Accent, "running"),
        JobState::Done => (BadgeKind::Good, "done"),
        JobState::Cancelled => (BadgeKind::Quiet, "cancelled"),
    };
    let rows = match job.state {
        JobState::Waiting | JobState::Cancelled => format!("{} found", job.rows_expected),
        JobState::Running => format!("{} of {}", job.rows_erased, job.rows_expected.max(job.rows_erased)),
        JobState::Done => match job.kind {
            JobKind::Pseudonymise => format!("{} changed", job.rows_erased),
            JobKind::ExportOrganization => format!("{} exported", job.rows_erased),
            _ => format!("{} erased", job.rows_erased),
        },
    };
    // A download is no page of ours: the router must not take the link.
    let archive =
        (job.kind == JobKind::ExportOrganization).then(|| format!("/api/v1/jobs/{}/archive", job.id));
    view! {
        <tr>
            <td class="wrap erasure-what">{what(&job)}</td>
            <td>
                <Badge kind>{state}</Badge>
                {job.last_error.map(|error| view! { <div class="faint">{error}</div> })}
            </td>
            <td class="numbers">{rows}</td>
            <td class="soft">{job.requested_by}</td>
            <td class="soft"><Age at=job.created_at/></td>
            <td class="actions">
                // Different elements: a button that took the other's place would keep its listener.
                {match job.state {
                    JobState::Waiting => view! {
                        <span class="row row-end"><Button small=true on_click=cancel>"Cancel"</Button></span>
                    }.into_any(),
                    JobState::Done => view! {
                        <div class="row row-end">
                            {archive.map(|address| view! { <a class="button button-secondary button-small" href=address download="">"Download"</a> })}
                            <Button small=true on_click=move |_| shown.set(Some(known.get_value()))>"Certificate"</Button>
                        </div>
                    }.into_any(),
                    JobState::Running | JobState::Cancelled => ().into_any(),
                }}
            </td>
        </tr>
    }
}

/// What the job is about, in words.
fn what(job: &Job) -> String {
    let text = |name: &str| job.request[name].as_str().unwrap_or_default().to_owned();
    match job.kind {
        JobKind::EraseLogs => format!("{} ({})", text("query"), text("reason")),
        JobKind::DeleteProject => format!("Project {}", text("name")),
        JobKind::DeleteOrganization => format!("Organization {}", text("name")),
        JobKind::Pseudonymise => {
            format!("{} in the place of somebody ({})", text("pseudonym"), text("reason"))
        }
        JobKind::ExportOrganization => "Export of everything".to_owned(),
    }
}

/// The query and why; then how many rows that is, before anything happens.
#[component]
fn EraseForm(open: RwSignal<bool>, jobs: Loaded<Vec<Job>>) -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let (query, reason, from, to) =
        (text(), text(), RwSignal::new("now-30d".into()), RwSignal::new("now".into()));
    let counted = RwSignal::new(None::<u64>);
    let submit = Submit::new();
    let request = move |preview| EraseRequest {
        project_id: Some(session().project_id()),
        query: query.get_untracked(),
        from: Some(TimeInput::Text(from.get_untracked())),
        to: Some(TimeInput::Text(to.get_untracked())),
        tz: None,
        reason: reason.get_untracked().trim().to_owned(),
        preview,
    };
    // What was counted is no longer true when something else is asked for.
    Effect::new(move |_| {
        query.track();
        from.track();
        to.track();
        counted.set(None);
    });
    let project = untrack(|| session().project_name());
    let go = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let preview = counted.get_untracked().is_none();
        let wanted = untrack(|| request(preview));
        submit.run(accounts::erase_logs(wanted), move |answer| {
            if preview {
                return counted.set(Some(answer.rows_expected));
            }
            toast("The erasure is noted. It can be cancelled until it starts.");
            open.set(false);
            jobs.refetch();
        });
    };
    view! {
        <form class="form" on:submit=go>
            <p class="soft">{format!("In the project {project}.")}</p>
            <FormError message=submit.general(&["query", "from", "to", "reason"])/>
            <TextField label="Query" value=query mono=true autofocus=true placeholder="user.email:ann@example.com" hint="Everything it finds is erased. Empty: all logs of the range." error=submit.field("query")/>
            <div class="form-row">
                <TextField label="From" value=from mono=true required=true error=submit.field("from")/>
                <TextField label="To" value=to mono=true required=true error=submit.field("to")/>
            </div>
            <TextField label="Reason" value=reason required=true hint="It stands in the certificate and in the audit log." error=submit.field("reason")/>
            {move || counted.get().map(|rows| view! {
                <Notice kind=NoticeKind::Warning>{format!("{rows} rows will be erased for good.")}</Notice>
            })}
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                {move || if counted.get().is_some() {
                    view! { <Button kind=ButtonKind::Danger submit=true busy=submit.busy>"Erase"</Button> }.into_any()
                } else {
                    view! { <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Count the rows"</Button> }.into_any()
                }}
            </div>
        </form>
    }
}
