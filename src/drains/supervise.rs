//! Keeps the senders and readers as the database and the engine say, and writes down how far they are.

use super::reader::{self, Outlets};
use super::running::Running;
use super::{Drains, sender};
use crate::engine::{EngineError, EngineEvent, EngineEventKind};
use crate::model::id::DrainId;
use crate::model::instance::{Instance, InstanceId, InstanceState};
use crate::model::name::{EnvironmentName, Slug};
use crate::model::time::Timestamp;
use crate::store::StoreError;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

/// How often the database is looked into, whatever was said: a lost signal costs so much.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often it is written down how far the drains are: after a kill so much may be sent twice.
const NOTE: Duration = Duration::from_secs(5);
/// How long what waits may still be sent when the server stops.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What runs.
struct Supervisor {
    drains: Drains,
    running: HashMap<DrainId, (Arc<Running>, AbortHandle)>,
    senders: JoinSet<()>,
    outlets: Outlets,
    /// What is read, and where the reading of an instance ended that may be started again.
    reading: HashMap<InstanceId, (EnvironmentName, AbortHandle)>,
    readers: JoinSet<(InstanceId, Timestamp)>,
    read: HashMap<InstanceId, Timestamp>,
    /// What happens to instances; told only while there are drains.
    events: Option<BoxStream<'static, EngineEvent>>,
}

impl Drains {
    /// Sends what instances print until `stop` ends, and then for a moment what still waits.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut supervisor = Supervisor {
            drains: self,
            running: HashMap::new(),
            senders: JoinSet::new(),
            outlets: Outlets::default(),
            reading: HashMap::new(),
            readers: JoinSet::new(),
            read: HashMap::new(),
            events: None,
        };
        tokio::select! {
            () = supervisor.supervise() => {}
            () = stop => {}
        }
        supervisor.end().await;
    }
}

