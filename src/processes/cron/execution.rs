//! One run of a command of a schedule, to its end.

use super::under_way::Turn;
use crate::engine::{Engine, EngineError, ExitStatus, InstanceSpec};
use crate::journal::Mask;
use crate::model::cron::{CronJob, CronRun, CronRunState};
use crate::model::instance::InstanceKey;
use crate::model::one_off::OneOffPlace;
use crate::processes::Processes;
use crate::store::{CronRunEnd, StoreError, patiently};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Lines of a run that are kept, and bytes of one.
const LAST_LINES: usize = 100;
const LINE_BYTES: usize = 2048;
/// Lines that may wait to be read.
pub(super) const AHEAD: usize = 1024;

/// How long the container of a run that was told to end may take to be removed, and how often it is looked for.
const REMOVAL: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);
/// How long a database that is away is waited for, to note how a run has ended.
const PATIENCE: Duration = Duration::from_mins(10);

/// One run on its way.
pub(super) struct Execution {
    pub(super) processes: Processes,
    pub(super) run: CronRun,
    pub(super) spec: InstanceSpec,
    pub(super) job: CronJob,
    pub(super) turn: Turn,
    pub(super) mask: Mask,
    pub(super) lines: mpsc::Sender<String>,
    pub(super) _place: OneOffPlace,
}

impl Processes {
    /// Writes down how a run has ended. One whose environment has gone is forgotten with it.
    pub(super) async fn end_cron(&self, run: &CronRun, end: CronRunEnd) {
        match patiently(PATIENCE, || self.store.end_cron_run(run.id, end.clone())).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => {
                tracing::error!(command = %run.name, error = &error as &dyn std::error::Error, "the end of a run was not noted");
            }
        }
    }
}

impl Execution {
    pub(super) async fn carry_out(mut self) {
        let run = self.run.clone();
        tracing::info!(project = %self.spec.slug, command = %run.name, "a command of the schedule runs");
        let (end, processes) = (self.run().await, self.processes.clone());
        // What takes its place waits for this.
        drop(self.turn);
        tracing::info!(
            project = %self.spec.slug, command = %run.name, state = end.state.as_str(), code = end.exit_code,
            "a command of the schedule has ended"
        );
        // Whoever reads its lines learns of its end when it is noted.
        processes.end_cron(&run, end).await;
    }

    async fn run(&mut self) -> CronRunEnd {
        let engine = Arc::clone(&self.processes.engine);
        if let Err(error) = engine.ensure_network(self.spec.key.project_id).await {
            return failed(error.to_string());
        }
        let before = self.turn.take_before();
        let Self { spec, job, turn, mask, lines, .. } = self;
        let (sender, mut printed) = mpsc::channel::<String>(AHEAD);
        let mut last: VecDeque<String> = VecDeque::new();
        let running = async {
            for mut gone in before {
                while gone.changed().await.is_ok() {}
            }
            let collected = async {
                while let Some(line) = printed.recv().await {
                    let line = mask.apply(&line, LINE_BYTES);
                    // Whoever does not read misses lines, and holds nobody up.
                    let _ = lines.try_send(line.clone());
                    if last.len() == LAST_LINES {
                        last.pop_front();
                    }
                    last.push_back(line);
                }
            };
            let run = engine.run_once(spec, sender, job.timeout());
            tokio::join!(run, collected).0
        };
        let ended = tokio::select! {
            ended = running => Some(ended),
            () = turn.is_replaced() => None,
        };
        if ended.is_none() {
            until_gone(engine.as_ref(), &spec.key).await;
        }
        let output = last.into_iter().collect::<Vec<_>>().join("\n");
        CronRunEnd { output, ..end_of(ended) }
    }
}

/// Waits until the container of a run is removed that was told to end.
async fn until_gone(engine: &dyn Engine, key: &InstanceKey) {
    let gone = async {
        loop {
            match engine.list().await {
                Ok(instances) if !instances.iter().any(|instance| instance.key == *key) => break,
                Ok(_) | Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    };
    if tokio::time::timeout(REMOVAL, gone).await.is_err() {
        tracing::warn!(
            instance = key.shown(),
            "a run that was replaced is not gone; the next one begins all the same"
        );
    }
}

/// How a run has ended; `None`: the next one has taken its place.
fn end_of(ended: Option<Result<ExitStatus, EngineError>>) -> CronRunEnd {
    let end = |state, exit_code, reason| CronRunEnd { state, exit_code, reason, output: String::new() };
    match ended {
        Some(Ok(ExitStatus { code: 0, .. })) => end(CronRunState::Succeeded, Some(0), None),
        Some(Ok(ExitStatus { code, out_of_memory: true })) => {
            let reason = "It needed more memory than it may have.".to_owned();
            end(CronRunState::Failed, Some(code), Some(reason))
        }
        Some(Ok(ExitStatus { code, .. })) => end(CronRunState::Failed, Some(code), None),
        Some(Err(error @ EngineError::TimedOut { .. })) => {
            end(CronRunState::TimedOut, None, Some(error.to_string()))
        }
        Some(Err(error)) => failed(error.to_string()),
        None => end(CronRunState::Replaced, None, Some("The next run has taken its place.".to_owned())),
    }
}

pub(super) fn failed(reason: String) -> CronRunEnd {
    CronRunEnd { state: CronRunState::Failed, exit_code: None, reason: Some(reason), output: String::new() }
}
