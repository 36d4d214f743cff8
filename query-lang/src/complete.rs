//! What may be typed at the cursor: fields, values, operators, stages, options, functions, levels, times.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ast::{
    Column, Core, FunctionDoc, Kind, Level, LiteralClass, Shape, aggregate_docs, function_docs, window_docs,
};
use crate::catalogue::KnownField;
use crate::stage_docs::{STAGES, StageDoc};
use crate::walk::{Place, Walker};
use crate::{Catalogue, CheckContext, Span, check, literal, parse, quote};

/// Proposals for the text in `replace`, best first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    pub replace: Span,
    pub items: Vec<CompletionItem>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompletionItem {
    /// What is put in, quoted as it has to be.
    pub text: String,
    pub kind: CompletionKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub doc: Option<String>,
    /// Higher is better.
    pub score: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionKind {
    Field,
    Column,
    Value,
    Operator,
    Keyword,
    Stage,
    Option,
    Function,
    Level,
    Unit,
    Time,
    Table,
}

const MOST_ITEMS: usize = 50;
const FILTER_FUNCTIONS: [(&str, &str); 7] = [
    ("exists", "the field is present"),
    ("missing", "the field is absent"),
    ("cidr", "the address lies in a network"),
    ("contains", "holds the text, letter case counts"),
    ("startswith", "begins with the text"),
    ("endswith", "ends with the text"),
    ("phrase", "holds the words side by side"),
];
const TIMES: [(&str, &str); 6] = [
    ("15m", "the last 15 minutes"),
    ("1h", "the last hour"),
    ("today", "since midnight"),
    ("yesterday", "the day before"),
    ("now-15m", "15 minutes ago"),
    ("now/d", "the current day"),
];

/// Proposes what may stand at the cursor, a byte offset. Text behind the cursor is left alone.
#[must_use]
pub fn complete(source: &str, cursor: usize, catalogue: &Catalogue) -> Completion {
    let cursor = (0..=cursor.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    let typed = &source[..cursor];
    let mut walker = Walker::new(typed);
    walker.query();
    if walker
        .tokens
        .last()
        .is_some_and(|token| token.class == crate::TokenClass::Comment && token.end == cursor)
    {
        return Completion { replace: Span::new(cursor, cursor), items: Vec::new() };
    }
    let start = walker.place.0;
    let mut proposals = Proposals {
        partial: typed[start..].trim_start_matches(['"', '\'', '`']).to_lowercase(),
        raw: &typed[start..],
        catalogue,
        shape: shape_before(typed, walker.pipe),
        items: Vec::new(),
    };
    proposals.place(&walker.place.1);
    for place in &walker.also {
        proposals.place(place);
    }
    Completion { replace: Span::new(start, cursor), items: proposals.best() }
}

/// The rows that the stage at the cursor works on. Events when that cannot be told.
fn shape_before(typed: &str, (start, bar): (usize, Option<usize>)) -> Shape {
    let hour = 3_600_000_000_000;
    let context = CheckContext { now_ns: hour, from_ns: 0, to_ns: hour, time_zone: TimeZone::UTC };
    let before = bar.and_then(|bar| typed.get(start..bar));
    let checked = before
        .and_then(|before| parse(before).ok())
        .and_then(|parsed| check(&parsed.query, &Catalogue::default(), &context).ok());
    checked.map(|checked| checked.query.output()).unwrap_or_default()
}

struct Proposals<'a> {
    /// In lower case, without an opening quote.
    partial: String,
    raw: &'a str,
    catalogue: &'a Catalogue,
    shape: Shape,
    items: Vec<CompletionItem>,
}

impl Proposals<'_> {
    fn place(&mut self, place: &Place) {
        match place {
            Place::Term => self.term(),
            Place::Value { field } => self.values(field, false),
            Place::Operator => self.operators(),
            Place::Operand { field } => {
                if let Some(field) = field {
                    self.values(field, true);
                }
                self.columns();
                self.functions(function_docs(), "");
                self.words(&["not", "true", "false", "null"]);
            }
            Place::Column => self.columns(),
            Place::Stage => self.stages(),
            Place::Aggregate => {
                self.functions(aggregate_docs(), "");
                for name in ["p50", "p95", "p99", "median"] {
                    self.add(name, &format!("{name}("), CompletionKind::Function, Some("percentile"), 10);
                }
            }
            Place::WindowFunction => self.functions(window_docs(), ""),
            Place::Options { stage } => self.options(stage),
            Place::OptionValue { stage, option } => self.option_values(stage, option),
            Place::Words(words) => self.words(words),
            Place::Table => {
                for table in &self.catalogue.tables {
                    self.add(&table.name, &table.name, CompletionKind::Table, None, 0);
                }
            }
            Place::Free => {}
        }
    }

    /// Adds a proposal when it fits what is typed: best as its beginning, else anywhere inside.
    fn add(&mut self, name: &str, text: &str, kind: CompletionKind, doc: Option<&str>, bonus: u32) {
        let lower = name.to_lowercase();
        let fit = match lower.find(&self.partial) {
            Some(0) if lower.len() == self.partial.len() => 300,
            Some(0) => 200,
            Some(at) if lower[..at].ends_with(['.', '_', '-', '/']) => 120,
            Some(_) if self.partial.len() > 1 => 60,
            _ => return,
        };
        let item = CompletionItem {
            text: text.to_owned(),
            kind,
            doc: doc.map(str::to_owned),
            score: fit + bonus.min(99),
        };
        if !self.items.iter().any(|known| known.text == item.text) {
            self.items.push(item);
        }
    }

    fn best(mut self) -> Vec<CompletionItem> {
        self.items.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
        self.items.truncate(MOST_ITEMS);
        self.items
    }

    /// The start of a filter term: `field:`, a function.
    fn term(&mut self) {
        if let Shape::Table { columns } = self.shape.clone() {
            for column in &columns {
                self.filter_field(&column.name, None, 50);
            }
        } else {
            for core in Core::ALL {
                self.filter_field(core.name(), Some("core field"), 40);
            }
            for (rank, field) in self.catalogue.fields.iter().enumerate() {
                self.filter_field(&field.path, Some(&about(field)), rank_bonus(rank));
            }
        }
        if self.raw.len() > 1 {
            for (name, doc) in FILTER_FUNCTIONS {
                self.add(name, &format!("{name}("), CompletionKind::Function, Some(doc), 5);
            }
        }
    }

    fn filter_field(&mut self, path: &str, doc: Option<&str>, bonus: u32) {
        let field = quote::filter_field(path);
        self.add(path, &format!("{field}:"), CompletionKind::Field, doc, bonus);
        if path.to_lowercase() == self.partial {
            for (operator, doc) in [
                (">=", "at least"),
                ("<", "below"),
                ("!=", "different"),
                (" in (", "one of"),
                (":*", "present"),
            ] {
                self.add(path, &format!("{field}{operator}"), CompletionKind::Operator, Some(doc), 0);
            }
        }
    }

    /// Values of a field. In expressions text stands in quotes.
    fn values(&mut self, field: &str, in_expression: bool) {
        let kind = self.kind_of(field);
        match kind {
            Some(Kind::Level) => {
                for level in Level::ALL {
                    self.add(level.name(), level.name(), CompletionKind::Level, None, 10 * level as u32);
                }
            }
            Some(Kind::Time) => {
                for (text, doc) in TIMES {
                    let written = if in_expression { quote::string(text) } else { text.to_owned() };
                    self.add(text, &written, CompletionKind::Time, Some(doc), 0);
                }
            }
            Some(Kind::Bool) => self.words(&["true", "false"]),
            _ => {}
        }
        self.units();
        let Some(known) = self.catalogue.field(field) else { return };
        for (rank, value) in known.top_values.iter().enumerate() {
            let number = matches!(literal::classify(&value.text), LiteralClass::Number(number) if number.canonical == value.text);
            let text = match (number, in_expression || self.raw.starts_with(['"', '\''])) {
                (true, _) => value.text.clone(),
                (false, true) => quote::string(&value.text),
                (false, false) => quote::value(&value.text),
            };
            let doc = format!("{} events", value.count);
            self.add(&value.text, &text, CompletionKind::Value, Some(&doc), rank_bonus(rank));
        }
        if !in_expression && self.raw.is_empty() {
            self.add("*", "*", CompletionKind::Operator, Some("the field is present"), 0);
        }
    }

    /// `15` → `15ms`, `15s` …
    fn units(&mut self) {
        if literal::number(&self.partial).is_none() {
            return;
        }
        for (unit, doc) in [
            ("ms", "milliseconds"),
            ("s", "seconds"),
            ("m", "minutes"),
            ("h", "hours"),
            ("kB", "1000 bytes"),
            ("MB", "1000 kB"),
            ("MiB", "1024 KiB"),
        ] {
            let text = format!("{}{unit}", self.partial);
            self.add(&text, &text, CompletionKind::Unit, Some(doc), 0);
        }
    }

    fn kind_of(&self, field: &str) -> Option<Kind> {
        let column = self.shape.columns().iter().find(|column| column.name == field);
        if let Some(Column { kind, .. }) = column {
            return Some(*kind);
        }
        let core = Core::from_name(field).filter(|_| self.shape.is_events()).map(Core::kind);
        core.or_else(|| self.catalogue.field(field)?.kinds.first().copied())
    }

    fn operators(&mut self) {
        for (operator, doc) in [
            ("=", "equal"),
            ("!=", "different"),
            (">=", "at least"),
            ("<=", "at most"),
            (">", "above"),
            ("<", "below"),
            ("=~", "matches a regular expression"),
            ("in (", "one of"),
            ("and", "both"),
            ("or", "either"),
        ] {
            self.add(operator, operator, CompletionKind::Operator, Some(doc), 0);
        }
    }

    /// Columns of a table; of events what was computed, the core fields and everything that was seen.
    fn columns(&mut self) {
        let columns = self.shape.columns().to_vec();
        for column in &columns {
            self.add(&column.name, &quote::column(&column.name), CompletionKind::Column, None, 90);
        }
        if !self.shape.is_events() {
            return;
        }
        for core in Core::ALL {
            self.add(core.name(), core.name(), CompletionKind::Field, Some("core field"), 40);
        }
        for (rank, field) in self.catalogue.fields.iter().enumerate() {
            self.add(
                &field.path,
                &quote::column(&field.path),
                CompletionKind::Field,
                Some(&about(field)),
                rank_bonus(rank),
            );
        }
    }

    fn functions(&mut self, docs: &[FunctionDoc], prefix: &str) {
        for doc in docs {
            let close = if doc.most_arguments == 0 || doc.least_arguments == 0 { "()" } else { "(" };
            let about = format!("{}: {}", doc.signature, doc.doc);
            self.add(
                doc.name,
                &format!("{prefix}{}{close}", doc.name),
                CompletionKind::Function,
                Some(&about),
                5,
            );
        }
    }

    fn stages(&mut self) {
        let is_table = !self.shape.is_events();
        for (rank, stage) in STAGES.iter().enumerate() {
            let (only_tables, only_events) = match stage.name {
                "fill" | "compare" | "window" | "anomaly" => (true, false),
                "unpack" | "context" | "timechart" | "sample" | "describe" => (false, true),
                _ => (false, false),
            };
            if only_tables && !is_table || only_events && is_table {
                continue;
            }
            let blank = if stage.arguments.is_empty() { "" } else { " " };
            let doc = format!("{}: {}", stage.usage, stage.doc);
            for name in std::iter::once(&stage.name).chain(stage.aliases) {
                let bonus = if *name == stage.name { rank_bonus(rank) } else { 0 };
                let typed_alias = *name == stage.name || !self.partial.is_empty();
                if typed_alias {
                    self.add(name, &format!("{name}{blank}"), CompletionKind::Stage, Some(&doc), bonus);
                }
            }
        }
    }

    fn options(&mut self, stage: &str) {
        for option in StageDoc::find(stage).into_iter().flat_map(|stage| stage.options) {
            self.add(option.name, &format!("{}=", option.name), CompletionKind::Option, Some(option.doc), 20);
        }
    }

    fn option_values(&mut self, stage: &str, option: &str) {
        let Some(option) = StageDoc::find(stage).and_then(|stage| stage.option(option)) else { return };
        for value in option.values {
            self.add(value, value, CompletionKind::Value, Some(option.doc), 0);
        }
    }

    fn words(&mut self, words: &[&str]) {
        for word in words {
            self.add(word, word, CompletionKind::Keyword, None, 0);
        }
    }
}