impl Supervisor {
    async fn supervise(&mut self) {
        let changed = Arc::clone(&self.drains.changed);
        let (mut look, mut note) = (interval(LOOK_AGAIN), interval(NOTE));
        for interval in [&mut look, &mut note] {
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            let events = &mut self.events;
            let event = async move {
                match events {
                    Some(events) => events.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = look.tick() => self.look().await,
                () = changed.notified() => self.look().await,
                event = event => match event {
                    Some(EngineEvent { instance, kind: EngineEventKind::Started }) => self.started(&instance, false).await,
                    Some(EngineEvent { instance, kind: EngineEventKind::Removed }) => drop(self.read.remove(&instance)),
                    Some(EngineEvent { kind: EngineEventKind::Died { .. }, .. }) => {}
                    None => self.events = None,
                },
                Some(ended) = self.readers.join_next() => match ended {
                    Ok((instance, last)) => {
                        self.reading.remove(&instance);
                        self.read.insert(instance.clone(), last);
                        // It may have been started again before its reader had ended.
                        self.started(&instance, true).await;
                    }
                    Err(error) => self.lost(&error),
                },
                _ = note.tick() => self.note().await,
            }
        }
    }

    /// Looks what there is, and begins or ends what is to be read and sent.
    async fn look(&mut self) {
        if let Err(error) = self.look_once().await {
            tracing::debug!(error = &error as &dyn Error, "log drains go on as they are");
        }
    }

    async fn look_once(&mut self) -> Result<(), LookError> {
        let drains = self.drains.store.drains(None).await?;
        let there: HashSet<DrainId> = drains.iter().map(|drain| drain.id).collect();
        self.running.retain(|id, (_, sending)| {
            // A sender ends by a mistake only.
            let stays = there.contains(id) && !sending.is_finished();
            if !stays {
                sending.abort();
            }
            stays
        });
        for drain in drains {
            if let Some((running, _)) = self.running.get(&drain.id) {
                running.set(drain);
                continue;
            }
            let slug = match self.drains.store.project(drain.project_id).await {
                Ok(project) => project.slug,
                Err(StoreError::NotFound) => continue,
                Err(error) => return Err(error.into()),
            };
            let (id, running) = (drain.id, Arc::new(Running::new(drain, slug)));
            let sending = self.senders.spawn(sender::send(self.drains.clone(), Arc::clone(&running)));
            self.running.insert(id, (running, sending));
        }
        // Those that were aborted.
        while self.senders.try_join_next().is_some() {}
        let mut outlets: HashMap<_, Vec<_>> = HashMap::new();
        for (running, _) in self.running.values() {
            outlets.entry(running.drain().project_id).or_default().push(Arc::clone(running));
        }
        self.outlets.set(outlets);
        self.attach().await
    }

    /// Reads what is wanted of the instances there are, and nothing else.
    async fn attach(&mut self) -> Result<(), LookError> {
        if self.running.is_empty() {
            self.events = None;
            self.reading.drain().for_each(|(_, (_, reading))| reading.abort());
            self.read.clear();
            return Ok(());
        }
        let instances = self.drains.engine.list().await?;
        let there: HashSet<InstanceId> = instances.iter().map(|instance| instance.id.clone()).collect();
        for (running, _) in self.running.values() {
            running.forget_all_but(&there);
        }
        self.read.retain(|instance, _| there.contains(instance));
        for instance in instances {
            if self.outlets.begin_of(&instance).is_none() {
                if let Some((_, reading)) = self.reading.remove(&instance.id) {
                    reading.abort();
                }
            } else if instance.state == InstanceState::Running || !self.read.contains_key(&instance.id) {
                self.begin(instance).await?;
            }
        }
        if self.events.is_none() {
            self.events = Some(self.drains.engine.events());
        }
        Ok(())
    }

    /// Forgets a reader that has ended without having read: the next look begins another one.
    fn lost(&mut self, error: &JoinError) {
        let id = error.id();
        let Some(instance) = self.reading.iter().find(|(_, (_, reading))| reading.id() == id) else { return };
        let instance = instance.0.clone();
        if error.is_panic() {
            tracing::error!(%error, instance = %instance.0, "a reader for log drains has failed; there will be another one");
        }
        self.reading.remove(&instance);
    }

    /// Reads an instance that was started; `again` where that is to be seen.
    async fn started(&mut self, id: &InstanceId, again: bool) {
        let begun = async {
            match self.drains.engine.inspect(id).await? {
                Some(instance) if !again || instance.state == InstanceState::Running => {
                    self.begin(instance).await
                }
                Some(_) | None => Ok(()),
            }
        };
        if let Err(error) = begun.await {
            // It is found by the next look.
            tracing::debug!(error = &error as &dyn Error, "an instance is not drained yet");
        }
    }

    /// Reads an instance unless that is done, or nobody wants it. One-off commands are their callers' to read.
    async fn begin(&mut self, instance: Instance) -> Result<(), LookError> {
        let Some(begin) = self.outlets.begin_of(&instance) else { return Ok(()) };
        if instance.key.is_one_off() {
            return Ok(());
        }
        let Some(names) = self.names(&instance).await? else { return Ok(()) };
        match self.reading.get(&instance.id) {
            Some((name, _)) if *name == names.1 => return Ok(()),
            // Its environment is called otherwise since: it is read on from what was sent.
            Some((_, reading)) => reading.abort(),
            None => {}
        }
        let after = self.read.get(&instance.id).copied().unwrap_or(begin);
        let id = instance.id.clone();
        let engine = Arc::clone(&self.drains.engine);
        let name = names.1.clone();
        let reading = reader::read(engine, instance, names, after, self.outlets.clone());
        self.reading.insert(id, (name, self.readers.spawn(reading)));
        Ok(())
    }

    async fn names(&self, instance: &Instance) -> Result<Option<(Slug, EnvironmentName)>, StoreError> {
        let store = &self.drains.store;
        let found = async {
            let project = store.project(instance.key.project_id).await?;
            let environment = store.environment(instance.key.environment_id).await?;
            Ok((project.slug, environment.name))
        };
        match found.await {
            Ok(names) => Ok(Some(names)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn note(&self) {
        for (id, (running, _)) in &self.running {
            let Some(progress) = running.to_note() else { continue };
            match self.drains.store.note_drain_progress(*id, &progress).await {
                Ok(()) => running.note(progress),
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::debug!(error, drain = %id, "how far a drain is was not written down");
                }
            }
        }
    }

    /// Reads no more, lets what waits be sent for a moment, and writes down how far it came.
    async fn end(mut self) {
        self.readers.shutdown().await;
        let idle = async {
            while !self.running.values().all(|(running, _)| running.ring.is_idle()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        drop(tokio::time::timeout(GRACE, idle).await);
        self.senders.shutdown().await;
        self.note().await;
    }
}
