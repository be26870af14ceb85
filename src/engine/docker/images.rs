//! The images that this server has built.

use super::failure::{is_conflict, is_gone};
use super::{Shared, labels};
use crate::docker;
use crate::engine::{EngineError, EngineImage};
use crate::model::id::ProjectId;
use bollard::models::ImageSummary;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use bollard::{Docker, body_full};
use bytes::Bytes;
use futures_util::StreamExt;
use std::collections::HashMap;

/// Bytes of two empty blocks, with which a tar archive ends (POSIX, pax).
const END_OF_ARCHIVE: usize = 1024;

impl Shared {
    pub(super) async fn images(&self) -> Result<Vec<EngineImage>, EngineError> {
        let docker = self.client().await?;
        let filters = HashMap::from([("label", vec![format!("{}={}", labels::SERVER, self.server_id)])]);
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        let found = docker.list_images(Some(options)).await;
        let found = found.map_err(|error| self.failed("list the images", &error))?;
        let image = |image: ImageSummary| {
            let bytes = u64::try_from(image.size).unwrap_or_default();
            Some(EngineImage { project_id: labels::project(&image.labels)?, id: image.id, bytes })
        };
        let mut images: Vec<EngineImage> = found.into_iter().filter_map(image).collect();
        images.extend(self.pulled_images(&docker).await?);
        Ok(images)
    }

    /// Images of registries that have a name of this server: what a pull was interrupted in. They have none of its labels,
    /// and go by their names.
    async fn pulled_images(&self, docker: &Docker) -> Result<Vec<EngineImage>, EngineError> {
        let named = format!("gilgal/{}/", self.server_id);
        let filters = HashMap::from([("reference", vec![format!("{named}*")])]);
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        let found = docker.list_images(Some(options)).await;
        let found = found.map_err(|error| self.failed("list the images", &error))?;
        let others = found.into_iter().filter(|image| !labels::is_of(&image.labels, self.server_id));
        let pulled = others.flat_map(|image| {
            let bytes = u64::try_from(image.size).unwrap_or_default();
            image.repo_tags.into_iter().map(move |name| (name, bytes))
        });
        let image = |(name, bytes): (String, u64)| {
            let project = name.strip_prefix(&named)?.split(':').next()?.parse().ok()?;
            Some(EngineImage { project_id: project, id: name, bytes })
        };
        Ok(pulled.filter_map(image).collect())
    }

    pub(super) async fn has_image(&self, image: &str) -> Result<bool, EngineError> {
        let docker = self.client().await?;
        match docker.inspect_image(image).await {
            Ok(_) => Ok(true),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(self.failed("look at the image", &error)),
        }
    }

    /// See [`crate::engine::Engine::make_empty_image`]. Docker imports a tar archive without entries as an image without files.
    pub(super) async fn make_empty_image(&self, project: ProjectId) -> Result<String, EngineError> {
        let docker = self.client().await?;
        let labels = labels::of_network(self.server_id, project);
        let changes = labels.iter().map(|(name, value)| format!("LABEL {name}={value}")).collect();
        let options = CreateImageOptionsBuilder::new().from_src("-").changes(changes).build();
        let archive = body_full(Bytes::from_static(&[0; END_OF_ARCHIVE]));
        let mut messages = std::pin::pin!(docker.create_image(Some(options), Some(archive), None));
        let mut id = None;
        while let Some(message) = messages.next().await {
            id = message.map_err(|error| self.failed("make an image", &error))?.status.or(id);
        }
        id.ok_or_else(|| EngineError::NotFound { what: "The image that was made".to_owned() })
    }

    pub(super) async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        let docker = self.client().await?;
        // Without force: an image that a container needs stays.
        let options = RemoveImageOptionsBuilder::new().force(false).build();
        match docker.remove_image(image, Some(options), None).await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) || is_going(&error) => Ok(()),
            Err(error) if is_conflict(&error) => {
                Err(EngineError::InUse { what: format!("The image {image}") })
            }
            Err(error) => Err(self.failed("remove the image", &error)),
        }
    }
}

/// Whether an error of removing an image says that somebody else is removing it: Docker 20.10 has no status for that.
fn is_going(error: &bollard::errors::Error) -> bool {
    docker::message(error).starts_with("unrecognized image ID")
}
