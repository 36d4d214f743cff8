//! One event beside the list: every attribute with what can be done with it, the neighbours, a link, a copy.

use super::cells::{attributes, marked_text, value_text};
use super::compare::Compare;
use super::context::ContextDialog;
use super::digest::{RequestLine, StackTrace, in_words, stack};
use super::explorer::explorer;
use super::results::results;
use crate::api::search;
use crate::browser;
use crate::components::{
    CopyButton, EmptyState, Icon, IconButton, LevelTag, LoadError, Loading, toast, toast_error,
};
use crate::format;
use crate::language::Change;
use crate::load::{Load, load};
use crate::preferences::shown_time;
use crate::url::Exploration;
use api_types::search::EventRow;
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub fn EventPanel() -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let id = Memo::new(move |_| explorer.event());
    // From the list when it is there, else from the server, as after a permalink.
    let listed = Memo::new(move |_| {
        let id = id.get()?;
        results.events.with(|events| events.iter().find(|event| event.id == id).cloned())
    });
    let fetched = load(
        move || {
            let id = id.get()?;
            let settled = !matches!(results.shape.get(), super::results::Shape::Waiting);
            (settled && listed.with(Option::is_none)).then_some(id)
        },
        move |id| async move {
            let project = explorer.run.with_untracked(|run| run.project_id.clone());
            search::event(&project, &id).await.map(Arc::new)
        },
    );
    let shown = Memo::new(move |_| {
        let fetched = fetched.state.with(|state| state.ready().cloned());
        listed.get().or_else(|| fetched.filter(|event| Some(&event.id) == id.get().as_ref()))
    });
    view! {
        <aside class="event" aria-label="Event">
            // By id: another event is another panel, and not the same one with stale handlers.
            <For each=move || shown.get() key=|event| event.id.clone() let:event><EventView event/></For>
            {move || shown.with(Option::is_none).then(|| match fetched.state.get() {
                Load::Failed(error) if error.code() == "not_found" => view! { <Gone/> }.into_any(),
                Load::Failed(error) => {
                    view! { <LoadError error on_retry=Callback::new(move |()| fetched.refetch())/> }.into_any()
                }
                _ => view! { <Loading lines=9/> }.into_any(),
            })}
        </aside>
    }
}

#[component]
fn Gone() -> impl IntoView {
    let explorer = explorer();
    view! {
        <div class="event-bar">
            <span class="grow"></span>
            <IconButton icon=Icon::Close label="Close" on_click=move |_| explorer.open_event(None)/>
        </div>
        <EmptyState icon=Icon::Help title="This event is not there" text="It is older than the project keeps events, or belongs to another project."/>
    }
}

#[component]
fn EventView(event: Arc<EventRow>) -> impl IntoView {
    let spans = explorer()
        .matches
        .with_untracked(|matches| matches.as_ref().map(|matches| matches.spans(&event)))
        .unwrap_or_default();
    let spans_of = |field: &str| spans.get(field).cloned().unwrap_or_default();
    let message =
        marked_text(event.message.as_deref().unwrap_or_default(), &spans_of("message"), str::to_owned);
    let stack_of_message = event.message.clone().filter(|text| stack(text).is_some());
    let core = [
        ("source", &event.source),
        ("host", &event.host),
        ("trace_id", &event.trace_id),
        ("span_id", &event.span_id),
    ];
    let core: Vec<_> = core
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?, spans_of(name))))
        .collect();
    let more: Vec<_> = attributes(&event)
        .into_iter()
        .map(|(name, value)| {
            let spans = spans_of(&name);
            (name, value_text(&value), spans)
        })
        .collect();
    view! {
        <EventBar event=Arc::clone(&event)/>
        <div class="event-scroll" tabindex="0" role="region" aria-label="Event details">
            <div class="event-when">
                <LevelTag level=event.level.clone()/>
                <EventTime timestamp=event.timestamp.clone()/>
            </div>
            <RequestLine event=Arc::clone(&event)/>
            {match stack_of_message {
                Some(text) => view! { <StackTrace text/> }.into_any(),
                None => view! { <pre class="event-message">{message}</pre> }.into_any(),
            }}
            <AttributeList pairs=core/>
            <AttributeList pairs=more/>
        </div>
    }
}

#[component]
fn EventTime(timestamp: String) -> impl IntoView {
    let age = format::parse_ms(&timestamp).map(|ms| format::ago(ms, browser::now_ms()));
    let raw = timestamp.clone();
    view! {
        <time datetime=raw.clone() title=raw class="numbers">{move || shown_time(&timestamp, format::row_time)}</time>
        <span class="faint">{age}</span>
    }
}

