//! What became of a batch: its name in answers, and the state behind the name.
//!
//! The name is the batch's place in this node's log, with a check that only its own organization can match. Nothing is kept for
//! it: the log's checkpoint and the dead letters know.

use super::dead_letters::letter::Origin;
use super::{Ingest, IngestError};
use crate::tenant::TenantScope;
use api_types::ingest::{Receipt, ReceiptState};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wal::Lsn;

/// The name of a batch in answers.
#[must_use]
pub fn name_of(log_id: &[u8; 16], organization_id: Uuid, lsn: Lsn) -> String {
    let mut hash = Sha256::new();
    hash.update(log_id);
    hash.update(organization_id);
    hash.update(lsn.to_le_bytes());
    let check = u64::from_le_bytes(std::array::from_fn({
        let hash = hash.finalize();
        move |i| hash[i]
    }));
    format!("{lsn:x}-{check:016x}")
}

impl Ingest {
    /// The name under which an acknowledged batch can be asked for.
    #[must_use]
    pub fn receipt_name(&self, organization_id: Uuid, lsn: Lsn) -> String {
        name_of(&self.0.wal.id(), organization_id, lsn)
    }

    /// What became of a batch; `None` when this node gave the organization no such name.
    ///
    /// # Errors
    /// When the metadata database does not answer.
    pub async fn receipt(&self, scope: &TenantScope, batch: &str) -> Result<Option<Receipt>, IngestError> {
        let lsn = batch.split_once('-').and_then(|(lsn, _)| Lsn::from_str_radix(lsn, 16).ok());
        let Some(lsn) = lsn.filter(|lsn| self.receipt_name(scope.organization_id(), *lsn) == batch) else {
            return Ok(None);
        };
        let is_done = lsn < self.0.wal.checkpoint();
        let origin = Origin { log_id: self.0.wal.id(), lsn };
        let dead_letters = self.0.letters.count_of(scope, origin).await?;
        let state = match (is_done, dead_letters) {
            (false, _) => ReceiptState::Queued,
            (true, 0) => ReceiptState::Stored,
            (true, _) => ReceiptState::DeadLettered,
        };
        Ok(Some(Receipt { batch: batch.to_owned(), state, dead_letters }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_differs_by_organization_log_and_place() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let name = name_of(&[1; 16], one, 7);

        assert_eq!(name, name_of(&[1; 16], one, 7));
        assert!(
            [name_of(&[1; 16], two, 7), name_of(&[2; 16], one, 7), name_of(&[1; 16], one, 8)]
                .iter()
                .all(|other| *other != name)
        );
    }
}
