//! References: what a branch points at, moving it, and pinning the commits of deployments.

use super::repository::{GitError, Repository};
use super::submodules::pin_of_submodule;
use crate::model::id::DeploymentId;
use crate::model::name::{BranchName, CommitId};
use git2::{ErrorCode, Oid};
use std::time::{Duration, Instant};

/// Where the server keeps references of its own, hidden from those who push and fetch.
pub(super) const HIDDEN: &str = "refs/gilgal";
/// Where the commits of deployments are pinned.
pub(super) const PINS: &str = "refs/gilgal/deployments/";

/// How long another git may hold a lock: packing references takes it for moments.
const LOCKED_FOR: Duration = Duration::from_secs(10);
const LOCK_LOOK: Duration = Duration::from_millis(20);

/// What keeps a commit that was fetched.
#[derive(Debug)]
pub enum Pin {
    /// The deployment that it is fetched for.
    Deployment(DeploymentId),
    /// Its own id: it is the commit of a submodule, the same for every deployment.
    Submodule(CommitId),
}

impl Pin {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Deployment(deployment) => pin_name(*deployment),
            Self::Submodule(commit) => pin_of_submodule(commit.as_str()),
        }
    }
}

/// A branch and where it is to point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchMove {
    pub branch: BranchName,
    /// What the pusher saw it point at; `None`: it did not exist.
    pub from: Option<CommitId>,
    pub to: CommitId,
}