/// Frequent things first.
fn rank_bonus(rank: usize) -> u32 {
    u32::try_from(80_usize.saturating_sub(rank)).unwrap_or(0)
}

fn about(field: &KnownField) -> String {
    let kinds: Vec<String> = field.kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
    format!("{} in {} events", kinds.join(" or "), field.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KnownValue;

    fn catalogue() -> Catalogue {
        let field = |path: &str, kind, values: &[&str]| KnownField {
            path: path.to_owned(),
            kinds: vec![kind],
            count: 10,
            unit: None,
            top_values: values.iter().map(|text| KnownValue { text: (*text).to_owned(), count: 3 }).collect(),
        };
        Catalogue {
            fields: vec![
                field("source", Kind::Text, &["api", "web server"]),
                field("http.status", Kind::Number, &["200", "500"]),
                field("order-id", Kind::Text, &[]),
            ],
            tables: Vec::new(),
        }
    }

    /// The proposals at `^`.
    fn at(marked: &str) -> (String, Vec<String>) {
        let cursor = marked.find('^').expect("a cursor");
        let completion = complete(&marked.replace('^', ""), cursor, &catalogue());
        let replaced = completion.replace.text(&marked.replace('^', "")).to_owned();
        (replaced, completion.items.into_iter().map(|item| item.text).collect())
    }

    fn offers(marked: &str, replaced: &str, wanted: &[&str]) {
        let (found, items) = at(marked);
        assert_eq!(found, replaced, "{marked}");
        for text in wanted {
            assert!(items.iter().any(|item| item == text), "{marked}: no {text} in {items:?}");
        }
    }

    #[test]
    fn every_position_offers_what_may_stand_there() {
        offers("^", "", &["source:", "level:", "http.status:"]);
        offers("sta^", "sta", &["http.status:"]);
        offers("level:er^", "er", &["error"]);
        offers("error lev^ | limit 5", "lev", &["level:"]);
        offers("source:^", "", &["api", "\"web server\"", "*"]);
        offers("source:\"we^", "\"we", &["\"web server\""]);
        offers("source:(api OR w^", "w", &["\"web server\""]);
        offers("http.status in (5^", "5", &["500"]);
        offers("timestamp>to^", "to", &["today"]);
        offers("duration_ms>15^", "15", &["15ms", "15s"]);
        offers("error ^", "", &["AND", "OR", "source:"]);
        offers("error | ^", "", &["stats ", "where ", "describe"]);
        offers("error | sta^", "sta", &["stats "]);
        offers("error | stats ^", "", &["count()", "p95("]);
        offers("error | stats count() ^", "", &["by", "as", "where"]);
        offers("error | stats count() by so^", "so", &["source"]);
        offers("| where ord^", "ord", &["`order-id`"]);
        offers("| where source = ^", "", &["\"api\"", "lower("]);
        offers("| where source ^", "", &["=", "=~", "and"]);
        offers("| timechart count() ev^", "ev", &["every="]);
        offers("| timechart count() every=^", "", &["5m"]);
        offers("| unpack ^", "", &["json", "logfmt"]);
        offers("user.id in {le^", "le", &["level:"]);
    }

    #[test]
    fn a_closed_schema_offers_its_own_columns_only() {
        let (_, items) = at("| stats count() as n by source | sort ^");
        assert_eq!(items, ["n", "source"]);
        let (_, items) = at("| stats count() | ^");
        assert!(items.contains(&"window ".to_owned()) && !items.contains(&"unpack ".to_owned()));
    }

    #[test]
    fn comments_and_new_names_offer_nothing() {
        assert!(at("error // so^").1.is_empty());
        assert!(at("| stats count() as ^").1.is_empty());
    }
}
