//! Taking everything that a query finds as a file: written by the server as it reads, with progress, and ended by closing.

use super::explorer::explorer;
use crate::browser;
use crate::components::{Button, ButtonKind, Dialog, Icon, Notice, NoticeKind, SelectField};
use crate::format;
use api_types::events::{ExportFormat, ExportRequest};
use js_sys::Promise;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

#[wasm_bindgen(js_namespace = cordwood)]
extern "C" {
    /// Fetches a file by POST and hands it to the browser's downloads; `progress` hears the bytes so far.
    #[wasm_bindgen(js_name = download)]
    fn download(
        path: &str,
        body: &str,
        name: &str,
        progress: &JsValue,
        signal: &web_sys::AbortSignal,
    ) -> Promise;
}

const FORMATS: [(&str, &str); 3] = [
    ("ndjson", "NDJSON: one event a line, everything kept"),
    ("csv", "CSV: for spreadsheets"),
    ("parquet", "Parquet: for analysis"),
];

#[derive(Debug, Clone, PartialEq)]
enum State {
    Idle,
    Running(f64),
    Done(f64),
    Failed(String),
}

#[component]
pub fn ExportDialog() -> impl IntoView {
    let explorer = explorer();
    view! { <Dialog open=explorer.export_open title="Export"><Export/></Dialog> }
}

#[component]
fn Export() -> impl IntoView {
    let explorer = explorer();
    let kind = RwSignal::new(FORMATS[0].0.to_owned());
    let state = RwSignal::new(State::Idle);
    let controller = StoredValue::new_local(None::<AbortController>);
    let stop = move || {
        controller.try_update_value(|controller| controller.take().map(|controller| controller.abort()));
    };
    on_cleanup(stop);
    let start = move |_| {
        let Ok(abort) = AbortController::new() else { return };
        let signal = abort.signal();
        controller.set_value(Some(abort));
        state.set(State::Running(0.0));
        let name = kind.get_untracked();
        let run = explorer.run.get_untracked();
        let asked = run.request();
        let body = ExportRequest {
            project_id: asked.project_id,
            query: asked.query,
            from: asked.from,
            to: asked.to,
            now: asked.now,
            format: match name.as_str() {
                "csv" => ExportFormat::Csv,
                "parquet" => ExportFormat::Parquet,
                _ => ExportFormat::Ndjson,
            },
            ..ExportRequest::default()
        };
        let file = format!("logs-{}.{name}", format::for_input(browser::now_ms(), 0).replace(':', "-"));
        leptos::task::spawn_local(async move {
            let body = serde_json::to_string(&body).unwrap_or_default();
            let progress = Closure::<dyn Fn(f64)>::new(move |bytes: f64| {
                state.try_set(State::Running(bytes));
            });
            let done =
                JsFuture::from(download("/api/v1/logs/export", &body, &file, progress.as_ref(), &signal))
                    .await;
            state.try_set(match done {
                Ok(bytes) => State::Done(bytes.as_f64().unwrap_or_default()),
                Err(_) if signal.aborted() => State::Idle,
                Err(error) => State::Failed(message(&error)),
            });
        });
    };
    let options = FORMATS.map(|(value, name)| (value.to_owned(), name.to_owned())).to_vec();
    let total =
        move || explorer.total.get().map(|total| format!(" These are {} events.", format::count(total)));
    view! {
        <p class="soft">"Everything that the query finds in the time range, not only what is loaded."{total}</p>
        <SelectField label="Format" value=kind options=Signal::stored(options)/>
        {move || match state.get() {
            State::Failed(message) => view! { <Notice kind=NoticeKind::Bad>{message}</Notice> }.into_any(),
            State::Done(bytes) => {
                view! { <Notice kind=NoticeKind::Good>{format!("Done: {}.", format::bytes(bytes as u64))}</Notice> }.into_any()
            }
            State::Running(bytes) => view! {
                <p class="row numbers" role="status"><span class="spinner"></span>{format!("{} so far", format::bytes(bytes as u64))}</p>
            }.into_any(),
            State::Idle => ().into_any(),
        }}
        <div class="dialog-actions">
            {move || if matches!(state.get(), State::Running(_)) {
                view! { <Button icon=Icon::Stop on_click=move |_| stop()>"Stop"</Button> }.into_any()
            } else {
                view! { <Button kind=ButtonKind::Primary icon=Icon::Download on_click=start>"Export"</Button> }.into_any()
            }}
        </div>
    }
}

fn message(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| "The export failed.".into(), |error| String::from(error.message()))
}
