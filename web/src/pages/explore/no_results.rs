//! When there is nothing to show: why, and what to try.

use super::explorer::explorer;
use super::results::results;
use crate::api::{ApiError, search};
use crate::components::{Button, ButtonKind, EmptyState, Icon, LinkButton, LoadError, Loading};
use crate::language::sentence;
use crate::load::{Load, load};
use crate::time_range::TimeRange;
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
                    <Button icon=Icon::Edit on:click=move |_| explorer.focus_query.update(|count| *count += 1)>"Edit the query"</Button>
                </EmptyState>
            </div>
        }
        .into_any();
    }
    view! { <LoadError error on_retry=Callback::new(move |()| results.first.refetch())/> }.into_any()
}

/// What lies around an empty result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// The project has no event at all.
    NoDataAtAll,
    /// There are events in this range, and the query matches none.
    QueryMatchesNone,
    /// The query matches events outside this range.
    OutsideRange,
    /// There are events, and neither the query nor the range has any.
    Neither,
}

#[component]
pub fn NoResults() -> impl IntoView {
    let explorer = explorer();
    let around = load(
        move || Some(explorer.run.get()),
        |run| async move {
            let any = |query: String, range: TimeRange| {
                let mut request = run.request();
                request.query = query;
                request.from = Some(range.from.as_str().into());
                request.to = Some(range.to.as_str().into());
                request.limit = Some(1);
                async move { search::search(request).await.map(|answer| !answer.rows.is_empty()) }
            };
            let wide = TimeRange { from: "now-365d".into(), to: "now+10m".into() };
            if !any(String::new(), wide.clone()).await? {
                return Ok(Around::NoDataAtAll);
            }
            if any(run.query.clone(), wide).await? {
                return Ok(Around::OutsideRange);
            }
            let in_range = any(String::new(), run.range.clone()).await?;
            Ok(if in_range { Around::QueryMatchesNone } else { Around::Neither })
        },
    );
    move || {
        match around.state.get() {
        Load::Waiting => view! { <Loading lines=3/> }.into_any(),
        Load::Failed(_) => view! {
            <EmptyState icon=Icon::Explore title="No events found" text="Try other words, or a wider time range."/>
        }
        .into_any(),
        Load::Ready(around) => view! { <Reason around/> }.into_any(),
    }
    }
}

#[component]
fn Reason(around: Around) -> impl IntoView {
    let explorer = explorer();
    let wider = move |length: &'static str, name: &'static str| {
        view! { <Button icon=Icon::Clock on:click=move |_| explorer.set_range(TimeRange::last(length))>{name}</Button> }
    };
    let clear = move || {
        view! { <Button kind=ButtonKind::Quiet icon=Icon::Close on:click=move |_| explorer.run_query("")>"Clear the query"</Button> }
    };
    match around {
        Around::NoDataAtAll => view! {
            <EmptyState icon=Icon::Send title="No logs yet" text="This project has not received any event. Send the first one: it takes a minute.">
                <LinkButton kind=ButtonKind::Primary icon=Icon::Send href="/send">"Send logs"</LinkButton>
            </EmptyState>
        }
        .into_any(),
        Around::OutsideRange => view! {
            <EmptyState icon=Icon::Clock title="Nothing in this time range" text="The query does match events at other times.">
                {wider("1d", "Last 24 hours")}
                {wider("7d", "Last 7 days")}
                {wider("90d", "Last 90 days")}
            </EmptyState>
        }
        .into_any(),
        Around::QueryMatchesNone => view! {
            <EmptyState icon=Icon::Explore title="No event matches" text="There are events in this range, but none that the query matches. Check the spelling of fields and values: the list at the left shows those that exist.">
                {clear()}
            </EmptyState>
        }
        .into_any(),
        Around::Neither => view! {
            <EmptyState icon=Icon::Clock title="No events found" text="There are no events in this range, and the query matches none at other times.">
                {wider("7d", "Last 7 days")}
                {clear()}
            </EmptyState>
        }
        .into_any(),
    }
}
