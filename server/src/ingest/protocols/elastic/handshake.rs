//! What Elasticsearch's clients ask before they send: who is there, with what licence, and are their templates in place.
//!
//! Templates, policies and pipelines describe how Elasticsearch would index; there is nothing to set up here, so they are
//! acknowledged and not kept.

use super::{Sender, answer, refuse};
use crate::error::ApiError;
use crate::web_assets;
use actix_web::http::header::ACCEPT;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// The version that clients are told. Beats refuse to send to a version that is lower than theirs.
const VERSION: &str = "9.2.0";

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/").get(root).head(root))
        .service(web::resource("/elasticsearch").get(greet).head(greet))
        .service(web::resource(["/_license", "/elasticsearch/_license"]).get(license))
        .service(web::resource(["/_xpack", "/elasticsearch/_xpack"]).get(features))
        .service(web::resource(["/_cluster/health", "/elasticsearch/_cluster/health"]).get(health))
        .service(
            web::resource([
                "/_index_template/{name}",
                "/elasticsearch/_index_template/{name}",
                "/_component_template/{name}",
                "/elasticsearch/_component_template/{name}",
                "/_template/{name}",
                "/elasticsearch/_template/{name}",
                "/_ilm/policy/{name}",
                "/elasticsearch/_ilm/policy/{name}",
                "/_data_stream/{name}",
                "/elasticsearch/_data_stream/{name}",
                "/_ingest/pipeline/{name}",
                "/elasticsearch/_ingest/pipeline/{name}",
            ])
            .get(set_up)
            .head(set_up)
            .put(set_up)
            .post(set_up),
        );
}

/// The page for browsers, and Elasticsearch's greeting for everybody else.
pub async fn root(request: HttpRequest, sender: Sender) -> Result<HttpResponse, ApiError> {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    match accept.contains("text/html") {
        true => web_assets::serve(request).await,
        false => Ok(tell(&request, sender, greeting())),
    }
}

pub async fn greet(request: HttpRequest, sender: Sender) -> HttpResponse {
    tell(&request, sender, greeting())
}

pub async fn license(request: HttpRequest, sender: Sender) -> HttpResponse {
    let license = json!({"status": "active", "uid": "cordwood", "type": "basic", "issue_date_in_millis": 0});
    tell(&request, sender, json!({"license": license}))
}

pub async fn features(request: HttpRequest, sender: Sender) -> HttpResponse {
    let license = json!({"uid": "cordwood", "type": "basic", "mode": "basic", "status": "active"});
    tell(&request, sender, json!({"license": license, "features": {}, "tagline": "Cordwood"}))
}

pub async fn health(request: HttpRequest, sender: Sender) -> HttpResponse {
    let health = json!({
        "cluster_name": "cordwood", "status": "green", "timed_out": false, "number_of_nodes": 1,
        "number_of_data_nodes": 1, "active_primary_shards": 1, "active_shards": 1, "unassigned_shards": 0,
    });
    tell(&request, sender, health)
}

/// Everything that a client wants to be there is there.
pub async fn set_up(request: HttpRequest, sender: Sender, name: web::Path<String>) -> HttpResponse {
    let body = match *request.method() {
        Method::GET if request.path().contains("_index_template") => {
            json!({"index_templates": [{"name": *name, "index_template": {"index_patterns": []}}]})
        }
        Method::GET if request.path().contains("_data_stream") => {
            json!({"data_streams": [{"name": *name, "status": "GREEN"}]})
        }
        Method::GET => json!({ (*name).as_str(): {} }),
        _ => json!({"acknowledged": true}),
    };
    tell(&request, sender, body)
}

fn greeting() -> Value {
    json!({
        "name": "cordwood",
        "cluster_name": "cordwood",
        "cluster_uuid": "cordwood",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": "cordwood",
            "build_date": "2026-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "10.3.0",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    })
}

/// Only those who may send are told anything, so that a wrong key is noticed at once.
fn tell(request: &HttpRequest, sender: Sender, body: Value) -> HttpResponse {
    match sender {
        Ok(_) => answer(request, StatusCode::OK).body(body.to_string()),
        Err(error) => refuse(request, &ApiError::from(error).told()),
    }
}
