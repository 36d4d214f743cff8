//! Rules, their mutes and their history over HTTP.

use super::definition::Definition;
use super::history::{self, EventFilter, History};
use super::notice::GroupLine;
use super::store::StoredRule;
use super::{AlertError, Alerts, closing, preview, searcher, why};
use crate::audit::{Auditor, Cost, Read, Target};
use crate::auth::{Editor, Member, Viewer};
use crate::error::{ApiError, InvalidFields};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::search::time_range::{Asked, TimeRange};
use crate::sight::{RowRule, Sight};
use crate::time::{DAY_US, Micros, now_us, rfc3339};
use actix_web::http::StatusCode;
use actix_web::web;
use alert_rules::State;
use api_types::List;
use api_types::alerts::{
    AlertEvaluation, AlertEvent, AlertGroup, AlertPreview, AlertRule, AlertRuleRequest, MuteRequest,
    WhyAnswer,
};
use api_types::problem::FieldProblem;
use api_types::search::TimeInput;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const DEFAULT_PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 500;
/// How often a change is tried again that an evaluation came before.
pub const TRIES: usize = 5;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/alert-rules").get(on_main(list)).post(on_main(create)))
        .configure(super::as_code::routes)
        .service(web::resource("/api/v1/alert-rules/preview").post(on_main(show_preview)))
        .service(
            web::resource("/api/v1/alert-rules/{id}")
                .get(on_main(get))
                .patch(on_main(change))
                .delete(on_main(delete)),
        )
        .service(web::resource("/api/v1/alert-rules/{id}/mute").post(on_main(mute)))
        .service(web::resource("/api/v1/alert-rules/{id}/evaluations").get(on_main(evaluations)))
        .service(web::resource("/api/v1/alert-rules/{id}/why").get(on_main(why)))
        .service(web::resource("/api/v1/alert-events").get(on_main(events)))
        .configure(super::channel_http::routes)
        .configure(super::delivery_log::routes)
        .configure(super::mute_link::routes)
        .configure(super::policy::routes);
}

/// What lists are asked for.
#[derive(Debug, Deserialize)]
pub struct PageQuery {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn size(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE) as usize
    }

    /// # Errors
    /// The cursor is none of ours.
    pub fn before(&self) -> Result<Option<Uuid>, InvalidFields> {
        self.cursor.as_deref().map(Uuid::parse_str).transpose().map_err(|_| wrong_cursor())
    }
}

fn wrong_cursor() -> InvalidFields {
    InvalidFields::one("cursor", "invalid", "Not a cursor of this list. Start again without it.")
}

/// Keeps a page of what was read with one item more than a page, and names the last one kept when there are more.
pub fn page_of<T>(mut items: Vec<T>, size: usize, name: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(name);
    (items, next)
}

/// # Errors
/// 404: what is no id names nothing.
pub fn id_of(text: &str) -> Result<Uuid, AlertError> {
    Uuid::parse_str(text).map_err(|_| AlertError::NotFound)
}

/// The organization's rules with their states, newest first.
async fn list(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    page: web::Query<PageQuery>,
) -> Result<web::Json<List<AlertRule>>, ApiError> {
    let size = page.size();
    let rules = alerts.store.list(&member.sight(), page.before()?, size as i64 + 1).await?;
    let (rules, next_cursor) = page_of(rules, size, |rule| rule.id.to_string());
    Ok(web::Json(List { items: rules.iter().map(to_wire).collect(), next_cursor }))
}

async fn get(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    path: web::Path<String>,
) -> Result<web::Json<AlertRule>, ApiError> {
    Ok(web::Json(to_wire(&alerts.store.get(&member.sight(), id_of(&path)?).await?)))
}

/// Creates a rule; it is evaluated at once, and for ever under the row rule of its author.
///
/// # Errors
/// - 409 `name_taken`
/// - 422 `query_invalid`: the query does not compile, or has a finding that is an error in rules; `diagnostics` point into it.
/// - 422 `invalid` with the fields.
async fn create(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    body: web::Json<AlertRuleRequest>,
) -> Result<(web::Json<AlertRule>, StatusCode), ApiError> {
    let sight = editor.sight();
    let (project_id, definition) =
        checked(&alerts, &sight, editor.default_project(), body.into_inner()).await?;
    let id = alerts.store.insert(&sight, project_id, &definition, editor.user_id()).await?;
    let rule = alerts.store.get(&sight, id).await?;
    note_created(&auditor, id, &rule.definition).await;
    Ok((web::Json(to_wire(&rule)), StatusCode::CREATED))
}

