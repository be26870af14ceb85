//! What the SSH front door needs of the rest of the server, and whose a key is.

use super::gits::Gits;
use crate::config::Room;
use crate::deployments::Deployments;
use crate::git::Repositories;
use crate::journal::Journal;
use crate::model::address::PublicAddress;
use crate::model::user::{SshKey, User};
use crate::processes::Processes;
use crate::receive::Pushes;
use crate::store::{Store, StoreError, patiently};
use std::path::PathBuf;
use std::time::Duration;

/// How long a client waits for a database that is away before it is told so.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one question to a database that may be away can take.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// What the SSH front door needs of the rest of the server.
pub struct Front {
    pub store: Store,
    pub journal: Journal,
    pub deployments: Deployments,
    pub processes: Processes,
    pub repositories: Repositories,
    pub pushes: Pushes,
    pub gits: Gits,
    /// Folder of the hook scripts, and the socket on which they call back.
    pub hooks: PathBuf,
    pub hook_socket: PathBuf,
    /// This program, which the hook scripts start.
    pub executable: PathBuf,
    pub max_push_bytes: u64,
    /// The disks that a push is written to.
    pub room: Room,
    /// Projects that an account may have.
    pub max_projects: u32,
    /// Names and ports for what people are told to type.
    pub address: PublicAddress,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyCheck {
    /// It belongs to an account that may log in.
    Known,
    /// It does not: unknown, revoked and disabled are the same here.
    Unknown,
    /// The database does not answer. Lets nobody in.
    CannotTell,
}

impl Front {
    /// What is known of a key.
    pub(super) async fn check_key(&self, fingerprint: &str) -> KeyCheck {
        match self.owner(fingerprint).await {
            Ok(Some(_)) => KeyCheck::Known,
            Ok(None) => KeyCheck::Unknown,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot look an SSH key up");
                KeyCheck::CannotTell
            }
        }
    }

    /// A key with the account that it belongs to, if that account may log in.
    pub(super) async fn owner(&self, fingerprint: &str) -> Result<Option<(SshKey, User)>, StoreError> {
        let found = self.store.user_by_fingerprint(fingerprint).await?;
        Ok(found.filter(|(_, user)| user.disabled_at.is_none()))
    }

    /// Whether keys can be checked; a database that is away for a moment is waited for.
    pub(super) async fn can_check_keys(&self) -> bool {
        let ping = || async {
            tokio::time::timeout(ANSWER_TIME, self.store.ping())
                .await
                .unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed))))
        };
        match patiently(PATIENCE, ping).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "SSH keys cannot be checked");
                false
            }
        }
    }
}
