//! Reads what one instance prints, and gives each line to the drains that want it.

use super::line::{Kind, Line, Origin, Source};
use super::running::Running;
use crate::engine::{Engine, LogFollower, OutputLine};
use crate::model::id::ProjectId;
use crate::model::instance::{Instance, InstanceId};
use crate::model::name::{EnvironmentName, Slug};
use crate::model::time::{Timestamp, now};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

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
    let mut follower = LogFollower::new(engine, instance.id.clone(), Some(after));
    while let Some(OutputLine { at, stream, text }) = follower.next().await {
        let line = Line {
            at: at.unwrap_or_else(now),
            source: Arc::clone(&source),
            kind: Kind::Printed(stream),
            text,
        };
        outlets.offer(&instance, &Arc::new(line));
    }
    (instance.id, follower.last().unwrap_or(after))
}
