//! The names that pulls give images, noted before they begin: a server that is killed in the middle finds those it has left.

use super::docker::DockerBuilder;
use super::pull::remove_name;
use crate::config::write_whole;
use crate::model::image::ImageName;
use bollard::Docker;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder with a file for each pull that has begun.
#[derive(Debug)]
pub(super) struct BegunPulls(Option<PathBuf>);

impl BegunPulls {
    pub(super) const fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// Notes that a name is going to be given; it is on the disk then.
    pub(super) fn note(&self, name: &str) -> io::Result<()> {
        let Some(folder) = &self.0 else { return Ok(()) };
        fs::create_dir_all(folder)?;
        write_whole(&file(folder, name), name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|folder| file(folder, name).exists())
    }

    /// The name was taken away.
    pub(super) fn forget(&self, name: &str) {
        let Some(folder) = &self.0 else { return };
        if let Err(error) = fs::remove_file(file(folder, name)) {
            tracing::warn!(name, error = &error as &dyn Error, "the note of a pull is kept");
        }
    }

    fn names(&self) -> Vec<ImageName> {
        let files = self.0.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let texts = files.into_iter().flatten().flatten().map(|file| fs::read_to_string(file.path()));
        texts.filter_map(|text| text.ok()?.parse().ok()).collect()
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(hex::encode(Sha256::digest(name)))
}

impl DockerBuilder {
    /// Takes away the names that pulls have left which were killed. To be done before anything is built: with the name of its
    /// registry everybody could build on a private image.
    pub(super) async fn forget_begun_pulls(&self, docker: &Docker) {
        for image in self.begun.names() {
            // One whose turn is taken is being pulled.
            let Some(_turn) = self.pulls.of_nobody(&image.repository()) else { continue };
            let name = image.full();
            if self.begun.has(&name) && remove_name(docker, &name).await {
                self.begun.forget(&name);
            }
        }
    }
}
