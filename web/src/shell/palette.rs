//! The command palette: everything that can be done from here, found by typing a few of its letters.
//!
//! The frame knows the pages and choices that are always there; a page adds its own commands for as long as it is shown.

use super::navigation::PAGES;
use super::zone::ZoneChoice;
use crate::app::Go;
use crate::components::{Dialog, Glyph, Icon};
use crate::preferences::{Theme, Zone, preferences};
use crate::session::{Session, session};
use leptos::html;
use leptos::prelude::*;
use std::sync::Arc;

/// One thing to do.
#[derive(Clone)]
pub struct Command {
    pub name: String,
    pub icon: Icon,
    /// The key that does the same.
    pub key: &'static str,
    pub run: Arc<dyn Fn() + Send + Sync>,
}

impl Command {
    pub fn new(
        icon: Icon,
        name: impl Into<String>,
        key: &'static str,
        run: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), icon, key, run: Arc::new(run) }
    }
}

/// What the page shown adds.
#[derive(Clone, Copy)]
pub struct PageCommands(RwSignal<Vec<Command>>);

impl PageCommands {
    pub fn new() -> Self {
        Self(RwSignal::new(Vec::new()))
    }

    /// Adds commands until the page goes.
    pub fn offer(self, commands: Vec<Command>) {
        self.0.set(commands);
        on_cleanup(move || {
            self.0.try_set(Vec::new());
        });
    }
}

fn always(go: Go, session: Session) -> Vec<Command> {
    let preferences = preferences();
    let mut commands: Vec<Command> = PAGES
        .iter()
        .map(|(address, name, icon)| {
            Command::new(*icon, format!("Go to {name}"), "", move || go.to(*address))
        })
        .collect();
    for (name, section) in [
        ("API keys", "api-keys"),
        ("Projects", "projects"),
        ("Members", "members"),
        ("Channels", "channels"),
        ("Profile", "profile"),
    ] {
        let run = move || go.to(format!("/settings/{section}"));
        commands.push(Command::new(Icon::Settings, format!("Settings: {name}"), "", run));
    }
    for project in untrack(|| session.projects()) {
        let (name, id) = (project.name, project.id);
        let run = move || session.choose_project(id.clone());
        commands.push(Command::new(Icon::Project, format!("Switch to project {name}"), "", run));
    }
    for (name, icon, theme) in [
        ("system", Icon::System, Theme::System),
        ("light", Icon::Light, Theme::Light),
        ("dark", Icon::Dark, Theme::Dark),
    ] {
        commands.push(Command::new(icon, format!("Theme: {name}"), "", move || preferences.theme.set(theme)));
    }
    for (name, zone) in [("UTC", Zone::Utc), ("local time", Zone::Local)] {
        commands.push(Command::new(Icon::Clock, format!("Show times in {name}"), "", move || {
            preferences.zone.set(zone)
        }));
    }
    let ZoneChoice(zones) = expect_context();
    commands.push(Command::new(Icon::Clock, "Show times in another zone", "", move || zones.set(true)));
    commands
}

/// Whether the letters stand in the name in this order; the better, the smaller.
fn distance(name: &str, typed: &str) -> Option<usize> {
    let name = name.to_lowercase();
    if let Some(at) = name.find(typed) {
        return Some(at);
    }
    let mut rest = name.char_indices();
    let mut last = 0;
    for letter in typed.chars().filter(|letter| !letter.is_whitespace()) {
        last = rest.find(|(_, other)| *other == letter)?.0;
    }
    Some(1_000 + last)
}

fn found(commands: Vec<Command>, typed: &str) -> Vec<Command> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<(usize, Command)> = commands
        .into_iter()
        .filter_map(|command| Some((distance(&command.name, &typed)?, command)))
        .collect();
    if !typed.is_empty() {
        found.sort_by_key(|(distance, _)| *distance);
    }
    found.into_iter().map(|(_, command)| command).collect()
}

#[component]
pub fn Palette() -> impl IntoView {
    let open = RwSignal::new(false);
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        let with_modifier = (event.ctrl_key() || event.meta_key()) && !event.alt_key() && !event.shift_key();
        if with_modifier && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            open.update(|open| *open = !*open);
        }
    });
    on_cleanup(move || listener.remove());
    // Made here, because what a command does happens after the dialog is gone.
    let go = Go::here();
    let session = session();
    view! { <Dialog open title="Commands"><Commands open go session/></Dialog> }
}

#[component]
fn Commands(open: RwSignal<bool>, go: Go, session: Session) -> impl IntoView {
    let page: PageCommands = expect_context();
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let element = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            let _focused = element.focus();
        }
    });
    let always = StoredValue::new(untrack(|| always(go, session)));
    // A page may offer its commands a moment after it is shown.
    let listed = move || {
        let mut all = page.0.get();
        all.extend(always.get_value());
        typed.with(|typed| found(all, typed))
    };
    let run = Callback::new(move |command: Command| {
        open.set(false);
        // After the dialog has given the focus back, so that a command may take it.
        request_animation_frame(move || (command.run)());
    });
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let count = untrack(listed).len();
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1).min(count.saturating_sub(1))),
            "ArrowUp" => chosen.update(|at| *at = at.saturating_sub(1)),
            "Enter" => {
                if let Some(command) = untrack(listed).into_iter().nth(chosen.get_untracked()) {
                    run.run(command);
                }
            }
            _ => return,
        }
        event.prevent_default();
        scroll_to_chosen();
    };
    view! {
        <input
            node_ref=element
            class="input"
            role="combobox"
            aria-label="Command"
            aria-expanded="true"
            aria-controls="commands"
            aria-activedescendant=move || format!("command-{}", chosen.get())
            autocomplete="off"
            placeholder="What do you want to do?"
            prop:value=move || typed.get()
            on:input=move |event| {
                chosen.set(0);
                typed.set(event_target_value(&event));
            }
            on:keydown=on_key
        />
        <ul class="palette" id="commands" role="listbox" aria-label="Commands">
            {move || listed().into_iter().enumerate().map(|(at, command)| view! { <Item at command chosen run/> }).collect_view()}
        </ul>
        <Show when=move || listed().is_empty()><p class="faint" role="status">"No command has these letters."</p></Show>
    }
}

#[component]
fn Item(at: usize, command: Command, chosen: RwSignal<usize>, run: Callback<Command>) -> impl IntoView {
    let (name, icon, key) = (command.name.clone(), command.icon, command.key);
    view! {
        <li
            role="option"
            id=format!("command-{at}")
            class="palette-item"
            aria-selected=move || (chosen.get() == at).to_string()
            on:click=move |_| run.run(command.clone())
        >
            <Glyph icon/>
            <span class="grow truncate">{name}</span>
            {(!key.is_empty()).then(|| view! { <kbd class="kbd">{key}</kbd> })}
        </li>
    }
}

fn scroll_to_chosen() {
    request_animation_frame(|| {
        if let Ok(Some(item)) = document().query_selector(".palette-item[aria-selected=true]") {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            item.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn letters_in_order_find_a_command_and_whole_words_find_it_first() {
        assert!(distance("Go to Alerts", "alerts") < distance("Settings: Alert channels", "alerts"));
        assert!(distance("Theme: dark", "tdark").is_some());
        assert_eq!(distance("Theme: dark", "zz"), None);
        assert_eq!(distance("Theme: dark", ""), Some(0));
    }
}
