//! The API as an OpenAPI 3.1 document, and as a page for people.
//!
//! Every row of the route table is in it: a new route shows up by itself, with its credentials and its placeholders. What it is
//! for, and what goes in and comes out, is said in `operations` and `schemas.json`; tests hold both against the code. Bodies that
//! nobody has described yet are objects without more.

mod operations;
mod page;

use crate::error::ApiError;
use crate::route_table::{Access, ROUTES};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use operations::{OPERATIONS, Operation};
use serde_json::{Map, Value, json};

const SCHEMAS: &str = include_str!("schemas.json");

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
    let mut paths = Map::new();
    for (method, path, access) in ROUTES {
        let operations = paths.entry(*path).or_insert_with(|| json!({}));
        operations[method.to_lowercase()] = operation(method, path, *access);
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
            "schemas": schemas(),
        },
    })
}

fn schemas() -> Value {
    serde_json::from_str(SCHEMAS).expect("a test reads the schemas")
}

fn operation(method: &str, path: &str, access: Access) -> Value {
    let known = described(method, path);
    let mut operation = json!({
        "operationId": operation_id(method, path),
        "tags": [tag(path)],
        "summary": known.map_or_else(|| format!("{method} {path}"), |known| known.summary.to_owned()),
        "description": who(access),
        "parameters": parameters(path, known),
        "responses": {
            "2XX": { "description": "Done.", "content": content(known.and_then(|known| known.answer)) },
            "default": {
                "description": "What went wrong.",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            },
        },
    });
    if let Some(body) = known.and_then(|known| known.body) {
        operation["requestBody"] = json!({ "required": true, "content": content(Some(body)) });
    } else if ["POST", "PATCH", "PUT"].contains(&method) {
        operation["requestBody"] = json!({ "content": content(None) });
    }
    if access != Access::Open {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    operation
}

fn described(method: &str, path: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|known| (known.method, known.path) == (method, path))
}

/// A schema by name; a media type (with a slash in it) is content without a schema.
fn content(name: Option<&str>) -> Value {
    match name {
        None => json!({ "application/json": { "schema": { "type": "object" } } }),
        Some(media) if media.contains('/') => json!({ media: {} }),
        Some(name) => json!({ "application/json": { "schema": reference(name) } }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn parameters(path: &str, known: Option<&Operation>) -> Value {
    let parameter = |name: &str, place: &str, about: &str| {
        json!({
            "name": name, "in": place, "required": place == "path", "description": about, "schema": { "type": "string" },
        })
    };
    let of_path = placeholders(path).map(|name| parameter(name, "path", ""));
    let of_query = known.into_iter().flat_map(|known| known.query);
    let of_query = of_query.map(|(name, about)| parameter(name, "query", about));
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
    use api_types::{events, saved_searches, search};
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
    fn what_is_described_is_there_and_its_schemas_too() {
        let schemas = schemas();
        for operation in OPERATIONS {
            let is_it = |(method, path, _): &&(&str, &str, Access)| {
                (*method, *path) == (operation.method, operation.path)
            };
            assert!(ROUTES.iter().any(|route| is_it(&route)), "{} {}", operation.method, operation.path);
            for name in operation.body.iter().chain(&operation.answer).filter(|name| !name.contains('/')) {
                assert!(schemas[*name].is_object(), "no schema {name}");
            }
        }
        let text = document().to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas[name].is_object(), "no schema {name}");
        }
    }

    /// The example of a schema is what the code reads and writes, member for member, and the schema names every member.
    fn holds<T: DeserializeOwned + Serialize>(name: &str) {
        let schema = &schemas()[name];
        let example = schema["example"].clone();
        let read: T =
            serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), example, "{name}");
        for member in example.as_object().unwrap().keys() {
            assert!(schema["properties"][member].is_object(), "{name} does not name {member}");
        }
        for member in schema["properties"].as_object().unwrap().keys() {
            assert!(example.get(member).is_some(), "the example of {name} does not show {member}");
        }
    }

    #[test]
    fn schemas_say_what_the_code_reads_and_writes() {
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
    }
}
