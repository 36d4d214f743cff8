//! Queries in other systems' languages, translated when somebody asks for it.
//!
//! A translation always parses, and says in its notes what is different here. What cannot be translated with the same
//! meaning gives no translation at all, rather than a guess.

mod condition;
mod cursor;
mod detect;
mod kusto;
mod logql;
mod logsql;
mod lucene;
mod spl;
mod spl_stages;

use serde::{Deserialize, Serialize};

use crate::{format, parse, quote};

/// A query in our language, and what it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    pub language: Language,
    /// In canonical form.
    pub query: String,
    /// What differs, one sentence each.
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Splunk.
    Spl,
    /// Grafana Loki.
    LogQl,
    /// Kusto, Azure and Sentinel.
    Kusto,
    /// Kibana's own query language.
    KibanaKql,
    /// Lucene, OpenSearch, Datadog.
    Lucene,
    /// VictoriaLogs.
    LogsQl,
}

/// Recognises and translates a query. `None` when it is not recognised, or says something that has no equal here.
#[must_use]
pub fn translate(source: &str) -> Option<Translation> {
    if source.len() > crate::limits::SOURCE_BYTES {
        return None;
    }
    let language = detect::language(source)?;
    translate_from(source, language)
}

/// Translates a query whose language is known.
#[must_use]
pub fn translate_from(source: &str, language: Language) -> Option<Translation> {
    if source.len() > crate::limits::SOURCE_BYTES {
        return None;
    }
    let draft = match language {
        Language::Spl => spl::translate(source),
        Language::LogQl => logql::translate(source),
        Language::Kusto => kusto::translate(source),
        Language::KibanaKql => lucene::translate(source, lucene::Dialect::Kibana),
        Language::Lucene => lucene::translate(source, lucene::Dialect::Lucene),
        Language::LogsQl => logsql::translate(source),
    }?;
    let parsed = parse(&draft.text()).ok()?;
    Some(Translation { language, query: format(&parsed.query), notes: draft.notes })
}

/// A translation in the making.
#[derive(Debug, Default)]
struct Draft {
    /// Conditions that all hold, safe to stand side by side.
    filter: Vec<String>,
    stages: Vec<String>,
    notes: Vec<String>,
}

impl Draft {
    fn text(&self) -> String {
        let mut text = self.filter.join(" AND ");
        for stage in &self.stages {
            text.push_str(" | ");
            text.push_str(stage);
        }
        text
    }

    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A condition at this place of the pipe: part of the filter, or a stage.
    fn condition(&mut self, condition: String) {
        if condition.is_empty() {
        } else if self.stages.is_empty() {
            self.filter.push(condition);
        } else {
            let as_where = format!("where {condition}");
            let fits = parse(&format!("| {as_where}")).is_ok();
            self.stages.push(if fits { as_where } else { format!("search {condition}") });
        }
    }
}

/// A field of another system by the name it has here.
fn field(name: &str) -> String {
    let name = name.trim_start_matches('@').replace('\\', "");
    let ours = match name.to_ascii_lowercase().as_str() {
        "_msg" | "msg" | "body" | "line" | "_raw" | "content" => "message",
        "_time" | "timestamp" | "timegenerated" | "@timestamp" => "timestamp",
        "service" | "service.name" | "servicename" | "service_name" | "app" | "job" => "source",
        "hostname" | "host.name" | "hostname_s" => "host",
        "traceid" | "trace.id" | "trace_id" => "trace_id",
        "spanid" | "span.id" | "span_id" => "span_id",
        "severitytext" | "severity" | "detected_level" | "log.level" | "loglevel" => "level",
        "level" | "host" | "source" | "message" => return name.to_ascii_lowercase(),
        _ => return name,
    };
    ours.to_owned()
}

/// The field as it stands in a filter.
fn filter_field(name: &str) -> String {
    quote::filter_field(&field(name))
}

/// The field as it stands in a stage.
fn column(name: &str) -> String {
    quote::column(&field(name))
}

/// A value behind `:` in which `*` and `?` are wildcards when `wildcards` says so.
fn value(text: &str, wildcards: bool) -> String {
    use crate::ast::LiteralClass;
    let bare = !text.is_empty()
        && !text.contains(crate::lexical::ends_word)
        && !text.starts_with(['\'', '~', '!', '-']);
    match crate::literal::classify(text) {
        LiteralClass::Number(_) | LiteralClass::Bool(_) => text.to_owned(),
        _ if wildcards && bare && text.contains(['*', '?']) => text.to_owned(),
        _ => quote::value(text),
    }
}

/// A word or phrase in free text.
fn text(text: &str) -> String {
    let plain = text.starts_with(char::is_alphanumeric)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '*'));
    let keyword = ["and", "or", "not", "in"].iter().any(|word| word.eq_ignore_ascii_case(text));
    let star =
        text.starts_with('*') && text.len() > 1 && text[1..].chars().all(|c| c.is_alphanumeric() || c == '*');
    if (plain || star) && !keyword { text.to_owned() } else { quote::string(text) }
}