/// Changes the members that are given and keeps the others. Switching a rule off resolves what is open.
///
/// # Errors
/// As `create`.
async fn change(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<Value>,
) -> Result<web::Json<AlertRule>, ApiError> {
    let (sight, id) = (editor.sight(), id_of(&path)?);
    for _ in 0..TRIES {
        let rule = alerts.store.get(&sight, id).await?;
        let request = merged(&rule.definition.wire, &body)?;
        // its query is asked through its own row rule, whoever changes it
        let (project_id, definition) = checked(&alerts, &rule.sight(), rule.project_id, request).await?;
        let is_switched_off = rule.definition.wire.enabled && !definition.wire.enabled;
        let (memory, history) = if is_switched_off {
            closing::close(
                &alerts.channels,
                &alerts.policies,
                &rule,
                "the rule was switched off",
                alerts.clock.now(),
            )
            .await?
        } else {
            (rule.memory.clone(), History::default())
        };
        if alerts.store.update(&rule, project_id, &definition, &memory, &history).await? {
            alerts.outbox.wake();
            note_changed(&auditor, id, &rule.definition, &definition).await;
            return Ok(web::Json(to_wire(&alerts.store.get(&sight, id).await?)));
        }
    }
    Err(AlertError::Contended.into())
}

/// Deletes a rule and resolves what is open; its history stays.
async fn delete(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
) -> Result<NoContent, ApiError> {
    let (sight, id) = (editor.sight(), id_of(&path)?);
    for _ in 0..TRIES {
        let rule = alerts.store.get(&sight, id).await?;
        let (_, history) = closing::close(
            &alerts.channels,
            &alerts.policies,
            &rule,
            "the rule was deleted",
            alerts.clock.now(),
        )
        .await?;
        if alerts.store.delete(&rule, &history).await? {
            alerts.outbox.wake();
            let target = Target::of(id, &rule.definition.wire.name);
            auditor.record("alert_rule.deleted", target, json!({"query": rule.definition.wire.query})).await;
            return Ok(NoContent);
        }
    }
    Err(AlertError::Contended.into())
}

/// Silences a rule, or one of its groups, until a time; `null` ends the silence.
async fn mute(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
    body: web::Json<MuteRequest>,
) -> Result<web::Json<AlertRule>, ApiError> {
    let (sight, id, now) = (editor.sight(), id_of(&path)?, alerts.clock.now());
    let until = body.until.as_deref().map(|text| time(text, now)).transpose()?;
    let rule = alerts.store.get(&sight, id).await?;
    let mut mutes = rule.mutes;
    let group = body.group.as_deref().unwrap_or_default();
    mutes.set(group, until, now);
    alerts.store.set_mutes(sight.tenant(), id, &mutes).await?;
    let target = Target::of(id, &rule.definition.wire.name);
    let detail = json!({"group": group, "until": until.map(rfc3339)});
    auditor.record("alert_rule.muted", target, detail).await;
    Ok(web::Json(to_wire(&alerts.store.get(&sight, id).await?)))
}

pub async fn note_created(auditor: &Auditor, id: Uuid, definition: &Definition) {
    let wire = &definition.wire;
    let detail = json!({"query": wire.query, "condition": wire.condition, "channel_ids": wire.channel_ids});
    auditor.record("alert_rule.created", Target::of(id, &wire.name), detail).await;
}

/// Tells what is different now, each with what it was.
pub async fn note_changed(auditor: &Auditor, id: Uuid, before: &Definition, after: &Definition) {
    let members = |definition: &Definition| serde_json::to_value(&definition.wire).unwrap_or_default();
    let (old, new) = (members(before), members(after));
    let names = [&old, &new].into_iter().filter_map(Value::as_object).flat_map(Map::keys);
    let different: Map<String, Value> = names
        .filter(|name| old[name.as_str()] != new[name.as_str()])
        .map(|name| (name.clone(), json!({"from": old[name.as_str()], "to": new[name.as_str()]})))
        .collect();
    let target = Target::of(id, &after.wire.name);
    auditor.record("alert_rule.changed", target, Value::Object(different)).await;
}

#[derive(Debug, Deserialize)]
struct PreviewQuery {
    days: Option<u32>,
}

