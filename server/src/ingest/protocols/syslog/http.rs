//! `/api/v1/syslog-listeners`: the ports of one's projects.

use super::listeners::Listeners;
use super::store::Kept;
use crate::auth::{Admin, Member, Viewer};
use crate::error::{ApiError, InvalidFields, Refused};
use crate::http_head::NoContent;
use crate::runtime::on_main;
use crate::time::rfc3339;
use actix_web::http::StatusCode;
use actix_web::web;
use api_types::List;
use api_types::ingest::{NewSyslogListener, SyslogListener};
use uuid::Uuid;

/// Ports below belong to the machine.
const LOWEST_PORT: u16 = 1024;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/syslog-listeners").get(on_main(list)).post(on_main(create)))
        .service(web::resource("/api/v1/syslog-listeners/{id}").delete(on_main(delete)));
}

/// # Errors
/// 503 when the database does not answer.
pub async fn list(
    member: Member<Viewer>,
    listeners: web::Data<Listeners>,
) -> Result<web::Json<List<SyslogListener>>, ApiError> {
    let kept = listeners.list(member.scope()).await?;
    let items: Vec<_> = kept.into_iter().map(|kept| view(&listeners, kept)).collect();
    Ok(web::Json(items.into()))
}

/// Opens a port for a project: everything that is sent to it is the project's, with no key.
///
/// # Errors
/// - 404 the organization has no such project.
/// - 409 `port_taken`, `too_many_listeners`, `no_certificate`, `syslog_off`.
/// - 422 `invalid`: the protocol or the port is none that can be used.
pub async fn create(
    admin: Member<Admin>,
    listeners: web::Data<Listeners>,
    body: web::Json<NewSyslogListener>,
) -> Result<(web::Json<SyslogListener>, StatusCode), ApiError> {
    let NewSyslogListener { project_id, protocol, port } = body.into_inner();
    let project_id = match project_id {
        Some(id) => Uuid::parse_str(&id).map_err(|_| Refused::not_found())?,
        None => admin.default_project(),
    };
    let retention = listeners.project(admin.scope(), project_id).await?.ok_or_else(Refused::not_found)?;
    if !["tcp", "udp", "tls"].contains(&protocol.as_str()) {
        return Err(InvalidFields::one("protocol", "unknown_protocol", "Choose tcp, udp or tls.").into());
    }
    if port.is_some_and(|port| port < LOWEST_PORT) {
        let detail = "Choose a port from 1024 to 65535, or leave it out and one is found.";
        return Err(InvalidFields::one("port", "port_not_allowed", detail).into());
    }
    let kept = listeners.add(admin.scope(), (project_id, retention), &protocol, port.unwrap_or(0)).await?;
    Ok((web::Json(view(&listeners, kept)), StatusCode::CREATED))
}

/// # Errors
/// 404 the organization has no such listener.
pub async fn delete(
    admin: Member<Admin>,
    listeners: web::Data<Listeners>,
    id: web::Path<Uuid>,
) -> Result<NoContent, ApiError> {
    match listeners.remove(admin.scope(), *id).await? {
        true => Ok(NoContent),
        false => Err(Refused::not_found().into()),
    }
}

fn view(listeners: &Listeners, kept: Kept) -> SyslogListener {
    SyslogListener {
        id: kept.id.to_string(),
        project_id: kept.project_id.to_string(),
        protocol: kept.protocol,
        address: listeners.ip().to_string(),
        port: u16::try_from(kept.port).unwrap_or(0),
        created_at: rfc3339(kept.created_at),
    }
}
