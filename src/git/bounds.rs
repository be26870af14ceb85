//! How much the walk of a tree may take. A few small objects can stand for a tree of any size: the same folder can be named a
//! million times, and every path below it repeats the names of all folders above.

use super::repository::GitError;
use super::tree::{MAX_DEPTH, MAX_FILES};
use git2::{Oid, Tree};

/// Longest path, in bytes: Linux's `PATH_MAX`, so that no image could hold a longer one.
pub(super) const MAX_PATH_BYTES: usize = 4096;
/// Most bytes of all paths together, and of all folders as git stores them.
pub(super) const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// What one walk has met so far.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    entries: usize,
    paths: usize,
    folders: usize,
}

impl Bounds {
    /// Reads a folder that lies `depth` folders below the root, when there is room for it.
    ///
    /// # Errors
    /// When it lies too deep, is too large, or has too many entries.
    pub(super) fn open<'git>(
        &mut self,
        git: &'git git2::Repository,
        id: Oid,
        depth: usize,
    ) -> Result<Tree<'git>, GitError> {
        if depth > MAX_DEPTH {
            return Err(GitError::TooDeep);
        }
        // Asked before it is read: a few kilobytes of a pack can unfold to a folder of a gigabyte.
        let (size, _) = git.odb()?.read_header(id)?;
        self.folders = self.folders.saturating_add(size);
        if self.folders > MAX_TOTAL_BYTES {
            return Err(GitError::PathsTooLong);
        }
        let tree = git.find_tree(id)?;
        // Those that are not come to yet are in memory already.
        self.entries = self.entries.saturating_add(tree.len());
        if self.entries > MAX_FILES {
            return Err(GitError::TooManyFiles);
        }
        Ok(tree)
    }

    /// Counts a path before it is made, of its folder (empty: the root) and its name.
    ///
    /// # Errors
    /// When it is too long, or all of them together are.
    pub(super) fn path(&mut self, folder: &str, name: &[u8]) -> Result<(), GitError> {
        let bytes = folder.len() + 1 + name.len();
        if bytes > MAX_PATH_BYTES {
            return Err(GitError::PathTooLong);
        }
        self.paths += bytes;
        if self.paths > MAX_TOTAL_BYTES { Err(GitError::PathsTooLong) } else { Ok(()) }
    }
}
