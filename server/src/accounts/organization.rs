//! The caller's organization.

use super::checked::Name;
use super::{Accounts, organization_store};
use crate::audit::{Auditor, Target};
use crate::auth::{Admin, Member, Viewer};
use crate::erasure;
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use actix_web::web;
use api_types::accounts::{Organization, OrganizationChange};
use serde_json::json;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/api/v1/organization")
            .get(on_main(get))
            .patch(on_main(change))
            .delete(on_main(erasure::delete_organization)),
    );
}

async fn get(
    member: Member<Viewer>,
    accounts: web::Data<Accounts>,
) -> Result<web::Json<Organization>, ApiError> {
    Ok(web::Json(organization_store::get(&accounts.db, member.scope()).await?))
}

/// Renames it; its slug stays.
///
/// # Errors
/// 422 `invalid`.
async fn change(
    admin: Member<Admin>,
    accounts: web::Data<Accounts>,
    auditor: Auditor,
    body: web::Json<OrganizationChange>,
) -> Result<web::Json<Organization>, ApiError> {
    let name = Name::parse("name", &body.name).map_err(InvalidFields::from)?;
    organization_store::rename(&accounts.db, admin.scope(), &name).await?;
    let target = Target::of(admin.org_id(), name.as_str());
    auditor.record("organization.renamed", target, json!({})).await;
    Ok(web::Json(organization_store::get(&accounts.db, admin.scope()).await?))
}
