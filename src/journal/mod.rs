//! The log of a deployment: numbered lines, kept in the database, followed live by any number of readers.
//!
//! Its shared state is one [`live::LiveLog`] for each deployment that runs: the newest lines and how many of them are
//! stored. It exists because a line has to reach a pusher within a moment, while rows are written in batches; and
//! because a reader that stops reading must never hold up the build that writes. A reader that falls behind what is
//! in memory goes on from the database.
//!
//! Readers are not woken for every line: a line after a silence is shown at once, what follows it within a moment
//! together, as a [`Piece`] that all of them share.

mod live;
mod mask;
mod piece;
mod reader;
mod silence;
mod writer;

pub use mask::Mask;
pub use piece::Piece;
pub use reader::{Next, Reader};
pub use writer::Writer;

use crate::model::deployment::{Deployment, Setback};
use crate::model::id::DeploymentId;
use crate::store::{Store, StoreError};
use live::LiveLog;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Conclusions that are kept.
const ENDED: usize = 64;

/// How a deployment came out, for those who watch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// It is live.
    Live,
    /// It is not. A few words that fit behind the name of a branch: `build failed`.
    NotLive(String),
}

impl Conclusion {
    /// The conclusion of a deployment that nobody runs any more.
    fn of(deployment: &Deployment) -> Option<Self> {
        deployment.state.is_final().then(|| match deployment.state.setback() {
            None => Self::Live,
            Some(Setback::Failure) => Self::NotLive("deployment failed".to_owned()),
            Some(Setback::Cancel) => Self::NotLive("cancelled".to_owned()),
            Some(Setback::Superseded) => {
                Self::NotLive(deployment.reason.clone().unwrap_or_else(|| "superseded".to_owned()))
            }
        })
    }
}

/// The logs of all deployments.
#[derive(Clone)]
pub struct Journal {
    store: Store,
    live: Arc<Mutex<HashMap<DeploymentId, Arc<LiveLog>>>>,
    /// How the last ones came out, in the words that the database does not keep: for who comes a moment late.
    ended: Arc<Mutex<VecDeque<(DeploymentId, Conclusion)>>>,
    /// Counts up whenever a log begins or a deployment ends without one.
    changed: watch::Sender<u64>,
}

impl Journal {
    /// A journal that keeps its lines in a database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, live: Arc::default(), ended: Arc::default(), changed: watch::Sender::new(0) }
    }

    /// Begins the log of a deployment or, with `resumed`, goes on with one that may have been interrupted. One writer at
    /// a time.
    ///
    /// # Errors
    /// When the database cannot say which lines there are already.
    pub async fn write(&self, deployment: DeploymentId, resumed: bool) -> Result<Writer, StoreError> {
        let stored = self.store.last_log_seq(deployment).await?;
        let live = Arc::new(if resumed { LiveLog::resumed(stored) } else { LiveLog::new(stored) });
        self.lock().insert(deployment, live.clone());
        self.wake_readers();
        Ok(Writer::start(self.clone(), deployment, live))
    }

    /// Reads the log of a deployment from the line after `after` (0: from the first), and follows it to its end.
    #[must_use]
    pub fn read(&self, deployment: DeploymentId, after: i64) -> Reader {
        Reader::new(self.clone(), deployment, after)
    }

    /// Makes readers that wait for a log look whether their deployment has ended without one.
    pub fn wake_readers(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn live(&self, deployment: DeploymentId) -> Option<Arc<LiveLog>> {
        self.lock().get(&deployment).cloned()
    }

    fn end(&self, deployment: DeploymentId) {
        let log = self.lock().remove(&deployment);
        if let Some(conclusion) = log.and_then(|log| log.conclusion()) {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.truncate(ENDED - 1);
            ended.push_front((deployment, conclusion));
        }
        self.wake_readers();
    }

    /// How a deployment came out that has ended: in the words that its log had, or else in those of its state.
    fn conclusion(&self, deployment: &Deployment) -> Option<Conclusion> {
        let by_state = Conclusion::of(deployment)?;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ended.iter().find(|(id, _)| *id == deployment.id);
        Some(known.map_or(by_state, |(_, conclusion)| conclusion.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeploymentId, Arc<LiveLog>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::deployment::Step;
    use crate::model::log::{Level, NewLine, Stream};
    use crate::model::time::now;

    /// A line that a build has printed.
    pub(super) fn line(text: &str) -> NewLine {
        let (level, step, stream) = (Level::Info, Step::Build, Stream::Build);
        NewLine { at: now(), level, step, stream, text: text.to_owned() }
    }
}
