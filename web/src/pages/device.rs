//! Letting a command line in: the code from the terminal, what asks for it, yes or no.
//!
//! Somebody could send a link with a code of theirs. So nothing happens by opening the page, and it says what to compare.

use crate::api::accounts;
use crate::app::set_title;
use crate::components::{
    Age, Button, ButtonKind, FormError, Icon, Notice, NoticeKind, SelectField, TextField,
};
use crate::load::Submit;
use crate::session::session;
use api_types::accounts::{DeviceAnswer, KeyScope, WaitingDevice};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// How far one is.
#[derive(Clone, PartialEq)]
enum Step {
    Code,
    Decide(WaitingDevice),
    Done { approved: bool },
}

#[component]
pub fn Device() -> impl IntoView {
    set_title("Sign in a command line");
    let typed = use_query_map().with_untracked(|query| query.get("code")).unwrap_or_default();
    let code = RwSignal::new(typed);
    let step = RwSignal::new(Step::Code);
    view! {
        <div class="page page-narrow">
            <header class="page-head">
                <div class="page-head-text">
                    <h1>"Sign in a command line"</h1>
                    <p>"For "<code>"cordwood login"</code>": it gets a key of yours that ends after 90 days, or when you leave."</p>
                </div>
            </header>
            <section class="card">
                <div class="card-body">
                    {move || match step.get() {
                        Step::Code => view! { <TypeCode code step/> }.into_any(),
                        Step::Decide(waiting) => view! { <Decide code step waiting/> }.into_any(),
                        Step::Done { approved: true } => view! {
                            <Notice kind=NoticeKind::Good>
                                <strong>"The command line is signed in."</strong>" Go back to your terminal; this page can be closed."
                            </Notice>
                        }.into_any(),
                        Step::Done { approved: false } => view! {
                            <Notice kind=NoticeKind::Plain>"Refused. Nothing was given to it."</Notice>
                        }.into_any(),
                    }}
                </div>
            </section>
        </div>
    }
}

#[component]
fn TypeCode(code: RwSignal<String>, step: RwSignal<Step>) -> impl IntoView {
    let submit = Submit::new();
    let look_up = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = code.get_untracked();
        submit.run(accounts::waiting_device(typed), move |waiting| step.set(Step::Decide(waiting)));
    };
    let message = Signal::derive(move || {
        submit.error.with(|error| {
            let error = error.as_ref()?;
            let is_unknown = error.code() == "not_found";
            Some(if is_unknown {
                "Nothing waits for this code. Compare it with your terminal, or run `cordwood login` again: codes work for ten minutes."
                    .to_owned()
            } else {
                error.message()
            })
        })
    });
    view! {
        <form class="form" on:submit=look_up>
            <FormError message/>
            <TextField
                label="Code"
                value=code
                mono=true
                required=true
                autofocus=true
                autocomplete="one-time-code"
                placeholder="BCDF-GHJK"
                hint="Eight letters, as your terminal shows them."
            />
            <div class="dialog-actions">
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Continue"</Button>
            </div>
        </form>
    }
}

#[component]
fn Decide(code: RwSignal<String>, step: RwSignal<Step>, waiting: WaitingDevice) -> impl IntoView {
    let session = session();
    let project = RwSignal::new(untrack(|| session.project_id()));
    let submit = Submit::new();
    let answer = move |approve: bool| {
        let answer = DeviceAnswer {
            user_code: code.get_untracked(),
            approve,
            project_id: approve.then(|| project.get_untracked()),
        };
        submit.run(accounts::answer_device(answer), move |_| step.set(Step::Done { approved: approve }));
    };
    let projects = Signal::derive(move || {
        session.projects().into_iter().map(|project| (project.id, project.name)).collect::<Vec<_>>()
    });
    let may_nothing = waiting.scopes.is_empty();
    let machine = if waiting.client_name.is_empty() {
        "a machine without a name".to_owned()
    } else {
        waiting.client_name
    };
    view! {
        <Notice kind=NoticeKind::Warning>
            "Go on only if you have just run "<code>"cordwood login"</code>" yourself, and your terminal shows the code "
            <strong class="mono">{code.get_untracked().to_uppercase()}</strong>"."
        </Notice>
        <FormError message=submit.general(&[])/>
        <dl class="details-list">
            <dt>"Asks"</dt><dd><strong>{machine}</strong></dd>
            <dt>"From"</dt><dd class="mono">{waiting.address}</dd>
            <dt>"Since"</dt><dd><Age at=waiting.created_at/></dd>
            <dt>"It may"</dt><dd>{powers(&waiting.scopes)}</dd>
        </dl>
        <SelectField label="Project" value=project options=projects/>
        <div class="dialog-actions">
            <Button on_click=move |_| answer(false) busy=submit.busy>"Refuse"</Button>
            <Button
                kind=ButtonKind::Primary
                icon=Icon::Check
                busy=submit.busy
                disabled=Signal::derive(move || may_nothing)
                on_click=move |_| answer(true)
            >
                "Sign it in"
            </Button>
        </div>
    }
}

/// What the key will be good for, in words.
fn powers(scopes: &[KeyScope]) -> String {
    let words = [
        (KeyScope::Query, "search the logs"),
        (KeyScope::Ingest, "send logs"),
        (KeyScope::Admin, "change settings, as an admin can"),
    ];
    let named: Vec<&str> =
        words.iter().filter(|(scope, _)| scopes.contains(scope)).map(|(_, words)| *words).collect();
    match named.as_slice() {
        [] => "nothing: your role allows nothing of what it asks for".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_told_in_words() {
        assert_eq!(powers(&[KeyScope::Ingest, KeyScope::Query]), "search the logs and send logs");
        assert_eq!(powers(&[KeyScope::Query]), "search the logs");
        assert!(powers(&[]).starts_with("nothing"));
    }
}
