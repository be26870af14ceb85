//! An image as an archive, for whoever brings it elsewhere.

use super::transcript::Transcript;
use super::{BuildError, DockerBuilder, Export, room};
use crate::docker;
use bollard::Docker;
use futures_util::StreamExt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that are on the engine's disk while an archive is read.
#[derive(Debug)]
struct Taken {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Taken {
    fn of(all: &Arc<AtomicU64>, bytes: u64) -> Self {
        all.fetch_add(bytes, Ordering::Relaxed);
        Self { all: Arc::clone(all), bytes }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl DockerBuilder {
    /// The archive of an image, whose first byte may take as long as `timeout`: the engine writes the whole of it to its disk
    /// first (`docker save`), so that there is none where it has no room for it and for those that are read meanwhile.
    pub(super) async fn archive(&self, image_id: &str, timeout: Duration) -> Result<Export, BuildError> {
        let docker = self.client().await?;
        let failed = |error| self.failed(&error, &Transcript::default());
        let image = docker.inspect_image(image_id).await.map_err(failed)?;
        let size = image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        let taken = Taken::of(&self.exported_bytes, size);
        let all = self.exported_bytes.load(Ordering::Relaxed);
        room::check(&docker, "an image that is pushed", all.saturating_add(self.least_free_bytes)).await?;
        let patient = Docker::clone(&docker).with_timeout(timeout);
        let pieces = patient.export_image(image_id).map(move |piece| {
            // Until the stream is dropped.
            let _until_then = &taken;
            piece.map_err(|error| io::Error::other(docker::message(&error)))
        });
        Ok(Box::pin(pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_disk_counts_until_it_was_read() {
        let all = Arc::<AtomicU64>::default();
        let (one, two) = (Taken::of(&all, 5), Taken::of(&all, 7));
        assert_eq!(all.load(Ordering::Relaxed), 12);
        drop(one);
        assert_eq!(all.load(Ordering::Relaxed), 7);
        drop(two);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
