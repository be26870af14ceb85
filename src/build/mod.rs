//! From a tree with a Dockerfile to an image, by BuildKit.
//!
//! [`Builder`] is what the rest of the server knows; [`DockerBuilder`] builds in a Docker Engine. Images are found again
//! by their labels, so that the same tree with the same inputs is built once.
//!
//! Not here: what the Dockerfile says (`buildpack`), how the tree is read (`git`), what runs (`engine`).

mod base;
mod begun;
mod cache;
mod docker;
#[cfg(test)]
mod docker_tests;
mod error;
mod export;
mod failure;
mod limits;
mod pull;
mod request;
mod room;
mod secrets;
mod session;
mod transcript;

pub use base::{BaseImages, FoundBase};
pub use docker::{DockerBuilder, DockerBuilderOptions};
pub use error::BuildError;
pub use limits::{BuildLimits, MemoryUse};
pub use pull::{PullRequest, PulledImage, RegistryCredentials};
pub use request::{BuildKey, BuildLine, BuildRequest, BuildStream, BuiltImage, Context, Export};

use crate::model::id::ProjectId;
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::mpsc;

/// Something that turns trees into images.
#[async_trait]
pub trait Builder: BaseImages + Send + Sync + 'static {
    /// The image of a project that this server has built with the same tag; `None` when there is none.
    async fn find(&self, project: ProjectId, tag: &str) -> Result<Option<BuiltImage>, BuildError>;

    /// Builds an image. Each line goes to `output` when it is printed; a receiver that is gone does not stop the build,
    /// one that reads slowly slows it down. Dropping the future cancels the build: what it was running is killed.
    async fn build(
        &self,
        request: BuildRequest,
        output: mpsc::Sender<BuildLine>,
    ) -> Result<BuiltImage, BuildError>;

    /// Brings an image of a registry into the engine. Each line goes to `output` when it is said; dropping the future stops
    /// the pull.
    async fn pull(
        &self,
        request: PullRequest,
        output: mpsc::Sender<BuildLine>,
    ) -> Result<PulledImage, BuildError>;

    /// An image as an archive (`docker save`), by its id: it needs no name for that. Its first byte may take as long as
    /// `timeout`; until it was read it takes room where the builder is.
    async fn export(&self, image_id: &str, timeout: Duration) -> Result<Export, BuildError>;

    /// Forgets an image that was pulled, once another one is built on it.
    async fn forget(&self, pulled: &PulledImage);

    /// Bytes of the cache of builds, of everybody who builds in the same place.
    async fn cache_bytes(&self) -> Result<u64, BuildError>;

    /// Makes that cache as small as `keep_bytes`, beginning with what was not used for longest, where it is larger; answers
    /// with the bytes that became free.
    async fn trim_cache(&self, keep_bytes: u64) -> Result<u64, BuildError>;
}
