//! Ends tails whose reader may not read any more, or not the same: signed out, key revoked, no longer a member, project gone,
//! another row rule.

use crate::auth::Auth;
use crate::auth::standing::Standing;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// With the time of the check itself well below the five seconds that are promised.
const EVERY: Duration = Duration::from_secs(2);

/// Cancelled when the right ends.
pub type Right = Arc<CancellationToken>;

/// Who may read which project, for as long as a tail holds it.
type Held = HashMap<(Standing, Uuid), Weak<CancellationToken>>;

/// The rights on which the open tails rest, each checked once however many tails it has.
#[derive(Clone, Default)]
pub struct Rights(Arc<Mutex<Held>>);

impl Rights {
    /// The right of this caller to this project, watched for as long as it is held.
    pub fn hold(&self, standing: Standing, project_id: Uuid) -> Right {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (standing, project_id);
        let known = held.get(&of).and_then(Weak::upgrade);
        if let Some(right) = known.filter(|right| !right.is_cancelled()) {
            return right;
        }
        let right = Right::default();
        held.insert(of, Arc::downgrade(&right));
        right
    }

    /// Checks all rights again and again. Where the database does not answer, they hold until it does.
    pub async fn watch(self, auth: Auth, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.check(&auth).await {
                tracing::debug!(%error, "the rights of live tails could not be checked");
            }
        }
    }

    async fn check(&self, auth: &Auth) -> Result<(), crate::auth::AuthError> {
        for ((standing, project_id), right) in self.held() {
            if !auth.still_reads(&standing, project_id).await? {
                right.cancel();
            }
        }
        Ok(())
    }

    fn held(&self) -> Vec<((Standing, Uuid), Right)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, right| right.strong_count() > 0);
        held.iter().filter_map(|(of, right)| Some((of.clone(), right.upgrade()?))).collect()
    }
}
