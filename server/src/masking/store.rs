//! SQL of the masking rules.

use super::MaskingError;
use super::rules::Rules;
use crate::db::Db;
use crate::on;
use crate::tenant::TenantScope;
use crate::time::{Micros, now_us};
use event::MaskRule;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is saved of a project.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(from = "Text")]
pub struct Saved {
    pub rules: Vec<MaskRule>,
    pub keep_colours: bool,
}

/// The first version saved the rules alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Rules(Vec<MaskRule>),
    All { rules: Vec<MaskRule>, keep_colours: bool },
}

impl From<Text> for Saved {
    fn from(text: Text) -> Self {
        match text {
            Text::Rules(rules) => Self { rules, keep_colours: false },
            Text::All { rules, keep_colours } => Self { rules, keep_colours },
        }
    }
}

crate::statements! {
    GET = "SELECT rules, secret FROM masking WHERE organization_id = $1 AND project_id = $2";
    PUT = "INSERT INTO masking (organization_id, project_id, rules, secret, updated_at) \
        SELECT organization_id, id, $3, $4, $5 FROM projects WHERE organization_id = $1 AND id = $2 \
        ON CONFLICT (organization_id, project_id) DO UPDATE SET rules = excluded.rules, updated_at = excluded.updated_at";
    CHANGED_SINCE = "SELECT organization_id, project_id FROM masking WHERE updated_at >= $1";
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> MaskingError {
    move |source| MaskingError { action, source }
}

async fn row(
    db: &Db,
    scope: &TenantScope,
    project_id: Uuid,
) -> Result<Option<(String, Vec<u8>)>, MaskingError> {
    on!(db.read(), pool => sqlx::query_as(GET)
        .bind(scope.organization_id()).bind(project_id).fetch_optional(pool).await)
    .map_err(failed("read masking rules"))
}

fn parsed(saved: &str) -> Result<Saved, MaskingError> {
    serde_json::from_str(saved)
        .map_err(|error| failed("understand masking rules")(sqlx::Error::Decode(error.into())))
}

/// The rules in force.
///
/// # Errors
/// The database does not answer, or holds rules of a newer version: nothing may be stored then.
pub async fn load(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<Rules, MaskingError> {
    let Some((saved, secret)) = row(db, scope, project_id).await? else { return Ok(Rules::default()) };
    let saved = parsed(&saved)?;
    Rules::new(&saved.rules, &secret)
        .map(|rules| rules.with_colours(saved.keep_colours))
        .map_err(|error| failed("prepare masking rules")(sqlx::Error::Decode(error.into())))
}

/// The rules as they were saved.
///
/// # Errors
/// The database does not answer.
pub async fn get(db: &Db, scope: &TenantScope, project_id: Uuid) -> Result<Saved, MaskingError> {
    match row(db, scope, project_id).await? {
        Some((saved, _)) => parsed(&saved),
        None => Ok(Saved::default()),
    }
}

/// Saves the rules; says whether the project is one of the organization.
///
/// # Errors
/// The database does not take them.
pub async fn put(
    db: &Db,
    scope: &TenantScope,
    project_id: Uuid,
    saved: &Saved,
) -> Result<bool, MaskingError> {
    let secret: [u8; 32] = rand::random();
    let text = serde_json::to_string(saved).expect("rules are plain data");
    on!(db.write(), pool => sqlx::query(PUT)
        .bind(scope.organization_id()).bind(project_id).bind(text).bind(&secret[..]).bind(now_us())
        .execute(pool).await.map(|done| done.rows_affected() > 0))
    .map_err(failed("save masking rules"))
}

/// Organization and project of the rules that were changed since.
///
/// # Errors
/// The database does not answer.
pub async fn changed_since(db: &Db, since: Micros) -> Result<Vec<(Uuid, Uuid)>, MaskingError> {
    on!(db.read(), pool => sqlx::query_as(CHANGED_SINCE).bind(since).fetch_all(pool).await)
        .map_err(failed("list changed masking rules"))
}
