//! Builds in a Docker Engine.

use super::{BuildError, BuildKey, BuildLine, BuildRequest, Builder, BuiltImage};
use crate::docker::Connection;
use crate::model::id::{ProjectId, ServerId};
use async_trait::async_trait;
use tokio::sync::mpsc;

/// Where the engine is and for whom it builds.
#[derive(Debug, Clone)]
pub struct DockerBuilderOptions {
    /// Marks every image, so that two servers on one engine do not touch each other's.
    pub server_id: ServerId,
    /// In the form of `DOCKER_HOST`; `None` for Docker's default socket.
    pub host: Option<String>,
}

/// Builds with the BuildKit inside a Docker Engine.
#[derive(Debug)]
pub struct DockerBuilder {
    server_id: ServerId,
    connection: Connection,
}

impl DockerBuilder {
    /// A builder; the engine is looked for when it is needed.
    #[must_use]
    pub fn connect(options: DockerBuilderOptions) -> Self {
        Self { server_id: options.server_id, connection: Connection::new(options.host) }
    }
}

#[async_trait]
impl Builder for DockerBuilder {
    async fn find(&self, project: ProjectId, key: &BuildKey) -> Result<Option<BuiltImage>, BuildError> {
        let _ = (project, key, self.server_id, self.connection.host());
        Ok(None)
    }

    async fn build(
        &self,
        request: BuildRequest,
        output: mpsc::Sender<BuildLine>,
    ) -> Result<BuiltImage, BuildError> {
        let _ = (request, output);
        Err(BuildError::Other { message: "not yet".to_owned() })
    }
}
