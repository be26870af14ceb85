//! Images of registries, brought into the engine to be built on.
//!
//! What is pulled has the name of its registry, which every project's builds and pulls see. So it is given a name that
//! nobody can guess, and loses the other one unless it had that before, also where nobody waits for the pull any more. One
//! that a server was killed with loses it before anything is built or pulled again (`begun`).

use super::begun::BegunPulls;
use super::docker::{DockerBuilder, size};
use super::request::{BuildLine, BuildStream};
use super::transcript::Transcript;
use super::{BuildError, room};
use crate::docker;
use crate::model::id::ProjectId;
use crate::model::image::ImageName;
use crate::model::secret::Secret;
use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::{
    CreateImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures_util::StreamExt;
use rand::Rng;
use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// What the tag of a pulled image begins with.
pub(crate) const PULLED: &str = "from-";

/// An image that is to be pulled.
#[derive(Debug)]
pub struct PullRequest {
    pub project_id: ProjectId,
    pub image: ImageName,
    pub credentials: Option<RegistryCredentials>,
    pub timeout: Duration,
}

/// Who a registry is told to ask for.
#[derive(Debug, Clone)]
pub struct RegistryCredentials {
    pub username: String,
    pub password: Secret<String>,
}

impl RegistryCredentials {
    /// The same as the engine takes them.
    fn for_registry(self, image: &ImageName) -> DockerCredentials {
        DockerCredentials {
            username: Some(self.username),
            password: Some(self.password.into_exposed()),
            serveraddress: Some(image.registry().to_string()),
            ..DockerCredentials::default()
        }
    }

    /// Whether a registry that has refused something wants to know who asks, or does not let them.
    fn are_asked_for(reason: &str) -> bool {
        let reason = reason.to_ascii_lowercase();
        ["unauthorized", "denied", "authentication required", "no basic auth"]
            .iter()
            .any(|words| reason.contains(words))
    }
}

/// An image that was pulled, to be built on and then forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledImage {
    /// What a Dockerfile of ours calls it; a secret.
    pub local_name: String,
    /// The very image, by its digest.
    pub source: ImageName,
}

/// Names that are being pulled: two that do so with the same one at the same time would take each other's name away.
#[derive(Debug, Default)]
pub(super) struct Turns(StdMutex<HashMap<String, Arc<Mutex<()>>>>);

impl Turns {
    pub(super) async fn of(&self, name: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(name.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }

    /// The turn of a name, if nobody has it.
    pub(super) fn of_nobody(&self, name: &str) -> Option<OwnedMutexGuard<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(name.to_owned()).or_default().clone().try_lock_owned().ok()
    }
}

impl DockerBuilder {
    pub(super) async fn pull_image(
        &self,
        request: PullRequest,
        output: &mpsc::Sender<BuildLine>,
    ) -> Result<PulledImage, BuildError> {
        let PullRequest { project_id, image, credentials, timeout } = request;
        let docker = self.client().await?;
        self.forget_begun_pulls(&docker).await;
        room::check(&docker, "an image that is pulled", self.least_free_bytes).await?;
        let name = image.full();
        let pulling = async {
            let turn = self.pulls.of(&image.repository()).await;
            let was_there = self.inspected(&docker, &name).await?.is_some();
            let public = if was_there {
                None
            } else {
                self.begun.note(&name).map_err(|error| BuildError::NotPulled {
                    image: image.to_string(),
                    reason: format!("what is pulled cannot be noted: {error}"),
                })?;
                Some(PublicName::new(docker.clone(), (name, Arc::clone(&self.begun)), turn))
            };
            self.stream_pull(&docker, &image, credentials, output).await?;
            let pulled = self.inspected(&docker, &image.full()).await?;
            let named = self.give_name(&docker, project_id, &image, pulled).await;
            if let Some(public) = public {
                public.remove().await;
            }
            named
        };
        tokio::time::timeout(timeout, pulling)
            .await
            .unwrap_or(Err(BuildError::PullTimedOut { after: timeout }))
    }

    async fn stream_pull(
        &self,
        docker: &Docker,
        image: &ImageName,
        credentials: Option<RegistryCredentials>,
        output: &mpsc::Sender<BuildLine>,
    ) -> Result<(), BuildError> {
        let options =
            CreateImageOptionsBuilder::new().from_image(&image.repository()).tag(image.version()).build();
        let credentials = credentials.map(|credentials| credentials.for_registry(image));
        let mut messages =
            std::pin::pin!(docker::to_the_end(docker.create_image(Some(options), None, credentials)));
        while let Some(message) = messages.next().await {
            let CreateImageInfo { id, status, .. } =
                message.map_err(|error| self.not_pulled(image, &error))?;
            // What is said of each layer is said again and again.
            if let (None, Some(text)) = (id, status) {
                // Nobody listens any more: the pull goes on all the same.
                let _ = output.send(BuildLine { stream: BuildStream::Stdout, text }).await;
            }
        }
        Ok(())
    }

