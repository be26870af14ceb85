//! A part of an app's requests goes to other instances for a while, to see how those answer.
//!
//! In memory only: a router that is started again sends everything to what its table says.

use crate::model::id::DeploymentId;
use crate::router::counters::{Answered, ReleaseMeter};
use crate::router::target::Target;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// The next place in the round of its targets.
    pub(super) turn: AtomicUsize,
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

    /// The next place in the round of its targets: the turns that it takes are apart, and would be the same few of them.
    pub(super) fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// A turn in the round of the others, from which those that it takes are left out.
    pub(super) fn turn_of_others(&self, turn: usize) -> usize {
        let percent = usize::from(self.percent);
        let taken = turn / 100 * percent + (turn % 100 * percent + 100 - percent) / 100;
        turn - taken
    }

    /// What was answered since it began, by what the others have answered in all.
    pub(super) fn counters(&self, others: Answered) -> CanaryCounters {
        let before = self.others_before;
        let old = Answered {
            answers: others.answers.saturating_sub(before.answers),
            errors: others.errors.saturating_sub(before.errors),
            waited: others.waited.saturating_sub(before.waited),
            unreachable: others.unreachable.saturating_sub(before.unreachable),
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
                turn: AtomicUsize::default(),
            };
            let taken = (0..1000).filter(|turn| canary.takes(*turn)).count();
            assert_eq!(taken, usize::from(percent) * 10);
            let others = (0..1000).filter(|turn| !canary.takes(*turn));
            let turns: Vec<usize> = others.map(|turn| canary.turn_of_others(turn)).collect();
            assert_eq!(turns, (0..turns.len()).collect::<Vec<_>>(), "nobody is passed over");
            // The first of them is not far away.
            assert!((0..=100 / usize::from(percent)).any(|turn| canary.takes(turn + 1)));
        }
    }
}
