//! The query bar: the bridge to the editor of `web/js/editor.js`, which asks back here what the text means.

use crate::language::{self, TOKEN_CLASSES, ValueSource};
use api_types::search::Field;
use js_sys::{Object, Promise, Reflect, Uint32Array};
use leptos::html;
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = cordwood, js_name = editor)]
    fn load_editor() -> Promise;

    type Editors;
    #[wasm_bindgen(method)]
    fn create(this: &Editors, host: &web_sys::Element, options: &Object) -> Editor;

    #[derive(Clone)]
    type Editor;
    #[wasm_bindgen(method)]
    fn focus(this: &Editor);
    #[wasm_bindgen(method, js_name = setText)]
    fn set_text(this: &Editor, text: &str);
    #[wasm_bindgen(method, js_name = setMarks)]
    fn set_marks(this: &Editor, flat: &[u32]);
    #[wasm_bindgen(method)]
    fn destroy(this: &Editor);
}

/// What the editor tells, and what it is given.
pub struct QueryEditor {
    /// The text; setting it changes the editor, typing changes it.
    pub text: RwSignal<String>,
    pub on_run: Callback<()>,
    /// Goes through former queries; answers whether there was one.
    pub on_past: Callback<i32, bool>,
    /// Marks to underline: start, end in UTF-16 units, and 0 for an error, 1 for a warning.
    pub marks: Signal<Vec<u32>>,
    pub fields: Signal<Vec<Field>>,
    pub values: ValueSource,
    /// Increase it to move the focus here.
    pub focus: RwSignal<u32>,
}

/// Callbacks that must live as long as the editor.
struct Kept {
    editor: Editor,
    _closures: Vec<JsValue>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.editor.destroy();
    }
}

#[component]
pub fn EditorView(editor: QueryEditor, label: &'static str, hint: &'static str) -> impl IntoView {
    let host = NodeRef::<html::Div>::new();
    let kept = RwSignal::new_local(None::<Rc<Kept>>);
    let QueryEditor { text, marks, focus, .. } = editor;
    let editor = StoredValue::new_local(editor);
    Effect::new(move |_| {
        let Some(host) = host.get() else { return };
        leptos::task::spawn_local(async move {
            let (module, is_ready) = futures::join!(JsFuture::from(load_editor()), language::load());
            let (Ok(module), true) = (module, is_ready) else { return };
            let Some((options, closures)) = editor.try_with_value(|editor| options(editor, label, hint))
            else {
                return;
            };
            let editor = module.unchecked_ref::<Editors>().create(&host, &options);
            let made = Rc::new(Kept { editor, _closures: closures });
            if let Some(unused) = kept.try_set(Some(made)) {
                drop(unused);
            }
        });
    });
    Effect::new(move |_| {
        let text = text.get();
        if let Some(kept) = kept.get() {
            kept.editor.set_text(&text);
        }
    });
    Effect::new(move |_| {
        let marks = marks.get();
        if let Some(kept) = kept.get() {
            kept.editor.set_marks(&marks);
        }
    });
    // A wish from before the editor was there is fulfilled when it is.
    let fulfilled = StoredValue::new(focus.get_untracked());
    Effect::new(move |_| {
        let wanted = focus.get();
        if let Some(kept) = kept.get()
            && fulfilled.get_value() != wanted
        {
            fulfilled.set_value(wanted);
            kept.editor.focus();
        }
    });
    view! {
        // Until the editor is there, and where it cannot be loaded, the text is at least to be read.
        <div class="query-editor" node_ref=host data-typing="" data-testid="query">
            <span class="mono soft">{move || text.get()}</span>
        </div>
    }
}

fn options(editor: &QueryEditor, label: &str, hint: &str) -> (Object, Vec<JsValue>) {
    let text = editor.text;
    let (on_run, on_past) = (editor.on_run, editor.on_past);
    let (fields, values) = (editor.fields, editor.values.clone());
    let classes: js_sys::Array =
        TOKEN_CLASSES.iter().map(|class| JsValue::from_str(&format!("t-{class}"))).collect();
    let tokens = Closure::<dyn Fn(String) -> Uint32Array>::new(|text: String| {
        Uint32Array::from(language::tokens(&text).as_slice())
    });
    let complete = Closure::<dyn Fn(String, u32) -> Promise>::new(move |text: String, cursor: u32| {
        let (fields, values) = (fields.get_untracked(), values.clone());
        future_to_promise(async move {
            let completion = language::complete(&text, cursor, &fields, &values).await;
            Ok(JsValue::from_str(&serde_json::to_string(&completion).unwrap_or_else(|_| "null".into())))
        })
    });
    let changed = Closure::<dyn Fn(String)>::new(move |now: String| {
        if text.with_untracked(|text| *text != now) {
            text.set(now);
        }
    });
    let run = Closure::<dyn Fn()>::new(move || on_run.run(()));
    let past = Closure::<dyn Fn(i32) -> bool>::new(move |step: i32| on_past.run(step));
    let options = Object::new();
    let closures = vec![
        tokens.into_js_value(),
        complete.into_js_value(),
        changed.into_js_value(),
        run.into_js_value(),
        past.into_js_value(),
    ];
    let names = ["tokens", "complete", "changed", "run", "past"];
    let texts = [("value", text.get_untracked()), ("label", label.to_owned()), ("hint", hint.to_owned())];
    for (name, value) in names.iter().zip(&closures) {
        let _set = Reflect::set(&options, &JsValue::from_str(name), value);
    }
    for (name, value) in texts {
        let _set = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(&value));
    }
    let _set = Reflect::set(&options, &JsValue::from_str("classes"), &classes);
    (options, closures)
}
