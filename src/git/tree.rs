//! The files of a commit, read from the object store.

use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use crate::model::name::CommitId;
use crate::model::source::SourceTree;
use git2::{ObjectType, Oid, TreeWalkMode, TreeWalkResult};

/// Most files a project may have. A tree can name the same folder a million times in a few hundred bytes.
pub(super) const MAX_FILES: usize = 200_000;
/// Largest file that detection reads.
const MAX_READ_BYTES: usize = 1024 * 1024;

/// The tree of a commit. Blocks on the disk: use it where blocking is allowed.
pub struct GitTree {
    git: git2::Repository,
    tree: Oid,
    paths: Vec<String>,
    has_submodules: bool,
}

impl Repository {
    /// The files of a commit.
    ///
    /// # Errors
    /// When there is no such commit, or it has more files than a project may have.
    pub fn tree(&self, commit: &CommitId) -> Result<GitTree, GitError> {
        let git = self.git2()?;
        let tree = git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree_id();
        let (mut paths, mut has_submodules) = (Vec::new(), false);
        git.find_tree(tree)?.walk(TreeWalkMode::PreOrder, |folder, entry| {
            match entry.kind() {
                Some(ObjectType::Blob) if entry.filemode() != i32::from(git2::FileMode::Link) => {
                    if let Ok(name) = std::str::from_utf8(entry.name_bytes()) {
                        paths.push(format!("{folder}{name}"));
                    }
                }
                Some(ObjectType::Commit) => has_submodules = true,
                _ => {}
            }
            if paths.len() > MAX_FILES { TreeWalkResult::Abort } else { TreeWalkResult::Ok }
        })?;
        if paths.len() > MAX_FILES {
            return Err(GitError::TooManyFiles);
        }
        paths.sort();
        Ok(GitTree { git, tree, paths, has_submodules })
    }
}

impl Repository {
    /// Id of the tree of a commit: two commits with the same files have the same one.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn tree_id(&self, commit: &CommitId) -> Result<String, GitError> {
        let git = self.git2()?;
        Ok(git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree_id().to_string())
    }
}

impl GitTree {
    /// Whether the tree has submodules, which are empty folders here.
    #[must_use]
    pub const fn has_submodules(&self) -> bool {
        self.has_submodules
    }

    /// Whether a path is a symbolic link.
    #[must_use]
    pub fn is_link(&self, path: &str) -> bool {
        self.git
            .find_tree(self.tree)
            .and_then(|tree| tree.get_path(std::path::Path::new(path)))
            .is_ok_and(|entry| entry.filemode() == i32::from(git2::FileMode::Link))
    }
}

impl SourceTree for GitTree {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn read(&self, path: &str) -> Option<String> {
        if !self.has(path) {
            return None;
        }
        let entry = self.git.find_tree(self.tree).ok()?.get_path(std::path::Path::new(path)).ok()?;
        let (size, _) = self.git.odb().ok()?.read_header(entry.id()).ok()?;
        if size > MAX_READ_BYTES {
            return None;
        }
        let blob = self.git.find_blob(entry.id()).ok()?;
        std::str::from_utf8(blob.content()).ok().map(str::to_owned)
    }
}
