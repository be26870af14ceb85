//! The one machine that moves deployments.
//!
//! ```text
//! queued → fetching → detecting → building → releasing → starting → checking → switching → draining → live
//! any state before switching + failure or cancel → undoing → failed | cancelled
//! queued + cancel → cancelled: nothing was made yet
//! queued + a newer one for the environment → superseded
//! ```
//!
//! Entering `switching` is the commit point: the release is stored in the same transaction. Everything before it can be
//! undone; from then on the deployment can only go on, however often it is interrupted, and ends `live`.

use serde::{Deserialize, Serialize};

/// Where a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    Queued,
    Fetching,
    Detecting,
    Building,
    Releasing,
    Starting,
    Checking,
    Switching,
    Draining,
    Live,
    /// Taking back what was made, because a step failed.
    UndoingFailure,
    /// Taking back what was made, because somebody cancelled it.
    UndoingCancel,
    Failed,
    Cancelled,
    Superseded,
}

/// Something that happened to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeploymentEvent {
    /// The current step is done; the first one moves a queued deployment to its first step.
    Advanced,
    /// The current step failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// A newer deployment took its place in the queue.
    Superseded,
    /// Everything it had made is taken back.
    Undone,
}

/// What keeps a deployment from going live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// A step failed.
    Failure,
    /// Somebody cancelled it.
    Cancel,
    /// A newer deployment took its place.
    Superseded,
}

/// The move is not one of the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a deployment that is {state} cannot take the event {event:?}")]
pub struct IllegalMove {
    pub state: DeploymentState,
    pub event: DeploymentEvent,
}

impl DeploymentState {
    /// Every state, in the order of a deployment that goes well and then the others.
    pub const ALL: [Self; 15] = [
        Self::Queued,
        Self::Fetching,
        Self::Detecting,
        Self::Building,
        Self::Releasing,
        Self::Starting,
        Self::Checking,
        Self::Switching,
        Self::Draining,
        Self::Live,
        Self::UndoingFailure,
        Self::UndoingCancel,
        Self::Failed,
        Self::Cancelled,
        Self::Superseded,
    ];

    /// The state after an event.
    ///
    /// # Errors
    /// When the event cannot happen in this state, for example a cancel after the switch.
    pub const fn next(self, event: DeploymentEvent) -> Result<Self, IllegalMove> {
        use DeploymentEvent as Event;
        use DeploymentState as State;
        let illegal = Err(IllegalMove { state: self, event });
        match (self, event) {
            (State::Queued, Event::Advanced) => Ok(State::Fetching),
            (State::Fetching, Event::Advanced) => Ok(State::Detecting),
            (State::Detecting, Event::Advanced) => Ok(State::Building),
            (State::Building, Event::Advanced) => Ok(State::Releasing),
            (State::Releasing, Event::Advanced) => Ok(State::Starting),
            (State::Starting, Event::Advanced) => Ok(State::Checking),
            (State::Checking, Event::Advanced) => Ok(State::Switching),
            (State::Switching, Event::Advanced) => Ok(State::Draining),
            (State::Draining, Event::Advanced) => Ok(State::Live),
            (State::Queued, Event::Superseded) => Ok(State::Superseded),
            (State::UndoingFailure, Event::Undone) => Ok(State::Failed),
            (State::Queued, Event::Cancelled) | (State::UndoingCancel, Event::Undone) => Ok(State::Cancelled),
            (
                State::Queued
                | State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking,
                Event::Failed,
            ) => Ok(State::UndoingFailure),
            (
                State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking,
                Event::Cancelled,
            ) => Ok(State::UndoingCancel),
            (
                State::Switching
                | State::Draining
                | State::Live
                | State::UndoingFailure
                | State::UndoingCancel
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Failed | Event::Cancelled,
            )
            | (
                State::Live
                | State::UndoingFailure
                | State::UndoingCancel
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Advanced,
            )
            | (
                State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking
                | State::Switching
                | State::Draining
                | State::Live
                | State::UndoingFailure
                | State::UndoingCancel
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Superseded,
            )
            | (
                State::Queued
                | State::Fetching
                | State::Detecting
                | State::Building
                | State::Releasing
                | State::Starting
                | State::Checking
                | State::Switching
                | State::Draining
                | State::Live
                | State::Failed
                | State::Cancelled
                | State::Superseded,
                Event::Undone,
            ) => illegal,
        }
    }

