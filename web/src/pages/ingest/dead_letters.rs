//! Events that could not be stored: why, what they were, and a way to send them again or to let them go.

use super::reason_text;
use crate::api::ingest;
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, CodeBlock, Confirm, Dialog, EmptyState, Icon, Notice,
    NoticeKind, TextField, open_while, show, toast, toast_error,
};
use crate::format;
use crate::load::{Submit, load};
use crate::session::session;
use api_types::ingest::{DeadLetter, DeadLetterSelection, ReplayAnswer};
use leptos::prelude::*;

#[component]
pub fn DeadLetters() -> impl IntoView {
    let project_id = StoredValue::new(untrack(|| session().project_id()));
    let may = session().can_edit();
    let typed = RwSignal::new(String::new());
    let query = RwSignal::new(String::new());
    let letters = load(
        move || Some(query.get()),
        move |query| ingest::dead_letters(project_id.get_value(), String::new(), query, None),
    );
    let (reading, deleting_all) = (RwSignal::new(None::<DeadLetter>), RwSignal::new(false));
    let more = Submit::new();
    let load_more = move |_| {
        let cursor =
            letters.state.with_untracked(|state| state.ready().and_then(|page| page.next_cursor.clone()));
        let fetch =
            ingest::dead_letters(project_id.get_value(), String::new(), query.get_untracked(), cursor);
        more.run(fetch, move |page| {
            letters.change(|shown| {
                shown.items.extend(page.items);
                shown.next_cursor = page.next_cursor;
            });
        });
    };
    let replaying = Submit::new();
    let replay = move |selection: DeadLetterSelection| {
        replaying.run(ingest::replay(selection), move |answer| {
            toast(replay_text(answer));
            reading.set(None);
            letters.refetch();
        });
    };
    let replay_all = move |_| {
        replay(DeadLetterSelection {
            all: true,
            project_id: Some(project_id.get_value()),
            ..DeadLetterSelection::default()
        });
    };
    // Of a search that finds none it is not known.
    let any = Memo::new(move |_| {
        let found = letters.state.with(|state| state.ready().is_some_and(|page| !page.items.is_empty()));
        found || query.with(|query| !query.is_empty())
    });
    let search = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        query.set(typed.get_untracked());
    };
    view! {
        <section class="section">
            <div class="page-head">
                <div class="page-head-text">
                    <h2>"Dead letters"</h2>
                    <p>"Events that were taken and could not be stored. They are kept for 14 days."</p>
                </div>
                <Show when=move || may && any.get()>
                    <div class="page-actions">
                        <Button icon=Icon::Refresh busy=replaying.busy on_click=replay_all>"Replay all"</Button>
                        <Button kind=ButtonKind::Danger icon=Icon::Trash on_click=move |_| deleting_all.set(true)>"Delete all"</Button>
                    </div>
                </Show>
            </div>
            <form class="letters-search" on:submit=search>
                <TextField label="Search" value=typed mono=true placeholder="code:too_old timeout" hint="The search language; code and reason are fields too."/>
                <Button submit=true>"Search"</Button>
            </form>
            {move || replaying.error.get().map(|error| view! { <Notice kind=NoticeKind::Bad>{error.message()}</Notice> })}
            <div class="card">
                {show(letters, move |page| {
                    if page.items.is_empty() {
                        let title = if query.with_untracked(String::is_empty) { "No dead letters" } else { "None matches" };
                        return view! { <EmptyState icon=Icon::Inbox title text="Everything that was taken is stored."/> }.into_any();
                    }
                    let has_more = page.next_cursor.is_some();
                    let rows = page.items.into_iter().map(|letter| view! { <LetterRow letter reading/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Dead letters">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Arrived"</th><th scope="col">"Why"</th><th scope="col">"Event"</th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                        {has_more.then(|| view! {
                            <div class="card-foot">
                                <Button busy=more.busy on_click=load_more>"Show older"</Button>
                            </div>
                        })}
                    }.into_any()
                })}
            </div>
        </section>
        <LetterDialog reading may replaying replay=Callback::new(replay) changed=Callback::new(move |()| letters.refetch())/>
        <DeleteAll open=deleting_all project_id=project_id.get_value() deleted=Callback::new(move |()| letters.refetch())/>
    }
}

fn replay_text(answer: ReplayAnswer) -> String {
    match (answer.replayed, answer.rejected) {
        (0, 0) => "There was nothing to replay".into(),
        (replayed, 0) => format!("{} replayed", format::count(replayed)),
        (replayed, rejected) => {
            format!("{} replayed, {} rejected again", format::count(replayed), format::count(rejected))
        }
    }
}

#[component]
fn LetterRow(letter: DeadLetter, reading: RwSignal<Option<DeadLetter>>) -> impl IntoView {
    let original = letter.original.chars().take(160).collect::<String>();
    let (code, received_at) = (letter.code.clone(), letter.received_at.clone());
    // A button of its own: one inside a component keeps what it was made for when the list is fetched again.
    view! {
        <tr>
            <td class="soft"><Age at=received_at/></td>
            <td><Badge kind=BadgeKind::Warning plain=true>{code}</Badge></td>
            <td>
                <button type="button" class="letter-open" on:click=move |_| reading.set(Some(letter.clone()))>
                    <code>{original}</code>
                </button>
            </td>
        </tr>
    }
}

#[component]
fn LetterDialog(
    reading: RwSignal<Option<DeadLetter>>,
    may: bool,
    replaying: Submit,
    replay: Callback<DeadLetterSelection>,
    changed: Callback<()>,
) -> impl IntoView {
    let open = open_while(reading);
    let title = Signal::derive(move || {
        reading.with(|letter| {
            letter.as_ref().map(|letter| reason_text("event", &letter.code)).unwrap_or_default()
        })
    });
    let delete = move |id: String| {
        leptos::task::spawn_local(async move {
            match ingest::delete_letter(id).await {
                Ok(_) => {
                    toast("Deleted");
                    reading.set(None);
                    changed.run(());
                }
                Err(error) => toast_error(error.message()),
            }
        });
    };
    view! {
        <Dialog open title wide=true>
            {move || reading.get().map(|letter| {
                let (id, same) = (letter.id.clone(), letter.id.clone());
                view! {
                    <p>{letter.reason}</p>
                    <CodeBlock code=letter.original label="Event"/>
                    {may.then(|| view! {
                        <div class="dialog-actions">
                            <Button kind=ButtonKind::Danger icon=Icon::Trash on_click=move |_| delete(id.clone())>"Delete"</Button>
                            <Button kind=ButtonKind::Primary icon=Icon::Refresh busy=replaying.busy on_click=move |_| {
                                replay.run(DeadLetterSelection { ids: vec![same.clone()], ..DeadLetterSelection::default() });
                            }>"Replay"</Button>
                        </div>
                    })}
                }
            })}
        </Dialog>
    }
}

#[component]
fn DeleteAll(open: RwSignal<bool>, project_id: String, deleted: Callback<()>) -> impl IntoView {
    let submit = Submit::new();
    let confirm = Callback::new(move |()| {
        submit.run(ingest::delete_letters(project_id.clone(), String::new()), move |_| {
            toast("All dead letters of the project are deleted");
            open.set(false);
            deleted.run(());
        });
    });
    view! {
        <Confirm
            open
            title="Delete all dead letters?".to_owned()
            message="The events of this project that could not be stored are gone for good.".to_owned()
            action="Delete all"
            submit
            on_confirm=confirm
        />
    }
}
