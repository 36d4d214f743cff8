//! Where each row of the list lies: heights are computed from the text and never measured, so that a hundred thousand rows cost
//! no more than those in view.
//!
//! Log text is in a fixed-width type and breaks after any character, so a text of so many characters takes exactly so many lines.

use super::cells::{row_json, shown_text};
use crate::browser;
use api_types::search::EventRow;
use std::sync::Arc;

/// Height of a one-line row in pixels, as `--row` of `tokens.css`.
pub const ROW: u32 = 24;
/// Of a line in a row of several.
const LINE: u32 = 18;
/// Above and below the lines together.
const PADDING: u32 = 6;
/// A row shows no more lines than this; the panel shows the rest.
const MOST_LINES: usize = 40;
/// Browsers draw no element that is much higher.
pub const HIGHEST: u32 = 30_000_000;
/// Rows drawn above and below what is in view.
const MARGIN: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowView {
    /// One line for each event.
    Compact,
    /// The whole message.
    Wrapped,
    /// Everything, as JSON.
    Json,
}

const KEPT: &str = "cordwood.rows";

impl RowView {
    pub const ALL: [Self; 3] = [Self::Compact, Self::Wrapped, Self::Json];

    pub fn name(self) -> &'static str {
        match self {
            Self::Compact => "Compact",
            Self::Wrapped => "Wrapped",
            Self::Json => "JSON",
        }
    }

    pub fn remembered() -> Self {
        let kept = browser::stored(KEPT);
        Self::ALL.into_iter().find(|view| Some(view.name()) == kept.as_deref()).unwrap_or(Self::Compact)
    }

    pub fn remember(self) {
        browser::store(KEPT, (self != Self::Compact).then(|| self.name()));
    }

    pub fn next(self) -> Self {
        match self {
            Self::Compact => Self::Wrapped,
            Self::Wrapped => Self::Json,
            Self::Json => Self::Compact,
        }
    }
}

/// The text of a row as far as it is shown.
pub fn row_text(event: &EventRow, view: RowView) -> String {
    match view {
        RowView::Compact => super::cells::one_line(super::cells::beginning(message(event))),
        RowView::Wrapped => shown_text(message(event)),
        RowView::Json => row_json(event),
    }
}

fn message(event: &EventRow) -> &str {
    event.message.as_deref().unwrap_or_default()
}

/// How many lines a text takes, and where it is cut when these are too many.
pub fn lines(text: &str, columns: usize) -> (usize, Option<usize>) {
    let columns = columns.max(8);
    let (mut count, mut used) = (1, 0);
    for (at, letter) in text.char_indices() {
        let width = if letter as u32 >= 0x1100 { 2 } else { 1 };
        if letter == '\n' || used + width > columns {
            if count == MOST_LINES {
                return (count, Some(at));
            }
            count += 1;
            used = if letter == '\n' { 0 } else { width };
        } else {
            used += width;
        }
    }
    (count, None)
}

/// Where rows begin and end.
#[derive(Debug, Clone, PartialEq)]
pub enum Layout {
    Even {
        count: usize,
    },
    /// The upper edge of each row, and the lower of the last.
    Uneven {
        edges: Vec<u32>,
        view: RowView,
        columns: usize,
        first: Option<String>,
        last: Option<String>,
    },
}

impl Layout {
    pub fn even(count: usize) -> Self {
        Self::Even { count }
    }

    /// Continues `before` when rows were only added at the end.
    pub fn of(before: Option<&Self>, rows: &[Arc<EventRow>], view: RowView, columns: usize) -> Self {
        let mut edges =
            before.and_then(|before| before.continued(rows, view, columns)).unwrap_or_else(|| vec![0]);
        let mut edge = edges.last().copied().unwrap_or_default();
        for row in rows.iter().skip(edges.len() - 1) {
            let (count, _) = lines(&row_text(row, view), columns);
            edge += (count as u32 * LINE + PADDING).max(ROW);
            edges.push(edge);
        }
        let id = |row: Option<&Arc<EventRow>>| row.map(|row| row.id.clone());
        Self::Uneven { edges, view, columns, first: id(rows.first()), last: id(rows.last()) }
    }

