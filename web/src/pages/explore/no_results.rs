//! When there is nothing to show: why, and what to try.

use super::explorer::explorer;
use super::results::results;
use crate::api::ApiError;
use crate::components::{Button, ButtonKind, EmptyState, Icon, LinkButton, LoadError};
use crate::format;
use crate::language::{capital, sentence};
use crate::preferences::shown_time;
use crate::time_range::TimeRange;
use api_types::events::{Empty, EmptyTerm};
use api_types::search::Fix;
use leptos::prelude::*;

/// The query cannot be run, or the server could not run it.
#[component]
pub fn SearchError(error: ApiError) -> impl IntoView {
    let (explorer, results) = (explorer(), results());
    if let Some(diagnostic) = error.diagnostic() {
        let text = format!(
            "{} {}",
            sentence(&diagnostic.message),
            sentence(diagnostic.hint.as_deref().unwrap_or_default())
        );
        return view! {
            <div role="alert">
                <EmptyState icon=Icon::Wrong title="This query cannot be run" text=text>
                    <Button icon=Icon::Edit on_click=move |_| explorer.focus_query.update(|count| *count += 1)>"Edit the query"</Button>
                </EmptyState>
            </div>
        }
        .into_any();
    }
    view! { <LoadError error on_retry=Callback::new(move |()| results.first.refetch())/> }.into_any()
}

/// Why the result is empty, as the server found out, and the nearest thing that is not.
#[component]
pub fn NoResults() -> impl IntoView {
    let results = results();
    move || {
        let empty = results.first.state.with(|state| state.ready().and_then(|answer| answer.empty.clone()));
        match empty {
            Some(empty) => view! { <Reason empty/> }.into_any(),
            None => view! {
                <EmptyState icon=Icon::Explore title="No events found" text="Try other words, or a wider time range."/>
            }
            .into_any(),
        }
    }
}

#[component]
fn Reason(empty: Empty) -> impl IntoView {
    let explorer = explorer();
    if empty.reason == "never_ingested" {
        return view! {
            <EmptyState icon=Icon::Send title="No logs yet" text="This project has not received any event. Send the first one: it takes a minute.">
                <LinkButton kind=ButtonKind::Primary icon=Icon::Send href="/send">"Send logs"</LinkButton>
            </EmptyState>
        }
        .into_any();
    }
    let (icon, title) = match empty.reason.as_str() {
        "no_data_in_range" => (Icon::Clock, "No events in this time range"),
        "filter" => (Icon::Explore, "No event matches"),
        "stages" => (Icon::Explore, "The stages leave nothing"),
        _ => (Icon::Explore, "No events found"),
    };
    let nearest = empty.nearest.map(|nearest| {
        let at = nearest.event_at.clone();
        let range = TimeRange { from: nearest.from, to: nearest.to };
        view! {
            <Button icon=Icon::Clock on_click=move |_| explorer.set_range(range.clone())>
                {move || format!("Go to {}", shown_time(&at, format::date_and_time))}
            </Button>
        }
    });
    let wider = view! { <Button icon=Icon::Clock on_click=move |_| explorer.set_range(TimeRange::last("7d"))>"Last 7 days"</Button> };
    view! {
        <EmptyState icon title text=sentence(&empty.message)>
            {nearest}
            {wider}
            <Button kind=ButtonKind::Quiet icon=Icon::Close on_click=move |_| explorer.run_query("")>"Clear the query"</Button>
            <Terms terms=empty.terms/>
        </EmptyState>
    }
    .into_any()
}

/// What each condition lets through, and spellings that exist.
#[component]
fn Terms(terms: Vec<EmptyTerm>) -> impl IntoView {
    let explorer = explorer();
    if terms.is_empty() {
        return ().into_any();
    }
    let asked = explorer.run.with_untracked(|run| run.query.clone());
    let rows = terms.into_iter().map(|term| {
        let fixes = term.fixes.into_iter().map(|fix| {
            let query = fixed(&asked, &fix);
            view! { <Button small=true icon=Icon::Zap on_click=move |_| explorer.run_query(query.clone())>{capital(&fix.title)}</Button> }
        });
        let fixes = fixes.collect_view();
        view! {
            <tr>
                <th scope="row" class="mono">{term.text.clone()}</th>
                <td class="number">{format::count(term.alone)}</td>
                <td class="number">{format::count(term.without)}</td>
                <td>{fixes}</td>
            </tr>
        }
    });
    view! {
        <table class="table table-dense empty-terms">
            <thead>
                <tr>
                    <th scope="col">"Condition"</th>
                    <th scope="col" class="number">"Alone finds"</th>
                    <th scope="col" class="number">"Without it"</th>
                    <th scope="col"><span class="sr-only">"Instead"</span></th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// The query after the edits of a fix, last first so that spans stay right.
fn fixed(query: &str, fix: &Fix) -> String {
    let mut edits: Vec<_> = fix.edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    edits.into_iter().fold(query.to_owned(), |text, edit| {
        let (Some(before), Some(after)) = (text.get(..edit.span.start), text.get(edit.span.end..)) else {
            return text;
        };
        format!("{before}{}{after}", edit.text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::search::{Span, TextEdit};

    #[test]
    fn a_fix_changes_only_its_place() {
        let edit = |start, end, text: &str| TextEdit { span: Span { start, end }, text: text.into() };
        let fix = Fix { title: "x".into(), edits: vec![edit(0, 1, "api"), edit(2, 4, "b")] };
        assert_eq!(fixed("a cd e", &fix), "api b e");
        assert_eq!(fixed("a", &Fix { title: "x".into(), edits: vec![edit(5, 9, "b")] }), "a");
    }
}
