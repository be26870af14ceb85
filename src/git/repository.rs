//! Where repositories are, how they are made, and what is swept out of them.

use crate::model::id::ProjectId;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Why a repository could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("the commit is not in the repository")]
    NoSuchCommit,
    #[error("the tree has more than {} files and folders", super::tree::MAX_FILES)]
    TooManyFiles,
    #[error("the folders of the tree lie more than {} deep in each other", super::tree::MAX_DEPTH)]
    TooDeep,
    #[error("the files of the tree are larger than 4 GiB together")]
    TooLarge,
    #[error("the repository cannot be read or changed")]
    Git(#[from] git2::Error),
    #[error("the folder of the repositories cannot be read or changed")]
    Io(#[from] io::Error),
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

    fn path(&self, project: ProjectId) -> PathBuf {
        self.folder.join(format!("{project}.git"))
    }

    /// The repository of a project, made when it does not exist. Takes a few milliseconds of disk the first time.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open_or_create(&self, project: ProjectId) -> Result<Repository, GitError> {
        let path = self.path(project);
        if !path.join("HEAD").exists() {
            let unfinished = self.folder.join(format!("{project}.new"));
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
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

    /// Removes the repository of a project; one that does not exist is removed already.
    ///
    /// # Errors
    /// When the folder cannot be removed whole.
    pub fn remove(&self, project: ProjectId) -> Result<(), GitError> {
        match fs::remove_dir_all(self.path(project)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => Ok(result?),
        }
    }

    /// Removes what killed pushes have left behind: quarantined objects, temporary packs, unfinished repositories.
    ///
    /// To be called at the start, when no push can be under way. Answers with the number of things removed.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn sweep(&self) -> Result<usize, GitError> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("new") => removed += usize::from(fs::remove_dir_all(&path).is_ok()),
                Some("git") => removed += Repository { path }.sweep(Duration::ZERO)?,
                _ => {}
            }
        }
        Ok(removed)
    }
}

impl Repository {
    /// The folder of the repository.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn git2(&self) -> Result<git2::Repository, GitError> {
        Ok(git2::Repository::open_bare(&self.path)?)
    }

    /// Removes quarantined objects and temporary packs that are older than `age`.
    ///
    /// git names a quarantine `objects/tmp_objdir-incoming-…` and removes it itself unless it is killed by a signal.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn sweep(&self, age: Duration) -> Result<usize, GitError> {
        let mut removed = 0;
        for folder in [self.path.join("objects"), self.path.join("objects/pack"), self.path.clone()] {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let leftover = ["tmp_objdir-incoming-", "tmp_pack_", "tmp_idx_", "shallow_"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix));
                if leftover && older_than(&entry, age) {
                    let path = entry.path();
                    let result =
                        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                    removed += usize::from(result.is_ok());
                }
            }
        }
        Ok(removed)
    }
}

fn older_than(entry: &fs::DirEntry, age: Duration) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|passed| passed >= age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_made_once_and_leftovers_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let project = ProjectId::generate();
        assert!(repositories.existing(project).is_none());
        let repository = repositories.open_or_create(project).unwrap();
        assert_eq!(repositories.open_or_create(project).unwrap(), repository);
        assert_eq!(repositories.existing(project), Some(repository.clone()));

        fs::create_dir_all(repository.path().join("objects/tmp_objdir-incoming-x/pack")).unwrap();
        fs::write(repository.path().join("objects/pack/tmp_pack_1"), "x").unwrap();
        fs::create_dir(folder.path().join("half.new")).unwrap();
        assert_eq!(repositories.sweep().unwrap(), 3);
        assert_eq!(repositories.sweep().unwrap(), 0);

        repositories.remove(project).unwrap();
        repositories.remove(project).unwrap();
        assert!(repositories.existing(project).is_none());
    }
}
