//! Evaluates rules by the search: the query over its window, sample lines with what matched, and the check at save time.

use super::AlertError;
use super::definition::GROUP_CAP;
use super::evaluate::{Ask, Evaluate, Evaluation, Failure, GroupValue, Labels, Lines, Sample};
use crate::error::{InvalidFields, Problem, ProblemKind};
use crate::search::SearchError;
use crate::search::execute::Executor;
use crate::search::plan::{Page, Plan};
use crate::search::respond::{RowForm, diagnostic};
use crate::search::time_range::TimeRange;
use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use query_lang::ast::{Column, ExprNode, FilterNode, Kind, Level, Query, Role, StageNode, Target};
use query_lang::eval::{Event, Matcher};
use query_lang::{Code, Severity, quote};
use serde_json::{Map, Value};

/// The column of a query that has no stage which counts.
const COUNT: &str = "count";
/// Longest part of a line that a message shows.
const LINE_BYTES: usize = 500;
/// Warnings that a person would see and correct, but nobody does at night.
const ERRORS_IN_RULES: [Code; 4] = [Code::W002, Code::W003, Code::W005, Code::W008];

#[derive(Clone)]
pub struct Searcher {
    executor: Executor,
}

/// Which columns of the table name the group, and which one is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub keys: Vec<String>,
    pub value: String,
}

/// A query as a rule evaluates it: it ends in a table with groups and values.
pub struct Ready {
    pub plan: Plan,
    pub shape: Shape,
    /// The column of a time bin, where one was added.
    pub bin: String,
}

impl Searcher {
    #[must_use]
    pub fn new(executor: Executor) -> Self {
        Self { executor }
    }

    #[must_use]
    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    async fn table(&self, ask: &Ask, ready: &Ready) -> Result<Evaluation, SearchError> {
        // one row more is asked for, which tells that there are more groups than are watched
        let compiled = ready.plan.rows(Page { limit: GROUP_CAP as u64 - 1, ..Page::default() })?;
        let form = RowForm::of(&compiled);
        let rows = form.rows(self.executor.alert(ask.sight.tenant(), compiled).await?);
        let group = |row: Value| GroupValue {
            labels: labels_of(&row, &ready.shape.keys),
            value: row.get(&ready.shape.value).and_then(number),
        };
        Ok(Evaluation {
            grouped: !ready.shape.keys.is_empty(),
            column: ready.shape.value.clone(),
            groups: rows.into_iter().map(group).collect(),
        })
    }

    async fn find_lines(&self, ask: &Ask, group: &Labels, limit: usize) -> Result<Lines, SearchError> {
        let query = lines_query(&ask.query, group).map_err(|found| query_error(&ask.query, found))?;
        let plan = Plan::new(&ask.sight, ask.project_id, &query, range(ask))?;
        let compiled = plan.samples(limit as u64)?;
        let form = RowForm::of(&compiled);
        let mut events = form.rows(self.executor.alert(ask.sight.tenant(), compiled).await?);
        events.truncate(limit);
        let matcher = Matcher::of(plan.checked().query.filter.as_ref()).ok();
        let samples = events.iter().map(|event| sample(event, matcher.as_ref())).collect();
        Ok(Lines { query, samples })
    }
}

impl Evaluate for Searcher {
    fn evaluate<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Evaluation, Failure>> {
        Box::pin(async move {
            let ready = ready(ask).map_err(lasting)?;
            self.table(ask, &ready).await.map_err(failure)
        })
    }

    fn lines<'a>(
        &'a self,
        ask: &'a Ask,
        group: &'a Labels,
        limit: usize,
    ) -> BoxFuture<'a, Result<Lines, Failure>> {
        Box::pin(async move { self.find_lines(ask, group, limit).await.map_err(failure) })
    }
}

/// Whether a rule can be evaluated; what would only be a warning in a search is an error here.
///
/// # Errors
/// `query_invalid` with where and why, or the field `value`.
pub fn check(ask: &Ask) -> Result<Shape, AlertError> {
    let ready = ready(ask)?;
    let serious = |found: &&query_lang::Diagnostic| {
        found.severity == Severity::Warning && ERRORS_IN_RULES.contains(&found.code)
    };
    let findings: Vec<_> = ready.plan.warnings().iter().filter(serious).collect();
    if findings.is_empty() {
        return Ok(ready.shape);
    }
    let as_error = |found: &query_lang::Diagnostic| {
        let error = query_lang::Diagnostic { severity: Severity::Error, ..found.clone() };
        diagnostic(&ask.query, &error)
    };
    Err(AlertError::Query(findings.into_iter().map(as_error).collect()))
}

