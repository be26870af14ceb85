//! Commits that the server makes itself, of what was not pushed.

use super::repository::{GitError, Repository};
use crate::model::name::CommitId;
use git2::{FileMode, Oid, Signature, Time};

/// Who commits where nobody has pushed.
const COMMITTER: (&str, &str) = ("gilgal", "gilgal@localhost");

/// Whose commit it is, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorship {
    pub name: String,
    pub email: String,
    pub message: String,
}

impl Repository {
    /// Commits one file, on no branch. Blocks on the disk.
    ///
    /// # Errors
    /// When the repository cannot be written.
    pub fn commit_file(&self, name: &str, text: &str, authorship: &Authorship) -> Result<CommitId, GitError> {
        let git = self.git2()?;
        let mut tree = git.treebuilder(None)?;
        tree.insert(name, git.blob(text.as_bytes())?, FileMode::Blob.into())?;
        commit(&git, tree.write()?, authorship)
    }
}

/// Commits a tree, on no branch.
pub(super) fn commit(
    git: &git2::Repository,
    tree: Oid,
    authorship: &Authorship,
) -> Result<CommitId, GitError> {
    let author = Signature::now(&authorship.name, &authorship.email)?;
    let (name, email) = COMMITTER;
    let committer = Signature::new(name, email, &Time::new(author.when().seconds(), 0))?;
    let tree = git.find_tree(tree)?;
    let id = git.commit(None, &author, &committer, &authorship.message, &tree, &[])?;
    id.to_string().parse().map_err(|_| GitError::NoSuchCommit)
}
