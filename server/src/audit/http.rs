//! Reading the log: pages, a file, and whether the chain is whole.

use super::search::Wanted;
use super::{Audit, AuditError, Auditor, Target};
use crate::auth::{Admin, Member};
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use crate::search::time_range::{Asked, TimeRange};
use crate::tenant::TenantScope;
use crate::time::now_us;
use actix_web::body::BoxBody;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use api_types::List;
use api_types::audit::{AuditCheck, AuditEntry};
use api_types::search::TimeInput;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::Deserialize;
use serde_json::json;

const DEFAULT_ENTRIES: usize = 50;
const MOST_ENTRIES: usize = 1_000;
/// Entries that an export reads at once.
const CHUNK: usize = 1_000;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/audit-log").get(on_main(list)))
        .service(web::resource("/api/v1/audit-log/export").get(on_main(export)))
        .service(web::resource("/api/v1/audit-log/check").get(on_main(check)));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    #[serde(alias = "query", default)]
    q: String,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Asking {
    /// The last 30 days when nothing is said.
    fn wanted(&self) -> Result<Wanted, ApiError> {
        let text = |text: &Option<String>, default: &str| {
            TimeInput::Text(text.clone().unwrap_or_else(|| default.to_owned()))
        };
        // An entry of this very moment belongs to it.
        let (from, to) = (text(&self.from, "now-30d"), text(&self.to, "now+1m"));
        let asked = Asked { from: Some(&from), to: Some(&to), now: None, zone: None };
        Wanted::parse(&self.q, &TimeRange::parse(asked, now_us() * 1_000)?)
    }

    fn before(&self) -> Result<i64, AuditError> {
        match &self.cursor {
            None => Ok(i64::MAX),
            Some(text) => text.parse().map_err(|_| AuditError::Cursor),
        }
    }
}

/// Who did what, newest first; `q` narrows it in the query language.
///
/// # Errors
/// 422 `query_invalid`, `cursor_invalid`, `invalid`.
async fn list(
    admin: Member<Admin>,
    audit: web::Data<Audit>,
    asking: web::Query<Asking>,
) -> Result<web::Json<List<AuditEntry>>, ApiError> {
    let limit = asking.limit.unwrap_or(DEFAULT_ENTRIES);
    if limit == 0 || limit > MOST_ENTRIES {
        return Err(InvalidFields::one("limit", "out_of_range", "Give a number from 1 to 1000.").into());
    }
    let found = audit.find(admin.scope(), &asking.wanted()?, asking.before()?, limit).await?;
    Ok(web::Json(List {
        items: found.rows.into_iter().map(AuditEntry::from).collect(),
        next_cursor: found.next.map(|before| before.to_string()),
    }))
}

/// All of it as a file: one JSON object a line, newest first. That it was taken is itself recorded.
///
/// # Errors
/// 422 `query_invalid`, `invalid`. The file ends with an error line if the database goes away meanwhile.
async fn export(
    admin: Member<Admin>,
    audit: web::Data<Audit>,
    auditor: Auditor,
    asking: web::Query<Asking>,
) -> Result<Export, ApiError> {
    let wanted = asking.wanted()?;
    auditor.record("audit_log.exported", Target::none(), json!({"query": asking.q})).await;
    let scope = *admin.scope();
    let lines = futures::stream::try_unfold(Some(i64::MAX), move |before| {
        let (audit, wanted) = (audit.clone(), wanted.clone());
        async move { next_chunk(&audit, &scope, &wanted, before).await }
    });
    Ok(Export(lines.boxed()))
}

/// The lines of an export as they come.
struct Export(BoxStream<'static, Result<Bytes, AuditError>>);

impl Responder for Export {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/x-ndjson"))
            .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"audit-log.ndjson\""))
            .streaming(self.0)
    }
}

async fn next_chunk(
    audit: &web::Data<Audit>,
    scope: &TenantScope,
    wanted: &Wanted,
    before: Option<i64>,
) -> Result<Option<(Bytes, Option<i64>)>, AuditError> {
    let Some(before) = before else { return Ok(None) };
    let found = audit.find(scope, wanted, before, CHUNK).await?;
    let mut text = String::new();
    for row in found.rows {
        text.push_str(&json!(AuditEntry::from(row)).to_string());
        text.push('\n');
    }
    Ok(Some((text.into(), found.next)))
}

/// Goes through the whole chain and says whether each row is the one that was written, and none is missing.
async fn check(admin: Member<Admin>, audit: web::Data<Audit>) -> Result<web::Json<AuditCheck>, ApiError> {
    Ok(web::Json(audit.check(admin.scope()).await?))
}
