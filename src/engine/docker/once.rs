//! Commands that run to their end: release commands.

use super::{Shared, logs};
use crate::engine::{EngineError, ExitStatus, InstanceSpec};
use crate::model::instance::{InstanceId, InstanceState};
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
    let container = Container { shared, docker, id: Some(id) };
    let result = tokio::time::timeout(timeout, container.run(spec, output)).await;
    container.remove().await?;
    result.unwrap_or(Err(EngineError::TimedOut { after: timeout }))
}

/// A container that does not outlive the call that it was made for, however that ends.
struct Container {
    shared: Arc<Shared>,
    docker: Arc<Docker>,
    /// Taken when it is removed.
    id: Option<InstanceId>,
}

impl Container {
    async fn run(
        &self,
        spec: &InstanceSpec,
        output: mpsc::Sender<String>,
    ) -> Result<ExitStatus, EngineError> {
        let Some(id) = &self.id else { return Err(EngineError::NotFound { what: spec.key.shown() }) };
        if let Err(error) = self.docker.start_container(&id.0, None).await {
            return Err(self.shared.start_failed(spec, &error));
        }
        let mut lines = logs::stream(Arc::clone(&self.shared), id.clone(), true);
        while let Some(line) = lines.next().await {
            // Nobody listens any more: the command goes on all the same.
            let _ = output.send(line?.text).await;
        }
        // Its log ends a moment before it does. What it answers is asked below, with the reason.
        let _ = self.docker.wait_container(&id.0, None).next().await;
        match self.shared.inspect(id).await?.map(|instance| instance.state) {
            Some(InstanceState::Exited { code, out_of_memory }) => Ok(ExitStatus { code, out_of_memory }),
            Some(InstanceState::Created | InstanceState::Running) | None => {
                Err(EngineError::NotFound { what: format!("The result of {}", spec.key.shown()) })
            }
        }
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
