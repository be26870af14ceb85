//! Removing what nothing needs any more: leftovers of killed pushes, and repositories of deleted projects.

use super::repository::{GitError, Repositories, Repository};
use crate::model::id::ProjectId;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// How long a repository without a project is kept: with a database that was restored from an old backup, it holds the
/// only copy of its commits.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// What a push leaves that is killed, by the beginnings of the names: its quarantine, and the boundary of a shallow clone.
const OF_PUSHES: [&str; 2] = ["tmp_objdir-incoming-", "shallow_"];

/// What git locks beside the references in files of their own (gitrepository-layout(5)).
const LOCKS: [&str; 3] = ["packed-refs.lock", "HEAD.lock", "config.lock"];

impl Repositories {
    /// Removes the repository of a project; one that does not exist is removed already. A push that is under way finds it
    /// whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be removed whole.
    pub fn remove(&self, project: ProjectId) -> Result<(), GitError> {
        let unused = self.unfinished(project);
        match fs::rename(self.path(project), &unused) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(fs::remove_dir_all(unused)?),
        }
    }

    /// Puts the repository of a project that is not known any more aside, as `<id>-….deleted`, which a later
    /// [`Repositories::sweep`] removes after a week. Answers with where it is.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn retire(&self, project: ProjectId) -> Result<PathBuf, GitError> {
        let aside = self.folder().join(format!("{project}-{}.deleted", Uuid::now_v7().simple()));
        fs::rename(self.path(project), &aside)?;
        Ok(aside)
    }

    /// A folder of its own for what becomes a repository or has ceased to be one.
    pub(super) fn unfinished(&self, project: ProjectId) -> PathBuf {
        self.folder().join(format!("{project}-{}.new", Uuid::now_v7().simple()))
    }

    /// Removes what killed pushes have left behind at least `age` ago (quarantined objects, temporary packs, unfinished
    /// repositories), and repositories that were put aside a week ago.
    ///
    /// With an age of zero it is for the start, when no push can be under way. Answers with the number of things removed.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn sweep(&self, age: Duration) -> Result<usize, GitError> {
        let mut removed = 0;
        for entry in fs::read_dir(self.folder())? {
            let path = entry?.path();
            let outlived = |age| older_than(&path, age) && fs::remove_dir_all(&path).is_ok();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("new") => removed += usize::from(outlived(age)),
                Some("deleted") => removed += usize::from(outlived(KEPT)),
                Some("git") => {
                    let repository = Repository::at(path);
                    removed += repository.sweep(age)?;
                    if age.is_zero() {
                        removed += repository.sweep_locks()?;
                    }
                }
                Some(_) | None => {}
            }
        }
        Ok(removed)
    }
}

impl Repository {
    /// What pushes that were killed have left, where none is under way. The packing of a repository, which may be, is no
    /// push.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn leftovers_of_pushes(&self) -> Result<Vec<PathBuf>, GitError> {
        self.leftovers(&OF_PUSHES, Duration::ZERO)
    }

    /// Removes quarantined objects, temporary packs and what has arrived in part that are older than `age`, and large files
    /// that nothing has needed for long.
    ///
    /// git names a quarantine `objects/tmp_objdir-incoming-…` and removes it itself unless it is killed by a signal.
    fn sweep(&self, age: Duration) -> Result<usize, GitError> {
        let of_pushes = self.leftovers(&OF_PUSHES, age)?;
        let of_packing = self.leftovers(&["tmp_pack_", "tmp_idx_", "tmp_object_git2_"], age)?;
        let large_files = self.forget_large_files(age)?;
        Ok(remove_leftovers(&of_pushes) + remove_leftovers(&of_packing) + large_files)
    }

    /// Removes the locks of a git that was killed: nobody could move what they lock ever again. A server that was killed may
    /// have left one that still packs, which removes its own.
    fn sweep_locks(&self) -> Result<usize, GitError> {
        let packer = fs::read_to_string(self.path().join("gc.pid")).unwrap_or_default();
        let packer = packer.split_whitespace().next().and_then(|pid| pid.parse::<u32>().ok());
        if packer.is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists()) {
            return Ok(0);
        }
        let mut locks: Vec<PathBuf> =
            LOCKS.iter().map(|name| self.path().join(name)).filter(|path| path.exists()).collect();
        let mut folders = vec![self.path().join("refs")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "lock") {
                    locks.push(path);
                }
            }
        }
        Ok(remove_leftovers(&locks))
    }

    /// Everything whose name begins in one of these ways.
    fn leftovers(&self, prefixes: &[&str], age: Duration) -> Result<Vec<PathBuf>, GitError> {
        let mut found = Vec::new();
        for folder in [self.path().join("objects"), self.path().join("objects/pack"), self.path().to_owned()]
        {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let is_leftover = prefixes.iter().any(|prefix| name.starts_with(prefix));
                found.extend(Some(entry.path()).filter(|path| is_leftover && older_than(path, age)));
            }
        }
        Ok(found)
    }
}

