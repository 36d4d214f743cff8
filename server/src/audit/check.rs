//! Goes through a chain: is each row what was written, and is none missing?

use super::chain::BEGINNING;
use super::store::{self, Row, hex};
use super::{Audit, AuditError};
use crate::tenant::TenantScope;
use api_types::audit::AuditCheck;

const CHUNK: usize = 1_000;

impl Audit {
    /// The first rows may have been removed because their time had ended; what is left must follow each other up to the newest.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn check(&self, scope: &TenantScope) -> Result<AuditCheck, AuditError> {
        let head = store::head(&self.db, scope.organization_id()).await?;
        let mut before: Option<Row> = None;
        let mut check = AuditCheck {
            intact: true,
            entries: 0,
            newest_hash: hex(head.as_ref().map_or(&BEGINNING, |head| &head.hash)),
            broken_at: None,
        };
        loop {
            let after = before.as_ref().map_or(0, |row| row.sequence);
            let rows = store::upwards(&self.db, scope, after, CHUNK as i64).await?;
            let is_last = rows.len() < CHUNK;
            for row in rows {
                if check.intact && !(follows(&row, before.as_ref()) && row.hash == row.right_hash(scope)) {
                    (check.intact, check.broken_at) = (false, Some(row.sequence));
                }
                check.entries += 1;
                before = Some(row);
            }
            if is_last {
                break;
            }
        }
        // Rows that came meanwhile are beyond the head that was read.
        let reached = before.map_or(0, |row| row.sequence);
        if let Some(head) = head.filter(|head| check.intact && reached < head.sequence) {
            (check.intact, check.broken_at) = (false, Some(head.sequence));
        }
        Ok(check)
    }
}

fn follows(row: &Row, before: Option<&Row>) -> bool {
    match before {
        Some(before) => row.sequence == before.sequence + 1 && row.previous_hash == before.hash,
        None => row.sequence > 1 || row.previous_hash == BEGINNING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Target;
    use crate::db::Db;
    use crate::on;
    use crate::shutdown::Shutdown;
    use crate::time::{DAY_US, now_us};
    use serde_json::json;
    use uuid::Uuid;

    struct Fixture {
        audit: Audit,
        scope: TenantScope,
        shutdown: Shutdown,
        _folder: tempfile::TempDir,
    }

    /// A chain of five entries.
    async fn five() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("cordwood.db").display());
        let db = Db::connect(&url, 2).await.unwrap();
        let (organization_id, shutdown) = (Uuid::now_v7(), Shutdown::default());
        on!(db.write(), pool => sqlx::query("INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, 'A', 'a', 1)")
            .bind(organization_id).execute(pool).await.map(|_| ()))
        .unwrap();
        let audit = Audit::start(db, 400, &shutdown);
        let scope = TenantScope::of_job(organization_id);
        for number in 0..5 {
            let target = Target::of(number, "a project");
            audit.record_of_system(scope, "project.changed", target, json!({"number": number})).await;
        }
        Fixture { audit, scope, shutdown, _folder: folder }
    }

    impl Fixture {
        async fn execute(&self, sql: &'static str) {
            on!(self.audit.db.write(), pool => sqlx::query(sql).execute(pool).await.map(|_| ())).unwrap();
        }

        async fn broken_at(&self) -> Option<i64> {
            let check = self.audit.check(&self.scope).await.unwrap();
            assert_eq!(check.intact, check.broken_at.is_none());
            check.broken_at
        }
    }

    #[tokio::test]
    async fn an_untouched_chain_is_intact() {
        let five = five().await;
        let check = five.audit.check(&five.scope).await.unwrap();
        assert_eq!((check.intact, check.entries), (true, 5));
        assert_eq!(check.newest_hash.len(), 64);
    }

    #[tokio::test]
    async fn a_changed_row_is_found() {
        let five = five().await;
        five.execute("UPDATE audit_entries SET detail = '{}' WHERE sequence = 3").await;
        assert_eq!(five.broken_at().await, Some(3));
    }

    #[tokio::test]
    async fn a_row_that_was_taken_out_is_missed_wherever_it_was() {
        let five = five().await;
        five.execute("DELETE FROM audit_entries WHERE sequence = 5").await;
        assert_eq!(five.broken_at().await, Some(5));
        five.execute("DELETE FROM audit_entries WHERE sequence = 2").await;
        assert_eq!(five.broken_at().await, Some(3));
    }

    #[tokio::test]
    async fn rows_whose_time_has_ended_are_not_missed() {
        let five = five().await;
        five.execute("UPDATE audit_entries SET at = 1 WHERE sequence < 3").await;
        store::remove_old(&five.audit.db, now_us() - DAY_US).await.unwrap();
        let check = five.audit.check(&five.scope).await.unwrap();
        assert_eq!((check.intact, check.entries), (true, 3));
    }

    #[tokio::test]
    async fn what_waits_when_the_process_stops_is_stored() {
        let five = five().await;
        five.shutdown.begin();
        five.audit.record_of_system(five.scope, "project.deleted", Target::none(), json!({})).await;
        let stopped = five.shutdown.finish(std::time::Duration::from_secs(30)).await;
        assert!(stopped, "the writer ends");
        assert_eq!(five.audit.check(&five.scope).await.unwrap().entries, 6);
    }
}
