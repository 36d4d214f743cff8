//! What may be written at the cursor: from the language, the fields that are known, and values asked from the server.

use super::part::{Values, language};
use super::spoken::Units;
use api_types::search::Field;
use futures::future::LocalBoxFuture;
use query_lang::ast::Kind;
use query_lang::{Catalogue, CompletionKind, KnownField, KnownValue, TokenClass};
use serde::Serialize;
use std::rc::Rc;

/// Where values come from: the field, and what is typed of one; answers values with their counts.
pub type ValueSource = Rc<dyn Fn(String, String) -> LocalBoxFuture<'static, Vec<(String, u64)>>>;

/// Offsets are UTF-16 units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completion {
    pub from: u32,
    pub to: u32,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    pub label: String,
    pub kind: CompletionKind,
    /// Beside the label.
    pub detail: Option<String>,
    /// In a box of its own.
    pub doc: Option<String>,
}

/// Completions for the text before the cursor, given in UTF-16 units; nothing where nothing can be said.
pub async fn complete(text: &str, cursor: u32, fields: &[Field], values: &ValueSource) -> Option<Completion> {
    let language = language()?;
    let found = match (language.wanted_value)(text, cursor) {
        Some((field, typed)) => Some((field.clone(), values(field, typed).await)),
        None => None,
    };
    (language.complete)(text, cursor, fields, found)
}

/// The field whose values are wanted at the cursor, and what is typed of one.
pub(super) fn wanted_value(text: &str, cursor: u32) -> Option<(String, String)> {
    let (field, typed) = value_at(&text[..bytes_at(text, cursor)])?;
    (!matches!(field.as_str(), "level" | "timestamp" | "message" | "id")).then_some((field, typed))
}

/// Completions out of what is known, and the values of the field at the cursor.
pub(super) fn completions(
    text: &str,
    cursor: u32,
    fields: &[Field],
    values: Option<Values>,
) -> Option<Completion> {
    let cursor = bytes_at(text, cursor);
    let mut catalogue = Catalogue { fields: fields.iter().map(known).collect(), tables: Vec::new() };
    if let Some((field, found)) = values {
        let top_values = found.into_iter().map(|(text, count)| KnownValue { text, count }).collect();
        catalogue.fields.retain(|known| known.path != field);
        catalogue.fields.push(KnownField { path: field, top_values, ..KnownField::default() });
    }
    let completion = query_lang::complete(text, cursor, &catalogue);
    let mut units = Units::new(text);
    let items: Vec<Item> = completion.items.into_iter().map(item).collect();
    let (from, to) = (units.at(completion.replace.start), units.at(completion.replace.end));
    (!items.is_empty()).then_some(Completion { from, to, items })
}

fn item(item: query_lang::CompletionItem) -> Item {
    let is_long =
        matches!(item.kind, CompletionKind::Function | CompletionKind::Stage | CompletionKind::Option);
    let (detail, doc) = if is_long { (None, item.doc) } else { (item.doc, None) };
    Item { label: item.text, kind: item.kind, detail, doc }
}

fn known(field: &Field) -> KnownField {
    let kind = match field.kind.as_str() {
        "number" => Kind::Number,
        "bool" => Kind::Bool,
        "array" => Kind::Array,
        "string" => Kind::Text,
        _ => Kind::Any,
    };
    KnownField { path: field.name.clone(), kinds: vec![kind], count: field.count, ..KnownField::default() }
}

fn bytes_at(text: &str, units: u32) -> usize {
    let mut left = units as usize;
    let end = text.char_indices().find(|(_, letter)| {
        let there = left == 0;
        left = left.saturating_sub(letter.len_utf16());
        there
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// The field whose value is being typed at the end of the text, and what is typed of it.
fn value_at(typed: &str) -> Option<(String, String)> {
    let tokens = query_lang::tokens(typed);
    let mut before = tokens.iter().rev().filter(|token| token.class != TokenClass::Blank);
    let mut token = before.next()?;
    let mut value = "";
    if token.class != TokenClass::Operator {
        if token.end != typed.len() {
            return None; // a blank has ended the value
        }
        value = &typed[token.start..token.end];
        token = before.next()?;
    }
    let is_operator = token.class == TokenClass::Operator;
    let field = before.next()?;
    let is_field = matches!(field.class, TokenClass::Field | TokenClass::CoreField);
    let name = typed[field.start..field.end].trim_matches('`').replace("``", "`");
    (is_operator && is_field).then(|| (name, value.trim_start_matches(['"', '\'']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    fn labels(text: &str) -> Vec<String> {
        let values: ValueSource = Rc::new(|field, typed| {
            let all = if field == "source" {
                vec![("api".to_owned(), 5), ("auth".to_owned(), 2)]
            } else {
                Vec::new()
            };
            let some = all.into_iter().filter(move |(value, _)| value.starts_with(&typed)).collect();
            Box::pin(async { some })
        });
        let fields = [Field {
            name: "http.status".into(),
            kind: "number".into(),
            count: 3,
            distinct: None,
            types: Default::default(),
        }];
        let end = text.encode_utf16().count() as u32;
        let completion = block_on(complete(text, end, &fields, &values));
        completion
            .map(|completion| completion.items.into_iter().map(|item| item.label).collect())
            .unwrap_or_default()
    }

    #[test]
    fn values_come_from_the_server() {
        assert!(
            labels("é source:a").starts_with(&["api".to_owned(), "auth".to_owned()]),
            "{:?}",
            labels("é source:a")
        );
        assert!(labels("source:au").contains(&"auth".to_owned()));
    }

    #[test]
    fn fields_levels_and_stages_are_offered_where_they_may_stand() {
        assert!(labels("http.st").contains(&"http.status:".to_owned()));
        assert!(labels("level:").contains(&"error".to_owned()));
        assert!(labels("* | sta").iter().any(|label| label.starts_with("stats")), "{:?}", labels("* | sta"));
    }

    #[test]
    fn the_value_being_typed_is_found() {
        assert_eq!(value_at("x source:a"), Some(("source".into(), "a".into())));
        assert_eq!(value_at("source:"), Some(("source".into(), String::new())));
        assert_eq!(value_at("`order-id` = \"12"), Some(("order-id".into(), "12".into())));
        assert_eq!(value_at("source:api "), None);
        assert_eq!(value_at("timeout"), None);
    }
}
