//! One-off commands: instances that no formation asks for. Somebody talks to them, or a schedule has started them.

use crate::model::id::EnvironmentId;
use crate::model::instance::InstanceKey;
use crate::model::name::ProcessType;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The process types that one-off commands are shown as: those that somebody talks to, and those of a schedule.
const TYPE: &str = "run";
const CRON: &str = "cron";
/// Their numbers begin here, where no formation gets: a process type of the project may have the same name.
const FIRST: u16 = 10_000;
/// Commands of each kind that may run in one environment at once.
const AT_ONCE: usize = 8;

/// The one-off commands that this server has in hand. One that is not among them was left behind by a server that is gone.
#[derive(Debug, Clone, Default)]
pub struct OneOffs(Arc<Mutex<HashSet<(EnvironmentId, OneOffKind, u16)>>>);

/// Who has started a one-off command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OneOffKind {
    /// Somebody who talks to it.
    Run,
    /// A schedule, or somebody in its stead.
    Cron,
}

/// The place of a one-off command, for as long as it lives.
#[derive(Debug)]
pub struct OneOffPlace {
    all: OneOffs,
    environment: EnvironmentId,
    kind: OneOffKind,
    index: u16,
}

/// So many one-off commands run already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyOneOffs(pub usize);

impl OneOffs {
    /// A place for one more command of an environment. Its number is one that no command had lately: `random` says which.
    ///
    /// # Errors
    /// When as many run as may at once.
    pub fn begin(
        &self,
        environment: EnvironmentId,
        kind: OneOffKind,
        random: u16,
    ) -> Result<OneOffPlace, TooManyOneOffs> {
        let mut all = self.lock();
        let running = all.iter().filter(|(of, has, _)| (*of, *has) == (environment, kind)).count();
        if running >= AT_ONCE {
            return Err(TooManyOneOffs(running));
        }
        let room = u16::MAX - FIRST;
        let mut index = FIRST + random % room;
        while !all.insert((environment, kind, index)) {
            index = if index == u16::MAX { FIRST } else { index + 1 };
        }
        Ok(OneOffPlace { all: self.clone(), environment, kind, index })
    }

    /// Whether an instance is one of them.
    #[must_use]
    pub fn has(&self, key: &InstanceKey) -> bool {
        let kind = OneOffKind::of(&key.process_type);
        kind.is_some_and(|kind| self.lock().contains(&(key.environment_id, kind, key.index)))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(EnvironmentId, OneOffKind, u16)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OneOffKind {
    fn of(process_type: &ProcessType) -> Option<Self> {
        match process_type.as_str() {
            TYPE => Some(Self::Run),
            CRON => Some(Self::Cron),
            _ => None,
        }
    }

    /// What commands of the kind are shown as.
    #[must_use]
    pub fn process_type(self) -> ProcessType {
        ProcessType::of_word(match self {
            Self::Run => TYPE,
            Self::Cron => CRON,
        })
    }
}

impl OneOffPlace {
    /// The number of the command: `10001` in `run.10001`.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }
}

impl Drop for OneOffPlace {
    fn drop(&mut self) {
        self.all.lock().remove(&(self.environment, self.kind, self.index));
    }
}

impl InstanceKey {
    /// Whether the instance is a one-off command.
    #[must_use]
    pub fn is_one_off(&self) -> bool {
        OneOffKind::of(&self.process_type).is_some() && self.index >= FIRST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_had_once_and_given_back() {
        let (all, environment) = (OneOffs::default(), EnvironmentId::generate());
        let first = all.begin(environment, OneOffKind::Run, u16::MAX).unwrap();
        let second = all.begin(environment, OneOffKind::Run, u16::MAX).unwrap();
        assert_ne!(first.index(), second.index());
        assert!(first.index() >= FIRST && second.index() >= FIRST);
        let others: Vec<_> =
            (2..AT_ONCE).map(|_| all.begin(environment, OneOffKind::Run, 0).unwrap()).collect();
        assert_eq!(all.begin(environment, OneOffKind::Run, 0).unwrap_err(), TooManyOneOffs(AT_ONCE));
        assert!(
            all.begin(EnvironmentId::generate(), OneOffKind::Run, 0).is_ok(),
            "each environment has its own"
        );
        assert!(all.begin(environment, OneOffKind::Cron, 0).is_ok(), "each kind has its own");
        drop(others);
        assert!(all.begin(environment, OneOffKind::Run, 0).is_ok());
    }
}