/// What a rule would have done over the last day, or the last `days`, and what a notification would say.
///
/// # Errors
/// As `create`.
async fn show_preview(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    query: web::Query<PreviewQuery>,
    body: web::Json<AlertRuleRequest>,
) -> Result<web::Json<AlertPreview>, ApiError> {
    let days = query.days.unwrap_or(1);
    if !(1..=preview::MOST_DAYS).contains(&days) {
        let detail = format!("Between 1 and {}.", preview::MOST_DAYS);
        return Err(InvalidFields::one("days", "out_of_range", &detail).into());
    }
    let (sight, now) = (member.sight(), now_us());
    let mut rule = body.into_inner();
    if rule.name.trim().is_empty() {
        // What it does can be looked at before it has a name.
        rule.name = "New alert".into();
    }
    let (project_id, definition) = checked(&alerts, &sight, member.default_project(), rule).await?;
    let preview = preview::preview(&alerts.searcher, &sight, project_id, &definition, days, now).await?;
    let message = preview::message(&alerts, &sight, project_id, &definition, now).await;
    let from = now - i64::from(days) * DAY_US;
    auditor.read_logs(read_of("alert-preview", project_id, &definition, (from, now))).await;
    Ok(web::Json(AlertPreview { message, ..preview }))
}

#[derive(Debug, Deserialize)]
struct WhyQuery {
    at: Option<String>,
}

/// Why a rule did, or did not, fire at a time; now when none is given.
///
/// # Errors
/// 422 `invalid`: `at` is no time.
async fn why(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    path: web::Path<String>,
    query: web::Query<WhyQuery>,
) -> Result<web::Json<WhyAnswer>, ApiError> {
    let now = now_us();
    let rule = alerts.store.get(&member.sight(), id_of(&path)?).await?;
    let at = time(query.at.as_deref().unwrap_or("now"), now)?;
    auditor.read_logs(read_of("alert-why", rule.project_id, &rule.definition, (at, at))).await;
    Ok(web::Json(why::why(&alerts, &rule, at.min(now)).await?))
}

/// What the audit log is told when somebody has a rule's query run.
fn read_of(
    kind: &'static str,
    project_id: Uuid,
    definition: &Definition,
    (from, to): (Micros, Micros),
) -> Read {
    Read {
        kind,
        project_id: project_id.to_string(),
        query: definition.wire.query.clone(),
        about: None,
        range_ns: Some((from.saturating_mul(1_000), to.saturating_mul(1_000))),
        cost: Cost::default(),
    }
}

/// A rule's evaluations, newest first.
async fn evaluations(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    path: web::Path<String>,
    page: web::Query<PageQuery>,
) -> Result<web::Json<List<AlertEvaluation>>, ApiError> {
    let (scope, size) = (member.scope(), page.size());
    let rule = alerts.store.get(&member.sight(), id_of(&path)?).await?;
    let before = page.cursor.as_deref().map(str::parse::<Micros>).transpose().map_err(|_| wrong_cursor())?;
    let found = history::evaluations(&alerts.db, scope, rule.id, before, size as i64 + 1).await?;
    let (found, next_cursor) = page_of(found, size, |(slot, _)| slot.to_string());
    Ok(web::Json(List { items: found.into_iter().map(|(_, evaluation)| evaluation).collect(), next_cursor }))
}

