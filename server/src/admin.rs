//! `cordwood-server admin …`: what only the operator of an installation can do, beside a running server.
//!
//! It works on the metadata database that the settings name, and everything it changes is in the audit log of the organization.

use crate::accounts;
use crate::audit::{Audit, Target};
use crate::config;
use crate::db::Db;
use crate::on;
use crate::shutdown::Shutdown;
use crate::startup::database_url;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us, rfc3339};
use anyhow::Context;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const USAGE: &str = "cordwood-server admin <command> [settings]

  organizations                   lists them with their members, projects and keys
  reset-second-factor <e-mail>    for somebody who has lost phone and recovery codes
  revoke-keys <slug>              ends every API key of an organization
  rotate-keys <slug>              makes a follower for each of them and prints its secret; the old ones work for a day more

Settings are those of the server, such as --data-dir, --database-url or --config.";

/// How long keys that were rotated by the operator still work.
const OVERLAP_HOURS: u32 = 24;

crate::statements! {
    ORGANIZATIONS = "SELECT o.id, o.slug, o.name, o.created_at, \
        (SELECT COUNT(*) FROM memberships m WHERE m.organization_id = o.id) AS members, \
        (SELECT COUNT(*) FROM projects p WHERE p.organization_id = o.id) AS projects, \
        (SELECT COUNT(*) FROM api_keys k WHERE k.organization_id = o.id AND k.revoked_at IS NULL) AS keys \
        FROM organizations o ORDER BY o.created_at, o.id";
    USER = "SELECT id FROM users WHERE email = $1";
    BY_SLUG = "SELECT id FROM organizations WHERE slug = $1";
    REVOKE_KEYS = "UPDATE api_keys SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL";
}

#[derive(sqlx::FromRow)]
struct OrganizationRow {
    id: Uuid,
    slug: String,
    name: String,
    created_at: Micros,
    members: i64,
    projects: i64,
    keys: i64,
}

/// Runs one command; its answer is what to print.
///
/// # Errors
/// An unknown command, settings that cannot be read, a database that does not answer, nobody of that name.
pub async fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<String> {
    let command = arguments.next().unwrap_or_default();
    let subject = match command.as_str() {
        "organizations" => String::new(),
        "reset-second-factor" | "revoke-keys" | "rotate-keys" => {
            arguments.next().with_context(|| format!("say whose.\n\n{USAGE}"))?
        }
        "" | "help" | "--help" => return Ok(USAGE.to_owned()),
        other => anyhow::bail!("there is no command `{other}`.\n\n{USAGE}"),
    };
    let settings = config::load_with(arguments)?;
    let db = Db::connect(&database_url(&settings), 2).await?;
    let shutdown = Shutdown::default();
    let audit = Audit::start(db.clone(), settings.audit_retention_days, &shutdown);
    let answer = match command.as_str() {
        "reset-second-factor" => reset_second_factor(&db, &audit, &subject).await,
        "revoke-keys" => revoke_keys(&db, &audit, &subject).await,
        "rotate-keys" => rotate_keys(&db, &audit, &subject).await,
        _ => organizations(&db).await,
    };
    shutdown.begin();
    shutdown.finish(Duration::from_secs(10)).await;
    db.close().await;
    answer
}

async fn organizations(db: &Db) -> anyhow::Result<String> {
    let rows: Vec<OrganizationRow> =
        on!(db.read(), pool => sqlx::query_as(ORGANIZATIONS).fetch_all(pool).await)?;
    let mut text = String::from("id\tslug\tmembers\tprojects\tkeys\tcreated\tname");
    for row in rows {
        let OrganizationRow { id, slug, name, members, projects, keys, created_at } = row;
        text.push_str(&format!(
            "\n{id}\t{slug}\t{members}\t{projects}\t{keys}\t{}\t{name}",
            rfc3339(created_at)
        ));
    }
    Ok(text)
}

async fn reset_second_factor(db: &Db, audit: &Audit, email: &str) -> anyhow::Result<String> {
    let email = email.trim().to_lowercase();
    let user: Option<Uuid> =
        on!(db.read(), pool => sqlx::query_scalar(USER).bind(&email).fetch_optional(pool).await)?;
    let user_id = user.with_context(|| format!("nobody has the address {email}"))?;
    let (was_on, organizations) = accounts::remove_second_factor(db, user_id).await?;
    anyhow::ensure!(was_on, "{email} has no second factor");
    for organization_id in organizations {
        let (scope, target) = (TenantScope::of_job(organization_id), Target::of(user_id, &email));
        audit.record_of_system(scope, "second_factor.reset", target, json!({"by": "the operator"})).await;
    }
    Ok(format!("the second factor of {email} is off"))
}

async fn revoke_keys(db: &Db, audit: &Audit, slug: &str) -> anyhow::Result<String> {
    let organization_id = organization(db, slug).await?;
    let revoked = on!(db.write(), pool => sqlx::query(REVOKE_KEYS)
        .bind(organization_id).bind(now_us()).execute(pool).await.map(|done| done.rows_affected()))?;
    let detail = json!({"keys": revoked, "by": "the operator"});
    let scope = TenantScope::of_job(organization_id);
    audit.record_of_system(scope, "api_key.all_revoked", Target::none(), detail).await;
    Ok(format!("{revoked} keys of {slug} are revoked; servers that run notice it within five seconds"))
}

async fn rotate_keys(db: &Db, audit: &Audit, slug: &str) -> anyhow::Result<String> {
    let scope = TenantScope::of_job(organization(db, slug).await?);
    let made = accounts::rotate_all_keys(db, &scope, OVERLAP_HOURS).await?;
    let detail = json!({"keys": made.len(), "overlap_hours": OVERLAP_HOURS, "by": "the operator"});
    audit.record_of_system(scope, "api_key.all_rotated", Target::none(), detail).await;
    let mut text = String::from("project\tname\tsecret");
    for created in made {
        text.push_str(&format!("\n{}\t{}\t{}", created.key.project_id, created.key.name, created.secret));
    }
    Ok(text)
}

async fn organization(db: &Db, slug: &str) -> anyhow::Result<Uuid> {
    let found: Option<Uuid> =
        on!(db.read(), pool => sqlx::query_scalar(BY_SLUG).bind(slug).fetch_optional(pool).await)?;
    found.with_context(|| format!("no organization has the slug {slug}"))
}