    /// Gives what was pulled the name under which it is built on.
    async fn give_name(
        &self,
        docker: &Docker,
        project: ProjectId,
        image: &ImageName,
        pulled: Option<ImageInspect>,
    ) -> Result<PulledImage, BuildError> {
        let gone = || BuildError::NotPulled {
            image: image.to_string(),
            reason: "it is not there after it was pulled".to_owned(),
        };
        let pulled = pulled.ok_or_else(gone)?;
        let on_build = pulled.config.as_ref().and_then(|config| config.on_build.as_ref());
        if on_build.is_some_and(|instructions| !instructions.is_empty()) {
            return Err(BuildError::OnlyToBuildOn { image: image.to_string() });
        }
        let digests = pulled.repo_digests.iter().flatten().filter_map(|text| text.parse::<ImageName>().ok());
        let mut of_repository = digests.filter(|digest| digest.repository() == image.repository());
        let source = match image.digest() {
            Some(_) => Some(image.clone()),
            None => of_repository.next(),
        };
        let (source, id) = (source.ok_or_else(gone)?, pulled.id.ok_or_else(gone)?);
        let mut random = [0_u8; 16];
        rand::rng().fill_bytes(&mut random);
        let (repository, tag) =
            (format!("gilgal/{}/{project}", self.server_id), format!("{PULLED}{}", hex::encode(random)));
        let options = TagImageOptionsBuilder::new().repo(&repository).tag(&tag).build();
        docker.tag_image(&id, Some(options)).await.map_err(|error| self.not_pulled(image, &error))?;
        Ok(PulledImage { local_name: format!("{repository}:{tag}"), source })
    }

    pub(super) async fn inspected(
        &self,
        docker: &Docker,
        name: &str,
    ) -> Result<Option<ImageInspect>, BuildError> {
        match docker.inspect_image(name).await {
            Ok(image) => Ok(Some(image)),
            Err(error) if docker::status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.failed(&error, &Transcript::default())),
        }
    }

    fn not_pulled(&self, image: &ImageName, error: &Error) -> BuildError {
        if docker::is_unavailable(error) {
            return self.failed(error, &Transcript::default());
        }
        let reason = docker::message(error);
        if reason.contains("no space left on device") {
            return BuildError::DiskFull;
        }
        let image_name = image.to_string();
        if RegistryCredentials::are_asked_for(&reason) {
            let host = image.registry().to_string();
            return BuildError::PullRefused { image: image_name, host, reason };
        }
        BuildError::NotPulled { image: image_name, reason }
    }
}

/// The name that a pull gives an image in its registry, and the turn of who does. It is taken away at last,
/// whatever becomes of it, and the next one begins after that.
struct PublicName(Option<(Arc<Docker>, Noted, OwnedMutexGuard<()>)>);

/// A name, and where it is noted.
type Noted = (String, Arc<BegunPulls>);

impl PublicName {
    const fn new(docker: Arc<Docker>, noted: Noted, turn: OwnedMutexGuard<()>) -> Self {
        Self(Some((docker, noted, turn)))
    }

    async fn remove(mut self) {
        if let Some((docker, noted, _turn)) = self.0.take() {
            remove_noted(&docker, noted).await;
        }
    }
}

impl Drop for PublicName {
    fn drop(&mut self) {
        if let (Some((docker, noted, turn)), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                remove_noted(&docker, noted).await;
                drop(turn);
            });
        }
    }
}

async fn remove_noted(docker: &Docker, (name, begun): Noted) {
    if remove_name(docker, &name).await {
        begun.forget(&name);
    }
}

/// Takes a name away, and with its last one the image; gives whether it is gone. What cannot be removed now is swept with
/// what no release needs.
pub(super) async fn remove_name(docker: &Docker, name: &str) -> bool {
    let options = RemoveImageOptionsBuilder::new().force(false).build();
    match docker.remove_image(name, Some(options), None).await {
        Err(error) if docker::status(&error) != Some(404) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the name of a pulled image is kept");
            false
        }
        Ok(_) | Err(_) => true,
    }
}

/// The TCP ports that an image exposes.
pub(super) fn exposed_ports(image: &ImageInspect) -> Vec<u16> {
    let exposed = image.config.as_ref().and_then(|config| config.exposed_ports.as_ref());
    let ports = exposed.into_iter().flatten();
    ports.filter_map(|port| port.strip_suffix("/tcp").unwrap_or(port).parse().ok()).collect()
}

/// What is known of an image in the engine.
pub(super) fn built(id: String, image: &ImageInspect) -> super::BuiltImage {
    super::BuiltImage {
        id,
        size_bytes: size(image.size.unwrap_or_default()),
        exposed_ports: exposed_ports(image),
    }
}
