//! Whose image is built next, where more are to be built than may be at once.
//!
//! As in the queue of deployments: first whose owner has the fewest under way, then whose project has; of equals the owner
//! who has waited longest for a turn, then who has come first. Nobody's many builds keep somebody else's one waiting for
//! all of them.

use crate::model::id::{DeploymentId, ProjectId, UserId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Whose build it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    pub owner: UserId,
    pub project: ProjectId,
    pub deployment: DeploymentId,
}

/// The places for builds.
#[derive(Debug)]
pub struct BuildTurns {
    at_once: usize,
    state: Mutex<State>,
    /// Told when a place is free, or somebody has stopped waiting.
    changed: Notify,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Counts up with each that comes and each that begins.
    clock: u64,
    under_way: Vec<Whose>,
    /// By when each has come.
    waiting: BTreeMap<u64, Whose>,
    /// When each owner has begun a build last; forgotten with the last one who waits.
    last: HashMap<UserId, u64>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct BuildTurn<'a> {
    turns: &'a BuildTurns,
    whose: Whose,
}

/// One who waits, until they have a place or leave.
#[derive(Debug)]
pub struct Waiting<'a> {
    turns: &'a BuildTurns,
    whose: Whose,
    number: u64,
}

impl BuildTurns {
    /// So many places; at least one.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self { at_once: at_once.max(1), state: Mutex::default(), changed: Notify::new() }
    }

    /// A place that is free now, where nobody waits for it.
    #[must_use]
    pub fn take_free(&self, whose: Whose) -> Option<BuildTurn<'_>> {
        let mut state = self.lock();
        if state.under_way.len() >= self.at_once || !state.waiting.is_empty() {
            return None;
        }
        state.begin(whose);
        Some(BuildTurn { turns: self, whose })
    }

    /// Gets in line for a place. Who stops waiting loses theirs.
    #[must_use]
    pub fn wait(&self, whose: Whose) -> Waiting<'_> {
        Waiting { turns: self, whose, number: self.lock().wait(whose) }
    }

    /// How many builds are to begin before that of a deployment, as it looks now; `None` when it does not wait for its turn.
    #[must_use]
    pub fn before(&self, deployment: DeploymentId) -> Option<u32> {
        let mut state = self.lock().clone();
        state.waiting.values().find(|whose| whose.deployment == deployment)?;
        let mut before = 0;
        loop {
            let whose = state.waiting.remove(&state.next()?)?;
            if whose.deployment == deployment {
                return Some(before);
            }
            state.begin(whose);
            before += 1;
        }
    }

    /// Begins the build of one who waits, if it is their turn.
    fn begins(&self, number: u64) -> bool {
        let mut state = self.lock();
        if state.under_way.len() >= self.at_once || state.next() != Some(number) {
            return false;
        }
        if let Some(whose) = state.waiting.remove(&number) {
            state.begin(whose);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Waiting<'a> {
    /// The place, as soon as it is their turn.
    pub async fn turn(self) -> BuildTurn<'a> {
        loop {
            // Before the look: what changes after it is not missed.
            let changed = self.turns.changed.notified();
            if self.turns.begins(self.number) {
                return BuildTurn { turns: self.turns, whose: self.whose };
            }
            changed.await;
        }
    }
}

impl State {
    fn wait(&mut self, whose: Whose) -> u64 {
        self.clock += 1;
        self.waiting.insert(self.clock, whose);
        self.clock
    }

    fn begin(&mut self, whose: Whose) {
        self.clock += 1;
        self.last.insert(whose.owner, self.clock);
        self.under_way.push(whose);
    }

    /// Who of those that wait is to begin.
    fn next(&self) -> Option<u64> {
        let count =
            |is_its: &dyn Fn(&Whose) -> bool| self.under_way.iter().filter(|whose| is_its(whose)).count();
        let turn = |(number, whose): (&u64, &Whose)| {
            let of_owner = count(&|other| other.owner == whose.owner);
            let of_project = count(&|other| other.project == whose.project);
            (of_owner, of_project, self.last.get(&whose.owner).copied().unwrap_or_default(), *number)
        };
        self.waiting.iter().map(turn).min().map(|(.., number)| number)
    }
}

