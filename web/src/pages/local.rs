//! A log file of one's own, searched in the browser: no account, no upload.

use crate::app::Go;
use crate::components::{Button, Glyph, Icon, LinkButton, Notice, NoticeKind};
use crate::format;
use crate::load::Submit;
use crate::local::client::{self, Opened};
use crate::pages::explore::Workbench;
use crate::shell::Brand;
use crate::time_range::TimeRange;
use crate::url::Exploration;
use leptos::html;
use leptos::prelude::*;
use web_sys::{File, FileList};

/// More would not fit into a browser's memory beside what searching needs.
const LARGEST: f64 = 200e6;
/// Forty minutes of a made-up shop, with an incident.
const SAMPLE: &str = "/sample.log";

#[derive(Debug, Clone, PartialEq)]
struct Shown {
    name: String,
    bytes: u64,
    opened: Opened,
}

#[component]
pub fn LocalFile() -> impl IntoView {
    crate::app::set_title("Local file");
    let shown = RwSignal::new(None::<Shown>);
    let submit = Submit::new();
    let progress = RwSignal::new(0.0);
    let wrong = RwSignal::new(None::<String>);
    let go = Go::here();
    let open = Callback::new(move |file: File| {
        wrong.set(None);
        if file.size() > LARGEST {
            let size = format::bytes(file.size() as u64);
            return wrong.set(Some(format!("{} has {size}; up to 200 MB can be opened here.", file.name())));
        }
        let (name, bytes) = (file.name(), file.size() as u64);
        progress.set(0.0);
        submit.run(client::open(file, progress), move |opened| {
            let range = TimeRange::between(opened.from_ms, opened.to_ms + 1);
            go.replace(Exploration { range, ..Exploration::default() }.address_at("/local"));
            shown.set(Some(Shown { name, bytes, opened }));
        });
    });
    on_cleanup(client::close);
    view! {
        <div class="local">
            <header class="local-bar">
                <Brand/>
                {move || shown.get().map(|shown| view! { <Facts shown/> })}
                <span class="grow"></span>
                <Show when=move || shown.with(Option::is_some)>
                    <Button small=true icon=Icon::File on_click=move |_| shown.set(None)>"Another file"</Button>
                </Show>
                <LinkButton small=true href="/login">"Log in"</LinkButton>
            </header>
            <main class="local-main" id="main">
                {move || if shown.with(Option::is_some) {
                    view! { <Workbench project=Signal::stored(String::new()) page="/local"/> }.into_any()
                } else {
                    view! { <Choose open submit progress wrong/> }.into_any()
                }}
            </main>
        </div>
    }
}

/// What the file is.
#[component]
fn Facts(shown: Shown) -> impl IntoView {
    let Shown { name, bytes, opened } = shown;
    let rejected = (opened.rejected > 0).then(|| {
        let reason = opened.reason.clone().unwrap_or_default();
        view! { <span class="local-rejected" title=reason>{format!("{} unreadable", format::count(opened.rejected))}</span> }
    });
    view! {
        <p class="local-facts truncate numbers">
            <strong>{name}</strong>
            {format!(
                " · {} · {} events · read in {} · stays on this machine",
                format::bytes(bytes),
                format::count(opened.events),
                format::elapsed(opened.elapsed_ms)
            )}
        </p>
        {rejected}
    }
}

#[component]
fn Choose(
    open: Callback<File>,
    submit: Submit,
    progress: RwSignal<f64>,
    wrong: RwSignal<Option<String>>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let over = RwSignal::new(false);
    let take = move |files: Option<FileList>| {
        if let Some(file) = files.and_then(|files| files.get(0)) {
            open.run(file);
        }
    };
    let dropped = move |event: leptos::ev::DragEvent| {
        event.prevent_default();
        over.set(false);
        take(event.data_transfer().and_then(|data| data.files()));
    };
    let sample = move |_| {
        leptos::task::spawn_local(async move {
            match sample_file().await {
                Some(file) => open.run(file),
                None => wrong
                    .set(Some("The sample could not be fetched. Check the connection and try again.".into())),
            }
        });
    };
    let message = move || {
        wrong.get().or_else(|| submit.error.with(|error| error.as_ref().map(crate::api::ApiError::message)))
    };
    view! {
        <div
            class="local-drop"
            class:local-over=move || over.get()
            on:dragover=move |event| {
                event.prevent_default();
                over.set(true);
            }
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            <span class="empty-icon"><Glyph icon=Icon::File size="icon-large"/></span>
            <h1>"Search a log file"</h1>
            <p class="soft">"Drop it here: JSON lines, logfmt, syslog, nginx or plain text, up to 200 MB. It is read and searched by your browser and never leaves this machine."</p>
            {move || if submit.busy.get() {
                let read = move || format!("{} events read", format::count(progress.get() as u64));
                view! { <p class="row" role="status"><span class="spinner"></span>{read}</p> }.into_any()
            } else {
                view! {
                    <div class="row">
                        <Button icon=Icon::File on_click=move |_| { if let Some(input) = input.get_untracked() { input.click(); } }>"Choose a file"</Button>
                        <button type="button" class="link" on:click=sample>"Try a sample"</button>
                    </div>
                }.into_any()
            }}
            <input
                node_ref=input
                type="file"
                class="sr-only"
                tabindex="-1"
                aria-label="Log file"
                on:change=move |_| take(input.get_untracked().and_then(|input| input.files()))
            />
            {move || message().map(|message| view! { <Notice kind=NoticeKind::Bad>{message}</Notice> })}
        </div>
    }
}

async fn sample_file() -> Option<File> {
    let text = gloo_net::http::Request::get(SAMPLE).send().await.ok()?.text().await.ok()?;
    File::new_with_str_sequence(&js_sys::Array::of1(&text.into()), "sample.log").ok()
}
