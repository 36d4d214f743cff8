//! Password hashes: argon2id, never more at once than the machine has cores.
//!
//! One hash takes 19 MiB and about 50 ms, so hashing without a bound would be a way to exhaust the machine: beyond a short queue
//! the answer is `Busy`. Unknown users cost the same time as wrong passwords.

use super::AuthError;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes that may wait for a core.
const QUEUE: usize = 32;

static ARGON2: LazyLock<Argon2<'static>> = LazyLock::new(|| {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
});

/// What unknown users are compared with; nobody knows its password.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let password: [u8; 32] = rand::random();
    hash_now(&password).expect("hashing random bytes works")
});

/// The bounded pool; cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub matches: bool,
    /// The hash was made with other parameters than today's.
    pub outdated: bool,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { admitted: Arc::new(Semaphore::new(cores + QUEUE)), running: Arc::new(Semaphore::new(cores)) }
    }

    /// # Errors
    /// `Busy` when too many hashes wait already.
    pub async fn hash(&self, password: SecretString) -> Result<String, AuthError> {
        self.run(move || hash_now(password.expose_secret().as_bytes()))
            .await?
            .map_err(|reason| AuthError::Internal { action: "hash a password", reason: reason.to_string() })
    }

    /// Compares with the stored hash, or with nobody's when the user is unknown or has no password.
    ///
    /// # Errors
    /// `Busy` when too many hashes wait already.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<Verdict, AuthError> {
        self.run(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| NOBODY.clone());
            let Ok(hash) = PasswordHash::new(&stored) else {
                return Verdict { matches: false, outdated: false };
            };
            let equal = ARGON2.verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
            Verdict { matches: equal && known, outdated: is_outdated(&hash) }
        })
        .await
    }

    /// Runs on a blocking thread. The permits go with the work: a client that leaves frees nothing early.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| AuthError::Busy)?;
        let running = self.running.clone().acquire_owned().await.map_err(|_| AuthError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permits = (admitted, running);
            work()
        });
        done.await
            .map_err(|error| AuthError::Internal { action: "hash a password", reason: error.to_string() })
    }
}

fn hash_now(password: &[u8]) -> Result<String, argon2::password_hash::Error> {
    Ok(ARGON2.hash_password(password)?.to_string())
}

fn is_outdated(hash: &PasswordHash) -> bool {
    Params::try_from(hash).map_or(true, |params| {
        (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse battery".into()).await.unwrap();

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = passwords.verify("correct horse battery".into(), Some(hash.clone())).await.unwrap();
        assert_eq!(right, Verdict { matches: true, outdated: false });
        assert!(!passwords.verify("correct horse batterx".into(), Some(hash)).await.unwrap().matches);
        assert!(!passwords.verify("anything".into(), None).await.unwrap().matches);
    }

    #[tokio::test]
    async fn a_hash_made_with_other_parameters_is_outdated() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, Some(32)).unwrap());
        let hash = weak.hash_password(b"correct horse battery").unwrap().to_string();

        let verdict = Passwords::new().verify("correct horse battery".into(), Some(hash)).await.unwrap();

        assert_eq!(verdict, Verdict { matches: true, outdated: true });
    }

    #[tokio::test]
    async fn beyond_the_queue_the_answer_is_busy() {
        let passwords = Passwords::new();
        let all = passwords.admitted.available_permits();
        let _held = passwords.admitted.clone().acquire_many_owned(u32::try_from(all).unwrap()).await.unwrap();

        assert!(matches!(passwords.hash("correct horse battery".into()).await, Err(AuthError::Busy)));
    }
}
