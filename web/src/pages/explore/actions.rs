//! What can be done with a search as a whole, at the right of the status line, and what is to be said of it, under that line.

use super::explorer::explorer;
use super::layout::RowView;
use super::live_bar::LiveBar;
use super::plan::EstimateNote;
use super::results::{More, Shape, results};
use super::share::ShareMenu;
use crate::components::{
    Button, ButtonKind, Glyph, Icon, IconButton, LinkButton, Menu, MenuItem, MenuSide, Notice, NoticeKind,
};
use crate::format;
use crate::language::sentence;
use crate::session::session;
use crate::url::{Tab, escape};
use leptos::prelude::*;

#[component]
pub fn Actions() -> impl IntoView {
    let explorer = explorer();
    let alert = Signal::derive(move || {
        let query = explorer.run.with(|run| run.query.clone());
        format!("/alerts/new?query={}", escape(&query))
    });
    let may_alert = move || !explorer.is_local() && session().can_edit();
    view! {
        <Show when=move || !explorer.is_local()><EstimateNote/></Show>
        <Newer/>
        <ViewMenu/>
        <Show when=may_alert>
            <LinkButton small=true kind=ButtonKind::Quiet icon=Icon::Alert href=alert>"Create alert"</LinkButton>
        </Show>
        <Show when=move || !explorer.is_local()><ShareMenu/></Show>
        <IconButton icon=Icon::Book label="Syntax and keys (?)" on_click=move |_| explorer.help_open.set(true)/>
    }
}

/// Live tail, rows narrowed while typing, and warnings of the server.
#[component]
pub fn Notes() -> impl IntoView {
    let explorer = explorer();
    view! {
        <Show when=move || explorer.state.with(|state| state.live)><LiveBar/></Show>
        <Narrowed/>
        <Warnings/>
    }
}

/// How rows are shown.
#[component]
fn ViewMenu() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let trigger = ViewFn::from(move || {
        view! { <Glyph icon=Icon::Rows/>{move || explorer.row_view.get().name()} }
    });
    let items = move || {
        let items = RowView::ALL.map(|view| {
            let chosen = Signal::derive(move || explorer.row_view.get() == view);
            let choose = Callback::new(move |()| explorer.row_view.set(view));
            view! { <MenuItem checked=chosen on_choose=choose>{view.name()}</MenuItem> }
        });
        items.collect_view()
    };
    view! {
        <Show when=move || results.shape.get() == Shape::Events && explorer.state.with(|state| state.tab == Tab::Events)>
            <Menu label="Rows (v)" class="button button-quiet button-small" side=MenuSide::End trigger=trigger.clone()>{items()}</Menu>
        </Show>
    }
}

/// Events that came after the search.
#[component]
fn Newer() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let may = move || {
        results.shape.get() == Shape::Events
            && !explorer.is_local()
            && explorer.state.with(|state| !state.live && state.tab == Tab::Events)
    };
    view! {
        <Show when=may>
            <Button
                small=true
                kind=ButtonKind::Quiet
                icon=Icon::Newer
                busy=Signal::derive(move || results.newer.get() == More::Loading)
                on_click=move |_| results.load_newer()
            >
                "Newer"
            </Button>
        </Show>
    }
}

/// Says that what is shown is only a part, while another query is being typed.
#[component]
fn Narrowed() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let text = move || {
        let count = results.narrowed.with(|narrowed| narrowed.as_ref().map(|rows| rows.len()))?;
        let loaded = results.events.with(Vec::len);
        Some(format!(
            "Partial: {} of the {} loaded events match what you type.",
            format::count(count as u64),
            format::count(loaded as u64)
        ))
    };
    view! {
        <Show when=move || results.narrowed.with(Option::is_some)>
            <div class="narrowed" role="status" data-testid="narrowed">
                <Glyph icon=Icon::Fields size="icon-small"/>
                <span class="grow">{text}</span>
                <Button small=true icon=Icon::Play on_click=move |_| explorer.run_text()>"Search all"</Button>
            </div>
        </Show>
    }
}

/// What the server noticed about a query that it ran.
#[component]
fn Warnings() -> impl IntoView {
    let results = results();
    move || {
        results.first.state.with(|state| {
            let answer = state.ready()?;
            let mut texts: Vec<String> = answer
                .warnings
                .iter()
                .map(|warning| format!("{} {}", sentence(&warning.message), sentence(warning.hint.as_deref().unwrap_or_default())))
                .collect();
            if answer.truncated && answer.next_cursor.is_none() {
                texts.push("A limit has cut the rows: there are more than are shown.".into());
            }
            (!texts.is_empty()).then(|| {
                view! {
                    <div class="warnings">
                        {texts.into_iter().map(|text| view! { <Notice kind=NoticeKind::Warning>{text}</Notice> }).collect_view()}
                    </div>
                }
            })
        })
    }
}
