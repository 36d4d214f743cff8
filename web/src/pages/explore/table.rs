//! What a query with `stats` and the like gives: a table, and the picture that fits it.

use super::earlier;
use super::explorer::explorer;
use super::results::results;
use crate::chart::{BarChart, LineChart, Series, is_utc};
use crate::components::{Button, Glyph, Icon, Menu, MenuItem};
use crate::format;
use crate::language::Change;
use crate::preferences::shown_time;
use crate::stats::{Picture, Top, is_compared, line_chart, pictures, stacked_chart, top_list};
use crate::time_range::TimeRange;
use crate::url::Before;
use api_types::search::{Column, SearchAnswer};
use leptos::prelude::*;
use serde_json::Value;
use std::sync::Arc;

/// Rows of a table that are shown at first, and more each time when somebody asks.
const ROWS: usize = 200;

#[component]
pub fn StatsView() -> impl IntoView {
    let results = results();
    let answer = Signal::derive(move || results.first.state.with(|state| state.ready().cloned()));
    view! { {move || answer.get().map(|answer| view! { <Stats answer/> })} }
}

#[component]
fn Stats(answer: Arc<SearchAnswer>) -> impl IntoView {
    let choices = pictures(&answer.columns, &answer.rows);
    let shown = RwSignal::new(choices[0]);
    let is_one = choices.len() == 1;
    let for_picture = Arc::clone(&answer);
    let may_compare =
        choices.contains(&Picture::Lines) && !is_compared(&answer.columns) && !explorer().is_local();
    let switch = choices.into_iter().map(|picture| {
        let icon = if picture == Picture::Table { Icon::Table } else { Icon::Chart };
        let is_shown = move || (shown.get() == picture).to_string();
        view! {
            <button type="button" aria-pressed=is_shown on:click=move |_| shown.set(picture)>
                <Glyph icon size="icon-small"/>{picture.name()}
            </button>
        }
    });
    view! {
        <div class="stats-view">
            {(!is_one).then(|| view! {
                <div class="stats-switch">
                    <div class="segmented" role="group" aria-label="Show as">{switch.collect_view()}</div>
                    {may_compare.then(|| view! { <CompareMenu/> })}
                </div>
            })}
            {move || view! { <PictureView picture=shown.get() answer=Arc::clone(&for_picture)/> }}
            {
                // A single number says all that its table would.
                let answer = Arc::clone(&answer);
                move || (shown.get() != Picture::Number).then(|| view! { <ResultTable answer=Arc::clone(&answer)/> })
            }
        </div>
    }
}

/// Adds the stage that puts the figures of an earlier time beside these.
#[component]
fn CompareMenu() -> impl IntoView {
    let explorer = explorer();
    let trigger = ViewFn::from(|| view! { <Glyph icon=Icon::History size="icon-small"/>"Compare" });
    let items = move || {
        let items = [Before::Period, Before::Day, Before::Week].map(|before| {
            let choose = Callback::new(move |()| {
                let run = explorer.run.get_untracked();
                explorer.edit(Change::Stage(format!("compare shift={}", earlier::length(before, &run))));
            });
            view! { <MenuItem on_choose=choose>{earlier::name(before)}</MenuItem> }
        });
        items.collect_view()
    };
    view! { <Menu label="Compare with" class="button button-quiet button-small" trigger>{items()}</Menu> }
}

