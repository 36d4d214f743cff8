//! Draws the rows in view, by hand: a fling changes sixty rows a frame, too many for making components.
//!
//! The elements of a row are made once and used again for other rows; what a row already shows is not written again. Texts of
//! events only ever become text nodes.

use super::cells::{beginning, field_text, marked_parts, one_line, shown_text};
use super::layout::{Layout, RowView, lines, row_text};
use crate::browser;
use crate::format;
use crate::language::Matches;
use crate::preferences::Zone;
use api_types::search::EventRow;
use leptos::prelude::document;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};

/// What all rows have in common.
#[derive(Clone)]
pub struct Look {
    pub view: RowView,
    pub columns: Vec<String>,
    pub zone: Zone,
    /// In a line of a message.
    pub letters: usize,
    pub matches: Option<Arc<Matches>>,
}

impl Look {
    fn is_same(&self, other: &Self) -> bool {
        let same_matches = match (&self.matches, &other.matches) {
            (Some(here), Some(there)) => Arc::ptr_eq(here, there),
            (None, None) => true,
            _ => false,
        };
        let same_lines = self.view == RowView::Compact || self.letters == other.letters;
        same_matches
            && same_lines
            && (self.view, self.zone) == (other.view, other.zone)
            && self.columns == other.columns
    }
}

/// The elements of one row, and which event they show where.
struct Slot {
    row: HtmlElement,
    day: Element,
    second: Node,
    fraction: Element,
    level: Element,
    source: Element,
    message: Element,
    extra: Vec<Element>,
    event: Option<Arc<EventRow>>,
    place: Option<Place>,
    is_shown: bool,
}

/// What changes without another event.
#[derive(PartialEq)]
struct Place {
    index: usize,
    top: u32,
    height: u32,
    is_open: bool,
    is_cursor: bool,
}

/// The rows of one list.
#[derive(Default)]
pub struct Painter {
    slots: Vec<Slot>,
    look: Option<Look>,
}

/// Which rows are marked.
pub struct Marked<'a> {
    pub open: Option<&'a str>,
    pub cursor: Option<usize>,
}

impl Painter {
    /// Makes `space` show these rows and no others.
    pub fn paint(
        &mut self,
        space: &Element,
        rows: &[(usize, Arc<EventRow>)],
        layout: &Layout,
        look: Look,
        marked: &Marked,
    ) {
        if !self.look.as_ref().is_some_and(|before| before.is_same(&look)) {
            self.slots.iter_mut().for_each(|slot| slot.event = None);
        }
        while self.slots.len() < rows.len() {
            self.slots.push(Slot::new());
        }
        let count = self.slots.len().max(1);
        let mut used = vec![false; count];
        for (index, event) in rows {
            let slot = &mut self.slots[index % count];
            used[index % count] = true;
            slot.show_event(event, &look);
            slot.show_place(Place {
                index: *index,
                top: layout.top(*index),
                height: layout.height(*index),
                is_open: marked.open == Some(event.id.as_str()),
                is_cursor: marked.cursor == Some(*index),
            });
        }
        self.attach(space, &used);
        self.look = Some(look);
    }

    /// Puts used rows into the list, in order, and takes the others out.
    fn attach(&mut self, space: &Element, used: &[bool]) {
        let mut following: Option<Node> = None;
        for (slot, used) in self.slots.iter_mut().zip(used).rev() {
            match (slot.is_shown, *used) {
                (false, true) => {
                    let _put = space.insert_before(&slot.row, following.as_ref());
                }
                (true, false) => slot.row.remove(),
                _ => {}
            }
            slot.is_shown = *used;
            if *used {
                following = Some(slot.row.clone().into());
            }
        }
    }
}

fn element(tag: &str) -> Element {
    document().create_element(tag).expect("a page can make elements")
}

fn cell(row: &Element, class: &str) -> Element {
    let cell = element("span");
    set(&cell, "role", "gridcell");
    set(&cell, "class", class);
    let _put = row.append_child(&cell);
    cell
}

fn set(element: &Element, name: &str, value: &str) {
    let _set = element.set_attribute(name, value);
}

