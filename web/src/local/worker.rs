//! The worker's end: this same program, started without a page, holds one file and answers about it.

use super::file::LocalFile;
use api_types::problem::Problem;
use js_sys::{Object, Reflect, Uint8Array};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

thread_local! {
    static FILE: RefCell<Option<LocalFile>> = const { RefCell::new(None) };
}

/// Answers messages for as long as the worker lives.
pub fn run(scope: DedicatedWorkerGlobalScope) {
    let here = scope.clone();
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let data = message.data();
        let field = |name: &str| Reflect::get(&data, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
        let answer = match field("what").as_string().as_deref() {
            Some("open") => open(&here, &field("bytes"), &field("now")),
            Some(what) => ask(what, &field("request").as_string().unwrap_or_default()),
            None => return,
        };
        let reply = Object::new();
        let (name, text) = match answer {
            Ok(text) => ("answer", text),
            Err(problem) => ("problem", serde_json::to_string(&*problem).unwrap_or_default()),
        };
        let _set = Reflect::set(&reply, &JsValue::from_str("number"), &field("number"));
        let _set = Reflect::set(&reply, &JsValue::from_str(name), &JsValue::from_str(&text));
        let _sent = here.post_message(&reply);
    });
    scope.set_onmessage(Some(listener.as_ref().unchecked_ref()));
    listener.forget();
    let _sent = scope.post_message(&JsValue::from_str("ready"));
}

fn open(scope: &DedicatedWorkerGlobalScope, buffer: &JsValue, now: &JsValue) -> Result<String, Box<Problem>> {
    let bytes = Uint8Array::new(buffer).to_vec();
    let now_ms = now.as_f64().unwrap_or_default() as i64;
    let started = js_sys::Date::now();
    let (file, mut opened) = LocalFile::read(bytes, now_ms, |share| {
        let _sent = scope.post_message(&JsValue::from_f64(share));
    })?;
    opened.elapsed_ms = js_sys::Date::now() - started;
    FILE.set(Some(file));
    Ok(serde_json::to_string(&opened).unwrap_or_default())
}

fn ask(what: &str, request: &str) -> Result<String, Box<Problem>> {
    let started = js_sys::Date::now();
    FILE.with_borrow_mut(|file| match file {
        Some(file) => file.ask(what, request, || js_sys::Date::now() - started),
        None => Err(super::file::problem("no_file", "No file is open.")),
    })
}