    /// Whether nothing can happen to the deployment any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Live | Self::Failed | Self::Cancelled | Self::Superseded => true,
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching
            | Self::Draining
            | Self::UndoingFailure
            | Self::UndoingCancel => false,
        }
    }

    /// Whether the deployment has yet to become live and can: it is neither over nor being undone, and traffic is not
    /// known to be on it.
    #[must_use]
    pub const fn can_go_live(self) -> bool {
        match self {
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching => true,
            Self::Draining
            | Self::Live
            | Self::UndoingFailure
            | Self::UndoingCancel
            | Self::Failed
            | Self::Cancelled
            | Self::Superseded => false,
        }
    }

    /// Whether it is not too late to stop the deployment.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        self.next(DeploymentEvent::Cancelled).is_ok()
    }

    /// Whether the release is made: the router serves it or is about to, and the deployment can only go on.
    #[must_use]
    pub const fn is_committed(self) -> bool {
        match self {
            Self::Switching | Self::Draining | Self::Live => true,
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::UndoingFailure
            | Self::UndoingCancel
            | Self::Failed
            | Self::Cancelled
            | Self::Superseded => false,
        }
    }

    /// What keeps the deployment from going live, in the states that it is in because of it.
    #[must_use]
    pub const fn setback(self) -> Option<Setback> {
        match self {
            Self::UndoingFailure | Self::Failed => Some(Setback::Failure),
            Self::UndoingCancel | Self::Cancelled => Some(Setback::Cancel),
            Self::Superseded => Some(Setback::Superseded),
            Self::Queued
            | Self::Fetching
            | Self::Detecting
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching
            | Self::Draining
            | Self::Live => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [DeploymentEvent; 5] = [
        DeploymentEvent::Advanced,
        DeploymentEvent::Failed,
        DeploymentEvent::Cancelled,
        DeploymentEvent::Superseded,
        DeploymentEvent::Undone,
    ];

    #[test]
    fn every_pair_of_state_and_event_is_decided() {
        let mut table = String::new();
        for state in DeploymentState::ALL {
            for event in EVENTS {
                if let Ok(next) = state.next(event) {
                    table.push_str(&format!("{state} + {event:?} = {next}\n"));
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_deployment_without_trouble_goes_through_every_step_once() {
        let mut state = DeploymentState::Queued;
        let mut steps = vec![state.step()];
        while !state.is_final() {
            state = state.next(DeploymentEvent::Advanced).unwrap();
            steps.push(state.step());
        }
        assert_eq!(state, DeploymentState::Live);
        assert_eq!(steps.len(), 10);
    }

    #[test]
    fn a_committed_deployment_ends_live_and_nothing_else_does() {
        for state in DeploymentState::ALL {
            let live = |event| state.next(event).is_ok_and(DeploymentState::is_committed);
            let ways_on: Vec<_> = EVENTS.into_iter().filter(|event| state.next(*event).is_ok()).collect();
            if state.is_committed() {
                assert!(ways_on.into_iter().all(live), "{state}");
            } else {
                let commits = ways_on.into_iter().any(live);
                assert_eq!(commits, state == DeploymentState::Checking, "{state}");
            }
        }
    }

    #[test]
    fn final_and_committed_states_cannot_fail() {
        for state in DeploymentState::ALL.into_iter().filter(|state| state.is_final() || state.is_committed())
        {
            assert!(state.next(DeploymentEvent::Failed).is_err());
            assert!(state.next(DeploymentEvent::Cancelled).is_err());
        }
    }
}
