//! The page's end: starts a worker for a file, and asks it what otherwise the server is asked.

use crate::api::ApiError;
use crate::browser;
use futures::channel::oneshot;
use js_sys::{Array, Object, Promise, Reflect};
use leptos::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, Worker};

#[wasm_bindgen(js_namespace = cordwood)]
extern "C" {
    /// A worker that runs this same program.
    #[wasm_bindgen(js_name = worker)]
    fn new_worker() -> Worker;
}

/// What was found when the file was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub events: u64,
    /// Items that could not be read as events.
    pub rejected: u64,
    /// Of the first of them.
    pub reason: Option<String>,
    /// Milliseconds of the oldest and the newest event.
    pub from_ms: i64,
    pub to_ms: i64,
    pub elapsed_ms: f64,
}

type Waiting = Rc<RefCell<HashMap<u32, oneshot::Sender<Result<String, ApiError>>>>>;

/// A file that is being searched; the worker ends when the last handle is let go.
pub struct Client {
    worker: Worker,
    waiting: Waiting,
    next: RefCell<u32>,
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Client>>> = const { RefCell::new(None) };
}

/// The file that the page is about; none where the server is asked.
pub fn current() -> Option<Rc<Client>> {
    CURRENT.with_borrow(Clone::clone)
}

pub fn close() {
    CURRENT.take();
}

/// Reads a file in a worker, which then answers for it. `progress` hears how many bytes are read.
pub async fn open(file: web_sys::File, progress: RwSignal<f64>) -> Result<Opened, ApiError> {
    let client = Rc::new(Client::start(progress).await?);
    let unreadable = |_| ApiError::Unreadable("The browser could not read the file.".into());
    let bytes = JsFuture::from(file.array_buffer()).await.map_err(unreadable)?;
    let request = Object::new();
    for (name, value) in
        [("name", JsValue::from_str(&file.name())), ("now", JsValue::from_f64(browser::now_ms() as f64))]
    {
        let _set = Reflect::set(&request, &JsValue::from_str(name), &value);
    }
    let _set = Reflect::set(&request, &JsValue::from_str("bytes"), &bytes);
    let answer = client.send("open", request, Some(&bytes)).await?;
    let opened = serde_json::from_str(&answer).map_err(|error| ApiError::Unreadable(error.to_string()))?;
    CURRENT.set(Some(client));
    Ok(opened)
}

impl Client {
    async fn start(progress: RwSignal<f64>) -> Result<Self, ApiError> {
        let worker = new_worker();
        let waiting: Waiting = Rc::default();
        let heard = Rc::clone(&waiting);
        let ready = RefCell::new(None);
        let waits = Promise::new(&mut |resolve, _| {
            ready.replace(Some(resolve));
        });
        let ready = ready.take();
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            let data = message.data();
            if let Some(share) = data.as_f64() {
                progress.try_set(share);
            } else if data.is_string() {
                if let Some(ready) = &ready {
                    let _called = ready.call0(&JsValue::NULL);
                }
            } else {
                settle(&heard, &data);
            }
        });
        worker.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        JsFuture::from(waits).await.map_err(|_| ApiError::Unreachable)?;
        Ok(Self { worker, waiting, next: RefCell::new(0), _listener: listener })
    }

    /// Asks as the server is asked: `search`, `histogram` and so on, with the same bodies.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        request: &impl Serialize,
    ) -> Result<T, ApiError> {
        let json = serde_json::to_string(request).map_err(|error| ApiError::Unreadable(error.to_string()))?;
        let message = Object::new();
        let _set = Reflect::set(&message, &JsValue::from_str("request"), &JsValue::from_str(&json));
        let answer = self.send(what, message, None).await?;
        serde_json::from_str(&answer).map_err(|error| ApiError::Unreadable(error.to_string()))
    }

    async fn send(&self, what: &str, message: Object, moved: Option<&JsValue>) -> Result<String, ApiError> {
        let number = self.next.replace_with(|number| *number + 1);
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().insert(number, sender);
        let _set = Reflect::set(&message, &JsValue::from_str("what"), &JsValue::from_str(what));
        let _set =
            Reflect::set(&message, &JsValue::from_str("number"), &JsValue::from_f64(f64::from(number)));
        let posted = match moved {
            Some(buffer) => self.worker.post_message_with_transfer(&message, &Array::of1(buffer)),
            None => self.worker.post_message(&message),
        };
        posted.map_err(|_| ApiError::Unreachable)?;
        receiver.await.unwrap_or(Err(ApiError::Unreachable))
    }
}

/// Hands an answer to the one who waits for it.
fn settle(waiting: &Waiting, data: &JsValue) {
    let field = |name: &str| Reflect::get(data, &JsValue::from_str(name)).ok();
    let Some(number) = field("number").and_then(|number| number.as_f64()) else { return };
    let Some(sender) = waiting.borrow_mut().remove(&(number as u32)) else { return };
    let text = |name| field(name).and_then(|text| text.as_string());
    let answer = match (text("answer"), text("problem")) {
        (Some(answer), _) => Ok(answer),
        (None, Some(problem)) => Err(serde_json::from_str(&problem)
            .map_or(ApiError::Unexpected(500), |problem| ApiError::Problem(Box::new(problem)))),
        (None, None) => Err(ApiError::Unreachable),
    };
    // Who asked may have gone away.
    let _heard = sender.send(answer);
}
