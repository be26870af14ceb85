//! Commands that run to their end: scheduled ones and release commands. Those that somebody talks to are in [`super::attach`].

use super::{Shared, logs};
use crate::engine::{EngineError, ExitStatus, InstanceSpec, LogPart};
use crate::model::instance::InstanceId;
use bollard::Docker;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Runs a command to its end; see [`crate::engine::Engine::run_once`].
pub(super) async fn run(
    shared: Arc<Shared>,
    spec: &InstanceSpec,
    output: mpsc::Sender<String>,
    timeout: Duration,
) -> Result<ExitStatus, EngineError> {
    let docker = shared.client().await?;
    let id = shared.create(&docker, spec).await?;
    let container = Container::new(shared, docker, id);
    let result = tokio::time::timeout(timeout, container.run(spec, output)).await;
    container.remove().await?;
    result.unwrap_or(Err(EngineError::TimedOut { after: timeout }))
}

/// Runs a command to its end that outlives the call; see [`crate::engine::Engine::run_durably`].
pub(super) async fn run_durably(
    shared: Arc<Shared>,
    spec: &InstanceSpec,
    output: mpsc::Sender<String>,
    timeout: Duration,
) -> Result<ExitStatus, EngineError> {
    let docker = shared.client().await?;
    let ended = shared.ended(&docker, spec).await?;
    let is_over = ended.is_some();
    let id = match ended {
        Some(id) => id,
        None => shared.create(&docker, spec).await?,
    };
    let run = async {
        if !is_over && let Err(error) = docker.start_container(&id.0, None).await {
            return Err(shared.start_failed(spec, &error));
        }
        follow(&shared, &id, output).await
    };
    tokio::time::timeout(timeout, run).await.unwrap_or(Err(EngineError::TimedOut { after: timeout }))
}

/// Hands on what a command prints, from its first line on, until it has ended.
async fn follow(
    shared: &Arc<Shared>,
    id: &InstanceId,
    output: mpsc::Sender<String>,
) -> Result<ExitStatus, EngineError> {
    let log = |part| logs::stream(Arc::clone(shared), id.clone(), part);
    let mut seen = 0;
    let mut lines = log(LogPart { follow: true, ..LogPart::default() });
    while let Some(line) = lines.next().await {
        seen += 1;
        // Nobody listens any more: the command goes on all the same.
        let _ = output.send(line?.text).await;
    }
    // Its log ends a moment before it does.
    let status = shared.exit_status(id).await?;
    // The engine may end a log that it follows before it has given the last lines of a command that was quick.
    let mut rest = log(LogPart::default()).skip(seen);
    while let Some(line) = rest.next().await {
        let _ = output.send(line?.text).await;
    }
    Ok(status)
}

/// A container that does not outlive the call that it was made for, however that ends.
pub(super) struct Container {
    shared: Arc<Shared>,
    docker: Arc<Docker>,
    /// Taken when it is removed.
    id: Option<InstanceId>,
}

impl Container {
    pub(super) fn new(shared: Arc<Shared>, docker: Arc<Docker>, id: InstanceId) -> Self {
        Self { shared, docker, id: Some(id) }
    }

    async fn run(
        &self,
        spec: &InstanceSpec,
        output: mpsc::Sender<String>,
    ) -> Result<ExitStatus, EngineError> {
        let Some(id) = &self.id else { return Err(EngineError::NotFound { what: spec.key.shown() }) };
        if let Err(error) = self.docker.start_container(&id.0, None).await {
            return Err(self.shared.start_failed(spec, &error));
        }
        follow(&self.shared, id, output).await
    }

    async fn remove(mut self) -> Result<(), EngineError> {
        match self.id.take() {
            Some(id) => self.shared.remove(&self.docker, &id).await,
            None => Ok(()),
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) else { return };
        let (shared, docker) = (Arc::clone(&self.shared), Arc::clone(&self.docker));
        runtime.spawn(async move {
            if let Err(error) = shared.remove(&docker, &id).await {
                // Its labels stay, so that the next clean-up finds it.
                tracing::warn!(instance = %id.0, %error, "a cancelled command could not be removed");
            }
        });
    }
}
