//! The runs of schedules that are under way, to leave out or stop the one before.

use crate::model::cron::{CronRun, Overlap};
use crate::model::id::{CronRunId, EnvironmentId};
use crate::model::name::CronName;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

type ByCommand = HashMap<(EnvironmentId, CronName), Vec<UnderWay>>;

/// The runs that are under way. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CronRuns(Arc<Mutex<ByCommand>>);

#[derive(Debug)]
struct UnderWay {
    id: CronRunId,
    /// Tells the run to end.
    replaced: watch::Sender<bool>,
}

impl CronRuns {
    pub(super) fn has(&self, environment: EnvironmentId, name: &CronName) -> bool {
        self.lock().contains_key(&(environment, name.clone()))
    }

    /// Puts a run among those under way; those that it replaces are told to end.
    pub(super) fn begin(&self, run: &CronRun, overlap: Overlap) -> watch::Receiver<bool> {
        let mut all = self.lock();
        let under_way = all.entry((run.environment_id, run.name.clone())).or_default();
        match overlap {
            Overlap::Replace => {
                for before in &*under_way {
                    before.replaced.send_replace(true);
                }
            }
            Overlap::Skip | Overlap::Allow => {}
        }
        let replaced = watch::Sender::new(false);
        let receiver = replaced.subscribe();
        under_way.push(UnderWay { id: run.id, replaced });
        receiver
    }

    pub(super) fn end(&self, run: &CronRun) {
        let mut all = self.lock();
        let key = (run.environment_id, run.name.clone());
        if let Some(under_way) = all.get_mut(&key) {
            under_way.retain(|other| other.id != run.id);
            if under_way.is_empty() {
                all.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByCommand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
