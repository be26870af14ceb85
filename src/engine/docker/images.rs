//! The images that this server has built.

use super::failure::{is_conflict, is_gone};
use super::{Shared, labels};
use crate::engine::{EngineError, EngineImage};
use bollard::Docker;
use bollard::models::ImageSummary;
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use std::collections::HashMap;

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

    pub(super) async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        let docker = self.client().await?;
        // Without force: an image that a container needs stays.
        let options = RemoveImageOptionsBuilder::new().force(false).build();
        match docker.remove_image(image, Some(options), None).await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) if is_conflict(&error) => {
                Err(EngineError::InUse { what: format!("The image {image}") })
            }
            Err(error) => Err(self.failed("remove the image", &error)),
        }
    }
}
