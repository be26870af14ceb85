//! Places at which a test makes a deployment fail, or kills the server.
//!
//! A place is a step and a moment in it: every step has `begin` (its predecessor is written down) and `end` (its work is
//! done, and not written down), some have more. `check-end=fail,undo-end=kill` arms two. At `done`, a step that can be
//! cancelled has done its work and can be kept there: `start-done=wait`. Only programs that were
//! compiled for debugging are told of any: see `Settings::failpoints`.

use crate::model::deployment::Step;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The places that are armed; none, but in tests.
#[derive(Debug, Clone, Default)]
pub struct Failpoints(Arc<[Armed]>);

#[derive(Debug)]
struct Armed {
    place: String,
    action: Action,
    /// Whether it did its work: it does it once, so that what is tried again succeeds.
    fired: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// The step fails. One that cannot fail any more is interrupted, as by a database that goes away.
    Fail,
    /// The process is gone at once, as by `kill -9`.
    Kill,
    /// The step goes on for ever; for `done` only.
    Wait,
}

/// A step failed because a test wanted it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a test made this step fail")]
pub(super) struct OnPurpose;

impl Failpoints {
    /// Reads `place=action`, several with commas between them; what is no such thing is left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let armed = text.split(',').filter_map(|part| {
            let (place, action) = part.split_once('=')?;
            let action = match action {
                "fail" => Action::Fail,
                "kill" => Action::Kill,
                "wait" => Action::Wait,
                _ => return None,
            };
            Some(Armed { place: place.to_owned(), action, fired: AtomicBool::new(false) })
        });
        Self(armed.collect())
    }

    /// Says that a deployment has come to a moment of a step.
    ///
    /// # Errors
    /// When it is to fail here.
    pub(super) fn reach(&self, step: Step, moment: &str) -> Result<(), OnPurpose> {
        let Some(armed) = self.fire(step, moment) else { return Ok(()) };
        match armed.action {
            Action::Wait => Ok(()),
            Action::Fail => Err(OnPurpose),
            Action::Kill => {
                let kill = rustix::process::Signal::KILL;
                // The signal does not return; whatever else happens, nothing may go on from here.
                rustix::process::kill_process(rustix::process::getpid(), kill).ok();
                std::process::abort()
            }
        }
    }

    /// Ends at once, unless the step is to be kept where it is until it is cancelled.
    pub(super) async fn linger(&self, step: Step) {
        let is_kept = self.fire(step, "done").is_some_and(|armed| armed.action == Action::Wait);
        if is_kept {
            std::future::pending::<()>().await;
        }
    }

    /// What is armed for a moment of a step and has not done its work yet.
    fn fire(&self, step: Step, moment: &str) -> Option<&Armed> {
        let here = |armed: &&Armed| armed.place.split_once('-') == Some((step.as_str(), moment));
        let armed = self.0.iter().find(here)?;
        if armed.fired.swap(true, Ordering::Relaxed) {
            return None;
        }
        tracing::warn!(place = armed.place, action = ?armed.action, "a failpoint was reached");
        Some(armed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_fails_once_and_others_never() {
        let failpoints = Failpoints::parse("build-end=fail,nonsense,check-end=explode");
        assert_eq!(failpoints.reach(Step::Build, "begin"), Ok(()));
        assert_eq!(failpoints.reach(Step::Check, "end"), Ok(()));
        assert_eq!(failpoints.reach(Step::Build, "end"), Err(OnPurpose));
        assert_eq!(failpoints.reach(Step::Build, "end"), Ok(()));
        assert_eq!(Failpoints::default().reach(Step::Build, "end"), Ok(()));
    }
}
