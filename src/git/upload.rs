//! An archive that somebody sends, on its way to the disk and from there into the repository.

use super::commit::{Authorship, commit};
use super::repository::{GitError, Repositories, Repository};
use super::unpack::{self, Refused};
use crate::model::id::ProjectId;
use crate::model::name::CommitId;
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::PathBuf;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;

/// What a compressed file begins with (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Leave to unpack an archive.
#[derive(Debug)]
pub struct UnpackingTurn {
    /// Bytes of files that there is room for.
    pub most_bytes: u64,
    /// Given back when the work has ended.
    pub permit: OwnedSemaphorePermit,
}

/// Why an archive did not become a commit.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error(
        "The archive is larger than {most_mib} MiB (GILGAL_MAX_PUSH_MIB). Leave out what can be installed or built."
    )]
    TooLarge { most_mib: u64 },
    /// Something in it that no project may have, or that is broken.
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the archive cannot be kept")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// An archive on the disk. It is gone when this is dropped; what a killed server leaves of it is swept with the rest.
#[derive(Debug)]
pub struct Upload {
    folder: PathBuf,
    file: tokio::fs::File,
    bytes: u64,
    most_bytes: u64,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "an uploaded archive was not removed");
        }
    }
}

impl Repositories {
    /// Begins to take an archive of at most so many bytes.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub async fn begin_upload(&self, project: ProjectId, most_bytes: u64) -> Result<Upload, UploadError> {
        let folder = self.unfinished(project);
        tokio::fs::create_dir_all(&folder).await?;
        let mut options = tokio::fs::OpenOptions::new();
        let file =
            options.read(true).write(true).create_new(true).mode(0o600).open(folder.join("archive")).await;
        match file {
            Ok(file) => Ok(Upload { folder, file, bytes: 0, most_bytes }),
            Err(error) => {
                fs::remove_dir_all(&folder)?;
                Err(error.into())
            }
        }
    }
}

impl Upload {
    /// Adds a piece.
    ///
    /// # Errors
    /// [`UploadError::TooLarge`] when it is one too many.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), UploadError> {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if self.bytes > self.most_bytes {
            return Err(UploadError::TooLarge { most_mib: self.most_bytes >> 20 });
        }
        Ok(self.file.write_all(piece).await?)
    }

    /// Makes a commit of the archive, on no branch: a tar, which may be compressed with gzip. With `strip`, the one folder
    /// that everything is in is left out. `turn` is held until the work has ended, also where nobody waits for it any more.
    ///
    /// # Errors
    /// [`UploadError::Refused`] for what no project may have; then nothing of it is in the repository.
    pub async fn commit(
        mut self,
        repository: Repository,
        strip: bool,
        authorship: Authorship,
        turn: UnpackingTurn,
    ) -> Result<CommitId, UploadError> {
        self.file.flush().await?;
        let mut file = self.file.try_clone().await?.into_std().await;
        let work = tokio::task::spawn_blocking(move || {
            // Once to look at it, and once more to take it: nothing is stored of an archive that is refused.
            unpack::look(opened(&mut file)?, strip, turn.most_bytes)?;
            let git = repository.git2()?;
            let tree = unpack::store(opened(&mut file)?, strip, &git)?;
            let commit = commit(&git, tree, &authorship)?;
            drop(turn.permit);
            Ok(commit)
        });
        work.await.unwrap_or_else(|panic| Err(io::Error::other(panic).into()))
    }
}

/// The tar in a file, from its beginning.
fn opened(file: &mut File) -> io::Result<Box<dyn Read + '_>> {
    let mut beginning = [0; GZIP.len()];
    file.rewind()?;
    let is_compressed = file.read(&mut beginning)? == beginning.len() && beginning == GZIP;
    file.rewind()?;
    let file = BufReader::new(file);
    Ok(if is_compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}
