//! The few things asked of the browser directly: storage, clipboard, clock, location, scripts loaded late.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(js_namespace = cordwood)]
extern "C" {
    /// Renews the session by the refresh cookie; once at a time over all tabs.
    #[wasm_bindgen(js_name = refreshSession)]
    fn refresh_session_promise() -> Promise;
}

#[cfg(debug_assertions)]
#[wasm_bindgen(js_namespace = console)]
extern "C" {
    /// A panic says where it was; release builds leave the texts out.
    #[wasm_bindgen(js_name = error)]
    pub fn log_error(text: &str);
}

/// Whether the session could be renewed.
pub async fn refresh_session() -> bool {
    JsFuture::from(refresh_session_promise()).await.is_ok_and(|renewed| renewed.is_truthy())
}

pub fn window() -> web_sys::Window {
    leptos::prelude::window()
}

/// Milliseconds since the epoch.
#[cfg(target_arch = "wasm32")]
pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// For tests, which run outside a browser.
#[cfg(not(target_arch = "wasm32"))]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// How far the reader's zone is ahead of UTC at an instant, in minutes.
pub fn zone_offset_minutes(at_ms: i64) -> i64 {
    -(js_sys::Date::new(&JsValue::from_f64(at_ms as f64)).get_timezone_offset() as i64)
}

/// The name of the zone that the browser is set to, as in `Europe/Berlin`.
pub fn time_zone() -> String {
    let format = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new());
    let zone = js_sys::Reflect::get(&format.resolved_options(), &"timeZone".into());
    zone.ok().and_then(|zone| zone.as_string()).unwrap_or_else(|| "UTC".into())
}

pub fn stored(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps a value over visits; where storage is forbidden it lasts for this one.
pub fn store(key: &str, value: Option<&str>) {
    let Ok(Some(storage)) = window().local_storage() else { return };
    let _kept = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}

/// Whether the text is in the clipboard now.
pub async fn copy(text: &str) -> bool {
    JsFuture::from(window().navigator().clipboard().write_text(text)).await.is_ok()
}

pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Path, query and fragment of the page shown.
pub fn current_address() -> String {
    let location = window().location();
    format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default())
}

/// Leaves the page: everything held in memory is gone, which is wanted when the person changes.
pub fn leave_to(address: &str) {
    let _leaving = window().location().set_href(address);
}

/// Whether typing goes into something just now, so that single keys are no commands.
pub fn is_typing() -> bool {
    let Some(element) = leptos::prelude::document().active_element() else { return false };
    let tag = element.tag_name();
    matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        || element.has_attribute("data-typing")
        || element.get_attribute("contenteditable").is_some()
}

pub fn focus(selector: &str) {
    use wasm_bindgen::JsCast;
    let found = leptos::prelude::document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _focused = element.focus();
    }
}