/// Removes files and folders; gives how many.
pub fn remove_leftovers(leftovers: &[PathBuf]) -> usize {
    let remove = |path: &&PathBuf| {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.is_ok()
    };
    leftovers.iter().filter(remove).count()
}

/// Whether nothing has changed a file or a folder for so long, its name included: a folder's own time of modification
/// says nothing about a rename.
fn older_than(path: &Path, age: Duration) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    let changed = Duration::from_secs(metadata.ctime().try_into().unwrap_or(0));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(changed) >= age
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_swept_when_they_are_old_enough() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(ProjectId::generate()).unwrap();
        fs::create_dir_all(repository.path().join("objects/tmp_objdir-incoming-x/pack")).unwrap();
        fs::write(repository.path().join("objects/pack/tmp_pack_1"), "x").unwrap();
        fs::create_dir(folder.path().join("half.new")).unwrap();
        assert_eq!(repositories.sweep(Duration::from_hours(1)).unwrap(), 0);
        assert_eq!(repositories.sweep(Duration::ZERO).unwrap(), 3);
        assert_eq!(repositories.sweep(Duration::ZERO).unwrap(), 0);
    }

    #[test]
    fn locks_are_removed_at_the_start_unless_somebody_packs() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(ProjectId::generate()).unwrap();
        let locks = ["refs/heads/feature/x.lock", "packed-refs.lock", "HEAD.lock"]
            .map(|lock| repository.path().join(lock));
        fs::create_dir_all(repository.path().join("refs/heads/feature")).unwrap();
        for lock in &locks {
            fs::write(lock, "").unwrap();
        }
        fs::write(repository.path().join("refs/heads/feature/locked"), "").unwrap();
        assert_eq!(repositories.sweep(Duration::from_hours(1)).unwrap(), 0);
        fs::write(repository.path().join("gc.pid"), format!("{} here", std::process::id())).unwrap();
        assert_eq!(repositories.sweep(Duration::ZERO).unwrap(), 0);
        fs::write(repository.path().join("gc.pid"), format!("{} here", u32::MAX)).unwrap();
        assert_eq!(repositories.sweep(Duration::ZERO).unwrap(), 3);
        assert!(!locks.iter().any(|lock| lock.exists()));
        assert!(repository.path().join("refs/heads/feature/locked").exists());
    }

    #[test]
    fn a_repository_that_is_put_aside_is_kept_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let project = ProjectId::generate();
        repositories.open_or_create(project).unwrap();
        assert_eq!(repositories.projects().unwrap(), [project]);
        let aside = repositories.retire(project).unwrap();
        assert!(repositories.projects().unwrap().is_empty());
        assert!(repositories.existing(project).is_none());
        assert_eq!(repositories.sweep(Duration::ZERO).unwrap(), 0);
        assert!(aside.join("HEAD").exists());
    }
}