/// Parses and checks; counts where nothing else does, and puts the worst groups first.
fn ready(ask: &Ask) -> Result<Ready, AlertError> {
    let mut ready = ready_with(ask, |_| {})?;
    if let Some(time) =
        ready.plan.checked().query.output().columns().iter().find(|column| column.role == Role::Time)
    {
        let detail = format!(
            "The query splits time into bins (`{}`). A rule has its own window: leave the bins out.",
            time.name
        );
        return Err(InvalidFields::one("query", "splits_time", &detail).into());
    }
    if !ready.shape.keys.is_empty() {
        let order = if ask.smaller_is_worse { "" } else { "-" };
        let sort = format!("sort {order}{}", quote::column(&ready.shape.value));
        ready.plan = plan(ask, |query| append(query, &sort))?;
    }
    Ok(ready)
}

/// A query that counts where nothing else does, after a change of ours.
///
/// # Errors
/// The query is not good.
pub fn ready_with(ask: &Ask, change: impl Fn(&mut Query)) -> Result<Ready, AlertError> {
    let plan = plan(ask, change)?;
    let output = plan.checked().query.output();
    let bin =
        output.columns().iter().find(|column| column.role == Role::Time).map(|column| column.name.clone());
    let shape = shape(output.columns(), ask.value.as_deref())?;
    Ok(Ready { plan, shape, bin: bin.unwrap_or_default() })
}

fn plan(ask: &Ask, change: impl Fn(&mut Query)) -> Result<Plan, AlertError> {
    let source = ask.query.as_str();
    let mut parsed =
        query_lang::parse(source).map_err(|found| AlertError::from(query_error(source, found)))?;
    // what the author wrote must be right by itself, before anything is added
    let written = Plan::of_parsed(&ask.sight, ask.project_id, source, parsed.clone(), range(ask))?;
    if written.checked().query.output().is_events() {
        append(&mut parsed.query, &format!("stats count() as {COUNT}"));
    }
    change(&mut parsed.query);
    Ok(Plan::of_parsed(&ask.sight, ask.project_id, source, parsed, range(ask))?)
}

/// Whether the rule's value is the number of events: every stage is about one event.
#[must_use]
pub fn lines_are_counted(query: &Query) -> bool {
    query.stages.iter().all(|stage| is_about_one_event(&stage.node))
}

/// Adds a stage of our own making.
fn append(query: &mut Query, stage: &str) {
    let text = format!("* | {stage}");
    let own = query_lang::parse(&text).expect("our own stages are valid");
    query.stages.extend(own.query.stages);
}

/// Tells groups from values, and which value is meant.
fn shape(columns: &[Column], wanted: Option<&str>) -> Result<Shape, InvalidFields> {
    let wrong = |code, detail: String| Err(InvalidFields::one("value", code, &detail));
    let values: Vec<_> =
        columns.iter().filter(|column| is_value(column)).map(|column| column.name.clone()).collect();
    let list = values.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let value = match (wanted.filter(|name| !name.is_empty()), values.as_slice()) {
        (_, []) => {
            return Err(InvalidFields::one(
                "query",
                "no_value",
                "The query gives no number to compare. End it with `| stats count()`, for example.",
            ));
        }
        (Some(wanted), _) if values.iter().any(|name| name == wanted) => wanted.to_owned(),
        (Some(wanted), _) => {
            return wrong("unknown_column", format!("The query has no number `{wanted}`; it has {list}."));
        }
        (None, [only]) => only.clone(),
        (None, _) => {
            return wrong(
                "required",
                format!("The query gives several numbers: say which of {list} is compared."),
            );
        }
    };
    let keys =
        columns.iter().filter(|column| column.role == Role::Key).map(|column| column.name.clone()).collect();
    Ok(Shape { keys, value })
}

fn is_value(column: &Column) -> bool {
    column.role == Role::Measure && matches!(column.kind, Kind::Number | Kind::Any)
}

/// The events behind a value, as text for the search page: the query up to the first stage that is about more than one event, narrowed
/// to a group.
fn lines_query(source: &str, group: &Labels) -> Result<String, query_lang::Diagnostic> {
    let query = query_lang::parse(source)?.query;
    let text = |span: query_lang::Span| source.get(span.start..span.end).unwrap_or_default();
    let mut parts: Vec<String> = Vec::new();
    match &query.filter {
        Some(filter) if matches!(filter.node, FilterNode::Or(_)) => {
            parts.push(format!("({})", text(filter.span)))
        }
        Some(filter) if text(filter.span) != "*" => parts.push(text(filter.span).to_owned()),
        _ => {}
    }
    let before = query.stages.iter().take_while(|stage| is_about_one_event(&stage.node));
    let names = key_fields(&query);
    for (key, value) in group {
        // a key that was computed cannot be searched for
        if let Some((_, field)) = names.iter().find(|(name, _)| name == key) {
            parts.push(term(field, value.as_deref()));
        }
    }
    let head = if parts.is_empty() { "*".to_owned() } else { parts.join(" ") };
    Ok(before.fold(head, |query, stage| format!("{query} | {}", text(stage.span))))
}

