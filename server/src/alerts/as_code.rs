//! Rules as a file: exported and imported as YAML, by name, so that they can live beside the code that they watch.
//!
//! Projects and channels go by their names. Applying the same file twice changes nothing the second time. Everything is checked
//! before anything is applied: a file with one wrong rule changes no rule.

use super::definition::Definition;
use super::history::History;
use super::http::{checked, note_changed, note_created, problems_of};
use super::store::StoredRule;
use super::{AlertError, Alerts};
use crate::audit::Auditor;
use crate::auth::{Editor, Member, Viewer};
use crate::error::{ApiError, InvalidFields};
use crate::on;
use crate::runtime::on_main;
use crate::sight::Sight;
use crate::tenant::TenantScope;
use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use api_types::alerts::{AlertRuleRequest, AppliedRules};
use api_types::problem::FieldProblem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

const PAGE: i64 = 500;
const RULES: usize = 1_000;

crate::statements! {
    PROJECTS = "SELECT id, name FROM projects WHERE organization_id = $1";
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/alert-rules/export").get(on_main(export)))
        .service(web::resource("/api/v1/alert-rules/import").post(on_main(import)));
}

/// A file of rules.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub rules: Vec<Map<String, Value>>,
}

struct Yaml(String);

impl Responder for Yaml {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type("application/yaml; charset=utf-8").body(self.0)
    }
}

/// What the names in a file stand for.
struct Names {
    projects: HashMap<String, Uuid>,
    channels: HashMap<String, Uuid>,
}

impl Names {
    async fn of(alerts: &Alerts, scope: &TenantScope) -> Result<Self, AlertError> {
        let projects: Vec<(Uuid, String)> = on!(alerts.db.read(), pool => sqlx::query_as(PROJECTS)
            .bind(scope.organization_id()).fetch_all(pool).await)
        .map_err(AlertError::store("list projects"))?;
        let channels = alerts.channels.list(scope, None, PAGE).await?;
        Ok(Self {
            projects: projects.into_iter().map(|(id, name)| (name, id)).collect(),
            channels: channels.into_iter().map(|channel| (channel.name, channel.id)).collect(),
        })
    }
}

fn name_of(names: &HashMap<String, Uuid>, id: &str) -> Option<String> {
    names.iter().find(|(_, known)| known.to_string() == id).map(|(name, _)| name.clone())
}

/// All rules of the organization as YAML, by name; what is as it would be anyway is left out.
async fn export(member: Member<Viewer>, alerts: web::Data<Alerts>) -> Result<Yaml, ApiError> {
    let names = Names::of(&alerts, member.scope()).await?;
    let mut rules = all(&alerts, &member.sight()).await?;
    rules.sort_by(|one, other| one.definition.wire.name.cmp(&other.definition.wire.name));
    let file = File { rules: rules.iter().map(|rule| written(&rule.definition.wire, &names)).collect() };
    Ok(Yaml(serde_norway::to_string(&file).map_err(unwritable)?))
}

fn unwritable(error: serde_norway::Error) -> AlertError {
    AlertError::Unreadable { id: Uuid::nil(), source: error.into() }
}

async fn all(alerts: &Alerts, sight: &Sight) -> Result<Vec<StoredRule>, AlertError> {
    let mut rules: Vec<StoredRule> = Vec::new();
    loop {
        let page = alerts.store.list(sight, rules.last().map(|rule| rule.id), PAGE).await?;
        let was_last = (page.len() as i64) < PAGE;
        rules.extend(page);
        if was_last {
            return Ok(rules);
        }
    }
}

fn written(wire: &AlertRuleRequest, names: &Names) -> Map<String, Value> {
    let smallest = json!({"name": "", "query": "", "condition": {"op": ">", "threshold": 0.0}});
    let defaults: AlertRuleRequest =
        serde_json::from_value(smallest).expect("all that has no default is given");
    let as_map = |rule: &AlertRuleRequest| match serde_json::to_value(rule) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let defaults = as_map(&defaults);
    let always = ["name", "query", "condition"];
    let mut members = as_map(wire);
    members.retain(|name, value| always.contains(&name.as_str()) || defaults.get(name) != Some(value));
    members.remove("channel_ids");
    if let Some(project) = members.remove("project_id").as_ref().and_then(Value::as_str) {
        members
            .insert("project".into(), name_of(&names.projects, project).unwrap_or(project.to_owned()).into());
    }
    let channels: Vec<String> =
        wire.channel_ids.iter().filter_map(|id| name_of(&names.channels, id)).collect();
    if !channels.is_empty() {
        members.insert("channels".into(), json!(channels));
    }
    members
}

