//! Choosing the time zone that times are shown in, out of all that the browser knows.

use crate::browser;
use crate::components::{Dialog, Glyph, Icon, TextField};
use crate::preferences::{Zone, preferences};
use leptos::prelude::*;

/// More would not be read.
const SHOWN: usize = 60;

/// Whether the choice is open.
#[derive(Clone, Copy)]
pub struct ZoneChoice(pub RwSignal<bool>);

#[component]
pub fn ZoneDialog() -> impl IntoView {
    let ZoneChoice(open) = expect_context();
    view! { <Dialog open title="Time zone"><Zones open/></Dialog> }
}

#[component]
fn Zones(open: RwSignal<bool>) -> impl IntoView {
    let wanted = RwSignal::new(String::new());
    let names = StoredValue::new(browser::zone_names());
    let found = Memo::new(move |_| wanted.with(|wanted| names.with_value(|names| matching(names, wanted))));
    let choose = move |name: &str| {
        preferences().zone.set(Zone::named(name));
        open.set(false);
    };
    let take_first = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(name) = found.with_untracked(|found| found.first().cloned()) {
            choose(&name);
        }
    };
    let items = move || {
        let now_ms = browser::now_ms();
        let items = found.get().into_iter().take(SHOWN).map(|name| {
            let zone = Zone::named(&name);
            let is_chosen = move || (preferences().zone.get() == zone).then_some("true");
            let offset = offset_text(zone.minutes(now_ms));
            let shown = name.replace('_', " ");
            view! {
                <li>
                    <button type="button" class="query-list-item row" aria-current=is_chosen on:click=move |_| choose(&name)>
                        <Glyph icon=Icon::Clock size="icon-small"/>
                        <span class="grow truncate">{shown}</span>
                        <span class="faint numbers">{offset}</span>
                    </button>
                </li>
            }
        });
        items.collect_view()
    };
    view! {
        <form on:submit=take_first>
            <TextField label="Find" value=wanted autofocus=true placeholder="Berlin, New York, UTC" hint="Enter takes the first"/>
        </form>
        <ul class="query-list">{items}</ul>
    }
}

/// Names in which all words occur; the shorter first.
fn matching(names: &[String], wanted: &str) -> Vec<String> {
    let wanted = wanted.to_lowercase().replace('_', " ");
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let holds = |name: &&String| {
        let name = name.to_lowercase().replace('_', " ");
        words.iter().all(|word| name.contains(word))
    };
    let mut found: Vec<String> = names.iter().filter(holds).cloned().collect();
    if !words.is_empty() {
        found.sort_by_key(String::len);
    }
    found
}

fn offset_text(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_its_city() {
        let names = ["America/New_York", "Europe/Berlin", "UTC"].map(str::to_owned);
        assert_eq!(matching(&names, "new york"), ["America/New_York"]);
        assert_eq!(matching(&names, "EUROPE"), ["Europe/Berlin"]);
        assert_eq!(matching(&names, "").len(), 3);
    }

    #[test]
    fn an_offset_is_written_as_people_write_it() {
        assert_eq!((offset_text(-210).as_str(), offset_text(0).as_str()), ("UTC-03:30", "UTC+00:00"));
    }
}