#[derive(Debug, Deserialize)]
struct EventQuery {
    rule_id: Option<String>,
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Transitions of the organization's rules, newest first, with their notifications.
async fn events(
    member: Member<Viewer>,
    alerts: web::Data<Alerts>,
    query: web::Query<EventQuery>,
) -> Result<web::Json<List<AlertEvent>>, ApiError> {
    let EventQuery { rule_id, state, limit, cursor } = query.into_inner();
    let page = PageQuery { limit, cursor };
    let size = page.size();
    let not_empty = |text: &String| !text.is_empty();
    let filter = EventFilter {
        rule_id: rule_id.filter(not_empty).as_deref().map(id_of).transpose()?,
        state: state.filter(not_empty),
        before: page.before()?,
        limit: size as i64 + 1,
    };
    let found = history::events(&alerts.db, &member.sight(), &filter).await?;
    let (items, next_cursor) = page_of(found, size, |event| event.id.clone());
    Ok(web::Json(List { items, next_cursor }))
}

/// Checks everything about a rule that can be checked: its fields, project, channels and query.
pub async fn checked(
    alerts: &Alerts,
    sight: &Sight,
    default_project: Uuid,
    mut request: AlertRuleRequest,
) -> Result<(Uuid, Definition), AlertError> {
    let scope = sight.tenant();
    let unknown_project = || InvalidFields::one("project_id", "unknown", "There is no such project.");
    let asked = request.project_id.as_deref().filter(|id| !id.is_empty());
    let project_id = match asked.map(Uuid::parse_str) {
        None => default_project,
        Some(Ok(id)) if alerts.store.project_exists(scope, id).await? => id,
        Some(_) => return Err(unknown_project().into()),
    };
    request.project_id = Some(project_id.to_string());
    let definition = Definition::parse(request)?;
    let known = alerts.channels.of_ids(scope, &definition.channel_ids).await?;
    if known.len() < definition.channel_ids.len() {
        return Err(
            InvalidFields::one("channel_ids", "unknown", "One of the channels does not exist.").into()
        );
    }
    let now = now_us();
    searcher::check(&definition.ask(sight, project_id, now - definition.window_us, now))?;
    Ok((project_id, definition))
}

/// What is wrong with a rule, by field; any other error stays one.
///
/// # Errors
/// It was not the rule's fault.
pub fn problems_of(error: AlertError) -> Result<Vec<FieldProblem>, AlertError> {
    match error {
        AlertError::Fields(fields) => Ok(fields.0),
        AlertError::Query(found) => {
            let detail = found.into_iter().map(|found| found.message).collect::<Vec<_>>().join(" ");
            Ok(vec![FieldProblem { field: "query".into(), code: "query_invalid".into(), detail }])
        }
        other => Err(other),
    }
}

/// A merge patch (RFC 7396) of a stored definition.
fn merged(stored: &AlertRuleRequest, change: &Value) -> Result<AlertRuleRequest, AlertError> {
    let Value::Object(change) = change else {
        return Err(InvalidFields::one(
            "",
            "invalid",
            "The body must be an object with the members to change.",
        )
        .into());
    };
    let mut whole = serde_json::to_value(stored).expect("a definition is strings and finite numbers");
    for (name, value) in change {
        // `null` means the default, as absence does in a new rule
        match (whole.as_object_mut(), value) {
            (Some(members), Value::Null) => drop(members.remove(name)),
            (Some(members), value) => drop(members.insert(name.clone(), value.clone())),
            (None, _) => {}
        }
    }
    serde_json::from_value(whole)
        .map_err(|error| InvalidFields::one("", "invalid", &error.to_string()).into())
}

/// A time as clients write it.
fn time(text: &str, now: Micros) -> Result<Micros, InvalidFields> {
    let input = TimeInput::Text(text.to_owned());
    // the range is parsed for its end only; its beginning is always before
    let asked = Asked { from: Some(&TimeInput::Number(0.0)), to: Some(&input), ..Asked::default() };
    let range = TimeRange::parse(asked, now.saturating_mul(1_000)).map_err(|_| {
        InvalidFields::one("until", "invalid_time", "Give a time such as 2026-03-10T18:00:00Z, or now+2h.")
    })?;
    Ok(range.to_ns / 1_000)
}

fn to_wire(rule: &StoredRule) -> AlertRule {
    let now = now_us();
    let mut groups: Vec<_> =
        rule.memory.groups.iter().map(|(name, group)| GroupLine::of(name, group)).collect();
    groups.sort_by(|one, other| other.state.cmp(&one.state).then_with(|| one.group.cmp(&other.group)));
    let shown = |group: GroupLine| AlertGroup {
        group: group.group,
        state: group.state.as_str().to_owned(),
        since: rfc3339(group.since_us),
        value: group.value,
    };
    let mutes = &rule.mutes;
    let live = |until: &Micros| *until > now;
    AlertRule {
        id: rule.id.to_string(),
        definition: rule.definition.wire.clone(),
        row_rule: rule.row_rule.as_ref().map(RowRule::as_str).map(str::to_owned),
        state: rule.state.clone(),
        state_since: (rule.state != State::Ok.as_str() || rule.last_slot.is_some())
            .then(|| rfc3339(rule.since)),
        last_value: rule.last_value,
        last_evaluated_at: rule.last_evaluated_at.map(rfc3339),
        last_error: rule.last_error.clone(),
        muted_until: mutes.rule_until_us.filter(live).map(rfc3339),
        muted_groups: mutes
            .groups_until_us
            .iter()
            .filter(|(_, until)| live(until))
            .map(|(group, until)| (group.clone(), rfc3339(*until)))
            .collect(),
        groups: groups.into_iter().map(shown).collect(),
        groups_left_out: rule.memory.groups_left_out,
        created_at: rfc3339(rule.created_at),
        updated_at: rfc3339(rule.updated_at),
    }
}
