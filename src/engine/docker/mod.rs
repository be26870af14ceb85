//! Instances as containers of one Docker Engine (20.10 or newer).

mod attach;
mod command;
mod container;
mod events;
mod failure;
mod files;
mod images;
mod info;
mod labels;
mod lifecycle;
mod list;
mod logs;
mod network;
mod once;
mod ownership;
mod ports;
#[cfg(test)]
mod tests;
mod volume_sizes;
mod volumes;

use super::{
    Attached, Engine, EngineError, EngineEvent, EngineImage, EngineInfo, ExitStatus, InstanceSpec, Life,
    LogPart, OutputLine, TerminalSize,
};
use crate::docker::Connection;
use crate::model::id::{EnvironmentId, ProjectId, ServerId};
use crate::model::instance::{Instance, InstanceId};
use crate::model::name::VolumeName;
use crate::model::volume::Volume;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Where the engine is and for whom it runs instances.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// Marks everything that is made, so that two servers on one engine do not touch each other's.
    pub server_id: ServerId,
    /// In the form of `DOCKER_HOST`; `None` for Docker's default socket.
    pub host: Option<String>,
}

/// Runs instances as containers of one Docker Engine.
///
/// Containers, networks and images carry `gilgal.*` labels, and nothing without the label of this server is ever touched.
/// No port is published: an instance is reached by its address on the bridge of its project, from this host.
#[derive(Debug, Clone)]
pub struct DockerEngine(Arc<Shared>);

/// What the streams and clean-ups that outlive a call share with the engine.
#[derive(Debug)]
struct Shared {
    server_id: ServerId,
    connection: Connection,
    /// Held while a network is made: Docker lets two networks have one name.
    making_network: Mutex<()>,
}

impl DockerEngine {
    /// An engine; it is looked for when it is needed.
    #[must_use]
    pub fn connect(options: DockerOptions) -> Self {
        Self(Arc::new(Shared {
            server_id: options.server_id,
            connection: Connection::new(options.host),
            making_network: Mutex::new(()),
        }))
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.0.info().await
    }

    async fn ensure_network(&self, project: ProjectId) -> Result<(), EngineError> {
        self.0.ensure_network(project).await
    }

    async fn start(&self, spec: &InstanceSpec) -> Result<Instance, EngineError> {
        self.0.start(spec).await
    }

    async fn keep_running(&self, id: &InstanceId) -> Result<(), EngineError> {
        self.0.keep_running(id).await
    }

    async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), EngineError> {
        self.0.stop(id, grace).await
    }

    async fn inspect(&self, id: &InstanceId) -> Result<Option<Instance>, EngineError> {
        self.0.inspect(id).await
    }

    async fn list(&self) -> Result<Vec<Instance>, EngineError> {
        self.0.list().await
    }

    async fn last_logs(&self, id: &InstanceId, lines: usize) -> Vec<String> {
        self.0.last_logs(id, lines).await
    }

    fn logs(&self, id: &InstanceId, part: LogPart) -> BoxStream<'static, Result<OutputLine, EngineError>> {
        logs::stream(Arc::clone(&self.0), id.clone(), part)
    }

    async fn run_once(
        &self,
        spec: &InstanceSpec,
        output: mpsc::Sender<String>,
        timeout: Duration,
    ) -> Result<ExitStatus, EngineError> {
        once::run(Arc::clone(&self.0), spec, output, timeout).await
    }

    async fn run_durably(
        &self,
        spec: &InstanceSpec,
        output: mpsc::Sender<String>,
        timeout: Duration,
    ) -> Result<ExitStatus, EngineError> {
        once::run_durably(Arc::clone(&self.0), spec, output, timeout).await
    }

    async fn attach(
        &self,
        spec: &InstanceSpec,
        terminal: Option<TerminalSize>,
    ) -> Result<Attached, EngineError> {
        attach::attach(Arc::clone(&self.0), spec, terminal).await
    }

    async fn resize(&self, id: &InstanceId, size: TerminalSize) -> Result<(), EngineError> {
        self.0.resize(id, size).await
    }

    async fn exit_status(&self, id: &InstanceId) -> Result<ExitStatus, EngineError> {
        self.0.exit_status(id).await
    }

    async fn life(&self, id: &InstanceId) -> Result<Option<Life>, EngineError> {
        self.0.life(id).await
    }

    async fn listening_ports(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, EngineError> {
        self.0.listening_ports(id).await
    }

    async fn remove_network(&self, project: ProjectId) -> Result<(), EngineError> {
        self.0.remove_network(project).await
    }

    async fn networks(&self) -> Result<Vec<ProjectId>, EngineError> {
        self.0.networks().await
    }

    async fn images(&self) -> Result<Vec<EngineImage>, EngineError> {
        self.0.images().await
    }

    async fn has_image(&self, image: &str) -> Result<bool, EngineError> {
        self.0.has_image(image).await
    }

    async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        self.0.remove_image(image).await
    }

    async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        self.0.volumes().await
    }

    async fn volume_sizes(&self) -> Result<Vec<(Volume, Option<u64>)>, EngineError> {
        self.0.volume_sizes().await
    }

    async fn remove_volume(&self, environment: EnvironmentId, name: &VolumeName) -> Result<(), EngineError> {
        self.0.remove_volume(environment, name).await
    }

    async fn make_empty_image(&self, project: ProjectId) -> Result<String, EngineError> {
        self.0.make_empty_image(project).await
    }

    async fn read_volume(
        &self,
        volume: &Volume,
        image: &str,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, EngineError> {
        volumes::read(Arc::clone(&self.0), volume, image).await
    }

    async fn fill_volume(
        &self,
        volume: &Volume,
        image: &str,
        archive: BoxStream<'static, Bytes>,
    ) -> Result<(), EngineError> {
        self.0.fill_volume(volume, image, archive).await
    }

    fn events(&self) -> BoxStream<'static, EngineEvent> {
        events::stream(Arc::clone(&self.0))
    }
}
