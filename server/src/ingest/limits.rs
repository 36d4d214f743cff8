//! How much memory bodies that are worked on may take: all together, and those of one organization.
//!
//! Bodies that do not fit are refused (503) before they are read, so that a flood costs answers and not the process. One
//! organization never holds more than half, so that its slow or large bodies keep nobody else out.

use crate::error::{Problem, ProblemKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    #[error(
        "too many {what} per second; try again in {retry_after_s} s, or ask your operator for a higher limit"
    )]
    TooFast { what: &'static str, retry_after_s: u64 },
    #[error(
        "this API key may send {per_second} {what} per second and sends more; try again in {retry_after_s} s, or ask who manages the keys of your organization for a higher limit"
    )]
    KeyTooFast { what: &'static str, per_second: u64, retry_after_s: u64 },
    #[error("too many requests are being read; try again shortly")]
    Busy,
}

impl Problem for LimitError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::TooFast { retry_after_s, .. } => {
                ProblemKind::TooManyRequests { code: "rate_limited", retry_after_s: *retry_after_s }
            }
            Self::KeyTooFast { retry_after_s, .. } => {
                ProblemKind::TooManyRequests { code: "key_rate_limited", retry_after_s: *retry_after_s }
            }
            Self::Busy => ProblemKind::Unavailable { code: "busy", retry_after_s: 1 },
        }
    }
}

/// Memory for bodies that are being worked on. Clones are the same.
#[derive(Clone, Debug)]
pub struct Memory {
    bytes: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<Uuid, usize>,
}

/// A share of the memory, given back when dropped.
#[derive(Debug)]
pub struct Share {
    memory: Memory,
    organization_id: Uuid,
    bytes: usize,
}

impl Memory {
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { bytes, taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `bytes` for a body of the organization.
    ///
    /// # Errors
    /// When they are not free, or the organization has its half already.
    pub fn take(&self, organization_id: Uuid, bytes: usize) -> Result<Share, LimitError> {
        let mut taken = self.taken();
        let own = taken.of.get(&organization_id).copied().unwrap_or(0);
        if taken.all + bytes > self.bytes || own + bytes > self.bytes / 2 {
            return Err(LimitError::Busy);
        }
        taken.all += bytes;
        taken.of.insert(organization_id, own + bytes);
        Ok(Share { memory: self.clone(), organization_id, bytes })
    }
}

impl Share {
    /// Takes more, once it is known how much is needed.
    ///
    /// # Errors
    /// When it is not free; the share stays as it is.
    pub fn grow(&mut self, bytes: usize) -> Result<(), LimitError> {
        let mut more = self.memory.take(self.organization_id, bytes)?;
        self.bytes += std::mem::take(&mut more.bytes);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.memory.taken();
        taken.all -= self.bytes;
        if let Some(own) = taken.of.get_mut(&self.organization_id) {
            *own -= self.bytes;
            if *own == 0 {
                taken.of.remove(&self.organization_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn memory_is_given_back() {
        let memory = Memory::new(200);
        let mut share = memory.take(ONE, 60).unwrap();
        assert!(share.grow(50).is_err());
        share.grow(40).unwrap();
        drop(share);
        assert!(memory.take(ONE, 100).is_ok());
        assert!(memory.taken().of.is_empty());
    }

    #[test]
    fn one_organization_leaves_half_to_the_others() {
        let memory = Memory::new(200);
        let flood = memory.take(ONE, 100).unwrap();
        assert!(matches!(memory.take(ONE, 1), Err(LimitError::Busy)));

        let other = memory.take(OTHER, 100).unwrap();
        assert!(memory.take(Uuid::from_u128(3), 1).is_err(), "there is no more");
        drop((flood, other));
        assert!(memory.take(ONE, 100).is_ok());
    }
}
