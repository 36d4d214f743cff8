//! The hash that links a row to the one before it.

use crate::time::Micros;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What stands before the first row.
pub const BEGINNING: [u8; 32] = [0; 32];

/// SHA-256 over the hash before, the organization, the row's number and time, and each text after its length in bytes, so that
/// no text can pass for two. Numbers are eight bytes, largest first.
pub fn hash(
    previous: &[u8],
    organization_id: Uuid,
    sequence: i64,
    at: Micros,
    texts: &[&str; 8],
) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(previous);
    digest.update(organization_id.as_bytes());
    digest.update(sequence.to_be_bytes());
    digest.update(at.to_be_bytes());
    for text in texts {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let organization = Uuid::now_v7();
        let texts = ["person", "id", "ann", "project.changed", "staging", "7", "{}", "127.0.0.1"];
        let whole = hash(&BEGINNING, organization, 1, 2, &texts);
        assert_eq!(whole, hash(&BEGINNING, organization, 1, 2, &texts));
        assert_ne!(whole, hash(&whole, organization, 1, 2, &texts));
        assert_ne!(whole, hash(&BEGINNING, Uuid::now_v7(), 1, 2, &texts));
        assert_ne!(whole, hash(&BEGINNING, organization, 2, 2, &texts));
        assert_ne!(whole, hash(&BEGINNING, organization, 1, 3, &texts));
        for index in 0..texts.len() - 1 {
            let mut shifted = texts;
            let joined = format!("{}{}", texts[index], texts[index + 1]);
            let (left, right) = joined.split_at(texts[index].len() - 1);
            (shifted[index], shifted[index + 1]) = (left, right);
            assert_ne!(whole, hash(&BEGINNING, organization, 1, 2, &shifted), "at {index}");
        }
    }
}
