//! What was read a moment ago and nothing has been written since: whose a login is, a project, how it is doing. Nearly
//! every request of the API asks for these.
//!
//! Every write of this process forgets all of it, whatever it was about: what is remembered is what a query would give.
//! No other process writes while a server runs, but for the operator by hand, who waits [`LONGEST`].

use crate::model::id::{ProjectId, TokenFamilyId, UserId};
use crate::model::name::Slug;
use crate::model::project::Project;
use crate::model::user::User;
use crate::store::backend::Connection;
use crate::store::error::StoreError;
use crate::store::overview::ProjectActivity;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old an answer may be.
const LONGEST: Duration = Duration::from_secs(1);
/// How many answers of a kind are kept; then all of them are forgotten.
const MOST: usize = 1024;

/// What a store remembers. Shared by its clones.
#[derive(Default)]
pub(super) struct Memory {
    /// How many writes have ended.
    writes: Arc<AtomicU64>,
    pub(super) logins: Remembered<(UserId, TokenFamilyId), Option<User>>,
    pub(super) projects: Remembered<ProjectId, Project>,
    pub(super) slugs: Remembered<Slug, Option<Project>>,
    pub(super) activity: Remembered<ProjectId, Option<ProjectActivity>>,
}

impl Memory {
    /// Forgets everything when it is dropped: at the end of a write, and before who has written is told.
    pub(super) fn writing(&self) -> Writing {
        Writing(Arc::clone(&self.writes))
    }

    /// What is remembered for a key, or else what `read` gives.
    pub(super) async fn recall<K: Eq + Hash, V: Clone>(
        &self,
        kind: impl FnOnce(&Self) -> &Remembered<K, V>,
        key: K,
        read: impl AsyncFnOnce() -> Result<V, StoreError>,
    ) -> Result<V, StoreError> {
        let answers = kind(self);
        // Before it is read: what is written meanwhile may not be in it.
        let writes = self.writes.load(Ordering::SeqCst);
        if let Some(answer) = answers.get(&key, writes) {
            return Ok(answer);
        }
        let value = read().await?;
        answers.put(key, Answer { writes, at: Instant::now(), value: value.clone() });
        Ok(value)
    }
}

/// A write that goes on.
pub(super) struct Writing(Arc<AtomicU64>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A connection for writing.
pub(super) struct Writer {
    // Given back first: what it has written is there for whoever reads then.
    pub(super) connection: Connection,
    pub(super) _writing: Writing,
}

impl Deref for Writer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// The answers of one query, by what it was asked for.
pub(super) struct Remembered<K, V>(Mutex<HashMap<K, Answer<V>>>);

struct Answer<V> {
    /// How many writes had ended before it was asked for.
    writes: u64,
    at: Instant,
    value: V,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    fn get(&self, key: &K, writes: u64) -> Option<V> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.get(key)?;
        (answer.writes == writes && answer.at.elapsed() < LONGEST).then(|| answer.value.clone())
    }

    fn put(&self, key: K, answer: Answer<V>) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(key, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(memory: &Memory, id: ProjectId, answer: Option<ProjectActivity>) -> Option<ProjectActivity> {
        let read = async || Ok(answer);
        memory.recall(|memory| &memory.activity, id, read).await.expect("an answer")
    }

    const SERVES: Option<ProjectActivity> = Some(ProjectActivity { newest: None, serves: true });

    #[tokio::test]
    async fn an_answer_holds_until_something_is_written() {
        let (memory, id) = (Memory::default(), ProjectId::generate());
        assert_eq!(ask(&memory, id, None).await, None);
        assert_eq!(ask(&memory, id, SERVES).await, None, "it is remembered");
        assert_eq!(ask(&memory, ProjectId::generate(), SERVES).await, SERVES, "of this one only");
        drop(memory.writing());
        assert_eq!(ask(&memory, id, SERVES).await, SERVES);
    }

    #[tokio::test]
    async fn what_is_written_while_it_is_read_is_not_missed() {
        let (memory, id) = (Memory::default(), ProjectId::generate());
        let read = async || {
            drop(memory.writing());
            Ok(None)
        };
        assert_eq!(memory.recall(|memory| &memory.activity, id, read).await.expect("an answer"), None);
        assert_eq!(ask(&memory, id, SERVES).await, SERVES);
    }

    #[tokio::test]
    async fn so_many_are_kept_and_no_more() {
        let memory = Memory::default();
        for _ in 0..=MOST {
            ask(&memory, ProjectId::generate(), None).await;
        }
        assert_eq!(memory.activity.0.lock().expect("not poisoned").len(), 1);
    }
}