#[component]
fn PictureView(picture: Picture, answer: Arc<SearchAnswer>) -> impl IntoView {
    match picture {
        Picture::Table => ().into_any(),
        Picture::Number => {
            let column = answer.columns.first().map(|column| column.name.clone()).unwrap_or_default();
            let value = answer.rows.first().and_then(|row| row.get(&column)).and_then(Value::as_f64);
            view! {
                <div class="big-number">
                    <strong class="numbers">{value.map_or_else(|| "–".into(), format::number)}</strong>
                    <span class="faint">{column}</span>
                </div>
            }
            .into_any()
        }
        Picture::Lines => {
            let series = untrack(|| line_chart(&answer.columns, &answer.rows, is_utc())).series;
            let chart = Signal::derive(move || Some(line_chart(&answer.columns, &answer.rows, is_utc())));
            view! {
                <div class="stats-chart"><LineChart spec=chart summary="The table below as lines over time"/></div>
                <Legend series/>
            }
            .into_any()
        }
        Picture::Stacked => {
            let explorer = explorer();
            let series = untrack(|| stacked_chart(&answer.columns, &answer.rows, is_utc())).series;
            let chart = Signal::derive(move || Some(stacked_chart(&answer.columns, &answer.rows, is_utc())));
            let zoom = Callback::new(move |(from, to): (i64, i64)| {
                explorer.remember_zoom();
                explorer.zoom(TimeRange::between(from, to));
            });
            view! {
                <div class="stats-chart"><BarChart spec=chart summary="The table below as bars over time" on_select=zoom/></div>
                <Legend series/>
            }
            .into_any()
        }
        Picture::Bars => {
            let list = top_list(&answer.columns, &answer.rows);
            view! {
                <ul class="top-list" aria-label="The table below as bars">
                    {list.into_iter().map(|Top { name, value, share }| view! {
                        <li>
                            <span class="top-name truncate" title=name.clone()>{name.clone()}</span>
                            <span class="top-track"><i style:width=format!("{:.2}%", share * 100.0)></i></span>
                            <span class="top-value numbers">{format::number(value)}</span>
                        </li>
                    }).collect_view()}
                </ul>
            }
            .into_any()
        }
    }
}

#[component]
fn Legend(series: Vec<Series>) -> impl IntoView {
    let entries = series.into_iter().map(|series| view! {
        <li><i class=format!("legend-dot {}", series.token)></i><span class="truncate">{series.name}</span></li>
    });
    view! { <ul class="legend">{entries.collect_view()}</ul> }
}

#[component]
fn ResultTable(answer: Arc<SearchAnswer>) -> impl IntoView {
    let columns = answer.columns.clone();
    let head = columns.iter().map(|column| {
        view! { <th scope="col" class=if column.kind == "number" { "number" } else { "" }>{column.name.clone()}</th> }
    });
    let (count, is_cut) = (answer.rows.len(), answer.next_cursor.is_some());
    let shown = RwSignal::new(ROWS.min(count));
    // Rows that are there stay: only what is new is made.
    let row = move |index: usize| {
        let cells = answer.columns.iter().map(|column| {
            let value = answer.rows[index].get(&column.name).cloned().unwrap_or(Value::Null);
            let class = if column.kind == "number" { "number" } else { "" };
            view! { <td class=class>{cell(column, value)}</td> }
        });
        view! { <tr>{cells.collect_view()}</tr> }
    };
    let more = move || {
        (shown.get() < count).then(|| view! {
        <Button small=true on_click=move |_| shown.update(|shown| *shown = (*shown + ROWS).min(count))>
            {move || format!("Show more rows ({} of {})", format::count(shown.get() as u64), format::count(count as u64))}
        </Button>
    })
    };
    let cut = is_cut.then(|| view! { <span class="faint">{format!("The answer has more than these {} rows: export it to have all.", format::count(count as u64))}</span> });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Table of results">
            <table class="table table-dense mono">
                <thead><tr>{head.collect_view()}</tr></thead>
                <tbody><For each=move || 0..shown.get() key=|index| *index children=row/></tbody>
            </table>
        </div>
        <div class="row table-more">{more}{cut}</div>
    }
}

fn cell(column: &Column, value: Value) -> AnyView {
    match value {
        Value::Null => view! { <span class="faint">"–"</span> }.into_any(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), format::number).into_any()
        }
        Value::String(text) if column.kind == "datetime" => {
            let raw = text.clone();
            view! { <time datetime=raw>{move || shown_time(&text, format::day_and_time)}</time> }.into_any()
        }
        Value::String(text) if text.is_empty() => view! { <span class="faint">"(empty)"</span> }.into_any(),
        Value::String(text) => text.into_any(),
        other => other.to_string().into_any(),
    }
}