/// Why a branch cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Somebody else has moved it meanwhile, and not to an ancestor.
    #[error("the branch points at {} now", .now.short())]
    Moved { now: CommitId },
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Repository {
    /// The commit a branch points at, if there is such a branch.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn branch(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        target(&self.git2()?, &branch.reference())
    }

    /// Whether the branch may be moved as wanted: it still points where the pusher saw it, it points there already,
    /// or the move is a fast-forward from where it points now.
    ///
    /// # Errors
    /// [`MoveError::Moved`] when it may not.
    pub fn check_move(&self, wanted: &BranchMove) -> Result<(), MoveError> {
        let git = self.git2()?;
        let now = target(&git, &wanted.branch.reference())?;
        check(&git, wanted, now.as_ref())
    }

    /// Moves the branch, by the same rule. Doing it twice is doing it once. Blocks while another git holds a lock, as one that
    /// packs references, for some seconds.
    ///
    /// # Errors
    /// [`MoveError::Moved`] when the rule does not allow it, or when somebody moves it at the same moment.
    pub fn move_branch(&self, wanted: &BranchMove, note: &str) -> Result<(), MoveError> {
        let begun = Instant::now();
        loop {
            match self.try_move(wanted, note) {
                Err(MoveError::Git(GitError::Git(error)))
                    if error.code() == ErrorCode::Locked && begun.elapsed() < LOCKED_FOR =>
                {
                    std::thread::sleep(LOCK_LOOK);
                }
                moved => return moved,
            }
        }
    }

    fn try_move(&self, wanted: &BranchMove, note: &str) -> Result<(), MoveError> {
        let git = self.git2()?;
        let reference = wanted.branch.reference();
        let now = target(&git, &reference)?;
        check(&git, wanted, now.as_ref())?;
        let to = oid(&wanted.to)?;
        let moved = match &now {
            Some(now) => git.reference_matching(&reference, to, true, oid(now)?, note),
            None => git.reference(&reference, to, false, note),
        };
        match moved {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists) => {
                Err(MoveError::Moved { now: target(&git, &reference)?.unwrap_or_else(|| wanted.to.clone()) })
            }
            Err(error) => Err(GitError::from(error).into()),
        }
    }

    /// Whether there is no reference of any kind, those of deployments included.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn is_empty(&self) -> Result<bool, GitError> {
        let git = self.git2()?;
        Ok(git.references()?.next().transpose()?.is_none())
    }

    /// How many references there are, without the pins of deployments. Stops counting above `enough`.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn count_references(&self, enough: usize) -> Result<usize, GitError> {
        let git = self.git2()?;
        let mut references = git.references()?;
        let shown = references.names().filter(|name| !matches!(name, Ok(name) if name.starts_with(PINS)));
        Ok(shown.take(enough.saturating_add(1)).count())
    }

    /// Whether the repository has a commit.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn has_commit(&self, commit: &CommitId) -> Result<bool, GitError> {
        match self.git2()?.find_commit(oid(commit)?) {
            Ok(_) => Ok(true),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a commit comes, over some others or none, from another one. One that is not here is come from by none.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn descends_from(&self, commit: &CommitId, other: &CommitId) -> Result<bool, GitError> {
        let git = self.git2()?;
        match git.find_commit(oid(other)?) {
            Ok(other) => Ok(git.graph_descendant_of(oid(commit)?, other.id())?),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the commit of a deployment from being collected, for as long as the deployment is known.
    ///
    /// # Errors
    /// [`GitError::NoSuchCommit`] when the repository does not have the commit.
    pub fn pin(&self, deployment: DeploymentId, commit: &CommitId) -> Result<(), GitError> {
        let git = self.git2()?;
        let commit = git.find_commit(oid(commit)?).map_err(no_such_commit)?;
        git.reference(&pin_name(deployment), commit.id(), true, "pinned by a deployment")?;
        Ok(())
    }
}

pub(super) fn pin_name(deployment: DeploymentId) -> String {
    format!("{PINS}{deployment}")
}

/// Whether a text that somebody gives to git could stand for a pin: git takes `gilgal/deployments/…` for
/// `refs/gilgal/deployments/…` (gitrevisions(7)).
#[must_use]
pub fn names_hidden_reference(text: &str) -> bool {
    text.contains(PINS.trim_start_matches("refs/"))
}

pub(super) fn oid(commit: &CommitId) -> Result<Oid, GitError> {
    Ok(Oid::from_str(commit.as_str())?)
}

pub(super) fn no_such_commit(error: git2::Error) -> GitError {
    if error.code() == ErrorCode::NotFound { GitError::NoSuchCommit } else { error.into() }
}

fn target(git: &git2::Repository, reference: &str) -> Result<Option<CommitId>, GitError> {
    match git.refname_to_id(reference) {
        Ok(id) => Ok(id.to_string().parse().ok()),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn check(git: &git2::Repository, wanted: &BranchMove, now: Option<&CommitId>) -> Result<(), MoveError> {
    let Some(now) = now else { return Ok(()) };
    if *now == wanted.to || wanted.from.as_ref() == Some(now) {
        return Ok(());
    }
    let fast_forward = git.graph_descendant_of(oid(&wanted.to)?, oid(now)?).map_err(GitError::from)?;
    if fast_forward { Ok(()) } else { Err(MoveError::Moved { now: now.clone() }) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::git::repository::Repositories;
    use crate::model::id::ProjectId;
    use git2::Signature;

    pub(in crate::git) fn commit(repository: &Repository, parent: Option<&CommitId>, text: &str) -> CommitId {
        let git = repository.git2().unwrap();
        let signature = Signature::now("Ada", "ada@example.com").unwrap();
        let tree = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let parent = parent.map(|id| git.find_commit(oid(id).unwrap()).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        git.commit(None, &signature, &signature, text, &tree, &parents).unwrap().to_string().parse().unwrap()
    }

    #[test]
    fn a_branch_that_is_locked_for_a_moment_moves() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let branch: BranchName = "main".parse().unwrap();
        let first = commit(&repository, None, "first");
        let second = commit(&repository, Some(&first), "second");
        let to = |to: &CommitId| BranchMove { branch: branch.clone(), from: None, to: to.clone() };
        repository.move_branch(&to(&first), "test").unwrap();
        let lock = repository.path().join("refs/heads/main.lock");
        std::fs::write(&lock, "").unwrap();
        let releasing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            std::fs::remove_file(lock).unwrap();
        });
        repository.move_branch(&to(&second), "test").unwrap();
        assert_eq!(repository.branch(&branch).unwrap(), Some(second));
        releasing.join().unwrap();
    }

    #[test]
    fn a_branch_moves_from_where_it_was_seen_or_forward() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let branch: BranchName = "main".parse().unwrap();
        let first = commit(&repository, None, "first");
        let second = commit(&repository, Some(&first), "second");
        let third = commit(&repository, Some(&second), "third");
        let rewritten = commit(&repository, Some(&first), "rewritten");
        let wanted = |from: Option<&CommitId>, to: &CommitId| BranchMove {
            branch: branch.clone(),
            from: from.cloned(),
            to: to.clone(),
        };

        repository.move_branch(&wanted(None, &second), "test").unwrap();
        repository.move_branch(&wanted(None, &second), "test").unwrap();
        // The pusher saw nothing, but the move is a fast-forward from what is there now.
        repository.move_branch(&wanted(None, &third), "test").unwrap();
        // Neither where it was seen nor forward.
        let refused = repository.move_branch(&wanted(Some(&second), &rewritten), "test");
        assert!(matches!(refused, Err(MoveError::Moved { now }) if now == third));
        // A forced push from what the pusher saw is a move like any other.
        repository.move_branch(&wanted(Some(&third), &rewritten), "test").unwrap();
        assert_eq!(repository.branch(&branch).unwrap(), Some(rewritten));
    }
}
