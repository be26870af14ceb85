//! Reads what one instance prints, and gives each line to the drains that want it.

use super::line::{Kind, Line, Origin, Source};
use super::running::Running;
use crate::engine::{Engine, LogPart};
use crate::model::id::ProjectId;
use crate::model::instance::{Instance, InstanceId, InstanceState};
use crate::model::name::{EnvironmentName, Slug};
use crate::model::time::{Timestamp, now};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::timeout;

/// Before an instance is read again whose log has ended before it did.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an instance is silent before it is looked whether it is.
const SILENCE: Duration = Duration::from_secs(15);

/// The drains that run, by their project.
#[derive(Clone, Default)]
pub(super) struct Outlets(Arc<RwLock<HashMap<ProjectId, Vec<Arc<Running>>>>>);

impl Outlets {
    /// The drains of a project.
    pub(super) fn of(&self, project: ProjectId) -> Vec<Arc<Running>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&project).cloned().unwrap_or_default()
    }

    pub(super) fn set(&self, all: HashMap<ProjectId, Vec<Arc<Running>>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// The time after which lines of an instance are wanted; `None` where no drain wants any.
    pub(super) fn begin_of(&self, instance: &Instance) -> Option<Timestamp> {
        let wanting = self.of(instance.key.project_id);
        let wanting = wanting.iter().filter(|drain| drain.wants(instance.key.environment_id));
        wanting.map(|drain| drain.resumes(&instance.id)).min()
    }

    fn offer(&self, instance: &Instance, line: &Arc<Line>) {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for drain in all.get(&instance.key.project_id).into_iter().flatten() {
            drain.offer(instance.key.environment_id, &instance.id, line);
        }
    }
}

/// Whether an instance has printed something after a moment. Docker's engine is known to stop telling those who follow a log
/// when it begins a new file, where much is printed.
async fn has_newer(engine: &dyn Engine, instance: &InstanceId, last: Timestamp) -> bool {
    let part = LogPart { follow: false, timed: true, since: None, tail: Some(1) };
    let newest = engine.logs(instance, part).filter_map(async |line| line.ok()?.at);
    newest.fold(None, async |newest, at| newest.max(Some(at))).await.is_some_and(|at| at > last)
}

/// Reads an instance until it ends, from what it printed after a moment on. Gives the time of the last line.
pub(super) async fn read(
    engine: Arc<dyn Engine>,
    instance: Instance,
    (project, environment): (Slug, EnvironmentName),
    after: Timestamp,
    outlets: Outlets,
) -> (InstanceId, Timestamp) {
    let origin =
        Origin { environment, instance: instance.id.clone(), deployment: instance.key.deployment_id };
    let source = Arc::new(Source { project, process: instance.key.shown(), origin: Some(origin) });
    let mut last = after;
    loop {
        let (begin, mut at) = (last, None);
        let part = LogPart { follow: true, timed: true, since: Some(begin), tail: None };
        let mut lines = engine.logs(&instance.id, part);
        loop {
            let line = match timeout(SILENCE, lines.next()).await {
                Ok(Some(Ok(line))) => line,
                Ok(Some(Err(_)) | None) => break,
                Err(_elapsed) if has_newer(&*engine, &instance.id, last).await => break,
                Err(_elapsed) => continue,
            };
            // What has no time belongs to the line before it.
            at = line.at.or(at);
            let time = at.unwrap_or_else(now);
            if time <= begin {
                continue;
            }
            last = last.max(time);
            let kind = Kind::Printed(line.stream);
            let line = Line { at: time, source: Arc::clone(&source), kind, text: line.text };
            outlets.offer(&instance, &Arc::new(line));
        }
        drop(lines);
        match engine.inspect(&instance.id).await.map(|instance| instance.map(|instance| instance.state)) {
            // The engine was away for a moment, or the instance was started again meanwhile.
            Ok(Some(InstanceState::Running | InstanceState::Created)) | Err(_) => {}
            // It may be started again: then it is read again.
            Ok(Some(InstanceState::Exited { .. }) | None) => return (instance.id, last),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
