//! A drain that runs: what its readers, its sender and the supervisor share.

use super::line::Line;
use super::ring::{Batch, Ring};
use crate::model::drain::{Drain, DrainProgress};
use crate::model::id::EnvironmentId;
use crate::model::instance::InstanceId;
use crate::model::name::Slug;
use crate::model::time::{Timestamp, now};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A drain that runs.
pub(super) struct Running {
    pub(super) ring: Ring,
    /// Says that the drain leads elsewhere now.
    pub(super) redirected: Notify,
    /// The project's.
    pub(super) slug: Slug,
    /// Where each instance was when the drain began to run.
    begun: BTreeMap<InstanceId, Timestamp>,
    /// Lines that were dropped before it began to run.
    dropped_before: u64,
    state: Mutex<State>,
}

struct State {
    drain: Arc<Drain>,
    progress: DrainProgress,
    /// What was written down last.
    noted: DrainProgress,
}

impl Running {
    pub(super) fn new(drain: Drain, slug: Slug) -> Self {
        let progress = drain.progress.clone();
        Self {
            ring: Ring::default(),
            redirected: Notify::new(),
            slug,
            begun: progress.sent.clone(),
            dropped_before: progress.dropped,
            state: Mutex::new(State { drain: Arc::new(drain), noted: progress.clone(), progress }),
        }
    }

    /// The drain as somebody has set it.
    pub(super) fn drain(&self) -> Arc<Drain> {
        Arc::clone(&self.lock().drain)
    }

    /// Somebody has set it otherwise, or not.
    pub(super) fn set(&self, drain: Drain) {
        let mut state = self.lock();
        if state.drain.updated_at != drain.updated_at {
            state.drain = Arc::new(drain);
            drop(state);
            self.redirected.notify_one();
        }
    }

    /// Whether lines of an environment of its project are wanted.
    pub(super) fn wants(&self, environment: EnvironmentId) -> bool {
        self.lock().drain.environment_id.is_none_or(|only| only == environment)
    }

    /// The time after which lines of an instance are to be sent: what was printed before was sent already, or before the
    /// drain was made.
    pub(super) fn begins(&self, instance: &InstanceId) -> Timestamp {
        self.begun.get(instance).copied().unwrap_or_else(|| self.lock().drain.created_at)
    }

    /// The time after which an instance is to be read: what was sent meanwhile is behind.
    pub(super) fn resumes(&self, instance: &InstanceId) -> Timestamp {
        let sent = self.lock().progress.sent.get(instance).copied();
        sent.unwrap_or_else(|| self.begins(instance))
    }

    /// Takes a line of an instance, if it is to be sent. Never waits.
    pub(super) fn offer(&self, environment: EnvironmentId, instance: &InstanceId, line: &Arc<Line>) {
        if self.wants(environment) && line.at > self.begins(instance) {
            self.ring.push(Arc::clone(line));
        }
    }

    /// A batch was sent.
    pub(super) fn succeeded(&self, batch: &Batch) {
        let mut state = self.lock();
        state.progress.last_success_at = Some(now());
        state.progress.last_error = None;
        state.progress.sent_until(batch);
        drop(state);
        self.ring.done();
    }

    /// A try has failed; the batch is tried again.
    pub(super) fn failed(&self, reason: String) {
        let progress = &mut self.lock().progress;
        progress.last_error = Some(reason);
        progress.last_error_at = Some(now());
    }

    /// The receiver will never take a batch.
    pub(super) fn refused(&self, batch: &Batch, reason: String) {
        self.failed(reason);
        self.lock().progress.sent_until(batch);
        self.ring.refused(batch);
    }

    /// Forgets where instances were that are gone.
    pub(super) fn forget_all_but(&self, there: &HashSet<InstanceId>) {
        self.lock().progress.sent.retain(|instance, _| there.contains(instance));
    }

    /// How far it is, where that was not written down yet.
    pub(super) fn to_note(&self) -> Option<DrainProgress> {
        let dropped = self.dropped_before.saturating_add(self.ring.dropped());
        let mut state = self.lock();
        state.progress.dropped = dropped;
        (state.progress != state.noted).then(|| state.progress.clone())
    }

    /// It is written down.
    pub(super) fn note(&self, progress: DrainProgress) {
        self.lock().noted = progress;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DrainProgress {
    /// The lines of a batch are behind.
    fn sent_until(&mut self, batch: &Batch) {
        for line in &batch.lines {
            if let Some(origin) = &line.source.origin {
                let sent = self.sent.entry(origin.instance.clone()).or_insert(line.at);
                *sent = line.at.max(*sent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::examples::line;
    use super::*;
    use crate::model::id::{DrainId, ProjectId};

    fn drain(progress: DrainProgress) -> Drain {
        let created_at = "2026-11-26T11:00:00Z".parse().unwrap();
        Drain {
            id: DrainId::generate(),
            project_id: ProjectId::generate(),
            environment_id: None,
            url: "https://logs.example.com".to_owned(),
            sealed_url: String::new(),
            sealed_token: None,
            certificates: None,
            progress,
            created_at,
            updated_at: created_at,
        }
    }

    #[tokio::test]
    async fn it_goes_on_where_it_was() {
        let (environment, instance) = (EnvironmentId::generate(), InstanceId("0123456789abcdef".to_owned()));
        let first = Running::new(drain(DrainProgress::default()), "shop".parse().unwrap());
        let printed = Arc::new(line("hello"));
        first.offer(environment, &instance, &printed);
        let batch = first.ring.take().await;
        first.failed("The receiver cannot be reached.".to_owned());
        assert!(first.to_note().unwrap().last_error.is_some());
        first.succeeded(&batch);
        let progress = first.to_note().unwrap();
        assert_eq!((progress.last_error.as_deref(), progress.sent[&instance]), (None, printed.at));
        first.note(progress.clone());
        assert_eq!(first.to_note(), None);

        let second = Running::new(drain(progress), "shop".parse().unwrap());
        second.offer(environment, &instance, &printed);
        assert!(second.ring.is_idle(), "it was sent already");
        second.offer(environment, &InstanceId("other".to_owned()), &printed);
        assert!(!second.ring.is_idle());
        second.forget_all_but(&HashSet::new());
        assert!(second.to_note().unwrap().sent.is_empty());
    }

    #[tokio::test]
    async fn an_environment_can_be_chosen() {
        let (chosen, other) = (EnvironmentId::generate(), EnvironmentId::generate());
        let of_chosen = Drain { environment_id: Some(chosen), ..drain(DrainProgress::default()) };
        let running = Running::new(of_chosen, "shop".parse().unwrap());
        let (instance, line) = (InstanceId("a".to_owned()), Arc::new(line("hello")));
        running.offer(other, &instance, &line);
        assert!(running.ring.is_idle());
        running.offer(chosen, &instance, &line);
        assert!(!running.ring.is_idle());
    }
}
