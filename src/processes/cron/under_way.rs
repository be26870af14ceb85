//! The runs of schedules that are under way, to leave out or stop the one before.

use crate::model::cron::{CronRun, Overlap};
use crate::model::id::{CronRunId, EnvironmentId};
use crate::model::name::CronName;
use std::collections::HashMap;
use std::mem::take;
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

/// A run's place among those under way, from before it is noted until its container is gone.
#[derive(Debug)]
pub(super) struct Turn {
    all: CronRuns,
    command: (EnvironmentId, CronName),
    id: CronRunId,
    overlap: Overlap,
    replaced: watch::Receiver<bool>,
    /// Those whose place it takes; each ends when it is gone.
    before: Vec<watch::Receiver<bool>>,
}

impl CronRuns {
    /// Puts a run among those under way; `None`: it is left out, as another one of its command is.
    pub(super) fn reserve(&self, run: &CronRun, overlap: Overlap) -> Option<Turn> {
        let command = (run.environment_id, run.name.clone());
        let mut all = self.lock();
        let under_way = all.entry(command.clone()).or_default();
        match overlap {
            Overlap::Skip if !under_way.is_empty() => return None,
            Overlap::Skip | Overlap::Allow | Overlap::Replace => {}
        }
        let (sender, replaced) = watch::channel(false);
        under_way.push(UnderWay { id: run.id, replaced: sender });
        Some(Turn { all: self.clone(), command, id: run.id, overlap, replaced, before: Vec::new() })
    }

    fn lock(&self) -> MutexGuard<'_, ByCommand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Tells those to end whose place it takes, once it is certain that the run is one.
    pub(super) fn begin(&mut self) {
        match self.overlap {
            Overlap::Skip | Overlap::Allow => return,
            Overlap::Replace => {}
        }
        let all = self.all.lock();
        let under_way = all.get(&self.command).into_iter().flatten();
        for before in under_way.take_while(|other| other.id != self.id) {
            before.replaced.send_replace(true);
            self.before.push(before.replaced.subscribe());
        }
    }

    /// Those whose place it takes: each ends when nothing of it is left.
    pub(super) fn take_before(&mut self) -> Vec<watch::Receiver<bool>> {
        take(&mut self.before)
    }

    /// Returns when another run takes its place.
    pub(super) async fn is_replaced(&mut self) {
        if self.replaced.wait_for(|replaced| *replaced).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(under_way) = all.get_mut(&self.command) {
            under_way.retain(|other| other.id != self.id);
            if under_way.is_empty() {
                all.remove(&self.command);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cron::CronRunState;
    use crate::model::time::now;
    use futures_util::FutureExt;

    fn run(environment_id: EnvironmentId) -> CronRun {
        CronRun {
            id: CronRunId::generate(),
            environment_id,
            name: "tick".parse().unwrap(),
            scheduled_at: None,
            requested_by: None,
            version: 1,
            state: CronRunState::Running,
            exit_code: None,
            reason: None,
            output: String::new(),
            started_at: now(),
            finished_at: None,
        }
    }

    #[test]
    fn of_two_at_once_one_is_left_out_and_may_come_later() {
        let (all, environment) = (CronRuns::default(), EnvironmentId::generate());
        let first = all.reserve(&run(environment), Overlap::Skip).unwrap();
        assert!(all.reserve(&run(environment), Overlap::Skip).is_none());
        assert!(all.reserve(&run(EnvironmentId::generate()), Overlap::Skip).is_some());
        drop(first);
        assert!(all.reserve(&run(environment), Overlap::Skip).is_some());
    }

    #[test]
    fn two_that_may_overlap_do() {
        let (all, environment) = (CronRuns::default(), EnvironmentId::generate());
        let mut turns = [(); 2].map(|()| all.reserve(&run(environment), Overlap::Allow).unwrap());
        for turn in &mut turns {
            turn.begin();
            assert!(turn.take_before().is_empty());
            assert!(turn.is_replaced().now_or_never().is_none());
        }
    }

    #[test]
    fn the_later_one_takes_the_place_of_the_earlier_one_whoever_begins_first() {
        for later_first in [true, false] {
            let (all, environment) = (CronRuns::default(), EnvironmentId::generate());
            let [mut earlier, mut later] =
                [(); 2].map(|()| all.reserve(&run(environment), Overlap::Replace).unwrap());
            // What is not noted replaces nothing.
            drop(all.reserve(&run(environment), Overlap::Replace));
            assert!(earlier.is_replaced().now_or_never().is_none());
            if later_first {
                later.begin();
                earlier.begin();
            } else {
                earlier.begin();
                later.begin();
            }
            assert!(earlier.is_replaced().now_or_never().is_some());
            assert!(later.is_replaced().now_or_never().is_none());
            assert!(earlier.take_before().is_empty());
            let mut before = later.take_before().remove(0);
            assert!(before.wait_for(|_| false).now_or_never().is_none(), "it is not gone yet");
            drop(earlier);
            assert!(before.wait_for(|_| false).now_or_never().is_some());
        }
    }
}
