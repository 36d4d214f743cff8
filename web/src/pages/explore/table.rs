//! What a query with `stats` and the like gives: a table, and the picture that fits it.

use super::results::results;
use crate::chart::{LineChart, Lines};
use crate::components::Glyph;
use crate::components::Icon;
use crate::format;
use crate::preferences::shown_time;
use crate::stats::{Picture, Top, line_chart, picture, top_list};
use api_types::search::{Column, SearchAnswer};
use leptos::prelude::*;
use serde_json::Value;
use std::sync::Arc;

#[component]
pub fn StatsView() -> impl IntoView {
    let results = results();
    let answer = Signal::derive(move || results.first.state.with(|state| state.ready().cloned()));
    view! { {move || answer.get().map(|answer| view! { <Stats answer/> })} }
}

#[component]
fn Stats(answer: Arc<SearchAnswer>) -> impl IntoView {
    let fitting = picture(&answer.columns, &answer.rows);
    let shown = RwSignal::new(fitting != Picture::Table);
    let for_picture = Arc::clone(&answer);
    view! {
        <div class="stats-view">
            {(fitting != Picture::Table).then(|| view! {
                <div class="stats-switch">
                    <div class="segmented" role="group" aria-label="Show as">
                        <button type="button" aria-pressed=move || shown.get().to_string() on:click=move |_| shown.set(true)>
                            <Glyph icon=Icon::Chart size="icon-small"/>{fitting.name()}
                        </button>
                        <button type="button" aria-pressed=move || (!shown.get()).to_string() on:click=move |_| shown.set(false)>
                            <Glyph icon=Icon::Table size="icon-small"/>"Table"
                        </button>
                    </div>
                </div>
            })}
            {move || shown.get().then(|| view! { <PictureView fitting answer=Arc::clone(&for_picture)/> })}
            {
                // A single number says all that its table would.
                let answer = Arc::clone(&answer);
                move || (!shown.get() || fitting != Picture::Number).then(|| view! { <ResultTable answer=Arc::clone(&answer)/> })
            }
        </div>
    }
}

#[component]
fn PictureView(fitting: Picture, answer: Arc<SearchAnswer>) -> impl IntoView {
    match fitting {
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
            let chart: Signal<Option<Lines>> =
                Signal::derive(move || Some(line_chart(&answer.columns, &answer.rows)));
            let names = move || {
                chart.with(|chart| chart.as_ref().map(|chart| chart.series.clone()).unwrap_or_default())
            };
            let legend = move || {
                names().into_iter().map(|series| view! {
                    <li><i class=format!("legend-dot {}", series.token)></i><span class="truncate">{series.name}</span></li>
                }).collect_view()
            };
            view! {
                <div class="stats-chart"><LineChart spec=chart summary="The table below as lines over time"/></div>
                <ul class="legend">{legend}</ul>
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
fn ResultTable(answer: Arc<SearchAnswer>) -> impl IntoView {
    let columns = answer.columns.clone();
    let head = columns.iter().map(|column| {
        view! { <th scope="col" class=if column.kind == "number" { "number" } else { "" }>{column.name.clone()}</th> }
    });
    let rows = answer.rows.iter().map(|row| {
        let cells = columns.iter().map(|column| {
            let value = row.get(&column.name).cloned().unwrap_or(Value::Null);
            let class = if column.kind == "number" { "number" } else { "" };
            view! { <td class=class>{cell(column, value)}</td> }
        });
        view! { <tr>{cells.collect_view()}</tr> }
    });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Table of results">
            <table class="table table-dense mono">
                <thead><tr>{head.collect_view()}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
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