#[derive(Debug, Deserialize)]
struct ImportQuery {
    #[serde(default)]
    dry_run: bool,
}

/// Makes the rules of a YAML file and changes those that exist, by name; rules that it does not name stay as they are. With
/// `dry_run=true` it only says what it would do.
///
/// # Errors
/// 422 `invalid` with every field of every rule that is wrong, as `rules[2].query`; nothing was changed then.
async fn import(
    editor: Member<Editor>,
    alerts: web::Data<Alerts>,
    auditor: Auditor,
    query: web::Query<ImportQuery>,
    body: web::Bytes,
) -> Result<web::Json<AppliedRules>, ApiError> {
    // who has a row rule may not come here: rules of others would be changed by their names
    let (scope, sight) = (editor.scope(), editor.sight());
    let file = parse(&body)?;
    let names = Names::of(&alerts, scope).await?;
    let known: HashMap<String, StoredRule> = all(&alerts, &sight)
        .await?
        .into_iter()
        .map(|rule| (rule.definition.wire.name.clone(), rule))
        .collect();
    let mut wanted = Vec::new();
    let mut wrong = Vec::new();
    for (at, members) in file.rules.into_iter().enumerate() {
        let checked = async {
            let request = read(members, &names).map_err(AlertError::from)?;
            let default = known.get(&request.name).map_or(editor.default_project(), |rule| rule.project_id);
            checked(&alerts, &sight, default, request).await
        };
        match checked.await {
            Ok(rule) => wanted.push(rule),
            Err(error) => wrong.extend(problems_of(error)?.into_iter().map(|problem| at_rule(at, problem))),
        }
    }
    wrong.extend(twice(&wanted));
    if !wrong.is_empty() {
        return Err(InvalidFields(wrong).into());
    }
    let mut applied = AppliedRules { dry_run: query.dry_run, ..AppliedRules::default() };
    for (project_id, definition) in wanted {
        let rule = known.get(&definition.wire.name);
        let list = match rule {
            None => &mut applied.created,
            Some(rule) if rule.definition.wire == definition.wire => &mut applied.unchanged,
            Some(_) => &mut applied.changed,
        };
        list.push(definition.wire.name.clone());
        if query.dry_run || rule.is_some_and(|rule| rule.definition.wire == definition.wire) {
            continue;
        }
        match rule {
            None => {
                let id = alerts.store.insert(&sight, project_id, &definition, editor.user_id()).await?;
                note_created(&auditor, id, &definition).await;
            }
            Some(rule) => {
                replace(&alerts, &sight, rule.id, project_id, &definition).await?;
                note_changed(&auditor, rule.id, &rule.definition, &definition).await;
            }
        }
    }
    Ok(web::Json(applied))
}

