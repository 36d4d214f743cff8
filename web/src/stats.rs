//! Which picture fits a table, and the table as that picture.

use crate::chart::{Bars, Lines, Series, chart_time, series_token};
use crate::format;
use api_types::search::Column;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// No picture says more than the table does.
    Table,
    Number,
    Lines,
    /// Stacked over time.
    Stacked,
    Bars,
}

impl Picture {
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "Table",
            Self::Number => "Number",
            Self::Lines => "Lines",
            Self::Stacked => "Stacked bars",
            Self::Bars => "Top list",
        }
    }
}

fn is_number(column: &Column) -> bool {
    column.kind == "number"
}

fn is_time(column: &Column) -> bool {
    column.kind == "datetime"
}

/// The pictures of a table that say something, the best first; the table itself is always the last.
pub fn pictures(columns: &[Column], rows: &[Value]) -> Vec<Picture> {
    let mut pictures = match picture(columns, rows) {
        Picture::Lines => vec![Picture::Lines, Picture::Stacked],
        Picture::Table => Vec::new(),
        other => vec![other],
    };
    pictures.push(Picture::Table);
    pictures
}

/// One number is a number; a time and numbers are lines; one name and a number are bars.
fn picture(columns: &[Column], rows: &[Value]) -> Picture {
    let numbers = columns.iter().filter(|column| is_number(column)).count();
    let times = columns.iter().filter(|column| is_time(column)).count();
    let names = columns.len() - numbers - times;
    match (times, names, numbers) {
        (0, 0, 1) if rows.len() == 1 => Picture::Number,
        (1, 0 | 1, 1..) if rows.len() > 1 => Picture::Lines,
        (0, 1.., 1..) if rows.len() > 1 => Picture::Bars,
        _ => Picture::Table,
    }
}

/// How many lines are drawn; more could not be told apart.
const MOST_LINES: usize = 12;

/// One line for each number column and value of the name column.
pub fn line_chart(columns: &[Column], rows: &[Value], utc: bool) -> Lines {
    let time =
        columns.iter().find(|column| is_time(column)).map(|column| column.name.as_str()).unwrap_or_default();
    let name = columns.iter().find(|column| !is_time(column) && !is_number(column));
    let numbers: Vec<&Column> =
        columns.iter().filter(|column| is_number(column) && !is_derived(column, columns)).collect();
    let mut times: Vec<&str> = rows.iter().filter_map(|row| row.get(time)?.as_str()).collect();
    times.sort_unstable();
    times.dedup();
    let place: BTreeMap<&str, usize> = times.iter().enumerate().map(|(index, time)| (*time, index)).collect();
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let Some(index) = row.get(time).and_then(Value::as_str).and_then(|time| place.get(time)) else {
            continue;
        };
        for number in &numbers {
            let label = label(row, name, number, numbers.len());
            let at = series.iter().position(|line| line.name == label).unwrap_or_else(|| {
                let token = match is_earlier(number, columns) {
                    true => EARLIER.to_owned(),
                    false => level_token(&label).unwrap_or_else(|| series_token(series.len())),
                };
                series.push(Series { name: label, token, values: vec![None; times.len()], mark: false });
                series.len() - 1
            });
            series[at].values[*index] = row.get(&number.name).and_then(Value::as_f64);
        }
    }
    series.truncate(MOST_LINES);
    Lines { times: times.iter().map(|time| chart_time(time)).collect(), series, threshold: None, utc }
}

/// The colour of what was before, which is nobody else's.
const EARLIER: &str = "text-faint";

/// Whether the column has the figures of another one some time earlier: `count_prev` of `| compare`.
fn is_earlier(column: &Column, columns: &[Column]) -> bool {
    let now = column.name.strip_suffix("_prev");
    now.is_some_and(|now| columns.iter().any(|other| other.name == now))
}

/// Whether the column tells how a figure differs from the earlier one; it has another scale.
fn is_derived(column: &Column, columns: &[Column]) -> bool {
    let base = column.name.strip_suffix("_delta").or_else(|| column.name.strip_suffix("_pct"));
    base.is_some_and(|base| columns.iter().any(|other| other.name.strip_suffix("_prev") == Some(base)))
}

/// Whether a table already has figures of an earlier time.
pub fn is_compared(columns: &[Column]) -> bool {
    columns.iter().any(|column| is_earlier(column, columns))
}

/// The same as bars that stand on each other; what was before is one line.
pub fn stacked_chart(columns: &[Column], rows: &[Value], utc: bool) -> Bars {
    let Lines { times, series, .. } = line_chart(columns, rows, utc);
    let (earlier, series): (Vec<Series>, Vec<Series>) =
        series.into_iter().partition(|series| series.token == EARLIER);
    let before = sum(earlier, times.len());
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    let interval = gaps.fold(f64::INFINITY, f64::min);
    let interval = if interval.is_finite() { interval } else { 1000.0 };
    let end = |at: Option<&f64>| at.copied().unwrap_or_default();
    Bars { from: end(times.first()), to: end(times.last()) + interval, interval, times, series, before, utc }
}

