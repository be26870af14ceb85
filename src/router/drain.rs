//! Waiting for what left the table.

use crate::router::target::Target;
use std::sync::Arc;
use std::time::Duration;

/// A change of the table that is already in force.
#[derive(Debug)]
#[must_use = "instances may only be stopped once they are drained"]
pub struct Switched {
    /// Waits for the targets that are no longer in the table.
    pub drain: Drain,
    /// Requests and websockets that those targets were answering at the switch.
    pub in_flight: usize,
}

/// The targets that a change took out of the table.
#[derive(Debug)]
pub struct Drain {
    retired: Vec<Retired>,
}

#[derive(Debug)]
struct Retired {
    target: Arc<Target>,
    finished_before: u64,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Requests that ended between the switch and now.
    pub completed: u64,
    /// Requests, websockets and downloads that were still open at the deadline. Stopping the instances cuts them.
    pub cut: u64,
}

impl Switched {
    /// Retires the targets that have just left the table.
    pub(super) fn retiring(gone: Vec<Arc<Target>>) -> Self {
        let in_flight = gone.iter().map(|target| target.in_flight()).sum();
        let retired = gone
            .into_iter()
            .map(|target| {
                let finished_before = target.finished();
                target.retire();
                Retired { target, finished_before }
            })
            .collect();
        Self { drain: Drain { retired }, in_flight }
    }
}

impl Drain {
    /// Waits until no request is or can get to the targets, or until the deadline has passed.
    pub async fn finished(self, deadline: Duration) -> Drained {
        let all = async {
            for retired in &self.retired {
                wait_until_unused(&retired.target).await;
            }
        };
        // At the deadline there is nothing to do but count.
        let _ = tokio::time::timeout(deadline, all).await;
        self.retired.iter().fold(Drained::default(), |sum, retired| Drained {
            completed: sum.completed + (retired.target.finished() - retired.finished_before),
            cut: sum.cut + retired.target.in_flight() as u64,
        })
    }
}

/// Waits until only the drain holds the target: then no table has it, no request is about to use it, and none does.
async fn wait_until_unused(target: &Arc<Target>) {
    while Arc::strong_count(target) > 1 {
        // The signal makes it quick; the time-outs make it certain.
        if target.in_flight() > 0 {
            let _ = tokio::time::timeout(Duration::from_millis(50), target.emptied()).await;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
