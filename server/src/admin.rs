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
use crate::usage::plan::{self, Plan};
use anyhow::Context;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

const USAGE: &str = "cordwood-server admin <command> [settings]

  organizations                   lists them with their members, projects and keys, and what their plans say
  reset-second-factor <e-mail>    for somebody who has lost phone and recovery codes
  revoke-keys <slug>              ends every API key of an organization
  rotate-keys <slug>              makes a follower for each of them and prints its secret; the old ones work for a day more
  set-plan <slug> [<limit>=<n>…]  sets limits of an organization and prints its plan; limits are daily-events, daily-bytes,
                                  retention-days and members; instead of a number write none, or default for the setting's

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
pub async fn run(arguments: impl Iterator<Item = String>) -> anyhow::Result<String> {
    let mut arguments = arguments.peekable();
    let command = arguments.next().unwrap_or_default();
    let subject = match command.as_str() {
        "organizations" => String::new(),
        "reset-second-factor" | "revoke-keys" | "rotate-keys" | "set-plan" => {
            arguments.next().with_context(|| format!("say whose.\n\n{USAGE}"))?
        }
        "" | "help" | "--help" => return Ok(USAGE.to_owned()),
        other => anyhow::bail!("there is no command `{other}`.\n\n{USAGE}"),
    };
    let mut pairs = Vec::new();
    while command == "set-plan"
        && let Some(pair) = arguments.next_if(|argument| !argument.starts_with('-'))
    {
        pairs.push(pair);
    }
    let settings = config::load_with(arguments)?;
    let db = Db::connect(&database_url(&settings), 2).await?;
    let shutdown = Shutdown::default();
    let audit = Audit::start(db.clone(), settings.audit_retention_days, &shutdown);
    let answer = match command.as_str() {
        "reset-second-factor" => reset_second_factor(&db, &audit, &subject).await,
        "revoke-keys" => revoke_keys(&db, &audit, &subject).await,
        "rotate-keys" => rotate_keys(&db, &audit, &subject).await,
        "set-plan" => set_plan(&db, &audit, &subject, &pairs).await,
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
    let plans = plan::all(db).await?;
    let limits = Plan::default().words().map(|(name, _)| format!("most {name}")).join("\t");
    let mut text = format!("id\tslug\tmembers\tprojects\tkeys\tcreated\t{limits}\tname");
    for row in rows {
        let OrganizationRow { id, slug, name, members, projects, keys, created_at } = row;
        let plan = plans.get(&id).copied().unwrap_or_default();
        let limits = plan.words().map(|(_, limit)| limit).join("\t");
        text.push_str(&format!(
            "\n{id}\t{slug}\t{members}\t{projects}\t{keys}\t{}\t{limits}\t{name}",
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

async fn set_plan(db: &Db, audit: &Audit, slug: &str, pairs: &[String]) -> anyhow::Result<String> {
    let scope = TenantScope::of_job(organization(db, slug).await?);
    let before = plan::get(db, &scope).await?;
    let plan = before.changed(pairs.iter().map(String::as_str))?;
    if !pairs.is_empty() {
        plan::set(db, &scope, &plan).await?;
        let detail = json!({"plan": BTreeMap::from(plan.words()), "by": "the operator"});
        audit.record_of_system(scope, "organization.plan_set", Target::none(), detail).await;
    }
    Ok(plan.words().map(|(name, limit)| format!("{name}={limit}")).join("\n"))
}

async fn organization(db: &Db, slug: &str) -> anyhow::Result<Uuid> {
    let found: Option<Uuid> =
        on!(db.read(), pool => sqlx::query_scalar(BY_SLUG).bind(slug).fetch_optional(pool).await)?;
    found.with_context(|| format!("no organization has the slug {slug}"))
}