fn sum(series: Vec<Series>, count: usize) -> Option<Series> {
    let value = |at: usize| {
        let values = series.iter().filter_map(|series| series.values[at]);
        values.reduce(|sum, value| sum + value)
    };
    let values = (0..count).map(value).collect();
    let first = series.first()?;
    Some(Series { name: "before".into(), token: first.token.clone(), values, mark: false })
}

fn label(row: &Value, name: Option<&Column>, number: &Column, numbers: usize) -> String {
    let Some(name) = name else { return number.name.clone() };
    let value = name_text(row.get(&name.name));
    if numbers > 1 { format!("{value} {}", number.name) } else { value }
}

fn name_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "(none)".into(),
        Some(Value::String(text)) if text.is_empty() => "(empty)".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Lines of levels have the colours that levels have everywhere.
fn level_token(name: &str) -> Option<String> {
    ["fatal", "error", "warn", "info", "debug", "trace"].contains(&name).then(|| format!("fill-{name}"))
}

#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    pub name: String,
    pub value: f64,
    /// Of the longest bar.
    pub share: f64,
}

const MOST_BARS: usize = 20;

/// The first number column as bars, named by all that are no numbers.
pub fn top_list(columns: &[Column], rows: &[Value]) -> Vec<Top> {
    let Some(number) = columns.iter().find(|column| is_number(column)) else { return Vec::new() };
    let value = |row: &Value| row.get(&number.name).and_then(Value::as_f64).unwrap_or(0.0);
    let most = rows.iter().map(&value).fold(0.0, f64::max);
    let tops = rows.iter().take(MOST_BARS).map(|row| {
        let names =
            columns.iter().filter(|column| !is_number(column)).map(|column| match row.get(&column.name) {
                Some(Value::String(time)) if is_time(column) => {
                    format::parse_ms(time).map_or_else(|| time.clone(), format::rfc3339)
                }
                value => name_text(value),
            });
        let share = if most > 0.0 { (value(row) / most).max(0.0) } else { 0.0 };
        Top { name: names.collect::<Vec<_>>().join(" · "), value: value(row), share }
    });
    tops.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn columns(kinds: &[(&str, &str)]) -> Vec<Column> {
        kinds.iter().map(|(name, kind)| Column { name: (*name).into(), kind: (*kind).into() }).collect()
    }

    #[test]
    fn the_picture_follows_from_the_columns() {
        let two = [json!({}), json!({})];
        for (kinds, rows, expected) in [
            (&[("count", "number")][..], &two[..1], Picture::Number),
            (&[("source", "string"), ("count", "number")], &two, Picture::Bars),
            (&[("timestamp", "datetime"), ("count", "number")], &two, Picture::Lines),
            (&[("timestamp", "datetime"), ("level", "string"), ("count", "number")], &two, Picture::Lines),
            (&[("source", "string")], &two, Picture::Table),
            (&[("source", "string"), ("count", "number")], &two[..1], Picture::Table),
        ] {
            assert_eq!(picture(&columns(kinds), rows), expected, "{kinds:?}");
        }
    }

    #[test]
    fn what_can_be_drawn_over_time_can_be_stacked() {
        let columns = columns(&[("timestamp", "datetime"), ("level", "string"), ("count", "number")]);
        let row = |minute: u32, level: &str, count: u32| json!({"timestamp": format!("2026-03-10T10:{minute:02}:00Z"), "level": level, "count": count});
        let rows = [row(0, "error", 2), row(1, "info", 5), row(3, "error", 1)];
        assert_eq!(pictures(&columns, &rows), [Picture::Lines, Picture::Stacked, Picture::Table]);
        assert_eq!(pictures(&columns, &rows[..1]), [Picture::Table]);
        let lines = line_chart(&columns, &rows, true);
        assert_eq!(lines.series[0].values, [Some(2.0), None, Some(1.0)]);
    }

    #[test]
    fn bars_are_measured_against_the_longest() {
        let rows = [json!({"source": "api", "count": 8}), json!({"source": null, "count": 2})];
        let list = top_list(&columns(&[("source", "string"), ("count", "number")]), &rows);
        assert_eq!(
            list,
            [
                Top { name: "api".into(), value: 8.0, share: 1.0 },
                Top { name: "(none)".into(), value: 2.0, share: 0.25 }
            ]
        );
    }

    #[test]
    fn figures_of_an_earlier_time_are_quiet_lines_and_differences_are_none() {
        let number = |name| (name, "number");
        let columns = columns(&[
            ("timestamp", "datetime"),
            ("level", "string"),
            number("count"),
            number("count_prev"),
            number("count_delta"),
            number("count_pct"),
        ]);
        let row = |level: &str, now: u64, prev: u64| json!({"timestamp": "2026-03-10T10:00:00Z", "level": level, "count": now, "count_prev": prev, "count_delta": 1, "count_pct": 5});
        let rows = [row("info", 7, 4), row("warn", 2, 1)];
        let lines = line_chart(&columns, &rows, true).series;
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["info count", "info count_prev", "warn count", "warn count_prev"]);
        assert_eq!((lines[1].token.as_str(), lines[3].token.as_str()), (EARLIER, EARLIER));
        assert!(is_compared(&columns));

        let bars = stacked_chart(&columns, &rows, true);
        assert_eq!(bars.series.len(), 2);
        assert_eq!(bars.before.map(|before| before.values), Some(vec![Some(5.0)]));
    }
}
