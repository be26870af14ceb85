//! Why a backup was not made or not restored.

use crate::git::{GitError, SpawnError};
use crate::store::{StoreError, TransferError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} is no home of a gilgal server: it has no server-id. Set GILGAL_HOME", .0.display())]
    NoHome(PathBuf),
    #[error("{} is there already. Choose another name, or overwrite it with --replace", .0.display())]
    FileExists(PathBuf),
    #[error(
        "{} is not empty: a backup is restored into a home of its own. Set GILGAL_HOME to an empty folder, or move away \
         what is in this one", .0.display()
    )]
    HomeInUse(PathBuf),
    #[error(
        "the backup has the format {found}, and this gilgal reads up to {known}. Use the gilgal that made it, version {version}"
    )]
    NewerFormat { found: u32, known: u32, version: String },
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    #[error("the settings in the backup cannot be used: {0}")]
    Settings(#[from] crate::config::Mistakes),
    #[error("git cannot bundle the repository {0}")]
    Bundle(String),
    #[error("the home cannot be read or written")]
    Home(#[from] crate::config::HomeError),
    #[error(transparent)]
    Repository(#[from] GitError),
    #[error(transparent)]
    Git(#[from] SpawnError),
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error("{} cannot be read or written", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl BackupError {
    /// What failed, at a path.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
