//! What could go from the engine's disk, for whoever is refused a build for want of room.

use super::Deployer;
use super::failure::Failure;
use super::steps::megabytes;
use crate::engine::{EngineError, EngineImage};
use crate::store::StoreError;
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

/// How long a refusal waits for the engine to count.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
enum SpareError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Deployer {
    /// Adds to a failure for want of room how much could go and what frees it. What is not known is left out.
    pub(super) async fn name_what_could_go(&self, failure: Failure) -> Failure {
        if !failure.is_for_room {
            return failure;
        }
        let counted = async { tokio::join!(self.builder.cache_bytes(), self.spare_images()) };
        let Ok((cache, images)) = tokio::time::timeout(PATIENCE, counted).await else { return failure };
        let mut sentences = Vec::new();
        match cache {
            Ok(bytes) => sentences.push(format!(
                "The cache of builds takes {}: `docker builder prune` frees it, and builds are slower once.",
                megabytes(bytes)
            )),
            Err(error) => unknown(&error),
        }
        match images {
            Ok(of_images) => sentences.extend(of_images),
            Err(error) => unknown(&error),
        }
        sentences.into_iter().fold(failure, Failure::advise)
    }

    /// What images take that could go, a sentence for each reason why they are kept.
    async fn spare_images(&self) -> Result<Vec<String>, SpareError> {
        let images = self.engine.images().await?;
        let spare: HashSet<String> =
            self.store.spare_images().await?.into_iter().map(|spare| spare.image).collect();
        let deleted = self.store.deleted_projects().await?;
        let of_old_releases = taken(&images, "old releases", |image| spare.contains(&image.id))
            .map(|taken| format!("{taken}: a lower GILGAL_IMAGES_IN_ALL removes them."));
        let of_deleted = taken(&images, "deleted projects", |image| deleted.contains(&image.project_id))
            .map(|taken| format!("{taken}: `gilgal destroy -p SLUG --now` removes a project for good."));
        Ok(of_old_releases.into_iter().chain(of_deleted).collect())
    }
}

/// How many images these are, and what they take, a base that they share counted with each; `None`: there are none.
fn taken(images: &[EngineImage], of: &str, is_one: impl Fn(&EngineImage) -> bool) -> Option<String> {
    let bytes: Vec<u64> = images.iter().filter(|image| is_one(image)).map(|image| image.bytes).collect();
    let size = megabytes(bytes.iter().sum());
    match bytes.len() {
        0 => None,
        1 => Some(format!("1 image of {of} takes {size}")),
        count => Some(format!("{count} images of {of} take {size}")),
    }
}

fn unknown(error: &(dyn Error + 'static)) {
    tracing::warn!(error, "it is not known what could go from the disk of the engine");
}
