//! The pushes under way: what ties a hook process back to the connection that started it.

use crate::git::Repository;
use crate::model::id::ProjectId;
use crate::model::project::Project;
use crate::model::report::Colour;
use crate::model::user::User;
use rand::Rng;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Whether the pusher's git has said that it writes to a terminal.
    at_terminal: watch::Receiver<bool>,
}

impl Push {
    /// Waits until the pusher's connection is gone.
    pub async fn hung_up(&self) {
        let mut hung_up = self.hung_up.clone();
        // An error means that the guard is gone, and the connection with it.
        hung_up.wait_for(|gone| *gone).await.ok();
    }

    /// Whether the pusher can see colours, as far as is known.
    #[must_use]
    pub fn colour(&self) -> Colour {
        if *self.at_terminal.borrow() { Colour::Shown } else { Colour::Plain }
    }

    /// Notes that the pack has arrived whole.
    pub(super) fn mark_received(&self) {
        self.received.send_replace(true);
    }
}

/// All pushes under way, by the token that their hooks carry.
#[derive(Debug, Clone, Default)]
pub struct Pushes {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    by_token: HashMap<String, Arc<Push>>,
    /// Projects that are being taken back: nothing is pushed to them any more.
    closed: HashSet<ProjectId>,
    /// Whether the server stops: connections end by themselves then.
    is_stopping: bool,
}

impl Shared {
    fn is_idle(&self, project: ProjectId) -> bool {
        !self.by_token.values().any(|push| push.project.id == project)
    }
}

/// Held by the connection for as long as its push lasts.
#[derive(Debug)]
pub struct PushGuard {
    pushes: Pushes,
    token: String,
    hang_up: watch::Sender<bool>,
    received: watch::Receiver<bool>,
    at_terminal: watch::Sender<bool>,
}

impl Pushes {
    /// Makes a push known. Its hooks are listened to until the guard is dropped. `None`: the project is being taken
    /// back at this moment.
    #[must_use]
    pub fn begin(&self, user: User, project: Project, repository: Repository) -> Option<PushGuard> {
        let mut secret = [0_u8; 32];
        rand::rng().fill_bytes(&mut secret);
        let token = hex::encode(secret);
        let (hang_up, is_gone) = watch::channel(false);
        let (received_sender, received) = watch::channel(false);
        let (at_terminal, is_at_terminal) = watch::channel(false);
        let mut shared = self.lock();
        if shared.closed.contains(&project.id) {
            return None;
        }
        let push = Push {
            user,
            project,
            repository,
            hung_up: is_gone,
            received: received_sender,
            at_terminal: is_at_terminal,
        };
        shared.by_token.insert(token.clone(), Arc::new(push));
        drop(shared);
        Some(PushGuard { pushes: self.clone(), token, hang_up, received, at_terminal })
    }

    /// The push that a hook belongs to.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<Arc<Push>> {
        self.lock().by_token.get(token).cloned()
    }

    /// Does something while nothing is pushed to a project, and lets nothing begin meanwhile. `None`: something is.
    pub fn while_idle<T>(&self, project: ProjectId, work: impl FnOnce() -> T) -> Option<T> {
        let shared = self.lock();
        shared.is_idle(project).then(work)
    }

    /// Lets nothing be pushed to a project from now on; answers whether nothing is.
    #[must_use]
    pub fn close_idle(&self, project: ProjectId) -> bool {
        let mut shared = self.lock();
        shared.is_idle(project) && {
            shared.closed.insert(project);
            true
        }
    }

    /// Notes that the server stops: from now on nobody hangs up, but is cut off.
    pub fn server_stops(&self) {
        self.lock().is_stopping = true;
    }

    /// Whether connections end as the server stops.
    pub(super) fn are_cut_off(&self) -> bool {
        self.lock().is_stopping
    }

    /// Takes [`Pushes::close_idle`] back.
    pub fn open(&self, project: ProjectId) {
        self.lock().closed.remove(&project);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Notes what the pusher's git has said of where it writes to.
    pub fn set_at_terminal(&self, at_terminal: bool) {
        self.at_terminal.send_replace(at_terminal);
    }

    /// Waits until the pack has arrived whole.
    pub async fn received(&self) {
        let mut received = self.received.clone();
        // An error means that nobody will say so any more.
        if received.wait_for(|done| *done).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the pack has arrived whole.
    #[must_use]
    pub fn is_received(&self) -> bool {
        *self.received.borrow()
    }
}

impl Drop for PushGuard {
    fn drop(&mut self) {
        self.pushes.lock().by_token.remove(&self.token);
        self.hang_up();
    }
}
