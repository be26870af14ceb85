//! Removing instances of nothing beside the rounds that find them: one that cannot be stopped holds up nothing else.

use crate::engine::EngineError;
use crate::model::instance::{Instance, InstanceId};
use std::collections::HashMap;
use std::future::Future;
use tokio::task::{Id, JoinSet};

/// The orphans that are being stopped.
#[derive(Default)]
pub(super) struct Removing {
    in_hand: HashMap<Id, InstanceId>,
    tasks: JoinSet<()>,
}

impl Removing {
    /// Begins to stop those that are not being stopped yet. One that was not removed is left to the next round.
    pub(super) fn begin<F>(&mut self, orphans: Vec<Instance>, stop: impl Fn(InstanceId) -> F)
    where
        F: Future<Output = Result<(), EngineError>> + Send + 'static,
    {
        self.forget_ended();
        for orphan in orphans {
            if self.in_hand.values().any(|id| *id == orphan.id) {
                continue;
            }
            let stopping = stop(orphan.id.clone());
            let (instance, deployment) = (orphan.key.shown(), orphan.key.deployment_id);
            let task = self.tasks.spawn(async move {
                match stopping.await {
                    Ok(()) => tracing::info!(instance, %deployment, "an orphan was removed"),
                    Err(error) => tracing::warn!(
                        instance, %deployment, error = &error as &dyn std::error::Error, "an orphan was not removed"
                    ),
                }
            });
            self.in_hand.insert(task.id(), orphan.id);
        }
    }

    /// Whether none is being stopped.
    pub(super) fn is_idle(&mut self) -> bool {
        self.forget_ended();
        self.in_hand.is_empty()
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            // A panic was told where it happened.
            let id = ended.map_or_else(|panic| panic.id(), |(id, ())| id);
            self.in_hand.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::sync::Mutex;

    #[tokio::test]
    async fn an_orphan_that_cannot_be_stopped_keeps_nothing_waiting() {
        let asked = Mutex::new(Vec::new());
        let stop = |id: InstanceId| {
            asked.lock().unwrap().push(id.0.clone());
            async move {
                match id.0.as_str() {
                    "stuck" => pending().await,
                    "refused" => Err(EngineError::InUse { what: "The instance".to_owned() }),
                    _ => Ok(()),
                }
            }
        };
        let mut removing = Removing::default();
        // It is no future: whoever calls it goes on.
        removing.begin(["stuck", "refused", "one"].map(Instance::running).to_vec(), stop);
        while removing.in_hand.len() > 1 {
            tokio::task::yield_now().await;
            removing.forget_ended();
        }
        removing.begin(["stuck", "refused", "two"].map(Instance::running).to_vec(), stop);
        assert_eq!(*asked.lock().unwrap(), ["stuck", "refused", "one", "refused", "two"]);
        assert!(!removing.is_idle());
    }
}
