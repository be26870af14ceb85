//! What a push brings, looked at before it is accepted: git holds its objects apart, in a quarantine, meanwhile.

use super::references::oid;
use super::repository::{GitError, Repository};
use crate::model::name::CommitId;
use git2::{ErrorCode, ObjectType};
use std::path::Path;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Commit,
    /// An annotated tag, which points at something itself.
    Tag,
    Tree,
    Blob,
}

impl ObjectKind {
    const fn of(kind: ObjectType) -> Option<Self> {
        match kind {
            ObjectType::Commit => Some(Self::Commit),
            ObjectType::Tag => Some(Self::Tag),
            ObjectType::Tree => Some(Self::Tree),
            ObjectType::Blob => Some(Self::Blob),
            ObjectType::Any => None,
        }
    }
}

impl Repository {
    /// What each of these objects is; `None` where there is none.
    ///
    /// `quarantine` is the folder in which git holds the objects of a push that is not accepted yet.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn object_kinds<'a>(
        &self,
        ids: impl Iterator<Item = &'a CommitId>,
        quarantine: Option<&Path>,
    ) -> Result<Vec<Option<ObjectKind>>, GitError> {
        let git = self.with_quarantine(quarantine)?;
        let objects = git.odb()?;
        ids.map(|id| match objects.read_header(oid(id)?) {
            Ok((_size, kind)) => Ok(ObjectKind::of(kind)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
        .collect()
    }

    /// Whether the commits between what the repository has and `commits` are all there. A shallow clone's are not.
    ///
    /// One walk for all of them: ten thousand references may name one long history. `go_on` is asked before each commit;
    /// the answer is no when it says no.
    ///
    /// `quarantine` is the folder in which git holds the objects of a push that is not accepted yet.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn are_complete<'a>(
        &self,
        commits: impl Iterator<Item = &'a CommitId>,
        quarantine: Option<&Path>,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<bool, GitError> {
        let git = self.with_quarantine(quarantine)?;
        let mut walk = git.revwalk()?;
        walk.hide_glob("refs/*")?;
        for commit in commits {
            if !go_on() || walk.push(oid(commit)?).is_err() {
                return Ok(false);
            }
        }
        for step in walk {
            match step {
                Ok(_) if go_on() => {}
                Ok(_) => return Ok(false),
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Whether a push from a shallow clone may be under way: git keeps the boundary in `shallow_XXXXXX` meanwhile.
    #[must_use]
    pub fn receives_shallow(&self) -> bool {
        std::fs::read_dir(self.path()).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("shallow_"))
            })
        })
    }

    fn with_quarantine(&self, quarantine: Option<&Path>) -> Result<git2::Repository, GitError> {
        let git = self.git2()?;
        if let Some(path) = quarantine.and_then(Path::to_str) {
            git.odb()?.add_disk_alternate(path)?;
        }
        Ok(git)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::references::tests::commit;
    use crate::git::repository::Repositories;
    use crate::model::id::{DeploymentId, ProjectId};

    #[test]
    fn a_commit_with_missing_parents_is_not_complete() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let first = commit(&repository, None, "first");
        let second = commit(&repository, Some(&first), "second");
        assert!(repository.are_complete([&second].into_iter(), None, || true).unwrap());
        let id = first.as_str();
        std::fs::remove_file(repository.path().join("objects").join(&id[..2]).join(&id[2..])).unwrap();
        assert!(!repository.are_complete([&second].into_iter(), None, || true).unwrap());
        assert!(matches!(repository.pin(DeploymentId::generate(), &first), Err(GitError::NoSuchCommit)));
    }

    #[test]
    fn one_walk_does_for_all_commits_and_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let mut commits = vec![commit(&repository, None, "first")];
        for number in 1..50 {
            commits.push(commit(&repository, commits.last(), &number.to_string()));
        }
        let mut steps = 0;
        let count = || {
            steps += 1;
            true
        };
        assert!(repository.are_complete(commits.iter(), None, count).unwrap());
        assert_eq!(steps, 50 + 50, "each is named once and met once");
        let mut steps = 0;
        let stop = || {
            steps += 1;
            steps < 60
        };
        assert!(!repository.are_complete(commits.iter(), None, stop).unwrap());
        assert_eq!(steps, 60);
    }

    #[test]
    fn objects_are_told_apart_in_the_repository_and_in_the_quarantine() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(ProjectId::generate()).unwrap();
        let commit = commit(&repository, None, "first");
        let git = repository.git2().unwrap();
        let blob = git.blob(b"text").unwrap();
        // Not the empty tree, which git takes to be everywhere.
        let mut tree = git.treebuilder(None).unwrap();
        tree.insert("file", blob, git2::FileMode::Blob.into()).unwrap();
        let tree = tree.write().unwrap().to_string().parse().unwrap();
        let blob = blob.to_string().parse().unwrap();
        let nothing = "1".repeat(40).parse().unwrap();
        let kinds = |repository: &Repository, quarantine: Option<&Path>| {
            repository.object_kinds([&commit, &tree, &blob, &nothing].into_iter(), quarantine).unwrap()
        };
        let known = [Some(ObjectKind::Commit), Some(ObjectKind::Tree), Some(ObjectKind::Blob), None];
        assert_eq!(kinds(&repository, None), known);

        let other = repositories.open_or_create(ProjectId::generate()).unwrap();
        assert_eq!(kinds(&other, None), [None; 4]);
        assert_eq!(kinds(&other, Some(&repository.path().join("objects"))), known);
    }
}
