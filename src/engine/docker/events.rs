//! What happens to instances, told as it happens and across restarts of the engine.

use super::{Shared, labels};
use crate::engine::{EngineError, EngineEvent, EngineEventKind};
use crate::model::instance::{InstanceId, InstanceState};
use bollard::errors::Error;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use chrono::DateTime;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before an engine that is away is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// The endless stream of what happens; see [`crate::engine::Engine::events`].
pub(super) fn stream(shared: Arc<Shared>) -> BoxStream<'static, EngineEvent> {
    let follower = Follower { shared, known: HashSet::new(), waiting: VecDeque::new(), live: None };
    stream::unfold(follower, async |mut follower| Some((follower.next().await, follower))).boxed()
}

struct Follower {
    shared: Arc<Shared>,
    /// Instances that were told about and not yet told to be removed: those that are gone after a pause were removed.
    known: HashSet<InstanceId>,
    /// Events that are known and not told yet.
    waiting: VecDeque<EngineEvent>,
    /// The engine's own stream while there is one.
    live: Option<BoxStream<'static, Result<EventMessage, Error>>>,
}

impl Follower {
    async fn next(&mut self) -> EngineEvent {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                match event.kind {
                    EngineEventKind::Removed => self.known.remove(&event.instance),
                    EngineEventKind::Started | EngineEventKind::Died { .. } => {
                        self.known.insert(event.instance.clone())
                    }
                };
                return event;
            }
            match &mut self.live {
                Some(live) => match live.next().await {
                    Some(Ok(message)) => self.waiting.extend(translate(message)),
                    Some(Err(_)) | None => self.live = None,
                },
                None => {
                    if let Err(error) = self.resume().await {
                        tracing::debug!(%error, "waiting for the engine");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Looks at everything that is there, then follows from the moment before the look: nothing is missed between.
    async fn resume(&mut self) -> Result<(), EngineError> {
        let docker = self.shared.client().await?;
        let info = docker.info().await.map_err(|error| self.shared.failed("tell its time", &error))?;
        // The engine's clock, not ours: it may be another machine.
        let now = info.system_time.and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
        let since = now.map_or_else(chrono::Utc::now, |time| time.to_utc());
        let mut gone = std::mem::take(&mut self.known);
        for instance in self.shared.list().await? {
            gone.remove(&instance.id);
            let kind = match instance.state {
                InstanceState::Created => continue,
                InstanceState::Running => EngineEventKind::Started,
                InstanceState::Exited { code, .. } => EngineEventKind::Died { code },
            };
            self.waiting.push_back(EngineEvent { instance: instance.id, kind });
        }
        self.waiting.extend(
            gone.into_iter().map(|instance| EngineEvent { instance, kind: EngineEventKind::Removed }),
        );
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("event", ["start", "die", "destroy"].map(str::to_owned).to_vec()),
            ("label", vec![format!("{}={}", labels::SERVER, self.shared.server_id)]),
        ]);
        let since = format!("{}.{:09}", since.timestamp(), since.timestamp_subsec_nanos());
        let options = EventsOptionsBuilder::new().since(&since).filters(&filters).build();
        self.live = Some(docker.events(Some(options)).boxed());
        Ok(())
    }
}

fn translate(message: EventMessage) -> Option<EngineEvent> {
    let actor = message.actor?;
    let kind = match message.action?.as_str() {
        "start" => EngineEventKind::Started,
        "die" => {
            let code = actor.attributes.as_ref()?.get("exitCode")?.parse().ok()?;
            EngineEventKind::Died { code }
        }
        "destroy" => EngineEventKind::Removed,
        _ => return None,
    };
    Some(EngineEvent { instance: InstanceId(actor.id?), kind })
}
