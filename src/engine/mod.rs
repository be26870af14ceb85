//! Where instances run.
//!
//! [`Engine`] is what the rest of the server knows; [`DockerEngine`] runs instances as containers of one Docker Engine.
//! What an engine promises is written down as tests in `contract.rs`, which run against every implementation.
//!
//! Not here: which instances should run (`deploy`), how images come to be (`build`).

#[cfg(test)]
mod contract;
mod docker;
mod error;
mod event;
mod follow;
mod session;
mod spec;

pub use docker::{DockerEngine, DockerOptions};
pub use error::EngineError;
pub use event::{EngineEvent, EngineEventKind};
pub use follow::LogFollower;
pub use session::{Attached, SessionOutput, TerminalSize};
pub use spec::{EngineImage, EngineInfo, ExitStatus, InstanceSpec, Life, LogPart, OutputLine, OutputStream};

use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::instance::{Instance, InstanceId};
use crate::model::name::VolumeName;
use crate::model::volume::Volume;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;

/// A place where instances run.
///
/// Every method can be called twice with the same result, and by a restarted server that does not remember the first
/// call. An engine that is down gives [`EngineError::Unavailable`] and is tried again by the next call.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Asks the engine who it is and what it can do.
    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// Makes the network of a project unless it is there. Instances of one project reach each other over it and nothing
    /// of another project.
    async fn ensure_network(&self, project: ProjectId) -> Result<(), EngineError>;

    /// Starts an instance on the network of its project, which must exist, and learns its address.
    ///
    /// An instance that already runs for the same key with the same spec is returned as it is; anything else under its
    /// name is replaced. The engine does not restart the instance when it ends, so that a crash during the health check
    /// is seen as one: see [`Engine::keep_running`]. The returned state may already be `Exited`.
    async fn start(&self, spec: &InstanceSpec) -> Result<Instance, EngineError>;

    /// From now on the engine restarts the instance whenever it ends, with growing pauses, and also after a restart of
    /// the engine or the host, until [`Engine::stop`]. For instances that have proved healthy.
    async fn keep_running(&self, id: &InstanceId) -> Result<(), EngineError>;

    /// Ends an instance (its stop signal, by default SIGTERM; SIGKILL after `grace`) and removes it with everything it
    /// wrote. An instance that does not exist is fine.
    async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), EngineError>;

    /// What is known of an instance; `None` when there is none of this server with this id.
    async fn inspect(&self, id: &InstanceId) -> Result<Option<Instance>, EngineError>;

    /// Every instance of this server, running or not, release commands included.
    async fn list(&self) -> Result<Vec<Instance>, EngineError>;

    /// The last lines that an instance printed, oldest first; at most `lines`. Empty when there are none to be had: this
    /// explains failures and must not become one.
    async fn last_logs(&self, id: &InstanceId, lines: usize) -> Vec<String>;

    /// What an instance printed and, where it is to be followed, prints, line by line, until it ends or an error ends the
    /// stream. Whoever does not take the lines keeps nobody waiting but themselves.
    fn logs(&self, id: &InstanceId, part: LogPart) -> BoxStream<'static, Result<OutputLine, EngineError>>;

    /// Runs a command to its end and removes every trace of it. Each line goes to `output` when it is printed; a
    /// receiver that is gone does not stop the command, dropping the future does.
    ///
    /// # Errors
    /// [`EngineError::TimedOut`] when it takes longer than `timeout`, besides what `start` gives.
    async fn run_once(
        &self,
        spec: &InstanceSpec,
        output: mpsc::Sender<String>,
        timeout: Duration,
    ) -> Result<ExitStatus, EngineError>;

    /// Runs a command to its end that must not run twice: it goes on when the future is dropped, or this server is gone. Asked
    /// again for the very same spec, it is followed from its first line on, or its result is given where it has ended. What
    /// is left of it is removed by `stop`.
    ///
    /// # Errors
    /// As `run_once`.
    async fn run_durably(
        &self,
        spec: &InstanceSpec,
        output: mpsc::Sender<String>,
        timeout: Duration,
    ) -> Result<ExitStatus, EngineError>;

    /// Starts a command that somebody talks to, with a terminal of a size or without one. It is gone, with every trace of
    /// it, when what is given back is dropped.
    async fn attach(
        &self,
        spec: &InstanceSpec,
        terminal: Option<TerminalSize>,
    ) -> Result<Attached, EngineError>;

    /// Tells a command that its terminal has another size.
    async fn resize(&self, id: &InstanceId, size: TerminalSize) -> Result<(), EngineError>;

    /// Waits until an instance has ended.
    async fn exit_status(&self, id: &InstanceId) -> Result<ExitStatus, EngineError>;

    /// Since when an instance is what it is, and how often it was started again; `None` when there is none of this server
    /// with this id.
    async fn life(&self, id: &InstanceId) -> Result<Option<Life>, EngineError>;

    /// The TCP addresses that an instance listens on inside its network, to explain why it cannot be reached. Empty when
    /// it listens on none or the engine cannot tell.
    async fn listening_ports(&self, id: &InstanceId) -> Result<Vec<SocketAddr>, EngineError>;

    /// Removes the network of a project that has no instances any more. No network is fine.
    async fn remove_network(&self, project: ProjectId) -> Result<(), EngineError>;

    /// The projects whose networks there are of this server.
    async fn networks(&self) -> Result<Vec<ProjectId>, EngineError>;

    /// Every image that this server has built.
    async fn images(&self) -> Result<Vec<EngineImage>, EngineError>;

    /// Whether the engine has an image, by id or name: instances can be started from it.
    async fn has_image(&self, image: &str) -> Result<bool, EngineError>;

    /// Removes an image by id or name. No such image is fine; one that an instance uses gives [`EngineError::InUse`].
    async fn remove_image(&self, image: &str) -> Result<(), EngineError>;

    /// Every volume of this server, by name. They are made by [`Engine::start`] and never removed with an instance.
    async fn volumes(&self) -> Result<Vec<Volume>, EngineError>;

    /// Bytes in each of them; `None` where the engine does not know. It adds them up, which takes a while.
    async fn volume_sizes(&self) -> Result<Vec<(Volume, Option<u64>)>, EngineError>;

    /// Removes a volume with everything in it. No such volume is fine; one that an instance has gives
    /// [`EngineError::InUse`].
    async fn remove_volume(&self, environment: EnvironmentId, name: &VolumeName) -> Result<(), EngineError>;

    /// Makes an image of a project with nothing in it, and gives its id: volumes are read and filled with its help.
    async fn make_empty_image(&self, project: ProjectId) -> Result<String, EngineError>;

    /// What is in a volume, as a tar archive whose only folder is `volume`. An image that the engine has is needed for it
    /// and not run.
    async fn read_volume(
        &self,
        volume: &Volume,
        image: &str,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, EngineError>;

    /// Puts into a volume what [`Engine::read_volume`] has given; one that is not there is made.
    async fn fill_volume(
        &self,
        volume: &Volume,
        image: &str,
        archive: BoxStream<'static, Bytes>,
    ) -> Result<(), EngineError>;

    /// What happens to the instances of this server. The stream first tells what it finds (one `Started` or `Died` for
    /// each instance), outlives restarts of the engine, after which it tells again, and never ends: whoever follows
    /// it knows every address without asking. An event can be told twice.
    fn events(&self) -> BoxStream<'static, EngineEvent>;
}
