//! The pushes under way: what ties a hook process back to the connection that started it.

use crate::git::Repository;
use crate::model::project::Project;
use crate::model::user::User;
use rand::Rng;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A push under way.
#[derive(Debug)]
pub struct Push {
    /// Who pushes: the owner of the key that signed.
    pub user: User,
    pub project: Project,
    pub repository: Repository,
    /// Becomes true when the connection is gone.
    hung_up: watch::Receiver<bool>,
    /// Becomes true with the first hook: the pack has arrived.
    received: watch::Sender<bool>,
}

impl Push {
    /// Waits until the pusher's connection is gone.
    pub async fn hung_up(&self) {
        let mut hung_up = self.hung_up.clone();
        // An error means that the guard is gone, and the connection with it.
        hung_up.wait_for(|gone| *gone).await.ok();
    }

    /// Notes that the pack has arrived whole.
    pub(super) fn mark_received(&self) {
        self.received.send_replace(true);
    }
}

/// All pushes under way, by the token that their hooks carry.
#[derive(Debug, Clone, Default)]
pub struct Pushes {
    by_token: Arc<Mutex<HashMap<String, Arc<Push>>>>,
}

/// Held by the connection for as long as its push lasts.
#[derive(Debug)]
pub struct PushGuard {
    pushes: Pushes,
    token: String,
    hang_up: watch::Sender<bool>,
    received: watch::Receiver<bool>,
}

impl Pushes {
    /// Makes a push known. Its hooks are listened to until the guard is dropped.
    #[must_use]
    pub fn begin(&self, user: User, project: Project, repository: Repository) -> PushGuard {
        let mut secret = [0_u8; 32];
        rand::rng().fill_bytes(&mut secret);
        let token = hex::encode(secret);
        let (hang_up, is_gone) = watch::channel(false);
        let (received_sender, received) = watch::channel(false);
        let push = Push { user, project, repository, hung_up: is_gone, received: received_sender };
        self.lock().insert(token.clone(), Arc::new(push));
        PushGuard { pushes: self.clone(), token, hang_up, received }
    }

    /// The push that a hook belongs to.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<Arc<Push>> {
        self.lock().get(token).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Push>>> {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PushGuard {
    /// What the hooks of the push carry.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Tells the push that its connection is gone.
    pub fn hang_up(&self) {
        self.hang_up.send_replace(true);
    }

    /// Waits until the pack has arrived whole.
    pub async fn received(&self) {
        let mut received = self.received.clone();
        received.wait_for(|done| *done).await.ok();
    }
}

impl Drop for PushGuard {
    fn drop(&mut self) {
        self.pushes.lock().remove(&self.token);
        self.hang_up();
    }
}