fn is_about_one_event(stage: &StageNode) -> bool {
    use StageNode as S;
    matches!(
        stage,
        S::Where(_) | S::Search(_) | S::Eval(_) | S::Parse { .. } | S::Extract { .. } | S::Unpack { .. }
    )
}

/// Group columns that are fields of the event, with those fields.
fn key_fields(query: &Query) -> Vec<(String, String)> {
    let computes = |stage: &StageNode| !matches!(stage, StageNode::Where(_) | StageNode::Search(_));
    let mut before = query.stages.iter().take_while(|stage| is_about_one_event(&stage.node));
    if before.any(|stage| computes(&stage.node)) {
        return Vec::new();
    }
    let grouping =
        query.stages.iter().find(|stage| !is_about_one_event(&stage.node)).map(|stage| &stage.node);
    let of_event = |target: &Target| matches!(target, Target::Core(_) | Target::Attribute(_));
    match grouping {
        Some(StageNode::Stats { keys, .. } | StageNode::Percentiles { keys, .. }) => keys
            .iter()
            .filter_map(|key| match &key.value.node {
                ExprNode::Field(field) if of_event(&field.target) => {
                    Some((key.name.text.clone(), field.path.clone()))
                }
                _ => None,
            })
            .collect(),
        Some(StageNode::Top { fields, .. }) => fields
            .iter()
            .filter(|field| of_event(&field.target))
            .map(|field| (field.path.clone(), field.path.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

fn term(field: &str, value: Option<&str>) -> String {
    let name = quote::filter_field(field);
    match value {
        None => format!("-{name}:*"),
        Some(level) if field == "level" => format!("level:{level}"),
        Some(value) => format!("{name}={}", quote::string(value)),
    }
}

fn sample(event: &Value, matcher: Option<&Matcher>) -> Sample {
    let part = |name: &str| event.get(name).and_then(Value::as_str);
    let message = part("message").unwrap_or_default();
    let marks = matcher.map(|matcher| marks(event, message, matcher)).unwrap_or_default();
    let line = message.trim_end();
    let end =
        line.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LINE_BYTES).last();
    let shown = line.get(..end.unwrap_or(0)).unwrap_or_default();
    let cut = if shown.len() < line.len() { "..." } else { "" };
    Sample {
        timestamp: part("timestamp").unwrap_or_default().to_owned(),
        level: part("level").map(str::to_owned),
        source: part("source").map(str::to_owned),
        message: format!("{shown}{cut}"),
        marks: marks.into_iter().filter(|(_, end)| *end <= shown.len()).collect(),
    }
}

/// What matched in the message.
fn marks(event: &Value, message: &str, matcher: &Matcher) -> Vec<(usize, usize)> {
    let nothing = Map::new();
    let part = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let seen = Event {
        id: part("id"),
        timestamp_ns: 0,
        level: Level::from_name(part("level")),
        source: part("source"),
        host: part("host"),
        message,
        trace_id: part("trace_id"),
        span_id: part("span_id"),
        attributes: event.get("attributes").and_then(Value::as_object).unwrap_or(&nothing),
    };
    let found = matcher.marks(&seen).into_iter().find(|mark| mark.field == "message");
    found.map(|mark| mark.spans).unwrap_or_default()
}

fn range(ask: &Ask) -> TimeRange {
    let (from_ns, to_ns) = (ask.from_us.saturating_mul(1_000), ask.to_us.saturating_mul(1_000));
    TimeRange { from_ns, to_ns, now_ns: to_ns, zone: TimeZone::UTC }
}

/// A number, also where it is written as text.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// What a row's group is.
#[must_use]
pub fn labels_of(row: &Value, keys: &[String]) -> Labels {
    keys.iter().map(|key| (key.clone(), row.get(key).and_then(text))).collect()
}

/// A group's value as text; `None` where the events have none.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn query_error(source: &str, found: query_lang::Diagnostic) -> SearchError {
    SearchError::Query { source_text: source.to_owned(), diagnostic: Box::new(found) }
}

impl From<SearchError> for AlertError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Query { .. } => Self::Query(error.diagnostics()),
            other => Self::Search(other),
        }
    }
}

