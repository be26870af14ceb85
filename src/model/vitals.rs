//! What is known of live instances besides what the engine tells: whether they answer, and what is done about those that
//! do not.
//!
//! Its shared state is small and is allowed to be forgotten: a server that was restarted asks every instance again, and
//! finds out the same.

use crate::model::id::EnvironmentId;
use crate::model::instance::{Instance, InstanceId, InstanceKey};
use crate::model::time::{Timestamp, now};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Notes that are kept of one environment, the newest ones.
const NOTES: usize = 100;

/// What is known of all instances. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Vitals(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Instances that do not answer, with why.
    silent: HashMap<InstanceId, String>,
    /// Instances that take the place of another one of their key.
    replacing: HashMap<InstanceKey, Replacing>,
    /// Instances that took the place of another one, with a few words about it.
    replaced: HashMap<InstanceId, String>,
    notes: HashMap<EnvironmentId, VecDeque<Note>>,
}

#[derive(Debug, Clone, Copy)]
struct Replacing {
    generation: u32,
    /// Whether the one before it is about to end, too.
    is_alone: bool,
    is_healthy: bool,
}

/// One thing that the server has seen or done, told among what an instance prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub at: Timestamp,
    /// `web.1`
    pub process: String,
    pub text: String,
}

/// A replacement that is under way, until it is dropped.
#[derive(Debug)]
pub struct Replacement {
    vitals: Vitals,
    key: InstanceKey,
}

impl Vitals {
    /// Notes that an instance does not answer. Gives whether that is news.
    pub fn is_silent_because(&self, id: &InstanceId, why: &str) -> bool {
        self.lock().silent.insert(id.clone(), why.to_owned()).is_none()
    }

    /// Notes that an instance answers. Gives whether that is news.
    pub fn answers(&self, id: &InstanceId) -> bool {
        self.lock().silent.remove(id).is_some()
    }

    /// Why an instance does not answer; `None`: it does, as far as is known.
    #[must_use]
    pub fn silence_of(&self, id: &InstanceId) -> Option<String> {
        self.lock().silent.get(id).cloned()
    }

    /// Begins to replace the instance of a key by one of another generation; `None` while that is done already.
    #[must_use]
    pub fn begin_replacing(&self, key: &InstanceKey, generation: u32) -> Option<Replacement> {
        let mut state = self.lock();
        if state.replacing.contains_key(key) {
            return None;
        }
        state.replacing.insert(key.clone(), Replacing { generation, is_alone: false, is_healthy: false });
        Some(Replacement { vitals: self.clone(), key: key.clone() })
    }

    /// Whether an instance of the key is being replaced: two may be there.
    #[must_use]
    pub fn is_being_replaced(&self, key: &InstanceKey) -> bool {
        self.lock().replacing.contains_key(key)
    }

    /// Whether an instance is to take the place of another one and has not proved itself yet, or is the one that ends before.
    #[must_use]
    pub fn is_on_trial(&self, instance: &Instance) -> bool {
        let replacing = self.lock().replacing.get(&instance.key).copied();
        let is_meant = |new: &Replacing| new.is_alone || new.generation == instance.generation;
        replacing.is_some_and(|new| is_meant(&new) && !new.is_healthy)
    }

    /// Notes what an instance has taken the place of.
    pub fn has_replaced(&self, id: &InstanceId, what: String) {
        self.lock().replaced.insert(id.clone(), what);
    }

    /// What there is to say of an instance besides its state.
    #[must_use]
    pub fn remark_on(&self, id: &InstanceId) -> Option<String> {
        let state = self.lock();
        let silence = state.silent.get(id).map(|why| format!("does not answer: {why}"));
        silence.or_else(|| state.replaced.get(id).cloned())
    }

    /// Forgets everything about instances that are not there any more.
    pub fn retain(&self, there: &HashSet<InstanceId>) {
        let mut state = self.lock();
        state.silent.retain(|id, _| there.contains(id));
        state.replaced.retain(|id, _| there.contains(id));
    }

    /// Notes something that happened to an instance.
    pub fn note(&self, environment: EnvironmentId, process: &str, text: &str) {
        let mut state = self.lock();
        let notes = state.notes.entry(environment).or_default();
        if notes.len() == NOTES {
            notes.pop_front();
        }
        notes.push_back(Note { at: now(), process: process.to_owned(), text: text.to_owned() });
    }

    /// What was noted of an environment after a moment, oldest first.
    #[must_use]
    pub fn notes_of(&self, environment: EnvironmentId, after: Option<Timestamp>) -> Vec<Note> {
        let state = self.lock();
        let notes = state.notes.get(&environment).into_iter().flatten();
        notes.filter(|note| after.is_none_or(|after| note.at > after)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replacement {
    /// The old instance ends before the new one starts: until that is healthy, neither gets requests.
    pub fn begins_alone(&self) {
        if let Some(replacing) = self.vitals.lock().replacing.get_mut(&self.key) {
            replacing.is_alone = true;
        }
    }

    /// From now on the new instance may get requests.
    pub fn is_healthy(&self) {
        if let Some(replacing) = self.vitals.lock().replacing.get_mut(&self.key) {
            replacing.is_healthy = true;
        }
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        self.vitals.lock().replacing.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(generation: u32) -> Instance {
        Instance { generation, ..Instance::running(&generation.to_string()) }
    }

    #[test]
    fn one_replacement_of_a_place_is_under_way() {
        let vitals = Vitals::default();
        let old = instance(0);
        let new = Instance { generation: 7, ..old.clone() };
        let replacement = vitals.begin_replacing(&old.key, 7).unwrap();
        assert!(vitals.begin_replacing(&old.key, 8).is_none());
        assert!(vitals.is_on_trial(&new) && !vitals.is_on_trial(&old));
        replacement.is_healthy();
        assert!(!vitals.is_on_trial(&new) && vitals.is_being_replaced(&old.key));
        drop(replacement);
        assert!(!vitals.is_being_replaced(&old.key));
    }

    #[test]
    fn what_ends_before_the_other_one_starts_gets_no_requests_either() {
        let vitals = Vitals::default();
        let old = instance(0);
        let replacement = vitals.begin_replacing(&old.key, 7).unwrap();
        replacement.begins_alone();
        let new = Instance { generation: 7, ..old.clone() };
        assert!([&old, &new].into_iter().all(|instance| vitals.is_on_trial(instance)));
        replacement.is_healthy();
        assert!(!vitals.is_on_trial(&new));
    }

    #[test]
    fn silence_is_news_once_and_is_forgotten_with_the_instance() {
        let (vitals, id) = (Vitals::default(), InstanceId("a".to_owned()));
        assert!(vitals.is_silent_because(&id, "no answer in time"));
        assert!(!vitals.is_silent_because(&id, "no answer in time"));
        assert_eq!(vitals.remark_on(&id).unwrap(), "does not answer: no answer in time");
        vitals.retain(&HashSet::new());
        assert_eq!(vitals.silence_of(&id), None);
        assert!(!vitals.answers(&id));
    }

    #[test]
    fn the_newest_notes_are_kept() {
        let (vitals, environment) = (Vitals::default(), EnvironmentId::generate());
        for number in 0..=NOTES {
            vitals.note(environment, "web.1", &number.to_string());
        }
        let notes = vitals.notes_of(environment, None);
        assert_eq!((notes.len(), notes[0].text.as_str()), (NOTES, "1"));
        assert!(vitals.notes_of(environment, Some(now())).is_empty());
        assert!(vitals.notes_of(EnvironmentId::generate(), None).is_empty());
    }
}