impl Slot {
    fn new() -> Self {
        let row: HtmlElement = element("div").unchecked_into();
        set(&row, "role", "row");
        let time = cell(&row, "line-time");
        let part = |class: &str| {
            let part = element("span");
            set(&part, "class", class);
            let _put = time.append_child(&part);
            part
        };
        let day = part("line-day");
        let second: Node = document().create_text_node("").into();
        let _put = time.append_child(&second);
        let fraction = part("line-fraction");
        Self {
            day,
            second,
            fraction,
            level: cell(&row, "level"),
            source: cell(&row, "truncate soft"),
            message: cell(&row, "line-message truncate"),
            extra: Vec::new(),
            event: None,
            place: None,
            is_shown: false,
            row,
        }
    }

    fn show_event(&mut self, event: &Arc<EventRow>, look: &Look) {
        if self.event.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, event)) {
            return;
        }
        self.show_time(event, look.zone);
        let level = event.level.as_deref().unwrap_or("unknown");
        set(&self.level, "class", &format!("level level-{level}"));
        self.level.set_text_content(Some(if level == "unknown" { "–" } else { level }));
        let spans = look.matches.as_ref().map(|matches| matches.spans(event)).unwrap_or_default();
        let of = |field: &str| spans.get(field).map(Vec::as_slice).unwrap_or_default();
        let source = event.source.as_deref().unwrap_or_default();
        write(&self.source, &marked_parts(source, of("source"), one_line, None));
        self.fit_columns(look.columns.len());
        for (cell, column) in self.extra.iter().zip(&look.columns) {
            let text = field_text(event, column).unwrap_or_default();
            write(cell, &marked_parts(&text, of(column), one_line, None));
        }
        write(&self.message, &message_parts(event, of("message"), look));
        self.event = Some(Arc::clone(event));
        self.place = None;
    }

    fn show_time(&self, event: &EventRow, zone: Zone) {
        let Some(ms) = format::parse_ms(&event.timestamp) else { return };
        let minutes = zone.minutes(ms);
        self.day.set_text_content(Some(&format::row_day(ms, minutes)));
        self.second.set_text_content(Some(&format::row_second(ms, minutes)));
        self.fraction.set_text_content(Some(&format::row_fraction(ms, minutes)));
    }

    fn fit_columns(&mut self, count: usize) {
        while self.extra.len() > count {
            if let Some(cell) = self.extra.pop() {
                cell.remove();
            }
        }
        while self.extra.len() < count {
            let added = cell(&self.row, "truncate soft");
            let _put = self.row.insert_before(&added, Some(&self.message));
            self.extra.push(added);
        }
    }

    fn show_place(&mut self, place: Place) {
        if self.place.as_ref() == Some(&place) {
            return;
        }
        let level = self.event.as_ref().and_then(|event| event.level.as_deref()).unwrap_or("unknown");
        let open = if place.is_open { " line-open" } else { "" };
        let cursor = if place.is_cursor { " line-cursor" } else { "" };
        set(&self.row, "class", &format!("line line-{level}{open}{cursor}"));
        set(&self.row, "id", &format!("row-{}", place.index));
        set(&self.row, "aria-rowindex", &(place.index + 1).to_string());
        set(&self.row, "aria-selected", if place.is_open { "true" } else { "false" });
        browser::place(&self.row, place.top, place.height);
        self.place = Some(place);
    }
}

fn write(cell: &Element, parts: &[(String, bool)]) {
    if let [] | [(_, false)] = parts {
        return cell.set_text_content(parts.first().map(|(text, _)| text.as_str()));
    }
    cell.set_text_content(None);
    for (text, matched) in parts {
        let part: Node = if *matched {
            let mark = element("mark");
            mark.set_text_content(Some(text));
            mark.into()
        } else {
            document().create_text_node(text).into()
        };
        let _put = cell.append_child(&part);
    }
}

fn message_parts(event: &EventRow, spans: &[(usize, usize)], look: &Look) -> Vec<(String, bool)> {
    let message = event.message.as_deref().unwrap_or_default();
    match look.view {
        RowView::Compact => marked_parts(beginning(message), spans, one_line, None),
        RowView::Wrapped => {
            let (_, end) = lines(&row_text(event, look.view), look.letters);
            marked_parts(message, spans, shown_text, end)
        }
        RowView::Json => {
            let text = row_text(event, look.view);
            let (_, end) = lines(&text, look.letters);
            vec![(end.map_or_else(|| text.clone(), |end| format!("{}…", &text[..end])), false)]
        }
    }
}