    fn continued(&self, rows: &[Arc<EventRow>], wanted: RowView, width: usize) -> Option<Vec<u32>> {
        let Self::Uneven { edges, view, columns, first, last } = self else { return None };
        let known = edges.len() - 1;
        let is_same = |id: &Option<String>, at: usize| {
            id.as_deref().is_some_and(|id| rows.get(at).is_some_and(|row| row.id == id))
        };
        let holds = (*view, *columns) == (wanted, width)
            && known > 0
            && is_same(first, 0)
            && is_same(last, known - 1);
        holds.then(|| edges.clone())
    }

    pub fn count(&self) -> usize {
        match self {
            Self::Even { count } => *count,
            Self::Uneven { edges, .. } => edges.len() - 1,
        }
    }

    /// The upper edge of a row; of the one behind the last: the height of all.
    pub fn top(&self, row: usize) -> u32 {
        match self {
            Self::Even { count } => row.min(*count) as u32 * ROW,
            Self::Uneven { edges, .. } => edges.get(row).or(edges.last()).copied().unwrap_or_default(),
        }
    }

    pub fn height(&self, row: usize) -> u32 {
        self.top(row + 1).saturating_sub(self.top(row)).max(ROW)
    }

    pub fn total(&self) -> u32 {
        self.top(self.count())
    }

    /// The first and the last row (exclusive) that are drawn.
    pub fn in_view(&self, top: f64, height: f64) -> (usize, usize) {
        let at = |pixel: f64| match self {
            Self::Even { .. } => (pixel / f64::from(ROW)) as usize,
            Self::Uneven { edges, .. } => {
                edges.partition_point(|edge| f64::from(*edge) <= pixel).saturating_sub(1)
            }
        };
        let count = self.count();
        let first = at(top.max(0.0)).saturating_sub(MARGIN).min(count);
        (first, (at((top + height).max(0.0)) + MARGIN).min(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(id: usize, message: &str) -> Arc<EventRow> {
        let row = json!({"id": id.to_string(), "timestamp": "2026-03-10T10:00:00Z", "level": "info", "source": null, "host": null,
            "message": message, "trace_id": null, "span_id": null, "attributes": {}});
        Arc::new(serde_json::from_value(row).expect("an event"))
    }

    #[test]
    fn only_what_is_in_view_is_drawn() {
        let row = f64::from(ROW);
        let layout = Layout::even(100_000);
        assert_eq!(layout.in_view(0.0, row * 10.0), (0, 10 + MARGIN));
        assert_eq!(layout.in_view(row * 50_000.0, row * 10.0), (50_000 - MARGIN, 50_010 + MARGIN));
        assert_eq!(Layout::even(30).in_view(1e9, row), (30, 30));
        assert_eq!(Layout::even(0).in_view(0.0, row), (0, 0));
    }

    #[test]
    fn a_text_takes_the_lines_that_its_letters_fill() {
        assert_eq!(lines("", 10), (1, None));
        assert_eq!(lines("0123456789", 10), (1, None));
        assert_eq!(lines("0123456789x", 10), (2, None));
        assert_eq!(lines("a\nb\n", 10), (3, None));
        assert_eq!(lines("日本語日本語", 10), (2, None));
        assert_eq!(lines(&"x".repeat(10 * MOST_LINES + 1), 10), (MOST_LINES, Some(10 * MOST_LINES)));
    }

    #[test]
    fn rows_of_several_lines_are_found_by_where_they_lie() {
        let rows = [row(0, "a"), row(1, &"b".repeat(25)), row(2, "c")];
        let layout = Layout::of(None, &rows, RowView::Wrapped, 10);
        assert_eq!((layout.top(1), layout.height(1), layout.total()), (24, 60, 108));
        assert_eq!(layout.in_view(30.0, 1.0).0, 0);
        assert_eq!(layout.count(), 3);
    }

    #[test]
    fn added_rows_leave_the_others_where_they_are() {
        let all: Vec<_> = (0..50).map(|id| row(id, &"x".repeat(id))).collect();
        let some = Layout::of(None, &all[..20], RowView::Wrapped, 10);
        assert_eq!(
            Layout::of(Some(&some), &all, RowView::Wrapped, 10),
            Layout::of(None, &all, RowView::Wrapped, 10)
        );
        let others: Vec<_> = all.iter().rev().cloned().collect();
        assert_eq!(
            Layout::of(Some(&some), &others, RowView::Wrapped, 10),
            Layout::of(None, &others, RowView::Wrapped, 10)
        );
        assert_ne!(
            Layout::of(Some(&some), &all, RowView::Json, 10),
            Layout::of(None, &all, RowView::Wrapped, 10)
        );
    }
}
