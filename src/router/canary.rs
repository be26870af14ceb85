//! A part of an app's requests goes to other instances for a while, to see how those answer.
//!
//! In memory only: a router that is started again sends everything to what its table says.

use crate::model::id::DeploymentId;
use crate::router::counters::{Answered, ReleaseMeter};
use crate::router::target::Target;
use std::sync::Arc;

/// The instances that are tried out. Shared by the tables that have them.
#[derive(Debug)]
pub(super) struct Canary {
    pub(super) deployment_id: DeploymentId,
    /// Of the requests, from 1 to 99.
    pub(super) percent: u8,
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) meter: Arc<ReleaseMeter>,
    /// What the others had answered when it began.
    pub(super) others_before: Answered,
}

/// What was answered while instances were tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanaryCounters {
    /// By them.
    pub new: Answered,
    /// By the others.
    pub old: Answered,
}

impl Canary {
    /// Whether a request is one of its part: they are spread evenly over the turns.
    pub(super) fn takes(&self, turn: usize) -> bool {
        let percent = usize::from(self.percent);
        (turn % 100) * percent % 100 < percent
    }

    /// What was answered since it began, by what the others have answered in all.
    pub(super) fn counters(&self, others: Answered) -> CanaryCounters {
        let before = self.others_before;
        let old = Answered {
            answers: others.answers.saturating_sub(before.answers),
            errors: others.errors.saturating_sub(before.errors),
            waited: others.waited.saturating_sub(before.waited),
        };
        CanaryCounters { new: self.meter.read(), old }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_part_is_as_large_as_it_is_said_to_be() {
        for percent in [1, 7, 10, 33, 50, 99] {
            let canary = Canary {
                deployment_id: DeploymentId::generate(),
                percent,
                targets: Vec::new(),
                meter: Arc::default(),
                others_before: Answered::default(),
            };
            let taken = (0..1000).filter(|turn| canary.takes(*turn)).count();
            assert_eq!(taken, usize::from(percent) * 10);
            // The first of them is not far away.
            assert!((0..=100 / usize::from(percent)).any(|turn| canary.takes(turn + 1)));
        }
    }
}
