//! Whether what was released can be started again.

use super::Processes;
use crate::model::release::Release;
use futures_util::future::try_join_all;
use std::collections::BTreeSet;

impl Processes {
    /// Those of the images of releases that the engine still has; `None` when it does not answer.
    pub async fn images_there(&self, releases: &[Release]) -> Option<BTreeSet<String>> {
        let images: BTreeSet<String> = releases.iter().map(|release| release.content.image.clone()).collect();
        let asked = images.into_iter().map(|image| async move {
            let is_there = self.engine.has_image(&image).await?;
            Ok::<_, crate::engine::EngineError>(is_there.then_some(image))
        });
        match try_join_all(asked).await {
            Ok(there) => Some(there.into_iter().flatten().collect()),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "it is not known which images there are"
                );
                None
            }
        }
    }
}