/// Previous, next, link, copy, close.
#[component]
fn EventBar(event: Arc<EventRow>) -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    let id = StoredValue::new(event.id.clone());
    let position = Memo::new(move |_| id.with_value(|id| results.position(id)));
    let last = move || results.len().saturating_sub(1);
    let step = move |by: isize| {
        let Some(next) = position.get_untracked().and_then(|at| at.checked_add_signed(by)) else { return };
        if let Some(event) = untrack(|| results.get(next)) {
            results.cursor.set(Some(next));
            explorer.open_event(Some(event.id.clone()));
        }
    };
    let json = serde_json::to_string_pretty(&*event).unwrap_or_default();
    let this = StoredValue::new(event);
    let link = move |_| {
        let state = Exploration {
            now_ms: Some(explorer.run.with_untracked(|run| run.now_ms)),
            ..explorer.state.get_untracked()
        };
        let address = explorer.address(&state);
        leptos::task::spawn_local(async move {
            if browser::copy(&address).await {
                toast("Link to this event copied");
            } else {
                toast_error("The browser did not allow copying.");
            }
        });
    };
    view! {
        <div class="event-bar">
            <IconButton
                icon=Icon::ChevronUp
                label="Newer event (k)"
                disabled=Signal::derive(move || position.get().is_none_or(|at| at == 0))
                on_click=move |_| step(-1)
            />
            <IconButton
                icon=Icon::ChevronDown
                label="Older event (j)"
                disabled=Signal::derive(move || position.get().is_none_or(|at| at >= last()))
                on_click=move |_| step(1)
            />
            <span class="grow faint numbers">
                {move || position.get().map(|at| format!("{} of {}{}", at + 1, last() + 1, if results.has_more() { "+" } else { "" }))}
            </span>
            {(!explorer.is_local()).then(|| view! { <ContextButton event=this.get_value()/> })}
            <CompareButton event=this/>
            <IconButton icon=Icon::Link label="Copy link to this event" on_click=link/>
            <span data-key="copy"><CopyButton text=json label="Copy event as JSON (y)"/></span>
            <IconButton icon=Icon::Close label="Close (Esc)" on_click=move |_| explorer.open_event(None)/>
        </div>
    }
}

/// The lines around, with the filter dropped.
#[component]
fn ContextButton(event: Arc<EventRow>) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <span data-key="context"><IconButton icon=Icon::Rows label="Lines around this event (c)" on_click=move |_| open.set(true)/></span>
        <ContextDialog open event/>
    }
}

/// Remembers an event, then compares others with it.
#[component]
fn CompareButton(event: StoredValue<Arc<EventRow>>) -> impl IntoView {
    let compared = explorer().compared;
    let pair = RwSignal::new(None);
    let is_first = move || {
        compared
            .with(|first| first.as_ref().is_some_and(|first| event.with_value(|event| first.id == event.id)))
    };
    let label = move || match compared.with(Option::is_some) {
        false => "Compare with another event",
        true if is_first() => "Do not compare this event",
        true => "Compare with the event chosen before",
    };
    let press = move |_| match compared.get_untracked() {
        None => {
            compared.set(Some(event.get_value()));
            toast("Open another event and press Compare there");
        }
        Some(_) if untrack(is_first) => compared.set(None),
        Some(first) => pair.set(Some((first, event.get_value()))),
    };
    view! {
        <IconButton
            icon=Icon::Compare
            label=Signal::derive(move || label().to_owned())
            pressed=Signal::derive(is_first)
            on_click=press
        />
        <Compare pair/>
    }
}

/// Name, value, and the parts of the value that the query matched.
type Pair = (String, String, Vec<(usize, usize)>);

#[component]
fn AttributeList(pairs: Vec<Pair>) -> impl IntoView {
    (!pairs.is_empty()).then(|| {
        let rows = pairs.into_iter().map(|(name, value, spans)| view! { <Attribute name value spans/> });
        view! { <dl class="attributes">{rows.collect_view()}</dl> }
    })
}

#[component]
fn Attribute(name: String, value: String, spans: Vec<(usize, usize)>) -> impl IntoView {
    let explorer = explorer();
    let is_block =
        value.contains('\n') || (value.len() > 120 && (value.starts_with('[') || value.starts_with('{')));
    let pair = StoredValue::new((name.clone(), value.clone()));
    let change = move |make: fn(String, String) -> Change| {
        let (name, value) = pair.get_value();
        explorer.edit(make(name, value));
    };
    let is_column = Signal::derive(move || {
        pair.with_value(|(name, _)| explorer.state.with(|state| state.columns.contains(name)))
    });
    // Source is a column of its own already.
    let may_be_column = name != "source";
    let copy = value.clone();
    view! {
        <div class="attribute" class:attribute-block=is_block>
            <dt title=name.clone()>{name.clone()}</dt>
            <dd>
            {if stack(&value).is_some() {
                view! { <div class="attribute-value"><StackTrace text=value.clone()/></div> }.into_any()
            } else {
                view! {
                    <span class="attribute-value">
                        {marked_text(&value, &spans, str::to_owned)}
                        {in_words(&name, &value).map(|words| view! { <span class="faint">{format!(" {words}")}</span> })}
                    </span>
                }.into_any()
            }}
            <span class="attribute-actions" role="group" aria-label=name.clone()>
                <IconButton small=true icon=Icon::Include label=format!("Only events with this {name}") on_click=move |_| change(Change::include)/>
                <IconButton small=true icon=Icon::Exclude label=format!("Without events with this {name}") on_click=move |_| change(Change::exclude)/>
                {may_be_column.then(|| view! {
                    <IconButton
                        small=true
                        icon=Icon::Columns
                        label=format!("Show {name} as column")
                        pressed=is_column
                        on_click=move |_| explorer.toggle_column(&pair.with_value(|(name, _)| name.clone()))
                    />
                })}
                <CopyButton small=true text=copy label=format!("Copy {name}")/>
            </span>
            </dd>
        </div>
    }
}
