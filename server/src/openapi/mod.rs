//! The API as an OpenAPI 3.1 document, and as a page for people.
//!
//! Every row of the route table is in it: a new route shows up by itself, with its credentials and its placeholders. What it is
//! for, and what goes in and comes out, is said in `operations`; schemas are derived from the types that the code reads and
//! writes. `cargo xtask schemathesis` asks a running server everything that the document allows.

mod operations;
mod page;
mod shape;

use crate::error::ApiError;
use crate::route_table::{Access, ROUTES};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use api_types::problem::Problem;
use operations::Operation;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};
use shape::Shape;
use std::collections::BTreeSet;

/// By the name of a type: for people, who read an example sooner than a schema.
const EXAMPLES: &str = include_str!("examples.json");

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/openapi.json").get(document_as_json))
        .service(web::resource("/api/docs").get(document_as_page));
}

/// The whole API, for programs. Needs no credentials.
async fn document_as_json() -> Result<web::Json<Value>, ApiError> {
    Ok(web::Json(document()))
}

/// The whole API, for people. Needs no credentials.
async fn document_as_page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ))
        .body(page::html())
}

fn document() -> Value {
    let mut schemas = shape::generator();
    let mut paths = Map::new();
    for (method, path, access) in ROUTES {
        let operations = paths.entry(*path).or_insert_with(|| json!({}));
        operations[method.to_lowercase()] = operation(method, path, *access, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Cordwood",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Times are RFC 3339 in UTC. Lists are {items, next_cursor}. Errors are problem+json with a stable code.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token or an API key." },
            },
            "schemas": with_examples(schemas.take_definitions(true)),
        },
    })
}

fn with_examples(mut schemas: Map<String, Value>) -> Map<String, Value> {
    for (name, example) in examples() {
        if let Some(schema) = schemas.get_mut(&name).and_then(Value::as_object_mut) {
            schema.insert("example".to_owned(), example);
        }
    }
    schemas
}

fn examples() -> Map<String, Value> {
    serde_json::from_str(EXAMPLES).expect("a test reads the examples")
}

fn operation(method: &str, path: &str, access: Access, schemas: &mut SchemaGenerator) -> Value {
    let known = described(method, path);
    let mut operation = json!({
        "operationId": operation_id(method, path),
        "tags": [tag(path)],
        "summary": known.map_or_else(|| format!("{method} {path}"), |known| known.summary.to_owned()),
        "description": who(access),
        "parameters": parameters(path, known),
        "responses": responses(path, access, known, schemas),
    });
    if let Some(content) = known.and_then(|known| known.body.content(schemas)) {
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if access != Access::Open {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    operation
}

fn responses(path: &str, access: Access, known: Option<&Operation>, schemas: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let Some(known) = known else {
        // Calls of other products' clients are answered in these products' words.
        responses.insert("2XX".into(), json!({ "description": "Done." }));
        responses.insert("4XX".into(), json!({ "description": "Refused." }));
        responses.insert("503".into(), json!({ "description": "Not now: send it again." }));
        return Value::Object(responses);
    };
    let mut done = json!({ "description": "Done." });
    if let Some(content) = known.answer.content(schemas) {
        done["content"] = content;
    }
    for status in known.also.iter().filter(|status| **status < 300) {
        responses.insert(status.to_string(), done.clone());
    }
    responses.insert(known.status.to_string(), done);
    let problem = Shape::Json(|schemas| schemas.subschema_for::<Problem>());
    let problem = problem.content(schemas).map(|content| content["application/json"].clone());
    for status in refusals(path, access, known) {
        let mut problem = problem.clone();
        if let Some((_, shape)) = known.refused_as.filter(|(of, _)| *of == status)
            && let (Some(content), Some(problem)) = (shape.content(schemas), &mut problem)
        {
            let either = [&problem["schema"], &content["application/json"]["schema"]];
            *problem = json!({ "schema": { "anyOf": either } });
        }
        let answer = json!({
            "description": meaning(status),
            "content": { "application/problem+json": problem, "application/json": {} },
        });
        responses.insert(status.to_string(), answer);
    }
    Value::Object(responses)
}

/// How a call may be refused: what follows from the route itself, and what its description adds.
fn refusals(path: &str, access: Access, known: &Operation) -> BTreeSet<u16> {
    let mut statuses: BTreeSet<u16> = known.also.iter().copied().filter(|status| *status >= 400).collect();
    if access != Access::Open {
        statuses.extend([401, 403]);
    }
    if path.contains('{') {
        statuses.insert(404);
    }
    let has_body = !matches!(known.body, Shape::Nothing);
    if has_body {
        statuses.extend([413, 415]);
    }
    if has_body || !known.query.is_empty() {
        statuses.extend([400, 422]);
    }
    if path.starts_with("/api/v") {
        statuses.extend([429, 503]);
    }
    statuses
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read.",
        401 => "There are no valid credentials.",
        403 => "The caller may not do this.",
        404 => "There is no such thing in the caller's organization.",
        409 => "It cannot be done as things are.",
        413 => "The body is too large.",
        415 => "The body is of an unknown type or encoding.",
        422 => "It is well-formed and not acceptable: `errors` or `diagnostics` say where.",
        429 => "Too much: try again after `Retry-After` seconds.",
        _ => "Not now: try again after `Retry-After` seconds.",
    }
}

fn described(method: &str, path: &str) -> Option<&'static Operation> {
    operations::all().find(|known| (known.method, known.path) == (method, path))
}

