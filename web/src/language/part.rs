//! The language as a part of the application of its own: a third of all code, and the first rows need none of it.

use super::complete::Completion;
use super::matches::Finds;
use super::{Change, Condition, Finding};
use api_types::search::Field;
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use std::sync::{LazyLock, OnceLock};

/// A field, and its values with their counts.
pub type Values = (String, Vec<(String, u64)>);

/// What the part can do. The rest of the application calls it through these and no other way, so that nothing of it comes along.
#[derive(Clone, Copy)]
pub struct Language {
    pub tokens: fn(&str) -> Vec<u32>,
    pub diagnose: fn(&str) -> Option<Finding>,
    pub number_columns: fn(&str) -> Option<Vec<String>>,
    pub conditions: fn(&str) -> Option<Vec<Condition>>,
    pub streamed: fn(&str) -> Result<(), String>,
    pub edit: fn(&str, &Change) -> Result<String, String>,
    pub wanted_value: fn(&str, u32) -> Option<(String, String)>,
    pub complete: fn(&str, u32, &[Field], Option<Values>) -> Option<Completion>,
    pub matches: fn(&str) -> Option<Box<dyn Finds>>,
    pub narrowing: fn(&str) -> Option<Box<dyn Finds>>,
}

static LOADED: OnceLock<Language> = OnceLock::new();
static READY: LazyLock<ArcTrigger> = LazyLock::new(ArcTrigger::new);

#[leptos::wasm_split::wasm_split(language, wasm_split_path = ::leptos::wasm_split, fallible)]
fn part() -> Result<Language, SplitLoaderError> {
    Ok(super::spoken::language())
}

/// Fetches the part unless it is there; answers whether it is.
pub async fn load() -> bool {
    if LOADED.get().is_none()
        && let Ok(language) = part().await
        && LOADED.set(language).is_ok()
    {
        READY.notify();
    }
    LOADED.get().is_some()
}

/// The language, once it is there; what asks before is told when it is.
#[cfg(target_arch = "wasm32")]
pub fn language() -> Option<&'static Language> {
    READY.track();
    LOADED.get()
}

/// Tests have everything at once.
#[cfg(not(target_arch = "wasm32"))]
pub fn language() -> Option<&'static Language> {
    READY.track();
    Some(LOADED.get_or_init(super::spoken::language))
}
