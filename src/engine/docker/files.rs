//! Configuration files in a container: put there between its making and its start.
//!
//! They are in the container's own layer, as what it writes itself, so that nothing is left of them when it is removed, and
//! no file of the host is mounted anywhere. They belong to root, and nobody has the right to write them.

use super::Shared;
use super::failure::is_gone;
use crate::engine::{EngineError, InstanceSpec};
use crate::model::instance::InstanceId;
use crate::model::name::FilePath;
use crate::model::secret::Secret;
use bollard::Docker;
use bollard::body_full;
use bollard::query_parameters::UploadToContainerOptionsBuilder;
use std::io;

/// Readable for whatever user the image runs as; writable for nobody.
const MODE: u32 = 0o444;

impl Shared {
    /// Puts the files of an instance into its container, which must not run yet. Doing it twice is doing it once.
    pub(super) async fn put_files(
        &self,
        docker: &Docker,
        id: &InstanceId,
        spec: &InstanceSpec,
    ) -> Result<(), EngineError> {
        if spec.files.is_empty() {
            return Ok(());
        }
        let archive = archive(&spec.files).map_err(|error| EngineError::Other {
            action: "put the configuration files into the instance",
            reason: error.to_string(),
        })?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        docker.upload_to_container(&id.0, Some(options), body_full(archive.into())).await.map_err(|error| {
            if is_gone(&error) {
                EngineError::NotFound { what: spec.key.shown() }
            } else {
                self.failed("put the configuration files into the instance", &error)
            }
        })
    }
}

/// A tar archive of the files, seen from `/`. Folders that are not there are made by the engine, for root.
fn archive(files: &[(FilePath, Secret<String>)]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let content = content.expose().as_bytes();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(MODE);
        archive.append_data(&mut header, path.as_str().trim_start_matches('/'), content)?;
    }
    archive.into_inner()
}