fn parameters(path: &str, known: Option<&Operation>) -> Value {
    let of_path = placeholders(path).map(|name| {
        // A slash would be another path.
        let schema = json!({ "type": "string", "minLength": 1, "pattern": "^[^/?#]+$" });
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let of_query = known.into_iter().flat_map(|known| known.query).map(|parameter| {
        let schema = json!({ "type": parameter.kind });
        json!({ "name": parameter.name, "in": "query", "required": false, "description": parameter.about, "schema": schema })
    });
    of_path.chain(of_query).collect()
}

/// `{id}` without braces, and without the pattern that may stand behind a colon.
fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    inner.map(|name| name.split(':').next().unwrap_or(name))
}

fn operation_id(method: &str, path: &str) -> String {
    let words =
        path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "api");
    words.fold(method.to_lowercase(), |id, word| format!("{id}_{word}"))
}

/// The first word of the path that tells what it is about.
fn tag(path: &str) -> &str {
    let about = |word: &&str| !["", "api", "v1", "v2"].contains(word) && !word.starts_with('{');
    path.split('/').find(about).unwrap_or("service")
}

fn who(access: Access) -> String {
    match access {
        Access::Open => "Needs no credentials.".into(),
        Access::Read => "For members, and API keys with the scope `query`.".into(),
        Access::Ingest => "For API keys with the scope `ingest`.".into(),
        Access::Person => "For signed-in people only.".into(),
        Access::Project(role) => {
            let role = format!("{role:?}").to_lowercase();
            format!(
                "For members with the role `{role}` or higher in the project, and API keys with the scope `admin`."
            )
        }
        Access::Member(role) | Access::Anywhere(role) => {
            let role = format!("{role:?}").to_lowercase();
            format!("For members with the role `{role}` or higher, and API keys with the scope `admin`.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::{annotations, events, saved_searches, search};
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    #[test]
    fn every_route_is_in_the_document() {
        let document = document();
        for (method, path, _) in ROUTES {
            let operation = &document["paths"][*path][method.to_lowercase()];
            assert!(operation["operationId"].is_string(), "{method} {path}");
            let named: Vec<_> = placeholders(path).collect();
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            assert_eq!(in_path.count(), named.len(), "{method} {path}");
        }
    }

    #[test]
    fn operation_ids_are_different() {
        let mut ids: Vec<String> =
            ROUTES.iter().map(|(method, path, _)| operation_id(method, path)).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn what_is_described_is_there_and_the_other_way_round() {
        for operation in operations::all() {
            let is_it = |(method, path, _): &&(&str, &str, Access)| {
                (*method, *path) == (operation.method, operation.path)
            };
            assert!(ROUTES.iter().any(|route| is_it(&route)), "{} {}", operation.method, operation.path);
        }
        for (method, path, _) in ROUTES.iter().filter(|(_, path, _)| path.starts_with("/api/v1/")) {
            assert!(described(method, path).is_some(), "describe {method} {path} in openapi/operations");
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        let references = text.split("#/components/schemas/").skip(1);
        let names: BTreeSet<&str> = references.map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(names.len() > 50, "only {names:?}");
        for name in names {
            assert!(schemas.contains_key(name), "no schema {name}");
        }
    }

    /// The example of a type is what the code reads and writes, member for member, and the schema names every member.
    fn holds<T: DeserializeOwned + Serialize>(name: &str) {
        let schema = &document()["components"]["schemas"][name];
        let example = examples()[name].clone();
        let read: T =
            serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), example, "{name}");
        for member in example.as_object().unwrap().keys() {
            assert!(!schema["properties"][member].is_null(), "{name} does not name {member}");
        }
        for member in schema["properties"].as_object().unwrap().keys() {
            assert!(example.get(member).is_some(), "the example of {name} does not show {member}");
        }
    }

    #[test]
    fn examples_are_what_the_code_reads_and_writes() {
        holds::<api_types::problem::Problem>("Problem");
        holds::<search::SearchRequest>("SearchRequest");
        holds::<search::SearchAnswer>("SearchAnswer");
        holds::<search::Histogram>("Histogram");
        holds::<search::Fields>("Fields");
        holds::<search::FieldValues>("FieldValues");
        holds::<search::CheckRequest>("CheckRequest");
        holds::<search::CheckAnswer>("CheckAnswer");
        holds::<search::TranslateRequest>("TranslateRequest");
        holds::<search::TranslateAnswer>("TranslateAnswer");
        holds::<events::Patterns>("Patterns");
        holds::<events::Context>("Context");
        holds::<events::ExportRequest>("ExportRequest");
        holds::<events::DifferenceRequest>("DifferenceRequest");
        holds::<events::Differences>("Differences");
        holds::<saved_searches::SavedSearchRequest>("SavedSearchRequest");
        holds::<saved_searches::SavedSearch>("SavedSearch");
        holds::<annotations::AnnotationRequest>("AnnotationRequest");
        holds::<annotations::Annotation>("Annotation");
        holds::<annotations::PinnedFields>("PinnedFields");
    }
}
