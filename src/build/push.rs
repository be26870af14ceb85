//! Images that were built, brought to a registry.
//!
//! For that an image is given the name of the registry, which every project's builds and pulls see, as a pulled one is
//! (`pull`). So it loses it again, whatever becomes of the push, and a name that something else in the engine has is left
//! alone.

use super::BuildError;
use super::docker::{DockerBuilder, SERVER};
use super::pull::{PublicName, RegistryCredentials};
use super::transcript::Transcript;
use crate::docker;
use crate::model::image::ImageName;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ImageInspect;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt;
use std::time::Duration;

/// An image that is to be pushed.
#[derive(Debug)]
pub struct PushRequest {
    /// What the engine calls it.
    pub image_id: String,
    /// What the registry is to call it: a tag.
    pub name: ImageName,
    pub credentials: Option<RegistryCredentials>,
    pub timeout: Duration,
}

impl DockerBuilder {
    /// Pushes an image, and answers with its digest there, where the engine tells it.
    pub(super) async fn push_image(&self, request: PushRequest) -> Result<Option<ImageName>, BuildError> {
        let PushRequest { image_id, name, credentials, timeout } = request;
        let docker = self.client().await?;
        let pushing = async {
            let turn = self.pulls.of(&name.repository()).await;
            let there = self.inspected(&docker, &name.full()).await?;
            // One of ours has it where a server was killed while it pushed.
            let is_ours =
                |there: &ImageInspect| there.id.as_deref() == Some(&*image_id) || self.has_built(there);
            if !there.as_ref().is_none_or(is_ours) {
                let reason = "the engine has another image of this name".to_owned();
                return Err(BuildError::NotPushed { image: name.to_string(), reason });
            }
            let public = PublicName::new(docker.clone(), name.full(), turn);
            let pushed = self.stream_push(&docker, (&image_id, &name), credentials).await;
            let digest = match pushed {
                Ok(()) => self.digest_of(&docker, &name).await,
                Err(error) => Err(error),
            };
            public.remove().await;
            digest
        };
        let timed_out = Err(BuildError::PushTimedOut { after: timeout });
        tokio::time::timeout(timeout, pushing).await.unwrap_or(timed_out)
    }

    async fn stream_push(
        &self,
        docker: &Docker,
        (image_id, name): (&str, &ImageName),
        credentials: Option<RegistryCredentials>,
    ) -> Result<(), BuildError> {
        let failed = |error: &Error| self.not_pushed(name, error);
        let tag = TagImageOptionsBuilder::new().repo(&name.repository()).tag(name.version()).build();
        docker.tag_image(image_id, Some(tag)).await.map_err(|error| failed(&error))?;
        let options = PushImageOptionsBuilder::new().tag(name.version()).build();
        let credentials = credentials.map(|credentials| credentials.for_registry(name));
        let repository = name.repository();
        let messages = docker::to_the_end(docker.push_image(&repository, Some(options), credentials));
        let mut messages = std::pin::pin!(messages);
        // What is said of each layer is said again and again.
        while let Some(message) = messages.next().await {
            message.map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Whether an image says that this server has built it.
    fn has_built(&self, image: &ImageInspect) -> bool {
        let labels = image.config.as_ref().and_then(|config| config.labels.as_ref());
        labels.and_then(|labels| labels.get(SERVER)) == Some(&self.server_id.to_string())
    }

    async fn digest_of(&self, docker: &Docker, name: &ImageName) -> Result<Option<ImageName>, BuildError> {
        let image = self.inspected(docker, &name.full()).await?;
        let digests = image.and_then(|image| image.repo_digests).unwrap_or_default();
        let mut named = digests.iter().filter_map(|text| text.parse::<ImageName>().ok());
        Ok(named.find(|digest| digest.repository() == name.repository()))
    }

    fn not_pushed(&self, name: &ImageName, error: &Error) -> BuildError {
        if docker::is_unavailable(error) {
            return self.failed(error, &Transcript::default());
        }
        let (image, reason) = (name.to_string(), docker::message(error));
        if RegistryCredentials::are_asked_for(&reason) {
            let host = name.registry().to_string();
            return BuildError::PushRefused { image, host, reason };
        }
        BuildError::NotPushed { image, reason }
    }
}