/// As a change by hand: an evaluation that comes between is waited for.
async fn replace(
    alerts: &Alerts,
    sight: &Sight,
    id: Uuid,
    project_id: Uuid,
    definition: &Definition,
) -> Result<(), AlertError> {
    for _ in 0..super::http::TRIES {
        let rule = alerts.store.get(sight, id).await?;
        let (memory, history) = if rule.definition.wire.enabled && !definition.wire.enabled {
            super::closing::close(
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
        if alerts.store.update(&rule, project_id, definition, &memory, &history).await? {
            alerts.outbox.wake();
            return Ok(());
        }
    }
    Err(AlertError::Contended)
}

/// # Errors
/// Where and why it is no file of rules.
pub fn parse(text: &[u8]) -> Result<File, InvalidFields> {
    let file: File = serde_norway::from_slice(text).map_err(|error| {
        InvalidFields::one("", "invalid", &format!("This is not a file of rules: {error}."))
    })?;
    if file.rules.len() > RULES {
        return Err(InvalidFields::one("rules", "too_many", &format!("At most {RULES} rules in a file.")));
    }
    Ok(file)
}

/// A rule of a file, its names replaced by ids.
fn read(mut members: Map<String, Value>, names: &Names) -> Result<AlertRuleRequest, InvalidFields> {
    if let Some(project) = members.remove("project") {
        let id = project.as_str().and_then(|name| names.projects.get(name));
        let id = id.ok_or_else(|| {
            InvalidFields::one("project", "unknown", &format!("There is no project named {project}."))
        })?;
        members.insert("project_id".into(), id.to_string().into());
    }
    if let Some(channels) = members.remove("channels") {
        let wrong = || InvalidFields::one("channels", "invalid", "Must be a list of names of channels.");
        let mut ids = Vec::new();
        for name in channels.as_array().ok_or_else(wrong)? {
            let name = name.as_str().ok_or_else(wrong)?;
            let id = names.channels.get(name).ok_or_else(|| {
                InvalidFields::one("channels", "unknown", &format!("There is no channel named `{name}`."))
            })?;
            ids.push(id.to_string());
        }
        members.insert("channel_ids".into(), json!(ids));
    }
    serde_json::from_value(members.into())
        .map_err(|error| InvalidFields::one("", "invalid", &format!("{error}.")))
}

fn at_rule(at: usize, problem: FieldProblem) -> FieldProblem {
    let field = match problem.field.as_str() {
        "" => format!("rules[{at}]"),
        field => format!("rules[{at}].{field}"),
    };
    FieldProblem { field, ..problem }
}

fn twice(wanted: &[(Uuid, Definition)]) -> Vec<FieldProblem> {
    let mut seen = BTreeSet::new();
    let again = wanted.iter().enumerate().filter(|(_, (_, rule))| !seen.insert(rule.wire.name.clone()));
    let problem = |(at, (_, rule)): (usize, &(Uuid, Definition))| {
        let detail = format!("Two rules of the file are named `{}`.", rule.wire.name);
        at_rule(at, FieldProblem { field: "name".into(), code: "name_taken".into(), detail })
    };
    again.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::searcher;

    fn names() -> Names {
        let name = |name: &str, id| (name.to_owned(), Uuid::from_u128(id));
        Names {
            projects: [name("default", 1)].into(),
            channels: [name("On-call", 2), name("Chat", 3), name("Incidents", 4)].into(),
        }
    }

    #[test]
    fn what_is_written_reads_back_and_leaves_out_what_is_usual() {
        let text = "rules:\n- name: a\n  query: level:error\n  condition: {op: '>', threshold: 10}\n  channels: [On-call]\n  project: default\n";
        let members = parse(text.as_bytes()).unwrap().rules.remove(0);
        let request = read(members, &names()).unwrap();
        let again = written(&request, &names());
        assert_eq!(again.keys().collect::<Vec<_>>(), ["channels", "condition", "name", "project", "query"]);
        assert_eq!(read(again, &names()).unwrap(), request);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, says) in [
            ("rules: 1", "file of rules"),
            ("- a", "file of rules"),
            (
                "rules: [{name: a, query: b, condition: {op: '>', threshold: 1}, channels: [Nowhere]}]",
                "Nowhere",
            ),
            ("rules: [{name: a, query: b, condition: {op: '>', threshold: 1}, project: other}]", "other"),
            ("rules: [{name: a, querry: b}]", "querry"),
            ("rules: [{name: a}]", "query"),
        ] {
            let error =
                parse(text.as_bytes()).and_then(|mut file| read(file.rules.remove(0), &names())).unwrap_err();
            assert!(error.0[0].detail.contains(says), "{text}: {}", error.0[0].detail);
        }
    }

    /// The examples of the page are rules that can be saved as they are.
    #[test]
    fn every_example_of_the_page_about_alerts_is_a_rule() {
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alerts.md")).unwrap();
        let mut examples = 0;
        for block in page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            for members in parse(block.as_bytes()).unwrap().rules {
                examples += 1;
                let name = members["name"].clone();
                let request = read(members, &names()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
                let definition =
                    Definition::parse(request).unwrap_or_else(|error| panic!("{name}: {error:?}"));
                let everything = Sight::whole(TenantScope::of_job(Uuid::nil()));
                let ask = definition.ask(&everything, Uuid::nil(), 0, definition.window_us);
                searcher::check(&ask).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
        assert!(examples >= 10, "{examples} examples");
    }
}
