//! Old instances that are stopped once they have answered, or at the end of their time: where a newer deployment waits, behind
//! the one that has replaced them. Whoever removes what nobody needs leaves them alone until then.
//!
//! In memory: a server that dies cuts what they were answering, and the reconciler removes them at the next start.

use super::instances::STOP_GRACE;
use crate::engine::Engine;
use crate::model::instance::{Instance, InstanceId};
use crate::router::Drained;
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often it is looked whether instances have ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The instances that are about to end.
#[derive(Debug, Clone, Default)]
pub struct Endings(Arc<Mutex<HashSet<InstanceId>>>);

/// Forgets its instances when they have ended, however that goes.
struct Ending {
    of: Endings,
    instances: Vec<InstanceId>,
}

impl Endings {
    /// Stops instances once what they answer is drained. Goes on when nobody waits for it.
    pub(super) fn begin(
        &self,
        engine: Arc<dyn Engine>,
        drain: Option<JoinHandle<Drained>>,
        instances: Vec<InstanceId>,
    ) -> JoinHandle<Drained> {
        self.change(|ending| ending.extend(instances.iter().cloned()));
        let ending = Ending { of: self.clone(), instances };
        tokio::spawn(async move {
            let drained = match drain {
                Some(drain) => drain.await.unwrap_or_default(),
                None => Drained::default(),
            };
            for stopped in join_all(ending.instances.iter().map(|id| engine.stop(id, STOP_GRACE))).await {
                if let Err(error) = stopped {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an old instance was not stopped"
                    );
                }
            }
            drained
        })
    }

    /// Whether an instance is about to end.
    pub(super) fn has(&self, instance: &Instance) -> bool {
        self.change(|ending| ending.contains(&instance.id))
    }

    /// Waits until none of the instances is about to end, or until the time is over.
    pub(super) async fn ended(&self, instances: &[Instance], longest: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < longest && instances.iter().any(|instance| self.has(instance)) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashSet<InstanceId>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.of.change(|ending| ending.retain(|id| !self.instances.contains(id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_forgotten_and_nothing_else() {
        let endings = Endings::default();
        let [one, two] = ["one", "two"].map(|id| InstanceId(id.to_owned()));
        endings.change(|ending| ending.extend([one.clone(), two.clone()]));
        drop(Ending { of: endings.clone(), instances: vec![one] });
        assert_eq!(endings.change(|ending| ending.clone()), HashSet::from([two]));
    }
}
