//! Searches that are kept: one's own, and those shared with the organization; favourites first.

use super::explorer::explorer;
use crate::api::saved;
use crate::components::{
    Badge, BadgeKind, Button, ButtonKind, CheckField, Dialog, EmptyState, FormError, Icon, IconButton,
    LoadError, Loading, TextField, toast, toast_error,
};
use crate::load::{Load, Loaded, Submit, load};
use crate::time_range::TimeRange;
use crate::url::Exploration;
use api_types::saved_searches::{SavedSearch, SavedSearchRequest};
use api_types::search::TimeInput;
use leptos::prelude::*;

#[component]
pub fn SavedDialog() -> impl IntoView {
    let explorer = explorer();
    view! { <Dialog open=explorer.saved_open title="Saved searches" wide=true><Saved/></Dialog> }
}

#[component]
fn Saved() -> impl IntoView {
    let searches = load(|| Some(()), |()| saved::list());
    let wanted = RwSignal::new(String::new());
    view! {
        <SaveForm searches/>
        {move || match searches.state.get() {
            Load::Waiting => view! { <Loading/> }.into_any(),
            Load::Failed(error) => {
                view! { <LoadError error on_retry=Callback::new(move |()| searches.refetch())/> }.into_any()
            }
            Load::Ready(list) if list.is_empty() => view! {
                <EmptyState icon=Icon::Save title="Nothing saved yet" text="Give the current search a name to find it again, alone or with your team."/>
            }.into_any(),
            Load::Ready(list) => view! {
                <TextField label="Find" value=wanted placeholder="name, folder or query"/>
                <List list wanted searches/>
            }.into_any(),
        }}
    }
}

/// Saves what is shown: query, columns and range.
#[component]
fn SaveForm(searches: Loaded<Vec<SavedSearch>>) -> impl IntoView {
    let explorer = explorer();
    let (name, folder, shared) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(false));
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let state = explorer.state.get_untracked();
        let request = SavedSearchRequest {
            name: Some(name.get_untracked()),
            folder: Some(folder.get_untracked().trim().to_owned()),
            query: Some(state.query),
            columns: Some(state.columns),
            from: Some(TimeInput::Text(state.range.from)),
            to: Some(TimeInput::Text(state.range.to)),
            project_id: Some(explorer.run.with_untracked(|run| run.project_id.clone())),
            shared: Some(shared.get_untracked()),
            favourite: None,
        };
        submit.run(saved::create(request), move |_| {
            name.set(String::new());
            toast("Search saved");
            searches.refetch();
        });
    };
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&["name", "folder"])/>
            <div class="form-row">
                <TextField label="Save the current search as" value=name required=true error=submit.field("name")/>
                <TextField label="Folder" value=folder placeholder="none" error=submit.field("folder")/>
            </div>
            <div class="row">
                <span class="grow">
                    <CheckField checked=shared on_change=Callback::new(move |on| shared.set(on))>"Everybody in the organization sees it"</CheckField>
                </span>
                <Button submit=true kind=ButtonKind::Primary icon=Icon::Save busy=submit.busy>"Save"</Button>
            </div>
        </form>
    }
}

#[component]
fn List(
    list: Vec<SavedSearch>,
    wanted: RwSignal<String>,
    searches: Loaded<Vec<SavedSearch>>,
) -> impl IntoView {
    let mut list = list;
    list.sort_by_key(|search| (!search.favourite, search.folder.to_lowercase(), search.name.to_lowercase()));
    let found = move || {
        let wanted = wanted.get().to_lowercase();
        let holds = |search: &&SavedSearch| {
            [&search.name, &search.folder, &search.query]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let items = list.iter().filter(holds).map(|search| view! { <Item search=search.clone() searches/> });
        items.collect_view()
    };
    view! { <ul class="query-list saved-list">{found}</ul> }
}

#[component]
fn Item(search: SavedSearch, searches: Loaded<Vec<SavedSearch>>) -> impl IntoView {
    let explorer = explorer();
    let id = StoredValue::new(search.id.clone());
    let favourite = search.favourite;
    let toggle = move |_| {
        let change = SavedSearchRequest { favourite: Some(!favourite), ..SavedSearchRequest::default() };
        leptos::task::spawn_local(async move {
            match saved::change(id.get_value(), change).await {
                Ok(_) => searches.refetch(),
                Err(error) => toast_error(error.message()),
            }
        });
    };
    let remove = move |_| {
        leptos::task::spawn_local(async move {
            match saved::delete(id.get_value()).await {
                Ok(_) => searches.refetch(),
                Err(error) => toast_error(error.message()),
            }
        });
    };
    let (name, folder, query, editable) =
        (search.name.clone(), search.folder.clone(), search.query.clone(), search.editable);
    let shared = search.shared;
    let show = move |_| {
        explorer.saved_open.set(false);
        let end = |end: &Option<TimeInput>| match end {
            Some(TimeInput::Text(text)) => Some(text.clone()),
            Some(TimeInput::Number(number)) => Some(number.to_string()),
            None => None,
        };
        let range = end(&search.from).zip(end(&search.to)).map(|(from, to)| TimeRange { from, to });
        explorer.change(|state| {
            *state = Exploration {
                project: search.project_id.clone(),
                query: search.query.clone(),
                range: range.unwrap_or_else(|| state.range.clone()),
                columns: search.columns.clone(),
                ..Exploration::default()
            };
        });
    };
    let star = if favourite { "No favourite any more" } else { "Favourite" };
    view! {
        <li>
            <IconButton small=true icon=Icon::Favourite label=format!("{star}: {name}") pressed=Signal::stored(favourite) on_click=toggle/>
            <button type="button" class="query-list-item" on:click=show>
                <span class="row">
                    <strong>{name.clone()}</strong>
                    {(!folder.is_empty()).then(|| view! { <span class="faint">{folder}</span> })}
                    {shared.then(|| view! { <Badge kind=BadgeKind::Quiet plain=true>"shared"</Badge> })}
                </span>
                <code>{if query.is_empty() { "all events".to_owned() } else { query }}</code>
            </button>
            {editable.then(|| view! { <IconButton small=true icon=Icon::Trash label=format!("Delete {name}") on_click=remove/> })}
        </li>
    }
}
