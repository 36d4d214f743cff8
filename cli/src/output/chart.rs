//! Series over time as one line each: ▁▂▅█.

use super::plain;
use crate::terminal::Style;
use api_types::search::Column;
use serde_json::Value as Json;

const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws a table whose first column is a time and whose last one is a figure. Says whether it is such a table.
pub fn write(columns: &[Column], rows: &[Vec<Json>], style: Style, out: &mut Vec<u8>) -> bool {
    let (Some(width), [time, keys @ .., last]) = (style.width, columns) else { return false };
    let (labels, measures): (Vec<&Column>, Vec<&Column>) =
        keys.iter().partition(|column| column.kind != "number");
    if time.kind != "datetime" || last.kind != "number" || labels.len() > 1 || rows.len() < 3 {
        return false;
    }
    let first_measure = 1 + labels.len();
    let count = measures.len() + 1;
    let mut series: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    for row in rows {
        for index in 0..count {
            let name = name(row, &labels, &columns[first_measure + index].name, count);
            let value = row.get(first_measure + index).and_then(Json::as_f64);
            match series.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => series.push((name, vec![value])),
            }
        }
    }
    let widest = series.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let room = width.saturating_sub(widest + 26).clamp(10, 120);
    for (name, values) in &series {
        let blanks = " ".repeat(widest - name.chars().count());
        let line = style.paint("36", &sparkline(&squeezed(values, room)));
        let (low, high) = ends(values);
        out.extend_from_slice(
            format!("{name}{blanks}  {line}  {} – {}\n", figure(low), figure(high)).as_bytes(),
        );
    }
    let ends =
        [rows.first(), rows.last()].map(|row| row.and_then(|row| row.first()).map(plain).unwrap_or_default());
    let [from, to] = ends;
    out.extend_from_slice(style.paint("2", &format!("{}  {from} to {to}", " ".repeat(widest))).as_bytes());
    out.push(b'\n');
    true
}

fn name(row: &[Json], labels: &[&Column], measure: &str, measures: usize) -> String {
    let label = labels.first().map(|_| {
        row.get(1).map_or_else(String::new, |key| match key {
            Json::Null => "-".to_owned(),
            key => plain(key),
        })
    });
    match label {
        Some(label) if measures > 1 => format!("{label} {measure}"),
        Some(label) => label,
        None => measure.to_owned(),
    }
}

fn ends(values: &[Option<f64>]) -> (f64, f64) {
    let values = || values.iter().flatten().copied();
    (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
}

fn figure(number: f64) -> String {
    match number {
        _ if !number.is_finite() => "-".to_owned(),
        _ if number.fract() == 0.0 => format!("{number}"),
        _ => format!("{number:.2}"),
    }
}

/// The largest of neighbours, when there are more than fit.
fn squeezed(values: &[Option<f64>], room: usize) -> Vec<Option<f64>> {
    if values.len() <= room {
        return values.to_vec();
    }
    let part = |index: usize| &values[index * values.len() / room..(index + 1) * values.len() / room];
    (0..room).map(|index| part(index).iter().flatten().copied().reduce(f64::max)).collect()
}

/// From the smaller of 0 and the least up to the most; a gap where there is nothing.
fn sparkline(values: &[Option<f64>]) -> String {
    let (low, high) = ends(values);
    let low = low.min(0.0);
    let height = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        HEIGHTS[((share * 7.0).round() as usize).min(7)]
    };
    values.iter().map(|value| value.map_or(' ', height)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_series_is_a_line_with_its_ends() {
        let column = |name: &str, kind: &str| Column { name: name.into(), kind: kind.into() };
        let columns =
            [column("timestamp", "datetime"), column("source", "string"), column("count", "number")];
        let rows: Vec<Vec<Json>> = [("t1", "api", 1), ("t1", "db", 0), ("t2", "api", 8), ("t2", "db", 0)]
            .map(|(time, source, count)| vec![json!(time), json!(source), json!(count)])
            .to_vec();
        let mut out = Vec::new();
        let style = Style { color: false, width: Some(80) };
        assert!(write(&columns, &rows, style, &mut out));
        assert_eq!(String::from_utf8_lossy(&out), "api  ▂█  1 – 8\ndb   ▁▁  0 – 0\n     t1 to t2\n");
        assert!(!write(&columns, &rows, Style { color: false, width: None }, &mut out));
    }
}