impl Drop for BuildTurn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        if let Some(at) = state.under_way.iter().position(|whose| *whose == self.whose) {
            state.under_way.swap_remove(at);
        }
        if state.waiting.is_empty() {
            state.last.clear();
        }
        drop(state);
        self.turns.changed.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turns.lock().waiting.remove(&self.number);
        // There may be more places than one, or it may have been their turn.
        self.turns.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::mpsc;

    fn somebodys() -> Whose {
        let (owner, project) = (UserId::generate(), ProjectId::generate());
        Whose { owner, project, deployment: DeploymentId::generate() }
    }

    /// Lets everybody who waits build, one after the other; gives the order.
    async fn order_of(turns: &Arc<BuildTurns>, waiting: &[(&'static str, Whose)]) -> Vec<&'static str> {
        let first = turns.take_free(waiting[0].1).unwrap();
        let (sender, mut begun) = mpsc::channel(waiting.len());
        for (name, whose) in waiting.iter().copied() {
            let (turns_of, sender) = (Arc::clone(turns), sender.clone());
            let before = turns.lock().waiting.len();
            tokio::spawn(async move {
                let turn = turns_of.wait(whose).turn().await;
                sender.send(name).await.unwrap();
                drop(turn);
            });
            while turns.lock().waiting.len() == before {
                tokio::task::yield_now().await;
            }
        }
        drop((first, sender));
        let mut order = Vec::new();
        while let Some(name) = begun.recv().await {
            order.push(name);
        }
        order
    }

    #[tokio::test]
    async fn owners_take_turns_and_the_first_of_each_comes_first() {
        let (ada, bob) = (somebodys(), somebodys());
        let other = Whose { project: ProjectId::generate(), ..ada };
        let waiting = [("ada 1", ada), ("ada 2", other), ("ada 3", ada), ("bob 1", bob), ("bob 2", bob)];
        let turns = Arc::new(BuildTurns::new(1));
        // Ada has just had one.
        assert_eq!(order_of(&turns, &waiting).await, ["bob 1", "ada 1", "bob 2", "ada 2", "ada 3"]);
        assert!(turns.lock().last.is_empty() && turns.lock().under_way.is_empty());
    }

    #[tokio::test]
    async fn of_one_owner_the_project_that_builds_nothing_comes_first() {
        let ada = somebodys();
        let other = Whose { project: ProjectId::generate(), ..ada };
        let turns = BuildTurns::new(2);
        let _one = turns.take_free(ada).unwrap();
        let two = turns.take_free(ada).unwrap();
        let mut same = Box::pin(turns.wait(ada).turn());
        assert!((&mut same).now_or_never().is_none());
        let mut another = Box::pin(turns.wait(other).turn());
        assert!((&mut another).now_or_never().is_none());
        assert!(turns.take_free(other).is_none());
        drop(two);
        assert!((&mut same).now_or_never().is_none());
        assert!((&mut another).now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_waits_knows_how_many_come_before() {
        let (ada, bob) = (somebodys(), somebodys());
        let ada_again = Whose { deployment: DeploymentId::generate(), ..ada };
        let turns = BuildTurns::new(1);
        let one = turns.take_free(somebodys()).unwrap();
        assert_eq!(turns.before(ada.deployment), None);
        let waiting = [ada, ada_again, bob].map(|whose| turns.wait(whose));
        let before = || [ada, ada_again, bob].map(|whose| turns.before(whose.deployment));
        assert_eq!(before(), [Some(0), Some(2), Some(1)], "owners take turns");
        let [first, ..] = waiting;
        drop(one);
        let _first = first.turn().await;
        assert_eq!(turns.before(ada.deployment), None);
    }

    #[tokio::test]
    async fn who_leaves_keeps_nobody_waiting() {
        let ada = somebodys();
        let turns = BuildTurns::new(1);
        let one = turns.take_free(ada).unwrap();
        let mut leaving = Box::pin(turns.wait(ada).turn());
        assert!((&mut leaving).now_or_never().is_none());
        let mut staying = Box::pin(turns.wait(ada).turn());
        assert!((&mut staying).now_or_never().is_none());
        drop(one);
        drop(leaving);
        let turn = tokio::time::timeout(Duration::from_secs(5), staying).await.unwrap();
        drop(turn);
        assert!(turns.take_free(ada).is_some());
    }
}
