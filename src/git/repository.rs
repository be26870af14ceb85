//! Where repositories are, and how they are made.

use crate::model::id::ProjectId;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a repository could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("the commit is not in the repository")]
    NoSuchCommit,
    #[error("the tree has more than {} files and folders", super::tree::MAX_FILES)]
    TooManyFiles,
    #[error("the folders of the tree lie more than {} deep in each other", super::tree::MAX_DEPTH)]
    TooDeep,
    #[error("a path of the tree has more than {} bytes", super::bounds::MAX_PATH_BYTES)]
    PathTooLong,
    #[error("the paths of the tree have more than 64 MiB together")]
    PathsTooLong,
    #[error(
        "the file {path} is larger than {most_mib} MiB: take it out of the commit, or keep it elsewhere, for example in Git LFS"
    )]
    FileTooLarge { path: String, most_mib: usize },
    #[error("the submodule {0} is not here: .gitmodules does not say where it is")]
    SubmoduleMissing(String),
    #[error("the file {0} of Git LFS is not here")]
    LargeFileMissing(String),
    #[error("the files of the tree are larger than 4 GiB together")]
    TooLarge,
    #[error("the repository cannot be read or changed")]
    Git(#[from] git2::Error),
    #[error("the folder of the repositories cannot be read or changed")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Spawn(#[from] super::process::SpawnError),
}

/// All repositories of the server. They are named by project id, so that renaming a project moves nothing.
#[derive(Debug, Clone)]
pub struct Repositories {
    folder: PathBuf,
}

/// The bare repository of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    path: PathBuf,
}

impl Repositories {
    /// The repositories below a folder that exists.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, project: ProjectId) -> PathBuf {
        self.folder.join(format!("{project}.git"))
    }

    /// The repository of a project, made when it does not exist. Takes a few milliseconds of disk the first time.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open_or_create(&self, project: ProjectId) -> Result<Repository, GitError> {
        let path = self.path(project);
        if !path.join("HEAD").exists() {
            // A name of its own: two pushes may come first at the same time.
            let unfinished = self.unfinished(project);
            let mut options = git2::RepositoryInitOptions::new();
            options.bare(true).external_template(false).initial_head("main");
            git2::Repository::init_opts(&unfinished, &options)?;
            match fs::rename(&unfinished, &path) {
                // Somebody else was faster; theirs is as good.
                Err(_) if path.join("HEAD").exists() => fs::remove_dir_all(&unfinished)?,
                result => result?,
            }
        }
        Ok(Repository { path })
    }

    /// The repository of a project, if it was ever pushed to.
    #[must_use]
    pub fn existing(&self, project: ProjectId) -> Option<Repository> {
        let path = self.path(project);
        path.join("HEAD").exists().then_some(Repository { path })
    }

    /// The projects that have a repository.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn projects(&self) -> Result<Vec<ProjectId>, GitError> {
        let entries = fs::read_dir(&self.folder)?.collect::<Result<Vec<_>, _>>()?;
        let names = entries.iter().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.strip_suffix(".git")?.parse().ok()).collect())
    }
}

impl Repository {
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder of the repository.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn git2(&self) -> Result<git2::Repository, GitError> {
        Ok(git2::Repository::open_bare(&self.path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_made_once_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let project = ProjectId::generate();
        assert!(repositories.existing(project).is_none());
        let repository = repositories.open_or_create(project).unwrap();
        assert_eq!(repositories.open_or_create(project).unwrap(), repository);
        assert_eq!(repositories.existing(project), Some(repository));

        repositories.remove(project).unwrap();
        repositories.remove(project).unwrap();
        assert!(repositories.existing(project).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn pushes_that_are_first_at_the_same_time_get_one_repository() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        for _ in 0..20 {
            let project = ProjectId::generate();
            let barrier = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        barrier.wait();
                        let repository = repositories.open_or_create(project).unwrap();
                        repository.git2().unwrap();
                    });
                }
            });
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 20);
    }
}