/// What is wrong with the rule itself.
fn lasting(error: AlertError) -> Failure {
    Failure { reason: error.to_string(), lasting: true }
}

/// The reason is read by the rule's author: nothing internal is in it.
fn failure(error: SearchError) -> Failure {
    let lasting = matches!(error, SearchError::Query { .. });
    let reason = match error.kind() {
        ProblemKind::Internal | ProblemKind::Unavailable { .. } => {
            tracing::warn!(%error, "an alert rule could not be evaluated");
            "The logs could not be searched right now.".to_owned()
        }
        _ => error.to_string(),
    };
    Failure { reason, lasting }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sight::Sight;
    use crate::tenant::TenantScope;
    use uuid::Uuid;

    fn ask(query: &str, value: Option<&str>) -> Ask {
        Ask {
            sight: Sight::whole(TenantScope::of_job(Uuid::from_u128(1))),
            project_id: Uuid::from_u128(2),
            query: query.into(),
            value: value.map(str::to_owned),
            smaller_is_worse: false,
            from_us: 1_700_000_000_000_000,
            to_us: 1_700_000_300_000_000,
        }
    }

    #[test]
    fn a_query_becomes_groups_and_a_value() {
        let shape = |query: &str, value| {
            check(&ask(query, value))
                .map(|shape| (shape.keys.join(","), shape.value))
                .map_err(|error| error.to_string())
        };
        let is = |keys: &str, value: &str| Ok((keys.to_owned(), value.to_owned()));
        assert_eq!(shape("level:error", None), is("", COUNT));
        assert_eq!(shape("", None), is("", COUNT));
        assert_eq!(shape("level:error | where http.status >= 500", None), is("", COUNT));
        assert_eq!(shape("level:error | stats count() as n by source, host", None), is("source,host", "n"));
        assert_eq!(shape("* | stats count() as n, avg(duration_ms) as slow", Some("slow")), is("", "slow"));
        for (query, value, says) in [
            ("* | stats count() as n, avg(duration_ms) as slow", None, "several numbers"),
            ("* | stats count() as n", Some("m"), "it has `n`"),
            ("* | timechart count() every=1m", None, "leave the bins out"),
            ("* | stats count() by bin(1m)", None, "leave the bins out"),
            ("a b OR c", None, "cannot be used in an alert"),
            ("level:eror", None, "cannot be used in an alert"),
            ("(", None, "cannot be used in an alert"),
        ] {
            let error = shape(query, value).unwrap_err();
            assert!(error.contains(says), "{query}: {error}");
        }
    }

    #[test]
    fn the_lines_behind_a_group_are_searched_by_the_rules_own_filter() {
        let label = |field: &str, value: Option<&str>| (field.to_owned(), value.map(str::to_owned));
        for (query, group, expected) in [
            ("level:error", vec![], "level:error"),
            ("", vec![], "*"),
            ("* | stats count() by source", vec![label("source", Some("api"))], r#"source="api""#),
            ("a OR b | stats count() by host", vec![label("host", None)], "(a OR b) -host:*"),
            ("a | where x > 1 | stats count()", vec![], "a | where x > 1"),
            (
                "a | stats count() as n by http.status as code, level | where n > 3",
                vec![label("code", Some("500")), label("level", Some("error"))],
                r#"a http.status="500" level:error"#,
            ),
            ("a | eval b = 1 | stats count() by b", vec![label("b", Some("1"))], "a | eval b = 1"),
            (
                "a | top 5 http.route",
                vec![label("http.route", Some(r#"/a "b""#))],
                r#"a http.route='/a "b"'"#,
            ),
        ] {
            let text = lines_query(query, &group).unwrap();
            assert_eq!(text, expected, "{query}");
            assert!(query_lang::parse(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_keeps_its_marks() {
        let matcher = query_lang::parse("timeout").unwrap();
        let context = query_lang::CheckContext { now_ns: 1, from_ns: 0, to_ns: 1, time_zone: TimeZone::UTC };
        let checked = query_lang::check(&matcher.query, &query_lang::Catalogue::default(), &context).unwrap();
        let matcher = Matcher::of(checked.query.filter.as_ref()).unwrap();
        let event = serde_json::json!({"message": format!("a timeout {} timeout", "é".repeat(400)), "level": "error"});
        let sample = sample(&event, Some(&matcher));
        assert_eq!(sample.marks, [(2, 9)]);
        assert!(sample.message.len() <= LINE_BYTES + 3 && sample.message.ends_with("..."));
    }
}
