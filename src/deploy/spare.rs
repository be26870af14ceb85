//! What could go from the engine's disk, for whoever is refused a build for want of room.

use super::Deployer;
use super::failure::Failure;
use super::steps::megabytes;
use crate::engine::EngineError;
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
            Ok((count, bytes)) => sentences.push(format!(
                "{count} images that nothing serves take {}: a lower GILGAL_IMAGES_IN_ALL removes those of old releases.",
                megabytes(bytes)
            )),
            Err(error) => unknown(&error),
        }
        sentences.into_iter().fold(failure, Failure::advise)
    }

    /// How many images of this server are neither served nor what the next rollback takes, and their bytes, a base that they
    /// share counted with each.
    async fn spare_images(&self) -> Result<(usize, u64), SpareError> {
        let mut kept = HashSet::new();
        for (_, environment, release) in self.store.current_releases().await? {
            let before = self.store.release_before(environment.id, release.version).await?;
            kept.extend(before.map(|before| before.content.image));
            kept.insert(release.content.image);
        }
        let images = self.engine.images().await?;
        let spare = images.iter().filter(|image| !kept.contains(&image.id));
        Ok(spare.fold((0, 0), |(count, bytes), image| (count + 1, bytes + image.bytes)))
    }
}

fn unknown(error: &(dyn Error + 'static)) {
    tracing::warn!(error, "it is not known what could go from the disk of the engine");
}
