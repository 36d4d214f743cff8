//! Aligned tables; on a terminal with bars behind the first figure.

use super::plain;
use crate::terminal::Style;
use api_types::search::Column;
use serde_json::Value as Json;
use std::borrow::Cow;

/// Columns of text become no narrower than this to make room.
const NARROWEST: usize = 10;
const BAR: usize = 24;
const SHORTEST_BAR: usize = 6;

/// Writes the table. `bars` draws the first measure of each row.
pub fn write(columns: &[Column], rows: &[Vec<Json>], style: Style, out: &mut Vec<u8>) {
    if columns.is_empty() {
        return;
    }
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(shown).collect()).collect();
    let is_number: Vec<bool> =
        (0..columns.len()).map(|column| is_numeric(&columns[column], rows, column)).collect();
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let widest = cells.iter().filter_map(|row| row.get(index)).map(|cell| width(cell)).max();
            widest.unwrap_or(0).max(width(&column.name))
        })
        .collect();
    if let Some(terminal) = style.width {
        fit(&mut widths, &is_number, terminal);
    }
    let bars = bars(columns, rows, &is_number, &widths, style);
    let header: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let line = |cells: &[String], sgr: &str| {
        let padded = cells.iter().zip(&widths).zip(&is_number).map(|((cell, width_of), right)| {
            let cell = cut(cell, *width_of);
            let blanks = " ".repeat(width_of - width(&cell));
            if *right { format!("{blanks}{cell}") } else { format!("{cell}{blanks}") }
        });
        style.paint(sgr, padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    push(&line(&header, "1"), out);
    for (index, row) in cells.iter().enumerate() {
        let mut text = line(row, "");
        if let Some(bar) = bars.get(index).filter(|bar| !bar.is_empty()) {
            // The last column may have been shortened by its trailing blanks.
            let whole: usize = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
            text.push_str(&" ".repeat(whole - width(&text) + 2));
            text.push_str(&style.paint("36", bar));
        }
        push(&text, out);
    }
}

fn push(line: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

/// Takes from the widest columns of text until the table is as wide as the terminal; figures stay whole.
fn fit(widths: &mut [usize], is_number: &[bool], terminal: usize) {
    let between = 2 * (widths.len() - 1);
    while widths.iter().sum::<usize>() + between > terminal {
        let texts = widths.iter_mut().zip(is_number).filter(|(_, is_number)| !**is_number);
        match texts.map(|(width, _)| width).max().filter(|width| **width > NARROWEST) {
            Some(widest) => *widest -= 1,
            None => return,
        }
    }
}

/// One line.
fn shown(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::Number(number) => rounded(number),
        other => plain(other).replace(char::is_control, " "),
    }
}

/// At most so wide, with a mark where something is missing.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return text.into();
    }
    let mut short = String::new();
    for character in text.chars() {
        short.push(character);
        if width(&short) >= most {
            short.pop();
            break;
        }
    }
    (short + "…").into()
}

/// Figures are for reading here: six digits are enough of a fraction.
fn rounded(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.abs() < 1e15 => {
            let digits = if float.abs() >= 100.0 { 2 } else { 4 };
            let text = format!("{float:.digits$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

fn width(text: &str) -> usize {
    super::wrap::columns(text)
}

fn is_numeric(column: &Column, rows: &[Vec<Json>], index: usize) -> bool {
    column.kind == "number" || {
        let mut present =
            rows.iter().filter_map(|row| row.get(index)).filter(|value| !value.is_null()).peekable();
        present.peek().is_some() && present.all(Json::is_number)
    }
}

/// A bar for each row, as long as the first figure behind a key; none when there is no room or nothing to compare.
fn bars(
    columns: &[Column],
    rows: &[Vec<Json>],
    is_number: &[bool],
    widths: &[usize],
    style: Style,
) -> Vec<String> {
    let Some(terminal) = style.width else { return Vec::new() };
    let used: usize = widths.iter().sum::<usize>() + 2 * widths.len();
    let room = terminal.saturating_sub(used).min(BAR);
    let Some(measure) = is_number.iter().position(|number| *number).filter(|index| *index > 0) else {
        return Vec::new();
    };
    let values: Vec<f64> =
        rows.iter().map(|row| row.get(measure).and_then(Json::as_f64).unwrap_or(0.0)).collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    if room < SHORTEST_BAR || rows.len() < 2 || most <= 0.0 || columns.len() < 2 {
        return Vec::new();
    }
    values.iter().map(|value| bar(value / most, room)).collect()
}

/// A share of a bar in eighths of a character.
fn bar(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * room as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(width: Option<usize>) -> String {
        let column = |name: &str, kind: &str| Column { name: name.into(), kind: kind.into() };
        let columns = [column("source", "string"), column("count", "number"), column("p95", "number")];
        let rows = vec![
            vec![json!("api"), json!(15), json!(12.3456789)],
            vec![json!("worker"), json!(5), json!(null)],
        ];
        let mut out = Vec::new();
        write(&columns, &rows, Style { color: false, width }, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn columns_are_aligned_and_figures_stand_on_the_right() {
        assert_eq!(table(None), "source  count      p95\napi        15  12.3457\nworker      5        -\n");
    }

    #[test]
    fn a_terminal_gets_bars_of_the_first_figure() {
        let lines = table(Some(36));
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[1], "api        15  12.3457  ████████████");
        assert_eq!(lines[2], "worker      5        -  ████");
        assert_eq!(table(Some(25)), table(None));
    }

    #[test]
    fn a_table_is_no_wider_than_the_terminal_as_long_as_its_texts_can_give_way() {
        let column = |name: &str| Column { name: name.into(), kind: "string".into() };
        let columns = [column("route"), column("message"), column("count")];
        let message = "the connection to the database was closed by the other side";
        let rows = vec![vec![json!("/api/v1/carts"), json!(message), json!(12_345)]];
        let lines = |width| {
            let mut out = Vec::new();
            write(&columns, &rows, Style { color: false, width: Some(width) }, &mut out);
            String::from_utf8(out).expect("text").lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(40)[1], "/api/v1/carts  the connection to…  12345");
        assert_eq!(lines(40)[0], "route          message             count");
        // Narrower than this it would say nothing any more.
        assert_eq!(lines(20)[1], "/api/v1/c…  the conne…  12345");
    }
}
